"""MobileNetV3: inverted residuals found by search, with squeeze-and-excitation and hard-swish.

Source: Howard et al., "Searching for MobileNetV3", ICCV 2019, arXiv:1905.02244, Tables 1 and 2,
and the authors' released networks ("minimalistic" ones among them), as keras.applications has
them, whose weight files load.
Differs: `mobilenet_v3_small` has 2.5 million parameters and 56.5 million mult-adds, as released;
the paper prints 2.9 and 66. The stem's 16 filters and, at alpha < 1, those of the hidden layer
are not scaled. Pixels are scaled inside the network, as in keras.applications.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
from keras import layers

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.models._build import Network
from mobilezoo.models._mobile_blocks import Style, conv_bn, depthwise_bn, make_divisible
from mobilezoo.models._options import (
    InputShape,
    Options,
    VariantOptions,
    check_positive,
    convention_of,
)
from mobilezoo.models._signature import variant_of
from mobilezoo.models._torch_names import mobilenet_v3_names

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Bneck(NamedTuple):
    """One row of Table 1 or 2: an inverted residual."""

    kernel_size: int  # of "bneck, 3x3" or "bneck, 5x5"
    hidden: int  # "exp size", channels between expansion and projection at width 1.0
    filters: int  # "#out"
    squeeze: bool  # "SE"
    activation: str  # "NL": RE or HS
    stride: int  # "s"


LARGE = (  # Table 1
    #     k  exp  out     SE    NL s     output at 224 px
    Bneck(3, 16, 16, False, "RE", 1),  # 112 x 112
    Bneck(3, 64, 24, False, "RE", 2),  # 56 x 56
    Bneck(3, 72, 24, False, "RE", 1),
    Bneck(5, 72, 40, True, "RE", 2),  # 28 x 28
    Bneck(5, 120, 40, True, "RE", 1),
    Bneck(5, 120, 40, True, "RE", 1),
    Bneck(3, 240, 80, False, "HS", 2),  # 14 x 14
    Bneck(3, 200, 80, False, "HS", 1),
    Bneck(3, 184, 80, False, "HS", 1),
    Bneck(3, 184, 80, False, "HS", 1),
    Bneck(3, 480, 112, True, "HS", 1),
    Bneck(3, 672, 112, True, "HS", 1),
    Bneck(5, 672, 160, True, "HS", 2),  # 7 x 7
    Bneck(5, 960, 160, True, "HS", 1),
    Bneck(5, 960, 160, True, "HS", 1),
)
SMALL = (  # Table 2
    #     k  exp  out     SE    NL s     output at 224 px
    Bneck(3, 16, 16, True, "RE", 2),  # 56 x 56
    Bneck(3, 72, 24, False, "RE", 2),  # 28 x 28
    Bneck(3, 88, 24, False, "RE", 1),
    Bneck(5, 96, 40, True, "HS", 2),  # 14 x 14
    Bneck(5, 240, 40, True, "HS", 1),
    Bneck(5, 240, 40, True, "HS", 1),
    Bneck(5, 120, 48, True, "HS", 1),
    Bneck(5, 144, 48, True, "HS", 1),
    Bneck(5, 288, 96, True, "HS", 2),  # 7 x 7
    Bneck(5, 576, 96, True, "HS", 1),
    Bneck(5, 576, 96, True, "HS", 1),
)


class Table(NamedTuple):
    """A network: its rows, and the hidden layer before the classifier."""

    rows: tuple[Bneck, ...]
    hidden: int


TABLES = {
    "mobilenet_v3_large": Table(LARGE, 1280),
    "mobilenet_v3_small": Table(SMALL, 1024),
}
STEM_FILTERS = 16  # conv2d 3x3, s 2
HEAD_EXPANSION = 6  # conv2d 1x1: 960 filters of 160 channels, 576 of 96
SQUEEZE = 4  # channels per unit of the squeezed layer
DEFAULT_SHAPE = (224, 224, 3)
MINIMUM_SIDE = 32
STYLES = {
    "keras": Style(symmetric=False, epsilon=1e-3, momentum=0.999),
    "torch": Style(symmetric=True, epsilon=1e-3, momentum=0.99),
}


class MobileNetV3Options(VariantOptions, total=False):
    """Keyword arguments of both sizes."""

    alpha: float
    minimalistic: bool
    include_preprocessing: bool | None
    convention: str | None


def _mobilenet_v3(  # noqa: D417 - the public functions do not take variant
    variant: str,
    input_shape: InputShape | None = None,
    *,
    alpha: float = 1.0,
    minimalistic: bool = False,
    dropout: float = 0.2,
    include_preprocessing: bool | None = None,
    convention: str | None = None,
    **options: Unpack[Options],
) -> keras.Model:
    """Build either size.

    Args:
        input_shape: (height, width, channels) in pixels, each side at least 32. Default
            (224, 224, 3); free sides with `include_top=False`.
        alpha: width multiplier, > 0: every block's filters are scaled by it, in multiples of 8.
        minimalistic: without 5x5 convolutions, squeeze-and-excitation and hard-swish.
        dropout: rate before the classifier, 0 <= dropout < 1.
        include_preprocessing: whether the network scales pixels 0..255 itself, to [-1, 1].
            Default True; with convention="torch" False, which is the only choice there.
        convention: "keras" (strided convolutions pad after, as TensorFlow's "same") or "torch"
            (padding on both sides, preprocessing "torch"), to fit the weights; None means
            "torch" for a checkpoint of PyTorch, else "keras".
        include_top: whether the hidden layer and the classifier are part of the network.
        weights: None for random ones, "imagenet", or the path of a Keras weight file or of a
            checkpoint of torchvision or timm.
        name: of the model; default "<variant>_<alpha>_<height>".

    Returns:
        A model from RGB pixels 0..255, (batch, height, width, 3), to (batch, classes), or without
        a top to (batch, height / 32, width / 32, 960; 576 in the small one) or its pooled vector.
        Pixels are scaled to [-1, 1] by the caller with include_preprocessing=False.
    """
    check_positive(alpha=alpha)
    network = Network(input_shape, DEFAULT_SHAPE, MINIMUM_SIDE, dropout=dropout, **options)
    convention = convention_of(convention, network.weights)
    style, table = STYLES[convention], TABLES[variant]
    last = "RE" if minimalistic else "HS"

    x, preprocessing = _pixels(network.inputs, include_preprocessing, convention)
    x = conv_bn(x, "stem", STEM_FILTERS, style, kernel_size=3, stride=2)
    x = _activation(x, "stem", last)
    channels = STEM_FILTERS  # of the row's input at width 1.0
    for number, row in enumerate(table.rows, start=1):
        row_now = _minimal(row) if minimalistic else row
        filters = make_divisible(row.filters * alpha)
        x = _bneck(x, f"block{number}", row_now, row.hidden / channels, filters, style)
        channels = row.filters
    x = conv_bn(x, "head", make_divisible(HEAD_EXPANSION * x.shape[-1]), style)
    x = _activation(x, "head", last)
    units = make_divisible(table.hidden * alpha) if alpha > 1 else table.hidden
    x = network.head(x, partial(_classify, network=network, units=units, kind=last))

    return network.finish(
        x,
        variant,
        preprocessing=preprocessing,
        name=f"{variant}_{alpha:.2f}_{network.side}",
        published={"alpha": alpha, "minimalistic": minimalistic, "convention": convention},
        classifier="logits_conv",
        torch_names=lambda: mobilenet_v3_names(
            [row.filters for row in table.rows],
            [row.squeeze and not minimalistic for row in table.rows],
            convention=convention,
        ),
    )


@variant_of(_mobilenet_v3)
def mobilenet_v3_large(
    input_shape: InputShape | None = None, **options: Unpack[MobileNetV3Options]
) -> keras.Model:
    """Build MobileNetV3-Large: 5,507,432 parameters and 217 million mult-adds by default."""
    return _mobilenet_v3("mobilenet_v3_large", input_shape, **options)


@variant_of(_mobilenet_v3)
def mobilenet_v3_small(
    input_shape: InputShape | None = None, **options: Unpack[MobileNetV3Options]
) -> keras.Model:
    """Build MobileNetV3-Small: 2,554,968 parameters and 56.5 million mult-adds by default."""
    return _mobilenet_v3("mobilenet_v3_small", input_shape, **options)


def _minimal(row: Bneck) -> Bneck:
    return row._replace(kernel_size=3, squeeze=False, activation="RE")


def _pixels(inputs: Any, include_preprocessing: bool | None, convention: str) -> tuple[Any, str]:
    """The network's first values, and the preprocessing that is left to the caller."""
    if convention == "torch":
        if include_preprocessing:
            raise InvalidArgumentError(
                "include_preprocessing=True scales to [-1, 1], which networks of "
                "convention='torch' do not take. Leave it out."
            )
        return inputs, "torch"
    if include_preprocessing is False:
        return inputs, "tf"
    return layers.Rescaling(1 / 127.5, offset=-1.0, name="rescaling")(inputs), "none"


def _activation(x: Any, name: str, kind: str) -> Any:
    if kind == "RE":
        return layers.ReLU(name=f"{name}_relu")(x)
    return layers.Activation("hard_swish", name=f"{name}_hard_swish")(x)


def _bneck(x: Any, name: str, row: Bneck, expansion: float, filters: int, style: Style) -> Any:
    """Expand 1x1, convolve per channel, weigh channels, project 1x1; plus x where shapes allow.

    (height, width, channels) -> (ceil(height / stride), ceil(width / stride), filters); free sides
    count as even, as in keras.applications.
    """
    shortcut, channels = x, x.shape[-1]
    if expansion > 1:
        x = conv_bn(x, f"{name}_expand", make_divisible(channels * expansion), style)
        x = _activation(x, f"{name}_expand", row.activation)
    x = depthwise_bn(x, f"{name}_depthwise", row.kernel_size, row.stride, style)
    x = _activation(x, f"{name}_depthwise", row.activation)
    if row.squeeze:
        x = _squeeze_excite(x, name)
    x = conv_bn(x, f"{name}_project", filters, style)
    if row.stride == 1 and channels == filters:
        x = layers.Add(name=f"{name}_add")([shortcut, x])
    return x


def _squeeze_excite(x: Any, name: str) -> Any:
    """x, each channel times a weight in [0, 1] that the means of all channels decide."""
    channels = x.shape[-1]
    y = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_squeeze_pool")(x)
    y = layers.Conv2D(make_divisible(channels / SQUEEZE), 1, name=f"{name}_squeeze_conv")(y)
    y = layers.ReLU(name=f"{name}_squeeze_relu")(y)
    y = layers.Conv2D(channels, 1, name=f"{name}_excite_conv")(y)
    y = layers.Activation("hard_sigmoid", name=f"{name}_excite_hard_sigmoid")(y)
    return layers.Multiply(name=f"{name}_excite")([x, y])


def _classify(x: Any, *, network: Network, units: int, kind: str) -> Any:
    x = layers.GlobalAveragePooling2D(keepdims=True, name="global_average_pool")(x)
    x = layers.Conv2D(units, 1, name="hidden_conv")(x)
    x = _activation(x, "hidden", kind)
    x = layers.Dropout(network.dropout, name="dropout")(x)
    x = layers.Conv2D(network.classes, 1, name="logits_conv")(x)
    return network.activate(layers.Flatten(name="logits")(x))
