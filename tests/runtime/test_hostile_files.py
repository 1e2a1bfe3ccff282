"""What a hostile ML program can say: each is an error that names what is wrong, at once."""

import struct

import numpy as np
import pytest
from coremltools.proto import Model_pb2

from mobilezoo.errors import CoreMLFileError
from mobilezoo.inspection import inspect_coreml
from mobilezoo.runtime import limits, load_coreml

from .conftest import build, convolution, ct, mb

SPEC = "Data/com.apple.CoreML/model.mlmodel"
WEIGHTS = "Data/com.apple.CoreML/weights/weight.bin"
X = np.zeros((1, 3, 5, 4))


@pytest.fixture
def package(save_package):
    return save_package(convolution())


def edit(package, change):
    """Let `change` edit the operations of the main function."""
    model = Model_pb2.Model.FromString((package / SPEC).read_bytes())
    function = model.mlProgram.functions["main"]
    change(function.block_specializations[function.opset].operations)
    (package / SPEC).write_bytes(model.SerializeToString())


def of_type(operations, kind):
    return next(raw for raw in operations if raw.type == kind)


def literal(operations, name):
    """The tensor of a constant."""
    found = next(raw for raw in operations if raw.outputs[0].name == name)
    return found.attributes["val"]


def test_an_operation_that_reads_itself_is_refused(package):
    def change(operations):
        of_type(operations, "relu").inputs["x"].arguments[0].name = "y"

    edit(package, change)

    with pytest.raises(CoreMLFileError, match=r"'relu' -> 'y' reads 'y', which nothing before it"):
        load_coreml(package)


def test_two_operations_that_read_each_other_are_refused(package):
    def change(operations):
        of_type(operations, "conv").inputs["x"].arguments[0].name = "y"

    edit(package, change)

    with pytest.raises(CoreMLFileError, match=r"'conv' -> 'conv_1' reads 'y', which nothing"):
        load_coreml(package)


@pytest.mark.parametrize("side", ["input", "output"])
def test_features_of_one_name_are_refused(package, side):
    model = Model_pb2.Model.FromString((package / SPEC).read_bytes())
    declared = getattr(model.description, side)
    declared.add().CopyFrom(declared[0])
    (package / SPEC).write_bytes(model.SerializeToString())

    with pytest.raises(CoreMLFileError, match=rf"damaged, {side} '[xy]' is declared 2 times"):
        load_coreml(package)


def test_rows_that_are_declared_to_be_one_example_are_counted(save_package):
    package = save_package(build((1, 4, 6, 8), lambda x: mb.flatten2d(x=x, axis=2, name="y")))
    edit(package, lambda operations: _declare_one_row(of_type(operations, "flatten2d")))

    with pytest.raises(CoreMLFileError, match=r"'y' has shape \(4, 48\), .*declares \(1, 48\)"):
        load_coreml(package).predict({"x": np.zeros((1, 4, 6, 8))})


def _declare_one_row(operation):
    operation.outputs[0].type.tensorType.dimensions[0].constant.size = 1


@pytest.mark.parametrize("size", [1 << 62, (1 << 64) - 1, 0])
def test_a_stored_weight_of_an_impossible_size_is_refused(package, size):
    def change(operations):
        value = literal(operations, "conv_1_weight_0")
        value.type.tensorType.dimensions[0].constant.size = size

    edit(package, change)

    with pytest.raises(CoreMLFileError, match=rf"needs {size * 72} bytes for shape \({size}, 3, 3"):
        load_coreml(package)


def test_a_literal_of_more_axes_than_are_supported_is_refused(package):
    def change(operations):
        value = literal(operations, "conv_1_strides_0")
        for _ in range(100_000):
            value.type.tensorType.dimensions.add().constant.size = 1 << 62

    edit(package, change)

    with pytest.raises(CoreMLFileError, match="100001 axes; at most 16 are supported"):
        load_coreml(package)


def test_a_literal_with_fewer_numbers_than_its_shape_is_refused(package):
    def change(operations):
        value = literal(operations, "conv_1_strides_0")
        value.type.tensorType.dimensions[0].constant.size = 1 << 62

    edit(package, change)

    with pytest.raises(CoreMLFileError, match=rf"has 2 elements, .* needs {1 << 62}"):
        load_coreml(package)


@pytest.mark.parametrize(
    ("offset", "complaint"),
    [(1, "has no record at byte 1"), (1 << 63, "beyond the end"), (64 + 64, "no record at byte")],
)
def test_a_wrong_offset_in_the_program_is_refused(package, offset, complaint):
    def change(operations):
        literal(operations, "conv_1_weight_0").blobFileValue.offset = offset

    edit(package, change)

    with pytest.raises(CoreMLFileError, match=f"constant 'conv_1_weight_0' .*{complaint}"):
        load_coreml(package)


