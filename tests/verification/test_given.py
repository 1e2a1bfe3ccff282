"""What may be given to `verify` as inputs, and what models and sizes it runs."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from PIL import Image

from mobilezoo import BatchRange, ImageSizes, export_coreml, randomize_weights, verify
from mobilezoo.errors import InvalidArgumentError

RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 256, (3, 9, 7, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def two_inputs(tmp_path_factory):
    a, b = keras.Input((4,), name="a"), keras.Input((5,), name="b")
    model = randomize_weights(keras.Model([a, b], layers.Dense(3)(layers.Concatenate()([a, b]))))
    file = tmp_path_factory.mktemp("two") / "m.mlpackage"
    export_coreml(model, file)
    return model, file


@pytest.fixture(scope="module")
def of_pictures(tmp_path_factory):
    inputs = keras.Input((9, 7, 3), name="image")
    hidden = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(inputs))
    model = randomize_weights(keras.Model(inputs, hidden), preprocessing="unit")
    file = tmp_path_factory.mktemp("pictures") / "m.mlpackage"
    export_coreml(model, file, preprocessing="unit")
    return model, file


def numbers(*shape):
    return RNG.normal(size=shape).astype("float32")


def test_a_dictionary_is_read_by_names(two_inputs):
    assert verify(*two_inputs, {"b": numbers(6, 5), "a": numbers(6, 4)}).examples == 6


def test_a_dictionary_of_other_names_is_refused(two_inputs):
    with pytest.raises(InvalidArgumentError, match=r"inputs are \['a', 'b'\]; given were \['a'\]"):
        verify(*two_inputs, {"a": numbers(6, 4)})


def test_inputs_with_other_numbers_of_examples_are_refused(two_inputs):
    with pytest.raises(InvalidArgumentError, match=r"numbers of examples \('a': 4, 'b': 2\)"):
        verify(*two_inputs, [numbers(4, 4), numbers(2, 5)])


@pytest.mark.parametrize("pack", [list, tuple, lambda items: {"image": list(items)}])
def test_pictures_of_pil_are_read(of_pictures, pack):
    pictures = [Image.fromarray(picture) for picture in PICTURES]

    assert verify(*of_pictures, pack(pictures)).examples == 3
    assert verify(*of_pictures, pictures[0]).examples == 1


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("pictures/cat.png", "str"),
        ([Path("cat.png"), Path("dog.png")], "PosixPath"),
        (tf.data.Dataset.from_tensor_slices(PICTURES).batch(2), "_BatchDataset"),
        ((picture for picture in PICTURES), "generator"),
        ([[[1, 2], [3]]], "list"),
    ],
)
def test_what_holds_no_numbers_is_named(of_pictures, given, kind):
    with pytest.raises(InvalidArgumentError, match=f"cannot take {kind} as inputs. Pass an array"):
        verify(*of_pictures, given)


def test_an_input_that_is_a_number_is_compared(tmp_path):
    inputs = keras.Input((), name="x")
    model = randomize_weights(keras.Model(inputs, layers.Dense(3)(layers.Reshape((1,))(inputs))))
    export_coreml(model, tmp_path / "m.mlpackage")

    assert verify(model, tmp_path / "m.mlpackage").examples == 4
    assert verify(model, tmp_path / "m.mlpackage", numbers(5)).examples == 5


def test_names_with_a_space_are_compared(tmp_path):
    inputs = keras.Input((4,), name="in 1")
    model = randomize_weights(keras.Model(inputs, layers.Dense(3, name="out 1")(inputs)))
    export_coreml(model, tmp_path / "m.mlpackage")

    assert list(verify(model, tmp_path / "m.mlpackage").layers) == ["out 1"]


def test_bilinear_upsampling_of_free_sides_is_compared(tmp_path):
    inputs = keras.Input((None, None, 3), name="x")
    enlarged = layers.UpSampling2D(2, interpolation="bilinear")(layers.Conv2D(4, 3)(inputs))
    model = randomize_weights(keras.Model(inputs, layers.GlobalAveragePooling2D()(enlarged)))
    sizes = ImageSizes([(16, 20), (24, 18)])
    export_coreml(model, tmp_path / "m.mlpackage", inputs="array", flexible=sizes)

    assert verify(model, tmp_path / "m.mlpackage").sizes == 2


@pytest.mark.parametrize(
    ("upper", "tried"), [(64, ("2", "4", "64")), (65, ("2", "4")), (3, ("2", "3"))]
)
def test_a_range_of_examples_is_tried_at_its_upper_end_if_that_is_small(tmp_path, upper, tried):
    inputs = keras.Input((6,), name="x")
    model = randomize_weights(keras.Model(inputs, layers.Dense(3)(inputs)))
    export_coreml(model, tmp_path / "m.mlpackage", flexible=BatchRange(2, upper))

    agreement = verify(model, tmp_path / "m.mlpackage")

    assert agreement.tried == tuple(f"{count} examples" for count in tried)
