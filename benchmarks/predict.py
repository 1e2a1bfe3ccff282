"""`load_coreml(...).predict` beside Keras and onnxruntime: the same networks, in the same process.

    python benchmarks/predict.py
    python benchmarks/predict.py mobilenet vgg16 --batches 1 --repetitions 30

Each network has processes of its own, one that writes and one that measures. There all take turns,
so that a machine whose speed drifts disturbs them alike. Conversion of the inputs is part of a
call: the files take pictures as uint8, Keras's `predict_on_batch` and onnxruntime prepared float32
arrays. The ONNX file is Keras's own export (tf2onnx), VGG16's a plain chain; without onnxruntime
and tf2onnx its columns are empty.

The files: float16 and a palette of 8 bits (of coremltools' quick "uniform" kind, for what its
values are does not matter here) as .mlpackage, float16 and palette8 as .mlmodel. "Load" is from the
path to the first answer for one picture, so with reading, unpacking and compiling; "opened" is
`load_coreml` alone.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TQDM_DISABLE", "1")  # coremltools' progress bars

import keras
import numpy as np
from _measure import conditions
from _onnx import is_chain, write_chain

from mobilezoo import build, export_coreml, load_coreml, randomize_weights
from mobilezoo._environment import coremltools
from mobilezoo.data.preprocessing import preprocessing_of
from mobilezoo.runtime import CoreMLProgram

NETWORKS = ("mobilenet", "resnet50", "inception_v3", "vgg16")
FILES = ("float16.mlpackage", "palette8.mlpackage", "float16.mlmodel", "palette8.mlmodel")
OTHERS = ("keras", "onnx")
LOADS = 5  # turns
PAUSE = 0.05  # seconds before a call: onnxruntime's threads spin for a while after theirs
Times = dict[str, float]  # seconds, by file or by other


class Measured(NamedTuple):
    """What one network costs in all its forms."""

    bytes: Mapping[str, int]
    opened: Times
    loaded: Times
    steady: Mapping[int, Times]  # by batch


def measure(folder: Path, batches: Sequence[int], repetitions: int) -> Measured:
    """Time all forms of a network that `write` left in a folder."""
    paths = {name: path_of(folder, name) for name in (*FILES, *OTHERS)}
    paths = {name: path for name, path in paths.items() if path.exists()}
    pixels, prepared = np.load(folder / "pixels.npy"), np.load(folder / "prepared.npy")
    opened = median_in_turns({n: lambda n=n: load_coreml(paths[n]) for n in FILES}, LOADS)
    loads = {n: lambda n=n: run(n, load(n, paths[n]), pixels[:1], prepared[:1]) for n in paths}
    loaded = median_in_turns(loads, LOADS)
    ready = {n: load(n, path) for n, path in paths.items()}
    check(ready, pixels[:2], prepared[:2])
    steady = {}
    for batch in batches:
        calls = {
            n: lambda n=n, batch=batch: run(n, ready[n], pixels[:batch], prepared[:batch])
            for n in ready
        }
        steady[batch] = median_in_turns(calls, repetitions * (4 if batch == 1 else 1))
    return Measured({n: size(path) for n, path in paths.items()}, opened, loaded, steady)


def write(name: str, folder: Path, pictures: int) -> None:
    """Write every form of a network, and pictures; no "onnx" where Keras cannot write it here."""
    logging.getLogger("coremltools").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=FutureWarning)
    model = randomize_weights(build(name))
    side = model.input_shape[1]
    pixels = np.random.default_rng(0).integers(0, 256, (pictures, side, side, 3), np.uint8)
    np.save(folder / "pixels.npy", pixels)
    np.save(folder / "prepared.npy", preprocessing_of(model)(pixels))
    program, palette, *networks = (path_of(folder, name) for name in FILES)
    export_coreml(model, program, minimum_deployment_target="iOS16")
    palettize(program, palette)
    for path, precision in zip(networks, ("float16", "palette8"), strict=True):
        export_coreml(model, path, precision=precision)
    model.save(path_of(folder, "keras"))
    with suppress(ImportError):
        import onnxruntime  # noqa: F401

        if is_chain(model):
            write_chain(model, path_of(folder, "onnx"))
        else:
            model.export(path_of(folder, "onnx"), format="onnx", verbose=False)


def path_of(folder: Path, name: str) -> Path:
    """Where a form of the network lies."""
    return folder / (f"{name}.{name}" if name in OTHERS else name)


def palettize(source: Path, target: Path) -> None:
    """An ML program with tables of 256 values, written by coremltools."""
    ct = coremltools()
    optimize = ct.optimize.coreml
    config = optimize.OptimizationConfig(optimize.OpPalettizerConfig(mode="uniform", nbits=8))
    program = ct.models.MLModel(str(source), skip_model_load=True)
    optimize.palettize_weights(program, config).save(str(target))


def load(name: str, path: Path) -> Any:
    """A form of the network, ready to be asked."""
    if name == "keras":
        return keras.saving.load_model(path, compile=False)
    if name == "onnx":
        import onnxruntime

        return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return load_coreml(path)


def run(name: str, ready: Any, pixels: Any, prepared: Any) -> Any:
    """The answers, (batch, classes)."""
    if name == "keras":
        return ready.predict_on_batch(prepared)
    if name == "onnx":
        return ready.run(None, {ready.get_inputs()[0].name: prepared})[0]
    assert isinstance(ready, CoreMLProgram)
    (answers,) = ready.predict({ready.inputs[0].name: pixels}).values()
    return answers


def check(ready: Mapping[str, Any], pixels: Any, prepared: Any) -> None:
    """All compute the same network, or their times say nothing; palettes as far as they can."""
    answers = {name: run(name, item, pixels, prepared) for name, item in ready.items()}
    expected = answers["keras"]
    for name, answer in answers.items():
        difference = np.abs(answer - expected).max() / np.abs(expected).max()
        assert "palette" in name or difference < 0.05, f"{name} differs by {100 * difference:.1f} %"


def median_in_turns(calls: Mapping[str, Callable[[], object]], repetitions: int) -> Times:
    """Seconds; each runs once before."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(repetitions + 1):
        for name, call in calls.items():
            time.sleep(PAUSE)
            started = time.perf_counter()
            call()
            if turn:
                seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(runs) for name, runs in seconds.items()}


