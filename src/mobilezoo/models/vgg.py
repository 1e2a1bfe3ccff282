"""VGG: stacks of 3x3 convolutions, then three fully connected layers.

Source: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
Recognition", ICLR 2015, arXiv:1409.1556, Table 1, configurations A, B, D and E.
Differs: `batch_norm=True` normalises after every convolution, as torchvision does; the paper has
none. `dropout` is the paper's 0.5 by default, which keras.applications leaves out; it holds no
weights and computes nothing but in training, so weight files fit either way. A-LRN (local
response normalisation, which did not help) and C (1x1 convolutions) are left out. The paper
tests the network as a fully convolutional one; here the fully connected layers stay such.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
from keras import layers

from mobilezoo.models._build import Network
from mobilezoo.models._options import (
    InputShape,
    Options,
    VariantOptions,
    check_counts,
    convention_of,
)
from mobilezoo.models._signature import variant_of
from mobilezoo.models._torch_names import vgg_names
from mobilezoo.weights import published_convention

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Block(NamedTuple):
    """A part of Table 1: as many 3x3 convolutions as the configuration has, then max pooling."""

    filters: int  # of each convolution
    a: int  # convolutions in configuration A, 11 weight layers
    b: int  # in B, 13
    d: int  # in D, 16
    e: int  # in E, 19


BLOCKS = (
    # conv3-, A, B, D, E     convolutions at 224 px
    Block(64, 1, 2, 2, 2),  # 224 x 224
    Block(128, 1, 2, 2, 2),  # 112 x 112
    Block(256, 2, 2, 3, 4),  # 56 x 56
    Block(512, 2, 2, 3, 4),  # 28 x 28
    Block(512, 2, 2, 3, 4),  # 14 x 14, then pooled to 7 x 7
)
CONFIGURATIONS = {"vgg11": "a", "vgg13": "b", "vgg16": "d", "vgg19": "e"}
FC_UNITS = 4096
DEFAULT_SHAPE = (224, 224, 3)
MINIMUM_SIDE = 32
EPSILON = {"keras": 1e-3, "torch": 1e-5}  # of batch norms
PREPROCESSING = {"keras": "caffe", "torch": "torch"}


class VggOptions(VariantOptions, total=False):
    """Keyword arguments of every VGG."""

    fc_units: int
    batch_norm: bool
    convention: str | None


def _vgg(  # noqa: D417 - the public functions do not take variant
    variant: str,
    input_shape: InputShape | None = None,
    *,
    fc_units: int = FC_UNITS,
    batch_norm: bool = False,
    dropout: float = 0.5,
    convention: str | None = None,
    **options: Unpack[Options],
) -> keras.Model:
    """Build any VGG.

    Args:
        input_shape: (height, width, channels) in pixels, each side at least 32. Default
            (224, 224, 3); free sides with `include_top=False`. The first fully connected layer
            reads the whole last feature map, so weights with a top fit one input size only.
        fc_units: of the two hidden fully connected layers, >= 1.
        batch_norm: whether a batch norm follows every convolution (which keeps its bias).
        dropout: rate after each hidden fully connected layer, 0 <= dropout < 1.
        convention: "keras" (preprocessing "caffe", batch norm epsilon 1e-3) or "torch"
            (preprocessing "torch", epsilon 1e-5), to fit the weights. Default: that of a
            checkpoint or of the published weights, which is "torch" for vgg11, vgg13 and with
            batch norms.
        include_top: whether the fully connected layers are part of the network.
        weights: None for random ones, "imagenet", or the path of a Keras weight file or of a
            checkpoint of PyTorch.

    Returns:
        A model from pixels (batch, height, width, 3), BGR less ImageNet's mean (preprocessing
        "caffe") or as `convention` says, to (batch, classes), or without a top to
        (batch, height // 32, width // 32, 512) or its pooled vector.
    """
    check_counts(fc_units=fc_units)
    network = Network(input_shape, DEFAULT_SHAPE, MINIMUM_SIDE, dropout=dropout, **options)

    convention = convention_of(
        convention, network.weights, published_convention(variant, batch_norm=batch_norm)
    )
    epsilon = EPSILON[convention] if batch_norm else None
    convolutions = [getattr(block, CONFIGURATIONS[variant]) for block in BLOCKS]

    x = network.inputs
    for number, (block, count) in enumerate(zip(BLOCKS, convolutions, strict=True), start=1):
        for conv in range(1, count + 1):
            x = _conv(x, f"block{number}_conv{conv}", block.filters, epsilon)
        x = layers.MaxPooling2D(2, name=f"block{number}_pool")(x)
    x = network.head(x, partial(_classify, network=network, fc_units=fc_units))

    return network.finish(
        x,
        variant,
        preprocessing=PREPROCESSING[convention],
        published={"batch_norm": batch_norm, "fc_units": fc_units, "convention": convention},
        torch_names=lambda: vgg_names(
            convolutions, batch_norm=batch_norm, classifier=network.classifier
        ),
    )


@variant_of(_vgg)
def vgg11(input_shape: InputShape | None = None, **options: Unpack[VggOptions]) -> keras.Model:
    """Build VGG-11, configuration A: 132,863,336 parameters, 7.61 billion mult-adds."""
    return _vgg("vgg11", input_shape, **options)


@variant_of(_vgg)
def vgg13(input_shape: InputShape | None = None, **options: Unpack[VggOptions]) -> keras.Model:
    """Build VGG-13, configuration B: 133,047,848 parameters, 11.31 billion mult-adds."""
    return _vgg("vgg13", input_shape, **options)


@variant_of(_vgg)
def vgg16(input_shape: InputShape | None = None, **options: Unpack[VggOptions]) -> keras.Model:
    """Build VGG-16, configuration D: 138,357,544 parameters, 15.47 billion mult-adds."""
    return _vgg("vgg16", input_shape, **options)


@variant_of(_vgg)
def vgg19(input_shape: InputShape | None = None, **options: Unpack[VggOptions]) -> keras.Model:
    """Build VGG-19, configuration E: 143,667,240 parameters, 19.63 billion mult-adds."""
    return _vgg("vgg19", input_shape, **options)


def _conv(x: Any, name: str, filters: int, epsilon: float | None) -> Any:
    """3x3 convolution and ReLU; `epsilon`: of a batch norm between them, None for none."""
    if epsilon is None:
        return layers.Conv2D(filters, 3, padding="same", activation="relu", name=name)(x)
    x = layers.Conv2D(filters, 3, padding="same", name=name)(x)
    x = layers.BatchNormalization(epsilon=epsilon, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def _classify(x: Any, *, network: Network, fc_units: int) -> Any:
    x = layers.Flatten(name="flatten")(x)
    for name in ("fc1", "fc2"):
        x = layers.Dense(fc_units, activation="relu", name=name)(x)
        x = layers.Dropout(network.dropout, name=f"{name}_dropout")(x)
    return network.classify(x)
