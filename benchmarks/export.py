"""Export beside `coremltools.convert`: same model, same process, from memory to a saved file.

    python benchmarks/export.py mobilenet resnet50
    python benchmarks/export.py vgg16 --repetitions 1

mobilezoo goes first, so that memory which it leaves behind counts in coremltools' favour. Each
model should have a process of its own for the memory figures to be independent.
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from _measure import conditions, measure

from mobilezoo import export_coreml, mobilenet, randomize_weights, verify
from mobilezoo._environment import coremltools

ct = coremltools()
logging.getLogger("coremltools").setLevel(logging.ERROR)

MODELS = {
    "mobilenet": mobilenet,
    "resnet50": lambda: keras.applications.ResNet50(weights=None),
    "vgg16": lambda: keras.applications.VGG16(weights=None),
}


def compare(name: str, repetitions: int, skip_coremltools: bool) -> None:
    """Measure one model and print figures and ratios."""
    model = randomize_weights(MODELS[name]())
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Path(folder) / "ours.mlpackage", Path(folder) / "theirs.mlpackage"
        a = measure(lambda: export_coreml(model, ours, inputs="array", overwrite=True), repetitions)
        print(f"{name:10} mobilezoo   {a}")
        if not skip_coremltools:
            b = measure(lambda: _convert(model, theirs), repetitions)
            print(f"{name:10} coremltools {b}")
            print(
                f"{name:10} ratio       {b.seconds / a.seconds:8.1f} x the speed, "
                f"{a.extra_bytes / b.extra_bytes:.2f} of the memory"
            )
        print(f"{name:10} {verify(model, ours)}")


def _convert(model: keras.Model, path: Path) -> None:
    converted = ct.convert(
        model,
        inputs=[ct.TensorType(shape=(1, *model.input_shape[1:]))],
        compute_precision=ct.precision.FLOAT16,
        minimum_deployment_target=ct.target.iOS15,
        skip_model_load=True,
    )
    converted.save(str(path))


def _warm_up(skip_coremltools: bool) -> None:
    """What is imported or compiled once must not count for the first model."""
    inputs = keras.Input((8, 8, 3))
    tiny = keras.Model(inputs, keras.layers.Conv2D(2, 3)(inputs))
    with tempfile.TemporaryDirectory() as folder:
        export_coreml(tiny, Path(folder) / "a.mlpackage", inputs="array")
        if not skip_coremltools:
            _convert(tiny, Path(folder) / "b.mlpackage")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="+", choices=MODELS)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--skip-coremltools", action="store_true")
    arguments = parser.parse_args()
    print(conditions())
    _warm_up(arguments.skip_coremltools)
    for name in arguments.models:
        compare(name, arguments.repetitions, arguments.skip_coremltools)
