"""Inception v3: modules of factorised convolutions, side by side.

Source: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", CVPR 2016,
arXiv:1512.00567, Table 1 and Figures 5 to 7, and the authors' released network, as
keras.applications has it, whose weight files load.
Differs from the paper, always as in the released network:
the stem's second half is a 1x1 convolution to 80 channels, a 3x3 to 192 and pooling, where
Table 1 has 3x3 convolutions to 80, to 192 with stride 2, and to 288; the modules of Figure 5 have
a 5x5 convolution where the figure has its single 3x3; there are four modules of Figure 6, where
Table 1 lists five, and the two that halve the sides (`mixed3`, `mixed8`) are not in the table;
batch norms (epsilon 1e-3) have no scale, which the next convolution can take over.
The auxiliary classifier, which only training needs, is left out. `dropout` before the classifier
is 0 by default, as in keras.applications, which has no such argument.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import keras
from keras import layers

from mobilezoo.models._build import Network
from mobilezoo.models._options import InputShape, Options
from mobilezoo.models._signature import network_builder

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Conv(NamedTuple):
    """A convolution, its batch norm and ReLU."""

    filters: int
    height: int  # of the kernel
    width: int
    stride: int = 1
    padding: str = "same"


class Pool(NamedTuple):
    """3x3 pooling."""

    kind: str  # "avg" or "max"
    stride: int
    suffix: str = ""  # of its name; a branch that begins with pooling lends it its own


class Split(NamedTuple):
    """A 1x3 and a 3x1 convolution side by side, concatenated (Figure 7)."""

    filters: int  # of each


class Branch(NamedTuple):
    """One of the paths of a module, in the released network's words."""

    name: str
    steps: tuple[Conv | Pool | Split, ...]


Module = tuple[Branch, ...]


def _halving(filters: int) -> Conv:
    """3x3 with stride 2, without padding: n -> (n - 1) // 2."""
    return Conv(filters, 3, 3, stride=2, padding="valid")


STEM: tuple[Conv | Pool, ...] = (
    # output at 299 px
    _halving(32),  # 149 x 149
    Conv(32, 3, 3, padding="valid"),  # 147 x 147
    Conv(64, 3, 3),  # "conv padded"
    Pool("max", 2, "_pool1"),  # 73 x 73
    Conv(80, 1, 1),
    Conv(192, 3, 3, padding="valid"),  # 71 x 71
    Pool("max", 2, "_pool2"),  # 35 x 35
)


def _figure5(pool: int) -> Module:
    """35 x 35; `pool`: filters behind the pooling."""
    return (
        Branch("branch1x1", (Conv(64, 1, 1),)),
        Branch("branch5x5", (Conv(48, 1, 1), Conv(64, 5, 5))),
        Branch("branch3x3dbl", (Conv(64, 1, 1), Conv(96, 3, 3), Conv(96, 3, 3))),
        Branch("branch_pool", (Pool("avg", 1), Conv(pool, 1, 1))),
    )


def _figure6(hidden: int) -> Module:
    """17 x 17, n = 7; `hidden`: filters between the first and the last of a branch."""
    n, h = 7, hidden
    return (
        Branch("branch1x1", (Conv(192, 1, 1),)),
        Branch("branch7x7", (Conv(h, 1, 1), Conv(h, 1, n), Conv(192, n, 1))),
        Branch(
            "branch7x7dbl",
            (Conv(h, 1, 1), Conv(h, n, 1), Conv(h, 1, n), Conv(h, n, 1), Conv(192, 1, n)),
        ),
        Branch("branch_pool", (Pool("avg", 1), Conv(192, 1, 1))),
    )


