"""Deployment targets: which operating system runs which file."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from mobilezoo.coreml.precision import PRECISIONS, Precision
from mobilezoo.errors import InvalidArgumentError, did_you_mean

ML_PROGRAM_VERSION = 6  # of the specification


class Format(Enum):
    """What a file holds, by its suffix."""

    ML_PROGRAM = ".mlpackage"
    NEURAL_NETWORK = ".mlmodel"


@dataclass(frozen=True)
class Target:
    """An operating system from some version on.

    Attributes:
        system: "iOS", "macOS", "tvOS" or "watchOS".
        version: of the system.
        specification_version: the newest that it reads.
    """

    system: str
    version: str
    specification_version: int

    @property
    def name(self) -> str:
        """As users write it: "iOS15"."""
        return f"{self.system}{self.version}"


# The first release of each system that reads a version of the specification. Source: Core ML's
# Model.proto, "specificationVersion", and coremltools' AvailableTarget.
_SYSTEMS = ("iOS", "macOS", "watchOS", "tvOS")
_RELEASES = {
    1: ("11", "10.13", "4", "11"),
    2: ("11.2", "10.13.2", "4.2", "11.2"),
    3: ("12", "10.14", "5", "12"),
    4: ("13", "10.15", "6", "13"),
    5: ("14", "11", "7", "14"),
    6: ("15", "12", "8", "15"),
    7: ("16", "13", "9", "16"),
    8: ("17", "14", "10", "17"),
    9: ("18", "15", "11", "18"),
    10: ("26", "26", "26", "26"),
}
TARGETS = {
    target.name: target
    for specification, versions in _RELEASES.items()
    for target in (
        Target(system, version, specification)
        for system, version in zip(_SYSTEMS, versions, strict=True)
    )
}


def find_target(given: str | Any) -> Target:
    """The target called "iOS15", "macOS 10.15", "iOS16.4" ..., or a member of `coremltools.target`.

    Raises:
        InvalidArgumentError: there is no such system or release.
    """
    name = str(getattr(given, "name", given))
    parts = re.fullmatch(r"\s*([a-z]+)\s*([\d._]+)\s*", name, re.IGNORECASE)
    systems = {system.lower(): system for system in _SYSTEMS}
    if parts is not None and parts[1].lower() in systems:
        version = parts[2].replace("_", ".").removesuffix(".0")
        found = _release(systems[parts[1].lower()], version)
        if found is not None:
            return found
        raise _unknown(name, _named(systems[parts[1].lower()]))
    hint = did_you_mean(name, TARGETS) if re.search(r"[a-z]", name, re.IGNORECASE) else ""
    ranges = (_named(system) for system in _SYSTEMS)
    raise _unknown(name, [f"{names[0]} to {names[-1]}" for names in ranges], hint)


def _unknown(name: str, known: Sequence[str], hint: str = "") -> InvalidArgumentError:
    return InvalidArgumentError(
        f"Unknown minimum_deployment_target {name!r}. Choose {', '.join(known[:-1])} or "
        f"{known[-1]}.{hint}"
    )


def _named(system: str) -> list[str]:
    """The releases of a system, the oldest first."""
    return [target.name for target in TARGETS.values() if target.system == system]


def choose_format(path: Path | None, target: Target | None, precision: Precision) -> Format:
    """ML program or neural network: by the path's suffix, else by the target.

    Raises:
        InvalidArgumentError: the format does not have that precision, or the target cannot read
            it.
    """
    if path is not None:
        chosen = Format(path.suffix)
    elif target is not None and target.specification_version < ML_PROGRAM_VERSION:
        chosen = Format.NEURAL_NETWORK
    else:
        chosen = Format.ML_PROGRAM
    check_precision(chosen, precision)
    if target is not None:
        _check_readable(chosen, target, precision)
    return chosen


def check_precision(form: Format, precision: Precision) -> None:
    """Raise InvalidArgumentError where no file of that format can be in that precision."""
    if form is Format.NEURAL_NETWORK:
        _check_network(precision)
    elif precision.program_version is None:
        known = [
            name
            for name, item in PRECISIONS.items()
            if item.scheme is precision.scheme and item.program_version is not None
        ]
        raise InvalidArgumentError(
            f"precision={precision.name!r} is written to neural networks (.mlmodel) only; a "
            f".mlpackage can be in {', '.join(known)}. Choose one of these, or a path that ends in "
            ".mlmodel."
        )


def _check_network(precision: Precision) -> None:
    if precision.network_version is None:
        raise InvalidArgumentError(
            f"precision={precision.name!r} is written to ML programs (.mlpackage) only. Choose a "
            "path that ends in .mlpackage, or int8 or palette1 to palette8."
        )


def first_release(system: str, specification_version: int) -> Target:
    """The oldest release of a system that reads that version of the specification."""
    versions = _RELEASES[specification_version]
    return TARGETS[f"{system}{versions[_SYSTEMS.index(system)]}"]


def _check_readable(chosen: Format, target: Target, precision: Precision) -> None:
    if chosen is Format.ML_PROGRAM and target.specification_version < ML_PROGRAM_VERSION:
        lowest = first_release(target.system, ML_PROGRAM_VERSION)
        raise InvalidArgumentError(
            f"A .mlpackage needs {lowest.name}; minimum_deployment_target={target.name!r} is "
            f"older. Write a .mlmodel, or pass minimum_deployment_target={lowest.name!r}."
        )
    needed = version_in(chosen, precision) or 0
    if target.specification_version < needed:
        readable = [
            item.name
            for item in PRECISIONS.values()
            if (version_in(chosen, item) or math.inf) <= target.specification_version
        ]
        lowest = first_release(target.system, needed)
        raise InvalidArgumentError(
            f"A {chosen.value} in {precision.name} needs {lowest.name}; minimum_deployment_target="
            f"{target.name!r} is older. Pass precision={' or '.join(map(repr, readable))}, or "
            f"minimum_deployment_target={lowest.name!r}."
        )


def version_in(form: Format, precision: Precision) -> int | None:
    """The version of the specification that a file in that precision needs; None: none can be."""
    network = form is Format.NEURAL_NETWORK
    return precision.network_version if network else precision.program_version


def _release(system: str, version: str) -> Target | None:
    """The newest listed release of that major version which is not newer."""
    wanted = _numbers(version)
    fitting = [
        item
        for item in TARGETS.values()
        if item.system == system
        and _numbers(item.version) <= wanted
        and _same_major(_numbers(item.version), wanted)
    ]
    if (system, wanted[:2]) == ("macOS", (10, 16)):  # what Big Sur called itself at first
        return TARGETS["macOS11"]
    return max(fitting, key=lambda item: _numbers(item.version), default=None)


def _same_major(first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    length = 2 if second[0] == 10 and len(first) > 1 else 1  # macOS 10.13, 10.14, ...
    return first[:length] == second[:length]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part)
