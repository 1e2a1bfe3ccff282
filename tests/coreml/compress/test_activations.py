"""Values of 8 bits while a program runs: where they are rounded, how, and what it costs."""

import coremltools as ct
import coremltools.optimize.coreml as cto
import keras
import numpy as np
import pytest
from coremltools.models import MLModel
from keras import layers

from mobilezoo import (
    W8A8,
    Budget,
    compare_precisions,
    compress_coreml,
    compression_frontier,
    export_coreml,
    load_coreml,
    randomize_weights,
    verify,
)
from mobilezoo.coreml.compress import ranges
from mobilezoo.coreml.compress.activations import Scale
from mobilezoo.errors import InvalidArgumentError, VerificationError
from tests.runtime.conftest import (  # noqa: F401
    build,
    leave_folders_to_python,
    mb,
    save_package,
)

RNG = np.random.default_rng(8)


def pictures(count):
    """Dark and bright ones of soft spots, uint8."""
    spots = RNG.random((count, 10, 11, 3)).repeat(4, axis=1).repeat(3, axis=2)
    return (255 * spots * np.linspace(0.3, 1, count)[:, None, None, None]).astype(np.uint8)


DATA = pictures(6)


@pytest.fixture(scope="module")
def model():
    """A shortcut, branches that are joined, and both poolings; pictures (40, 33, 3) -> 7."""
    x = inputs = keras.Input((40, 33, 3), name="x")
    x = first = layers.Conv2D(8, 3, activation="relu", name="first")(x)
    x = layers.Conv2D(8, 3, padding="same", name="second")(x)
    x = layers.ReLU(name="after")(layers.Add(name="sum")([x, first]))
    x = layers.MaxPooling2D(2, name="most")(x)
    left = layers.Conv2D(6, 1, activation="relu", name="left")(x)
    right = layers.AveragePooling2D(3, 1, padding="same", name="average")(x)
    right = layers.Conv2D(5, 3, padding="same", name="right")(right)
    x = layers.Concatenate(name="joined")([left, right])
    x = layers.Activation("tanh", name="bent")(layers.DepthwiseConv2D(3, name="deep")(x))
    x = layers.GlobalAveragePooling2D(name="pool")(x)
    outputs = layers.Dense(7, activation="softmax", name="scores")(x)
    return randomize_weights(keras.Model(inputs, outputs, name="shortcuts"))


