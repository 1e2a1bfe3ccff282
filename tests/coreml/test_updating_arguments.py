"""Which layers are to learn, and how: layers or their names, and numbers that make sense."""

import keras
import numpy as np
import pytest
from keras import layers

from mobilezoo import OnDeviceTraining, export_coreml, mobilenet, randomize_weights
from mobilezoo.errors import InvalidArgumentError


def export(model, updatable, **options):
    return export_coreml(
        model,
        precision="float32",
        minimum_deployment_target="iOS13",
        updatable=updatable,
        **{"inputs": "array", **options},
    ).get_spec()


def learning_layers(spec):
    network = getattr(spec, spec.WhichOneof("Type"))
    return [layer.name for layer in network.layers if layer.isUpdatable]


def test_a_layer_may_be_given_itself(functional):
    fc = layers.Dense(3, name="fc")
    model = functional(layers.Flatten(), layers.Dense(4, name="hidden"), fc, layers.Softmax())

    assert learning_layers(export(model, [fc])) == ["fc"]
    assert learning_layers(export(model, OnDeviceTraining((fc, "hidden")))) == ["hidden", "fc"]


def test_a_layer_in_a_nested_model_is_found():
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(3, name="fc")], name="head")
    inputs = keras.Input((4,))
    model = keras.Model(inputs, layers.Softmax()(inner(inputs)))

    assert learning_layers(export(model, [inner.get_layer("fc")])) == ["head"]


def test_a_layer_of_another_model_is_refused(functional):
    model = functional(layers.Flatten(), layers.Dense(3, name="fc"), layers.Softmax())

    with pytest.raises(InvalidArgumentError, match="layer 'fc' is not in 'net'"):
        export(model, [layers.Dense(3, name="fc")])


def test_of_several_layers_with_one_name_the_path_is_asked_for():
    heads = [
        keras.Sequential([keras.Input((4,)), layers.Dense(4, name="fc")], name=name)
        for name in ("first", "second")
    ]
    inputs = keras.Input((4,))
    model = keras.Model(inputs, layers.Softmax()(heads[1](heads[0](inputs))))

    with pytest.raises(InvalidArgumentError, match="Pass the path: 'first/fc', 'second/fc'"):
        export(model, [heads[0].get_layer("fc")])


@pytest.mark.parametrize("wrong", ["stem_relu", "no_such_layer"])
def test_only_layers_that_gradients_reach_are_offered(wrong):
    model = randomize_weights(mobilenet((32, 48, 3), alpha=0.25, classes=3))

    with pytest.raises(InvalidArgumentError, match=r"Choose among 'logits_conv'\.$"):
        export(model, [wrong], inputs="image")


@pytest.mark.parametrize("updatable", ["fc", [], 5, [5], [None], {"fc": 1}, True, layers.Dense(3)])
def test_what_is_no_list_of_layers_is_refused(functional, updatable):
    model = functional(layers.Flatten(), layers.Dense(3, name="fc"), layers.Softmax())

    with pytest.raises(InvalidArgumentError, match=r"is no list of layers: pass one such as \['fc"):
        export(model, updatable)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"learning_rate": "a"}, "learning_rate='a' must be a number above 0"),
        ({"learning_rate": None}, "must be a number above 0"),
        ({"learning_rate": float("nan")}, "must be a number above 0"),
        ({"shuffle": "x"}, "shuffle='x' must be True or False"),
        ({"batch_sizes": [True]}, "must be whole numbers from 1"),
        ({"batch_sizes": 8}, "must be whole numbers from 1"),
        ({"epochs": [2**80]}, "must be whole numbers from 1 to 2147483647"),
        ({"loss": ["mean_squared_error"]}, "Unknown loss"),
        ({"optimizer": np.zeros(2)}, "Unknown optimizer"),
    ],
)
def test_numbers_that_make_no_sense_are_refused_at_once(options, message):
    with pytest.raises(InvalidArgumentError, match=message):
        OnDeviceTraining(["fc"], **options)


def test_numbers_may_be_numpy_s(functional):
    model = functional(layers.Flatten(), layers.Dense(3, name="fc"), layers.Softmax())
    training = OnDeviceTraining(
        ["fc"],
        learning_rate=np.float32(0.5),
        batch_sizes=np.array([8, 4]),
        epochs=range(2, 4),
        shuffle=np.False_,
    )

    parameters = export(model, training).neuralNetwork.updateParams

    assert parameters.optimizer.sgdOptimizer.learningRate.defaultValue == 0.5
    assert parameters.optimizer.sgdOptimizer.miniBatchSize.defaultValue == 8
    assert parameters.epochs.set.values == [2, 3]
    assert not parameters.shuffle.defaultValue


@pytest.mark.parametrize("labels", [None, ["cat", "dog"]])
@pytest.mark.parametrize("loss", [None, "categorical_cross_entropy"])
def test_one_unit_is_told_to_be_two_with_or_without_labels(functional, loss, labels):
    model = functional(layers.Flatten(), layers.Dense(1, activation="sigmoid", name="fc"))

    with pytest.raises(
        InvalidArgumentError, match=r"is one unit.*end the model in Dense\(2, "
    ) as e:
        export(model, OnDeviceTraining(["fc"], loss=loss), labels=labels)

    assert "Softmax layer" not in str(e.value)


@pytest.mark.filterwarnings("ignore:You are using a softmax over axis")  # Keras's own, at the call
@pytest.mark.parametrize("loss", [None, "categorical_cross_entropy", "mean_squared_error"])
def test_a_softmax_over_one_unit_teaches_nothing_and_is_refused(functional, loss):
    model = functional(layers.Flatten(), layers.Dense(1, activation="softmax", name="fc"))

    with pytest.raises(InvalidArgumentError, match=r"which is 1.0 for every picture. For two"):
        export(model, OnDeviceTraining(["fc"], loss=loss))


def test_several_sigmoids_are_told_the_loss_that_fits(functional):
    model = functional(layers.Flatten(), layers.Dense(3, activation="sigmoid", name="fc"))

    with pytest.raises(InvalidArgumentError, match=r"by sigmoids.*Pass .*'mean_squared_error'\)"):
        export(model, ["fc"], labels=["cat", "dog", "rabbit"])

    squared = OnDeviceTraining(["fc"], loss="mean_squared_error")
    assert len(learning_layers(export(model, squared))) == 1


def test_a_mean_of_softmaxes_is_told_to_end_in_one():
    inputs = keras.Input((4,))
    heads = [layers.Dense(3, activation="softmax", name=name)(inputs) for name in ("a", "b")]
    model = keras.Model(inputs, layers.Average()(heads))

    with pytest.raises(InvalidArgumentError, match="needs a softmax as the last layer"):
        export(model, ["a"], labels=["cat", "dog", "rabbit"])
