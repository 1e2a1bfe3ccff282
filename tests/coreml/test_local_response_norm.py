"""In float16, which is what the Neural Engine computes in, squares end at 65504."""

import keras
import numpy as np
import pytest

from mobilezoo import export_coreml
from mobilezoo._layers import LocalResponseNormalization
from mobilezoo.coreml.emit.normalization import _scale_before_squares


def half_local_response_norm(x, size, alpha, beta, k):
    """What MIL documents, every step rounded to float16; x (n, c, h, w)."""
    total = np.zeros_like(x)
    padded = np.pad(np.square(x), ((0, 0), (size // 2, size // 2), (0, 0), (0, 0)))
    for shift in range(size):
        total += padded[:, shift : shift + x.shape[1]]
    return x / np.power(k + alpha / np.float16(size) * total, beta)


HALF = {
    "mul": lambda x, y: x * y,
    "local_response_norm": half_local_response_norm,
    "transpose": lambda x, perm: x.transpose(perm),
    "cast": lambda x, dtype: x,
}


def run_in_half(exported, x):
    """The file's operations one by one in NumPy's float16; constants come as operations too."""
    (block,) = exported.get_spec().mlProgram.functions["main"].block_specializations.values()
    values = {"x": x.astype(np.float16)}
    for operation in block.operations:
        (output,) = operation.outputs
        if operation.type == "const":
            values[output.name] = literal(operation.attributes["val"].immediateValue.tensor)
            continue
        arguments = {key: values[a.arguments[0].name] for key, a in operation.inputs.items()}
        values[output.name] = HALF[operation.type](**arguments)
        assert values[output.name].dtype == np.float16
    return values[block.outputs[0]]


def literal(tensor):
    kind = tensor.WhichOneof("value")
    if kind == "bytes":  # how the file keeps float16
        return np.frombuffer(tensor.bytes.values, np.float16)[0]
    content = list(getattr(tensor, kind).values)
    return content[0] if len(content) == 1 else content


def exported_layer(tmp_path, **constants):
    model = keras.Sequential([keras.Input((5, 4, 9), name="x")])
    layer = LocalResponseNormalization(name="lrn", **constants)
    model.add(layer)
    return layer, export_coreml(model, tmp_path / "m.mlpackage", inputs="array")


@pytest.mark.parametrize("largest", [1.0, 300.0, 7000.0])
def test_large_activations_do_not_overflow_in_float16(tmp_path, largest):
    layer, exported = exported_layer(tmp_path)
    x = np.random.default_rng(0).uniform(-largest, largest, (1, 5, 4, 9)).astype(np.float16)

    y = run_in_half(exported, x)

    expected = np.asarray(layer(x.astype(np.float32)))
    # about six roundings of 2^-11, as a part of the largest value
    np.testing.assert_allclose(y, expected, rtol=0, atol=3e-3 * np.abs(expected).max())


def test_without_scaling_they_would(tmp_path):
    x = np.full((1, 9, 5, 4), 300, np.float16)

    with np.errstate(over="ignore"):
        y = half_local_response_norm(x, 5, np.float16(1e-4), np.float16(0.75), np.float16(1))

    assert not y.any()  # 300 / infinity


def test_where_the_sum_itself_would_overflow_nothing_is_scaled(tmp_path):
    _, exported = exported_layer(tmp_path, alpha=2.0)

    (block,) = exported.get_spec().mlProgram.functions["main"].block_specializations.values()

    assert "mul" not in [operation.type for operation in block.operations]


@pytest.mark.parametrize(
    ("alpha", "scale"), [(0.0, 64), (1e-5, 64), (1e-4, 64), (1e-2, 8), (0.3, 1), (1.0, 1), (9, 1)]
)
def test_the_scale_is_a_power_of_two_that_keeps_alpha_below_1(alpha, scale):
    assert _scale_before_squares(alpha) == scale
