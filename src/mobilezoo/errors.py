"""Every error that mobilezoo raises on purpose.

    MobilezooError
    ├── InvalidArgumentError (ValueError)          an argument that cannot be used
    ├── UnsupportedLayersError (NotImplementedError)  layers with no Core ML counterpart here
    ├── UnsupportedOpError (NotImplementedError)   a Core ML op that the runtime does not know
    ├── CoreMLFileError (ValueError)               a file that is no Core ML package, or damaged
    ├── OutputExistsError (FileExistsError)        `overwrite=False` and something is there
    ├── MissingExtraError (ImportError)            an optional dependency is not installed
    ├── WeightsUnavailableError (OSError)          published weights cannot be had, or are others
    └── VerificationError (AssertionError)         the file and the Keras model disagree
        └── VacuousComparisonError                 a comparison that could not have failed

Warnings: Float16OverflowWarning, PreprocessingWarning (UserWarning).

Each message says what was given, what is required and what to do, on one line where it can.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any


class MobilezooError(Exception):
    """Base of all errors that mobilezoo raises on purpose."""


class InvalidArgumentError(MobilezooError, ValueError):
    """An argument has a value that cannot be used."""


class UnsupportedLayersError(MobilezooError, NotImplementedError):
    """The model contains layers or operations that cannot be exported.

    Attributes:
        layers: path of a layer -> what is known of it; empty where no layer is at fault.
    """

    def __init__(self, message: str, layers: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.layers: Mapping[str, Any] = {} if layers is None else layers


class UnsupportedOpError(MobilezooError, NotImplementedError):
    """A Core ML program contains an op that the runtime does not know."""


class CoreMLFileError(MobilezooError, ValueError):
    """A path holds no Core ML package, or a damaged one."""


class OutputExistsError(MobilezooError, FileExistsError):
    """The output path exists and `overwrite` is false."""


class MissingExtraError(MobilezooError, ImportError):
    """An optional dependency is not installed; the message has the pip line."""


class WeightsUnavailableError(MobilezooError, OSError):
    """A published weight file cannot be downloaded, or what came is not that file."""


class VerificationError(MobilezooError, AssertionError):
    """A Core ML file does not compute what the Keras model computes."""


class VacuousComparisonError(VerificationError):
    """The comparison could not have failed, so that passing it would prove nothing."""


class Float16OverflowWarning(UserWarning):
    """Layers compute values that float16 cannot hold: the file returns infinity or NaN."""


class PreprocessingWarning(UserWarning):
    """Pictures are prepared otherwise than the model was built for, or scaled twice."""


def unknown_model(name: str, known: Iterable[str]) -> InvalidArgumentError:
    """The error for a network that is none of those known."""
    known = list(known)
    return InvalidArgumentError(
        f"Unknown model {name!r}. Choose {', '.join(known)}.{did_you_mean(name, known)}"
    )


def unknown_argument(
    function: str, name: str, taken: Iterable[str], shown: Iterable[str] | None = None
) -> InvalidArgumentError:
    """The error for a keyword that a function does not take; `shown`: those to list, else all."""
    taken = list(taken)
    return InvalidArgumentError(
        f"{function} takes no argument {name!r}; it takes "
        f"{', '.join(taken if shown is None else shown)}.{did_you_mean(name, taken)}"
    )


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint such as " Did you mean 'alpha'?"; empty where no known name is near."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
