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
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from _measure import print_table
from _pictures import pictures

from mobilezoo import (
    benchmark,
    build,
    compress_coreml,
    export_coreml,
    load_coreml,
    randomize_weights,
)
from mobilezoo.coreml.compress.budget import USUAL
from mobilezoo.coreml.compress.package import open_weights, write_compressed
from mobilezoo.coreml.compress.plan import Plan
from mobilezoo.coreml.compress.sensitivity import Bench
from mobilezoo.coreml.precision import precision as find_precision
from mobilezoo.runtime.package import read_model

NETWORKS = ("mobilenet", "mobilenet_v2", "resnet50", "inception_v3")
PRECISIONS = ("int8", "palette6", "palette4")


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--precisions", nargs="+", default=PRECISIONS)
    parser.add_argument("--examples", type=int, default=8)
    arguments = parser.parse_args()
    print_table(
        "| network | as large as | MB | uniform | repaired | mix | repaired mix | top-1 | time |",
        arguments.networks,
        lambda network, folder: measure(network, folder, arguments.precisions, arguments.examples),
    )


def measure(network: str, folder: Path, precisions: Sequence[str], count: int) -> Iterator[str]:
    """One row for each precision; layers are measured once for all of them."""
    source, path = folder / "source.mlpackage", folder / "made.mlpackage"
    export_coreml(randomize_weights(build(network)), source)
    program = load_coreml(source)
    sides = program.inputs[0].height, program.inputs[0].width
    data, held_out = (pictures(count, *sides, seed) for seed in (1, 2))
    bench = Bench(program, held_out, count)
    opened = open_weights(read_model(source))
    tried = [find_precision(name) for name in USUAL]
    started = time.perf_counter()
    plans = [Plan(opened, data, count, tried, "error", repaired=each) for each in (False, True)]
    seconds = (time.perf_counter() - started) / 2
    for name in precisions:
        found = []
        for options in ({}, {"repair": data}):
            compress_coreml(source, path, precision=name, overwrite=True, **options)
            found.append(bench.drift_of(load_coreml(path)))
        size = benchmark.size_bytes(path)
        for i, plan in enumerate(plans):
            mixed = folder / f"{name}{i}.mlpackage"
            point = plan.within(size)
            write_compressed(opened, plan.chosen(point), "mixed", mixed, plan.measured(point))
            found.append(bench.drift_of(load_coreml(mixed)))
            over = benchmark.size_bytes(mixed) - size
            assert over <= 0.002 * size, over
        errors = " | ".join(f"{item.error:.3f}" for item in found)
        same = ", ".join(f"{item.agreement:.0%}" for item in found)
        yield f"| {network} | {name} | {size / 1e6:.2f} | {errors} | {same} | {seconds:.0f} s |"


if __name__ == "__main__":
    main()
