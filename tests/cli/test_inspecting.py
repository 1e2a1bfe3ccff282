"""`mobilezoo inspect`."""

import json
import shutil

import pytest
from coremltools.proto import Model_pb2

from mobilezoo._version import __version__
from mobilezoo.benchmark.table import columns
from mobilezoo.cli.inspection_page import _rows
from mobilezoo.inspection import OperationRecord, Weight
from tests.cli.run import run
from tests.inspection.conftest import SPEC, classifier

SMALL = ["--alpha", "0.25", "--input-shape", "64,96,3", "--classes", "7"]


def edited(package, folder, change):
    """A copy of a package whose specification is another."""
    copy = folder / "edited.mlpackage"
    shutil.copytree(package, copy)
    model = Model_pb2.Model.FromString((copy / SPEC).read_bytes())
    change(model)
    (copy / SPEC).write_bytes(model.SerializeToString())
    return copy


def test_labels_with_commas_are_in_quotes(capfd, save):
    network = classifier()
    network.set_class_labels(["tench, Tinca tinca", "dog"], "classLabel", "p")

    _, out, _ = run(capfd, "inspect", save(network.spec))

    assert '2: "tench, Tinca tinca", dog' in out


@pytest.fixture
def save(tmp_path):
    """Save a specification as a .mlmodel."""

    def save(model):
        path = tmp_path / "model.mlmodel"
        path.write_bytes(model.SerializeToString())
        return path

    return save


def test_a_model_shows_its_folded_graph(capfd):
    code, out, _ = run(capfd, "inspect", "mobilenet", *SMALL)

    assert code == 0
    assert "4 paddings merged, 27 batch norms folded" in out
    assert "stem_bn" in out


def test_a_package_says_what_it_is_and_what_is_in_it(capfd, package):
    code, out, err = run(capfd, "inspect", package)

    assert code == 0
    assert err == ""
    assert "ML program; specification 6: iOS 15, macOS 12 and later" in out
    assert f"by mobilezoo {__version__}, precision float16" in out
    assert "tf: (pixel - 127.5) x 0.00784314" in out
    assert "89 nodes -> 58" in out
    assert "image: image 96x64 RGB" in out
    assert "classLabelProbs: dictionary of string keys" in out
    assert "7: ant, bee, cat, dog, eel, fox, gnu" in out
    assert "relu6 27" in out
    assert "float16 100.0 %" in out
    assert "53 blobs, all at multiples of 64 bytes" in out
    assert "the 10 heaviest of 64 operations" in out
    assert max(map(len, out.replace(str(package), "").splitlines())) <= 80


def test_the_heaviest_operations_come_first(capfd, package):
    _, out, _ = run(capfd, "inspect", package)

    table = out.splitlines()[-10:]
    assert table[0].split() == [
        "block13_pointwise_bn", "conv", "1x256x2x3", "131,584", "31.0", "%", "float16",
    ]  # fmt: skip
    sizes = [int(row.split()[3].replace(",", "")) for row in table]
    assert sizes == sorted(sizes, reverse=True)


def test_layers_shows_all_in_their_order(capfd, package):
    _, out, _ = run(capfd, "inspect", package, "--layers")

    rows = out[out.index("all 64 operations") :].splitlines()[3:]
    assert len(rows) == 64
    assert rows[-1].split()[:2] == ["classLabel", "classify"]


def test_json_says_everything(capfd, package):
    code, out, err = run(capfd, "inspect", package, "--json")

    found = json.loads(out)
    assert (code, err) == (0, "")
    assert found["format"] == "ML program"
    assert found["op_types"]["conv"] == 28
    assert found["weight_bytes"] == sum(row["weight_bytes"] for row in found["operations"])
    assert found["labels"][:2] == ["ant", "bee"]
    assert found["weight_files"][0]["unaligned"] == 0
    assert found["inputs"][0]["color"] == "RGB"
    assert found["user_defined"]["com.mobilezoo.precision"] == "float16"


def test_a_network_has_no_columns_that_it_cannot_fill(capfd, save):
    code, out, _ = run(capfd, "inspect", save(classifier().spec), "--layers")

    assert code == 0
    header = " ".join(out.split())
    assert "neural network classifier; specification 1: iOS 11, macOS 10.13 and later" in header
    assert "image: image 5x4 RGB; pixel x 0.5 + (-1, -2, -3)" in out
    assert "name             type  bytes    share  precision" in out
    assert "dense    innerProduct    488  100.0 %    float32" in out


def test_a_model_without_layers_says_so(capfd, save):
    model = Model_pb2.Model(specificationVersion=1)
    model.treeEnsembleRegressor.SetInParent()

    _, out, _ = run(capfd, "inspect", save(model))

    assert "Its tree ensemble regressor has no operations or layers" in out


