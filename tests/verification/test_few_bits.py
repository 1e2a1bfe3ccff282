"""Weights in few bits: what is wrong in the file is told from what the rounding costs."""

import contextlib
import io
import math
import warnings

import keras
import numpy as np
import pytest
from keras import layers

from mobilezoo import export_coreml, load_coreml, mobilenet, randomize_weights, verify
from mobilezoo._environment import coremltools
from mobilezoo.coreml.neural_network import quantization
from mobilezoo.coreml.neural_network.table import NetworkSite
from mobilezoo.errors import InvalidArgumentError, VacuousComparisonError, VerificationError
from mobilezoo.runtime.stored import Weights
from mobilezoo.verification.codes import rounding_fault

SHAPE = (17, 13, 6)


@pytest.fixture
def network():
    """A square kernel and a dense one, both large enough for few bits."""
    x = inputs = keras.Input(SHAPE, name="x")
    x = layers.ReLU(name="relu")(layers.Conv2D(40, 3, name="conv")(x))
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    return randomize_weights(keras.Model(inputs, layers.Dense(70, name="dense")(x), name="net"))


def export(model, folder, precision):
    path = folder / "m.mlmodel"
    export_coreml(model, path, precision=precision, inputs="array", overwrite=True)
    return path


@pytest.mark.parametrize("name", ["int8", "palette8", "palette4", "palette2", "palette1"])
def test_a_sound_file_passes_at_any_number_of_bits_and_says_what_they_cost(tmp_path, network, name):
    agreement = verify(network, export(network, tmp_path, name))

    assert agreement.before_rounding < 2e-3  # biases in float16
    assert agreement.largest_difference > agreement.before_rounding
    assert agreement.limit == (0.2 if name.endswith("8") else math.inf)
    assert "before its kernels are rounded to few bits; rounding them costs" in str(agreement)


@pytest.mark.parametrize("name", ["int8", "palette4"])
def test_a_file_whose_kernels_are_too_small_for_few_bits_is_judged_as_float16(tmp_path, name):
    inputs = keras.Input((8, 12, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(5, 3, activation="relu")(inputs))
    model = randomize_weights(keras.Model(inputs, layers.Dense(2)(x)))
    export_coreml(model, tmp_path / "m.mlmodel", precision=name, inputs="array")

    agreement = verify(model, tmp_path / "m.mlmodel")

    assert agreement.limit == 2e-2
    assert agreement.before_rounding is None


def test_the_cost_is_that_of_the_file_as_it_is(tmp_path, network):
    path = export(network, tmp_path, "palette2")
    x = np.random.default_rng(0).normal(size=(3, *SHAPE)).astype(np.float32)

    agreement = verify(network, path, x)

    made, reference = load_coreml(path).predict({"x": x})["dense"], network.predict_on_batch(x)
    cost = np.abs(made - reference).max() / np.abs(reference).max()
    assert agreement.largest_difference == pytest.approx(cost, rel=1e-4)  # sums in another order


def test_a_cost_beyond_the_limit_is_called_that(tmp_path, network):
    path = export(network, tmp_path, "palette2")

    with pytest.raises(VerificationError, match=r"computes what its weights say.*first at layer"):
        verify(network, path, limit=0.05)
    assert verify(network, path, limit=3).limit == 3.0  # one bit may cost more than everything


def test_eight_bits_need_no_more_movement_than_float16(tmp_path):
    inputs = keras.Input(SHAPE, name="x")
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(40, 3, name="conv")(inputs))
    model = randomize_weights(keras.Model(inputs, layers.Dense(3, name="dense")(x)))
    model.get_layer("dense").bias.assign([20.0, 0.0, 0.0])  # moves by 5 to 40 % of it
    path = export(model, tmp_path, "int8")

    assert verify(model, path).before_rounding < 2e-3
    model.get_layer("dense").bias.assign([2000.0, 0.0, 0.0])
    path = export(model, tmp_path, "int8")
    with pytest.raises(VacuousComparisonError, match="With a limit of 2 % more than 4 % is needed"):
        verify(model, path)


def change_weights(monkeypatch, change):
    """Export kernels of other numbers, in the order of axes of the file."""
    honest = NetworkSite.store_kernel

    def store(site, message, kernel, *, axis=0):
        honest(site, message, change(kernel), axis=axis)

    monkeypatch.setattr(NetworkSite, "store_kernel", store)


