"""What newer op sets add to an operation is what coremltools' definitions say."""

import coremltools as ct
import numpy as np
import pytest
from coremltools.converters.mil.mil.ops.registry import SSAOpRegistry

from mobilezoo import compress_coreml, load_coreml
from mobilezoo.coreml.compress.opset import _GONE, _NEW_PARAMETERS, OPSETS
from mobilezoo.errors import UnsupportedOpError
from mobilezoo.runtime.package import read_model
from tests.runtime.conftest import build, leave_folders_to_python, mb, save_package  # noqa: F401

NO_DEFAULT = {
    ("upsample_bilinear", "half_pixel_centers"),
    ("constexpr_lut_to_dense", "vector_axis"),
    ("gru", "input_bias"),
}
RNG = np.random.default_rng(3)


def definitions(version):
    """The parameters of each operation that there was before, new ones and those that are gone."""
    for kind, classes in SSAOpRegistry.core_ops.items():
        known = {int(key): item for key, item in classes.items()}
        if version in known and version - 1 in known:
            old, new = (set(known[key].input_spec.input_types) for key in (version - 1, version))
            yield kind, new - old, old - new


@pytest.mark.parametrize("version", [7, 8, 9])
def test_the_tables_are_complete(version):
    added = {
        (kind, key)
        for kind, new, gone in definitions(version)
        for key in new
        if not gone and (kind, key) not in NO_DEFAULT
    }
    gone = {(kind, key) for kind, _, old in definitions(version) for key in old}

    ours = {(kind, key) for kind, new in _NEW_PARAMETERS.get(version, {}).items() for key in new}
    assert ours == added
    assert set(_GONE.get(version, {}).items()) == gone


def all_that_changes(x):
    """x (4, 600): a product with a large kernel, and operations with more parameters later."""
    y = mb.linear(x=x, weight=RNG.normal(size=(64, 600)).astype(np.float32))
    values, places = mb.topk(x=y, k=5, axis=1)
    rows = mb.gather(x=values, indices=[2, 0, 1], axis=0)
    one = mb.gather_nd(x=rows, indices=[[0, 1], [2, 3]])
    largest = mb.cast(x=mb.reduce_argmax(x=y, axis=1), dtype="fp32")
    where = mb.cast(x=mb.reduce_sum(x=places, axes=[0, 1], keep_dims=True), dtype="fp32")
    spread = mb.scatter(data=largest, indices=[1, 3], updates=one, mode="add")
    near = mb.gather_along_axis(x=rows, indices=np.zeros((1, 5), np.int32), axis=0)
    flat = mb.reshape(x=spread, shape=[1, 4])
    return mb.concat(values=[flat, near, where], axis=1, name="y")


@pytest.mark.parametrize("precision", ["palette8", "palette3", "int4"])
def test_a_file_is_brought_to_a_newer_op_set(save_package, tmp_path, precision):  # noqa: F811
    package = save_package(build((4, 600), all_that_changes))
    x = RNG.normal(size=(4, 600)).astype(np.float32)

    model = compress_coreml(package, tmp_path / "c.mlpackage", precision=precision)

    version = model.get_spec().specificationVersion
    function = read_model(tmp_path / "c.mlpackage").model.mlProgram.functions["main"]
    assert function.opset == OPSETS[version]
    assert list(function.block_specializations) == [OPSETS[version]]
    operations = function.block_specializations[OPSETS[version]].operations
    for raw in operations:
        for step in range(7, version + 1):
            assert set(_NEW_PARAMETERS.get(step, {}).get(raw.type, ())) <= set(raw.inputs)
    assert {"gather", "gather_nd", "topk", "reduce_argmax", "scatter"} <= {
        r.type for r in operations
    }
    with leave_folders_to_python():
        theirs = ct.optimize.coreml.decompress_weights(  # which builds each operation anew
            ct.models.MLModel(str(tmp_path / "c.mlpackage"), skip_model_load=True)
        )
        theirs.save(str(tmp_path / "d.mlpackage"))
        del theirs
    made, expected = (
        load_coreml(tmp_path / f"{name}.mlpackage").predict({"x": x})["y"] for name in "cd"
    )
    np.testing.assert_allclose(made, expected, rtol=1e-5)


def test_an_operation_that_is_written_in_another_way_is_refused(save_package, tmp_path):  # noqa: F811
    def body(x):
        weight = RNG.normal(size=(64, 8, 3, 3)).astype(np.float32)
        y = mb.conv(x=x, weight=weight)
        roi = np.float32([0, 0, 0, 1, 1]).reshape(1, 1, 5, 1, 1)
        return mb.crop_resize(x=y, roi=roi, target_height=3, target_width=4, name="boxes")

    package = save_package(build((1, 8, 9, 7), body))

    compress_coreml(package, tmp_path / "c.mlpackage", precision="int8")  # iOS 16 knows it
    with pytest.raises(
        UnsupportedOpError, match=r"'crop_resize' -> 'boxes' is .* before iOS 17 .*target='iOS17'"
    ):
        compress_coreml(package, tmp_path / "e.mlpackage", precision="int4")
    assert not (tmp_path / "e.mlpackage").exists()
