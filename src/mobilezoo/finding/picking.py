"""`pick`: the networks that keep to limits, best first, and why the next ones do not."""

from __future__ import annotations

import re

from mobilezoo.benchmark.table import megabytes, millions
from mobilezoo.errors import InvalidArgumentError, did_you_mean
from mobilezoo.finding.accuracies import shown_figure
from mobilezoo.finding.candidates import Candidate, Miss, Pick
from mobilezoo.finding.costs import PRECISIONS
from mobilezoo.finding.description import MINIMUM_IOS
from mobilezoo.finding.hosted import how_to_get
from mobilezoo.finding.limits import Limit, at_least, at_most, is_published
from mobilezoo.finding.variants import Variant, variants

DATASETS = ("imagenet", "cifar10", "mnist")


def pick(
    *,
    max_size_bytes: float | None = None,
    max_mult_adds: float | None = None,
    max_parameters: float | None = None,
    min_top1: float | None = None,
    ios: str | float = MINIMUM_IOS,
    precision: str = "float16",
    pretrained: bool = False,
    dataset: str = "imagenet",
) -> Pick:
    """Find the networks of the zoo that keep to limits; answers at once.

    Args:
        max_size_bytes: of the Core ML package without labels, such as 5e6.
        max_mult_adds: for one picture, such as 300e6.
        max_parameters: elements of all weights.
        min_top1: percent; networks without a published figure then do not fit.
        ios: lowest version that the app runs on, such as "15".
        precision: of the package: "float16" or "float32".
        pretrained: only networks that weights="imagenet" is published for.
        dataset: what the network tells apart: "imagenet", "cifar10" or "mnist".

    Returns:
        What fits, best first, and why the next ones do not; empty if nothing fits.

    Raises:
        InvalidArgumentError: a limit that is not a positive number, an unknown precision or
            dataset, or an iOS that cannot run the precision.
    """
    _check_precision(precision, ios)
    if dataset not in DATASETS:
        raise InvalidArgumentError(
            f"dataset={dataset!r}: choose {', '.join(DATASETS)}."
            f"{did_you_mean(str(dataset), DATASETS)}"
        )
    limits = [
        *at_most(max_size_bytes, "size_bytes", megabytes, f" in {precision}", "is"),
        *at_most(max_mult_adds, "mult_adds", millions, " mult-adds"),
        *at_most(max_parameters, "parameters", millions, " parameters"),
        *at_least(min_top1),
    ]
    if pretrained:
        limits.append(Limit("published weights", is_published))
    candidates = [_candidate(item, precision) for item in variants() if item.dataset == dataset]
    fitting, misses = [], []
    for candidate in sorted(candidates, key=_rank):
        missed = [miss for limit in limits if (miss := limit.missed_by(candidate)) is not None]
        if missed:
            reasons, distances = zip(*missed, strict=True)
            misses.append(Miss(candidate, reasons, sum(distances)))
        else:
            fitting.append(candidate)
    misses.sort(key=lambda miss: miss.distance)
    words = (*(limit.words for limit in limits), f"iOS {ios}")
    return Pick(words, tuple(fitting), tuple(misses))


def _candidate(item: Variant, precision: str) -> Candidate:
    figure = shown_figure(item.name, item.options, item.side)
    return Candidate(
        name=item.name,
        options=item.options,
        input_shape=item.input_shape,
        accuracy=figure,
        weights=how_to_get(item.name, item.options, item.side, figure),
        parameters=item.parameters,
        mult_adds=item.mult_adds,
        size_bytes=item.size_bytes[precision],
        label=item.label(),
    )


def _rank(candidate: Candidate) -> tuple[float, int]:
    return -(candidate.top1 or 0.0), candidate.mult_adds


def _check_precision(precision: str, ios: str | float) -> None:
    if precision not in PRECISIONS:
        from mobilezoo.coreml.precision import precision as find_precision

        find_precision(precision)
        raise InvalidArgumentError(
            f"Sizes are known for {' and '.join(PRECISIONS)}, not for {precision!r} yet."
        )
    version = str(ios)
    if isinstance(ios, bool) or not re.fullmatch(r"\d+(\.\d+)*", version):
        raise InvalidArgumentError(f"ios={ios!r} must be a version, such as '15' or '16.4'.")
    if int(version.split(".")[0]) < int(MINIMUM_IOS):
        raise InvalidArgumentError(
            f"iOS {version} cannot run {precision}: ML programs need iOS {MINIMUM_IOS}. Pass "
            f"ios='{MINIMUM_IOS}' or later."
        )
