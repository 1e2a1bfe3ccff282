"""Layers that learn on the device: what the file says, against coremltools' own builder."""

import keras
import numpy as np
import pytest
from coremltools.models import datatypes
from coremltools.models.neural_network import AdamParams, NeuralNetworkBuilder, SgdParams
from keras import layers

from mobilezoo import OnDeviceTraining, export_coreml, load_coreml, randomize_weights, verify
from mobilezoo.errors import InvalidArgumentError

from .layer_kinds import network_of

LABELS = ["ant", "bee", "cat", "dog", "eel"]


@pytest.fixture
def pets():
    """(9, 7, 3) -> 5 classes; a batch norm to fold, a branch, two layers that can learn."""
    inputs = keras.Input((9, 7, 3), name="picture")
    stem = layers.Conv2D(4, 3, padding="same", name="stem")(inputs)
    x = layers.add([stem, layers.LeakyReLU(name="leaky")(stem)], name="joined")
    x = layers.Conv2D(6, 3, use_bias=False, name="conv")(x)
    x = layers.ReLU(name="relu")(layers.BatchNormalization(name="norm")(x))
    x = layers.Flatten(name="flat")(layers.MaxPooling2D(2, name="pool")(x))
    x = layers.Dropout(0.5)(x)
    return randomize_weights(
        keras.Model(inputs, layers.Dense(5, "softmax", name="fc")(x), name="pets")
    )


@pytest.fixture
def regressor(functional):
    return randomize_weights(
        functional(layers.Dense(8, "tanh", name="hidden"), layers.Dense(2, name="xy"), shape=(6,))
    )


def export(model, path, updatable, **options):
    options = {"precision": "float32", "inputs": "array", **options}
    return export_coreml(model, path, updatable=updatable, **options)


def without_training(spec):
    """A builder over the same network, as it was before its layers learnt."""
    spec.isUpdatable = False
    spec.specificationVersion = 1
    del spec.description.trainingInput[:]
    network = getattr(spec, spec.WhichOneof("Type"))
    network.ClearField("updateParams")
    for layer in network.layers:
        layer.isUpdatable = False
        if layer.WhichOneof("layer") in ("convolution", "innerProduct"):
            parameters = getattr(layer, layer.WhichOneof("layer"))
            parameters.weights.isUpdatable = parameters.bias.isUpdatable = False
    return NeuralNetworkBuilder(spec=spec)


def test_a_classifier_is_what_coremltools_builder_writes(pets, tmp_path):
    ours = export(pets, tmp_path / "m.mlmodel", ["conv", "fc"], labels=LABELS).get_spec()

    builder = without_training(export(pets, tmp_path / "o.mlmodel", ["conv", "fc"],
                                      labels=LABELS).get_spec())  # fmt: skip
    names = [layer.name for layer in ours.neuralNetworkClassifier.layers if layer.isUpdatable]
    builder.make_updatable(names)
    builder.set_categorical_cross_entropy_loss("classLabelProbs_loss", "classLabelProbs")
    sgd = SgdParams(lr=0.01, batch=16)
    sgd.set_batch(16, [1, 2, 4, 8, 16, 32, 64])
    builder.set_sgd_optimizer(sgd)
    builder.set_epochs(10, [1, 2, 3, 5, 10, 20, 50, 100])
    assert names == ["norm", "fc_dense"]  # the convolution with its batch norm; what softmax reads
    assert ours == builder.spec
    assert ours.specificationVersion == 4


def test_a_classifier_learns_from_pictures_and_labels(pets, tmp_path):
    exported = export(pets, tmp_path / "m.mlmodel", ["fc"], labels=LABELS, inputs="image",
                      preprocessing="tf")  # fmt: skip

    description = exported.get_spec().description
    assert [item.name for item in description.trainingInput] == ["image", "classLabel"]
    assert description.trainingInput[0] == description.input[0]
    assert description.trainingInput[1].type.WhichOneof("Type") == "stringType"
    loss = network_of(exported).updateParams.lossLayers[0].categoricalCrossEntropyLossLayer
    assert (loss.input, loss.target) == ("classLabelProbs", "classLabelProbs_true")


def test_without_labels_the_right_answer_is_a_number(pets, tmp_path):
    training = OnDeviceTraining(
        ["fc"], optimizer="adam", learning_rate=0.003, batch_sizes=[8], epochs=[3], shuffle=False
    )

    ours = export(pets, tmp_path / "m.mlmodel", training).get_spec()

    output = ours.description.output[0].name
    builder = without_training(export(pets, tmp_path / "o.mlmodel", training).get_spec())
    builder.make_updatable(["fc_dense"])
    builder.set_categorical_cross_entropy_loss(f"{output}_loss", output)
    builder.set_adam_optimizer(AdamParams(lr=0.003, batch=8))
    builder.set_epochs(3)
    builder.nn_spec.updateParams.shuffle.defaultValue = False
    assert ours == builder.spec


