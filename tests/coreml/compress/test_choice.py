"""Which layer gets which precision, in both formats."""

import keras
import numpy as np
import pytest
from keras import layers

from mobilezoo import compress_coreml, export_coreml, load_coreml, randomize_weights, verify
from mobilezoo.coreml.compress.choice import choose_by_names
from mobilezoo.coreml.precision import precision

SUFFIXES = [".mlpackage", ".mlmodel"]


@pytest.fixture(scope="module")
def nested():
    """A block of two convolutions in a model of its own, then two dense layers."""
    inner = keras.Input((9, 8, 12))
    x = layers.Conv2D(30, 3, name="wide")(inner)
    x = layers.Conv2D(40, 3, name="narrow", use_bias=False)(x)
    block = keras.Model(inner, layers.BatchNormalization(name="norm")(x), name="block1")
    inputs = keras.Input((9, 8, 12), name="x")
    x = layers.Flatten(name="flat")(block(inputs))
    x = layers.Dense(20, name="hidden")(x)
    return randomize_weights(keras.Model(inputs, layers.Dense(110, name="last")(x)))


def bits(path):
    """Of each kernel, in order: wide, narrow, hidden, last; None for float16."""
    found = load_coreml(path).weights().items()
    return [item.bits for (_, parameter), item in found if parameter in ("weight", "weights")]


@pytest.mark.parametrize(
    ("precision", "expected"),
    [
        ("int8", [8, 8, 8, 8]),
        ({"wide": "palette4"}, [4, None, None, None]),
        ({"block1/wide": "palette4", "*": "int8"}, [4, 8, 8, 8]),
        ({"narrow": "palette4", "hidden": "palette2"}, [None, 4, 2, None]),  # folded with its norm
        ({"norm": "palette4"}, [None, 4, None, None]),
        ({"block1/*": "palette6", "*": "float16"}, [6, 6, None, None]),
        ({"*": "int8", "wide": "palette4"}, [8, 8, 8, 8]),  # the first that fits counts
        ({"last": "float16", "h*": "palette1", "*": "palette2"}, [2, 2, 1, None]),
        ({"[wl]*": "int8"}, [8, None, None, 8]),
    ],
)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_patterns_choose_layers(nested, tmp_path, precision, expected, suffix):
    path = tmp_path / f"m{suffix}"

    export_coreml(nested, path, inputs="array", precision=precision)

    assert bits(path) == expected
    assert verify(nested, path, limit=20.0).before_rounding < 0.02


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_first_and_the_last_layer_can_be_kept(nested, tmp_path, suffix):
    path = tmp_path / f"m{suffix}"

    export_coreml(nested, path, inputs="array", precision="palette4", keep_ends=True)

    assert bits(path) == [None, 4, 4, None]


def test_the_file_says_that_its_precision_is_mixed(nested, tmp_path):
    precision = {"hidden": "palette4", "block1/*": "int8", "last": "palette4"}

    export_coreml(nested, tmp_path / "m.mlpackage", inputs="array", precision=precision)

    said = load_coreml(tmp_path / "m.mlpackage").metadata.user_defined["com.mobilezoo.precision"]
    assert said == "mixed: palette4, int8"


def test_a_file_knows_the_names_of_its_operations(nested, tmp_path):
    export_coreml(nested, tmp_path / "m.mlpackage", inputs="array")

    compress_coreml(
        tmp_path / "m.mlpackage", tmp_path / "c.mlpackage",
        precision={"block1_wide": "palette2", "hid*": "int8"}, keep_ends=True,
    )  # fmt: skip

    assert bits(tmp_path / "c.mlpackage") == [None, None, 8, None]


def test_weights_that_are_in_few_bits_stay_as_they_are(nested, tmp_path):
    export_coreml(nested, tmp_path / "m.mlpackage", inputs="array", precision={"wide": "palette2"})

    compress_coreml(tmp_path / "m.mlpackage", tmp_path / "c.mlpackage", precision="int8")

    before, after = (load_coreml(tmp_path / f"{name}.mlpackage").weights() for name in "mc")
    assert bits(tmp_path / "c.mlpackage") == [2, 8, 8, 8]
    np.testing.assert_array_equal(*(next(iter(item.values())).read() for item in (before, after)))


def test_all_weights_of_the_first_and_the_last_layer_are_kept():
    layers = [("in", "a"), ("middle", "b"), ("lstm", "c"), ("lstm", "c")]
    found = choose_by_names(layers, precision("int8"), keep_ends=True)
    assert [item.name for item in found] == ["float16", "int8", "float16", "float16"]
    assert choose_by_names([], precision("int8"), keep_ends=True) == []
