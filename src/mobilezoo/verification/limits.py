"""How far a file may depart from Keras."""

from __future__ import annotations

from math import inf, isfinite
from numbers import Real
from typing import Any, NamedTuple

from mobilezoo.coreml.precision import PRECISIONS, precision_named
from mobilezoo.errors import InvalidArgumentError

_BEFORE_ROUNDING = PRECISIONS["float16"].agreement or 0.0  # kernels are rounded from float16


class Limits(NamedTuple):
    """Largest differences that are allowed, relative to the largest reference value.

    Attributes:
        computed: of what the file computes, apart from the rounding of weights to few bits.
        whole: of what it computes as it is; infinite where that is reported only.
    """

    computed: float
    whole: float


def find_limits(given: Any, precision: str | None, file: str, *, separable: bool) -> Limits:
    """The limits for a file.

    Args:
        given: by the user, or None.
        precision: that the file says it has.
        file: its name.
        separable: whether the rounding of weights to few bits is judged by itself.

    Raises:
        InvalidArgumentError: no number that can be a limit, or sound files in that precision have
            no common one.
    """
    known = precision_named(precision or "") or PRECISIONS["float16"]
    if given is not None and given >= 1 and not separable:
        raise _unfit(given)
    if separable:
        usual = known.agreement if known.is_compressed else None
        whole = given if given is not None else inf if usual is None else usual
        return Limits(min(_BEFORE_ROUNDING, float(whole)), float(whole))
    limit = known.agreement if given is None else given
    if limit is None:
        raise InvalidArgumentError(
            f"{file} holds weights in {precision}, which depart from Keras's on purpose, and other "
            "kernels than an export of the model writes; by how much the outputs may differ "
            "depends on the network. Pass limit=, such as limit=0.3 for 30 % of the largest value "
            "(--limit on the command line)."
        )
    return Limits(float(limit), float(limit))


def check_limit(given: Any) -> None:
    """Refuse what is no limit for any file, before any work.

    Raises:
        InvalidArgumentError: it is no finite number above 0.
    """
    is_number = isinstance(given, Real) and not isinstance(given, bool)
    if given is not None and not (is_number and isfinite(given) and given > 0):
        raise _unfit(given)


def _unfit(limit: Any) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"limit={limit!r} must be between 0 and 1, such as 0.02 for 2 % of the largest value. "
        "Only what the rounding of weights to few bits may cost can be more."
    )