def test_a_regressor_is_what_coremltools_builder_writes(regressor, tmp_path):
    training = OnDeviceTraining(
        ["hidden", "xy"], loss="mean_squared_error", batch_sizes=[4], epochs=[1]
    )

    ours = export(regressor, tmp_path / "m.mlmodel", training).get_spec()

    builder = without_training(export(regressor, tmp_path / "o.mlmodel", training).get_spec())
    hidden = next(layer.name for layer in ours.neuralNetwork.layers if layer.isUpdatable)
    builder.make_updatable([hidden, "xy"])
    builder.set_mean_squared_error_loss("xy_loss", ("xy", datatypes.Array(2)))
    builder.set_sgd_optimizer(SgdParams(batch=4))
    builder.set_epochs(1)
    assert ours == builder.spec


@pytest.mark.parametrize("labels", [None, LABELS])
def test_the_file_computes_what_it_computed(pets, tmp_path, labels):
    export(pets, tmp_path / "m.mlmodel", ["conv", "fc"], labels=labels)

    assert verify(pets, tmp_path / "m.mlmodel").largest_difference < 1e-4
    program = load_coreml(tmp_path / "m.mlmodel")
    assert program.metadata.minimum_os == "iOS13"
    assert len(program.predict({"picture": np.zeros((9, 7, 3), np.float32)})) == (
        2 if labels else 1
    )


def test_logits_with_labels_learn_by_the_softmax_that_they_get(functional, tmp_path):
    model = functional(layers.Flatten(), layers.Dense(5, name="fc"), shape=(4, 3))
    randomize_weights(model)

    exported = export(model, tmp_path / "m.mlmodel", ["fc"], labels=LABELS)

    assert (
        network_of(exported).updateParams.lossLayers[0].HasField("categoricalCrossEntropyLossLayer")
    )


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
def test_gradients_pass_through_an_activation_to_a_layer_without_bias(activation, functional):
    model = functional(
        layers.Dense(8, activation, use_bias=False, name="hidden"),
        layers.Dense(2, name="xy"),
        shape=(6,),
    )
    training = OnDeviceTraining(["hidden"], loss="mean_squared_error")

    exported = export(model, None, training, minimum_deployment_target="iOS13")

    (learning,) = (layer for layer in network_of(exported).layers if layer.isUpdatable)
    assert learning.innerProduct.weights.isUpdatable
    assert not learning.innerProduct.HasField("bias")


def test_gradients_pass_through_a_norm_of_each_channel(functional):
    model = functional(
        layers.Conv2D(4, 3, name="conv"),
        layers.GroupNormalization(-1, center=False, scale=False),
        layers.Flatten(),
        layers.Dense(2, name="xy"),
    )
    training = OnDeviceTraining(["conv"], loss="mean_squared_error")

    exported = export(model, None, training, minimum_deployment_target="iOS13")

    assert [layer.name for layer in network_of(exported).layers if layer.isUpdatable] == ["conv"]


@pytest.mark.parametrize("activation", ["leaky_relu", "relu6", "softplus"])
def test_gradients_do_not_pass_through_other_activations(activation, functional):
    model = functional(
        layers.Dense(8, name="hidden"),
        layers.Activation(activation),
        layers.Dense(2, name="xy"),
        shape=(6,),
    )
    training = OnDeviceTraining(["hidden"], loss="mean_squared_error")

    with pytest.raises(InvalidArgumentError, match=r"do not reach 'hidden'.*\(activation\)"):
        export(model, None, training, minimum_deployment_target="iOS13")


def test_gradients_do_not_pass_through_a_rescaling(functional):
    model = functional(
        layers.Dense(8, "tanh", name="hidden"),
        layers.Rescaling(2.0),
        layers.Dense(2, name="xy"),
        shape=(6,),
    )
    training = OnDeviceTraining(["hidden"], loss="mean_squared_error")

    with pytest.raises(InvalidArgumentError, match="do not reach 'hidden'"):
        export(model, None, training, minimum_deployment_target="iOS13")


