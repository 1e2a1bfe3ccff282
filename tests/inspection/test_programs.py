"""ML programs: operations, weights, precisions."""

import numpy as np
import pytest
from coremltools.converters.mil import Builder as mb
from coremltools.optimize import coreml as optimize
from coremltools.proto import Model_pb2

from mobilezoo.errors import CoreMLFileError
from mobilezoo.inspection import OperationRecord, Weight, inspect_coreml
from tests.inspection.conftest import SPEC, WEIGHTS, two_convolutions
from tests.runtime.conftest import build, ct, leave_folders_to_python


def edit(package, change):
    model = Model_pb2.Model.FromString((package / SPEC).read_bytes())
    change(model)
    (package / SPEC).write_bytes(model.SerializeToString())


def test_operations_carry_the_weights_that_they_read(save):
    found = inspect_coreml(save(two_convolutions(), compute_precision=ct.precision.FLOAT32))

    assert found.operations == (
        OperationRecord("conv_1", "conv", (1, 7, 9, 12), (Weight("weight", "float32", 126, 504),)),
        OperationRecord("relu_1", "relu", (1, 7, 9, 12)),
        OperationRecord(
            "conv_2",
            "conv",
            (1, 5, 6, 10),
            (Weight("bias", "float32", 5, 20), Weight("weight", "float32", 420, 1680)),
        ),
    )
    assert found.op_types == {"conv": 2, "relu": 1}
    assert found.weight_bytes == 504 + 20 + 1680


def test_the_header_of_a_program(save):
    package = save(two_convolutions())

    found = inspect_coreml(package)

    assert (found.format, found.specification_version) == ("ML program", 6)
    assert (found.minimum_ios, found.minimum_macos) == ("15", "12")
    assert found.specification_bytes == (package / SPEC).stat().st_size
    assert found.size_bytes == sum(
        file.stat().st_size for file in package.rglob("*") if file.is_file()
    )
    assert found.labels is None
    assert found.functions == ("main",)


LINEAR = {"mode": "linear_symmetric", "weight_threshold": 100}
BLOCKS = {**LINEAR, "dtype": "int4", "granularity": "per_block", "block_size": 7}


def palette(bits, **options):
    config = optimize.OpPalettizerConfig(
        mode="uniform", nbits=bits, weight_threshold=100, **options
    )
    return lambda model: optimize.palettize_weights(model, optimize.OptimizationConfig(config))


def linear(**options):
    config = optimize.OpLinearQuantizerConfig(**options)
    return lambda model: optimize.linear_quantize_weights(
        model, optimize.OptimizationConfig(config)
    )


def sparse(model):
    config = optimize.OpMagnitudePrunerConfig(target_sparsity=0.75, weight_threshold=100)
    return optimize.prune_weights(model, optimize.OptimizationConfig(config))


def sparse_palette(model):
    config = optimize.OpPalettizerConfig(mode="uniform", nbits=4, weight_threshold=100)
    return optimize.palettize_weights(
        sparse(model), optimize.OptimizationConfig(config), joint_compression=True
    )


# bytes of conv_2: 420 indices or values, then the table, scales, zero points or mask
COMPRESSED = [
    ("palette2", ct.target.iOS16, palette(2), 105 + 4 * 4),
    ("palette4", ct.target.iOS16, palette(4), 210 + 16 * 4),
    ("palette4", ct.target.iOS18, palette(4), 210 + 16 * 4),
    ("palette6", ct.target.iOS18, palette(6), 315 + 64 * 4),
    ("int8 linear", ct.target.iOS16, linear(**LINEAR), 420 + 5 * 4 + 5),
    ("int8 linear", ct.target.iOS18, linear(**LINEAR), 420 + 5 * 4),
    ("int4 linear", ct.target.iOS18, linear(**BLOCKS), 210 + 5 * 4),
    ("sparse float32", ct.target.iOS16, sparse, 53 + 105 * 4),
    ("sparse float32", ct.target.iOS18, sparse, 53 + 105 * 4),
    ("sparse palette4", ct.target.iOS18, sparse_palette, 53 + 53 + 16 * 4),
]


@pytest.mark.parametrize(("precision", "target", "compress", "size"), COMPRESSED)
def test_compressed_weights_have_their_precision_and_their_bytes(
    save, precision, target, compress, size
):
    package = save(
        two_convolutions(target),
        compress=compress,
        minimum_deployment_target=target,
        compute_precision=ct.precision.FLOAT32,
    )

    found = inspect_coreml(package)

    last = found.operations[-1]
    weights = {weight.parameter: weight for weight in last.weights}
    assert last.type == "conv"
    assert last.precision == precision
    assert weights["weight"] == Weight("weight", precision, 420, size)
    assert weights["bias"].precision == "float32"
    assert found.weight_files[0].unread == 0
    assert not any(kind.startswith("constexpr") for kind in found.op_types)


