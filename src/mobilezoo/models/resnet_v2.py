"""ResNet (version 2): residual blocks that activate before each convolution.

Source: He et al., "Identity Mappings in Deep Residual Networks", 2016, arXiv:1603.05027, figure 4e
and section 5; the other columns of the table are those of arXiv:1512.03385, Table 1.
Differs: as in keras.applications, whose weight files load: the last block of a stage halves the
sides, not the first of the next one; its shortcut is a maximum over 1x1; the stem's and a block's
last convolution carry biases; batch norms have epsilon 1.001e-5. A block that changes the number
of channels applies its first activation to both branches, as the authors' code does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from mobilezoo.models._build import Network
from mobilezoo.models._options import InputShape, Options, VariantOptions
from mobilezoo.models._residual_blocks import (
    EXPANSION,
    block_kernels,
    bn_relu,
    conv,
    residual_v2,
)
from mobilezoo.models._signature import variant_of
from mobilezoo.models.resnet_v1 import (
    DEFAULT_SHAPE,
    FILTERS,
    MINIMUM_SIDE,
    column,
    stem,
    stem_pool,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack

EPSILON = 1.001e-5


def _resnet_v2(  # noqa: D417 - the public functions do not take depth
    depth: int,
    input_shape: InputShape | None = None,
    *,
    dropout: float = 0.0,
    **options: Unpack[Options],
) -> keras.Model:
    """Build a ResNet of version 2.

    The last block of each stage but the last one halves the sides, by its 3x3 convolution (the
    first one in resnet18_v2 and resnet34_v2). The stem's convolution, shortcuts and the last
    convolution of each block carry biases, the others, which a batch norm follows, do not.

    Args:
        input_shape: (height, width, channels) in pixels, each side at least 32. Default
            (224, 224, 3); free sides with `include_top=False`.
        dropout: rate before the classifier, 0 <= dropout < 1.

    Returns:
        A model from RGB pixels scaled to [-1, 1], (batch, height, width, 3), to (batch, classes),
        or without a top to (batch, height / 32, width / 32, 2048; 512 up to resnet34_v2) or its
        pooled vector.
    """
    network = Network(input_shape, DEFAULT_SHAPE, MINIMUM_SIDE, dropout=dropout, **options)

    _, block, repeats = column(depth)
    x = stem_pool(stem(network.inputs, use_bias=True))
    for stage, (filters, count) in enumerate(zip(FILTERS, repeats, strict=True), start=2):
        for number in range(1, count + 1):
            stride = 2 if stage < 5 and number == count else 1
            x = _residual(x, f"stage{stage}_block{number}", block, filters, stride)
    x = bn_relu(x, "post_{}", EPSILON)
    x = network.head(x)

    return network.finish(x, f"resnet{depth}_v2", preprocessing="tf", published={})


@variant_of(_resnet_v2)
def resnet18_v2(
    input_shape: InputShape | None = None, **options: Unpack[VariantOptions]
) -> keras.Model:
    """Build ResNet-18 v2: 11,698,408 parameters, 1.29 billion mult-adds."""
    return _resnet_v2(18, input_shape, **options)


@variant_of(_resnet_v2)
def resnet34_v2(
    input_shape: InputShape | None = None, **options: Unpack[VariantOptions]
) -> keras.Model:
    """Build ResNet-34 v2: 21,815,848 parameters, 3.14 billion mult-adds."""
    return _resnet_v2(34, input_shape, **options)


@variant_of(_resnet_v2)
def resnet50_v2(
    input_shape: InputShape | None = None, **options: Unpack[VariantOptions]
) -> keras.Model:
    """Build ResNet-50 v2: 25,613,800 parameters, 3.48 billion mult-adds."""
    return _resnet_v2(50, input_shape, **options)


@variant_of(_resnet_v2)
def resnet101_v2(
    input_shape: InputShape | None = None, **options: Unpack[VariantOptions]
) -> keras.Model:
    """Build ResNet-101 v2: 44,675,560 parameters, 7.19 billion mult-adds."""
    return _resnet_v2(101, input_shape, **options)


@variant_of(_resnet_v2)
def resnet152_v2(
    input_shape: InputShape | None = None, **options: Unpack[VariantOptions]
) -> keras.Model:
    """Build ResNet-152 v2: 60,380,648 parameters, 10.91 billion mult-adds."""
    return _resnet_v2(152, input_shape, **options)


@variant_of(_resnet_v2)
def resnet200_v2(
    input_shape: InputShape | None = None, **options: Unpack[VariantOptions]
) -> keras.Model:
    """Build ResNet-200 v2: 64,894,440 parameters, 14.40 billion mult-adds."""
    return _resnet_v2(200, input_shape, **options)


def _residual(x: Any, name: str, block: str, filters: int, stride: int) -> Any:
    """x, projected or thinned where the shape changes, plus convolutions of the activated x."""
    made = filters * EXPANSION[block]
    active = bn_relu(x, name + "_preact_{}", EPSILON)
    shortcut = x
    if x.shape[-1] != made:
        shortcut = conv(active, made, 1, stride, name + "_shortcut_{}", use_bias=True)
    elif stride > 1:
        shortcut = layers.MaxPooling2D(1, strides=stride, name=f"{name}_shortcut_pool")(x)
    kernels = block_kernels(block, filters, stride, "3x3")
    return residual_v2(active, shortcut, kernels, f"{name}_", epsilon=EPSILON, last_bias=True)