def test_sizes_to_choose_from_are_listed_once_the_first_is_the_default(regressor):
    training = OnDeviceTraining(
        ["xy"], loss="mean_squared_error", batch_sizes=[8, 4, 16, 8], epochs=[3]
    )

    exported = export(regressor, None, training, minimum_deployment_target="iOS13")

    sizes = network_of(exported).updateParams.optimizer.sgdOptimizer.miniBatchSize
    assert (sizes.defaultValue, list(sizes.set.values)) == (8, [4, 8, 16])


def test_the_right_answer_and_the_loss_have_names_of_their_own(functional):
    model = functional(
        layers.Dense(8, "tanh", name="xy_true"),
        layers.Dense(7, "tanh", name="xy_loss"),
        layers.Dense(2, name="xy"),
        shape=(6,),
    )
    training = OnDeviceTraining(["xy"], loss="mean_squared_error")

    exported = export(model, None, training, minimum_deployment_target="iOS13")

    taken = {layer.name for layer in network_of(exported).layers}
    (loss,) = network_of(exported).updateParams.lossLayers
    assert {"xy_true", "xy_loss"} <= taken
    assert not {loss.name, loss.meanSquaredErrorLossLayer.target} & taken


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"updatable": ["fcc"]}, "no layer 'fcc'. Choose among 'conv', 'fc'. Did you mean 'fc'"),
        ({"updatable": ["pool"]}, "'pool' is no Dense or Conv2D layer"),
        ({"updatable": ["norm"]}, "'norm' is no Dense or Conv2D layer"),
        ({"updatable": ["stem", "fc"]}, "do not reach 'stem'.*'joined' \\(add\\).*'conv', 'fc'"),
        ({"updatable": "fc"}, "is no list of layers: pass one such as \\['fc'\\]"),
        ({"updatable": []}, "is no list of layers"),
        ({"precision": "float16"}, "float32 weights, not float16.*precision='float32'"),
        ({"minimum_deployment_target": "macOS10.14"}, "needs macOS10.15"),
        ({"updatable": OnDeviceTraining(["fc"], loss="mean_squared_error")}, "do not reach 'fc'"),
    ],
)  # fmt: skip
def test_what_core_ml_cannot_train_is_refused(pets, tmp_path, options, message):
    options = {"updatable": ["fc"], **options}

    with pytest.raises(InvalidArgumentError, match=message):
        export(pets, tmp_path / "m.mlmodel", **options)

    assert not list(tmp_path.iterdir())


def test_a_package_cannot_learn(pets, tmp_path):
    with pytest.raises(InvalidArgumentError, match=r"ends in \.mlmodel"):
        export(pets, tmp_path / "m.mlpackage", ["fc"])


def test_a_loss_is_not_guessed(regressor, tmp_path):
    with pytest.raises(InvalidArgumentError, match="loss='mean_squared_error'"):
        export(regressor, tmp_path / "m.mlmodel", ["xy"])
    cross_entropy = OnDeviceTraining(["xy"], loss="categorical_cross_entropy")
    with pytest.raises(InvalidArgumentError, match="needs a softmax at the end"):
        export(regressor, tmp_path / "m.mlmodel", cross_entropy)


def test_a_layer_that_is_called_twice_cannot_learn(tmp_path):
    inputs, twice = keras.Input((4,)), layers.Dense(4, name="twice")
    model = keras.Model(inputs, layers.Softmax()(layers.Dense(3, name="fc")(twice(twice(inputs)))))

    with pytest.raises(InvalidArgumentError, match=r"'twice' is called more than once.*among 'fc'"):
        export(model, tmp_path / "m.mlmodel", ["twice"])


def test_two_outputs_have_no_one_loss(tmp_path):
    inputs = keras.Input((4,))
    outputs = [layers.Dense(2, "softmax", name=name)(inputs) for name in ("one", "two")]

    with pytest.raises(InvalidArgumentError, match="one output that is a vector"):
        export(keras.Model(inputs, outputs), tmp_path / "m.mlmodel", ["one"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "hinge"}, "Unknown loss 'hinge'. Choose categorical_cross_entropy or"),
        ({"optimizer": "adan"}, "Did you mean 'adam'"),
        ({"learning_rate": 0.0}, "learning_rate=0.0 must be a number above 0"),
        ({"batch_sizes": ()}, "batch_sizes=.. must be whole numbers"),
        ({"batch_sizes": 8}, "batch_sizes=8 must be whole numbers"),
        ({"epochs": (2.5,)}, "epochs=.* must be whole numbers"),
        ({"epochs": (0,)}, "epochs=.* must be whole numbers"),
    ],
)
def test_training_that_makes_no_sense_is_refused(options, message):
    with pytest.raises(InvalidArgumentError, match=message):
        OnDeviceTraining(["fc"], **options)
