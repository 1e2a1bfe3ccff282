import json
import re
import shutil

import numpy as np
import pytest
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import types
from coremltools.proto import Model_pb2

from mobilezoo.errors import CoreMLFileError, UnsupportedOpError
from mobilezoo.inspection import inspect_coreml
from mobilezoo.runtime import load_coreml
from mobilezoo.runtime.blob import Blob

from .conftest import build, convolution, ct

SPEC = "Data/com.apple.CoreML/model.mlmodel"
WEIGHTS = "Data/com.apple.CoreML/weights/weight.bin"


@pytest.fixture
def package(save_package):
    return save_package(convolution())


def edit_manifest(package, change):
    manifest = json.loads((package / "Manifest.json").read_text())
    change(manifest)
    (package / "Manifest.json").write_text(json.dumps(manifest))


def test_a_missing_path_is_named(tmp_path):
    with pytest.raises(CoreMLFileError, match=r"nowhere\.mlpackage: no such file"):
        load_coreml(tmp_path / "nowhere.mlpackage")


def test_a_folder_without_a_manifest_is_no_package(tmp_path):
    with pytest.raises(CoreMLFileError, match=r"Manifest\.json is missing"):
        load_coreml(tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"rootModelIdentifier": "x"}', "\0"])
def test_a_damaged_manifest_is_named(package, content):
    (package / "Manifest.json").write_text(content)

    with pytest.raises(CoreMLFileError, match=r"Manifest\.json: damaged"):
        load_coreml(package)


def test_a_manifest_that_leads_out_of_the_package_is_refused(package):
    shutil.copy(package / SPEC, package.parent / "outside.mlmodel")

    def escape(manifest):
        manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]["path"] = (
            "../../outside.mlmodel"
        )

    edit_manifest(package, escape)

    with pytest.raises(CoreMLFileError, match="leads out of the package"):
        load_coreml(package)


def test_an_absolute_path_in_the_manifest_is_refused(package):
    shutil.copy(package / SPEC, package.parent / "outside.mlmodel")

    def escape(manifest):
        root = manifest["itemInfoEntries"][manifest["rootModelIdentifier"]]
        root["path"] = str(package.parent / "outside.mlmodel")

    edit_manifest(package, escape)

    with pytest.raises(CoreMLFileError, match="leads out of the package"):
        load_coreml(package)


def test_links_to_the_contents_of_the_same_download_are_followed(save_package, tmp_path):
    (tmp_path / "repository/snapshots/4f1c").mkdir(parents=True)
    (tmp_path / "repository/blobs").mkdir()
    package = save_package(convolution(), "repository/snapshots/4f1c/model.mlpackage")
    for i, inside in enumerate((SPEC, WEIGHTS, "Manifest.json")):
        blob = tmp_path / f"repository/blobs/{i}"
        shutil.move(package / inside, blob)
        (package / inside).symlink_to(blob)

    program = load_coreml(package)

    assert program.predict({"x": np.ones((1, 3, 5, 4))})["y"].shape == (1, 7, 3, 3)


@pytest.mark.parametrize("inside", [SPEC, WEIGHTS, "Manifest.json", "Data"])
def test_a_link_that_leads_out_of_the_package_is_refused(package, inside):
    outside = package.parent / "outside"
    shutil.move(package / inside, outside)
    (package / inside).symlink_to(outside)

    with pytest.raises(CoreMLFileError, match=rf"a link to {outside}.*, which leads out of"):
        load_coreml(package)


def test_a_package_may_itself_be_reached_by_a_link(package):
    link = package.parent / "link.mlpackage"
    link.symlink_to(package)

    assert load_coreml(link).op_types() == {"conv": 1, "relu": 1}


def test_a_program_that_is_missing_is_named(package):
    (package / SPEC).unlink()

    with pytest.raises(CoreMLFileError, match=r"model\.mlmodel: missing, though the package"):
        load_coreml(package)


