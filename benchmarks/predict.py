"""`load_coreml(...).predict` beside Keras `predict_on_batch`: same network, same process.

    python benchmarks/predict.py

The two take turns, so that a machine whose speed drifts disturbs both alike. Conversion of the
features is part of the call; the file takes pictures as uint8, Keras prepared float32 arrays.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from _measure import conditions

from mobilezoo import export_coreml, load_coreml, mobilenet, randomize_weights
from mobilezoo.data.preprocessing import preprocessing


def compare(precision: str, batch: int, repetitions: int) -> None:
    """Time both sides on one batch and print medians and ratio."""
    model = randomize_weights(mobilenet())
    pixels = np.random.default_rng(0).integers(0, 256, (batch, 224, 224, 3), np.uint8)
    prepared = preprocessing("tf")(pixels)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.mlpackage"
        export_coreml(model, path, precision=precision)
        started = time.perf_counter()
        program = load_coreml(path)
        loaded = time.perf_counter() - started
        program.predict({"image": pixels})  # compiles
        first = time.perf_counter() - started
        ours, theirs = _take_turns(
            lambda: program.predict({"image": pixels}),
            lambda: model.predict_on_batch(prepared),
            repetitions,
        )
    print(
        f"{precision} batch {batch:3}: mobilezoo {1e3 * ours:.1f} ms, Keras {1e3 * theirs:.1f} ms"
    )
    print(f"  ratio {ours / theirs:.2f}; load {1e3 * loaded:.0f} ms, first answer {first:.2f} s")


def _take_turns(
    a: Callable[[], object], b: Callable[[], object], repetitions: int
) -> tuple[float, float]:
    times: tuple[list[float], list[float]] = ([], [])
    for call in (a, b):  # warm-up
        call()
    for _ in range(repetitions):
        for call, seconds in zip((a, b), times, strict=True):
            started = time.perf_counter()
            call()
            seconds.append(time.perf_counter() - started)
    return statistics.median(times[0]), statistics.median(times[1])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=15)
    arguments = parser.parse_args()
    print(conditions())
    for precision in ("float32", "float16"):
        for batch in (1, 32):
            compare(precision, batch, arguments.repetitions * (4 if batch == 1 else 1))
