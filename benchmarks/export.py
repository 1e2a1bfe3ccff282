"""Export beside `coremltools.convert`, from a model in memory to a saved file.

    python benchmarks/export.py
    python benchmarks/export.py mobilenet resnet50 --repetitions 9
    python benchmarks/export.py vgg16 --skip keras

Each model has a process of its own. There the calls take turns, mobilezoo first, so that memory
which it leaves behind counts in coremltools' favour:

    mobilezoo   `export_coreml`, float16 .mlpackage
    mlmodel     the same as .mlmodel
    limit       all weights cast to float16 and written, nothing else
    keras       `coremltools.convert` of the same Keras model, and save
    torch       `coremltools.convert` of the torch twin, traced before, and save

Memory is the peak above the built model; that of the first three counts a call before torch is
imported too. "keras" needs 2 to 4 minutes and 12 GB for VGG16 and goes there once (`--once`). The
torch twins need torch and torchvision, timm for `mobilenet`; without them the rest is measured.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import tempfile
import warnings
from collections.abc import Callable, Collection
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TQDM_DISABLE", "1")  # coremltools' progress bars

import keras
import tensorflow as tf
from _export_tables import Result, aligned, markdown
from _measure import Cost, conditions, measure_all_in_turns
from _twins import Twin, tiny, twin

from mobilezoo import export_coreml, mobilenet, randomize_weights, verify
from mobilezoo._environment import coremltools

ct = coremltools()

MODELS = {
    "mobilenet": mobilenet,
    "mobilenet_v2": partial(keras.applications.MobileNetV2, weights=None),
    "resnet50": partial(keras.applications.ResNet50, weights=None),
    "inception_v3": partial(keras.applications.InceptionV3, weights=None),
    "densenet121": partial(keras.applications.DenseNet121, weights=None),
    "vgg16": partial(keras.applications.VGG16, weights=None),
}
ROUTES = ("mobilezoo", "mlmodel", "limit", "keras", "torch")


def measure_model(
    name: str, repetitions: int, skip: Collection[str], once: Collection[str]
) -> tuple[dict[str, Result], str]:
    """What each route costs, and how our file agrees with the model."""
    logging.getLogger("coremltools").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="coremltools|torch|timm")
    model = randomize_weights(MODELS[name]())
    with tempfile.TemporaryDirectory() as folder:
        stem = Path(folder) / name
        warm_up(skip)
        # once before torch is there, whose freed memory could be had for nothing
        alone = measure_all_in_turns(routes(model, None, stem, {*skip, "keras"}), 1)
        other, note = torch_twin(name) if "torch" not in skip else (None, "")
        calls = routes(model, other, stem, skip)
        costs = measure_all_in_turns(calls, repetitions, ["keras"] if name in once else [])
        results = {
            route: result(peak_of_both(cost, alone.get(route)), path_of(stem, route))
            for route, cost in costs.items()
        }
        if other is None and note:
            results["torch"] = Result(None, 0, note)
        elif other is not None and results["torch"].cost:
            results["torch"] = results["torch"]._replace(note=note)
        try:
            return results, str(verify(model, path_of(stem, "mobilezoo")))
        except Exception as error:
            return results, reason(error)


def peak_of_both(cost: Cost | Exception, alone: Cost | Exception | None) -> Cost | Exception:
    """The cost by turns with the larger of two peaks."""
    if not (isinstance(cost, Cost) and isinstance(alone, Cost)):
        return cost
    return replace(cost, extra_bytes=max(cost.extra_bytes, alone.extra_bytes))


def torch_twin(name: str) -> tuple[Twin | None, str]:
    """The twin and its source, or none and the reason."""
    try:
        made = twin(name)
        warm_up(ROUTES[:-1], tiny())
    except Exception as error:  # not installed, or it cannot be traced
        return None, reason(error)
    return made, made.source


def routes(
    model: keras.Model, other: Twin | None, stem: Path, skip: Collection[str]
) -> dict[str, Callable[[], None]]:
    """The calls to measure, in the order of their turns."""
    path = partial(path_of, stem)
    shape = (1, *model.input_shape[1:])
    calls: dict[str, Callable[[], None]] = {
        "mobilezoo": lambda: export(model, path("mobilezoo")),
        "mlmodel": lambda: export(model, path("mlmodel")),
        "limit": lambda: write_weights(model, path("limit")),
        "keras": lambda: convert(model, "tensorflow", shape, path("keras")),
    }
    if other is not None:
        calls["torch"] = lambda: convert(other.traced, "pytorch", other.shape, path("torch"))
    return {route: call for route, call in calls.items() if route not in skip}


def path_of(stem: Path, route: str) -> Path:
    """Where a route writes."""
    ending = {"mlmodel": "mlmodel", "limit": "bin"}.get(route, "mlpackage")
    return Path(f"{stem}.{route}.{ending}")


def export(model: keras.Model, path: Path) -> None:
    """What mobilezoo does."""
    export_coreml(model, path, inputs="array", overwrite=True)


def convert(model: Any, source: str, shape: tuple[int, ...], path: Path) -> None:
    """What coremltools does."""
    converted = ct.convert(
        model,
        source=source,
        inputs=[ct.TensorType(shape=shape)],
        compute_precision=ct.precision.FLOAT16,
        minimum_deployment_target=ct.target.iOS15,
        skip_model_load=True,
    )
    converted.save(str(path))


def write_weights(model: keras.Model, path: Path) -> None:
    """The least that an export in float16 does."""
    with path.open("wb") as file:
        for variable in model.variables:
            file.write(tf.cast(variable.value, tf.float16).numpy())


def warm_up(skip: Collection[str], other: Twin | None = None) -> None:
    """What is imported or compiled once must not count for the first turn."""
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(2, 3)(inputs))
    with tempfile.TemporaryDirectory() as folder:
        for call in routes(model, other, Path(folder) / "tiny", skip).values():
            with suppress(Exception):  # the measured call says it
                call()


def result(cost: Cost | Exception, path: Path) -> Result:
    """With the bytes of the file, or of all files in the package."""
    if isinstance(cost, Exception):
        return Result(None, 0, reason(cost))
    files = [file for file in (path, *path.rglob("*")) if file.is_file()]
    return Result(cost, sum(file.stat().st_size for file in files))


def reason(error: BaseException) -> str:
    """The kind of an error and the first line of what it says."""
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"[:100]


def main() -> None:
    """Print a table for each model as it is done, and one of all."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="*", metavar="model", help=f"of {', '.join(MODELS)}")
    parser.add_argument("--repetitions", type=int, default=5, help="turns (5)")
    parser.add_argument("--once", nargs="*", default=["vgg16"], help="with one keras turn (vgg16)")
    parser.add_argument("--skip", nargs="*", default=[], choices=ROUTES[1:], help="routes")
    arguments = parser.parse_args()
    if unknown := set(arguments.models) - set(MODELS):
        parser.error(f"unknown {', '.join(unknown)}; choose from {', '.join(MODELS)}")
    print(conditions(), flush=True)
    done = {}
    for name in arguments.models or MODELS:
        # spawned, not forked: nothing of this process counts, and a child killed for its memory
        # takes one model with it
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            call = (name, arguments.repetitions, arguments.skip, arguments.once)
            try:
                done[name], agreement = process.submit(measure_model, *call).result()
            except Exception as error:
                print(f"\n{name}: {reason(error)}", flush=True)
                continue
        print(f"\n{name}: {agreement}\n{aligned(done[name])}", flush=True)
    print(f"\n{markdown(done)}")


if __name__ == "__main__":
    main()
