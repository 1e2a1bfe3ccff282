import numpy as np
import pytest
from coremltools.converters.mil import Builder as mb
from coremltools.proto import Model_pb2

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.runtime import Feature, load_coreml

from .conftest import build, convolution, ct

X = np.linspace(-1.0, 1.0, 60, dtype=np.float32).reshape(1, 3, 5, 4)


@pytest.fixture
def program(save_package):
    return load_coreml(save_package(convolution()))


def classifier(labels):
    """Probabilities are the softmax of the three inputs."""
    program = build((1, 3), lambda x: mb.softmax(x=x, axis=-1, name="probabilities"))
    return program, {"classifier_config": ct.ClassifierConfig(labels)}


def test_features_say_what_goes_in_and_out(program):
    assert program.inputs == (Feature("x", "array", (1, 3, 5, 4), "float32"),)
    assert program.outputs == (Feature("y", "array", (1, 7, 3, 3), "float32"),)
    assert program.labels is None


def test_metadata_is_read(save_package):
    path = save_package(convolution())
    spec = path / "Data/com.apple.CoreML/model.mlmodel"
    model = Model_pb2.Model.FromString(spec.read_bytes())
    metadata = model.description.metadata
    metadata.author, metadata.license, metadata.versionString = "Ada", "Apache-2.0", "1.2"
    metadata.shortDescription = "A convolution."
    metadata.userDefined["trained on"] = "nothing"
    spec.write_bytes(model.SerializeToString())

    read = load_coreml(path).metadata

    assert (read.author, read.license, read.version) == ("Ada", "Apache-2.0", "1.2")
    assert read.short_description == "A convolution."
    assert read.user_defined["trained on"] == "nothing"
    assert (read.specification_version, read.minimum_os) == (6, "iOS15")


def test_op_types_are_counted_without_constants(program):
    assert program.op_types() == {"conv": 1, "relu": 1}


def test_layers_yield_every_value_in_program_order(program):
    layers = list(program.layers({"x": X}))

    assert [name for name, _ in layers] == ["conv_1", "y"]
    assert [value.shape for _, value in layers] == [(1, 7, 3, 3)] * 2
    np.testing.assert_array_equal(layers[1][1], np.maximum(layers[0][1], 0.0))


def test_layers_end_with_what_predict_returns(program):
    *_, (name, value) = program.layers({"x": X})

    # fused and separate kernels round differently
    np.testing.assert_allclose(program.predict({"x": X})[name], value, rtol=1e-5, atol=1e-6)


def test_layers_take_one_example(program):
    with pytest.raises(InvalidArgumentError, match="one example"):
        program.layers({"x": np.concatenate([X, X])})


def test_predict_returns_the_declared_type(save_package):
    path = save_package(
        build((1, 3), lambda x: mb.cast(x=x, dtype="int32", name="whole")), name="int.mlpackage"
    )

    whole = load_coreml(path).predict({"x": np.array([[-1.5, 0.5, 2.5]])})["whole"]

    assert whole.dtype == np.int32
    np.testing.assert_array_equal(whole, [[-1, 0, 2]])


def test_float16_constants_are_widened(save_package):
    third = np.float16(1 / 3)

    def body(x):
        half = mb.cast(x=x, dtype="fp16")
        scale = np.full((1, 600), third, np.float16)  # long enough for the weight file
        return mb.cast(x=mb.mul(x=half, y=scale), dtype="fp32", name="y")

    y = load_coreml(save_package(build((1, 600), body))).predict({"x": np.full((1, 600), 3.0)})["y"]

    np.testing.assert_array_equal(y, np.full((1, 600), np.float32(third) * 3))


def test_a_classifier_returns_the_label_and_all_probabilities(save_package):
    mil, options = classifier(["cat", "dog", "owl"])
    program = load_coreml(save_package(mil, **options))
    label, probabilities = (feature.name for feature in program.outputs)

    result = program.predict({"x": np.log([[0.2, 0.7, 0.1]])})

    assert program.labels == ("cat", "dog", "owl")
    assert result[label] == "dog"
    assert result[probabilities] == pytest.approx({"cat": 0.2, "dog": 0.7, "owl": 0.1}, rel=1e-5)
    assert program.op_types() == {"softmax": 1, "classify": 1}


