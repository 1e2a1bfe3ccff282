"""MobileNet: depthwise separable convolutions, thinned by two multipliers.

Source: Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
Applications", 2017, arXiv:1704.04861, Table 1.
Differs: ReLU6 instead of ReLU, dropout before the classifier and a 1x1 convolution instead of
the fully connected layer, as in the authors' released networks; a strided depthwise convolution
pads one pixel after on both sides, as in keras.applications, whose weight files load.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
from keras import layers

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.models._build import Network
from mobilezoo.models._options import InputShape, Options, check_counts, check_positive
from mobilezoo.models._signature import network_builder

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Block(NamedTuple):
    """A row pair of Table 1: "Conv dw / s" followed by the 1x1 "Conv / s1"."""

    filters: int  # of the 1x1 convolution at width 1.0
    stride: int  # of the depthwise convolution


STEM_FILTERS = 32  # Conv / s2, 3x3
BLOCKS = (
    # filters, stride     output at 224 px
    Block(64, 1),  # 112 x 112
    Block(128, 2),  # 56 x 56
    Block(128, 1),
    Block(256, 2),  # 28 x 28
    Block(256, 1),
    Block(512, 2),  # 14 x 14
    Block(512, 1),  # 5 x in the paper
    Block(512, 1),
    Block(512, 1),
    Block(512, 1),
    Block(512, 1),
    Block(1024, 2),  # 7 x 7
    Block(1024, 1),  # the paper prints s2 here, but keeps 7 x 7
)
DEFAULT_SHAPE = (224, 224, 3)
MINIMUM_SIDE = 32


@network_builder()
def mobilenet(
    input_shape: InputShape | None = None,
    *,
    alpha: float = 1.0,
    depth_multiplier: int = 1,
    dropout: float = 1e-3,
    **options: Unpack[Options],
) -> keras.Model:
    """Build MobileNet (v1): 4,253,864 parameters and 569 million mult-adds by default.

    Args:
        input_shape: (height, width, channels) in pixels, each side at least 32. Default
            (224, 224, 3); free sides with `include_top=False`.
        alpha: width multiplier, > 0: every layer's filters are scaled by it.
        depth_multiplier: filters per input channel of the depthwise convolutions, >= 1.
        dropout: rate before the classifier, 0 <= dropout < 1.
        name: of the model; default "mobilenet_<alpha>_<height>".

    Returns:
        A model from RGB pixels scaled to [-1, 1], (batch, height, width, 3), to (batch, classes),
        or without a top to (batch, height / 32, width / 32, 1024 * alpha) or its pooled vector.
    """
    check_positive(alpha=alpha)
    check_counts(depth_multiplier=depth_multiplier)
    if int(STEM_FILTERS * alpha) < 1:
        raise InvalidArgumentError(f"alpha={alpha} leaves no filter; pass at least 1/32.")
    network = Network(input_shape, DEFAULT_SHAPE, MINIMUM_SIDE, dropout=dropout, **options)

    x = _stem(network.inputs, int(STEM_FILTERS * alpha))
    for number, block in enumerate(BLOCKS, start=1):
        x = _separable(
            x, f"block{number}", int(block.filters * alpha), block.stride, depth_multiplier
        )
    x = network.head(x, partial(_classify, network=network))

    return network.finish(
        x,
        "mobilenet",
        preprocessing="tf",
        name=f"mobilenet_{alpha:.2f}_{network.side}",
        published={"alpha": alpha, "depth_multiplier": depth_multiplier},
        classifier="logits_conv",
    )


def _stem(x: Any, filters: int) -> Any:
    x = layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False, name="stem_conv")(x)
    x = layers.BatchNormalization(name="stem_bn")(x)
    return layers.ReLU(6.0, name="stem_relu")(x)


def _separable(x: Any, name: str, filters: int, stride: int, depth_multiplier: int) -> Any:
    """3x3 per channel, then 1x1 across channels; (h, w, c) -> (h / stride, w / stride, filters)."""
    if stride > 1:
        x = layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"{name}_pad")(x)
    x = layers.DepthwiseConv2D(
        3,
        strides=stride,
        padding="same" if stride == 1 else "valid",
        depth_multiplier=depth_multiplier,
        use_bias=False,
        name=f"{name}_depthwise_conv",
    )(x)
    x = layers.BatchNormalization(name=f"{name}_depthwise_bn")(x)
    x = layers.ReLU(6.0, name=f"{name}_depthwise_relu")(x)
    x = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_pointwise_conv")(x)
    x = layers.BatchNormalization(name=f"{name}_pointwise_bn")(x)
    return layers.ReLU(6.0, name=f"{name}_pointwise_relu")(x)


def _classify(x: Any, *, network: Network) -> Any:
    x = layers.GlobalAveragePooling2D(keepdims=True, name="global_average_pool")(x)
    x = layers.Dropout(network.dropout, name="dropout")(x)
    x = layers.Conv2D(network.classes, 1, name="logits_conv")(x)
    return network.activate(layers.Reshape((network.classes,), name="logits")(x))
