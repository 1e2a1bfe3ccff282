"""Cost of depth: building, counting, exporting and loading ResNets of 110 to 1202 layers.

    python benchmarks/depth.py
    python benchmarks/depth.py 1001 --version 2 --keras

Each column is in seconds; where it grows no faster than depth, the milliseconds per layer stay. The
abstract build makes no weights. Nothing here raises Python's recursion limit.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from _measure import conditions

from mobilezoo import export_coreml, load_coreml
from mobilezoo.benchmark import count
from mobilezoo.graph.abstract import without_weights
from mobilezoo.models.resnet_cifar import resnet_cifar

DEPTHS = (110, 218, 434, 866, 1202)
PICTURE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), np.uint8)
STEPS = ("abstract", "build", "count", "export", "load", "predict", "again", "save", "read")


def measure(depth: int, version: int, with_keras: bool) -> dict[str, float]:
    """Step -> seconds."""
    seconds: dict[str, float] = {}

    def timed(step: str, call: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        result = call()
        seconds[step] = time.perf_counter() - started
        return result

    timed("abstract", lambda: _abstract(depth, version))
    keras.backend.clear_session()
    model = timed("build", lambda: resnet_cifar(depth, version))
    timed("count", lambda: count(model))
    with tempfile.TemporaryDirectory() as folder:
        package, saved = Path(folder) / "m.mlpackage", Path(folder) / "m.keras"
        timed("export", lambda: export_coreml(model, package))
        program = timed("load", lambda: load_coreml(package))
        timed("predict", lambda: program.predict({"image": PICTURE}))  # compiles
        timed("again", lambda: program.predict({"image": PICTURE}))
        if with_keras:
            timed("save", lambda: model.save(saved))
            timed("read", lambda: keras.models.load_model(saved))
    keras.backend.clear_session()
    return seconds


def _abstract(depth: int, version: int) -> keras.Model:
    with without_weights():
        return resnet_cifar(depth, version)


def _print(depth: int, seconds: dict[str, float]) -> None:
    print(f"{depth:5}" + "".join(f"{value:9.2f}" for value in seconds.values()))
    per_layer = "".join(f"{1e3 * value / depth:9.2f}" for value in seconds.values())
    print(f"{'':5}{per_layer}  ms per layer", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("depths", nargs="*", type=int, default=DEPTHS)
    parser.add_argument("--version", type=int, default=1)
    parser.add_argument("--keras", action="store_true", help="save and read a .keras file, too")
    arguments = parser.parse_args()
    print(conditions())
    measure(20, 1, arguments.keras)  # what is imported or compiled once counts for nobody
    steps = STEPS if arguments.keras else STEPS[:-2]
    print("depth" + "".join(f"{step:>9}" for step in steps))
    for depth in arguments.depths:
        _print(depth, measure(depth, arguments.version, arguments.keras))
