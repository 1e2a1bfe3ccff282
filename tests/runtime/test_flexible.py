"""Files of several sizes that coremltools converted compute what Keras computes."""

import keras
import numpy as np
import pytest

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.runtime import load_coreml

from .conftest import ct, leave_folders_to_python

pytestmark = pytest.mark.skipif(
    tuple(map(int, keras.__version__.split(".")[:2])) < (3, 13),
    reason="coremltools converts Keras models from Keras 3.13",
)
SIDES = ct.Shape((1, ct.RangeDim(9, 20, default=12), ct.RangeDim(7, 30, default=14), 3))
SIZES = ct.EnumeratedShapes([(1, 12, 14, 3), (1, 9, 23, 3)])


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(1)
    x = inputs = keras.Input((None, None, 3), name="x")
    x = keras.layers.Conv2D(5, 3, strides=2, padding="same", activation="relu")(x)
    x = keras.layers.MaxPooling2D(3, 2, padding="same")(x)
    x = keras.layers.Conv2D(4, (2, 3))(x)
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))


@pytest.mark.parametrize("declared", [SIDES, SIZES], ids=["range", "sizes"])
def test_each_size_agrees_with_keras(model, tmp_path, declared):
    with leave_folders_to_python():
        ct.convert(
            model,
            convert_to="mlprogram",
            compute_precision=ct.precision.FLOAT32,
            inputs=[ct.TensorType("x", declared)],
            skip_model_load=True,
        ).save(str(tmp_path / "m.mlpackage"))

    program = load_coreml(tmp_path / "m.mlpackage")

    (output,) = (feature.name for feature in program.outputs)
    for height, width in [(12, 14), (9, 23)]:
        x = np.random.default_rng(0).normal(size=(1, height, width, 3)).astype(np.float32)
        np.testing.assert_allclose(program.predict({"x": x})[output], model(x), atol=1e-6)
    assert program.inputs[0].default == (1, 12, 14, 3)
    with pytest.raises(InvalidArgumentError, match="the file takes"):
        program.predict({"x": np.zeros((1, 8, 14, 3), np.float32)})
