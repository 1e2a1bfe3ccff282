"""`mobilezoo predict`: classes, and what it says of files that give none."""

import keras
import numpy as np
import pytest
from coremltools.models import datatypes
from coremltools.models.neural_network import NeuralNetworkBuilder
from coremltools.models.pipeline import Pipeline
from keras import layers

from mobilezoo import export_coreml, randomize_weights
from tests.cli.run import run
from tests.runtime.simple.conftest import model


@pytest.fixture
def picture(tmp_path):
    image = pytest.importorskip("PIL.Image")
    pixels = np.random.default_rng(0).integers(0, 256, (80, 120, 3), np.uint8)
    image.fromarray(pixels).save(tmp_path / "noise.png")
    return tmp_path / "noise.png"


@pytest.fixture
def export(tmp_path):
    """Export a network of features (batch, 8, 12, 5), their means, logits, probabilities."""

    def write(*names, labels=None):
        inputs = keras.Input((8, 12, 3), name="image")
        x = layers.Conv2D(5, 3, padding="same", name="features")(inputs)
        x = layers.GlobalAveragePooling2D(name="means")(x)
        x = layers.Dense(4, name="logits")(x)
        x = layers.Softmax(name="probabilities")(x)
        net = randomize_weights(keras.Model(inputs, x), preprocessing="unit")
        outputs = [net.get_layer(name).output for name in names]
        path = tmp_path / "m.mlpackage"
        part = keras.Model(net.inputs, outputs[0] if len(outputs) == 1 else outputs)
        export_coreml(part, path, preprocessing="unit", labels=labels)
        return path

    return write


def test_predict_prints_the_best_labels(capfd, package, picture):
    code, out, _ = run(capfd, "predict", package, picture, picture, "--top", "3")

    assert code == 0
    lines = out.splitlines()
    assert lines[0] == lines[4] == str(picture)
    shares = [float(line.split("%")[0]) for line in lines[1:4]]
    assert shares == sorted(shares, reverse=True)
    assert lines[1].split()[-1] in {"ant", "bee", "cat", "dog", "eel", "fox", "gnu"}


def test_predict_finds_the_probabilities_of_a_model_with_several_outputs(capfd, export, picture):
    path = export("probabilities", "logits", labels=["a", "b", "c", "d"])

    code, out, err = run(capfd, "predict", path, picture)

    assert code == 0
    assert sorted(line.split()[-1] for line in out.splitlines()[1:]) == ["a", "b", "c", "d"]
    assert err == ""


def test_predict_numbers_the_classes_of_probabilities_without_labels(capfd, export, picture):
    code, out, err = run(capfd, "predict", export("probabilities"), picture)

    rows = [line.split("%  ") for line in out.splitlines()[1:]]
    assert code == 0
    assert sum(float(share) for share, _ in rows) == pytest.approx(100, abs=0.1)
    assert {name for _, name in rows} == {"class 0", "class 1", "class 2", "class 3"}
    assert err == ""


@pytest.mark.parametrize(
    ("names", "shapes"),
    [
        (["logits"], ["logits: 1x4, from "]),
        (["means"], ["means: 1x5, from "]),
        (["features"], ["features: 1x8x12x5, from "]),
        (["probabilities", "features"], ["probabilities: 1x4, from ", "features: 1x8x12x5, from "]),
    ],
)
def test_predict_describes_what_is_no_class_probability(capfd, export, picture, names, shapes):
    path = export(*names)

    code, out, err = run(capfd, "predict", path, picture, picture)

    lines = [line.strip() for line in out.splitlines()]
    assert code == 0
    assert lines[0] == lines[1 + len(shapes)] == str(picture)
    assert all(map(str.startswith, lines[1:], shapes))
    assert "class" not in out
    assert err.count("gives no class probabilities") == 1


