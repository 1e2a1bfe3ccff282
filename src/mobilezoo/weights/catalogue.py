"""Records of published weight files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mobilezoo.errors import InvalidArgumentError


@dataclass(frozen=True)
class WeightFile:
    """A published weight file.

    Attributes:
        architecture: name of the builder, such as "mobilenet".
        options: arguments of the builder that decide the file, such as {"alpha": 0.5}.
        include_top: whether the classifier is in it.
        side: height and width in pixels of the pictures that it was trained on.
        url: where it is.
        hash: "md5:<hex>" or "sha256:<hex>" (a prefix is enough); None if nobody publishes one.
        size_bytes: of the file; None if unknown.
        preprocessing: name of the record, see `mobilezoo.Preprocessing`.
        licence: of the weights.
        classes: of the classifier.
    """

    architecture: str
    include_top: bool
    side: int
    url: str
    hash: str | None
    size_bytes: int | None
    preprocessing: str
    licence: str
    options: Mapping[str, Any] = field(default_factory=dict)
    classes: int = 1000


def weight_files(architecture: str | None = None) -> tuple[WeightFile, ...]:
    """The records of one architecture, or of all."""
    return ()


def find(
    architecture: str, include_top: bool, shape: tuple[int | None, ...], **options: Any
) -> WeightFile:
    """The record for a builder's options.

    Args:
        architecture: name of the builder.
        include_top: with the classifier or without.
        shape: of the builder's input, (batch, height, width, channels): decides between files
            that were trained at several sizes; the largest where none is of that size.
        options: those of the builder that decide the file.

    Raises:
        InvalidArgumentError: no such file; lists the options for which there is one.
    """
    raise InvalidArgumentError(f"There are no published weights for {architecture}.")
