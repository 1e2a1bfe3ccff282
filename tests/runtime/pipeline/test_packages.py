"""Pipelines that coremltools makes: of converted PyTorch models, and as exporters build them."""

import warnings

import numpy as np
import pytest
from coremltools.models import datatypes
from coremltools.models.pipeline import Pipeline, PipelineClassifier

from mobilezoo.errors import CoreMLFileError
from mobilezoo.runtime import load_coreml
from tests.runtime.conftest import ct, leave_folders_to_python
from tests.runtime.network.conftest import builder
from tests.runtime.simple.conftest import model
from tests.runtime.simple.test_linear import classifier

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
from torch import nn  # noqa: E402

NOISE = np.random.default_rng(3).integers(0, 256, (3, 8, 12, 3))
PICTURES = (NOISE * np.array([0.1, 0.4, 1.0]).reshape(3, 1, 1, 1)).astype(np.uint8)


@pytest.fixture(autouse=True)
def _same_weights():
    torch.manual_seed(1)


def convert(module, shape, inputs, outputs, **options):
    """coremltools' ML program of a PyTorch module, in float32."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(module.eval(), torch.rand(shape))
        return ct.convert(
            traced,
            inputs=inputs,
            outputs=outputs,
            **{
                "minimum_deployment_target": ct.target.iOS16,
                "compute_precision": ct.precision.FLOAT32,
                "skip_model_load": True,
            }
            | options,
        )


def save(made, path):
    with leave_folders_to_python():
        made.save(str(path))
    return load_coreml(path)


def test_two_programs_each_with_weights_of_its_own(tmp_path):
    first = nn.Sequential(nn.Conv2d(3, 6, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    second = nn.Sequential(nn.Linear(6, 20), nn.ReLU(), nn.Linear(20, 4), nn.Softmax(1))
    image = ct.ImageType("image", (1, 3, 8, 12), scale=1 / 255)
    features = ct.TensorType("features")
    parts = [
        convert(first, (1, 3, 8, 12), [image], [features]),
        convert(
            second, (1, 6), [ct.TensorType("features", (1, 6))], None,
            classifier_config=ct.ClassifierConfig(["ant", "bee", "cat", "dog"]),
        ),
    ]  # fmt: skip
    with leave_folders_to_python():
        program = save(ct.utils.make_pipeline(*parts), tmp_path / "p.mlpackage")

    answers = program.predict({"image": PICTURES})
    one = program.predict({"image": PICTURES[1]})
    layers = dict(program.layers({"image": PICTURES[1]}))

    with torch.no_grad():
        x = torch.from_numpy(PICTURES.transpose(0, 3, 1, 2) / np.float32(255))
        expected_features = first(x).numpy()
        expected = second(first(x)).numpy()
    assert program.labels == ("ant", "bee", "cat", "dog")
    (scores,) = [item.name for item in program.outputs if item.kind == "dictionary"]
    found = [[row[label] for label in program.labels] for row in answers[scores]]
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert np.ptp(expected, axis=0).max() > 0.003  # a hundred times the tolerance
    assert one["classLabel"] == answers["classLabel"][1] == program.labels[expected[1].argmax()]
    np.testing.assert_allclose(layers["features"], expected_features[1:2], rtol=1e-4)
    assert program.op_types()["conv"] == 1
    assert program.op_types()["linear"] == 2


class Boxes(nn.Module):
    """As a detector puts out its boxes: (boxes, classes) and (boxes, 4), of sides 0 to 1."""

    def __init__(self):
        super().__init__()
        self.scores, self.places = nn.Conv2d(3, 5, 4, 4), nn.Conv2d(3, 4, 4, 4)

    def forward(self, x):
        scores, places = self.scores(x), self.places(x)
        return (
            torch.sigmoid(scores).flatten(2)[0].transpose(0, 1),
            torch.sigmoid(places).flatten(2)[0].transpose(0, 1),
        )


def detector(program, labels):
    """The pipeline that Ultralytics' exporter builds around a program with two outputs."""
    nms = ct.proto.Model_pb2.Model(specificationVersion=7)
    for name, made, width in zip(
        ("confidence", "coordinates"), program.get_spec().description.output, (5, 4), strict=True
    ):
        made.type.multiArrayType.shape[:] = [6, width]
        nms.description.input.add().CopyFrom(made)
        nms.description.output.add().CopyFrom(made)
        nms.description.output[-1].name = name
        array = nms.description.output[-1].type.multiArrayType
        del array.shape[:]
        array.shapeRange.sizeRanges.add(lowerBound=0, upperBound=-1)
        array.shapeRange.sizeRanges.add(lowerBound=width, upperBound=width)
    message = nms.nonMaximumSuppression
    message.confidenceInputFeatureName = nms.description.input[0].name
    message.coordinatesInputFeatureName = nms.description.input[1].name
    message.confidenceOutputFeatureName, message.coordinatesOutputFeatureName = (
        "confidence", "coordinates",
    )  # fmt: skip
    message.iouThresholdInputFeatureName = "iouThreshold"
    message.confidenceThresholdInputFeatureName = "confidenceThreshold"
    message.iouThreshold, message.confidenceThreshold = 0.45, 0.5
    message.pickTop.perClass = True
    message.stringClassLabels.vector.extend(labels)
    numbers = [(name, datatypes.Double()) for name in ("iouThreshold", "confidenceThreshold")]
    pipeline = Pipeline(
        [("image", datatypes.Array(3, 8, 12)), *numbers], ["confidence", "coordinates"]
    )
    pipeline.add_model(program)
    pipeline.add_model(nms)
    pipeline.spec.description.input[0].CopyFrom(program.get_spec().description.input[0])
    for i, output in enumerate(nms.description.output):
        pipeline.spec.description.output[i].CopyFrom(output)
    pipeline.spec.specificationVersion = 7
    return pipeline.spec


