"""Packages that coremltools made, of networks that mobilezoo does not know."""

import coremltools as ct
import numpy as np
import pytest

from mobilezoo import Linear, Palette, Sparse, compress_coreml, inspect_coreml, load_coreml
from mobilezoo.errors import CoreMLFileError, InvalidArgumentError
from tests.runtime.conftest import build, leave_folders_to_python, mb, save_package  # noqa: F401

RNG = np.random.default_rng(4)


def normal(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def kinds(x):
    """x (6, 50), of whole numbers below 70: a table, products of every kind, a recurrent layer."""
    rows = mb.gather(x=normal(70, 48), indices=mb.cast(x=x, dtype="int32"), axis=0, name="table")
    row = mb.reduce_mean(x=rows, axes=[1], name="mean")  # (6, 48)
    y = mb.matmul(x=row, y=normal(48, 64) / 7, name="right")
    y = mb.matmul(x=y, y=normal(80, 64) / 8, transpose_y=True, name="turned")
    y = mb.matmul(x=normal(90, 80) / 3, y=y, transpose_y=True, name="left")
    y = mb.transpose(x=y, perm=[1, 0])
    sequence = mb.expand_dims(x=mb.tanh(x=y), axes=[0])
    hidden = np.zeros((6, 30), np.float32)
    made = mb.lstm(
        x=sequence, initial_h=hidden, initial_c=hidden, weight_ih=normal(120, 90) / 9,
        weight_hh=normal(120, 30) / 5, bias=normal(120), name="lstm",
    )[0]  # fmt: skip
    shift = mb.add(x=mb.squeeze(x=made, axes=[0]), y=normal(100, 1, 30), name="no_product")
    return mb.reduce_mean(x=shift, axes=[0], name="y")


# place -> (shape, axis of the output channels)
PLACES = {
    ("table", "x"): ((70, 48), 0),
    ("right", "y"): ((48, 64), 1),
    ("turned", "y"): ((80, 64), 0),
    ("left", "x"): ((90, 80), 0),
    ("lstm", "weight_ih"): ((120, 90), 0),
    ("lstm", "weight_hh"): ((120, 30), 0),
}


@pytest.fixture
def package(save_package):  # noqa: F811
    return save_package(build((6, 50), kinds))


def test_all_that_is_multiplied_is_compressed_along_its_output_channels(package, tmp_path):
    compress_coreml(package, tmp_path / "c.mlpackage", precision="int8")

    before, after = (load_coreml(path).weights() for path in (package, tmp_path / "c.mlpackage"))
    few = {item for item, weights in after.items() if weights.bits}
    assert {(place[0].partition("_")[0], place[1]) for place in few} == set(PLACES)
    for place in few:
        shape, axis = PLACES[place[0].partition("_")[0], place[1]]
        weights, stored = before[place].read(), after[place].read()
        assert weights.shape == shape
        assert after[place].axis == axis
        peaks = np.abs(weights).max(axis=1 - axis, keepdims=True)
        assert (np.abs(stored - weights) <= peaks / 127 * 1.5).all()
    ((name, _),) = [place for place in after if place[0] == "no_product"]
    np.testing.assert_array_equal(after[name, "y"].read(), before[name, "y"].read())


@pytest.mark.parametrize(
    ("precision", "near"),
    [
        ("int8", 0.02),
        ("palette8", 0.05),
        (Linear(4, 16), 0.4),
        (Palette(6, 10), 0.2),
        (Sparse(0.6), 0.6),
    ],
)
def test_the_network_computes_nearly_the_same(package, tmp_path, precision, near):
    compress_coreml(package, tmp_path / "c.mlpackage", precision=precision)
    x = RNG.integers(0, 70, (6, 50)).astype(np.float32)

    before, after = (
        load_coreml(path).predict({"x": x})["y"] for path in (package, tmp_path / "c.mlpackage")
    )

    error = np.abs(after - before).max() / np.abs(before).max()
    assert 0 < error < near


def test_functions_that_share_weights_share_them_still(save_package, tmp_path):  # noqa: F811
    weight = normal(60, 50)
    one = build((3, 50), lambda x: mb.linear(x=x, weight=weight, name="y"))
    two = build((3, 50), lambda x: mb.relu(x=mb.linear(x=x, weight=weight, name="z"), name="y"))
    for name, program in (("one", one), ("two", two)):
        save_package(program, f"{name}.mlpackage", minimum_deployment_target=ct.target.iOS18)
    functions = ct.utils.MultiFunctionDescriptor()
    for name in ("one", "two"):
        functions.add_function(str(tmp_path / f"{name}.mlpackage"), "main", name)
    functions.default_function_name = "one"
    with leave_folders_to_python():
        ct.utils.save_multifunction(functions, str(tmp_path / "both.mlpackage"))

    compress_coreml(tmp_path / "both.mlpackage", tmp_path / "c.mlpackage", precision="palette4")

    (file,) = inspect_coreml(tmp_path / "c.mlpackage").weight_files
    assert file.size_bytes < 60 * 50 / 2 + 1000
    x = normal(3, 50)
    first, second = (
        load_coreml(tmp_path / "c.mlpackage", function_name=name).predict({"x": x})["y"]
        for name in ("one", "two")
    )
    np.testing.assert_allclose(np.maximum(first, 0), second, rtol=1e-6)
    assert np.abs(first - x @ weight.T).max() < 0.2 * np.abs(x @ weight.T).max()


def test_a_model_in_memory_is_taken_and_none_is_kept_without_a_path(save_package):  # noqa: F811
    package = save_package(
        build((3, 50), lambda x: mb.linear(x=x, weight=normal(60, 50), name="y"))
    )
    model = ct.models.MLModel(str(package), skip_model_load=True)

    made = compress_coreml(model, precision="palette1")

    assert made.get_spec().specificationVersion == 7
    assert load_coreml(made).op_types()["constexpr_lut_to_dense"] == 1


def test_constants_in_inner_blocks_move_with_the_file(save_package, tmp_path):  # noqa: F811
    big, small = normal(64, 50), normal(64)

    def body(x):
        y = mb.linear(x=x, weight=big)
        return mb.cond(
            pred=mb.squeeze(x=mb.greater(x=mb.reduce_sum(x=y, keep_dims=True), y=0.0)),
            _true_fn=lambda: mb.mul(x=y, y=small),
            _false_fn=lambda: mb.add(x=y, y=small),
            name="y",
        )

    package = save_package(build((3, 50), body))

    compress_coreml(package, tmp_path / "c.mlpackage", precision="int8")

    (block,) = [
        item for item in inspect_coreml(tmp_path / "c.mlpackage").operations if item.type == "mul"
    ]
    (weight,) = block.weights
    assert weight.elements == 64  # read from its place in the new file


def test_weights_that_are_no_numbers_are_refused_and_nothing_is_left(save_package, tmp_path):  # noqa: F811
    weight = normal(60, 50)
    weight[3, 4] = np.inf
    package = save_package(build((3, 50), lambda x: mb.linear(x=x, weight=weight, name="bad")))
    (tmp_path / "out").mkdir()

    with pytest.raises(InvalidArgumentError, match="The weight of 'bad' holds NaN or infinity"):
        compress_coreml(package, tmp_path / "out" / "c.mlpackage", precision="int8")

    assert list((tmp_path / "out").iterdir()) == []


def test_what_is_no_program_is_refused(package, tmp_path):
    (tmp_path / "m.mlmodel").write_bytes(b"\x08\x01\xa2\x1f\x00")
    with pytest.raises(CoreMLFileError, match="no input"):
        compress_coreml(tmp_path / "m.mlmodel", precision="int8")
    (tmp_path / "p.mlmodel").write_bytes(b"\x08\x01\xd2\x0c\x00")
    with pytest.raises(InvalidArgumentError, match=r"p\.mlmodel is a pipeline"):
        compress_coreml(tmp_path / "p.mlmodel", precision="int8")
    with pytest.raises(CoreMLFileError, match="no such file"):
        compress_coreml(tmp_path / "n.mlpackage", precision="int8")
    with pytest.raises(InvalidArgumentError, match=r"must end in \.mlpackage"):
        compress_coreml(package, tmp_path / "c.mlmodel", precision="int8")


def test_a_damaged_file_is_told_before_anything_is_written(package, tmp_path):
    weights = package / "Data/com.apple.CoreML/weights/weight.bin"
    weights.write_bytes(weights.read_bytes()[:5000])

    with pytest.raises(CoreMLFileError, match="beyond the end of the file"):
        compress_coreml(package, tmp_path / "c.mlpackage", precision="int8")

    assert not (tmp_path / "c.mlpackage").exists()
