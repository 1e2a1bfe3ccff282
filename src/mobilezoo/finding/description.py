"""`describe`: what is known of one network, without building it where the table has it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from mobilezoo.benchmark.table import megabytes, millions
from mobilezoo.errors import InvalidArgumentError, unknown_argument
from mobilezoo.finding.accuracies import Accuracy, accuracies, shown_figure
from mobilezoo.finding.costs import compute, minimum_side
from mobilezoo.finding.hosted import hosted
from mobilezoo.finding.papers import Paper, paper
from mobilezoo.finding.variants import Network, Variant, find_variant, label, network
from mobilezoo.weights import WeightFile

MINIMUM_IOS = "15"  # of ML programs, whatever network is in them
_REFUSED = ("weights", "input_tensor")
_MARGIN = 16
_WIDTH = 80
_OF_NO_FIGURE = ("include_preprocessing",)  # the same network on other pixels
_PREPARED = {
    "none": "pixels 0..255 as they are",
    "unit": "pixel / 255",
    "tf": "pixel / 127.5 - 1",
    "caffe": "BGR, ImageNet's mean subtracted",
    "torch": "(pixel / 255 - mean) / standard deviation of ImageNet",
}


@dataclass(frozen=True)
class Description:
    """What is known of one network. Print it.

    Attributes:
        name: of the builder.
        options: its arguments that decide the network, without those at their defaults.
        paper: that it comes from.
        input_shape: (height, width, channels) in pixels.
        minimum_side: the shortest side in pixels that it can be built for.
        preprocessing: name of the record that its pixels need, see `mobilezoo.Preprocessing`.
        parameters: elements of all weights.
        mult_adds: 1 is one multiplication and one addition.
        size_bytes: precision -> bytes of the Core ML package, predicted, without labels.
        minimum_ios: lowest iOS that runs the package.
        accuracy: the published figure of these options at this input size; None without one.
        published: all other figures of these options, at any input size.
        related: the figures of the builder's other options.
        weights: the published files that weights="imagenet" loads with these options, those for
            this input size first; those with a top and those without, unless include_top= says.
        differs: every departure from the paper.
    """

    name: str
    options: Mapping[str, Any]
    paper: Paper
    input_shape: tuple[int, int, int]
    minimum_side: int
    preprocessing: str
    parameters: int
    mult_adds: int
    size_bytes: Mapping[str, int]
    minimum_ios: str
    accuracy: Accuracy | None
    published: tuple[Accuracy, ...]
    related: tuple[Accuracy, ...]
    weights: tuple[WeightFile, ...]
    differs: str

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def describe(name: str, /, **options: Any) -> Description:
    """Say what is known of a network of the zoo: paper, costs, accuracy, weights, preprocessing.

    What the table of variants has is there at once; other options are computed, by building the
    network without its weights.

    Args:
        name: one of `list_models()`.
        options: arguments of its builder, such as alpha=0.5 or input_shape=(160, 160, 3).

    Returns:
        A record that prints as a page for a terminal.

    Raises:
        InvalidArgumentError: no such network, or an argument that its builder cannot take.
    """
    known, chosen, shape = _checked(name, options)
    found = _table_row(known, chosen, shape)
    if found is None:
        found = compute(known, chosen, shape)
        known = replace(known, minimum_side=minimum_side(known.name, shape[-1], chosen))
    return _description(known, found, options.get("include_top"))


def needs_building(name: str, /, **options: Any) -> bool:
    """Whether `describe` of the same arguments builds the network, which brings TensorFlow."""
    return _table_row(*_checked(name, options)) is None


def _checked(
    name: str, options: Mapping[str, Any]
) -> tuple[Network, dict[str, Any], tuple[int, int, int]]:
    """The network, its options but for the input's shape, and that shape."""
    known = network(name)
    for argument in _REFUSED:
        if argument in options:
            raise InvalidArgumentError(
                f"describe takes no {argument}=. Leave it out; the costs do not depend on it, and "
                "the description lists the published weights."
            )
    _check_names(known, options)
    chosen = {key: value for key, value in options.items() if key != "input_shape"}
    return known, chosen, _shape(known, options.get("input_shape"))


def _table_row(
    known: Network, options: Mapping[str, Any], shape: tuple[int, int, int]
) -> Variant | None:
    """The table's row, if it says all of these options."""
    if _unseen(known, options):
        return None
    return find_variant(known.name, known.canonical(options), shape)


def _check_names(known: Network, options: Mapping[str, Any]) -> None:
    unknown = next((option for option in options if option not in known.defaults), None)
    if unknown is not None:
        shown = [name for name in known.defaults if name not in _REFUSED]
        raise unknown_argument(known.name, unknown, known.defaults, shown)


def _unseen(known: Network, options: Mapping[str, Any]) -> list[str]:
    """Arguments that the table says nothing of, so that only the builder can check them."""
    canonical = known.canonical(options)
    return [
        key
        for key, value in options.items()
        if key not in canonical and key != "convention" and value != known.defaults[key]
    ]


