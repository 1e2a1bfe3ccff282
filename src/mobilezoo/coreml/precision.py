"""The precisions in which weights can be written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from mobilezoo.errors import InvalidArgumentError, did_you_mean


class Scheme(Enum):
    """How a kernel is stored in few bits."""

    LINEAR = "weight = scale * code + offset, both for each output channel"
    PALETTE = "weight = table[code]"


@dataclass(frozen=True)
class Precision:
    """How weights and activations are stored.

    Attributes:
        name: what users call it.
        dtype: NumPy type of activations, and of weights that are not in few bits.
        agreement: largest difference from Keras, relative to the largest reference value,
            that a sound export keeps to; None where that depends on the network.
        network_version: of the specification that a neural network in it needs.
        program_version: of the specification that an ML program in it needs; None: cannot be.
        scheme: of kernels in few bits; None: there are none.
        bits: of a code.
    """

    name: str
    dtype: type[np.floating[Any]]
    agreement: float | None
    network_version: int
    program_version: int | None
    scheme: Scheme | None = None
    bits: int = 0


def _few_bits(name: str, scheme: Scheme, bits: int, *, agreement: float | None) -> Precision:
    return Precision(
        name, np.float16, agreement, network_version=3, program_version=None, scheme=scheme,
        bits=bits,
    )  # fmt: skip


_EIGHT_BITS = 0.2  # measured on lively networks of the zoo: docs/decisions.md
PALETTES = tuple(f"palette{bits}" for bits in range(1, 9))
PRECISIONS = {
    item.name: item
    for item in (
        Precision("float32", np.float32, agreement=1e-4, network_version=1, program_version=6),
        Precision("float16", np.float16, agreement=2e-2, network_version=2, program_version=6),
        _few_bits("int8", Scheme.LINEAR, 8, agreement=_EIGHT_BITS),
        *(
            _few_bits(name, Scheme.PALETTE, bits, agreement=_EIGHT_BITS if bits == 8 else None)
            for bits, name in enumerate(PALETTES, 1)
        ),
    )
}
_ALIASES = {
    "fp16": "float16", "half": "float16", "16": "float16",
    "fp32": "float32", "full": "float32", "32": "float32",
    "linear": "int8", "quantized": "int8", "uint8": "int8", "q8": "int8",
    "palette": "palette8", "kmeans": "palette8", "lut": "palette8",
}  # fmt: skip
_BITS = re.compile(r"(?:u?int|palette|lut|kmeans|linear|q)?[\s_-]*([1-8])[\s_-]*(?:bits?)?")


def precision(name: str) -> Precision:
    """The precision called `name`.

    Raises:
        InvalidArgumentError: unknown; names what there is.
    """
    if not isinstance(name, str) or name not in PRECISIONS:
        raise InvalidArgumentError(
            f"Unknown precision {name!r}. Choose float32, float16, int8, or {PALETTES[0]} to "
            f"{PALETTES[-1]}.{_guess(str(name).strip().lower())}"
        )
    return PRECISIONS[name]


def _guess(name: str) -> str:
    """What may have been meant by it, as a sentence."""
    if name in _ALIASES:
        return f" Did you mean {_ALIASES[name]!r}?"
    bits = _BITS.fullmatch(name)
    if bits is None:
        return did_you_mean(name, PRECISIONS)
    meant = f"palette{bits[1]}"
    return f" Did you mean {f'int8 or {meant}' if bits[1] == '8' else repr(meant)}?"
