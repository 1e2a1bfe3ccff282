"""ResNet (version 1): residual blocks, activated after the addition.

Source: He et al., "Deep Residual Learning for Image Recognition", 2015, arXiv:1512.03385,
Table 1; the 200-layer column is of the same authors, arXiv:1603.05027, section 5.
Differs: in the convention of Keras the convolutions carry biases and batch norms have epsilon
1.001e-5, as in keras.applications, whose weight files load. In that of PyTorch the second (3x3)
convolution of a strided bottleneck has the stride, the paper's first (1x1) otherwise ("v1.5").
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import keras
from keras import layers

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.models._build import Network
from mobilezoo.models._options import (
    InputShape,
    Options,
    VariantOptions,
    Weights,
    check_choice,
    convention_of,
)
from mobilezoo.models._residual_blocks import (
    EXPANSION,
    batch_norm,
    block_kernels,
    bn_relu,
    conv,
    residual_v1,
)
from mobilezoo.models._signature import variant_of
from mobilezoo.models._torch_names import resnet_names
from mobilezoo.weights import published_convention

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Column(NamedTuple):
    """A column of Table 1."""

    layers: int  # convolutions and the classifier
    block: str  # "basic": 3x3, 3x3; "bottleneck": 1x1, 3x3, 1x1 with 4 times the filters
    repeats: tuple[int, int, int, int]  # blocks in conv2_x ... conv5_x


TABLE_1 = (
    Column(18, "basic", (2, 2, 2, 2)),
    Column(34, "basic", (3, 4, 6, 3)),
    Column(50, "bottleneck", (3, 4, 6, 3)),
    Column(101, "bottleneck", (3, 4, 23, 3)),
    Column(152, "bottleneck", (3, 8, 36, 3)),
    Column(200, "bottleneck", (3, 24, 36, 3)),
)
FILTERS = (64, 128, 256, 512)  # of the 3x3 convolutions in conv2_x ... conv5_x
STEM_FILTERS = 64  # conv1, 7x7 / 2
DEFAULT_SHAPE = (224, 224, 3)
MINIMUM_SIDE = 32


class Convention(NamedTuple):
    """Details that the paper leaves open, or that its followers changed."""

    use_bias: bool  # of the convolutions
    epsilon: float  # of the batch norms
    stride_in: str  # which convolution of a strided bottleneck has the stride
    preprocessing: str


CONVENTIONS = {
    "keras": Convention(True, 1.001e-5, "1x1", "caffe"),
    "torch": Convention(False, 1e-5, "3x3", "torch"),
}


class ResNetOptions(VariantOptions, total=False):
    """Keyword arguments of ResNets of version 1."""

    stride_in: str | None
    convention: str | None


def column(depth: int) -> Column:
    """The column of Table 1 with so many layers."""
    return next(item for item in TABLE_1 if item.layers == depth)


def stem(x: Any, *, use_bias: bool) -> Any:
    """conv1: (batch, height, width, channels) -> (batch, height / 2, width / 2, 64)."""
    return conv(x, STEM_FILTERS, 7, 2, "stem_{}", use_bias=use_bias)


def stem_pool(x: Any) -> Any:
    """The 3x3 maximum that halves the sides, one pixel of zeros around."""
    x = layers.ZeroPadding2D(1, name="stem_pool_pad")(x)
    return layers.MaxPooling2D(3, strides=2, name="stem_pool")(x)


def _resnet(  # noqa: D417 - the public functions do not take depth
    depth: int,
    input_shape: InputShape | None = None,
    *,
    stride_in: str | None = None,
    convention: str | None = None,
    dropout: float = 0.0,
    **options: Unpack[Options],
) -> keras.Model:
    """Build a ResNet of version 1.

    The first block of each stage but the first one halves the sides: by its first 3x3
    convolution in resnet18 and resnet34, by its first 1x1 convolution in deeper networks (its
    3x3 convolution with convention="torch"). All convolutions carry biases (none does with
    convention="torch", which is that of resnet18 and resnet34).

    Args:
        input_shape: (height, width, channels) in pixels, each side at least 32. Default
            (224, 224, 3); free sides with `include_top=False`.
        stride_in: "1x1" or "3x3", the convolution of a strided bottleneck that has the stride:
            "1x1" is the paper's, "3x3" torchvision's ("v1.5"), of 231 million more mult-adds.
            Default: as the convention. Only from resnet50 on.
        convention: "keras" (biases, batch norms with epsilon 1.001e-5, stride in the 1x1,
            preprocessing "caffe") or "torch" (no biases, epsilon 1e-5, stride in the 3x3,
            preprocessing "torch"). Default: that of a checkpoint or of the published weights,
            which is "torch" for resnet18 and resnet34.
        dropout: rate before the classifier, 0 <= dropout < 1.
        weights: None for random ones, "imagenet", or the path of a Keras weight file or of a
            checkpoint of torchvision or timm (.safetensors, .pth).

    Returns:
        A model from prepared pixels, (batch, height, width, 3), to (batch, classes), or without
        a top to (batch, height / 32, width / 32, 2048; 512 up to resnet34) or its pooled vector.
        The pixels are those of preprocessing "caffe", with convention="torch" of "torch".
    """
    network = Network(input_shape, DEFAULT_SHAPE, MINIMUM_SIDE, dropout=dropout, **options)

    _, block, repeats = column(depth)
    convention = convention_of(convention, network.weights, published_convention(f"resnet{depth}"))
    details = _with_stride(CONVENTIONS[convention], stride_in, block, network.weights)

    x = stem(network.inputs, use_bias=details.use_bias)
    x = stem_pool(bn_relu(x, "stem_{}", details.epsilon))
    for stage, (filters, count) in enumerate(zip(FILTERS, repeats, strict=True), start=2):
        for number in range(1, count + 1):
            stride = 2 if stage > 2 and number == 1 else 1
            x = _residual(x, f"stage{stage}_block{number}", block, filters, stride, details)
    x = network.head(x)

    return network.finish(
        x,
        f"resnet{depth}",
        preprocessing=details.preprocessing,
        published={"convention": convention},
        torch_names=lambda: resnet_names(
            repeats, convolutions=2 if block == "basic" else 3, classifier=network.classifier
        ),
    )


@variant_of(_resnet)
def resnet18(
    input_shape: InputShape | None = None, **options: Unpack[ResNetOptions]
) -> keras.Model:
    """Build ResNet-18: 11,699,112 parameters, 1.81 billion mult-adds."""
    return _resnet(18, input_shape, **options)


@variant_of(_resnet)
def resnet34(
    input_shape: InputShape | None = None, **options: Unpack[ResNetOptions]
) -> keras.Model:
    """Build ResNet-34: 21,814,696 parameters, 3.66 billion mult-adds."""
    return _resnet(34, input_shape, **options)


@variant_of(_resnet)
def resnet50(
    input_shape: InputShape | None = None, **options: Unpack[ResNetOptions]
) -> keras.Model:
    """Build ResNet-50: 25,636,712 parameters, 3.86 billion mult-adds."""
    return _resnet(50, input_shape, **options)


@variant_of(_resnet)
def resnet101(
    input_shape: InputShape | None = None, **options: Unpack[ResNetOptions]
) -> keras.Model:
    """Build ResNet-101: 44,707,176 parameters, 7.57 billion mult-adds."""
    return _resnet(101, input_shape, **options)


@variant_of(_resnet)
def resnet152(
    input_shape: InputShape | None = None, **options: Unpack[ResNetOptions]
) -> keras.Model:
    """Build ResNet-152: 60,419,944 parameters, 11.28 billion mult-adds."""
    return _resnet(152, input_shape, **options)


@variant_of(_resnet)
def resnet200(
    input_shape: InputShape | None = None, **options: Unpack[ResNetOptions]
) -> keras.Model:
    """Build ResNet-200: 64,937,832 parameters, 14.78 billion mult-adds."""
    return _resnet(200, input_shape, **options)


def _residual(x: Any, name: str, block: str, filters: int, stride: int, details: Convention) -> Any:
    """x, or its projection where the shape changes, plus convolutions of x; then ReLU."""
    made = filters * EXPANSION[block]
    shortcut = x
    if stride > 1 or x.shape[-1] != made:
        shortcut = conv(x, made, 1, stride, name + "_shortcut_{}", use_bias=details.use_bias)
        shortcut = batch_norm(shortcut, name + "_shortcut_{}", details.epsilon)
    kernels = block_kernels(block, filters, stride, details.stride_in)
    return residual_v1(
        x, shortcut, kernels, f"{name}_", epsilon=details.epsilon, use_bias=details.use_bias
    )


def _with_stride(
    details: Convention, stride_in: str | None, block: str, weights: Weights
) -> Convention:
    check_choice((None, "1x1", "3x3"), stride_in=stride_in)
    if stride_in is None:
        return details
    if block == "basic":
        raise InvalidArgumentError(
            f"stride_in={stride_in!r} is for bottlenecks, from resnet50 on. Leave it out."
        )
    if weights == "imagenet" and stride_in != details.stride_in:
        raise InvalidArgumentError(
            f"stride_in={stride_in!r} contradicts weights='imagenet', which were trained with "
            f"{details.stride_in!r}. Leave it out."
        )
    return details._replace(stride_in=stride_in)