FIGURE_7: Module = (  # 8 x 8
    Branch("branch1x1", (Conv(320, 1, 1),)),
    Branch("branch3x3", (Conv(384, 1, 1), Split(384))),
    Branch("branch3x3dbl", (Conv(448, 1, 1), Conv(384, 3, 3), Split(384))),
    Branch("branch_pool", (Pool("avg", 1), Conv(192, 1, 1))),
)
TO_17: Module = (  # from 35 x 35 to 17 x 17
    Branch("branch3x3", (_halving(384),)),
    Branch("branch3x3dbl", (Conv(64, 1, 1), Conv(96, 3, 3), _halving(96))),
    Branch("branch_pool", (Pool("max", 2),)),
)
TO_8: Module = (  # from 17 x 17 to 8 x 8
    Branch("branch3x3", (Conv(192, 1, 1), _halving(320))),
    Branch("branch7x7x3", (Conv(192, 1, 1), Conv(192, 1, 7), Conv(192, 7, 1), _halving(192))),
    Branch("branch_pool", (Pool("max", 2),)),
)
MODULES = (
    #                  output at 299 px
    _figure5(pool=32),  # mixed0: 35 x 35 x 256
    _figure5(pool=64),  # mixed1: 35 x 35 x 288
    _figure5(pool=64),
    TO_17,  # mixed3: 17 x 17 x 768
    _figure6(hidden=128),
    _figure6(hidden=160),
    _figure6(hidden=160),
    _figure6(hidden=192),
    TO_8,  # mixed8: 8 x 8 x 1280
    FIGURE_7,  # mixed9: 8 x 8 x 2048
    FIGURE_7,
)
DEFAULT_SHAPE = (299, 299, 3)
MINIMUM_SIDE = 75


@network_builder()
def inception_v3(
    input_shape: InputShape | None = None,
    *,
    dropout: float = 0.0,
    **options: Unpack[Options],
) -> keras.Model:
    """Build Inception v3: 23,851,784 parameters and 5.71 billion mult-adds by default.

    Args:
        input_shape: (height, width, channels) in pixels, each side at least 75. Default
            (299, 299, 3); free sides with `include_top=False`.
        dropout: rate before the classifier, 0 <= dropout < 1.

    Returns:
        A model from RGB pixels scaled to [-1, 1], (batch, height, width, 3), to (batch, classes),
        or without a top to (batch, h, w, 2048), about 1/32 of the sides (8 of 299 px, 1 of 75),
        or its pooled vector.
    """
    network = Network(input_shape, DEFAULT_SHAPE, MINIMUM_SIDE, dropout=dropout, **options)

    x = _path(network.inputs, "stem", STEM)
    for number, module in enumerate(MODULES):
        x = _module(x, f"mixed{number}", module)
    x = network.head(x)

    return network.finish(x, "inception_v3", preprocessing="tf", published={})


def _module(x: Any, name: str, module: Module) -> Any:
    # the branches' order decides that of model.layers, by which weight files load
    branches = [_path(x, f"{name}_{branch.name}", branch.steps) for branch in module]
    return layers.Concatenate(name=name)(branches)


def _path(x: Any, name: str, steps: tuple[Conv | Pool | Split, ...]) -> Any:
    """One step after the other; the convolutions are numbered from 1."""
    number = 1
    for step in steps:
        if isinstance(step, Pool):
            x = _pool(x, name + step.suffix, step)
            continue
        if isinstance(step, Split):
            x = _split(x, f"{name}_conv{number}", step)
        else:
            x = _conv(x, f"{name}_conv{number}", step)
        number += 1
    return x


def _conv(x: Any, name: str, conv: Conv) -> Any:
    x = layers.Conv2D(
        conv.filters,
        (conv.height, conv.width),
        strides=conv.stride,
        padding=conv.padding,
        use_bias=False,
        name=name,
    )(x)
    x = layers.BatchNormalization(scale=False, name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)


def _pool(x: Any, name: str, pool: Pool) -> Any:
    if pool.kind == "avg":
        return layers.AveragePooling2D(3, strides=pool.stride, padding="same", name=name)(x)
    return layers.MaxPooling2D(3, strides=pool.stride, name=name)(x)


def _split(x: Any, name: str, split: Split) -> Any:
    wide = _conv(x, f"{name}_1x3", Conv(split.filters, 1, 3))
    high = _conv(x, f"{name}_3x1", Conv(split.filters, 3, 1))
    return layers.Concatenate(name=f"{name}_concat")([wide, high])
