"""A verifier must catch what is wrong, name where, and refuse what cannot fail."""

import warnings
from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers

from mobilezoo import export_coreml, load_coreml, mnist_mlp, randomize_weights, verify
from mobilezoo._environment import coremltools
from mobilezoo.coreml.emit import EMITTERS, convolution
from mobilezoo.coreml.emit.site import Site
from mobilezoo.errors import (
    InvalidArgumentError,
    PreprocessingWarning,
    VacuousComparisonError,
    VerificationError,
)
from mobilezoo.verification import judging


@pytest.fixture
def network():
    """Convolution, strided padded depthwise convolution, dense; kernels 3x2, input 11x8."""
    inputs = keras.Input((11, 8, 3), name="x")
    x = layers.Conv2D(4, (3, 2), name="first")(inputs)
    x = layers.ReLU(name="first_relu")(x)
    x = layers.ZeroPadding2D(((0, 1), (0, 2)), name="pad")(x)
    x = layers.DepthwiseConv2D((3, 2), strides=2, name="second")(x)
    x = layers.BatchNormalization(name="second_bn")(x)
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    outputs = layers.Dense(5, activation="softmax", name="probabilities")(x)
    return randomize_weights(keras.Model(inputs, outputs, name="network"))


def export(model, folder):
    path = folder / "m.mlpackage"
    export_coreml(model, path, precision="float32", inputs="array", overwrite=True)
    return path


def sabotage(monkeypatch, kind, change):
    """Emit nodes of a kind from a changed node."""
    original = EMITTERS[kind]

    def emit(site, *inputs):
        return original.emit(replace(site, node=change(site.node)), *inputs)

    monkeypatch.setitem(EMITTERS, kind, replace(original, emit=emit))


def test_an_honest_file_passes(network, tmp_path):
    agreement = verify(network, export(network, tmp_path))

    assert agreement.largest_difference < 1e-5
    assert agreement.top1_agreement == 1.0
    assert list(agreement.layers) == [
        "first", "first_relu", "second_bn", "pool", "probabilities",
    ]  # fmt: skip
    assert "agrees with Keras" in str(agreement)


def test_a_transposed_kernel_is_caught_and_named(tmp_path, monkeypatch):
    def transposed(self, role, axes=None, shape=None):
        values = self.weight(role, axes, shape)
        is_kernel = self.node.kind == "conv" and role == "kernel"
        return np.ascontiguousarray(values.swapaxes(2, 3)) if is_kernel else values

    monkeypatch.setattr(Site, "hollow", transposed)
    inputs = keras.Input((11, 8, 3), name="x")
    x = layers.ReLU(name="relu")(layers.Conv2D(4, 3, name="square")(inputs))
    model = randomize_weights(keras.Model(inputs, layers.GlobalAveragePooling2D()(x)))

    with pytest.raises(VerificationError, match="first at layer 'square' by"):
        verify(model, export(model, tmp_path))


def test_swapped_input_channels_are_caught_and_named(network, tmp_path, monkeypatch):
    def swapped(self, role, axes=None, shape=None):
        values = self.weight(role, axes, shape)
        return values[:, ::-1] if self.node.name == "first" and role == "kernel" else values

    monkeypatch.setattr(Site, "hollow", swapped)

    with pytest.raises(VerificationError, match="first at layer 'first' by"):
        verify(network, export(network, tmp_path))


def test_a_dropped_bias_is_caught_and_named(network, tmp_path, monkeypatch):
    def without_bias(node):
        return replace(node, weights={"kernel": node.weights["kernel"]})

    sabotage(monkeypatch, "dense", without_bias)

    with pytest.raises(VerificationError, match="first at layer 'probabilities' by"):
        verify(network, export(network, tmp_path))


def test_padding_on_the_other_side_is_caught_and_names_the_merged_layers(
    network, tmp_path, monkeypatch
):
    def moved(node):
        pairs = tuple((after, before) for before, after in node.attributes["padding"])
        return replace(node, attributes={**node.attributes, "padding": pairs})

    sabotage(monkeypatch, "depthwise_conv", moved)

    with pytest.raises(
        VerificationError, match=r"first at layer 'second_bn' \(with pad, second merged into it\)"
    ):
        verify(network, export(network, tmp_path))


def test_a_layer_that_softmax_hides_is_caught_all_the_same(tmp_path):
    inputs = keras.Input((6,), name="x")
    hidden = layers.Dense(4, name="hidden")(inputs)
    model = randomize_weights(keras.Model(inputs, layers.Softmax(name="softmax")(hidden)))
    path = export(model, tmp_path)
    model.get_layer("hidden").bias.assign_add(np.full(4, 5.0))  # softmax does not see a shift

    with pytest.raises(VerificationError, match="first at layer 'hidden'"):
        verify(model, path)


def test_another_set_of_weights_is_caught(network, tmp_path):
    path = export(network, tmp_path)
    randomize_weights(network, seed=1)

    with pytest.raises(VerificationError, match="first at layer 'first'"):
        verify(network, path)


@pytest.mark.parametrize("emitter", [convolution.conv, convolution.depthwise_conv])
def test_the_sabotaged_emitters_are_the_real_ones(emitter):
    assert emitter in [registered.emit for registered in EMITTERS.values()]


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    """A network whose answer does not depend on its input, and its file."""
    model = keras.applications.MobileNetV2((96, 64, 3), alpha=0.35, weights=None)
    return model, export(model, tmp_path_factory.mktemp("untrained"))


def test_an_untrained_network_that_ignores_its_input_is_refused(untrained):
    model, path = untrained

    with pytest.raises(VacuousComparisonError, match=r"moves by only .* when the input changes"):
        verify(model, path)