@pytest.mark.parametrize("name", ["int8", "palette4", "palette1"])
@pytest.mark.parametrize(
    "change",
    [
        lambda kernel: kernel.swapaxes(-1, -2) if kernel.ndim == 4 else kernel,
        lambda kernel: kernel[::-1],
        lambda kernel: kernel * np.float16(1.3),
        lambda kernel: -kernel,
    ],
    ids=["transposed", "other channels", "larger", "negative"],
)
def test_codes_of_other_weights_are_caught(tmp_path, network, monkeypatch, name, change):
    with monkeypatch.context() as patched:
        change_weights(patched, change)
        path = export(network, tmp_path, name)

    with pytest.raises(VerificationError, match="are not Keras's in few bits"):
        verify(network, path)


def test_a_mistake_that_every_export_makes_is_caught_by_keras(tmp_path, network, monkeypatch):
    change_weights(
        monkeypatch, lambda kernel: kernel.swapaxes(-1, -2) if kernel.ndim == 4 else kernel
    )
    path = export(network, tmp_path, "palette4")

    with pytest.raises(VerificationError, match="before rounding, differs from Keras"):
        verify(network, path)


def test_codes_in_another_order_of_bits_are_caught(tmp_path, network, monkeypatch):
    with monkeypatch.context() as patched:
        honest = quantization.packed

        def low_first(codes, bits):
            return honest(codes.reshape(-1, 2)[:, ::-1], bits)

        patched.setattr(quantization, "packed", low_first)
        path = export(network, tmp_path, "palette4")

    with pytest.raises(VerificationError, match="another value than the nearest"):
        verify(network, path)


def test_a_dropped_bias_is_caught_where_the_rounding_costs_more(tmp_path, network, monkeypatch):
    network.get_layer("conv").bias.assign(np.full(40, 0.3))
    monkeypatch.setattr(NetworkSite, "store_bias", lambda *_: None)
    path = export(network, tmp_path, "palette1")

    with pytest.raises(VerificationError, match="before rounding"):
        verify(network, path)


def test_other_weights_than_the_models_are_caught(tmp_path, network):
    path = export(network, tmp_path, "palette4")
    randomize_weights(network, seed=1)

    with pytest.raises(VerificationError, match="are not Keras's in few bits"):
        verify(network, path)


def test_pictures_and_sequences_are_judged_too(tmp_path):
    picture = randomize_weights(mobilenet((64, 96, 3), alpha=0.25, classes=7))
    export_coreml(picture, tmp_path / "m.mlmodel", precision="palette3")
    inputs = keras.Input((23, 14), name="x")
    x = layers.Conv1D(36, 5, name="conv")(inputs)
    sequence = randomize_weights(keras.Model(inputs, layers.Dense(70, name="dense")(x)))
    export_coreml(sequence, tmp_path / "s.mlmodel", precision="palette3", inputs="array")

    assert verify(picture, tmp_path / "m.mlmodel").before_rounding < 2e-2
    assert verify(sequence, tmp_path / "s.mlmodel").before_rounding < 2e-3


def test_a_file_with_other_names_needs_a_limit(tmp_path, network):
    exported = export_coreml(network, tmp_path / "m.mlmodel", precision="palette7", inputs="array")
    spec = exported.get_spec()
    for layer in spec.neuralNetwork.layers:
        layer.output[:] = [f"their_{name}" for name in layer.output]
        layer.input[:] = [name if name == "x" else f"their_{name}" for name in layer.input]
    spec.description.output[0].name = "their_dense"
    (tmp_path / "theirs.mlmodel").write_bytes(spec.SerializeToString())

    with pytest.raises(InvalidArgumentError, match=r"weights in palette7.*Pass limit="):
        verify(network, tmp_path / "theirs.mlmodel")
    assert verify(network, tmp_path / "theirs.mlmodel", limit=0.3).before_rounding is None
    with pytest.raises(InvalidArgumentError, match="limit=3 must be between 0 and 1"):
        verify(network, tmp_path / "theirs.mlmodel", limit=3)


