"""Compression beside `coremltools.optimize.coreml`, of the same float16 package, file to file.

    python benchmarks/compress.py
    python benchmarks/compress.py mobilenet --precisions int8 palette4 --repetitions 5

Each network has a process of its own. There `compress_coreml` and coremltools take turns; from the
second repetition on only those of coremltools that take less than `--patience` seconds. Seconds
are medians, opening and saving included. The error of a tensor is the sum of squared differences
from its float16 weights, of what each file restores; both files are read by mobilezoo's runtime.
Needs scikit-learn, which coremltools uses for small kernels.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import tempfile
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TQDM_DISABLE", "1")  # coremltools' progress bars

import numpy as np
from _measure import Cost, conditions, measure

from mobilezoo import (
    benchmark,
    build,
    compress_coreml,
    export_coreml,
    load_coreml,
    randomize_weights,
)
from mobilezoo._environment import coremltools

ct = coremltools()
import coremltools.optimize.coreml as cto  # noqa: E402

NETWORKS = ("mobilenet", "resnet50", "inception_v3", "vgg16")
PRECISIONS = ("int8", "palette8", "palette6", "palette4")


class Row(NamedTuple):
    """One network in one precision."""

    network: str
    precision: str
    ours: Cost
    theirs: Cost
    sizes: tuple[int, int]
    errors: tuple[float, float]  # of all tensors together
    worst: float  # ours over theirs, of any tensor
    tensors: int


def theirs(source: Path, target: Path, precision: str) -> None:
    """What coremltools' documentation says to do."""
    model = ct.models.MLModel(str(source), skip_model_load=True)
    if precision == "int8":
        linear = cto.OpLinearQuantizerConfig(mode="linear_symmetric", dtype="int8")
        made = cto.linear_quantize_weights(model, cto.OptimizationConfig(linear))
    else:
        bits = int(precision.removeprefix("palette"))
        kmeans = cto.OpPalettizerConfig(mode="kmeans", nbits=bits)
        made = cto.palettize_weights(model, cto.OptimizationConfig(kmeans))
    made.save(str(target))


def measure_network(
    network: str, precisions: tuple[str, ...], repetitions: int, patience: float
) -> list[Row]:
    """All precisions of one network."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "float16.mlpackage"
        export_coreml(randomize_weights(build(network)), source)
        return [
            _measure_one(network, source, precision, repetitions, patience)
            for precision in precisions
        ]


def _measure_one(
    network: str, source: Path, precision: str, repetitions: int, patience: float
) -> Row:
    mine, other = (source.with_name(f"{name}.mlpackage") for name in ("ours", "theirs"))
    call = partial(compress_coreml, source, mine, precision=precision, overwrite=True)
    their_call = partial(theirs, source, other, precision)
    runs = [[measure(call, 1), measure(their_call, 1)]]
    while len(runs) < repetitions:
        slow = runs[0][1].seconds > patience
        runs.append([measure(call, 1), runs[0][1] if slow else measure(their_call, 1)])
    ours, their_cost = (_median([run[i] for run in runs]) for i in (0, 1))
    before, after, after_theirs = (_weights(path) for path in (source, mine, other))
    both = [
        (_error(a, b), _error(a, c))
        for a, b, c in zip(before, after, after_theirs, strict=True)
        if b.bits and c.bits
    ]
    totals = np.sum(both, axis=0)
    return Row(
        network, precision, ours, their_cost,
        (benchmark.size_bytes(mine), benchmark.size_bytes(other)),
        (float(totals[0]), float(totals[1])),
        max(mine / max(other, 1e-30) for mine, other in both), len(both),
    )  # fmt: skip


def _median(costs: list[Cost]) -> Cost:
    seconds = sorted(cost.seconds for cost in costs)
    middle = seconds[len(seconds) // 2]
    return Cost(middle, (seconds[0], seconds[-1]), max(cost.extra_bytes for cost in costs))


def _weights(path: Path) -> list:
    found = load_coreml(path).weights().items()
    return [item for (_, parameter), item in found if parameter == "weight"]


def _error(before, after) -> float:
    difference = before.read().astype(np.float32) - after.read()
    return float(np.square(difference, dtype=np.float64).sum())


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--precisions", nargs="+", default=PRECISIONS)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--patience", type=float, default=20.0)
    arguments = parser.parse_args()
    print(conditions(), flush=True)
    print(
        "| network | precision | mobilezoo | coremltools | times as fast | size | error | worst |"
    )
    print("|---|---|---|---|---|---|---|---|")
    spawn = multiprocessing.get_context("spawn")
    for network in arguments.networks:
        with ProcessPoolExecutor(1, mp_context=spawn) as pool:
            rows = pool.submit(
                measure_network, network, tuple(arguments.precisions), arguments.repetitions,
                arguments.patience,
            ).result()  # fmt: skip
        for row in rows:
            print(
                f"| {row.network} | {row.precision} "
                f"| {row.ours.seconds:.2f} s, {row.ours.extra_bytes / 1e6:.0f} MB "
                f"| {row.theirs.seconds:.2f} s, {row.theirs.extra_bytes / 1e6:.0f} MB "
                f"| {row.theirs.seconds / row.ours.seconds:.1f} "
                f"| {row.sizes[0] / 1e6:.2f} MB, {row.sizes[0] / row.sizes[1]:.4f} "
                f"| {row.errors[0] / row.errors[1]:.4f} | {row.worst:.4f} of {row.tensors} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
