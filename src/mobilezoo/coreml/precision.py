"""The precisions in which weights can be written."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

import numpy as np

from mobilezoo.errors import InvalidArgumentError, did_you_mean


class Scheme(Enum):
    """How a kernel is stored in few bits."""

    LINEAR = "weight = scale * code, in a neural network + offset, for each output channel"
    PALETTE = "weight = table[code]"
    MIXED = "each layer as it was asked for"


@dataclass(frozen=True)
class Palette:
    """Kernels as codes into tables: weight = table[code].

    Attributes:
        bits: of a code; a table has 2 ** bits numbers. 1, 2, 4, 6, 8, in a package from iOS 18 also
            3, in a neural network all from 1 to 8.
        group_size: how many output channels share a table (a package, iOS 18): where it does
            not divide their number, the largest divisor below; None: all.
    """

    bits: int
    group_size: int | None = None


@dataclass(frozen=True)
class Linear:
    """Kernels as whole numbers: weight = scale * code.

    Attributes:
        bits: of a code, 8 or 4 (a package, iOS 18).
        block_size: how many input channels of an output channel share a scale (a package,
            iOS 18), or the largest divisor below; None: all, or 32 where a code has 4 bits.
    """

    bits: int = 8
    block_size: int | None = None


@dataclass(frozen=True)
class Sparse:
    """Kernels of which only the largest weights are kept, as they are or in few bits.

    Attributes:
        density: share of the weights that is kept, above 0 and below 1.
        values: how these are stored: None for float16, or a `Palette` or `Linear` (iOS 18).
    """

    density: float
    values: Palette | Linear | None = None


@dataclass(frozen=True, eq=False)
class W8A8:
    """Weights and activations of convolutions and dense layers as whole numbers of 8 bits.

    For chips that multiply such numbers (A17 Pro, M4 and newer), in a package, iOS 17. Weights are
    those of `Linear(8)`. Activations are rounded to a scale of their own, which is found by running
    the network on examples: the finest that cuts nothing off on any of them.

    Attributes:
        data: examples as the file takes them, as `Budget` has them; like those of the app.
        examples: how many of them are used.
    """

    data: Any = field(repr=False)
    examples: int = 32


@dataclass(frozen=True)
class Precision:
    """How weights and activations are stored.

    Attributes:
        name: what users call it.
        dtype: NumPy type of activations, and of weights that are not in few bits.
        agreement: largest difference from Keras, relative to the largest reference value,
            that a sound export keeps to; None where that depends on the network.
        network_version: of the specification that a neural network in it needs; None: cannot be.
        program_version: of the specification that an ML program in it needs; None: cannot be.
        scheme: of kernels in few bits; None: there are none.
        bits: of a code.
        group_size: output channels that share a table; None: all.
        block_size: input channels that share a scale; None: all.
        density: share of the weights that is kept; None: all.
        rounds_activations: whether what convolutions and dense layers read is in 8 bits, too.
    """

    name: str
    dtype: type[np.floating[Any]]
    agreement: float | None
    network_version: int | None
    program_version: int | None
    scheme: Scheme | None = None
    bits: int = 0
    group_size: int | None = None
    block_size: int | None = None
    density: float | None = None
    rounds_activations: bool = False

    @property
    def is_compressed(self) -> bool:
        """Whether large kernels take less than float16 does."""
        return self.scheme is not None or self.density is not None


BLOCK = 32  # input channels that share a scale of 4 bits
_EIGHT_BITS = 0.2  # measured on lively networks of the zoo: docs/decisions.md
_IOS16, _IOS17, _IOS18 = 7, 8, 9  # versions of the specification
_PROGRAM_PALETTES = {1: _IOS16, 2: _IOS16, 3: _IOS18, 4: _IOS16, 6: _IOS16, 8: _IOS16}
MIXED = "mixed: "  # begins the name of several precisions in one file
_NAME = re.compile(
    r"(?:sparse (?P<density>[\d.e-]+)(?:, |$))?(?:(?P<kind>palette|int)(?P<bits>\d))?"
    r"(?:, groups of (?P<group>\d+)|, blocks of (?P<block>\d+))?"
)
PALETTES = tuple(f"palette{bits}" for bits in range(1, 9))


def _of_palette(given: Palette) -> Precision:
    name, version = f"palette{given.bits}", _PROGRAM_PALETTES.get(given.bits)
    if given.group_size is not None:
        name, version = f"{name}, groups of {given.group_size}", version and _IOS18
    return Precision(
        name, np.float16, _EIGHT_BITS if given.bits == 8 else None,
        network_version=3 if given.group_size is None else None, program_version=version,
        scheme=Scheme.PALETTE, bits=given.bits, group_size=given.group_size,
    )  # fmt: skip


def _of_linear(given: Linear) -> Precision:
    whole = given.bits == 8 and given.block_size is None
    block = None if whole else given.block_size or BLOCK
    named = "" if given.block_size is None else f", blocks of {given.block_size}"
    return Precision(
        f"int{given.bits}{named}", np.float16, _EIGHT_BITS if given.bits == 8 else None,
        network_version=3 if whole else None, program_version=_IOS16 if whole else _IOS18,
        scheme=Scheme.LINEAR, bits=given.bits, block_size=block,
    )  # fmt: skip


def _of_sparse(given: Sparse) -> Precision:
    name = f"sparse {given.density:g}"
    if given.values is None:
        return Precision(name, np.float16, None, None, _IOS16, density=given.density)
    kept = _FINDERS[type(given.values)](given.values)
    version = kept.program_version and _IOS18
    return replace(
        kept, name=f"{name}, {kept.name}", agreement=None, network_version=None,
        program_version=version, density=given.density, block_size=None,
    )  # fmt: skip


def _of_w8a8(_: W8A8) -> Precision:
    return PRECISIONS["w8a8"]


_FINDERS: dict[type, Callable[[Any], Precision]] = {
    Palette: _of_palette, Linear: _of_linear, Sparse: _of_sparse, W8A8: _of_w8a8
}  # fmt: skip
PRECISIONS = {
    item.name: item
    for item in (
        Precision("float32", np.float32, agreement=1e-4, network_version=1, program_version=6),
        Precision("float16", np.float16, agreement=2e-2, network_version=2, program_version=6),
        _of_linear(Linear(8)),
        _of_linear(Linear(4)),
        *(_of_palette(Palette(bits)) for bits in range(1, 9)),
        replace(
            _of_linear(Linear(8)),
            name="w8a8",
            network_version=None,
            program_version=_IOS17,
            rounds_activations=True,
        ),
    )
}
_ALIASES = {
    "fp16": "float16", "half": "float16", "16": "float16",
    "fp32": "float32", "full": "float32", "32": "float32",
    "linear": "int8", "quantized": "int8", "uint8": "int8", "q8": "int8",
    "palette": "palette8", "kmeans": "palette8", "lut": "palette8",
    "int8-int8": "w8a8", "a8w8": "w8a8",
}  # fmt: skip
_BITS = re.compile(r"(?:u?int|palette|lut|kmeans|linear|q)?[\s_-]*([1-8])[\s_-]*(?:bits?)?")


def precision(given: Any) -> Precision:
    """The precision of that name, or that a `Palette`, `Linear`, `Sparse` or `W8A8` describes.

    Raises:
        InvalidArgumentError: unknown, or numbers that cannot be; names what there is.
    """
    if type(given) in _FINDERS:
        _check(given)
        return _FINDERS[type(given)](given)
    if not isinstance(given, str) or given not in PRECISIONS:
        raise InvalidArgumentError(
            f"Unknown precision {given!r}. Choose float32, float16, int8, int4, {PALETTES[0]} to "
            f"{PALETTES[-1]}, or a Palette, Linear, Sparse or W8A8."
            f"{_guess(str(given).strip().lower())}"
        )
    return PRECISIONS[given]


def precision_named(name: str) -> Precision | None:
    """The precision that a file says it has; None for a name that none of ours has."""
    if name in PRECISIONS:
        return PRECISIONS[name]
    if name.startswith(MIXED):
        return Precision(name, np.float16, None, None, _IOS16, Scheme.MIXED)
    parts = _NAME.fullmatch(name)
    if parts is None or not (parts["kind"] or parts["density"]):
        return None
    found: Any = None
    if parts["kind"] == "palette":
        found = Palette(int(parts["bits"]), int(parts["group"]) if parts["group"] else None)
    elif parts["kind"] == "int":
        found = Linear(int(parts["bits"]), int(parts["block"]) if parts["block"] else None)
    return precision(found if parts["density"] is None else Sparse(float(parts["density"]), found))


def _check(given: Palette | Linear | Sparse | W8A8) -> None:
    """Raise InvalidArgumentError for numbers that no file can have."""
    if isinstance(given, W8A8):
        if not _is_whole(given.examples) or given.examples < 1:
            raise InvalidArgumentError(f"{given}: examples are counted from 1 on.")
        return
    if isinstance(given, Sparse):
        if not isinstance(given.density, float) or not 0 < given.density < 1:
            raise InvalidArgumentError(
                f"{given}: density must be above 0 and below 1; 0.25 keeps a quarter."
            )
        if given.values is not None:
            if not isinstance(given.values, (Palette, Linear)):
                raise InvalidArgumentError(f"{given}: values must be a Palette or a Linear.")
            _check(given.values)
            _check_joint(given)
        return
    known, size = (range(1, 9), given.group_size) if isinstance(given, Palette) else (
        (4, 8), given.block_size
    )  # fmt: skip
    if not _is_whole(given.bits) or given.bits not in known:
        raise InvalidArgumentError(f"{given}: bits must be one of {', '.join(map(str, known))}.")
    if size is not None and (not _is_whole(size) or size < 1):
        raise InvalidArgumentError(f"{given}: channels are counted from 1 on.")


def _check_joint(given: Sparse) -> None:
    if getattr(given.values, "group_size", None) or getattr(given.values, "block_size", None):
        raise InvalidArgumentError(
            f"{given}: sparse weights have one table, or a scale for each output channel. Leave "
            "group_size and block_size out."
        )


def _is_whole(number: Any) -> bool:
    return isinstance(number, (int, np.integer)) and not isinstance(number, bool)


def _guess(name: str) -> str:
    """What may have been meant by it, as a sentence."""
    if name in _ALIASES:
        return f" Did you mean {_ALIASES[name]!r}?"
    bits = _BITS.fullmatch(name)
    if bits is None:
        return did_you_mean(name, PRECISIONS)
    meant = f"palette{bits[1]}"
    linear = f"int{bits[1]} or {meant}"
    return f" Did you mean {linear if bits[1] in '48' else repr(meant)}?"
