"""Budgets beside uniform precisions of the same size, and what repairing biases does.

    python benchmarks/budget.py
    python benchmarks/budget.py mobilenet --examples 16

Networks have lively random weights, which makes them more sensitive than trained ones. Each
precision is measured as it is, with repaired biases, and beside two mixes of at most its size, one
of which is repaired. Errors are those of the saved files (`Drift.error`: of the scores, root mean
square, relative) on other pictures than those that chose and repaired.
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
import time
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from _measure import conditions
from _pictures import pictures

from mobilezoo import (
    Budget,
    benchmark,
    build,
    compress_coreml,
    export_coreml,
    load_coreml,
    randomize_weights,
)
from mobilezoo.coreml.compress.sensitivity import Bench

NETWORKS = ("mobilenet", "mobilenet_v2", "resnet50", "inception_v3")
PRECISIONS = ("int8", "palette6", "palette4")


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--precisions", nargs="+", default=PRECISIONS)
    parser.add_argument("--examples", type=int, default=8)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    print(conditions(), flush=True)
    print(
        "| network | size of | MB | uniform | repaired | mix | repaired mix | same top-1 | time |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for network in arguments.networks:
        with tempfile.TemporaryDirectory() as folder:
            for row in measure(network, Path(folder), arguments.precisions, arguments.examples):
                print(row, flush=True)


def measure(network: str, folder: Path, precisions: list[str], count: int):
    """One row for each precision."""
    source, path = folder / "source.mlpackage", folder / "made.mlpackage"
    export_coreml(randomize_weights(build(network)), source)
    program = load_coreml(source)
    sides = program.inputs[0].height, program.inputs[0].width
    data, held_out = (pictures(count, *sides, seed) for seed in (1, 2))
    bench = Bench(program, held_out, count)

    def tried(precision, **options):
        compress_coreml(source, path, precision=precision, overwrite=True, **options)
        return bench.drift_of(load_coreml(path)), benchmark.size_bytes(path)

    for precision in precisions:
        uniform, size = tried(precision)
        repaired, size_repaired = tried(precision, repair=data)
        started = time.perf_counter()
        mixes = []
        for repair, most in ((False, size), (True, size_repaired)):
            budget = Budget(max_size_bytes=most, data=data, examples=count, repair=repair)
            mixes.append(tried(budget)[0])
        seconds = (time.perf_counter() - started) / 2
        found = [uniform, repaired, *mixes]
        errors = " | ".join(f"{item.error:.3f}" for item in found)
        same = ", ".join(f"{item.agreement:.0%}" for item in found)
        yield (
            f"| {network} | {precision} | {size / 1e6:.2f} | {errors} | {same} | {seconds:.0f} s |"
        )


if __name__ == "__main__":
    main()
