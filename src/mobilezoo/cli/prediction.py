"""`mobilezoo predict`: classes where a file tells them, else what it gives instead."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import Any

import numpy as np

from mobilezoo import _environment
from mobilezoo.errors import InvalidArgumentError

_DETECTED = ("confidence", "coordinates")  # outputs of detectors
_ROUNDING = 0.01  # float16 probabilities of 1000 classes add up to 1 within this


def predict(arguments: Namespace) -> None:
    """Print the best answers for each picture."""
    if arguments.top < 1:
        raise InvalidArgumentError(f"--top {arguments.top}: pass at least 1.")
    _environment.import_quietly()
    from mobilezoo.data.images import open_picture
    from mobilezoo.runtime import load_coreml

    program = load_coreml(arguments.file, arithmetic=arguments.arithmetic)
    required = [feature for feature in program.inputs if not feature.optional] or program.inputs
    feature = required[0]
    if feature.kind != "image" or len(required) != 1:
        raise InvalidArgumentError(
            f"'{arguments.file}' takes {feature.kind} input '{feature.name}', not one image."
        )
    mode = "L" if feature.color == "GRAYSCALE" else "RGB"
    size = (feature.width or 0, feature.height or 0)  # an image always has both
    pictures = [open_picture(path, size, mode, arguments.crop) for path in arguments.images]
    without_classes = False
    for path, picture in zip(arguments.images, pictures, strict=True):
        answer = program.predict({feature.name: picture})
        print(path)
        boxes = _boxes(program, answer)
        if boxes is not None:
            for line in boxes[: arguments.top] or ["no box"]:
                print(f"  {line}")
            continue
        best = _best(program, answer)
        without_classes |= not best
        for label, probability in best[: arguments.top]:
            print(f"  {probability:>7.2%}  {label}")
        for line in () if best else _ranges(answer):
            print(f"  {line}")
    if without_classes:
        print(
            f"note: '{arguments.file}' gives no class probabilities, so its outputs are described. "
            "`mobilezoo export --labels` makes a classifier of a model that ends in softmax.",
            file=sys.stderr,
        )


def _boxes(program: Any, answer: dict[str, Any]) -> list[str] | None:
    """One line for each box that a detector found, or None if the file is none.

    Its outputs have the names that Vision asks for.
    """
    confidence, coordinates = (np.asarray(answer.get(name)) for name in _DETECTED)
    if not program.labels or confidence.shape[1:] != (len(program.labels),):
        return None
    if coordinates.shape != (len(confidence), 4):
        return None
    return [
        f"{max(scores):>7.2%}  {program.labels[int(np.argmax(scores))]}, center "
        f"({x:.3f}, {y:.3f}), {width:.3f} x {height:.3f}"
        for scores, (x, y, width, height) in zip(confidence, coordinates, strict=True)
    ]


def _best(program: Any, answer: dict[str, Any]) -> list[tuple[str, float]]:
    """(label, probability), the largest first; nothing where the file gives no probabilities."""
    if program.is_classifier:
        (name,) = [feature.name for feature in program.outputs if feature.kind == "dictionary"]
        pairs = [(str(label), float(value)) for label, value in answer[name].items()]
    else:
        pairs = [
            (f"class {number}", float(value)) for number, value in enumerate(_distribution(answer))
        ]
    return sorted(pairs, key=lambda pair: -pair[1])


def _distribution(answer: dict[str, Any]) -> list[float]:
    """The one output, if it has a number for each class and they are shares of 1."""
    first = next(iter(answer.values()))
    if not isinstance(first, np.ndarray):  # a picture
        return []
    values = first.astype(np.float64)
    flat = values.ravel()
    one_row = len(answer) == 1 and values.ndim <= 2 and flat.size == values.shape[-1] > 1
    shares = one_row and flat.min() >= 0 and abs(flat.sum() - 1) <= _ROUNDING
    return list(flat) if shares else []


def _ranges(answer: dict[str, Any]) -> list[str]:
    """One line for each output: name, shape, values."""
    return [f"{name}: {_in_words(value)}" for name, value in answer.items()]


def _in_words(value: Any) -> str:
    """What an output holds."""
    if hasattr(value, "convert"):
        return f"a picture of {value.width}x{value.height} pixels, {value.mode}"
    values = np.asarray(value)
    shape = "x".join(map(str, values.shape)) or "one number"
    if not values.size or values.dtype.kind not in "biuf":
        return shape if values.ndim else str(value)
    return f"{shape}, from {values.min():.4g} to {values.max():.4g}, mean {values.mean():.4g}"
