"""Parameters of the layers that work on volumes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mobilezoo.errors import CoreMLFileError
from mobilezoo.runtime.network.bounds import check_bounds
from mobilezoo.runtime.network.weights import locate_weights

_AXES = ("Depth", "Height", "Width")
_SIDES = ("Front", "Back", "Top", "Bottom", "Left", "Right")
_PAD_TYPES = ("custom", "valid", "same")  # by the number of the enumeration


def _fields(prefix: str, ends: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{prefix}{end}" for end in ends)


_OF_WINDOWS = (
    *_fields("kernel", _AXES), *_fields("stride", _AXES), "paddingType",
    *_fields("customPadding", _SIDES),
)  # fmt: skip
# fields that become one parameter, or only say how large the weights are
TAKEN_TOGETHER = {
    "convolution3d": (*_OF_WINDOWS, *_fields("dilation", _AXES), "inputChannels",
                      "outputChannels", "hasBias"),
    "pooling3d": _OF_WINDOWS,
}  # fmt: skip


def _windows(message: Any, place: str) -> dict[str, Any]:
    """Sizes, strides and padding of windows, one number for each axis or side."""
    if not 0 <= message.paddingType < len(_PAD_TYPES):
        raise CoreMLFileError(f"{place}: paddingType is number {message.paddingType}.")
    pad_type = _PAD_TYPES[message.paddingType]
    return {
        "kernel_size": _numbers(message, "kernel", _AXES, place),
        "stride": _numbers(message, "stride", _AXES, place),
        "pad_type": pad_type,
        "pad": _numbers(message, "customPadding", _SIDES, place, lowest=0),
    }


def _convolution(message: Any, place: str) -> dict[str, Any]:
    keywords = _windows(message, place)
    kernel, groups = keywords.pop("kernel_size"), message.nGroups or 1
    filters, channels = message.outputChannels, message.inputChannels
    check_bounds((filters, channels, groups), place, "outputChannels, inputChannels, nGroups", 1)
    if len(message.outputShape) not in (0, 3):
        raise CoreMLFileError(
            f"{place}: outputShape has {len(message.outputShape)} numbers; 3 are required."
        )
    check_bounds(message.outputShape, place, "outputShape", 1)
    if message.isDeconvolution:
        shape, axis = (channels, filters // groups, *kernel), 1
    else:
        shape, axis = (filters, channels // groups, *kernel), 0
    keywords["dilation"] = _numbers(message, "dilation", _AXES, place)
    keywords["weights"] = locate_weights(message.weights, shape, f"{place}: weights", axis=axis)
    if message.hasBias:
        keywords["bias"] = locate_weights(message.bias, (filters,), f"{place}: bias")
    return keywords


def _numbers(
    message: Any, prefix: str, ends: tuple[str, ...], place: str, *, lowest: int = 1
) -> tuple[int, ...]:
    numbers = tuple(getattr(message, field) for field in _fields(prefix, ends))
    check_bounds(numbers, place, f"{prefix} ({', '.join(ends)})", lowest)
    return numbers


VOLUMES: Mapping[str, Callable[[Any, str], dict[str, Any]]] = {
    "convolution3d": _convolution,
    "pooling3d": _windows,
}
