"""Inputs and outputs of any kind, with the shapes that they leave open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from mobilezoo.inspection.record import FeatureRecord
from mobilezoo.runtime.features import default_value
from mobilezoo.runtime.flexible import declared_array_shapes, declared_image_sizes, size_range

_Fields: TypeAlias = dict[str, Any]

_KINDS = {"multiArrayType": "array"}  # the others are called as they are, without "Type"
_DTYPES = {"DOUBLE": "float64"}
_BIASES = {
    "RGB": ("redBias", "greenBias", "blueBias"),
    "BGR": ("blueBias", "greenBias", "redBias"),
    "GRAYSCALE": ("grayBias",),
    "GRAYSCALE_FLOAT16": ("grayBias",),
}


def read_features(
    descriptions: Sequence[Any], function: str = "", preprocessing: Sequence[Any] = ()
) -> tuple[FeatureRecord, ...]:
    """Read `FeatureDescription` messages.

    Args:
        descriptions: of the features.
        function: that they belong to, where there are several.
        preprocessing: `NeuralNetworkPreprocessing` messages of the network.
    """
    features = []
    for description in descriptions:
        kind = description.type.WhichOneof("Type") or "unknown"
        fields = _READ[kind](getattr(description.type, kind)) if kind in _READ else {}
        steps = [item for item in preprocessing if item.featureName == description.name]
        features.append(
            FeatureRecord(
                name=description.name,
                kind=_KINDS.get(kind, kind.removesuffix("Type")),
                optional=description.type.isOptional,
                description=description.shortDescription,
                preprocessing=", then ".join(_in_words(step, fields) for step in steps),
                function=function,
                **fields,
            )
        )
    return tuple(features)


def _array(declared: Any) -> _Fields:
    dtype = _enum_name(declared.ArrayDataType, declared.dataType)
    shape, choices, ranges = declared_array_shapes(declared)
    return {
        "dtype": _DTYPES.get(dtype, dtype.lower()),
        "shape": shape or next(iter(choices), ()),
        "choices": choices,
        "ranges": ranges,
        "default_value": default_value(declared),
    }


def _image(declared: Any) -> _Fields:
    size, choices, ranges = declared_image_sizes(declared)
    return {
        "color": _enum_name(declared.ColorSpace, declared.colorSpace),
        "shape": size,
        "choices": choices,
        "ranges": ranges,
    }


def _dictionary(declared: Any) -> _Fields:
    return {"dtype": (declared.WhichOneof("KeyType") or "unknown").removesuffix("KeyType")}


def _sequence(declared: Any) -> _Fields:
    dtype = (declared.WhichOneof("Type") or "unknown").removesuffix("Type")
    return {"dtype": dtype, "ranges": (size_range(declared.sizeRange),)}


def _state(declared: Any) -> _Fields:
    return _array(declared.arrayType)


_READ: dict[str, Callable[[Any], _Fields]] = {
    "multiArrayType": _array,
    "imageType": _image,
    "dictionaryType": _dictionary,
    "sequenceType": _sequence,
    "stateType": _state,
}


def _enum_name(enum: Any, number: int) -> str:
    """Name of an enumeration's value; another version's file may hold a number without one."""
    known: dict[int, str] = {value: key for key, value in enum.items()}
    return known.get(number, f"number {number}")


def _in_words(step: Any, fields: _Fields) -> str:
    """What a network does to the pixels: "pixel x 0.017 + (-1.77, -1.99, -2.12)"."""
    if step.WhichOneof("preprocessor") != "scaler":
        return "pixel - a mean image"
    biases = [getattr(step.scaler, name) for name in _BIASES.get(fields.get("color", ""), ())]
    text = f"pixel x {step.scaler.channelScale:.6g}"
    if not any(biases):
        return text
    same = len(set(biases)) == 1
    numbers = f"{biases[0]:.6g}" if same else f"({', '.join(f'{x:.6g}' for x in biases)})"
    return f"{text} + {numbers}"
