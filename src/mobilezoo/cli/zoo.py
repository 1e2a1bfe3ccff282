"""What the commands about the zoo do; none of them needs TensorFlow."""

from __future__ import annotations

from argparse import Namespace
from fnmatch import fnmatch
from typing import Any

from mobilezoo.benchmark.table import columns, megabytes, millions
from mobilezoo.cli import model as model_argument
from mobilezoo.errors import InvalidArgumentError


def list_zoo(arguments: Namespace) -> None:
    """`mobilezoo list`: what each network costs and reaches."""
    from mobilezoo.finding.accuracies import hosted_figure, shown_figure
    from mobilezoo.finding.variants import find_variant, networks
    from mobilezoo.weights import weight_files

    rows = [("name", "parameters", "mult-adds", "float16", "top-1", "weights")]
    for name, network in networks().items():
        item = find_variant(name, {}, (network.side, network.side, network.channels))
        published = bool(weight_files(name))
        if item is None or not fnmatch(name, arguments.pattern):
            continue
        if arguments.pretrained and not published:
            continue
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
    if len(rows) == 1:
        raise InvalidArgumentError(
            f"No network matches {arguments.pattern!r}. Try `mobilezoo list`."
        )
    print(columns(rows))
    if any(row[4].endswith("*") for row in rows):
        print("* of the published weights, of another size or convention: `mobilezoo describe`")


def describe(arguments: Namespace) -> None:
    """`mobilezoo describe`: one network, on a page."""
    from mobilezoo.finding import describe as find_description

    if arguments.weights == "random":
        raise InvalidArgumentError(
            "describe takes no --weights. Leave it out; it lists the published weights."
        )
    options: dict[str, Any] = model_argument.builder_options(arguments)
    print(find_description(arguments.model, **options))


def pick(arguments: Namespace) -> None:
    """`mobilezoo pick`: what keeps to the limits."""
    from mobilezoo.finding import pick as find

    print(
        find(
            max_size_bytes=None if arguments.max_size is None else arguments.max_size * 1e6,
            max_mult_adds=None
            if arguments.max_mult_adds is None
            else arguments.max_mult_adds * 1e6,
            min_top1=arguments.min_top1,
            ios=arguments.ios,
            precision=arguments.precision,
            pretrained=arguments.pretrained,
        )
    )