def test_an_overflow_in_float16_is_told_in_one_line(capfd, tmp_path, picture):
    net = keras.Sequential([keras.Input((8, 12, 3)), layers.Flatten(), layers.Dense(4)])
    net.layers[-1].set_weights([np.full((288, 4), 1e3), np.zeros(4)])
    export_coreml(net, tmp_path / "m.mlpackage", preprocessing="unit")

    silent = run(capfd, "predict", tmp_path / "m.mlpackage", picture)
    code, _, errors = run(
        capfd, "predict", tmp_path / "m.mlpackage", picture, "--arithmetic", "float16"
    )

    assert "warning" not in silent[2]
    assert code == 0
    assert "mobilezoo: warning: float16 ends at 65504: op " in errors
    assert ".py" not in errors


def test_predict_describes_a_picture_that_a_file_returns(capfd, picture, tmp_path):
    made = NeuralNetworkBuilder(
        [("image", datatypes.Array(3, 8, 12))], [("y", datatypes.Array(3, 8, 12))]
    )
    made.add_elementwise("add", ["image"], "y", "ADD", alpha=0.0)
    made.set_pre_processing_parameters(["image"])
    declared = made.spec.description.output[0].type.imageType
    declared.colorSpace, declared.height, declared.width = declared.RGB, 8, 12
    path = tmp_path / "m.mlmodel"
    path.write_bytes(made.spec.SerializeToString())

    code, out, err = run(capfd, "predict", path, picture)

    assert code == 0
    assert out.splitlines()[1:] == ["  y: a picture of 12x8 pixels, RGBA"]
    assert "gives no class probabilities" in err


def detector(labels):
    """Two boxes for any picture, of which the second is surer; a threshold of 0.25."""
    made = NeuralNetworkBuilder(
        [("image", datatypes.Array(3, 8, 12))],
        [("scores", datatypes.Array(2, 3)), ("boxes", datatypes.Array(2, 4))],
        disable_rank5_shape_mapping=True,
    )
    scores = np.array([[0.0, 0.5, 0.1], [0.75, 0.0, 0.2]])
    boxes = np.array([[0.25, 0.5, 0.1, 0.2], [0.75, 0.5, 0.3, 0.4]])
    made.add_load_constant_nd("scores", "scores", scores, (2, 3))
    made.add_load_constant_nd("boxes", "boxes", boxes, (2, 4))
    made.set_pre_processing_parameters(["image"])
    suppression = model(
        "nonMaximumSuppression", {"scores": (2, 3), "boxes": (2, 4)},
        {"confidence": (), "coordinates": ()},
        iouThreshold=0.5, confidenceThreshold=0.25, confidenceInputFeatureName="scores",
        coordinatesInputFeatureName="boxes", confidenceOutputFeatureName="confidence",
        coordinatesOutputFeatureName="coordinates", confidenceThresholdInputFeatureName="least",
    )  # fmt: skip
    suppression.nonMaximumSuppression.pickTop.SetInParent()
    suppression.nonMaximumSuppression.stringClassLabels.vector.extend(labels)
    whole = Pipeline(
        [("image", datatypes.Array(3, 8, 12)), ("least", datatypes.Double())],
        ["confidence", "coordinates"],
    )
    whole.add_model(made.spec)
    whole.add_model(suppression)
    whole.spec.description.input[0].CopyFrom(made.spec.description.input[0])
    for i, output in enumerate(suppression.description.output):
        whole.spec.description.output[i].CopyFrom(output)
    return whole.spec


def test_predict_prints_the_boxes_of_a_detector(capfd, picture, tmp_path):
    path = tmp_path / "m.mlmodel"
    path.write_bytes(detector(["ant", "bee", "cat"]).SerializeToString())

    code, out, err = run(capfd, "predict", path, picture)

    assert (code, err) == (0, "")
    assert out.splitlines()[1:] == [
        "   75.00%  ant, center (0.750, 0.500), 0.300 x 0.400",
        "   50.00%  bee, center (0.250, 0.500), 0.100 x 0.200",
    ]


def test_predict_says_that_there_is_no_box(capfd, picture, tmp_path):
    spec = detector(["ant", "bee", "cat"])
    spec.pipeline.models[1].nonMaximumSuppression.confidenceThreshold = 0.8
    path = tmp_path / "m.mlmodel"
    path.write_bytes(spec.SerializeToString())

    code, out, _ = run(capfd, "predict", path, picture)

    assert (code, out.splitlines()[1:]) == (0, ["  no box"])
