"""A parsed protobuf, changed somewhere: sizes, names, types, operations, whatever it holds."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any, TypeAlias

Site: TypeAlias = tuple[Any, Any]  # a message, and the field of it that may be changed

_WHOLE = (0, 1, -1, 2, 3, 5, 16, 255, 4096, 1 << 16, 1 << 20, 1 << 24, (1 << 31) - 1, 1 << 31,
          -(1 << 31), (1 << 32) - 1, 1 << 40, 1 << 62, (1 << 63) - 1, -(1 << 63))  # fmt: skip
_FLOATS = (0.0, 1.0, -1.0, 0.5, 1e-45, 1e38, -1e38, float("nan"), float("inf"), float("-inf"), 1e9)
_STRINGS = ("", "x", "..", "../../../../etc/passwd", "/etc/passwd", "@model_path/../../x",
            "@model_path/weights", "@model_path/weights/../weights/weight.bin", "a" * 5000,
            "\u0000", "é\U0001f600", "valid", "same", "custom", "same_lower", "int32", "fp16",
            "bool", "constant", "reflect", "main")  # fmt: skip
_MOST_BYTES = 1 << 20  # by which a list grows at once


def change(message: Any, rng: Random, donors: list[Any]) -> str:
    """Change one place of `message`, perhaps by a part of another, and say what was done."""
    found = list(sites(message))
    if not found:
        return "nothing"
    if rng.random() < 0.4:  # rather what an operation is told than what a file is made of
        found = [site for site in found if is_parameter(*site)] or found
    # as likely a name, a number or a list: there are many more numbers
    kinds = sorted({field.type for _, field in found})
    kind = rng.choice(kinds)
    owner, field = rng.choice([site for site in found if site[1].type == kind])
    done = _change_field(owner, field, rng, found, donors)
    return f"{owner.DESCRIPTOR.name}.{field.name}: {done}"


def is_parameter(owner: Any, field: Any) -> bool:
    """Whether it is a literal of an ML program, or belongs to a layer, and holds no weights."""
    name = owner.DESCRIPTOR.name
    if name.startswith("Repeated") and owner.DESCRIPTOR.file.name.endswith("MIL.proto"):
        return len(getattr(owner, field.name)) <= 16
    return name.endswith("LayerParams") or name in ("EdgeSizes", "BorderAmounts", "TensorType")


def sites(message: Any) -> Iterator[Site]:
    """All fields that are set, and some that are not, depth first."""
    waiting = [message]
    while waiting:
        owner = waiting.pop()
        for field in owner.DESCRIPTOR.fields:
            inner = field.message_type
            if inner is None:
                if (
                    field.is_repeated
                    or field.containing_oneof is None
                    or owner.HasField(field.name)
                ):
                    yield owner, field
                continue
            if field.is_repeated:
                value = getattr(owner, field.name)
                if not len(value):
                    continue
                yield owner, field
                if not inner.GetOptions().map_entry:
                    waiting.extend(value)
                elif inner.fields_by_name["value"].message_type is not None:
                    waiting.extend(value[key] for key in sorted(value))
            elif owner.HasField(field.name):
                yield owner, field
                waiting.append(getattr(owner, field.name))


def _change_field(
    owner: Any, field: Any, rng: Random, others: list[Site], donors: list[Any]
) -> str:
    inner = field.message_type
    if inner is not None and inner.GetOptions().map_entry:
        return _change_map(getattr(owner, field.name), inner, rng, donors)
    if field.is_repeated:
        return _change_list(getattr(owner, field.name), field, rng, others, donors)
    if inner is not None:
        return _change_message(owner, field, rng, donors)
    value = _scalar(getattr(owner, field.name), field, rng, others)
    setattr(owner, field.name, value)
    return f"set {str(value)[:40]!r}"


def _scalar(value: Any, field: Any, rng: Random, others: list[Site]) -> Any:
    kind = field.cpp_type
    if kind == field.CPPTYPE_BOOL:
        return not value
    if kind == field.CPPTYPE_ENUM:
        known = [item.number for item in field.enum_type.values]
        return rng.choice([*known, *known, -1, 999, (1 << 31) - 1])
    if kind in (field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE):
        return rng.choice([*_FLOATS, value * 2, -value])
    if kind == field.CPPTYPE_STRING:
        if field.type == field.TYPE_BYTES:
            return _bytes(value, rng)
        names = [
            text
            for owner, other in rng.sample(others, min(len(others), 30))
            if other.type == field.TYPE_STRING
            for text in (
                getattr(owner, other.name) if other.is_repeated else [getattr(owner, other.name)]
            )
        ]
        return rng.choice([*names, *names, *names, *_STRINGS, value + "a"])
    near = [value + 1, value - 1, value * 2, -value, value // 2]
    low, high = {
        field.CPPTYPE_INT32: (-(1 << 31), (1 << 31) - 1), field.CPPTYPE_UINT32: (0, (1 << 32) - 1),
        field.CPPTYPE_INT64: (-(1 << 63), (1 << 63) - 1), field.CPPTYPE_UINT64: (0, (1 << 64) - 1),
    }[kind]  # fmt: skip
    return max(low, min(high, rng.choice([*near, *near, *_WHOLE])))


def _bytes(value: bytes, rng: Random) -> bytes:
    way = rng.randrange(4)
    if way == 0:
        return value[: rng.randrange(len(value) + 1)]
    if way == 1:
        return value + rng.randbytes(rng.randrange(1, 9))
    changed = bytearray(value or b"\0")
    for _ in range(rng.randrange(1, 4)):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


def _change_list(items: Any, field: Any, rng: Random, others: list[Site], donors: list[Any]) -> str:
    scalar = field.message_type is None
    if not len(items):
        if not scalar:
            return "left empty"
        zero = _zero(field)
        items.extend([_scalar(zero, field, rng, others) for _ in range(rng.randrange(1, 6))])
        return "filled"
    i, j = rng.randrange(len(items)), rng.randrange(len(items))
    way = rng.choice(["delete", "double", "swap", "clear", "many", "item", "item", "item", "item"])
    if way == "delete":
        del items[i]
    elif way == "clear":
        del items[:]
    elif way == "swap":
        _put(items, i, j, scalar)
    elif way == "double":
        items.extend([items[i]])
    elif way == "many":
        size = 8 if scalar else max(items[i].ByteSize(), 8)
        items.extend([items[i]] * min(rng.choice([1, 3, 10, 100, 1000]), _MOST_BYTES // size))
    elif scalar:
        items[i] = _scalar(items[i], field, rng, others)
    else:
        donor = _donor(items[i].DESCRIPTOR, rng, donors)
        if donor is not None:
            items[i].CopyFrom(donor)
    return f"{way} at {i}"


def _put(items: Any, i: int, j: int, scalar: bool) -> None:
    """Exchange two items."""
    if scalar:
        items[i], items[j] = items[j], items[i]
        return
    first = type(items[i])()
    first.CopyFrom(items[i])
    items[i].CopyFrom(items[j])
    items[j].CopyFrom(first)


def _change_map(items: Any, entry: Any, rng: Random, donors: list[Any]) -> str:
    keys = sorted(items)
    key, other = rng.choice(keys), rng.choice(keys)
    is_message = entry.fields_by_name["value"].message_type is not None
    way = rng.choice(["delete", "copy", "rename", "donate"])
    if way == "delete" or not isinstance(key, str):
        del items[key]
        return f"delete {key!r}"
    if not is_message:
        items[rng.choice(_STRINGS)] = items[key]
        return "copied text"
    if way == "copy":
        items[key].CopyFrom(items[other])
    elif way == "rename":
        items[rng.choice([other, key + "a", *_STRINGS])].CopyFrom(items[key])
    else:
        donor = _donor(items[key].DESCRIPTOR, rng, donors)
        if donor is not None:
            items[key].CopyFrom(donor)
    return f"{way} {key!r}"


def _change_message(owner: Any, field: Any, rng: Random, donors: list[Any]) -> str:
    oneof = field.containing_oneof
    way = rng.choice(["clear", "other", "donate", "donate"])
    if way == "other" and oneof is not None and len(oneof.fields) > 1:
        chosen = rng.choice(oneof.fields)
        if chosen.message_type is None:
            setattr(owner, chosen.name, _zero(chosen))
        else:
            getattr(owner, chosen.name).SetInParent()
        return f"{chosen.name} instead"
    donor = None if way == "clear" else _donor(field.message_type, rng, donors)
    if donor is None:
        owner.ClearField(field.name)
        return "cleared"
    getattr(owner, field.name).CopyFrom(donor)
    return "donated"


def _donor(descriptor: Any, rng: Random, donors: list[Any]) -> Any:
    """A message of that type from this file or another."""
    message = rng.choice(donors)
    found = [
        item
        for owner, field in sites(message)
        if field.message_type is not None and field.message_type.full_name == descriptor.full_name
        for item in (
            getattr(owner, field.name) if field.is_repeated else [getattr(owner, field.name)]
        )
    ]
    values = [
        value[key]
        for owner, field in sites(message)
        if field.message_type is not None
        and field.message_type.GetOptions().map_entry
        and (kind := field.message_type.fields_by_name["value"].message_type) is not None
        and kind.full_name == descriptor.full_name
        for value in [getattr(owner, field.name)]
        for key in sorted(value)
    ]
    found += values
    if not found:
        return None
    chosen = rng.choice(found)
    donor = type(chosen)()
    donor.CopyFrom(chosen)  # it may hold the place that it is put to
    return donor


def _zero(field: Any) -> Any:
    if field.cpp_type == field.CPPTYPE_STRING:
        return b"" if field.type == field.TYPE_BYTES else ""
    return False if field.cpp_type == field.CPPTYPE_BOOL else 0