def test_a_weight_that_two_operations_read_is_counted_once(save):
    weight = np.ones((3, 3, 2, 2), np.float32)

    def body(x):
        shared = mb.const(val=weight, name="shared")
        y = mb.conv(x=x, weight=shared, name="conv_1")
        return mb.conv(x=y, weight=shared, name="conv_2")

    found = inspect_coreml(save(build((1, 3, 5, 6), body), compute_precision=ct.precision.FLOAT32))

    first, second = found.operations
    assert (first.weight_bytes, second.weight_bytes) == (144, 0)
    assert first.precision == second.precision == "float32"
    assert second.weights[0].elements == 36


def test_strides_and_padding_are_no_weights(save):
    def body(x):
        return mb.max_pool(x=x, kernel_sizes=[2, 3], strides=[2, 1], pad_type="valid", name="y")

    found = inspect_coreml(save(build((1, 3, 8, 9), body)))

    assert found.operations == (OperationRecord("y", "max_pool", (1, 3, 4, 7)),)
    assert found.weight_files == ()


def test_operations_inside_branches_are_listed_too(save):
    weight = np.ones((4, 3), np.float32)

    def body(x):
        positive = mb.greater(x=mb.reduce_sum(x=x, keep_dims=False, name="sum"), y=0.0, name="gt")
        return mb.cond(
            pred=positive,
            _true_fn=lambda: mb.linear(x=x, weight=weight, name="dense"),
            _false_fn=lambda: mb.linear(x=x, weight=-weight, name="other"),
            name="cond",
        )

    found = inspect_coreml(save(build((2, 3), body), compute_precision=ct.precision.FLOAT32))

    sizes = {operation.name: operation.weight_bytes for operation in found.operations}
    assert sizes == {"sum": 0, "gt": 0, "cond": 0, "dense": 48 + 16, "other": 48 + 16}


def test_functions_come_before_the_names(save, tmp_path):
    path = save(two_convolutions(ct.target.iOS18), minimum_deployment_target=ct.target.iOS18)
    both = tmp_path / "both.mlpackage"
    description = ct.utils.MultiFunctionDescriptor()
    description.add_function(str(path), "main", "first")
    description.add_function(str(path), "main", "second")
    description.default_function_name = "first"
    with leave_folders_to_python():
        ct.utils.save_multifunction(description, str(both))

    found = inspect_coreml(both)

    one = inspect_coreml(path)
    assert found.functions == ("first", "second")
    assert [feature.function for feature in found.inputs] == ["first", "second"]
    assert found.operations[0].name == f"first/{one.operations[0].name}"
    # both read the same blobs; the bias, 20 bytes, stands in each function
    assert found.weight_bytes == one.weight_bytes + 20


def test_labels_of_a_program(save):
    def body(x):
        return mb.softmax(x=mb.linear(x=x, weight=np.eye(3, dtype=np.float32)), axis=-1, name="p")

    found = inspect_coreml(
        save(build((1, 3), body), classifier_config=ct.ClassifierConfig(["a", "b", "c"]))
    )

    assert found.labels == ("a", "b", "c")
    assert "classify" in found.op_types
    label, _ = found.outputs
    assert (label.name, label.kind) == ("classLabel", "string")


@pytest.mark.parametrize("end", [0, 63, 100, 400])
def test_truncated_weights_are_named(save, end):
    package = save(two_convolutions())
    (package / WEIGHTS).write_bytes((package / WEIGHTS).read_bytes()[:end])

    with pytest.raises(CoreMLFileError, match=r"weight\.bin.*(shorter|beyond the end)"):
        inspect_coreml(package)


def test_a_function_without_a_block_is_named(save):
    package = save(two_convolutions())

    def change(model):
        model.mlProgram.functions["main"].opset = "CoreML99"

    edit(package, change)

    with pytest.raises(CoreMLFileError, match="no block for its own op set"):
        inspect_coreml(package)


def test_a_constant_without_a_value_is_named(save):
    package = save(two_convolutions())

    def change(model):
        function = model.mlProgram.functions["main"]
        block = function.block_specializations[function.opset]
        del next(raw for raw in block.operations if raw.type == "const").attributes["val"]

    edit(package, change)

    with pytest.raises(CoreMLFileError, match="a constant without a value"):
        inspect_coreml(package)
