"""Records of published weight files: those of keras.applications, and torchvision's for the rest.

Sources, per field:
    url, hash, preprocessing: keras.applications (Keras 3.15) and torchvision 0.29, whose file
        names end in the first 8 digits of the sha256. Nobody publishes a hash of the 76 files of
        MobileNet v1 and v2: `hash` is None, and `size_bytes` and `parameters` are verified instead.
    size_bytes: what `size_source` says; None where no public source prints the exact number.
    parameters: keras.applications' networks, counted; torchvision's `num_params` plus the moving
        means and variances of its batch norms.
    licence: keras.io/api/applications of 2019 ("License" of each network): VGG is ported from
        Oxford's (CC BY 4.0), ResNet from Kaiming He's (MIT), ResNetV2 from Facebook's (BSD);
        Inception and MobileNet are released under tensorflow/models' Apache License, as are the
        checkpoints of MobileNetV3, about which Keras says nothing. torchvision licenses its code
        (BSD-3-Clause) and leaves the weights' terms to the user's judgement.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from numbers import Integral
from typing import Any

from mobilezoo.errors import InvalidArgumentError

CHANNELS = 3  # of every published file
OF_THE_TOP = ("fc_units",)  # options that only matter with a classifier


@dataclass(frozen=True)
class WeightFile:
    """A published weight file.

    Attributes:
        architecture: name of the builder, such as "mobilenet".
        include_top: whether the classifier is in it.
        side: height and width in pixels that its publisher uses it with.
        url: where it is.
        hash: "md5:<hex>" or "sha256:<hex>" (a prefix is enough); None if nobody publishes one.
        size_bytes: of the file; None if unknown.
        preprocessing: name of the record, see `mobilezoo.Preprocessing`.
        licence: of the weights; SPDX identifier where there is one.
        parameters: number of weights in the file, moving statistics of batch norms included.
        options: arguments of the builder that decide the file, such as {"alpha": 0.5}.
        classes: of the classifier.
        size_source: where `size_bytes` is printed.
    """

    architecture: str
    include_top: bool
    side: int
    url: str
    hash: str | None
    size_bytes: int | None
    preprocessing: str
    licence: str
    parameters: int
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    classes: int = 1000
    size_source: str | None = None

    @property
    def file_name(self) -> str:
        """Its name in the cache and on a mirror."""
        return self.url.rpartition("/")[2]

    @property
    def convention(self) -> str:
        """Whose numerical details it was trained with: "keras" or "torch"."""
        return "torch" if self.file_name.endswith(".pth") else "keras"


@cache
def _all() -> tuple[WeightFile, ...]:
    text = files("mobilezoo.weights").joinpath("weight_files.json").read_text("utf-8")
    return tuple(WeightFile(**row) for row in json.loads(text))


def weight_files(architecture: str | None = None) -> tuple[WeightFile, ...]:
    """The records of one architecture, or of all.

    Args:
        architecture: name of a builder; one without published weights has no records.
    """
    return tuple(record for record in _all() if architecture in (None, record.architecture))


def find(
    architecture: str, include_top: bool, shape: tuple[int | None, ...], **options: Any
) -> WeightFile:
    """The record for a builder's options.

    Args:
        architecture: name of the builder.
        include_top: with the classifier or without. A checkpoint of torchvision serves both: its
            entries have names, so that those of the classifier can be left out.
        shape: of the builder's input, (batch, height, width, channels): decides between files
            that were trained at several sizes; the largest where none is of that size. None
            stands for a free batch or side.
        options: those of the builder that decide the file, and `convention` if that is fixed.

    Raises:
        InvalidArgumentError: no such file, which lists the options for which there is one; or
            not such a shape.
    """
    _check_shape(shape)
    records = [
        record
        for record in weight_files(architecture)
        if record.include_top == include_top or record.convention == "torch"
    ]
    if not records:
        raise InvalidArgumentError(
            f"There are no published weights for {architecture}. Pass weights=None, or the path of "
            "a file."
        )
    if shape[-1] != CHANNELS:
        raise InvalidArgumentError(
            f"Published weights take {CHANNELS} channels (RGB); the input has {shape[-1]}. Pass "
            "weights=None, or an input of 3 channels."
        )
    if not include_top:
        options = {name: value for name, value in options.items() if name not in OF_THE_TOP}
    fitting = [record for record in records if _fits(record, options)]
    if not fitting:
        raise _none_published(architecture, records, options)
    _check_decided(architecture, fitting)
    sides = {record.side: record for record in fitting}
    height, width = shape[1:3]
    return sides[height] if height == width and height in sides else sides[max(sides)]


def _check_shape(shape: Any) -> None:
    sizes = shape if isinstance(shape, (tuple, list)) else ()
    whole = all(size is None or (isinstance(size, Integral) and int(size) > 0) for size in sizes)
    if len(sizes) == 4 and whole and sizes[-1] is not None:
        return
    missing = " The batch axis is missing." if len(sizes) == 3 and whole else ""
    raise InvalidArgumentError(
        f"shape={shape!r} must be that of the input, (batch, height, width, channels) in whole "
        f"numbers, or None where one is free.{missing} Pass for example (None, 224, 224, 3)."
    )


def _value(record: WeightFile, option: str) -> Any:
    return record.convention if option == "convention" else record.options[option]


def _fits(record: WeightFile, options: Mapping[str, Any]) -> bool:
    unknown = options.keys() - record.options.keys() - {"convention"}
    if unknown:
        raise InvalidArgumentError(
            f"The weight files of {record.architecture} do not tell {', '.join(sorted(unknown))} "
            f"apart; they tell {', '.join(record.options) or 'nothing'}."
        )
    return all(_value(record, name) == value for name, value in options.items())


def _check_decided(architecture: str, fitting: Sequence[WeightFile]) -> None:
    for record in fitting:
        if record.options != fitting[0].options:
            raise InvalidArgumentError(
                f"Several weight files of {architecture} fit; say which of "
                f"{_shown(fitting[0].options)} or {_shown(record.options)}."
            )


def _none_published(
    architecture: str, records: Sequence[WeightFile], options: Mapping[str, Any]
) -> InvalidArgumentError:
    """Names the one option that no file has, or else all of them: their combination is it."""
    for name, value in options.items():
        published = sorted({_value(record, name) for record in records})
        if value not in published:
            asked = _shown({name: value})
            there = f"{name}={', '.join(map(repr, published))}"
            of_top = name in OF_THE_TOP
            break
    else:
        asked = _shown(options)
        of_top = False
        there = " or ".join(
            sorted({_shown({name: _value(r, name) for name in options}) for r in records})
        )
    own_top = "include_top=False with layers of your own on top, " if of_top else ""
    return InvalidArgumentError(
        f"There is no published file for {architecture} with {asked}. There are files for {there}. "
        f"Pass one of these, {own_top}weights=None, or the path of a file."
    )


def _shown(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in options.items())
