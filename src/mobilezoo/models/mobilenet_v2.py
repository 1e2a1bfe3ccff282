"""MobileNetV2: inverted residuals with linear bottlenecks.

Source: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018,
arXiv:1801.04381, Table 2.
Differs: logits come from a Dense layer, the paper's from a 1x1 convolution; the last convolution
keeps 1280 filters at alpha < 1 and filters are rounded to multiples of 8, as in the authors'
released networks, dropout before the classifier too (keras.applications has none).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import keras
from keras import layers

from mobilezoo.models._build import Network
from mobilezoo.models._mobile_blocks import Style, conv_bn, depthwise_bn, make_divisible
from mobilezoo.models._options import InputShape, Options, check_positive, convention_of
from mobilezoo.models._signature import network_builder
from mobilezoo.models._torch_names import mobilenet_v2_names

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Stage(NamedTuple):
    """One row of Table 2: `repeats` blocks that share a shape."""

    expansion: int  # t, hidden channels per input channel
    filters: int  # c, output channels at width 1.0
    repeats: int  # n
    stride: int  # s, of the first block; the others keep resolution


STEM_FILTERS = 32  # conv2d 3x3, s 2
STAGES = (
    #     t    c  n  s     output at 224 px
    Stage(1, 16, 1, 1),  # 112 x 112
    Stage(6, 24, 2, 2),  # 56 x 56
    Stage(6, 32, 3, 2),  # 28 x 28
    Stage(6, 64, 4, 2),  # 14 x 14
    Stage(6, 96, 3, 1),
    Stage(6, 160, 3, 2),  # 7 x 7
    Stage(6, 320, 1, 1),
)
HEAD_FILTERS = 1280  # conv2d 1x1
DEFAULT_SHAPE = (224, 224, 3)
MINIMUM_SIDE = 32
STYLES = {
    "keras": Style(symmetric=False, epsilon=1e-3, momentum=0.999),
    "torch": Style(symmetric=True, epsilon=1e-5, momentum=0.9),
}
PREPROCESSING = {"keras": "tf", "torch": "torch"}


@network_builder()
def mobilenet_v2(
    input_shape: InputShape | None = None,
    *,
    alpha: float = 1.0,
    dropout: float = 0.2,
    convention: str | None = None,
    **options: Unpack[Options],
) -> keras.Model:
    """Build MobileNetV2: 3,538,984 parameters and 301 million mult-adds by default.

    Args:
        input_shape: (height, width, channels) in pixels, each side at least 32. Default
            (224, 224, 3); free sides with `include_top=False`.
        alpha: width multiplier, > 0: every layer's filters are scaled by it, in multiples of 8.
        dropout: rate before the classifier, 0 <= dropout < 1.
        convention: "keras" (batch norm epsilon 1e-3, strided convolutions pad after, as
            TensorFlow's "same") or "torch" (epsilon 1e-5, padding on both sides, preprocessing
            "torch"), to fit the weights; None means "torch" for a checkpoint of PyTorch, else
            "keras".
        weights: None for random ones, "imagenet", or the path of a Keras weight file or of a
            checkpoint of torchvision or timm.
        name: of the model; default "mobilenet_v2_<alpha>_<height>".

    Returns:
        A model from RGB pixels scaled to [-1, 1], (batch, height, width, 3), to (batch, classes),
        or without a top to (batch, height / 32, width / 32, 1280; more at alpha > 1) or its
        pooled vector.
    """
    check_positive(alpha=alpha)
    network = Network(input_shape, DEFAULT_SHAPE, MINIMUM_SIDE, dropout=dropout, **options)
    convention = convention_of(convention, network.weights)
    style = STYLES[convention]

    stem_filters = make_divisible(STEM_FILTERS * alpha)
    x = conv_bn(network.inputs, "stem", stem_filters, style, kernel_size=3, stride=2)
    x = layers.ReLU(6.0, name="stem_relu")(x)
    number = 0
    for stage in STAGES:
        filters = make_divisible(int(stage.filters * alpha))
        for repeat in range(stage.repeats):
            number += 1
            stride = stage.stride if repeat == 0 else 1
            x = _inverted_residual(x, f"block{number}", stage.expansion, filters, stride, style)
    x = conv_bn(x, "head", make_divisible(HEAD_FILTERS * max(alpha, 1.0)), style)
    x = layers.ReLU(6.0, name="head_relu")(x)
    x = network.head(x)

    return network.finish(
        x,
        "mobilenet_v2",
        preprocessing=PREPROCESSING[convention],
        name=f"mobilenet_v2_{alpha:.2f}_{network.side}",
        published={"alpha": alpha, "convention": convention},
        torch_names=lambda: mobilenet_v2_names(
            [stage.repeats for stage in STAGES], classifier=network.classifier
        ),
    )


def _inverted_residual(
    x: Any, name: str, expansion: int, filters: int, stride: int, style: Style
) -> Any:
    """Expand 1x1, 3x3 per channel, project 1x1 without activation; plus x where shapes allow.

    (height, width, channels) -> (ceil(height / stride), ceil(width / stride), filters); free sides
    count as even, as in keras.applications.
    """
    shortcut, channels = x, x.shape[-1]
    if expansion > 1:
        x = conv_bn(x, f"{name}_expand", expansion * channels, style)
        x = layers.ReLU(6.0, name=f"{name}_expand_relu")(x)
    x = depthwise_bn(x, f"{name}_depthwise", 3, stride, style)
    x = layers.ReLU(6.0, name=f"{name}_depthwise_relu")(x)
    x = conv_bn(x, f"{name}_project", filters, style)
    if stride == 1 and channels == filters:
        x = layers.Add(name=f"{name}_add")([shortcut, x])
    return x