@pytest.fixture(scope="module")
def package(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("w8a8") / "m.mlpackage"
    export_coreml(model, path, inputs="image", preprocessing="tf")
    return path


@pytest.fixture(scope="module")
def rounded(package):
    path = package.with_name("rounded.mlpackage")
    compress_coreml(package, path, precision=W8A8(DATA))
    return path


def roundings(path):
    """value -> (its step, whether it is signed), and who reads what was rounded."""
    operations = load_coreml(path)._opened.block.operations
    makers = {item.outputs[0].name: item for item in operations}
    found, readers = {}, {}
    for item in operations:
        for name in item.references():
            if makers.get(name) is not None and makers[name].type == "dequantize":
                codes = makers[makers[name].references()[0]]
                assert codes.type == "quantize"
                (value,) = codes.references()
                found[value] = (float(codes.arguments["scale"].value()),
                                codes.arguments["output_dtype"].value() == "int8")  # fmt: skip
                readers.setdefault(item.outputs[0].name, set()).add(value)
    return found, readers


def test_what_convolutions_read_is_rounded_and_what_belongs_to_it(rounded):
    found, readers = roundings(rounded)

    named = {key: {value.removesuffix("_relu") for value in values}
             for key, values in readers.items()}  # fmt: skip
    assert {
        key.split("_")[0]: {value.split("_")[0] for value in values}
        for key, values in named.items()
    } == {
        "first": {"image"}, "second": {"first"}, "sum": {"second", "first"}, "most": {"after"},
        "left": {"most"}, "average": {"most"}, "right": {"average"}, "joined": {"left", "right"},
        "deep": {"joined"}, "scores": {"pool"},
    }  # fmt: skip
    steps = {key.split("_")[0]: step for key, step in found.items()}
    assert steps["joined"] == steps["left"] == steps["right"]  # passed on as they are
    assert steps["most"] == steps["after"]
    assert not steps["first"][1]  # behind a relu: 0 to 255
    assert steps["image"][1]  # -1 to 1
    assert steps["image"][0] == pytest.approx(1 / 127, rel=0.05)


def test_weights_are_of_8_bits_small_ones_too(rounded):
    weights = load_coreml(rounded).weights()
    assert {item.bits for (_, key), item in weights.items() if key == "weight"} == {8}


def test_the_file_says_so_and_runs_from_ios_17(rounded):
    metadata = load_coreml(rounded).metadata
    assert metadata.minimum_os == "iOS17"
    assert metadata.user_defined["com.mobilezoo.precision"] == "w8a8"


def test_it_computes_nearly_the_same(package, rounded):
    before, after = (load_coreml(path) for path in (package, rounded))
    shown = {"image": pictures(9)}
    a, b = (next(iter(program.predict(shown).values())) for program in (before, after))
    differs = np.linalg.norm(a - a.mean(axis=0))
    assert 1e-3 * differs < np.linalg.norm(a - b) < 0.2 * differs


def test_values_that_are_read_are_whole_numbers_of_steps(rounded):
    found, _ = roundings(rounded)
    values = dict(load_coreml(rounded).layers({"image": DATA[0]}))
    for name, (step, signed) in found.items():
        codes = values[f"{name}_rounded"] / np.float32(step)
        assert np.allclose(codes, np.round(codes), atol=1e-3)
        low, high = (-128, 127) if signed else (0, 255)
        assert low <= codes.min() and codes.max() <= high  # noqa: PT018
        assert len(np.unique(np.round(codes))) > 10  # the grid is in use


def test_coremltools_reads_the_file_and_compresses_what_is_left(rounded, tmp_path):
    with leave_folders_to_python():
        model = MLModel(str(rounded), skip_model_load=True)
        whole = cto.decompress_weights(model)
        whole.save(str(tmp_path / "whole.mlpackage"))
    a, b = (
        next(iter(load_coreml(path).predict({"image": DATA}).values()))
        for path in (rounded, tmp_path / "whole.mlpackage")
    )
    np.testing.assert_allclose(a, b, atol=5e-3)


def test_verify_tells_rounding_from_faults(model, rounded, tmp_path, monkeypatch):
    agreement = verify(model, rounded, limit=0.5)
    assert agreement.before_rounding < 0.01 < agreement.largest_difference

    monkeypatch.setattr(ranges, "_scale", lambda low, high: Scale(high / 4000, low < 0))  # cuts off
    compress_coreml(rounded.with_name("m.mlpackage"), tmp_path / "cut.mlpackage",
                    precision=W8A8(DATA))  # fmt: skip
    with pytest.raises(VerificationError, match="costs"):
        verify(model, tmp_path / "cut.mlpackage", limit=0.5)


def test_an_export_is_the_compressed_export(model, rounded, tmp_path):
    export_coreml(model, tmp_path / "m.mlpackage", precision=W8A8(DATA), inputs="image",
                  preprocessing="tf")  # fmt: skip
    made, expected = (load_coreml(path).weights() for path in (tmp_path / "m.mlpackage", rounded))
    assert list(made) == list(expected)
    assert roundings(tmp_path / "m.mlpackage") == roundings(rounded)


def test_layers_of_other_precisions_read_what_is_not_rounded(package, tmp_path):
    few = W8A8(DATA)
    compress_coreml(package, tmp_path / "m.mlpackage",
                    precision={"first*": "float16", "scores*": "float16", "*": few})  # fmt: skip
    found, readers = roundings(tmp_path / "m.mlpackage")
    assert not {"first", "scores"} & {name.split("_")[0] for name in readers}
    assert not {"image", "pool"} & {name.split("_")[0] for name in found}


def test_what_is_rounded_already_is_not_rounded_again(rounded, tmp_path):
    compress_coreml(rounded, tmp_path / "twice.mlpackage", precision=W8A8(DATA))
    assert roundings(tmp_path / "twice.mlpackage") == roundings(rounded)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-3.0, 2.0, Scale(3 / 127, True)),
        (-1.0, 6.0, Scale(6 / 127, True)),
        (0.0, 6.0, Scale(6 / 255, False)),
        (0.0, 0.0, Scale(1.0, False)),  # a value that is always zero
        (0.0, 1e-9, Scale(2.0**-24, False)),  # the smallest step of float16
    ],
)
def test_the_scale_is_the_finest_that_cuts_nothing_off(low, high, expected):
    assert ranges._scale(low, high) == expected


