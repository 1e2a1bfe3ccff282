"""The hash of program and weights."""

import hashlib

import coremltools as ct
import pytest
from coremltools.proto import Model_pb2

from mobilezoo import export_coreml, mnist_mlp, randomize_weights
from mobilezoo._content import content_hash, digest
from mobilezoo.inspection import inspect_coreml
from tests.inspection.conftest import WEIGHTS, two_convolutions
from tests.runtime.conftest import leave_folders_to_python


def counted(content):
    return len(content).to_bytes(8, "little") + content


def test_the_hash_is_the_one_that_its_definition_gives(tmp_path):
    model = Model_pb2.Model(specificationVersion=7, isUpdatable=True)
    model.description.metadata.author = "nobody"
    model.description.input.add(name="x", shortDescription="anything")
    model.scaler.shiftValue.append(0.5)
    weights = tmp_path / "w.bin"
    weights.write_bytes(b"1234567")

    found = content_hash(model, {"weights/weight.bin": digest(weights)})

    description = b"\x0a\x03" + b"\x0a\x01x"  # ModelDescription.input { name: "x" }
    parts = [
        b"specificationVersion", b"7",
        b"description", description,
        b"isUpdatable", b"1",
        b"scaler", model.scaler.SerializeToString(),
        b"weights/weight.bin", hashlib.sha256(b"1234567").digest(),
    ]  # fmt: skip
    assert found == hashlib.sha256(b"".join(map(counted, parts))).hexdigest()
    assert model.description.metadata.author == "nobody"


@pytest.fixture(scope="module")
def network():
    return randomize_weights(mnist_mlp())


def exported_hash(model, path, **options):
    with leave_folders_to_python():
        export_coreml(model, path, **options)
    return inspect_coreml(path).content_hash


def test_metadata_do_not_count(network, tmp_path):
    plain = exported_hash(network, tmp_path / "a.mlpackage")

    assert plain == exported_hash(
        network, tmp_path / "b.mlpackage", author="me", license="MIT", version="2"
    )
    with leave_folders_to_python():
        model = ct.models.MLModel(str(tmp_path / "a.mlpackage"), skip_model_load=True)
        model.author, model.user_defined_metadata["key"] = "you", "value"
        model.input_description[next(iter(model.input_description))] = "a digit"
        model.save(str(tmp_path / "c.mlpackage"))
    assert inspect_coreml(tmp_path / "c.mlpackage").content_hash == plain
    assert inspect_coreml(tmp_path / "c.mlpackage").author == "you"


def test_labels_and_precision_count(network, tmp_path):
    plain = exported_hash(network, tmp_path / "a.mlpackage")

    assert plain != exported_hash(network, tmp_path / "b.mlpackage", labels="digits")
    assert plain != exported_hash(network, tmp_path / "c.mlpackage", precision="float32")


def test_every_weight_counts(save):
    package = save(two_convolutions())
    before = inspect_coreml(package).content_hash
    content = bytearray((package / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (package / WEIGHTS).write_bytes(bytes(content))

    assert inspect_coreml(package).content_hash != before