@pytest.mark.parametrize("way", ["linear", "palette"])
def test_what_coremltools_compressed_after_the_export_is_judged_too(tmp_path, network, way):
    coremltools()  # silences what its import would print
    exported = export_coreml(network, minimum_deployment_target="iOS16", inputs="array")
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")  # coremltools' temporary folders; it shows its progress
        from coremltools.optimize import coreml

        if way == "linear":
            options = coreml.OpLinearQuantizerConfig(mode="linear_symmetric")
            made = coreml.linear_quantize_weights(exported, coreml.OptimizationConfig(options))
        else:
            options = coreml.OpPalettizerConfig(mode="uniform", nbits=4)
            made = coreml.palettize_weights(exported, coreml.OptimizationConfig(options))
        made.save(str(tmp_path / "theirs.mlpackage"))

    agreement = verify(network, tmp_path / "theirs.mlpackage")

    assert agreement.before_rounding < 2e-3
    assert agreement.largest_difference > 4 * agreement.before_rounding
    randomize_weights(network, seed=1)
    with pytest.raises(VerificationError, match="are not Keras's"):
        verify(network, tmp_path / "theirs.mlpackage")


def coded(bits, **details):
    return Weights(read=None, shape=(), bits=bits, **details)


def test_a_rounding_is_to_the_nearest_of_the_values_in_use():
    kernel = np.array([0.0, 0.4, 0.6, 1.0])

    assert rounding_fault(kernel, np.array([0.2, 0.2, 0.8, 0.8]), coded(1)) == ""
    assert "50.0% of" in rounding_fault(kernel, np.array([0.2, 0.8, 0.2, 0.8]), coded(1))
    assert "100.0%" in rounding_fault(kernel, np.full(4, np.nan), coded(1))


def test_a_tables_values_lie_amid_the_weights_that_they_stand_for():
    kernel = np.array([-1.2, -0.8, 0.8, 1.2])

    best = rounding_fault(kernel, np.array([-1.0, -1.0, 1.0, 1.0]), coded(1), best_table=True)
    other = rounding_fault(kernel, np.array([-2.0, -2.0, 2.0, 2.0]), coded(1), best_table=True)

    assert best == ""
    assert "its table's values are not the means" in other


def test_each_channel_is_judged_by_its_own_values():
    kernel = np.array([[0.0, 2.9], [3.0, 20.0]])
    rounded = np.array([[0.0, 2.0], [3.5, 20.0]])  # of all values 3.5 is nearer to 2.9

    assert rounding_fault(kernel, rounded, coded(3, axis=0)) == ""
    assert rounding_fault(kernel, rounded, coded(3)) != ""


@pytest.mark.parametrize("bits", [2, 4, 6, 8])
def test_a_table_of_which_one_value_is_in_use_is_none(bits):
    kernel = np.random.default_rng(0).normal(size=500)

    fault = rounding_fault(kernel, np.full(500, kernel.mean()), coded(bits), best_table=True)

    assert "only 1 are in use" in fault or "too far" in fault
    constant = np.full(500, 0.25)
    assert rounding_fault(constant, constant, coded(bits), best_table=True) == ""


@pytest.mark.parametrize("name", ["palette6", "palette4", "palette1"])
def test_a_table_of_zeros_is_caught(tmp_path, network, name):
    path = export(network, tmp_path, name)
    spec = coremltools().utils.load_spec(str(path))
    conv = next(layer for layer in spec.neuralNetwork.layers if layer.name == "conv").convolution
    table = conv.weights.quantization.lookupTableQuantization.floatValue
    table[:] = [0.0] * len(table)
    path.write_bytes(spec.SerializeToString())

    with pytest.raises(VerificationError, match="weights of 'conv' are not Keras's in few bits"):
        verify(network, path)


@pytest.mark.parametrize("channel", range(8))
def test_a_dead_channel_is_caught(tmp_path, network, channel):
    path = export(network, tmp_path, "int8")
    spec = coremltools().utils.load_spec(str(path))
    conv = next(layer for layer in spec.neuralNetwork.layers if layer.name == "conv").convolution
    conv.weights.quantization.linearQuantization.scale[channel] = 0.0
    conv.weights.quantization.linearQuantization.bias[channel] = 0.0
    path.write_bytes(spec.SerializeToString())

    with pytest.raises(VerificationError, match="too far from the weights"):
        verify(network, path)


def test_many_weights_are_looked_at_in_parts(monkeypatch):
    kernel = np.random.default_rng(0).normal(size=(40, 30)).astype(np.float32)
    rounded = np.round(kernel * 20) / np.float32(20)
    rounded[31, 7] += 0.5

    whole = [rounding_fault(kernel, rounded, coded(8, axis=axis)) for axis in (None, 0)]
    monkeypatch.setattr("mobilezoo.verification.codes._PART", 7)

    assert [rounding_fault(kernel, rounded, coded(8, axis=axis)) for axis in (None, 0)] == whole
    assert "0.1% of the weights" in whole[0]
