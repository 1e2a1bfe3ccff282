"""Classifiers and backbones of keras_hub, made small; skipped where it is not installed."""

import pytest

from mobilezoo import export_coreml, randomize_weights, verify

hub = pytest.importorskip("keras_hub", reason="needs keras-hub").models

SHAPE = (64, 96, 3)


def vit():
    backbone = hub.ViTBackbone(
        image_shape=SHAPE, patch_size=16, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=32
    )
    return hub.ViTImageClassifier(backbone, num_classes=5)


def deit():
    return hub.DeiTBackbone(
        image_shape=SHAPE, patch_size=16, num_layers=2, num_heads=2, hidden_dim=16,
        intermediate_dim=32,
    )  # fmt: skip


def densenet():
    return hub.DenseNetBackbone(
        stackwise_num_repeats=[2, 2], image_shape=SHAPE, compression_ratio=0.5, growth_rate=8
    )


def vgg():
    backbone = hub.VGGBackbone(
        stackwise_num_repeats=[1, 1], stackwise_num_filters=[8, 16], image_shape=SHAPE
    )
    return hub.VGGImageClassifier(backbone, num_classes=5)


def resnet():
    backbone = hub.ResNetBackbone(
        input_conv_filters=[64], input_conv_kernel_sizes=[7], stackwise_num_filters=[64, 16],
        stackwise_num_blocks=[1, 1], stackwise_num_strides=[1, 2], block_type="bottleneck_block",
        use_pre_activation=True, image_shape=SHAPE,
    )  # fmt: skip
    return hub.ResNetImageClassifier(backbone, num_classes=5)


@pytest.mark.parametrize("make", [vit, deit, densenet, vgg, resnet])
def test_a_model_of_keras_hub_agrees(make, tmp_path):
    model = randomize_weights(make())

    export_coreml(model, tmp_path / "m.mlpackage", precision="float32", inputs="array")

    assert verify(model, tmp_path / "m.mlpackage").largest_difference < 5e-6