def test_a_truncated_program_is_named(package):
    content = (package / SPEC).read_bytes()
    (package / SPEC).write_bytes(content[: len(content) // 2])

    with pytest.raises(CoreMLFileError, match=r"model\.mlmodel: truncated or damaged"):
        load_coreml(package)


def test_a_program_file_without_a_model_is_named(package):
    (package / SPEC).write_bytes(Model_pb2.Model(specificationVersion=6).SerializeToString())

    with pytest.raises(CoreMLFileError, match="holds no model; one of mlProgram, "):
        load_coreml(package)


@pytest.mark.parametrize("end", [0, 63, 100, 400])
def test_truncated_weights_are_found_when_loading(package, end):
    content = (package / WEIGHTS).read_bytes()
    (package / WEIGHTS).write_bytes(content[:end])

    with pytest.raises(CoreMLFileError, match=r"weight\.bin.*(shorter|beyond the end)"):
        load_coreml(package)


def test_missing_weights_are_found_when_loading(package):
    (package / WEIGHTS).unlink()

    with pytest.raises(CoreMLFileError, match=r"weight\.bin: missing, though the package names it"):
        load_coreml(package)


def test_corrupt_weights_name_the_constant(package):
    content = bytearray((package / WEIGHTS).read_bytes())
    content[64:68] = b"\0\0\0\0"
    (package / WEIGHTS).write_bytes(content)

    with pytest.raises(CoreMLFileError, match=r"constant 'conv_1_weight_0' has no record"):
        load_coreml(package)


def test_weights_outside_the_package_are_refused(package):
    content = (package / SPEC).read_bytes()
    inside, outside = b"@model_path/weights/weight.bin", b"@model_path/../../weights1.bin"
    assert len(inside) == len(outside)
    (package / SPEC).write_bytes(content.replace(inside, outside))

    with pytest.raises(CoreMLFileError, match="is not inside @model_path"):
        load_coreml(package)


def test_all_unknown_ops_are_listed_when_loading(save_package):
    def body(x):
        drawn = mb.random_bernoulli(shape=[1, 4, 3], prob=0.5, name="b")
        return mb.add(x=mb.relu(x=x), y=mb.mul(x=drawn, y=mb.random_normal(shape=[3], name="c")))

    package = save_package(build((1, 4, 3), body))

    listed = (
        "op 1 of 5, 'random_bernoulli' -> 'b' is not supported (random numbers); "
        "op 3 of 5, 'random_normal' -> 'c' is not supported (random numbers)"
    )
    with pytest.raises(UnsupportedOpError, match=re.escape(listed)):
        load_coreml(package)


def test_a_state_that_is_kept_between_runs_is_named_and_can_be_inspected(save_package):
    @mb.program(
        input_specs=[
            mb.TensorSpec(shape=(2, 3), dtype=types.fp16),
            mb.StateTensorSpec((2, 3), dtype=types.fp16),
        ],
        opset_version=ct.target.iOS18,
    )
    def program(x, sum_so_far):
        more = mb.add(x=x, y=mb.read_state(input=sum_so_far, name="before"), name="y")
        mb.coreml_update_state(state=sum_so_far, value=more)
        return more

    package = save_package(program, minimum_deployment_target=ct.target.iOS18)

    listed = (
        r"op 1 of \d, 'read_state' -> 'before' is not supported \(a state\); .*"
        r"op \d of \d, 'write_state' is not supported \(a state\)"
    )
    with pytest.raises(UnsupportedOpError, match=listed):
        load_coreml(package)
    assert "write_state" in inspect_coreml(package).op_types


def test_a_use_of_an_op_that_is_not_supported_names_its_place(package):
    model = Model_pb2.Model.FromString((package / SPEC).read_bytes())
    function = model.mlProgram.functions["main"]
    for operation in function.block_specializations[function.opset].operations:
        words = operation.attributes["val"].immediateValue.tensor.strings.values
        if words == ["valid"]:
            words[0] = "sideways"
    (package / SPEC).write_bytes(model.SerializeToString())
    program = load_coreml(package)

    with pytest.raises(UnsupportedOpError, match=r"'conv' -> 'conv_1': pad_type='sideways'"):
        program.predict({"x": np.zeros((1, 3, 5, 4))})


def test_a_shape_that_departs_from_the_declared_one_names_its_op(package):
    model = Model_pb2.Model.FromString((package / SPEC).read_bytes())
    function = model.mlProgram.functions["main"]
    relu = function.block_specializations[function.opset].operations[-1]
    relu.outputs[0].type.tensorType.dimensions[3].constant.size = 2
    (package / SPEC).write_bytes(model.SerializeToString())
    program = load_coreml(package)

    with pytest.raises(CoreMLFileError, match=r"'relu' -> 'y': 'y' has shape .*declares"):
        program.predict({"x": np.zeros((1, 3, 5, 4))})


def test_weights_are_not_read_when_loading(package, monkeypatch):
    monkeypatch.setattr(Blob, "read", None)

    assert load_coreml(package).op_types() == {"conv": 1, "relu": 1}


def test_a_classifier_with_a_label_too_few_is_refused(save_package):
    program = build((1, 3), lambda x: mb.softmax(x=x, axis=-1))
    package = save_package(program, classifier_config=ct.ClassifierConfig(["a", "b", "c"]))
    model = Model_pb2.Model.FromString((package / SPEC).read_bytes())
    function = model.mlProgram.functions["main"]
    classify = function.block_specializations[function.opset].operations[-1]
    del classify.inputs["classes"].arguments[0].value.immediateValue.list.values[2]
    (package / SPEC).write_bytes(model.SerializeToString())

    with pytest.raises(CoreMLFileError, match=r"2 labels for probabilities of shape \(1, 3\)"):
        load_coreml(package)


def test_a_manifest_that_nests_without_end_is_damaged(package):
    (package / "Manifest.json").write_text("[" * 200_000)

    with pytest.raises(CoreMLFileError, match="damaged"):
        load_coreml(package)


@pytest.mark.parametrize("field", ["colorSpace", "height"])
def test_a_picture_whose_description_makes_no_sense_is_refused(save_package, field):
    package = save_package(
        build((1, 3, 4, 5), lambda x: mb.relu(x=x)),
        inputs=[ct.ImageType(name="x", shape=(1, 3, 4, 5))],
    )
    model = Model_pb2.Model.FromString((package / SPEC).read_bytes())
    setattr(model.description.input[0].type.imageType, field, 77)
    (package / SPEC).write_bytes(model.SerializeToString())

    with pytest.raises(
        CoreMLFileError, match=r"color space number 77|described as \(1, 3, 77, 5\)"
    ):
        load_coreml(package)
