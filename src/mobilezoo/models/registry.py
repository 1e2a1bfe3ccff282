"""The table of networks: name -> builder, and finding one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

import keras

from mobilezoo.errors import InvalidArgumentError, unknown_model
from mobilezoo.models.features import backbone, check_backbone
from mobilezoo.models.inception_v1 import inception_v1
from mobilezoo.models.inception_v3 import inception_v3
from mobilezoo.models.mnist import mnist_cnn, mnist_mlp
from mobilezoo.models.mobilenet_v1 import mobilenet
from mobilezoo.models.mobilenet_v2 import mobilenet_v2
from mobilezoo.models.mobilenet_v3 import mobilenet_v3_large, mobilenet_v3_small
from mobilezoo.models.resnet_cifar import resnet_cifar
from mobilezoo.models.resnet_v1 import (
    resnet18,
    resnet34,
    resnet50,
    resnet101,
    resnet152,
    resnet200,
)
from mobilezoo.models.resnet_v2 import (
    resnet18_v2,
    resnet34_v2,
    resnet50_v2,
    resnet101_v2,
    resnet152_v2,
    resnet200_v2,
)
from mobilezoo.models.vgg import vgg11, vgg13, vgg16, vgg19
from mobilezoo.weights import weight_files
from mobilezoo.weights.catalogue import OF_THE_TOP

OF_THE_CLASSIFIER = ("classes", "classifier_activation", "dropout", *OF_THE_TOP)


@dataclass(frozen=True)
class Entry:
    """One network of the zoo.

    Attributes:
        builder: makes the model.
        labels: of the default number of classes, as `export_coreml` takes them.
        endpoints: layers (or patterns, of which the last match counts) at which each
            resolution ends, from the finest; `build(features_only=True)` returns them.
        of_the_classifier: arguments that have no effect without one.
    """

    builder: Callable[..., keras.Model]
    labels: str
    endpoints: tuple[str, ...] = ()
    of_the_classifier: tuple[str, ...] = OF_THE_CLASSIFIER


# endpoints of a family, at strides 2, 4, 8, 16 and 32
_VGG = (*(f"block{number}_conv*" for number in range(2, 6)), "block5_pool")
_INCEPTION_V1 = (
    "conv1_relu",
    "conv2_3x3_relu",
    "inception3b_concat",
    "inception4e_concat",
    "inception5b_concat",
)
_INCEPTION_V3 = ("stem_conv3_relu", "stem_conv5_relu", "mixed2", "mixed7", "mixed10")
_RESNET = ("stem_relu", *(f"stage{number}_block*_out" for number in range(2, 6)))
_RESNET_V2 = (
    "stem_conv",
    *(f"stage{number}_block*_preact_relu" for number in range(2, 5)),  # the last block halves
    "post_relu",
)
_RESNET_CIFAR = ("stage1*", "stage2*", "stage3*")  # strides 1, 2, 4; submodels in the deep ones
_MOBILENET_V1 = tuple(f"block{number}_pointwise_relu" for number in (1, 3, 5, 11, 13))
# the narrow ends of the blocks, and the wide last map
_MOBILENET_V2 = ("block1_project_bn", "block3_add", "block6_add", "block13_add", "head_relu")
_MOBILENET_V3_LARGE = ("block1_*", "block3_add", "block6_add", "block12_add", "head_*")
_MOBILENET_V3_SMALL = (
    "stem_*", "block1_project_bn", "block3_add", "block8_add", "head_*",
)  # fmt: skip

_TABLE = {
    "mnist_mlp": Entry(mnist_mlp, "digits"),
    "mnist_cnn": Entry(
        mnist_cnn,
        "digits",
        ("block1_pool", "block2_pool"),
        of_the_classifier=("classes", "classifier_activation"),  # features are dropped too
    ),
    "vgg11": Entry(vgg11, "imagenet", _VGG),
    "vgg13": Entry(vgg13, "imagenet", _VGG),
    "vgg16": Entry(vgg16, "imagenet", _VGG),
    "vgg19": Entry(vgg19, "imagenet", _VGG),
    "inception_v1": Entry(inception_v1, "imagenet", _INCEPTION_V1),
    "inception_v3": Entry(inception_v3, "imagenet", _INCEPTION_V3),
    "resnet18": Entry(resnet18, "imagenet", _RESNET),
    "resnet34": Entry(resnet34, "imagenet", _RESNET),
    "resnet50": Entry(resnet50, "imagenet", _RESNET),
    "resnet101": Entry(resnet101, "imagenet", _RESNET),
    "resnet152": Entry(resnet152, "imagenet", _RESNET),
    "resnet200": Entry(resnet200, "imagenet", _RESNET),
    "resnet18_v2": Entry(resnet18_v2, "imagenet", _RESNET_V2),
    "resnet34_v2": Entry(resnet34_v2, "imagenet", _RESNET_V2),
    "resnet50_v2": Entry(resnet50_v2, "imagenet", _RESNET_V2),
    "resnet101_v2": Entry(resnet101_v2, "imagenet", _RESNET_V2),
    "resnet152_v2": Entry(resnet152_v2, "imagenet", _RESNET_V2),
    "resnet200_v2": Entry(resnet200_v2, "imagenet", _RESNET_V2),
    "resnet_cifar": Entry(resnet_cifar, "cifar10", _RESNET_CIFAR),
    "mobilenet": Entry(mobilenet, "imagenet", _MOBILENET_V1),
    "mobilenet_v2": Entry(mobilenet_v2, "imagenet", _MOBILENET_V2),
    "mobilenet_v3_large": Entry(mobilenet_v3_large, "imagenet", _MOBILENET_V3_LARGE),
    "mobilenet_v3_small": Entry(mobilenet_v3_small, "imagenet", _MOBILENET_V3_SMALL),
}

_ALIASES = {"googlenet": "inception_v1"}


def list_models(pattern: str = "*", *, pretrained: bool = False) -> list[str]:
    """Names of the networks of the zoo.

    Args:
        pattern: with wildcards, such as "mobilenet*" or "resnet[1-5]*".
        pretrained: only those that `weights="imagenet"` is published for.

    Returns:
        The names, in the order of the zoo.
    """
    names = [name for name in _TABLE if fnmatch(name, _ALIASES.get(pattern, pattern))]
    return [name for name in names if weight_files(name)] if pretrained else names


def build(
    name: str,
    /,
    *,
    features_only: bool = False,
    endpoints: Sequence[str] | None = None,
    **options: Any,
) -> keras.Model:
    """Build a network by name.

    Args:
        name: one of `list_models()` (the model's own name is among the options).
        features_only: a backbone instead of a classifier: one feature map per resolution, the
            finest first (strides 2, 4, 8, 16, 32 for most networks), for detection and
            segmentation.
        endpoints: a backbone that returns the outputs of these layers: names, or patterns such as
            "stage2_block*_out", of which the last match counts.
        options: arguments of its builder; those of the classifier only with include_top=True,
            which `endpoints` may name layers of.

    Returns:
        What the builder returns, or a model with a list of outputs.

    Raises:
        InvalidArgumentError: no such network or layer, or an argument that its builder does not
            take.
    """
    found = entry(name)
    if features_only and endpoints is not None:
        raise InvalidArgumentError("Pass features_only=True or endpoints=[...], not both.")
    if features_only:
        endpoints = found.endpoints
        if not endpoints:
            raise InvalidArgumentError(f"{name} has no feature maps; pass endpoints=[...].")
    if endpoints is None:
        return found.builder(**options)
    if "include_top" in inspect.signature(found.builder).parameters:
        options.setdefault("include_top", False)
        check_backbone(options, found.of_the_classifier, features_only=features_only)
    return backbone(found.builder(**options), endpoints)


def entry(name: str) -> Entry:
    """The table's row.

    Raises:
        InvalidArgumentError: no such network.
    """
    name = _ALIASES.get(name, name)
    if name not in _TABLE:
        raise unknown_model(name, _TABLE)
    return _TABLE[name]
