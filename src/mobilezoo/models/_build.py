"""What every family's builder does before and after its own network."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any

import keras
from keras import layers

from mobilezoo.data.preprocessing import set_preprocessing
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.models._options import InputShape, Weights
from mobilezoo.weights import (
    Dialect,
    WeightFile,
    fetch,
    is_checkpoint,
    load_checkpoint,
    load_keras_file,
)


def network_input(
    input_shape: tuple[int | None, ...] | None,
    input_tensor: Any,
    *,
    include_top: bool,
    default: InputShape,
    minimum: int,
) -> Any:
    """The symbolic input of a network, (batch, height, width, channels), called "image".

    Args:
        input_shape: as the user gave it; None means `default`, or free sides without a top.
        input_tensor: the user's own symbolic tensor, which then decides.
        include_top: whether a classifier follows, which needs known sides.
        default: (height, width, channels).
        minimum: shortest side in pixels.

    Raises:
        InvalidArgumentError: not three sizes, too small, free sides under a classifier.
    """
    if keras.config.image_data_format() != "channels_last":
        raise InvalidArgumentError(
            "image_data_format is 'channels_first'; mobilezoo builds channels-last networks. "
            "Call keras.config.set_image_data_format('channels_last')."
        )
    if input_tensor is not None:
        if not isinstance(input_tensor, keras.KerasTensor):
            raise InvalidArgumentError(
                f"input_tensor is a {type(input_tensor).__name__}; pass keras.Input(...)."
            )
        given = tuple(input_tensor.shape[1:])
        if input_shape is not None and tuple(input_shape) != given:
            raise InvalidArgumentError(
                f"input_shape={input_shape} contradicts input_tensor of shape {given}. Pass one "
                "of them."
            )
        _check_shape(given, include_top, minimum)
        return input_tensor
    shape: tuple[int | None, ...] = default if include_top else (None, None, default[-1])
    if input_shape is not None:
        if not isinstance(input_shape, (tuple, list)):
            raise InvalidArgumentError(
                f"input_shape={input_shape!r} must be (height, width, channels), such as {default}."
            )
        shape = tuple(input_shape)
    _check_shape(shape, include_top, minimum)
    return keras.Input(shape, name="image")


def pool_features(x: Any, pooling: str | None) -> Any:
    """What a network without a top returns: the last feature map, or its mean or maximum."""
    if pooling == "avg":
        return layers.GlobalAveragePooling2D(name="global_average_pool")(x)
    if pooling == "max":
        return layers.GlobalMaxPooling2D(name="global_max_pool")(x)
    return x


def finish(
    name: str,
    inputs: Any,
    outputs: Any,
    *,
    weights: Weights,
    preprocessing: str,
    published: Callable[[], WeightFile] | None = None,
    classifier: str | None = None,
    torch_names: Callable[[], Sequence[Dialect]] | None = None,
) -> keras.Model:
    """The model, with weights loaded and preprocessing attached.

    Args:
        name: of the model.
        inputs: symbolic input.
        outputs: symbolic output.
        weights: None, "imagenet" or the path of a weight file.
        preprocessing: of the pixels that it takes.
        published: finds the record of "imagenet" for these options; raises if there is none.
        classifier: name of the layer whose outputs are the classes; None without a top.
        torch_names: for torchvision's and timm's checkpoints, layer -> its name there.

    Raises:
        InvalidArgumentError: no such weights, or they do not fit.
    """
    sources = keras.utils.get_source_inputs(inputs)
    source = sources[0] if len(sources) == 1 else sources
    model = keras.Model(source, outputs, name=name)
    before = set(keras.Model(source, inputs).layers)  # the caller's own, under input_tensor
    own = [layer for layer in model.layers if layer not in before]
    if weights == "imagenet":
        record = _published(name, published)
        _load(name, own, fetch(record), torch_names, _fresh_classifier(own, classifier, record))
    elif weights is not None:
        if not isinstance(weights, (str, os.PathLike)):
            raise InvalidArgumentError(
                f"weights={weights!r}: pass None, 'imagenet' or the path of a weight file."
            )
        path = Path(weights).expanduser()
        if not path.is_file():
            raise InvalidArgumentError(
                f"weights={str(weights)!r} is not a file. Pass None, 'imagenet' or a path."
            )
        _load(name, own, path, torch_names)
    return set_preprocessing(model, preprocessing)


def _load(
    name: str,
    own: list[keras.Layer],
    path: Path,
    torch_names: Callable[[], Sequence[Dialect]] | None,
    fresh: str | None = None,
) -> None:
    if not is_checkpoint(path):
        load_keras_file(name, own, path, fresh=fresh)
        return
    if torch_names is None:
        raise InvalidArgumentError(
            f"'{path}' is a checkpoint of PyTorch, which {name} cannot take. Pass a Keras weight "
            "file (.weights.h5 or .h5)."
        )
    load_checkpoint(name, own, path, torch_names(), fresh=fresh)


def _published(name: str, published: Callable[[], WeightFile] | None) -> WeightFile:
    if published is None:
        raise InvalidArgumentError(
            f"There are no published weights for {name}. Pass weights=None, or the path of a file."
        )
    return published()


def _fresh_classifier(
    own: list[keras.Layer], classifier: str | None, record: WeightFile
) -> str | None:
    """The classifier's name if its classes are not those of the file: it keeps random weights."""
    for layer in own:
        if layer.name == classifier and layer.weights[0].shape[-1] != record.classes:
            return classifier
    return None


def _check_shape(shape: tuple[int | None, ...], include_top: bool, minimum: int) -> None:
    if len(shape) != 3 or shape[2] is None:
        raise InvalidArgumentError(
            f"input_shape={shape} must be (height, width, channels), such as "
            f"({minimum}, {minimum}, 3)."
        )
    sides = shape[:2]
    if not all(side is None or isinstance(side, Integral) for side in shape) or shape[2] < 1:
        raise InvalidArgumentError(
            f"input_shape={shape} must be whole numbers of pixels, and at least 1 channel."
        )
    if include_top and None in sides:
        raise InvalidArgumentError(
            f"input_shape={shape} has free sides, but include_top=True needs known ones. "
            "Pass numbers, or include_top=False."
        )
    if any(side is not None and side < minimum for side in sides):
        raise InvalidArgumentError(
            f"input_shape={shape} is below {minimum} px. Pass at least "
            f"({minimum}, {minimum}, {shape[2]})."
        )