def test_a_detector_as_it_is_exported_today(tmp_path):
    labels = ["ant", "bee", "cat", "dog", "eel"]
    module = Boxes()
    image = ct.ImageType("image", (1, 3, 8, 12), scale=1 / 255)
    made = convert(module, (1, 3, 8, 12), [image], None)
    with leave_folders_to_python():
        program = save(
            ct.models.MLModel(detector(made, labels), weights_dir=made.weights_dir),
            tmp_path / "yolo.mlpackage",
        )

    answer = program.predict({"image": PICTURES[0]})
    everything = program.predict(
        {"image": PICTURES[0], "confidenceThreshold": 0, "iouThreshold": 1}
    )
    pictures = program.predict({"image": PICTURES, "confidenceThreshold": 0.0})
    listed = program.predict([{"image": each, "confidenceThreshold": 0.0} for each in PICTURES])

    with torch.no_grad():
        x = torch.from_numpy(PICTURES[:1].transpose(0, 3, 1, 2) / np.float32(255))
        scores, places = (value.numpy() for value in module(x))
    order = np.argsort(-scores.max(axis=1))
    np.testing.assert_allclose(everything["confidence"], scores[order], rtol=1e-4)
    np.testing.assert_allclose(everything["coordinates"], places[order], rtol=1e-4)
    assert answer["confidence"].shape == (len(answer["coordinates"]), 5)
    assert answer["confidence"].max(axis=1).min() >= 0.5
    assert len(answer["confidence"]) < len(everything["confidence"]) == 6
    for at_once, alone in zip(pictures["coordinates"], listed, strict=True):
        np.testing.assert_allclose(at_once, alone["coordinates"], rtol=1e-6)
    assert program.labels == tuple(labels)
    assert program.op_types()["nonMaximumSuppression"] == 1
    assert [(item.name, item.optional) for item in program.inputs] == [
        ("image", False), ("iouThreshold", True), ("confidenceThreshold", True),
    ]  # fmt: skip


