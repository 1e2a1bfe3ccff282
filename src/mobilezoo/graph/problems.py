"""What stands in the way of a capture, gathered so that all of it is reported at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import keras

from mobilezoo.errors import UnsupportedLayersError
from mobilezoo.graph.call import Unsupported

# what Keras puts around an error of its operations: colours, whose call it was, the arguments
_KERAS_FRAME = re.compile(
    r"\x1b\[[\d;]*m|Exception encountered when calling .*?\(\)\.|Arguments received by.*", re.DOTALL
)
_NO_OPERATION = "it cannot be exported; compute the same by other keras.ops, or in the app"


class Problem(NamedTuple):
    """Why a layer cannot be represented.

    Attributes:
        kind: class of the layer.
        operation: of `keras.ops` that is in the way; empty where it is the layer itself.
        reason: in words.
    """

    kind: str
    operation: str
    reason: str

    def __str__(self) -> str:
        """The operation and the reason."""
        return f"keras.ops {self.operation}: {self.reason}" if self.operation else self.reason


class _Note(NamedTuple):
    """A problem where it was found.

    Attributes:
        path: of the layer.
        problem: that it has.
        made: names of the tensors that stand for what could not be represented.
        of_layer: whether what is found inside the layer says more.
        cause: error of code that is not ours.
    """

    path: str
    problem: Problem
    made: Collection[str] = ()
    of_layer: bool = False
    cause: BaseException | None = None


class Problems:
    """Layers that cannot be represented, each with its class and the first reason found.

    Args:
        model: name of the model, for the message.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._notes: list[_Note] = []

    def __bool__(self) -> bool:
        return bool(self._notes)

    def note(self, path: str, layer: Any, reason: str) -> None:
        """Something in a layer's own call, or in that of the model, whose path is ""."""
        self._note(path, Problem(type(layer).__name__, "", reason))

    def prefer(self, others: Problems, reasons: Collection[str]) -> None:
        """Take what `others` say of the same paths, if it is one of `reasons`."""
        better = {k: problem for k, problem in others._found().items() if problem.reason in reasons}
        self._notes = [
            note._replace(problem=better.get(note.path, note.problem)) for note in self._notes
        ]

    def note_layer(
        self,
        path: str,
        layer: Any,
        error: Exception,
        made: Collection[str] = (),
        *,
        supported: bool = False,
    ) -> None:
        """A layer whose call failed, unless a layer or operation inside it says why.

        `supported`: whether there is a rule for such layers, so that it is this call that fails.
        """
        problem = Problem(type(layer).__name__, "", _describe(layer, error, supported))
        own = isinstance(error, Unsupported)
        cause = error.__cause__ if own else error
        self._note(path, problem, made, of_layer=True, cause=cause)

    def note_operation(
        self, path: str, layer: Any, operation: Any, reason: str, made: Collection[str] = ()
    ) -> None:
        """An operation of `keras.ops` in a layer (or in the model itself)."""
        name = type(operation).__name__
        self._note(path, Problem(type(layer).__name__, name, reason or _NO_OPERATION), made)

    def _note(self, path: str, problem: Problem, made: Collection[str] = (), **how: Any) -> None:
        self._notes.append(_Note(path or self._model, problem, made, **how))

    def keep_needed(self, needed: Collection[str]) -> None:
        """Forget what stands in the way of tensors only that are not among `needed`."""
        self._notes = [
            note for note in self._notes if not note.made or not set(note.made).isdisjoint(needed)
        ]

    def _found(self) -> dict[str, Problem]:
        return {path: note.problem for path, note in self._first().items()}

    def _first(self) -> dict[str, _Note]:
        """The first note of each path."""
        first: dict[str, _Note] = {}
        for note in self._notes:
            if not (note.of_layer and any(path.startswith(f"{note.path}/") for path in first)):
                first.setdefault(note.path, note)
        return first

    def raise_if_any(self) -> None:
        """Raise UnsupportedLayersError with a line for each class of layer and reason."""
        found = self._found()
        if not found:
            return
        causes = [note.cause for note in self._first().values() if note.cause is not None]
        raise UnsupportedLayersError(
            f"{len(found)} layer(s) of '{self._model}' cannot be represented:\n"
            + lines(found, str),
            found,
        ) from next(iter(causes), None)


def lines(found: Mapping[str, Problem], reason: Callable[[Problem], str]) -> str:
    """A line for each class of layer and reason, with the paths."""
    paths: dict[tuple[str, str], list[str]] = {}
    for path, problem in found.items():
        paths.setdefault((problem.kind, reason(problem)), []).append(path)
    return "\n".join(
        f"  {kind} ({', '.join(names)}){': ' * bool(why)}{why}"
        for (kind, why), names in paths.items()
    )


def _describe(layer: Any, error: Exception, supported: bool) -> str:
    if isinstance(error, Unsupported):
        return str(error)
    what = in_short(error)
    if supported:
        return f"it does not take such an input ({what})"
    own = type(layer).__module__.startswith("keras.")
    if own and not isinstance(layer, keras.Model):
        return (
            "it cannot be exported; leave it out, or say what it computes in keras.ops with "
            f"mobilezoo.register_emitter({type(layer).__name__})"
        )
    return f"its call does not run on symbolic tensors; write it in keras.ops ({what})"


def in_short(error: Exception) -> str:
    """Class and text of an error on one line, without what Keras puts around it."""
    text = re.sub(r"\s+", " ", _KERAS_FRAME.sub("", str(error))).strip()
    return f"{type(error).__name__}: {text if len(text) <= 160 else f'{text[:160]} ...'}"
