"""Small files of every kind, made by coremltools when a test asks for them."""

import numpy as np
import pytest
from coremltools.converters.mil import Builder as mb
from coremltools.models import datatypes
from coremltools.models.neural_network import NeuralNetworkBuilder

from tests.runtime.conftest import build, ct, leave_folders_to_python

SPEC = "Data/com.apple.CoreML/model.mlmodel"
WEIGHTS = "Data/com.apple.CoreML/weights/weight.bin"


@pytest.fixture
def save(tmp_path):
    """Save a MIL program as a .mlpackage, its ops exactly as built."""

    def save(program, name="model.mlpackage", compress=None, **options):
        with leave_folders_to_python():
            model = ct.convert(
                program,
                source="milinternal",
                convert_to="mlprogram",
                pass_pipeline=ct.PassPipeline.EMPTY,
                skip_model_load=True,
                **{"minimum_deployment_target": ct.target.iOS15, **options},
            )
            model = model if compress is None else compress(model)
            model.save(str(tmp_path / name))
        return tmp_path / name

    return save


@pytest.fixture
def save_network(tmp_path):
    """Save what a builder built, or a specification, as a .mlmodel."""

    def save(made, name="model.mlmodel"):
        path = tmp_path / name
        path.write_bytes(getattr(made, "spec", made).SerializeToString())
        return path

    return save


def two_convolutions(target=None):
    """conv_1 with 7 x 3 x 3 x 2 numbers, conv_2 with 5 x 7 x 4 x 3 and a bias of 5."""

    def body(x):
        random = np.random.default_rng(1)
        first = random.normal(size=(7, 3, 3, 2)).astype(np.float32)
        second = random.normal(size=(5, 7, 4, 3)).astype(np.float32)
        y = mb.relu(x=mb.conv(x=x, weight=first, name="conv_1"), name="relu_1")
        return mb.conv(x=y, weight=second, bias=np.arange(5, dtype=np.float32), name="conv_2")

    return build((1, 3, 11, 13), body, target)


def classifier():
    """A neural network of specification 1 that takes pictures."""
    builder = NeuralNetworkBuilder(
        [("image", datatypes.Array(3, 4, 5))], [("p", datatypes.Array(2))], mode="classifier"
    )
    weight = np.linspace(-1, 1, 2 * 60, dtype=np.float32).reshape(2, 60)
    builder.add_flatten("flat", 0, "image", "flat")
    builder.add_inner_product(
        "dense", weight, np.zeros(2, np.float32), 60, 2, True, "flat", "logits"
    )
    builder.add_softmax("softmax", "logits", "p")
    builder.set_class_labels(["cat", "dog"], "classLabel", "p")
    builder.set_pre_processing_parameters(
        image_input_names=["image"], image_scale=0.5, red_bias=-1, green_bias=-2, blue_bias=-3
    )
    return builder
