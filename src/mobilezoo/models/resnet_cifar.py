"""ResNets for 32x32 pixels (CIFAR-10): 20 to 1202 layers of few filters.

Source: He et al., "Deep Residual Learning for Image Recognition", 2015, arXiv:1512.03385, section
4.2 (version 1), and "Identity Mappings in Deep Residual Networks", 2016, arXiv:1603.05027 (version
2 and bottlenecks). What they leave open is as in the authors' code (fb.resnet.torch,
resnet-1k-layers): no biases, epsilon 1e-5, the stride in a block's first convolution.
Differs: pixels are scaled to [-1, 1]; the papers subtract the mean of each pixel or channel.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
from keras import layers

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.models._build import Network
from mobilezoo.models._options import InputShape, TopOptions, check_choice, check_counts
from mobilezoo.models._residual_blocks import (
    EXPANSION,
    batch_norm,
    block_kernels,
    bn_relu,
    conv,
    residual_v1,
    residual_v2,
)
from mobilezoo.models._signature import network_builder

if TYPE_CHECKING:
    from typing_extensions import Unpack

STEM_FILTERS = 16
FILTERS = (16, 32, 64)  # of the 3x3 convolutions where the map is 32x32, 16x16, 8x8
LAYERS = {"basic": 2, "bottleneck": 3}  # convolutions per block
STRIDE_IN = "1x1"  # of a strided bottleneck
DEEPEST = 1202
EPSILON = 1e-5
DEFAULT_SHAPE = (32, 32, 3)
MINIMUM_SIDE = 4
# keras.Model follows a graph by recursion, one frame per layer, and Python allows 1000 frames:
# a network of more blocks (7 to 10 layers each) is made of submodels
MOST_BLOCKS_IN_A_ROW = 54  # ResNet-110 and ResNet-164


class Plan(NamedTuple):
    """What all blocks of a network have in common."""

    version: int
    block: str
    shortcut: str
    repeats: int  # blocks per stage: n
    nested: bool  # whether stages and blocks are submodels


@network_builder()
def resnet_cifar(
    depth: int = 20,
    version: int = 1,
    *,
    block: str | None = None,
    shortcut: str | None = None,
    input_shape: InputShape | None = None,
    dropout: float = 0.0,
    classes: int = 10,
    **options: Unpack[TopOptions],
) -> keras.Model:
    """Build a ResNet for small pictures: ResNet-20 has 271,098 parameters, 40.6 million mult-adds.

    Up to 54 blocks (ResNet-110, ResNet-164) the layers are those of one flat model, such as
    "stage1_block1_conv1". Deeper networks are made of submodels, or Keras would meet Python's
    recursion limit: `model.get_layer("stage1").get_layer("block1").get_layer("conv1")`. Core ML
    files name the layers alike, but a block's last one like the block.

    Convolutions have no biases. The first block of a stage halves the sides, by its first
    convolution.

    Args:
        depth: layers with weights on the way: 6n + 2 with basic blocks, 9n + 2 with bottlenecks,
            at most 1202; default 20. In the papers: 20, 32, 44, 56, 110, 1202 (basic); 164, 1001
            (bottleneck).
        version: 1 activates after the addition, 2 before each convolution.
        block: "basic" (two 3x3) or "bottleneck" (1x1, 3x3, 1x1 with 4 times the filters). Default:
            "basic" in version 1, "bottleneck" in version 2.
        shortcut: where the shape changes: "identity" (option A: every second pixel, zeros for new
            channels, no parameters) or "projection" (option B: a 1x1 convolution). Default:
            "identity" in version 1, "projection" in version 2.
        input_shape: (height, width, channels) in pixels, each side at least 4. Default (32, 32,
            3); free sides with `include_top=False`.
        dropout: rate before the classifier, 0 <= dropout < 1.
        weights: None for random ones, or the path of a Keras weight file.
        classes: outputs of the classifier.
        name: of the model; default "resnet<depth>_cifar" or "resnet<depth>_v2_cifar".

    Returns:
        A model from RGB pixels scaled to [-1, 1] (preprocessing "tf"), (batch, height, width, 3),
        to (batch, classes), or without a top to (batch, height / 4, width / 4, 64; 256 with
        bottlenecks) or its pooled vector.
    """
    plan = _plan(depth, version, block, shortcut)
    network = Network(
        input_shape, DEFAULT_SHAPE, MINIMUM_SIDE, dropout=dropout, classes=classes, **options
    )

    x = conv(network.inputs, STEM_FILTERS, 3, 1, "stem_{}")
    if version == 1:
        x = bn_relu(x, "stem_{}", EPSILON)
    for stage, filters in enumerate(FILTERS, start=1):
        x = _part(
            f"stage{stage}", partial(_stage, plan=plan, stage=stage, filters=filters), x, plan
        )
    if version == 2:
        x = bn_relu(x, "post_{}", EPSILON)
    x = network.head(x)

    name = f"resnet{depth}{'_v2' if version == 2 else ''}_cifar"
    return network.finish(x, name, preprocessing="tf")


def _plan(depth: int, version: int, block: str | None, shortcut: str | None) -> Plan:
    check_choice((1, 2), version=version)
    check_choice((None, "basic", "bottleneck"), block=block)
    check_choice((None, "identity", "projection"), shortcut=shortcut)
    if isinstance(depth, (tuple, list)):
        raise InvalidArgumentError(
            f"depth={depth} must be a whole number. For another size of pictures pass "
            f"input_shape={tuple(depth)}."
        )
    check_counts(depth=depth)
    block = block or ("basic" if version == 1 else "bottleneck")
    shortcut = shortcut or ("identity" if version == 1 else "projection")
    step = len(FILTERS) * LAYERS[block]
    repeats, rest = divmod(depth - 2, step)
    if rest or not step + 2 <= depth <= DEEPEST:
        raise InvalidArgumentError(_wrong_depth(depth, version, block, step))
    nested = repeats * len(FILTERS) > MOST_BLOCKS_IN_A_ROW
    return Plan(version, block, shortcut, repeats, nested)


def _wrong_depth(depth: int, version: int, block: str, step: int) -> str:
    """The nearest depths, and the other kind of block where that one has such a depth."""
    valid = range(step + 2, DEEPEST + 1, step)
    nearest = sorted(sorted(valid, key=lambda other: abs(other - depth))[:2])
    text = (
        f"depth={depth} with block={block!r} (version {version}) must be {step}n + 2, {valid[0]} "
        f"to {valid[-1]}. Choose {' or '.join(map(str, nearest))}"
    )
    other = "bottleneck" if block == "basic" else "basic"
    step = len(FILTERS) * LAYERS[other]
    fits = depth in range(step + 2, DEEPEST + 1, step)
    return f"{text}, or block={other!r}." if fits else f"{text}."


def _part(name: str, body: Callable[[Any, str], Any], x: Any, plan: Plan) -> Any:
    """`body(x, prefix)` in place, its layers named "<name>_...", or as the submodel `name`."""
    if not plan.nested:
        return body(x, f"{name}_")
    inputs = keras.Input(x.shape[1:], dtype=x.dtype, name="x")
    return keras.Model(inputs, body(inputs, ""), name=name)(x)


def _stage(x: Any, prefix: str, *, plan: Plan, stage: int, filters: int) -> Any:
    """(h, w, c) -> (h, w, filters * expansion), from the second stage on half of h and w."""
    residual = _residual_v1 if plan.version == 1 else _residual_v2
    for number in range(1, plan.repeats + 1):
        stride = 2 if stage > 1 and number == 1 else 1
        body = partial(residual, plan=plan, filters=filters, stride=stride)
        x = _part(f"{prefix}block{number}", body, x, plan)
    return x


def _residual_v1(x: Any, prefix: str, *, plan: Plan, filters: int, stride: int) -> Any:
    """Shortcut plus convolutions, each normalised; ReLU between and after the addition."""
    made = filters * EXPANSION[plan.block]
    shortcut = x
    if stride > 1 or x.shape[-1] != made:
        shortcut = _shortcut(x, made, stride, prefix, plan)
        if plan.shortcut == "projection":
            shortcut = batch_norm(shortcut, prefix + "shortcut_{}", EPSILON)
    kernels = block_kernels(plan.block, filters, stride, STRIDE_IN)
    return residual_v1(x, shortcut, kernels, prefix, epsilon=EPSILON)


def _residual_v2(x: Any, prefix: str, *, plan: Plan, filters: int, stride: int) -> Any:
    """Shortcut plus convolutions, each of a normalised and rectified input."""
    made = filters * EXPANSION[plan.block]
    active = bn_relu(x, prefix + "preact_{}", EPSILON)
    changes = stride > 1 or x.shape[-1] != made
    shortcut = active if changes and plan.shortcut == "projection" else x
    if changes:
        shortcut = _shortcut(shortcut, made, stride, prefix, plan)
    kernels = block_kernels(plan.block, filters, stride, STRIDE_IN)
    return residual_v2(active, shortcut, kernels, prefix, epsilon=EPSILON)


def _shortcut(x: Any, made: int, stride: int, prefix: str, plan: Plan) -> Any:
    """(h, w, c) -> (h / stride, w / stride, made)."""
    if plan.shortcut == "projection":
        return conv(x, made, 1, stride, prefix + "shortcut_{}")
    if stride > 1:
        x = layers.MaxPooling2D(1, strides=stride, name=f"{prefix}shortcut_pool")(x)
    missing = made - x.shape[-1]
    if not missing:
        return x
    return layers.ZeroPadding2D(  # "channels_first" pads the last two axes: width and channels
        ((0, 0), (0, missing)), data_format="channels_first", name=f"{prefix}shortcut_pad"
    )(x)
