"""A model made of a network's layers takes its pixels, unless something comes in between."""

import keras
import pytest
from keras import layers

from mobilezoo import mnist_cnn, mobilenet_v3_small
from mobilezoo.data.preprocessing import preprocessing_of, set_preprocessing

SHAPE = (8, 12, 1)


def backbone(**options):
    return mnist_cnn(include_top=False, pooling="avg", **options)


def name_of(model):
    record = preprocessing_of(model)
    return None if record is None else record.name


def test_a_head_on_a_backbones_output_inherits():
    base = backbone(input_shape=SHAPE)

    assert name_of(keras.Model(base.input, layers.Dense(3)(base.output))) == "unit"


def test_a_part_of_a_network_inherits():
    base = backbone(input_shape=SHAPE)

    assert name_of(keras.Model(base.input, base.get_layer("block1_pool").output)) == "unit"


def test_a_network_that_scales_pixels_itself_hands_that_on():
    base = mobilenet_v3_small(include_top=False, input_shape=(32, 48, 3), alpha=0.35)

    assert name_of(keras.Model(base.input, layers.Flatten()(base.output))) == "none"


def test_a_model_around_a_network_inherits():
    inputs = keras.Input(SHAPE)
    around = keras.Model(inputs, layers.Dense(3)(backbone()(inputs)))

    assert name_of(around) == "unit"
    outer = keras.Input(SHAPE)
    assert name_of(keras.Model(outer, around(outer))) == "unit"


@pytest.mark.parametrize("first", [[], [keras.Input(SHAPE)]])
def test_a_sequence_that_begins_with_a_network_inherits(first):
    sequence = keras.Sequential([*first, backbone(input_shape=SHAPE), layers.Dense(3)])

    assert name_of(sequence) == "unit"


def test_a_networks_own_record_comes_before_an_inherited_one():
    base = backbone(input_shape=SHAPE)
    head = keras.Model(base.input, layers.Dense(3)(base.output))

    assert name_of(set_preprocessing(head, "tf")) == "tf"
    assert name_of(base) == "unit"


@pytest.mark.parametrize("change", [layers.Rescaling(1 / 255), lambda x: x / 255])
def test_with_something_in_between_nothing_is_inherited(change):
    base = backbone(input_shape=SHAPE)
    inputs = keras.Input(SHAPE)
    base(inputs)  # a call that is no part of the model below

    assert name_of(keras.Model(inputs, base(change(inputs)))) is None
    assert name_of(keras.Model(base.input, base(change(base.input)))) is None


def augmentation():
    return [layers.RandomFlip(), layers.RandomRotation(0.1), layers.GaussianNoise(0.1)]


@pytest.mark.parametrize(
    "steps",
    [
        augmentation,
        lambda: [keras.Sequential(augmentation())],
        lambda: [layers.Pipeline(augmentation())],
        lambda: [keras.Sequential([keras.Sequential(augmentation()), layers.Identity()])],
    ],
)
def test_layers_that_act_in_training_only_may_come_in_between(steps):
    base = backbone(input_shape=SHAPE)
    sequence = keras.Sequential([keras.Input(SHAPE), *steps(), base, layers.Dense(3)])
    inputs = x = keras.Input(SHAPE)
    for step in steps():
        x = step(x)

    assert name_of(sequence) == "unit"
    assert name_of(keras.Model(inputs, base(x))) == "unit"
    assert name_of(keras.Sequential([keras.Input(SHAPE), *steps(), sequence])) == "unit"


@pytest.mark.parametrize("place", [0, 1, 3])
def test_augmentation_does_not_hide_what_changes_pixels(place):
    steps = augmentation()
    steps.insert(place, layers.Rescaling(1 / 255))

    first = keras.Sequential([keras.Input(SHAPE), *steps, backbone(input_shape=SHAPE)])
    nested = keras.Sequential(
        [keras.Input(SHAPE), keras.Sequential(steps), backbone(input_shape=SHAPE)]
    )

    assert name_of(first) is None
    assert name_of(nested) is None


def test_a_record_that_is_set_on_a_network_with_augmentation_is_inherited():
    net = keras.Sequential([keras.Input(SHAPE), *augmentation(), layers.Conv2D(4, 3)])
    set_preprocessing(net, "tf")

    around = keras.Sequential([keras.Input(SHAPE), layers.RandomFlip(), net, layers.Flatten()])

    assert name_of(around) == "tf"


def test_networks_that_disagree_hand_nothing_on():
    base = backbone(input_shape=SHAPE)
    other = set_preprocessing(
        keras.Model(base.input, layers.Conv2D(4, 3, name="other")(base.input)), "tf"
    )

    assert name_of(keras.Model(base.input, [base.output, other.output])) is None
    assert (name_of(base), name_of(other)) == ("unit", "tf")


def test_one_layer_under_two_records_hands_nothing_on():
    base = backbone(input_shape=SHAPE)
    set_preprocessing(keras.Model(base.input, layers.Dense(3)(base.output)), "tf")

    assert name_of(keras.Model(base.input, layers.Dense(2)(base.output))) is None
    assert name_of(base) == "unit"


def test_models_that_are_no_networks_of_the_zoo_have_no_record(tmp_path):
    a, b = keras.Input((4,)), keras.Input((4,))
    base = backbone(input_shape=SHAPE)
    base.save(tmp_path / "m.keras")

    assert name_of(keras.Sequential([keras.Input((4,)), layers.Dense(2)])) is None
    assert name_of(keras.Sequential([layers.Dense(2)])) is None
    assert name_of(keras.Model([a, b], layers.Add()([a, b]))) is None
    assert name_of(keras.models.load_model(tmp_path / "m.keras")) is None
    assert name_of(keras.models.clone_model(base)) is None