def test_a_detector_shows_its_thresholds_and_labels(capfd, save):
    model = Model_pb2.Model(specificationVersion=5)
    part = model.pipeline.models.add().nonMaximumSuppression
    part.iouThreshold, part.confidenceThreshold, part.pickTop.perClass = 0.45, 0.25, True
    part.stringClassLabels.vector.extend(["ant", "bee"])

    _, out, _ = run(capfd, "inspect", save(model))

    words = " ".join(out.split())
    assert "non maximum suppression, overlap 0.45, confidence 0.25, per class" in words
    assert "labels        2: ant, bee" in out


def test_open_shapes_are_shown_as_ranges(capfd, save):
    model = Model_pb2.Model(specificationVersion=5)
    model.identity.SetInParent()
    array = model.description.input.add(name="x").type.multiArrayType
    for low, high in ((1, 1), (16, 64), (32, -1)):
        side = array.shapeRange.sizeRanges.add()
        side.lowerBound, side.upperBound = low, high
    array.dataType, array.floatDefaultValue = 65568, 0.25
    model.description.input[0].type.isOptional = True
    image = model.description.input.add(name="picture", shortDescription="of a cat").type.imageType
    image.colorSpace = 20
    image.enumeratedSizes.sizes.add(width=96, height=64)
    image.enumeratedSizes.sizes.add(width=192, height=128)

    _, out, _ = run(capfd, "inspect", save(model))

    words = " ".join(out.split())
    assert "x: array 1x(16 to 64)x(32 or more) float32, optional (0.25 if not given)" in words
    assert "picture: image 96x64 or 192x128 RGB (of a cat)" in out


def test_metadata_of_others_is_shown_as_it_is(capfd, package, tmp_path):
    def change(model):
        model.description.metadata.author = "Ada"
        model.description.metadata.license = "Apache-2.0"
        model.description.metadata.shortDescription = "Tells animals apart. " * 9
        model.description.metadata.userDefined["com.other.key"] = "value"
        model.description.metadata.userDefined["com.mobilezoo.preprocessing"] = "{damaged"

    _, out, _ = run(capfd, "inspect", edited(package, tmp_path, change))

    assert "author        Ada" in out
    assert "licence       Apache-2.0" in out
    assert "com.other.key: value" in out
    assert "preprocessing {damaged" in out


def test_a_file_that_was_changed_after_the_export_says_so(capfd, package, tmp_path):
    def change(model):
        model.description.metadata.userDefined["com.mobilezoo.content_hash"] = "0" * 64

    _, out, _ = run(capfd, "inspect", edited(package, tmp_path, change))

    assert "it has been changed since" in out


def test_names_too_long_for_the_page_lose_their_middle(capfd, package, tmp_path):
    long = "backbone.features.stage_of_many_blocks." * 3 + "last"

    def change(model):
        function = model.mlProgram.functions["main"]
        block = function.block_specializations[function.opset]
        next(raw for raw in block.operations if raw.type == "conv").outputs[0].name = long

    _, out, _ = run(capfd, "inspect", edited(package, tmp_path, change), "--layers")

    row = next(line for line in out.splitlines() if line.startswith("backbone"))
    assert row.split()[0].endswith("last")
    assert max(map(len, out.splitlines()[1:])) <= 80


def test_a_table_of_wide_columns_keeps_to_the_page():
    weight = Weight("weight", "sparse int8 linear", 25_690_112, 25_690_112)
    shape = (1, 1024, 112, 112)
    wide = OperationRecord("block_1_conv_of_many", "upsample_nearest_neighbor", shape, (weight,))

    header, row = columns(_rows([wide], 25_690_112)).splitlines()

    assert len(header) == len(row) == 80
    assert row.split()[:2] == ["block..f_many", "ups..bor"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["missing.mlpackage/"], 1, "missing.mlpackage: no such file"),
        (["missing.mlmodel"], 1, "missing.mlmodel: no such file"),
        (["folder"], 1, "Manifest.json is missing"),
        (["empty.mlmodel"], 1, "holds no model"),
        (["damaged.mlmodel"], 1, "truncated or damaged"),
        (["mobilenet", "--json"], 2, "--json is for Core ML files"),
        (["mobilenet", "--layers"], 2, "--layers is for Core ML files"),
        (["empty.mlmodel", "--alpha", "0.5"], 2, "for networks of the zoo"),
        (["empty.mlmodel", "--weights", "random"], 2, "for networks of the zoo"),
        (["mobilnet"], 2, "Did you mean 'mobilenet'"),
    ],
)
def test_errors_are_one_line(capfd, tmp_path, monkeypatch, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.mlmodel").touch()
    (tmp_path / "damaged.mlmodel").write_bytes(b"\x12\xff\x01cut")

    result, out, err = run(capfd, "inspect", *arguments)

    assert (result, out) == (code, "")
    assert message in err
    assert len(err.strip().splitlines()) == 1
