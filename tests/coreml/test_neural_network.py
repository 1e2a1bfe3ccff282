"""Neural networks of classic layers (.mlmodel), run by the independent runtime, against Keras."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import mobilezoo
from mobilezoo import export_coreml, randomize_weights, verify
from mobilezoo.coreml.neural_network import NETWORK_EMITTERS
from mobilezoo.errors import UnsupportedLayersError
from mobilezoo.graph import capture, fold

from .cases import CASES
from .custom import Apply
from .layer_kinds import FIRST_LAYERS, kinds_of, network_of
from .test_operations import assemble, build

# Cases with parts that no classic layer computes.
NEEDS_IOS_15 = {
    "activation: gelu",
    "activation: hard_shrink",
    "activation: relu threshold",
    "activation: relu with all",
    "activation: sparsemax",
    "activation: threshold",
    "attention: additive",
    "attention: dot",
    "attention: einsum",
    "attention: embedding",
    "attention: grouped queries",
    "attention: multi-head",
    "attention: multi-head across",
    "attention: multi-head of a picture",
    "attention: products",
    "elementwise: arcs",
    "elementwise: chosen by a comparison",
    "elementwise: comparisons",
    "elementwise: comparisons of equal numbers",
    "elementwise: cumulative sum",
    "elementwise: error function",
    "elementwise: exclusive or",
    "elementwise: hyperbolic",
    "elementwise: remainders",
    "elementwise: rounding",
    "elementwise: steps",
    "elementwise: waves",
    "elementwise: whole part by casts",
    "normalization: layer norm over rows",
    "pooling: any and all",
    "shaping: depth to space",
    "shaping: expand and squeeze",
    "shaping: repeat elements",
    "shaping: space to depth",
}
ZOO = {
    "mnist_mlp": {},
    "mnist_cnn": {},
    "vgg11": {"input_shape": (32, 64, 3), "classes": 7},
    "inception_v1": {"input_shape": (64, 96, 3), "classes": 7},
    "inception_v3": {"input_shape": (80, 96, 3), "classes": 7},
    "resnet18": {"input_shape": (64, 96, 3), "classes": 7},
    "resnet50_v2": {"input_shape": (64, 96, 3), "classes": 7},
    "resnet_cifar": {"depth": 20, "version": 1},
    "mobilenet": {"input_shape": (64, 96, 3), "alpha": 0.25, "classes": 7},
    "mobilenet_v2": {"input_shape": (64, 96, 3), "alpha": 0.35, "classes": 7},
    "mobilenet_v3_small": {"input_shape": (64, 96, 3), "classes": 7},
}
CHANNELS = np.array([0.5, -1.0, 2.0], np.float32)


@pytest.mark.parametrize("case", sorted(set(CASES) - NEEDS_IOS_15))
def test_operation_agrees_with_keras(case, tmp_path):
    model = build(CASES[case])

    exported = export_coreml(model, tmp_path / "case.mlmodel", precision="float32", inputs="array")

    assert exported.get_spec().specificationVersion == 1
    assert set(kinds_of(exported)) <= FIRST_LAYERS
    agreement = verify(model, tmp_path / "case.mlmodel", limit=4e-6)
    assert agreement.largest_difference <= 4e-6  # a few float32 roundings


@pytest.mark.parametrize("case", sorted(NEEDS_IOS_15 & set(CASES)))
def test_what_classic_layers_cannot_compute_is_refused(case, tmp_path):
    with pytest.raises(UnsupportedLayersError, match=r"need iOS 15.*Export to \.mlpackage"):
        export_coreml(assemble(CASES[case]), tmp_path / "case.mlmodel", inputs="array")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(
    not hasattr(keras.layers, "AdaptiveAveragePooling2D"), reason="a case needs a newer Keras"
)
def test_every_emitter_is_exercised():
    used = {
        node.kind
        for case in set(CASES) - NEEDS_IOS_15
        for node in fold(capture(assemble(CASES[case])))[0].nodes
    }

    assert used - {"constant"} >= set(NETWORK_EMITTERS)


# float16 rounds at every layer, with relu6 behind it by up to 2 % in a MobileNet of quarter width
@pytest.mark.parametrize("name", ZOO)
def test_every_family_of_the_zoo_reaches_ios_11(name, tmp_path):
    model = randomize_weights(mobilezoo.build(name, **ZOO[name]))

    for precision, version, limit in (("float32", 1, 1e-4), ("float16", 2, 4e-2)):
        exported = export_coreml(model, tmp_path / f"{precision}.mlmodel", precision=precision)

        assert exported.get_spec().specificationVersion == version
        assert set(kinds_of(exported)) <= FIRST_LAYERS
        agreement = verify(model, tmp_path / f"{precision}.mlmodel", limit=limit)
        assert agreement.precision == precision
        assert agreement.layers


def plus_vector(x):
    """Constants of every shape that a layer can hold."""
    rows, columns = np.arange(9.0).reshape(9, 1, 1), np.arange(7.0).reshape(7, 1)
    whole = np.linspace(-1, 1, 9 * 7 * 3).reshape(9, 7, 3)
    return ((x + CHANNELS) * (2.0 + rows) - columns) / (3.0 + whole) + 0.5


@pytest.mark.parametrize(
    "function",
    [
        plus_vector,
        lambda x: ops.subtract(CHANNELS, x),
        lambda x: 2.0 / (1.5 + ops.abs(x)),
        lambda x: ops.divide(CHANNELS, 1.5 + ops.abs(x)),
        lambda x: ops.maximum(x, CHANNELS) + ops.minimum(CHANNELS, x),
        lambda x: ops.maximum(x[..., :2], ops.mean(x[..., 1:], (1, 2), keepdims=True)),
        lambda x: x - ops.mean(x, -1, keepdims=True),
        lambda x: ops.mean(x, -1, keepdims=True) - x,
        lambda x: x / (1.0 + ops.max(ops.abs(x), (1, 2, 3), keepdims=True)),
        lambda x: ops.power(2.0, x) + ops.power(x, 3.0) + ops.power(ops.abs(x), -0.5),
        lambda x: ops.sum(ops.min(x, axis=1), axis=-1, keepdims=True),
        lambda x: ops.sum(x, axis=(1, 3)),
        lambda x: ops.pad(x, [[0, 0], [1, 0], [0, 2], [3, 1]], constant_values=-1.0),
    ],
)
def test_constants_and_broadcasting_agree_with_keras(function, functional, tmp_path):
    model = functional(Apply(function, name="custom"))

    exported = export_coreml(model, tmp_path / "m.mlmodel", precision="float32", inputs="array")

    assert set(kinds_of(exported)) <= FIRST_LAYERS
    assert verify(model, tmp_path / "m.mlmodel", limit=2e-6).largest_difference <= 2e-6


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (lambda x, mean: mean + x, "add"),
        (lambda x, mean: mean - x, "add"),
        (lambda x, mean: x - mean, "add"),
        (lambda x, mean: mean / x, "multiply"),
        (lambda x, mean: x / mean, "multiply"),
        (lambda x, mean: ops.maximum(mean, x), "max"),
    ],
)
def test_the_larger_of_two_tensors_comes_first(function, kind, functional, tmp_path):
    squeezed = Apply(lambda x: function(x, ops.mean(x, (1, 2), keepdims=True)))

    exported = export_coreml(functional(squeezed), tmp_path / "m.mlmodel", inputs="array")

    network = network_of(exported).layers
    (combined,) = (layer for layer in network if layer.WhichOneof("layer") == kind)
    pooled = next(layer.name for layer in network if layer.WhichOneof("layer") == "pooling")
    made_of_mean = {pooled} | {layer.name for layer in network if pooled in layer.input}
    assert [name in made_of_mean for name in combined.input] == [False, True]


@pytest.mark.parametrize("exponent", [2.0, 3.0])
def test_a_power_of_a_negative_number_is_a_product(exponent, functional, tmp_path):
    model = functional(Apply(lambda x: ops.power(x, exponent)))

    exported = export_coreml(model, tmp_path / "m.mlmodel", inputs="array")

    assert kinds_of(exported) == ["permute", "multiply", "permute"]


def test_a_reshape_that_moves_nothing_in_the_network_takes_no_layer(functional, tmp_path):
    model = functional(layers.ReLU(), layers.Reshape((7, 3)), layers.ELU(), shape=(1, 7, 3))

    exported = export_coreml(model, tmp_path / "m.mlmodel", inputs="array")

    assert kinds_of(exported) == ["permute", "activation", "activation", "permute"]


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda x: x * ops.mean(x, 1, keepdims=True), r"\(9, 7, 3\) and \(1, 7, 3\) do not broad"),
        (lambda x: x * ops.mean(x, (1, 3), keepdims=True), r"and \(1, 7, 1\) do not broadcast"),
        (
            lambda x: ops.mean(x, -1, keepdims=True) + ops.mean(x, (1, 2), keepdims=True),
            r"\(9, 7, 1\) and \(1, 1, 3\) do not broadcast",
        ),
        (lambda x: x + ops.mean(x, 1), "tensors of different ranks are combined"),
        (lambda x: ops.maximum(x, ops.mean(x, -1, keepdims=True)), "do not broadcast"),
        (lambda x: ops.minimum(x, np.ones((9, 7, 1), "f4")), r"\(9, 7, 1\) do not broadcast"),
        (lambda x: ops.mean(x, (1, 2), keepdims=True) * np.ones((9, 1, 1), "f4"), "is larger than"),
        (lambda x: ops.power(ops.abs(x), x), "needs a number as base or exponent"),
        (lambda x: ops.power(CHANNELS, x), "needs a number as base or exponent"),
        (lambda x: ops.power(0.0, x), "needs one above 0 that is not 1"),
        (lambda x: ops.power(1.0, x), "needs one above 0 that is not 1"),
        (lambda x: ops.flip(ops.tile(x, (1, 4, 1, 1)), 1), "36 elements are turned round"),
    ],
)
def test_what_classic_layers_do_not_combine_is_refused(function, reason, functional, tmp_path):
    with pytest.raises(UnsupportedLayersError, match=reason):
        export_coreml(functional(Apply(function)), tmp_path / "m.mlmodel", inputs="array")


def test_all_that_needs_ios_15_is_listed_at_once(functional, tmp_path):
    model = functional(
        layers.Conv2D(4, 3, activation="gelu", name="first"),
        layers.LayerNormalization(axis=1, name="second"),
        Apply(ops.sin, name="third"),
        name="modern",
    )

    with pytest.raises(UnsupportedLayersError) as refused:
        export_coreml(model, tmp_path / "m.mlmodel", inputs="array")

    text = str(refused.value)
    assert "3 part(s) of 'modern' need iOS 15" in text
    assert "first: operation 'gelu': there is no error function; use approximate" in text
    assert "second: operation 'layer_norm': axes (1,) are neither the channels nor all" in text
    assert "third: operation 'sin': no classic layer does this" in text


def test_an_output_of_too_many_axes_is_refused(functional, tmp_path):
    model = functional(layers.Reshape((9, 7, 1, 3), name="last"))

    with pytest.raises(UnsupportedLayersError, match=r"last: operation 'reshape': 4 axes besides"):
        export_coreml(model, tmp_path / "m.mlmodel", inputs="array")


def test_an_input_of_too_many_axes_is_refused(tmp_path):
    inputs = keras.Input((5, 4, 3, 2), name="volume")
    model = keras.Model(inputs, layers.ReLU(name="relu")(inputs))

    with pytest.raises(UnsupportedLayersError, match=r"input 'volume'.*4 axes besides the batch"):
        export_coreml(model, tmp_path / "m.mlmodel")
