"""Weights and activations of 8 bits, beside weights alone.

    python benchmarks/w8a8.py
    python benchmarks/w8a8.py mobilenet --examples 16

Networks have lively random weights, which makes them more sensitive than trained ones. Scales are
measured on some pictures, errors (`Drift.error`: of the scores, root mean square, relative) on
others.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from _measure import print_table
from _pictures import pictures

from mobilezoo import (
    W8A8,
    benchmark,
    build,
    compress_coreml,
    export_coreml,
    load_coreml,
    randomize_weights,
)
from mobilezoo.coreml.compress.sensitivity import Bench

NETWORKS = ("mobilenet", "mobilenet_v2", "resnet50", "inception_v3", "vgg16")


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("networks", nargs="*", default=NETWORKS)
    parser.add_argument("--examples", type=int, default=8)
    arguments = parser.parse_args()
    print_table(
        "| network | precision | MB | seconds | error | top-1 |",
        arguments.networks,
        lambda network, folder: measure(network, folder, arguments.examples),
    )


def measure(network: str, folder: Path, count: int) -> Iterator[str]:
    """A row for each way."""
    source, path = folder / "source.mlpackage", folder / "made.mlpackage"
    export_coreml(randomize_weights(build(network)), source)
    program = load_coreml(source)
    sides = program.inputs[0].height, program.inputs[0].width
    data, held_out = (pictures(number, *sides, seed) for number, seed in ((count, 1), (16, 2)))
    bench = Bench(program, held_out, len(held_out))
    for name, precision, repair in (
        ("int8", "int8", None),
        ("w8a8", W8A8(data, count), None),
        ("w8a8, ends kept", W8A8(data, count), None),
        ("w8a8, repaired", W8A8(data, count), data),
    ):
        started = time.perf_counter()
        compress_coreml(source, path, precision=precision, overwrite=True, repair=repair,
                        keep_ends="ends" in name)  # fmt: skip
        seconds = time.perf_counter() - started
        found = bench.drift_of(load_coreml(path))
        yield (
            f"| {network} | {name} | {benchmark.size_bytes(path) / 1e6:.2f} | {seconds:.1f} | "
            f"{found.error:.3f} | {found.agreement:.0%} |"
        )


if __name__ == "__main__":
    main()
