"""Building a network beside keras.applications' builder: time and peak memory.

    python benchmarks/build.py
    python benchmarks/build.py resnet50 --repetitions 9

The two take turns, so that both meet the same conditions; each is built once before, unmeasured.
Memory is that of a first build in a process of its own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from _measure import conditions, measure, measure_in_turns

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
    ours, theirs = (builder(name, who) for who in ("mobilezoo", "keras.applications"))
    a, b = measure_in_turns(ours, theirs, repetitions)
    memory = [peak_of_a_process(name, who) for who in ("mobilezoo", "keras.applications")]
    print(
        f"{name:20} mobilezoo {a.seconds:6.2f} s {memory[0] / 1e6:6.0f} MB   "
        f"keras.applications {b.seconds:6.2f} s {memory[1] / 1e6:6.0f} MB   "
        f"{a.seconds / b.seconds:.2f} of the time, {memory[0] / memory[1]:.2f} of the memory",
        flush=True,
    )


def builder(name: str, who: str) -> Callable[[], None]:
    """A call that builds a network and forgets it; the first one is already done."""
    theirs = getattr(keras.applications, THEIRS[name])

    def call() -> None:
        build(name) if who == "mobilezoo" else theirs(weights=None)
        keras.backend.clear_session()

    call()
    return call


def peak_of_a_process(name: str, who: str) -> int:
    """Bytes that the first build takes at its peak, in a process of its own.

    TensorFlow keeps what was freed, so that a second build in the same process shows nothing.
    """
    command = [sys.executable, __file__, name, "--memory-of", who]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def print_peak(name: str, who: str) -> None:
    """The other side of `peak_of_a_process`."""
    build("mnist_mlp")  # what every first network brings with it
    theirs = getattr(keras.applications, THEIRS[name])
    call = (lambda: build(name)) if who == "mobilezoo" else (lambda: theirs(weights=None))
    print(measure(call, 1).extra_bytes)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(THEIRS))
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--memory-of", choices=["mobilezoo", "keras.applications"])
    arguments = parser.parse_args()
    if arguments.memory_of:
        print_peak(arguments.names[0], arguments.memory_of)
        sys.exit()
    print(conditions())
    for name in arguments.names:
        compare(name, arguments.repetitions)