def test_a_reference_near_zero_is_refused(tmp_path):
    model = mnist_mlp(classifier_activation=None)
    model.layers[-1].kernel.assign(np.full((512, 10), 1e-12))
    path = export(model, tmp_path)

    with pytest.raises(
        VacuousComparisonError, match=r"the largest output of .* any file would agree"
    ):
        verify(model, path)


def test_a_reference_with_nan_is_refused(network, tmp_path):
    path = export(network, tmp_path)
    network.get_layer("probabilities").bias.assign([np.nan, 0, 0, 0, 0])

    with pytest.raises(VacuousComparisonError, match="NaN or infinity"):
        verify(network, path)


def test_one_example_is_no_way_around_the_refusal(untrained):
    model, path = untrained

    with pytest.raises(VacuousComparisonError, match="when the input changes"):
        verify(model, path, np.random.default_rng(0).normal(size=(1, 96, 64, 3)))


def test_nan_in_any_output_of_the_file_is_a_departure(tmp_path, monkeypatch):
    inputs = keras.Input((6,), name="x")
    a = layers.Dense(4, name="a")(inputs)
    model = randomize_weights(keras.Model(inputs, [a, layers.Dense(3, name="b")(a)]))
    path = export(model, tmp_path)
    honest = judging.run_file

    def broken(*arguments):
        outputs = honest(*arguments)
        outputs[1][2] = np.nan
        return outputs

    monkeypatch.setattr(judging, "run_file", broken)

    with pytest.raises(VerificationError, match="differs from Keras by nan"):
        verify(model, path)


def test_preprocessing_other_than_the_models_own_is_a_departure(tmp_path):
    model = randomize_weights(mnist_mlp())
    with pytest.warns(PreprocessingWarning, match="pass preprocessing='tf' to verify"):
        export_coreml(model, tmp_path / "m.mlpackage", preprocessing="tf")

    with pytest.raises(VerificationError, match=r"prepares pixels as 'tf'.*was built for 'unit'"):
        verify(model, tmp_path / "m.mlpackage")
    assert verify(model, tmp_path / "m.mlpackage", preprocessing="tf").examples == 4


def test_a_file_of_another_model_is_refused(network, tmp_path):
    path = export(network, tmp_path)
    a, b = keras.Input((11, 8, 3)), keras.Input((11, 8, 3))

    with pytest.raises(InvalidArgumentError, match="was not made from 'mnist_mlp'"):
        verify(mnist_mlp(), path)
    with pytest.raises(InvalidArgumentError, match=r"was not made from .* has 2"):
        verify(keras.Model([a, b], layers.Add()([a, b])), path)


def test_a_classifier_that_coremltools_made_is_compared_too(tmp_path):
    if tuple(map(int, keras.__version__.split(".")[:2])) < (3, 13):
        pytest.skip("coremltools converts Keras models from Keras 3.13")
    ct = coremltools()
    inputs = keras.Input((9, 7, 3), name="image")
    x = layers.GlobalAveragePooling2D(name="pool")(layers.Conv2D(4, 3, name="conv")(inputs))
    scores = layers.Dense(3, activation="softmax", name="scores")(x)
    model = randomize_weights(keras.Model(inputs, scores))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # coremltools' temporary folders, TensorFlow's names
        ct.convert(
            model,
            inputs=[ct.ImageType(shape=(1, 9, 7, 3), scale=1 / 127.5, bias=[-1, -1, -1])],
            classifier_config=ct.ClassifierConfig(["a", "b", "c"]),
            skip_model_load=True,
        ).save(str(tmp_path / "theirs.mlpackage"))

    agreement = verify(model, tmp_path / "theirs.mlpackage", preprocessing="tf")

    assert agreement.top1_agreement == 1.0


def test_the_users_own_inputs_are_used(network, tmp_path):
    inputs = np.random.default_rng(1).normal(size=(6, 11, 8, 3)).astype(np.float32)

    assert verify(network, export(network, tmp_path), inputs).examples == 6


def test_what_export_returns_can_be_verified(network, tmp_path):
    exported = export_coreml(network, tmp_path / "m.mlpackage", inputs="array")

    assert verify(network, exported).file == "m.mlpackage"


@pytest.mark.parametrize("limit", [-1, 0, 1, 5, float("nan")])
def test_a_limit_that_makes_no_sense_is_refused(network, tmp_path, limit):
    path = export(network, tmp_path)

    with pytest.raises(InvalidArgumentError, match="must be between 0 and 1"):
        verify(network, path, limit=limit)


def test_swapped_arguments_are_noticed(network, tmp_path):
    with pytest.raises(InvalidArgumentError, match="takes the Keras model first"):
        verify(export(network, tmp_path), network)


def test_inputs_of_another_shape_are_refused(network, tmp_path):
    path = export(network, tmp_path)

    with pytest.raises(
        InvalidArgumentError, match=r"has shape \(2, 8, 11, 3\); pass \(n, 11, 8, 3\)"
    ):
        verify(network, path, np.zeros((2, 8, 11, 3)))


def test_pictures_go_in_as_pixels(tmp_path):
    model = randomize_weights(mnist_mlp())
    export_coreml(model, tmp_path / "m.mlpackage", precision="float32", labels="digits")
    pixels = np.random.default_rng(0).integers(0, 256, (5, 28, 28, 1), np.uint8)

    agreement = verify(model, load_coreml(tmp_path / "m.mlpackage"), pixels)

    assert agreement.examples == 5
    assert agreement.file == "m.mlpackage"


def test_a_tighter_limit_fails_where_the_default_passes(network, tmp_path):
    path = tmp_path / "m.mlpackage"
    export_coreml(network, path, precision="float16", inputs="array")
    verify(network, path)

    with pytest.raises(VerificationError, match=r"limit 0.0001 %"):
        verify(network, path, limit=1e-6)
