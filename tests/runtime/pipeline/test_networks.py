import numpy as np
import pytest
from coremltools.proto import Model_pb2

from mobilezoo.errors import CoreMLFileError, UnsupportedOpError
from mobilezoo.runtime import load_coreml
from tests.runtime.network.conftest import builder

PICTURES = np.random.default_rng(2).integers(0, 256, (3, 4, 5, 3)).astype(np.uint8)


def extractor():
    """Mean of each color, halved."""
    made = builder({"image": (3, 4, 5)}, {"features": (3,)})
    made.add_pooling("mean", 0, 0, 0, 0, "AVERAGE", "VALID", "image", "features", is_global=True)
    made.set_pre_processing_parameters(["image"], image_scale=0.5)
    return made.spec


def classifier():
    """Softmax of two sums."""
    made = builder({"features": (3,)}, {"scores": (2,)}, mode="classifier")
    weights = np.array([[0.1, 0.0, 0.0], [0.0, 0.0, 0.1]])
    made.add_inner_product("fc", weights, None, 3, 2, False, "features", "logits")
    made.add_softmax("softmax", "logits", "scores")
    made.set_class_labels(["red", "blue"])
    return made.spec


def pipeline(*parts):
    model = Model_pb2.Model(specificationVersion=1)
    model.pipelineClassifier.pipeline.models.extend(parts)
    model.description.input.extend(parts[0].description.input)
    model.description.output.extend(parts[-1].description.output)
    model.description.predictedFeatureName = "classLabel"
    model.description.metadata.author = "Ada"
    return model


@pytest.fixture
def save(tmp_path):
    def write(model):
        (tmp_path / "pipeline.mlmodel").write_bytes(model.SerializeToString())
        return tmp_path / "pipeline.mlmodel"

    return write


def test_parts_run_one_after_the_other(save):
    program = load_coreml(save(pipeline(extractor(), classifier())))

    result = program.predict({"image": PICTURES})
    first = program.predict({"image": PICTURES[0]})

    means = PICTURES.mean((1, 2))[:, [0, 2]] * 0.05
    scores = np.exp(means) / np.exp(means).sum(axis=1, keepdims=True)
    np.testing.assert_allclose([row["red"] for row in result["scores"]], scores[:, 0], rtol=1e-5)
    assert result["classLabel"] == [("red", "blue")[row.argmax()] for row in scores]
    assert first["classLabel"] == result["classLabel"][0]
    assert program.labels == ("red", "blue")
    assert program.metadata.author == "Ada"
    assert program.op_types() == {"pooling": 1, "innerProduct": 1, "softmax": 1}


def test_values_of_all_parts_can_be_read(save):
    program = load_coreml(save(pipeline(extractor(), classifier())))

    layers = list(program.layers({"image": PICTURES[1]}))

    assert [name for name, _ in layers] == ["features", "logits", "scores"]
    np.testing.assert_allclose(layers[0][1].ravel(), PICTURES[1].mean((0, 1)) / 2, rtol=1e-5)


def test_a_pipeline_may_return_an_array(save):
    model = pipeline(extractor(), extractor())
    model.pipelineClassifier.pipeline.models.pop()
    program = load_coreml(save(model))

    np.testing.assert_allclose(
        program.predict({"image": PICTURES})["features"], PICTURES.mean((1, 2)) / 2, rtol=1e-5
    )


def test_parts_that_are_not_supported_are_listed_with_the_reason(save):
    trees, apples = Model_pb2.Model(), Model_pb2.Model()
    trees.treeEnsembleClassifier.SetInParent()
    apples.visionFeaturePrint.scene.SetInParent()

    path = save(pipeline(extractor(), apples, trees))

    with pytest.raises(UnsupportedOpError) as refused:
        load_coreml(path)
    assert str(refused.value).endswith(
        "pipeline.mlmodel: not supported: part 2 of 3, visionFeaturePrint: its network is Apple's "
        "and part of the system, not of the file; part 3 of 3, treeEnsembleClassifier."
    )


def unread(model):
    model.description.input[0].name = "other"


def unmade(model):
    model.description.output[0].name = "other"
    array = model.description.output[0].type.multiArrayType
    array.shape.append(2)
    array.dataType = array.ArrayDataType.Value("DOUBLE")


def no_parts(model):
    del model.pipelineClassifier.pipeline.models[:]


def other_size(model):
    model.description.input[0].type.imageType.height = 9


def other_kind(model):
    part = model.pipelineClassifier.pipeline.models[1]
    image = part.description.input[0].type.imageType
    image.width, image.height, image.colorSpace = 3, 1, image.GRAYSCALE


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (other_kind, "part 2 of 2 reads 'features' as image, and it is array"),
        (unread, "part 1 of 2 reads 'image', which nothing before it makes"),
        (unmade, "no part of the pipeline makes 'other'"),
        (no_parts, "a pipeline without parts"),
        (other_size, r"declared as image \(1, 3, 9, 5\), its reader takes image \(1, 3, 4, 5\)"),
    ],
)
def test_parts_that_do_not_fit_are_named(save, change, complaint):
    model = pipeline(extractor(), classifier())
    change(model)

    with pytest.raises(CoreMLFileError, match=complaint):
        load_coreml(save(model))


def test_shapes_between_parts_must_agree(save):
    model = pipeline(extractor(), classifier())
    taken = model.pipelineClassifier.pipeline.models[1].description.input[0]
    taken.type.multiArrayType.shape[0] = 4

    program = load_coreml(save(model))

    with pytest.raises(CoreMLFileError, match=r"'features' has shape \(3,\), the next part"):
        program.predict({"image": PICTURES[0]})


def test_all_parts_of_a_pipeline_are_rounded(tmp_path):
    path = tmp_path / "pipeline.mlmodel"
    path.write_bytes(pipeline(extractor(), classifier()).SerializeToString())

    values = dict(load_coreml(path, arithmetic="float16").layers({"image": PICTURES[0]}))

    assert set(values) >= {"features", "logits", "scores"}
    assert all((value == value.astype(np.float16)).all() for value in values.values())
