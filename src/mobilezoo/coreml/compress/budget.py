"""Precisions by what they may cost: the best mix of them within a size, an error, or both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mobilezoo.coreml.precision import Precision
from mobilezoo.coreml.precision import precision as find_precision
from mobilezoo.errors import InvalidArgumentError, did_you_mean

OBJECTIVES = ("error", "agreement")
USUAL = ("int8", "palette8", "palette6", "palette4", "palette2")


@dataclass(frozen=True)
class Budget:
    """What a file may cost, in place of a precision.

    The network runs on examples with each layer in each precision, the best mix is chosen,
    written, and the saved file is measured. At least one of the first three must be given: with
    nothing but a size the error is made as small as it allows, else the file is.

    Attributes:
        max_size_bytes: of the whole package.
        max_error: of the outputs: root of the mean squared difference from the float16 file, over
            that of the outputs themselves; of a classifier, of the scores before the softmax.
        min_agreement: share of the examples whose first class must stay the same.
        data: examples as the file takes them: pictures 0..255 as (n, height, width, channels), a
            list of PIL pictures, arrays, a dictionary of these by input names, or batches of all
            of that.
        examples: how many of them are used.
        precisions: of which each layer gets one, or stays as it is.
        optimize: what is made small: "error", or "agreement", which is the divergence of the
            probabilities (Kullback-Leibler): errors of scores that change no answer count little.
        repair: whether biases make up for what rounding shifts in the mean of each channel.
        weigh: whether tables are best for the weights that the outputs hang on.
    """

    max_size_bytes: int | None = None
    max_error: float | None = None
    min_agreement: float | None = None
    data: Any = field(default=None, repr=False)
    examples: int = 16
    precisions: Sequence[Any] = USUAL
    optimize: str = "error"
    repair: bool = True
    weigh: bool = False

    def members(self) -> list[Precision]:
        """The precisions.

        Raises:
            InvalidArgumentError: something that no budget can be.
        """
        self._check()
        return find_members(self.precisions)

    def _check(self) -> None:
        limits = {
            "max_size_bytes": (self.max_size_bytes, 0, float("inf")),
            "max_error": (self.max_error, 0, float("inf")),
            "min_agreement": (self.min_agreement, 0, 1),
        }
        if all(value is None for value, *_ in limits.values()):
            raise InvalidArgumentError(
                f"A Budget needs {', '.join(limits)}, or several of these; none was given."
            )
        for name, (value, low, high) in limits.items():
            if value is not None and not (_is_number(value) and low < value <= high):
                raise InvalidArgumentError(
                    f"Budget: {name}={value!r} must be a number above 0"
                    f"{', up to 1' if high == 1 else ''}."
                )
        if self.data is None:
            raise InvalidArgumentError(
                "A Budget needs data=, some examples as the file takes them: what a layer's "
                "precision costs is measured by running the network."
            )
        if not isinstance(self.examples, int) or self.examples < 1:
            raise InvalidArgumentError(f"Budget: examples={self.examples!r} must be 1 or more.")
        if self.optimize not in OBJECTIVES:
            raise InvalidArgumentError(
                f"Budget: unknown optimize={self.optimize!r}. Choose {' or '.join(OBJECTIVES)}."
                f"{did_you_mean(str(self.optimize), OBJECTIVES)}"
            )
        if isinstance(self.precisions, str) or not self.precisions:
            raise InvalidArgumentError(
                f"Budget: precisions={self.precisions!r} must be a list of precisions, such as "
                f"{list(USUAL)}."
            )


def find_members(given: Sequence[Any]) -> list[Precision]:
    """The precisions among which is chosen.

    Raises:
        InvalidArgumentError: unknown, or one that is not of weights alone.
    """
    found = [find_precision(item) for item in given]
    if any(item.rounds_activations for item in found):
        raise InvalidArgumentError(
            "Mixes are of precisions of weights, and w8a8 rounds activations, too. Leave it out, "
            'or pass {"pattern": W8A8(data=...), ...} as the precision.'
        )
    return found


def _is_number(value: Any) -> bool:
    return hasattr(value, "__float__") and not isinstance(value, bool)
