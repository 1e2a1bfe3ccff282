"""Damaged networks: always an error of ours that names what is wrong."""

import re

import numpy as np
import pytest

from mobilezoo.errors import CoreMLFileError, MobilezooError, UnsupportedOpError
from mobilezoo.runtime import load_coreml

from .conftest import builder

X = np.ones((2, 5, 4))


def network():
    """A convolution, an activation, a sum of both, an inner product."""
    rng = np.random.default_rng(3)
    made = builder({"x": X.shape}, {"y": None})
    made.add_convolution(
        "conv", 2, 3, 3, 3, 1, 1, "same", 1, rng.normal(size=(3, 3, 2, 3)), np.ones(3), True,
        input_name="x", output_name="conv",
    )  # fmt: skip
    made.add_activation("relu", "RELU", "conv", "relu")
    made.add_elementwise("sum", ["conv", "relu"], "sum", "ADD")
    made.add_inner_product("fc", rng.normal(size=(7, 60)), None, 60, 7, False, "sum", "y")
    return made


def layer(spec, i):
    return spec.neuralNetwork.layers[i]


def cyclic(spec):
    layer(spec, 1).input[0] = "y"


def undefined(spec):
    layer(spec, 2).input[1] = "nowhere"


def twice(spec):
    layer(spec, 1).output[0] = "conv"


def over_the_input(spec):
    layer(spec, 1).output[0] = "x"


def no_output(spec):
    del layer(spec, 1).output[:]


def no_input(spec):
    del layer(spec, 2).input[:]


def too_many_inputs(spec):
    layer(spec, 3).input.append("conv")


def too_few_inputs(spec):
    del layer(spec, 3).input[:]


def missing_weights(spec):
    layer(spec, 0).convolution.weights.Clear()


def missing_bias(spec):
    layer(spec, 0).convolution.bias.Clear()


def too_few_weights(spec):
    del layer(spec, 3).innerProduct.weights.floatValue[0]


def other_size(spec):
    layer(spec, 0).convolution.outputChannels = 1 << 60


def no_padding_type(spec):
    layer(spec, 0).convolution.ClearField("same")


def no_function(spec):
    layer(spec, 1).activation.ClearField("ReLU")


def one_stride(spec):
    del layer(spec, 0).convolution.stride[1]


def large_border(spec):
    convolution = layer(spec, 0).convolution
    convolution.valid.paddingAmounts.borderAmounts.add().endEdgeSize = 1 << 40
    convolution.valid.paddingAmounts.borderAmounts.add()


def three_borders(spec):
    for _ in range(3):
        layer(spec, 0).convolution.valid.paddingAmounts.borderAmounts.add()


def no_such_output(spec):
    spec.description.output[0].name = "nowhere"


def same_name_twice(spec):
    spec.description.output.add().CopyFrom(spec.description.output[0])


def no_features(spec):
    del spec.description.input[:]


def sequence_output(spec):
    spec.description.output[0].type.sequenceType.int64Type.SetInParent()


def picture_of_no_colors(spec):
    spec.description.output[0].type.imageType.height = 5


def too_many_parts(spec):
    layer(spec, 1).split.nOutputs = 1 << 40


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (cyclic, r"layer 2 of 4, activation 'relu' reads 'y', which nothing before it defines"),
        (undefined, r"layer 3 of 4, add 'sum' reads 'nowhere'"),
        (twice, r"layer 2 of 4, activation 'relu' defines 'conv' once more"),
        (over_the_input, "defines 'x' once more"),
        (no_output, "activation 'relu' has no output"),
        (no_input, "add 'sum' has no input"),
        (too_many_inputs, "innerProduct 'fc' has 2 inputs, which are too many"),
        (too_few_inputs, "innerProduct 'fc' has 0 inputs, which are too few: x is missing"),
        (missing_weights, "convolution 'conv': weights: no weights are stored; 54 are required"),
        (missing_bias, "convolution 'conv': bias: no weights are stored; 3 are required"),
        (too_few_weights, r"floatValue has 419 numbers, the shape \(7, 60\) needs 420"),
        (other_size, "floatValue has 54 numbers"),
        (no_padding_type, "ConvolutionPaddingType is not set"),
        (no_function, "NonlinearityType is not set"),
        (one_stride, "stride has 1 numbers; 2 are required"),
        (large_border, r"borderAmounts is .*; 0 to 65536 are possible"),
        (three_borders, "3 borderAmounts; 2 are required"),
        (no_such_output, "nothing defines the output 'nowhere'"),
        (same_name_twice, "output 'y' is declared 2 times"),
        (no_features, "no input"),
        (sequence_output, "feature 'y' has kind sequenceType, which is not supported"),
        (picture_of_no_colors, "image 'y' has color space INVALID_COLOR_SPACE"),
        (too_many_parts, "makes 1099511627776 parts for 1 outputs"),
    ],
)
def test_what_is_wrong_is_named_when_loading(save_network, change, complaint):
    path = save_network(network(), change)

    with pytest.raises(CoreMLFileError, match=complaint):
        load_coreml(path)


