"""Building a network beside keras.applications' builder: time and peak memory.

    python benchmarks/build.py
    python benchmarks/build.py resnet50 --repetitions 9

The two take turns, so that both meet the same conditions; each is built once before, unmeasured.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from _measure import conditions, measure_in_turns

from mobilezoo import build

THEIRS = {
    "vgg16": "VGG16",
    "inception_v3": "InceptionV3",
    "resnet50": "ResNet50",
    "resnet152": "ResNet152",
    "resnet50_v2": "ResNet50V2",
    "mobilenet": "MobileNet",
    "mobilenet_v2": "MobileNetV2",
    "mobilenet_v3_small": "MobileNetV3Small",
    "mobilenet_v3_large": "MobileNetV3Large",
}


def compare(name: str, repetitions: int) -> None:
    """Measure one network and print both and the ratios."""
    theirs = getattr(keras.applications, THEIRS[name])
    _quietly(lambda: build(name))
    _quietly(lambda: theirs(weights=None))
    a, b = measure_in_turns(
        lambda: _quietly(lambda: build(name)),
        lambda: _quietly(lambda: theirs(weights=None)),
        repetitions,
    )
    print(
        f"{name:20} mobilezoo {a}   keras.applications {b}   "
        f"{a.seconds / b.seconds:.2f} of the time, "
        f"{a.extra_bytes / b.extra_bytes:.2f} of the memory"
    )


def _quietly(call: Callable[[], keras.Model]) -> None:
    call()
    keras.backend.clear_session()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(THEIRS))
    parser.add_argument("--repetitions", type=int, default=5)
    arguments = parser.parse_args()
    print(conditions())
    for name in arguments.names:
        compare(name, arguments.repetitions)
