"""What the commands about the zoo do; most answers need no TensorFlow."""

from __future__ import annotations

import difflib
from argparse import Namespace
from fnmatch import fnmatch
from typing import Any

from mobilezoo import _environment
from mobilezoo.benchmark.table import columns, megabytes, millions
from mobilezoo.cli import model as model_argument
from mobilezoo.errors import InvalidArgumentError


def list_zoo(arguments: Namespace) -> None:
    """`mobilezoo list`: what each network costs and reaches."""
    from mobilezoo.finding.accuracies import hosted_figure, shown_figure
    from mobilezoo.finding.variants import find_variant, networks
    from mobilezoo.weights import weight_files

    rows = [("name", "parameters", "mult-adds", "float16", "top-1", "weights")]
    for name in _matching(arguments.pattern, arguments.pretrained):
        network = networks()[name]
        item = find_variant(name, {}, (network.side, network.side, network.channels))
        if item is None:
            continue
        published = bool(weight_files(name))
        figure, mark = shown_figure(name, {}, network.side), ""
        if figure is None and published:
            figure, mark = hosted_figure(name), " *"
        rows.append(
            (
                name,
                f"{item.parameters:,}",
                millions(item.mult_adds),
                megabytes(item.size_bytes["float16"]),
                "" if figure is None else f"{figure.top1:.1f} %{mark}",
                "imagenet" if published else "",
            )
        )
    print(columns(rows))
    if any(row[4].endswith("*") for row in rows):
        print("* of the published weights, of another size or convention: `mobilezoo describe`")


def describe(arguments: Namespace) -> None:
    """`mobilezoo describe`: one network, on a page."""
    from mobilezoo.finding import describe as find_description
    from mobilezoo.finding.description import needs_building

    if arguments.weights == "random":
        raise InvalidArgumentError(
            "describe takes no --weights. Leave it out; it lists the published weights."
        )
    if model_argument.is_file(arguments):
        raise InvalidArgumentError(
            f"'{arguments.model}' is a saved model; describe knows networks of the zoo. Try "
            f"`mobilezoo inspect {arguments.model}`."
        )
    options: dict[str, Any] = model_argument.builder_options(arguments)
    if needs_building(arguments.model, **options):
        _environment.import_quietly()
    print(find_description(arguments.model, **options))


def pick(arguments: Namespace) -> None:
    """`mobilezoo pick`: what keeps to the limits."""
    from mobilezoo.finding import pick as find

    print(
        find(
            max_size_bytes=_millions(arguments, "max_size", "MB"),
            max_mult_adds=_millions(arguments, "max_mult_adds", "millions"),
            max_parameters=_millions(arguments, "max_parameters", "millions"),
            min_top1=arguments.min_top1,
            ios=arguments.ios,
            precision=arguments.precision,
            pretrained=arguments.pretrained,
            dataset=arguments.dataset,
        )
    )


def _matching(pattern: str, pretrained: bool) -> list[str]:
    """Names of the zoo.

    Raises:
        InvalidArgumentError: none; says which are near, or have no weights.
    """
    from mobilezoo.finding.variants import ALIASES, networks
    from mobilezoo.weights import weight_files

    names = [name for name in networks() if fnmatch(name, ALIASES.get(pattern, pattern))]
    published = [name for name in names if weight_files(name)]
    if names and pretrained and not published:
        raise InvalidArgumentError(
            f"No weights are published for {', '.join(names)}. Leave out --pretrained, or see "
            "`mobilezoo list --pretrained`."
        )
    if not names:
        bare = pattern.strip("*?")
        near = [f"{bare}*"] if any(name.startswith(bare) for name in networks()) else []
        near = near or difflib.get_close_matches(bare, [*networks(), *ALIASES], n=3)
        hint = f"Did you mean {' or '.join(map(repr, near))}? " if near else ""
        raise InvalidArgumentError(
            f"No network matches {pattern!r}. {hint}`mobilezoo list` shows all."
        )
    return published if pretrained else names


def _millions(arguments: Namespace, name: str, unit: str) -> float | None:
    """A limit that was given in millions, as a number.

    Raises:
        InvalidArgumentError: so small or so large that another unit must be meant.
    """
    given = getattr(arguments, name)
    if given is None or 0.01 <= given < 1e5:
        return None if given is None else given * 1e6
    option = f"--{name.replace('_', '-')}"
    if not given > 0:
        raise InvalidArgumentError(f"{option} {given:g} must be a number greater than 0.")
    example = "5 for 5 MB" if unit == "MB" else "300 for 300 million"
    raise InvalidArgumentError(f"{option} {given:,.10g} is in {unit}: pass {example}.")