def test_a_network_and_a_linear_classifier(open_simple):
    network = builder({"image": (3, 4, 5)}, {"means": (3,)})
    network.add_pooling("m", 0, 0, 0, 0, "AVERAGE", "VALID", "image", "means", is_global=True)
    network.set_pre_processing_parameters(["image"], image_scale=1 / 255)
    scaler = model("scaler", {"means": (3,)}, {"x": (2,)}, shiftValue=[-0.5])
    del scaler.description.output[0].type.multiArrayType.shape[:]
    extractor = model("arrayFeatureExtractor", {"x": ()}, {"ends": (2,)}, extractIndex=[0, 2])
    linear = classifier(["blue", "red"], [[3.0, -3.0]], [0.25], predicted="color", scores="p")
    linear.description.input[0].name = "ends"
    pipeline = PipelineClassifier(
        [("image", datatypes.Array(3, 4, 5))], ["blue", "red"],
        [("color", datatypes.String()), ("p", datatypes.Dictionary(str))],
    )  # fmt: skip
    for part in (network.spec, scaler, extractor, linear):
        pipeline.add_model(part)
    pipeline.spec.description.input[0].CopyFrom(network.spec.description.input[0])
    program = open_simple(pipeline.spec)
    pictures = np.zeros((2, 4, 5, 3), np.uint8)
    pictures[0, ..., 0] = pictures[1, ..., 2] = 255

    answers = program.predict({"image": pictures})

    # 3 (1 - 0) + 0.25 and 3 (0 - 1) + 0.25
    assert answers["color"] == ["red", "blue"]
    assert [row["red"] for row in answers["p"]] == pytest.approx([0.962673, 0.060087], rel=1e-4)
    assert program.op_types() == {
        "pooling": 1, "scaler": 1, "arrayFeatureExtractor": 1, "glmClassifier": 1,
    }  # fmt: skip
    assert [name for name, _ in program.layers({"image": pictures[0]})] == [
        "means", "x", "ends", "p",
    ]  # fmt: skip


def pictures_then_means(height=2, channels=3):
    """1.6 times a picture, as a BGR picture, and the mean of each of its colors."""
    brighter = builder({"image": (3, 2, 4)}, {"bright": (3, 2, 4)})
    brighter.add_activation("linear", "LINEAR", "image", "bright", [1.6, 0.0])
    brighter.set_pre_processing_parameters(["image"])
    declared = brighter.spec.description.output[0].type.imageType
    declared.colorSpace, declared.height, declared.width = declared.BGR, 2, 4
    mean = builder({"bright": (channels, height, 4)}, {"means": (channels,)})
    mean.add_pooling("m", 0, 0, 0, 0, "AVERAGE", "VALID", "bright", "means", is_global=True)
    mean.set_pre_processing_parameters(["bright"])
    pipeline = Pipeline([("image", datatypes.Array(3, 2, 4))], ["bright", "means"])
    for part in (brighter.spec, mean.spec):
        pipeline.add_model(part)
    pipeline.spec.description.input[0].CopyFrom(brighter.spec.description.input[0])
    pipeline.spec.description.output[0].CopyFrom(brighter.spec.description.output[0])
    pipeline.spec.description.output[1].CopyFrom(mean.spec.description.output[0])
    return pipeline.spec


def test_a_picture_goes_from_part_to_part_as_whole_pixels(open_simple):
    pytest.importorskip("PIL.Image")
    program = open_simple(pictures_then_means())
    pictures = np.zeros((2, 2, 4, 3), np.uint8) + np.array([6, 100, 200], np.uint8)

    answers = program.predict({"image": pictures})

    # 9.6, 160 and 320 leave as blue, green and red; the next part takes red, green and blue
    assert answers["bright"][1].getpixel((3, 1)) == (255, 160, 10, 255)
    np.testing.assert_array_equal(answers["means"], [[255.0, 160.0, 10.0]] * 2)


@pytest.mark.parametrize(
    ("other", "taken"), [({"height": 5}, "5, 4, 3"), ({"channels": 1}, "2, 4, 1")]
)
def test_a_picture_of_another_form_than_the_next_part_takes_is_a_damaged_file(
    open_simple, other, taken
):
    program = open_simple(pictures_then_means(**other))

    with pytest.raises(CoreMLFileError, match=rf"made with .*\(2, 4, 3\), .* takes \({taken}\)"):
        program.predict({"image": np.zeros((2, 4, 3), np.uint8)})
