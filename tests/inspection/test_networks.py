"""Neural networks, pipelines and other models in a .mlmodel."""

import numpy as np
import pytest
from coremltools.models import datatypes
from coremltools.models.neural_network import NeuralNetworkBuilder, quantization_utils
from coremltools.proto import Model_pb2

from mobilezoo.errors import CoreMLFileError
from mobilezoo.inspection import OperationRecord, Weight, inspect_coreml
from tests.inspection.conftest import classifier


def quantized(bits, mode):
    made = classifier()
    quantization_utils._quantize_nn_spec(made.nn_spec, bits, mode)
    return made


def test_a_network_with_its_labels_and_preprocessing(save_network):
    path = save_network(classifier())

    found = inspect_coreml(path)

    assert found.format == "neural network classifier"
    assert (found.specification_version, found.minimum_ios, found.minimum_macos) == (
        1, "11", "10.13",
    )  # fmt: skip
    assert found.labels == ("cat", "dog")
    assert found.operations == (
        OperationRecord("flat", "flatten", None),
        OperationRecord(
            "dense",
            "innerProduct",
            None,
            (Weight("weights", "float32", 120, 480), Weight("bias", "float32", 2, 8)),
        ),
        OperationRecord("softmax", "softmax", None),
    )
    assert found.weight_files == ()
    assert found.size_bytes == found.specification_bytes == path.stat().st_size
    (image,) = found.inputs
    assert (image.kind, image.shape, image.color) == ("image", (4, 5), "RGB")
    assert image.preprocessing == "pixel x 0.5 + (-1, -2, -3)"


@pytest.mark.parametrize(
    ("bits", "mode", "precision", "size"),
    [
        (16, "_linear_quantization", "float16", 2 * 120),
        (
            8,
            "_linear_quantization",
            "uint8 linear",
            120 + 4 * 2 * 2,
        ),  # a scale and a bias per channel
        (4, "_linear_quantization", "uint4 linear", 60 + 4 * 2 * 2),
        (4, "_lookup_table_quantization_linear", "palette4", 60 + 4 * 16),
        (1, "_lookup_table_quantization_linear", "palette1", 15 + 4 * 2),
    ],
)
def test_quantized_layers_have_their_precision_and_their_bytes(
    save_network, bits, mode, precision, size
):
    found = inspect_coreml(save_network(quantized(bits, mode)))

    dense = found.operations[1]
    assert dense.weights[0] == Weight("weights", precision, 120, size)


def test_weights_inside_recurrent_layers_are_found(save_network):
    made = NeuralNetworkBuilder(
        [("x", datatypes.Array(3)), ("h", datatypes.Array(4)), ("c", datatypes.Array(4))],
        [("y", datatypes.Array(4)), ("h1", datatypes.Array(4)), ("c1", datatypes.Array(4))],
    )
    made.add_unilstm(
        "lstm", [np.ones((4, 4), np.float32)] * 4, [np.ones((4, 3), np.float32)] * 4,
        [np.ones(4, np.float32)] * 4, 4, 3, ["x", "h", "c"], ["y", "h1", "c1"],
    )  # fmt: skip

    (lstm,) = inspect_coreml(save_network(made)).operations

    assert lstm.type == "uniDirectionalLSTM"
    assert len(lstm.weights) == 12
    assert lstm.weight_bytes == 4 * 4 * (16 + 12 + 4)


def test_layers_of_branches_come_after_their_layer(save_network):
    made = NeuralNetworkBuilder(
        [("x", datatypes.Array(3))], [("y", None)], disable_rank5_shape_mapping=True
    )
    made.add_branch("choose", "x")
    layer = made.nn_spec.layers[0]
    for branch in (layer.branch.ifBranch, layer.branch.elseBranch):
        inner = branch.layers.add()
        inner.name = "inside"
        inner.activation.ReLU.SetInParent()

    found = inspect_coreml(save_network(made))

    assert [(item.name, item.type) for item in found.operations] == [
        ("choose", "branch"),
        ("choose/inside", "activation"),
        ("choose/inside", "activation"),
    ]


def test_shapes_that_the_file_keeps_are_shown(save_network):
    made = classifier()
    tensor = made.nn_spec.layers[0].outputTensor.add()
    tensor.rank = 2
    tensor.dimValue.extend([60, -1])

    found = inspect_coreml(save_network(made))

    assert found.operations[0].shape == (60, None)


def test_a_pipeline_lists_its_models_and_their_layers(save_network):
    model = Model_pb2.Model(specificationVersion=3)
    pipeline = model.pipelineClassifier.pipeline
    pipeline.names.extend(["scaler", "network"])
    pipeline.models.add().scaler.SetInParent()
    pipeline.models.add().CopyFrom(classifier().spec)

    found = inspect_coreml(save_network(model))

    assert found.format == "pipeline classifier"
    assert found.models == (("scaler", "scaler"), ("network", "neural network classifier"))
    assert [item.name for item in found.operations][:2] == ["network/flat", "network/dense"]
    assert found.labels == ("cat", "dog")


def test_the_models_of_a_pipeline_without_names_are_numbered(save_network):
    model = Model_pb2.Model(specificationVersion=1)
    for _ in range(2):
        model.pipeline.models.add().CopyFrom(classifier().spec)

    found = inspect_coreml(save_network(model))

    assert [name for name, _ in found.models] == ["1", "2"]


def test_a_model_without_layers_has_a_header(save_network):
    model = Model_pb2.Model(specificationVersion=1)
    model.treeEnsembleClassifier.int64ClassLabels.vector.extend([3, 5, 8])

    found = inspect_coreml(save_network(model))

    assert found.format == "tree ensemble classifier"
    assert found.labels == (3, 5, 8)
    assert found.operations == ()


def test_an_updatable_network_says_so(save_network):
    made = classifier()
    made.spec.isUpdatable = True
    made.spec.description.trainingInput.add(name="target").type.stringType.SetInParent()

    found = inspect_coreml(save_network(made))

    assert found.updatable
    assert [feature.name for feature in found.training_inputs] == ["target"]


def test_a_version_of_the_future_has_unknown_systems(save_network):
    made = classifier()
    made.spec.specificationVersion = 99

    found = inspect_coreml(save_network(made))

    assert (found.minimum_ios, found.minimum_macos) == ("unknown", "unknown")


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9])
def test_a_truncated_file_is_named(save_network, share):
    path = save_network(classifier())
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])

    with pytest.raises(CoreMLFileError, match=r"model\.mlmodel: truncated or damaged"):
        inspect_coreml(path)


def test_a_file_without_a_model_is_named(tmp_path):
    path = tmp_path / "model.mlmodel"
    path.write_bytes(b"\x08\x04")  # a version of the specification, nothing else

    with pytest.raises(CoreMLFileError, match="holds no model"):
        inspect_coreml(path)


def test_a_folder_that_is_no_package_is_named(tmp_path):
    with pytest.raises(CoreMLFileError, match=r"Manifest\.json is missing"):
        inspect_coreml(tmp_path)


def test_a_compiled_model_is_named(tmp_path):
    path = tmp_path / "model.mlmodelc"
    path.mkdir()

    with pytest.raises(CoreMLFileError, match="compiled for devices"):
        inspect_coreml(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CoreMLFileError, match="no such file"):
        inspect_coreml(tmp_path / "model.mlmodel")