def _shape(known: Network, given: Sequence[int | None] | None) -> tuple[int, int, int]:
    default = (known.side, known.side, known.channels)
    if given is None:
        return default
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) != 3:
        raise InvalidArgumentError(
            f"input_shape={given!r} must be (height, width, channels), such as {default}."
        )
    height, width, channels = given
    if height is None or width is None or channels is None:
        raise InvalidArgumentError(
            f"input_shape={tuple(given)} has free sides, but costs are those of one size. Pass "
            f"numbers, such as {default}."
        )
    return height, width, channels


def _description(known: Network, found: Variant, include_top: bool | None) -> Description:
    figures = accuracies(found.name)
    measured = {key: found.options[key] for key in found.options if key not in _OF_NO_FIGURE}
    own = [item for item in figures if item.options == measured]
    shown = shown_figure(found.name, measured, found.side)
    files = hosted(
        found.name, found.options, include_top=include_top, channels=found.input_shape[-1]
    )
    return Description(
        name=found.name,
        options=found.options,
        paper=paper(found.name, found.options),
        input_shape=found.input_shape,
        minimum_side=known.minimum_side,
        preprocessing=found.preprocessing,
        parameters=found.parameters,
        mult_adds=found.mult_adds,
        size_bytes=found.size_bytes,
        minimum_ios=MINIMUM_IOS,
        accuracy=shown,
        published=tuple(item for item in own if item is not shown),
        related=tuple(
            item for item in figures if item.shown and _is_related(item, known, measured)
        ),
        weights=tuple(sorted(files, key=lambda file: file.side != found.side)),
        differs=known.differs,
    )


def _is_related(figure: Accuracy, known: Network, measured: Mapping[str, Any]) -> bool:
    """Whether a figure is one of other options for the same classes."""
    same_classes = "classes" not in {**figure.options, **measured}
    return figure.options != measured and same_classes and figure.dataset == known.dataset


def _lines(it: Description) -> Iterator[str]:
    yield label(it.name, it.options, it.input_shape)
    yield from textwrap.wrap(
        it.paper.title, _WIDTH - 2, initial_indent="  ", subsequent_indent="  "
    )
    yield f"  {it.paper}"
    yield ""
    yield from _row("input", f"{it.input_shape}, each side at least {it.minimum_side} px")
    yield from _row("preprocessing", f"{it.preprocessing}: {_PREPARED[it.preprocessing]}")
    yield from _row("parameters", f"{it.parameters:,}")
    yield from _row("mult-adds", f"{it.mult_adds:,} ({millions(it.mult_adds)})")
    sizes = [f"{megabytes(size)} in {precision}" for precision, size in it.size_bytes.items()]
    yield from _row("file", f"{', '.join(sizes)} (predicted); iOS {it.minimum_ios} or later")
    yield from _row("accuracy", _shown(it))
    yield from _row("weights", _files(it.weights, it.options))
    for title, rows in (("published", _published(it)), ("other options", _related(it))):
        for number, row in enumerate(rows):
            yield from _row("" if number else title, row)
    yield from _row("differs", it.differs or "nothing known")


def _row(title: str, text: str) -> list[str]:
    """A title in the margin, and a text beside it, wrapped."""
    indent = len(text) - len(text.lstrip())
    return textwrap.wrap(
        text.lstrip(),
        _WIDTH,
        initial_indent=title.ljust(_MARGIN) + " " * indent,
        subsequent_indent=" " * (_MARGIN + indent),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _shown(it: Description) -> str:
    if it.accuracy is None:
        return "none published for these options at this input size"
    note = f"; {it.accuracy.note}" if it.accuracy.note else ""
    return f"{it.accuracy} on {it.accuracy.dataset}; {it.accuracy.source}{note}"


def _files(records: Sequence[WeightFile], options: Mapping[str, Any]) -> str:
    if not records:
        return "none published for these options"
    sides = sorted({record.side for record in records}, reverse=True)
    of_torch = records[0].convention == "torch"
    tops = {True, False} if of_torch else {record.include_top for record in records}
    if options.get("include_top") is False:
        tops = {False}
    top = "with and without a top" if len(tops) == 2 else f"include_top={min(tops)}"
    parts = ["'imagenet'", "convention=torch"] if of_torch else ["'imagenet'"]
    parts.append(top)
    if True in tops and options.get("classes", records[0].classes) != records[0].classes:
        parts.append("with a new classifier")
    parts.append(f"trained at {', '.join(map(str, sides))} px")
    parts.append(f"licence {', '.join(sorted({record.licence for record in records}))}")
    return ", ".join(parts)


def _published(it: Description) -> Iterator[str]:
    """The other figures under their sources."""
    by_source = sorted(it.published, key=lambda item: item.source)
    for source, figures in groupby(by_source, key=lambda item: item.source):
        yield source
        for item in figures:
            yield f"  {item}" + (f"; {item.note}" if item.note else "")


def _related(it: Description) -> Iterator[str]:
    """One line for each set of other options: top-1 at each input size."""
    by_options: dict[str, list[str]] = {}
    for item in it.related:
        words = ", ".join(f"{key}={value}" for key, value in item.options.items()) or "defaults"
        by_options.setdefault(words, []).append(f"{item.top1} % at {item.side} px")
    for words, figures in by_options.items():
        yield f"{words}: {', '.join(figures)}"
