"""An `Inspection` as text of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from mobilezoo._content import CONTENT_HASH
from mobilezoo.benchmark.table import columns, megabytes
from mobilezoo.data.preprocessing import Preprocessing
from mobilezoo.errors import InvalidArgumentError

if TYPE_CHECKING:
    from mobilezoo.inspection import FeatureRecord, Inspection, OperationRecord, WeightFileRecord

_WIDTH = 80
_MARGIN = 14
_HEAVIEST = 10  # operations that the summary shows
_LABELS = 8
_OURS = "com.mobilezoo."
_NARROWEST_NAME = 16
_NARROWEST_TYPE = 8


def page(found: Inspection) -> str:
    """Everything but the layers."""
    return "\n".join(_lines(found))


def layer_table(found: Inspection, *, everything: bool) -> str:
    """The operations that weigh most, or all in program order."""
    operations = list(found.operations)
    if not operations:
        return f"Its {found.format} has no operations or layers that could be listed."
    title = f"all {len(operations)} operations"
    if not everything:
        heavy = [operation for operation in operations if operation.weight_bytes]
        operations = sorted(heavy, key=lambda operation: -operation.weight_bytes)[:_HEAVIEST]
        if not operations:
            return "No operation has weights. --layers shows all operations."
        title = f"the {len(operations)} heaviest of {len(found.operations)} operations"
        title += "; --layers shows all" if len(operations) < len(found.operations) else ""
    return f"{title}\n\n{columns(_rows(operations, found.weight_bytes))}"


def _lines(it: Inspection) -> Iterator[str]:
    yield it.path
    yield from _row(
        "format",
        f"{it.format}{', updatable' if it.updatable else ''}; specification "
        f"{it.specification_version}: iOS {it.minimum_ios}, macOS {it.minimum_macos} and later",
    )
    yield from _row("size", _size(it))
    for title, text in (
        ("author", it.author),
        ("licence", it.license),
        ("version", it.version),
        ("description", it.short_description),
    ):
        yield from _row(title, text)
    yield from _row("content hash", it.content_hash)
    yield from _user_defined(it)
    yield from _several("functions", it.functions[1:] and it.functions)
    yield from _several("models", [f"{name}: {what}" for name, what in it.models])
    yield ""
    for title, features in (
        ("input", it.inputs),
        ("output", it.outputs),
        ("state", it.states),
        ("training", it.training_inputs),
    ):
        yield from _several(title, [_feature(feature) for feature in features])
    yield from _row("labels", _labels(it))
    if it.operations:
        yield ""
        yield from _row("operations", _counts(it))
        yield from _row("weights", _weights(it))
    for file in it.weight_files:
        yield from _row(file.name.rpartition("/")[2], _weight_file(file))


def _row(title: str, text: str) -> list[str]:
    """A title in the margin and a text beside it, wrapped; nothing for an empty text."""
    return textwrap.wrap(
        " ".join(text.split()),
        _WIDTH,
        initial_indent=f"{title:<{_MARGIN - 1}} ",
        subsequent_indent=" " * _MARGIN,
        break_on_hyphens=False,
    )


def _several(title: str, texts: Iterable[str]) -> Iterator[str]:
    for number, text in enumerate(texts):
        yield from _row("" if number else title, text)


def _size(it: Inspection) -> str:
    if not it.weight_files:
        return f"{_bytes(it.size_bytes)}, of which weights {_bytes(it.weight_bytes)}"
    weights = sum(file.size_bytes for file in it.weight_files)
    return (
        f"{_bytes(it.size_bytes)}: program {_bytes(it.specification_bytes)}, weights "
        f"{_bytes(weights)}"
    )


def _bytes(size: int) -> str:
    """Kilobytes where megabytes would show little."""
    return megabytes(size) if size >= 1e6 else f"{size / 1e3:.1f} kB"


# --- metadata ----------------------------------------------------------------------------------


def _user_defined(it: Inspection) -> Iterator[str]:
    """What mobilezoo wrote, in words; what others wrote, as it is."""
    ours = {
        key.removeprefix(_OURS): value
        for key, value in it.user_defined.items()
        if key.startswith(_OURS)
    }
    stored = ours.pop(CONTENT_HASH.removeprefix(_OURS), it.content_hash)
    if stored != it.content_hash:
        yield from _row("", f"not {stored}, as it was when exported: it has been changed since")
    if "version" in ours:
        precision = ours.pop("precision", "unknown")
        yield from _row("exported", f"by mobilezoo {ours.pop('version')}, precision {precision}")
    for key, value in ours.items():
        yield from _row(key, _preprocessing(value) if key == "preprocessing" else value)
    others = {key: text for key, text in it.user_defined.items() if not key.startswith(_OURS)}
    yield from _several("metadata", [f"{key}: {value}" for key, value in others.items()])


def _preprocessing(text: str) -> str:
    """A record in words, such as "tf: (pixel - 127.5) x 0.00784314"."""
    try:
        record = Preprocessing.from_json(text)
    except InvalidArgumentError:
        return text
    pixel = "pixel" if not any(record.mean) else f"(pixel - {_numbers(record.mean)})"
    scaled = pixel if set(record.scale) == {1.0} else f"{pixel} x {_numbers(record.scale)}"
    formula = "pixels 0..255 as they are" if scaled == "pixel" else scaled
    return f"{record.name}: {formula}{', BGR' if record.bgr else ''}"


def _numbers(values: Sequence[float]) -> str:
    texts = [f"{value:.6g}" for value in values]
    return texts[0] if len(set(texts)) == 1 else f"({', '.join(texts)})"


# --- features ----------------------------------------------------------------------------------


def _feature(it: FeatureRecord) -> str:
    parts = [f"{it.function}/{it.name}" if it.function else it.name, ": ", it.kind]
    if it.kind == "image":
        parts += [f" {_sizes(it, reverse=True)} {it.color}"]
    elif it.kind in ("array", "state"):
        parts += [f" {_sizes(it)} {it.dtype}"]
    elif it.dtype:
        parts += [f" of {it.dtype} keys" if it.kind == "dictionary" else f" of {it.dtype}"]
    parts += [", optional"] * it.optional
    if it.default_value is not None:
        parts += [f" ({it.default_value:g} if not given)"]
    parts += [f"; {it.preprocessing}"] * bool(it.preprocessing)
    parts += [f" ({it.description})"] * bool(it.description)
    return "".join(parts)


def _sizes(it: FeatureRecord, reverse: bool = False) -> str:
    """Such as "1x3x(64 to 512)x(64 or more)" or "96x64 or 192x128"; images width first."""
    if it.choices:
        return " or ".join(_shape(shape, reverse) for shape in it.choices)
    if not it.ranges or it.kind == "sequence":
        return _shape(it.shape, reverse)
    return _join([_range(*sides) for sides in it.ranges], reverse)


def _range(low: int, high: int | None) -> str:
    if low == high:
        return str(low)
    return f"({low} or more)" if high is None else f"({low} to {high})"


def _shape(shape: Sequence[int | None], reverse: bool = False) -> str:
    return _join(["?" if size is None else str(size) for size in shape], reverse)


def _join(sizes: Sequence[str], reverse: bool) -> str:
    return "x".join(reversed(sizes) if reverse else sizes)


def _labels(it: Inspection) -> str:
    if it.labels is None:
        return ""
    first = ", ".join(map(_label, it.labels[:_LABELS]))
    return f"{len(it.labels):,}: {first}{', ...' if len(it.labels) > _LABELS else ''}"


def _label(label: str | int) -> str:
    """In quotes where a comma of its own would read as the end of it."""
    return f'"{label}"' if isinstance(label, str) and "," in label else str(label)


# --- operations and weights --------------------------------------------------------------------


def _counts(it: Inspection) -> str:
    counts = ", ".join(f"{kind} {number}" for kind, number in it.op_types.most_common())
    return f"{len(it.operations):,} of {len(it.op_types)} types: {counts}"


def _weights(it: Inspection) -> str:
    weights = [weight for operation in it.operations for weight in operation.weights]
    if not weights:
        return "none"
    parts = _shares(it.precisions, it.weight_bytes)
    return (
        f"{_bytes(it.weight_bytes)} in {len(weights):,} arrays of "
        f"{sum(weight.elements for weight in weights):,} numbers: {', '.join(parts)}"
    )


def _shares(sizes: Mapping[str, int], total: int) -> list[str]:
    by_size = sorted(sizes.items(), key=lambda item: -item[1])
    return [f"{precision} {_share(size, total)}" for precision, size in by_size]


def _share(part: int, total: int) -> str:
    return f"{100 * part / total:.1f} %" if total else ""


def _weight_file(it: WeightFileRecord) -> str:
    where = "all at multiples of 64 bytes, so that Core ML can map them to memory"
    if it.unaligned:
        where = f"{it.unaligned:,} at no multiple of 64 bytes, which Core ML cannot map to memory"
    text = f"{it.blobs:,} blobs, {where}; {it.padding_bytes:,} bytes of padding"
    if it.unread:
        text += f" and of {it.unread:,} blobs that nothing reads"
    if it.repeated:
        return f"{text}; {it.repeated:,} blobs are copies, {it.repeated_bytes:,} bytes wasted"
    return f"{text}; no blob is there twice"


def _rows(operations: Sequence[OperationRecord], total: int) -> list[list[str]]:
    """A row for each operation under a header, within the width; no column that is empty."""
    header = ["name", "type", "output", "bytes", "share", "precision"]
    rows = [header]
    for it in operations:
        size = it.weight_bytes
        rows.append([
            it.name, it.type, "" if it.shape is None else _shape(it.shape),
            f"{size:,}" if it.weights else "", _share(size, total) if it.weights else "",
            it.precision,
        ])  # fmt: skip
    used = [i for i in range(len(header)) if any(row[i] for row in rows[1:])]
    rows = [[row[i] for i in used] for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(used))]
    free = _WIDTH - sum(width + 2 for width in widths[2:]) - 2  # for names and types
    of_type = min(widths[1], max(free - _NARROWEST_NAME, _NARROWEST_TYPE))
    return [[_clip(row[0], free - of_type), _clip(row[1], of_type), *row[2:]] for row in rows]


def _clip(text: str, width: int) -> str:
    """A text without its middle, where it is too long."""
    if len(text) <= width:
        return text
    head = (width - 2) // 2
    return f"{text[:head]}..{text[len(text) - (width - 2 - head) :]}"
