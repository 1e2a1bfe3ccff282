"""Inception v1, called GoogLeNet: convolutions of several sizes side by side, thinned by 1x1 ones.

Source: Szegedy et al., "Going Deeper with Convolutions", 2014, arXiv:1409.4842, Table 1 and
Figures 2 and 3; the auxiliary classifiers of section 5 are in `_auxiliary.py`.
Differs: the last pooling takes the mean of the whole map, of any size, where the paper's window
is 7x7: the same at 224 px. The paper gives neither padding nor the constants of its local
response normalisation. Here everything pads "same", with the sizes that Table 1 prints at 224 px;
Caffe's bvlc_googlenet pads its first convolution 3 pixels on each side instead of 2 before and 3
after, and its pooling windows, which round up, are the same at even sizes. The normalisation has
bvlc_googlenet's constants, which are Krizhevsky's but for k (1 instead of 2) and alpha (divided
by the number of channels). The 5x5 convolutions are 5x5; torchvision's are 3x3 by mistake.
Table 1 contradicts itself: its filters, which all implementations and this one follow, give other
parameters than it prints for the first convolution (9.2K, not 2.7K; 118M operations, not 34M: the
printed ones are those of a 7x1 and a 1x7 convolution), 4a (367K, not 364K), 4c (498K, not 463K),
4d (591K, not 580K), 4e (847K, not 840K), 5a (1018K, not 1072K; 51M operations, not 54M) and 5b
(1409K, not 1388K), where K is 1024, as in the rows that agree.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import keras
from keras import layers

from mobilezoo._layers import LocalResponseNormalization, WithAuxiliaryClassifiers
from mobilezoo.data.preprocessing import set_preprocessing
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.models import _auxiliary
from mobilezoo.models._build import Network
from mobilezoo.models._options import InputShape, Options
from mobilezoo.models._signature import network_builder

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Module(NamedTuple):
    """A row "inception (...)" of Table 1: filters of the four branches."""

    conv1x1: int  # "#1x1"
    reduce3x3: int  # "#3x3 reduce", the 1x1 convolution before the 3x3 one
    conv3x3: int  # "#3x3"
    reduce5x5: int  # "#5x5 reduce", the 1x1 convolution before the 5x5 one
    conv5x5: int  # "#5x5"
    pool_proj: int  # "pool proj", the 1x1 convolution after the max pooling


STEM_FILTERS = 64  # convolution 7x7/2
STEM_REDUCE3X3, STEM_3X3 = 64, 192  # convolution 3x3/1 of depth 2
MODULES = {
    #           1x1  3x3r  3x3 5x5r 5x5 pool      output at 224 px
    "3a": Module(64, 96, 128, 16, 32, 32),  # 28 x 28 x 256
    "3b": Module(128, 128, 192, 32, 96, 64),  # 28 x 28 x 480, then max pool 3x3/2
    "4a": Module(192, 96, 208, 16, 48, 64),  # 14 x 14 x 512
    "4b": Module(160, 112, 224, 24, 64, 64),  # 14 x 14 x 512
    "4c": Module(128, 128, 256, 24, 64, 64),  # 14 x 14 x 512
    "4d": Module(112, 144, 288, 32, 64, 64),  # 14 x 14 x 528
    "4e": Module(256, 160, 320, 32, 128, 128),  # 14 x 14 x 832, then max pool 3x3/2
    "5a": Module(256, 160, 320, 32, 128, 128),  # 7 x 7 x 832
    "5b": Module(384, 192, 384, 48, 128, 128),  # 7 x 7 x 1024
}
POOLED_AFTER = ("3b", "4e")
AUXILIARY_AFTER = ("4a", "4d")
DEFAULT_SHAPE = (224, 224, 3)
MINIMUM_SIDE = 32  # each side is halved five times


@network_builder()
def inception_v1(
    input_shape: InputShape | None = None,
    *,
    reduce: bool = True,
    batch_norm: bool = False,
    auxiliary: bool = False,
    dropout: float = 0.4,
    **options: Unpack[Options],
) -> keras.Model:
    """Build Inception v1 (GoogLeNet): 6,998,552 parameters and 1.58 billion mult-adds.

    Args:
        input_shape: (height, width, channels) in pixels, each side at least 32, with `auxiliary`
            65. Default (224, 224, 3); free sides with `include_top=False`.
        reduce: whether the modules have their 1x1 reductions and pool projections, Figure 2(b).
            False builds the naive modules of Figure 2(a), whose channels grow from module to
            module: for comparison, see docs/inception-modules.md.
        batch_norm: normalize after each convolution, as Ioffe and Szegedy (arXiv:1502.03167),
            instead of the two local response normalisations; convolutions have no biases then.
        auxiliary: add the two classifiers that help training. In training the model returns
            [answer, auxiliary 1, auxiliary 2], and `fit(x, y)` adds 0.3 of their losses; they are
            left out of `predict`, `evaluate` and the exported file.
        dropout: rate before the classifier, 0 <= dropout < 1.
        weights: None for random ones, or the path of a Keras weight file. None are published.

    Returns:
        A model from RGB pixels scaled to [-1, 1], (batch, height, width, 3), to (batch, classes),
        or without a top to (batch, height / 32, width / 32, 1024) or its pooled vector.
    """
    side = _auxiliary.MINIMUM_SIDE if auxiliary else MINIMUM_SIDE
    network = Network(input_shape, DEFAULT_SHAPE, side, dropout=dropout, **options)
    if auxiliary and not network.include_top:
        raise InvalidArgumentError(
            "auxiliary=True adds classifiers; pass include_top=True, or auxiliary=False."
        )

    convolve = partial(_convolve, batch_norm=batch_norm)
    x = _stem(network.inputs, convolve, batch_norm)
    heads: list[Any] = []
    for row, module in MODULES.items():
        build = _module if reduce else _naive_module
        x = build(x, f"inception{row}", module, convolve)
        if row in POOLED_AFTER:
            x = layers.MaxPooling2D(3, 2, padding="same", name=f"inception{row[0]}_pool")(x)
        if auxiliary and row in AUXILIARY_AFTER:
            heads.append(
                _auxiliary.auxiliary_classifier(x, f"auxiliary{len(heads) + 1}", network, convolve)
            )
    x = network.head(x)

    # "tf": the paper says of pixels only that their mean is subtracted; this is how the authors'
    # later release, Inception v1 in TensorFlow's slim library, takes them
    model = network.finish([x, *heads] if heads else x, "inception_v1", preprocessing="tf")
    if not heads:
        return model
    trainable = WithAuxiliaryClassifiers(model.input, model.outputs, name=model.name)
    return set_preprocessing(trainable, "tf")


googlenet = inception_v1


def _stem(x: Any, convolve: Any, batch_norm: bool) -> Any:
    """(height, width, 3) -> (height / 8, width / 8, 192), up to the second max pooling."""
    x = convolve(x, "conv1", STEM_FILTERS, 7, strides=2)
    x = layers.MaxPooling2D(3, 2, padding="same", name="conv1_pool")(x)
    if not batch_norm:
        x = LocalResponseNormalization(name="conv1_lrn")(x)
    x = convolve(x, "conv2_3x3_reduce", STEM_REDUCE3X3, 1)
    x = convolve(x, "conv2_3x3", STEM_3X3, 3)
    if not batch_norm:
        x = LocalResponseNormalization(name="conv2_lrn")(x)
    return layers.MaxPooling2D(3, 2, padding="same", name="conv2_pool")(x)


def _module(x: Any, name: str, module: Module, convolve: Any) -> Any:
    """Figure 2(b): 1x1 convolutions before the large ones and after the pooling."""
    conv1x1 = convolve(x, f"{name}_1x1", module.conv1x1, 1)
    conv3x3 = convolve(x, f"{name}_3x3_reduce", module.reduce3x3, 1)
    conv3x3 = convolve(conv3x3, f"{name}_3x3", module.conv3x3, 3)
    conv5x5 = convolve(x, f"{name}_5x5_reduce", module.reduce5x5, 1)
    conv5x5 = convolve(conv5x5, f"{name}_5x5", module.conv5x5, 5)
    pool = layers.MaxPooling2D(3, 1, padding="same", name=f"{name}_pool")(x)
    pool = convolve(pool, f"{name}_pool_proj", module.pool_proj, 1)
    return layers.Concatenate(name=f"{name}_concat")([conv1x1, conv3x3, conv5x5, pool])


def _naive_module(x: Any, name: str, module: Module, convolve: Any) -> Any:
    """Figure 2(a): every branch reads all channels, and the pooling gives all of them back."""
    conv1x1 = convolve(x, f"{name}_1x1", module.conv1x1, 1)
    conv3x3 = convolve(x, f"{name}_3x3", module.conv3x3, 3)
    conv5x5 = convolve(x, f"{name}_5x5", module.conv5x5, 5)
    pool = layers.MaxPooling2D(3, 1, padding="same", name=f"{name}_pool")(x)
    return layers.Concatenate(name=f"{name}_concat")([conv1x1, conv3x3, conv5x5, pool])


def _convolve(
    x: Any, name: str, filters: int, kernel_size: int, *, strides: int = 1, batch_norm: bool
) -> Any:
    x = layers.Conv2D(
        filters,
        kernel_size,
        strides=strides,
        padding="same",
        use_bias=not batch_norm,
        name=f"{name}_conv",
    )(x)
    if batch_norm:
        x = layers.BatchNormalization(name=f"{name}_bn")(x)
    return layers.ReLU(name=f"{name}_relu")(x)