def test_all_examples_count(package, tmp_path):
    steps = []
    for count in (1, 6):
        compress_coreml(package, tmp_path / "m.mlpackage", precision=W8A8(DATA, examples=count),
                        overwrite=True)  # fmt: skip
        steps.append(
            {name: step for name, (step, _) in roundings(tmp_path / "m.mlpackage")[0].items()}
        )
    assert all(steps[1][name] >= steps[0][name] for name in steps[0])
    assert steps[0] != steps[1]


def test_a_table_has_it_beside_the_others(model):
    table = compare_precisions(model, (item for item in [DATA]), precisions=["float16", "w8a8"],
                               inputs="image", preprocessing="tf")  # fmt: skip
    whole, both = table.rows
    assert (whole.minimum_os, both.minimum_os) == ("iOS15", "iOS17")
    assert both.precision == "w8a8"
    assert 0 < whole.error < both.error < 0.3


@pytest.mark.parametrize(
    ("precision", "message"),
    [
        ("w8a8", "pass W8A8"),
        ({"*": "w8a8"}, "pass W8A8"),
        ({"a": W8A8(DATA), "*": W8A8(DATA)}, "one set of examples"),
        (W8A8(DATA, examples=0), "examples"),
        (W8A8(DATA[:0]), "no example"),
        (Budget(max_error=0.1, data=DATA, precisions=["int8", "w8a8"]), "of weights"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(package, tmp_path, precision, message):
    with pytest.raises(InvalidArgumentError, match=message):
        compress_coreml(package, tmp_path / "m.mlpackage", precision=precision)
    assert not list(tmp_path.iterdir())


def test_a_frontier_is_of_weights(package):
    with pytest.raises(InvalidArgumentError, match="of weights"):
        compression_frontier(package, DATA, precisions=["int8", "w8a8"])


def test_a_neural_network_and_an_old_system_cannot_have_it(model, tmp_path):
    with pytest.raises(InvalidArgumentError, match=r"ML programs \(.mlpackage\) only"):
        export_coreml(model, tmp_path / "m.mlmodel", precision=W8A8(DATA), preprocessing="tf")
    with pytest.raises(InvalidArgumentError, match="needs iOS17"):
        export_coreml(model, tmp_path / "m.mlpackage", precision=W8A8(DATA), preprocessing="tf",
                      minimum_deployment_target="iOS16")  # fmt: skip


def test_values_that_another_tool_rounded_stay(save_package, tmp_path):  # noqa: F811
    def rounded_before(x):
        codes = mb.quantize(input=x, scale=np.float32(0.5), output_dtype="int8")
        y = mb.dequantize(input=codes, scale=np.float32(0.5), name="before")
        return mb.linear(x=y, weight=np.ones((40, 50), np.float32), name="y")

    path = save_package(
        build((1, 50), rounded_before, ct.target.iOS17), minimum_deployment_target=ct.target.iOS17
    )
    compress_coreml(path, tmp_path / "m.mlpackage", precision=W8A8(np.ones((2, 50)) * 9))
    made = load_coreml(tmp_path / "m.mlpackage")
    assert made.op_types()["quantize"] == 1
    assert {item.bits for item in made.weights().values()} >= {8}


def test_examples_that_overflow_are_named(save_package, tmp_path):  # noqa: F811
    def products(x):
        y = mb.exp(x=mb.mul(x=x, y=np.float32(100)), name="huge")
        return mb.linear(x=y, weight=np.ones((4, 5), np.float32), name="y")

    path = save_package(build((1, 5), products))
    with pytest.raises(InvalidArgumentError, match="'huge' is NaN or infinite"):
        compress_coreml(path, tmp_path / "m.mlpackage", precision=W8A8(np.ones((2, 5)) * 9))
    assert not (tmp_path / "m.mlpackage").exists()
