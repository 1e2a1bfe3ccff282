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

from mobilezoo.models._blocks import classify, conv
from mobilezoo.models._build import finish, network_input, pool_features
from mobilezoo.models._options import InputShape, Options, Weights, check_options, variant_of
from mobilezoo.models.resnet_v1 import (
    DEFAULT_SHAPE,
    EXPANSION,
    FILTERS,
    MINIMUM_SIDE,
    column,
    stem,
    stem_pool,
)
from mobilezoo.weights import find

if TYPE_CHECKING:
    from typing_extensions import Unpack

EPSILON = 1.001e-5


def _resnet_v2(  # noqa: D417 - the public functions do not take depth
    depth: int,
    input_shape: InputShape | None = None,
    *,
    dropout: float = 0.0,
    include_top: bool = True,
    weights: Weights = None,
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: str | None = "softmax",
    name: str | None = None,
) -> keras.Model:
    """Build a ResNet of version 2.

    The last block of each stage but the last one halves the sides, by its 3x3 convolution (the
    first one in resnet18_v2 and resnet34_v2). The stem's convolution, shortcuts and the last
    convolution of each block carry biases, the others, which a batch norm follows, do not.

    Args:
        input_shape: (height, width, channels) in pixels, each side at least 32. Default
            (224, 224, 3); free sides with `include_top=False`.
        dropout: rate before the classifier, 0 <= dropout < 1.
        include_top: whether the classifier is part of the network.
        weights: None for random ones, "imagenet", or the path of a Keras weight file.
        input_tensor: symbolic tensor to build on, instead of `input_shape`.
        pooling: without a top: "avg" or "max" for a vector, None for the last feature map.
        classes: outputs of the classifier.
        classifier_activation: of the classifier; None returns logits.
        name: of the model; default the function's.

    Returns:
        A model from RGB pixels scaled to [-1, 1], (batch, height, width, 3), to (batch, classes),
        or without a top to (batch, height / 32, width / 32, 2048; 512 up to resnet34_v2) or its
        pooled vector.

    Raises:
        InvalidArgumentError: says which argument, what is required and what to do.
    """
    check_options(
        include_top=include_top,
        pooling=pooling,
        classes=classes,
        classifier_activation=classifier_activation,
        dropout=dropout,
    )
    inputs = network_input(
        input_shape,
        input_tensor,
        include_top=include_top,
        default=DEFAULT_SHAPE,
        minimum=MINIMUM_SIDE,
    )

    _, block, repeats = column(depth)
    x = stem_pool(stem(inputs, use_bias=True))
    for stage, (filters, count) in enumerate(zip(FILTERS, repeats, strict=True), start=2):
        for number in range(1, count + 1):
            stride = 2 if stage < 5 and number == count else 1
            x = _residual(x, f"stage{stage}_block{number}", block, filters, stride)
    x = _bn_relu(x, "post_{}")
    if include_top:
        x = classify(x, classes, dropout, classifier_activation)
    else:
        x = pool_features(x, pooling)

    return finish(
        name or f"resnet{depth}_v2",
        inputs,
        x,
        weights=weights,
        preprocessing="tf",
        published=lambda: find(f"resnet{depth}_v2", include_top, inputs.shape),
        classifier="probabilities" if include_top else None,
    )


@variant_of(_resnet_v2)
def resnet18_v2(input_shape: InputShape | None = None, **options: Unpack[Options]) -> keras.Model:
    """Build ResNet-18 v2: 11,698,408 parameters, 1.29 billion mult-adds."""
    return _resnet_v2(18, input_shape, **options)


@variant_of(_resnet_v2)
def resnet34_v2(input_shape: InputShape | None = None, **options: Unpack[Options]) -> keras.Model:
    """Build ResNet-34 v2: 21,815,848 parameters, 3.14 billion mult-adds."""
    return _resnet_v2(34, input_shape, **options)


@variant_of(_resnet_v2)
def resnet50_v2(input_shape: InputShape | None = None, **options: Unpack[Options]) -> keras.Model:
    """Build ResNet-50 v2: 25,613,800 parameters, 3.48 billion mult-adds."""
    return _resnet_v2(50, input_shape, **options)


@variant_of(_resnet_v2)
def resnet101_v2(input_shape: InputShape | None = None, **options: Unpack[Options]) -> keras.Model:
    """Build ResNet-101 v2: 44,675,560 parameters, 7.19 billion mult-adds."""
    return _resnet_v2(101, input_shape, **options)


@variant_of(_resnet_v2)
def resnet152_v2(input_shape: InputShape | None = None, **options: Unpack[Options]) -> keras.Model:
    """Build ResNet-152 v2: 60,380,648 parameters, 10.91 billion mult-adds."""
    return _resnet_v2(152, input_shape, **options)


@variant_of(_resnet_v2)
def resnet200_v2(input_shape: InputShape | None = None, **options: Unpack[Options]) -> keras.Model:
    """Build ResNet-200 v2: 64,894,440 parameters, 14.40 billion mult-adds."""
    return _resnet_v2(200, input_shape, **options)


def _residual(x: Any, name: str, block: str, filters: int, stride: int) -> Any:
    """x, projected or thinned where the shape changes, plus convolutions of the activated x."""
    made = filters * EXPANSION[block]
    active = _bn_relu(x, name + "_preact_{}")
    shortcut = x
    if x.shape[-1] != made:
        shortcut = conv(active, made, 1, stride, name + "_shortcut_{}", use_bias=True)
    elif stride > 1:
        shortcut = layers.MaxPooling2D(1, strides=stride, name=f"{name}_shortcut_pool")(x)
    kernels: tuple[tuple[int, int, int], ...]  # (filters, kernel size, stride)
    if block == "basic":
        kernels = (filters, 3, stride), (filters, 3, 1)
    else:
        kernels = (filters, 1, 1), (filters, 3, stride), (made, 1, 1)
    x = active
    for number, (count, kernel_size, step) in enumerate(kernels, start=1):
        last = number == len(kernels)
        x = conv(x, count, kernel_size, step, f"{name}_{{}}{number}", use_bias=last)
        if not last:
            x = _bn_relu(x, f"{name}_{{}}{number}")
    return layers.Add(name=f"{name}_add")([shortcut, x])


def _bn_relu(x: Any, name: str) -> Any:
    x = layers.BatchNormalization(epsilon=EPSILON, name=name.format("bn"))(x)
    return layers.ReLU(name=name.format("relu"))(x)
