"""The precisions in which weights can be written."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

import numpy as np

from mobilezoo.errors import InvalidArgumentError


@dataclass(frozen=True)
class Precision:
    """How weights and activations are stored.

    Attributes:
        name: what users call it.
        dtype: NumPy type of weights and activations.
        agreement: largest difference from Keras, relative to the largest reference value,
            that a sound export keeps to.
        network_version: of the specification that a neural network in it needs.
    """

    name: str
    dtype: type[np.floating[Any]]
    agreement: float
    network_version: int


PRECISIONS = {
    item.name: item
    for item in (
        Precision("float32", np.float32, agreement=1e-4, network_version=1),
        Precision("float16", np.float16, agreement=2e-2, network_version=2),
    )
}


def precision(name: str) -> Precision:
    """The precision called `name`.

    Raises:
        InvalidArgumentError: unknown; names what there is.
    """
    if name not in PRECISIONS:
        aliases = {"fp16": "float16", "half": "float16", "fp32": "float32", "full": "float32"}
        close = difflib.get_close_matches(str(name), PRECISIONS, n=1, cutoff=0.7)
        guess = aliases.get(str(name).lower(), close[0] if close else None)
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise InvalidArgumentError(
            f"Unknown precision {name!r}. Choose {' or '.join(PRECISIONS)}.{hint}"
        )
    return PRECISIONS[name]
