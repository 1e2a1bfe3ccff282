"""Counting the whole zoo: seconds and peak memory of a process that builds and counts all of it.

    python benchmarks/zoo.py

Parameters and mult-adds of every named network, and of ResNets for CIFAR-10 at several depths,
without a weight in memory. Goal: 60 s and 1.5 GB on 2 cores.
"""

from __future__ import annotations

import os
import resource
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

STARTED = time.perf_counter()

from _measure import conditions  # noqa: E402

from mobilezoo import build, list_models  # noqa: E402
from mobilezoo.benchmark import count  # noqa: E402
from mobilezoo.graph.abstract import without_weights  # noqa: E402

EXTRA = [("resnet_cifar", {"depth": depth}) for depth in (20, 32, 44, 56, 110)]


def main() -> None:
    """Count and print."""
    imported = time.perf_counter() - STARTED
    for name, options in [(name, {}) for name in list_models()] + EXTRA:
        began = time.perf_counter()
        with without_weights():
            counts = count(build(name, **options))
        label = name + "".join(f" {key}={value}" for key, value in options.items())
        print(
            f"{label:24} {counts.parameters:>12,} parameters {counts.mult_adds:>15,} mult-adds "
            f"{time.perf_counter() - began:6.2f} s"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(
        f"all: {time.perf_counter() - STARTED:.1f} s, of which imports {imported:.1f} s; "
        f"peak memory of the process {peak / 1e6:,.0f} MB"
    )
    print(conditions())


if __name__ == "__main__":
    main()