def size(path: Path) -> int:
    """Bytes on disk."""
    return sum(file.stat().st_size for file in (path, *path.rglob("*")) if file.is_file())


def loading_table(done: Mapping[str, Measured]) -> str:
    """Of each file what loading it costs."""
    rows = ["| network | file | size | opened | load | x float16 | Keras | onnxruntime |"]
    rows += ["|---|---|---|---|---|---|---|---|"]
    for network, found in done.items():
        others = " | ".join(f"{found.loaded[n]:.2f} s" if n in found.loaded else "" for n in OTHERS)
        for name in FILES:
            plain = found.loaded[f"float16{Path(name).suffix}"]
            rows.append(
                f"| {network} | {name} | {found.bytes[name] / 1e6:.1f} MB "
                f"| {1e3 * found.opened[name]:.0f} ms | {found.loaded[name]:.2f} s "
                f"| {found.loaded[name] / plain:.2f} | {others} |"
            )
    return "\n".join(rows)


def steady_table(done: Mapping[str, Measured]) -> str:
    """Of each file and batch what a call costs, and how it stands to the others."""
    rows = [
        "| network | batch | file | mobilezoo | x float16 | Keras | ratio | onnxruntime | ratio |"
    ]
    rows += ["|---|---|---|---|---|---|---|---|---|"]
    for network, found in done.items():
        for batch, times in found.steady.items():
            for name in FILES:
                plain = times[f"float16{Path(name).suffix}"]
                others = " | ".join(
                    f"{1e3 * times[n]:.1f} ms | {times[name] / times[n]:.2f}"
                    if n in times
                    else " | "
                    for n in OTHERS
                )
                rows.append(
                    f"| {network} | {batch} | {name} | {1e3 * times[name]:.1f} ms "
                    f"| {times[name] / plain:.2f} | {others} |"
                )
    return "\n".join(rows)


def main() -> None:
    """Measure and print both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("networks", nargs="*", metavar="network", help=f"of {', '.join(NETWORKS)}")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 32])
    parser.add_argument("--repetitions", type=int, default=9, help="turns (9); four times with 1")
    arguments = parser.parse_args()
    print(conditions(), flush=True)
    with suppress(ImportError):
        import onnxruntime

        print(f"onnxruntime {onnxruntime.__version__}", flush=True)
    done = {}
    for name in arguments.networks or NETWORKS:
        with tempfile.TemporaryDirectory() as given:
            folder = Path(given)
            alone(write, name, folder, max(arguments.batches))
            call = (folder, arguments.batches, arguments.repetitions)
            done[name] = alone(measure, *call)
        print(f"{name} is done", flush=True)
    print(f"\n{loading_table(done)}\n\n{steady_table(done)}")


def alone(function: Callable[..., Any], *arguments: Any) -> Any:
    """Its result, from a process of its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(function, *arguments).result()


if __name__ == "__main__":
    main()