def test_all_unknown_layers_are_listed(save_network):
    def replace(spec):
        layer(spec, 1).custom.className = "Mine"
        layer(spec, 2).randomUniformLike.maxVal = 3.0
        layer(spec, 3).loop.maxLoopIterations = 7

    path = save_network(network(), replace)

    listed = (
        "layer 2 of 4, custom 'relu' (code of the app that opens the file); layer 3 of 4, "
        "randomUniformLike 'sum' (draws random numbers); layer 4 of 4, loop 'fc' (control flow)."
    )
    with pytest.raises(UnsupportedOpError, match=re.escape(listed)):
        load_coreml(path)


def test_an_unset_layer_is_unknown(save_network):
    path = save_network(network(), lambda spec: layer(spec, 1).ClearField("activation"))

    with pytest.raises(UnsupportedOpError, match="layer 2 of 4, unknown 'relu'"):
        load_coreml(path)


def test_layers_that_do_not_fit_each_other_are_named_when_they_run(save_network):
    def shrink(spec):
        fc = layer(spec, 3).innerProduct
        fc.inputChannels = 59
        del fc.weights.floatValue[413:]

    program = load_coreml(save_network(network(), shrink))

    with pytest.raises(CoreMLFileError, match=r"layer 4 of 4, innerProduct 'fc' cannot be comp"):
        program.predict({"x": X})


def test_a_value_without_end_is_refused(save_network):
    def enlarge(spec):
        layer(spec, 1).upsample.scalingFactor.extend([1 << 15, 1 << 15])

    program = load_coreml(save_network(network(), enlarge))

    with pytest.raises(
        CoreMLFileError, match=r"layer 2 of 4, upsample 'relu' .* elements; at most"
    ):
        program.predict({"x": X})


def test_a_value_of_more_axes_than_tensorflow_bears_is_refused(save_network):
    made = builder({"x": X.shape}, {"y": None}, disable_rank5_shape_mapping=True)
    made.add_expand_dims("e", "x", "y", [0] * 300)
    program = load_coreml(save_network(made))

    for run in (program.predict, lambda given: list(program.layers(given))):
        with pytest.raises(CoreMLFileError, match="expandDims 'e': 'y' has 303 axes; at most 16"):
            run({"x": X})


@pytest.mark.parametrize("content", [b"", b"no protobuf at all", b"\x08\x01"])
def test_a_file_that_is_none_is_named(tmp_path, content):
    path = tmp_path / "bad.mlmodel"
    path.write_bytes(content)

    with pytest.raises(
        CoreMLFileError,
        match=r"bad\.mlmodel: (truncated|holds no model|holds a model of type|a text, no Core ML)",
    ):
        load_coreml(path)


def test_an_ml_program_lies_in_a_package(tmp_path):
    from coremltools.proto import Model_pb2

    model = Model_pb2.Model(specificationVersion=6)
    model.mlProgram.version = 1
    (tmp_path / "bare.mlmodel").write_bytes(model.SerializeToString())

    with pytest.raises(CoreMLFileError, match=r"lies in a \.mlpackage folder"):
        load_coreml(tmp_path / "bare.mlmodel")


def test_another_file_is_not_taken_for_one(tmp_path):
    (tmp_path / "model.zip").write_bytes(b"PK")

    with pytest.raises(CoreMLFileError, match="An archive must be unpacked first"):
        load_coreml(tmp_path / "model.zip")


def test_truncated_and_changed_files_are_errors_of_ours(tmp_path, save_network):
    content = save_network(network()).read_bytes()
    rng = np.random.default_rng(11)
    refused = 0
    for i in range(300):
        changed = bytearray(content[: rng.integers(len(content))] if i % 3 == 0 else content)
        for place in rng.integers(0, max(1, min(400, len(changed))), i % 3):
            if changed:
                changed[place] = rng.integers(256)
        path = tmp_path / "changed.mlmodel"
        path.write_bytes(changed)
        try:
            load_coreml(path).predict({"x": X})
        except MobilezooError:
            refused += 1
    assert refused > 100


def test_what_is_made_of_constants_alone_is_foreseen_too(save_network):
    made = builder({"x": X.shape}, {"y": None}, disable_rank5_shape_mapping=True)
    made.add_load_constant_nd("c", "c", np.ones((100, 50), np.float32), (100, 50))
    made.add_tile("t", "c", "t", [6000, 6000])
    made.add_reduce_sum("s", "t", "s", axes=[0, 1], keepdims=False)
    made.add_add_broadcastable("a", ["x", "s"], "y")
    program = load_coreml(save_network(made))

    for run in (program.predict, lambda given: list(program.layers(given))):
        with pytest.raises(CoreMLFileError, match=r"tile 't': 't' has .* 180000000000 elements"):
            run({"x": X})
