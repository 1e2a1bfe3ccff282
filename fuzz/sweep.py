"""Every parameter of every operation and layer, set to every odd value in turn.

Chance rarely meets the one value that a kernel cannot bear; here each is tried once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from fuzz.mutation import copy_of, open_shapes, read_model
from fuzz.structure import is_parameter, sites

_WHOLE = (
    0,
    -1,
    1,
    2,
    3,
    7,
    9,
    -2,
    -5,
    64,
    1000,
    70000,
    (1 << 31) - 1,
    -(1 << 31),
    1 << 33,
    1 << 62,
)
_FLOATS = (0.0, -1.0, 1e-45, 1e30, 1e38, float("nan"), float("inf"), float("-inf"), 3e9)
_LENGTHS = (0, 1, 3, 9)
_WHOLE_TYPES = (1, 2, 3, 4)  # protobuf's CPPTYPE_INT32 to CPPTYPE_UINT64


class Sweep:
    """Counts the files that it can make, and makes each.

    Args:
        corpus: good files.
    """

    def __init__(self, corpus: Sequence[Path]) -> None:
        self._corpus = list(corpus)
        counts = [sum(1 for _ in _changes(read_model(path))) for path in self._corpus]
        self._ends = [sum(counts[: i + 1]) for i in range(len(counts))]

    def __len__(self) -> int:
        return self._ends[-1]

    def write(self, number: int, folder: Path) -> tuple[Path, list[str]]:
        """Write file `number`, from 0 on, into an empty folder; its path, and what was changed."""
        index = next(i for i, end in enumerate(self._ends) if number < end)
        number -= self._ends[index - 1] if index else 0
        source = self._corpus[index]
        target, spec = copy_of(source, folder)
        model = read_model(source)
        for i, (owner, field, item, value) in enumerate(_changes(model)):
            if i == number:
                done = _set(owner, field, item, value)
                break
        open_shapes(model)
        spec.write_bytes(model.SerializeToString())
        return target, [source.name, done]


def _changes(model: Any) -> Iterator[tuple[Any, Any, int | None, Any]]:
    """A message, its field, the item of a list (None: its length, or no list), and the value."""
    for owner, field in sites(model):
        if not is_parameter(owner, field) or field.message_type is not None:
            continue
        if owner.DESCRIPTOR.name == "TensorType":
            continue
        values = _values(field)
        if not field.is_repeated:
            yield from ((owner, field, None, value) for value in values)
            continue
        items = len(getattr(owner, field.name))
        if items > (8 if field.cpp_type in _WHOLE_TYPES else 2):
            continue
        yield from ((owner, field, i, value) for i in range(items) for value in values)
        if field.cpp_type != field.CPPTYPE_STRING:
            yield from ((owner, field, None, length) for length in _LENGTHS if length != items)


def _values(field: Any) -> Sequence[Any]:
    kind = field.cpp_type
    if kind == field.CPPTYPE_BOOL:
        return (True, False)
    if kind == field.CPPTYPE_ENUM:
        return [item.number for item in field.enum_type.values]
    if kind in (field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE):
        return _FLOATS
    if kind == field.CPPTYPE_STRING:
        return () if field.type == field.TYPE_BYTES else ("", "same")
    return _WHOLE


def _set(owner: Any, field: Any, item: int | None, value: Any) -> str:
    values = getattr(owner, field.name)
    if item is None and field.is_repeated:
        fill = list(values) or [0 if field.cpp_type != field.CPPTYPE_STRING else ""]
        values[:] = (fill * 9)[:value]
    elif not _fits(field, value):
        return "nothing, it does not fit"
    elif field.is_repeated:
        values[item] = value
    else:
        setattr(owner, field.name, value)
    return f"{owner.DESCRIPTOR.name}.{field.name}[{item}] = {value!r}"


def _fits(field: Any, value: Any) -> bool:
    if field.cpp_type not in _WHOLE_TYPES:
        return True
    bits = 32 if field.cpp_type in (field.CPPTYPE_INT32, field.CPPTYPE_UINT32) else 64
    signed = field.cpp_type in (field.CPPTYPE_INT32, field.CPPTYPE_INT64)
    low, high = (-(1 << bits - 1), 1 << bits - 1) if signed else (0, 1 << bits)
    return low <= value < high