def test_a_classifier_of_several_examples_returns_lists(save_package):
    mil, options = classifier(["cat", "dog", "owl"])
    program = load_coreml(save_package(mil, **options))
    label, probabilities = (feature.name for feature in program.outputs)

    result = program.predict({"x": np.log([[0.2, 0.7, 0.1], [0.1, 0.3, 0.6]])})

    assert result[label] == ["dog", "owl"]
    assert result[probabilities][1] == pytest.approx({"cat": 0.1, "dog": 0.3, "owl": 0.6}, rel=1e-5)


def test_a_classifier_may_have_integer_labels(save_package):
    mil, options = classifier([10, 20, 30])
    program = load_coreml(save_package(mil, **options))

    result = program.predict({"x": np.array([[0.0, 0.0, 1.0]])})

    assert result[program.outputs[0].name] == 30
    assert program.outputs[0].kind == "int64"


def test_compressed_constants_are_unfolded(save_package):
    def body(x):
        dense = mb.constexpr_affine_dequantize(
            quantized_data=np.array([[1, 2, 3], [4, 5, 6]], np.int8), zero_point=np.int8(1),
            scale=np.array([1.0, 0.5], np.float32), axis=0,
        )  # fmt: skip
        table = mb.constexpr_lut_to_dense(
            indices=np.array([0b01], np.uint8), lut=np.array([5.0, 7.0], np.float32),
            shape=np.array([1, 2], np.uint32),
        )  # fmt: skip
        return mb.add(x=mb.matmul(x=x, y=dense, transpose_y=True), y=table, name="y")

    target = ct.target.iOS16
    path = save_package(build((1, 3), body, target), minimum_deployment_target=target)
    program = load_coreml(path)

    y = program.predict({"x": np.array([[1.0, 10.0, 100.0]])})["y"]

    np.testing.assert_array_equal(y, [[0.0 + 10.0 + 200.0 + 7.0, 1.5 + 20.0 + 250.0 + 5.0]])
    assert program.metadata.minimum_os == "iOS16"
    assert [name for name, _ in program.layers({"x": np.zeros((1, 3))})][-1] == "y"


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, r"inputs are \['x'\]; given were \[\], missing \['x'\]"),
        ({"x": X, "z": X}, r"unknown \['z'\]"),
        ({"x": X[:, :, :4]}, r"shape \(1, 3, 4, 4\); \(1, 3, 5, 4\) is required"),
        ({"x": X[0]}, r"shape \(3, 5, 4\); \(1, 3, 5, 4\) is required, or \(n, 3, 5, 4\)"),
        ({"x": X[:0]}, r"shape \(0, 3, 5, 4\)"),
        ({"x": X.astype(str)}, "float32 is required"),
        ({"x": X + 1j}, "type complex64; float32 is required"),
        ({"x": 1.0}, r"shape \(\); \(1, 3, 5, 4\) is required"),
        ({"x": [[1.0], [2.0, 3.0]]}, "'x' is no array"),
        (X, "takes a dictionary"),
    ],
)  # fmt: skip
def test_wrong_inputs_are_explained(program, inputs, message):
    with pytest.raises(InvalidArgumentError, match=message):
        program.predict(inputs)


def test_whole_numbers_are_taken_for_a_float_input(program):
    y = program.predict({"x": np.ones(X.shape, np.int64)})["y"]

    np.testing.assert_array_equal(y, program.predict({"x": np.ones(X.shape)})["y"])


def test_an_input_left_unchanged_can_be_an_output(save_package):
    program = load_coreml(save_package(build((2, 3), lambda x: mb.identity(x=x, name="same"))))

    y = program.predict({"x": np.arange(6.0).reshape(2, 3)})["same"]

    np.testing.assert_array_equal(y, [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]])


def test_a_tuple_of_one_tensor_is_a_tuple(save_package):
    def body(x):
        return mb.reshape_like(
            x=x, ref_tensors=(mb.transpose(x=x, perm=[1, 0]),), begins=[0], ends=[2],
            end_masks=[False], name="y",
        )  # fmt: skip

    target = ct.target.iOS16
    path = save_package(build((2, 3), body, target), minimum_deployment_target=target)
    program = load_coreml(path)

    y = program.predict({"x": np.arange(6, dtype=np.float32).reshape(2, 3)})["y"]

    np.testing.assert_array_equal(y, [[0, 1], [2, 3], [4, 5]])