@pytest.mark.parametrize(
    ("place", "number", "complaint"),
    [
        (64 + 4, struct.pack("<I", 1), "is declared FLOAT32 but stored as type 1"),
        (64 + 8, struct.pack("<Q", 1 << 63), f"needs 504 bytes .* but has {1 << 63}"),
        (64 + 16, struct.pack("<Q", (1 << 64) - 1), "ends at byte 18446744073709552119, beyond"),
    ],
)
def test_a_wrong_record_in_the_weight_file_is_refused(package, place, number, complaint):
    content = bytearray((package / WEIGHTS).read_bytes())
    content[place : place + len(number)] = number
    (package / WEIGHTS).write_bytes(content)

    with pytest.raises(CoreMLFileError, match=f"constant 'conv_1_weight_0' {complaint}"):
        load_coreml(package)


@pytest.mark.parametrize(
    "name", ["@model_path/../../x", "/etc/passwd", "../x", "@model_path//etc/passwd", "", "a\0b"]
)
def test_a_weight_file_elsewhere_is_refused(package, name):
    def change(operations):
        literal(operations, "conv_1_weight_0").blobFileValue.fileName = name

    edit(package, change)

    for opens in (load_coreml, inspect_coreml):
        with pytest.raises(CoreMLFileError, match="is not inside @model_path"):
            opens(package)


def test_a_name_that_no_file_can_have_is_refused(package):
    def change(operations):
        literal(operations, "conv_1_weight_0").blobFileValue.fileName = "@model_path/" + "a" * 5000

    edit(package, change)

    with pytest.raises(CoreMLFileError, match=r"cannot be read \(File name too long\)"):
        load_coreml(package)


def test_values_within_values_without_end_are_refused(package):
    def change(operations):
        value = literal(operations, "conv_1_strides_0")
        for _ in range(60):
            value = value.immediateValue.list.values.add()

    edit(package, change)

    with pytest.raises(CoreMLFileError, match="truncated or damaged protobuf"):
        load_coreml(package)


def test_a_manifest_of_a_size_that_none_has_is_not_read(package):
    (package / "Manifest.json").write_text("[" * (limits.MOST_MANIFEST_BYTES + 1))

    with pytest.raises(CoreMLFileError, match=r"1048577 bytes; at most 1048576 are supported"):
        load_coreml(package)


def test_a_program_of_a_size_that_protobuf_does_not_know_is_not_read(package):
    with (package / SPEC).open("r+b") as file:
        file.truncate(1 << 40)  # takes no space

    with pytest.raises(CoreMLFileError, match=f"{1 << 40} bytes; at most"):
        load_coreml(package)


def test_constants_decompressed_again_and_again_are_refused(save_package):
    """Each reads the one before twice: 2^40 ways lead to the first."""
    package = save_package(build((1, 3), lambda x: mb.relu(x=x, name="y")))

    def change(operations):
        for i in range(40):
            raw = operations.add(type="constexpr_lut_to_dense")
            output = raw.outputs.add(name=f"c{i}")
            output.type.tensorType.dataType = 11
            for key in ("indices", "lut"):
                raw.inputs[key].arguments.add(name=f"c{i - 1}" if i else "x")

    edit(package, change)

    with pytest.raises(CoreMLFileError, match="'c16' is decompressed 17 times; at most 16"):
        inspect_coreml(package)


def test_labels_that_are_no_texts_are_refused(save_package):
    program = build((1, 3), lambda x: mb.softmax(x=x, axis=-1))
    package = save_package(program, classifier_config=ct.ClassifierConfig(["a", "b", "c"]))

    def change(operations):
        listed = of_type(operations, "classify").inputs["classes"].arguments[0].value
        label = listed.immediateValue.list.values[1]
        label.type.tensorType.dataType = 11
        label.immediateValue.tensor.floats.values.append(0.5)

    edit(package, change)

    with pytest.raises(CoreMLFileError, match=r"'classify' .* lacks probabilities, classes"):
        load_coreml(package)


@pytest.mark.parametrize(
    ("name", "numbers", "complaint"),
    [
        ("conv_1_strides_0", [0, 1], r"strides \(0, 1\); 2 numbers from 1 to 65536"),
        ("conv_1_dilations_0", [1, -1], r"dilations \(1, -1\)"),
        ("conv_1_dilations_0", [1, 1 << 30], r"dilations \(1, 1073741824\)"),
        ("conv_1_pad_0", [0, 0, -1, 0], r"borders \(0, 0, -1, 0\); 4 numbers from 0"),
        ("conv_1_groups_0", [0], "channels"),
    ],
)
def test_windows_that_make_no_sense_are_refused(package, name, numbers, complaint):
    def change(operations):
        literal(operations, name).immediateValue.tensor.ints.values[:] = numbers

    edit(package, change)

    with pytest.raises(CoreMLFileError, match=complaint):
        load_coreml(package).predict({"x": X})
