"""Operations in the exported program beside coremltools' own converter.

    python benchmarks/program.py
    python benchmarks/program.py ConvNeXtTiny NASNetMobile
    python benchmarks/program.py --all --skip ConvNeXtXLarge NASNetLarge

Every family of keras.applications at 96 x 128 px, in float16; with `--all` every model of it, and
networks that only mobilezoo has, each at the smallest sides that it accepts, one pixel wider than
high. There the last map can be a single pixel (VGG), whose flatten needs no transpose;
`--all --shape 96 128` shows it. Constants are not counted. Transposes stand apart: inside a network
they cost time and compute nothing.
"""

from __future__ import annotations

import argparse
import gc
import os
from collections import Counter
from typing import Any, NamedTuple

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TQDM_DISABLE", "1")  # coremltools' progress bars

import keras
from _measure import conditions

from mobilezoo import build, export_coreml, randomize_weights

FAMILIES = (
    "ConvNeXtTiny", "DenseNet121", "EfficientNetB0", "EfficientNetV2B0", "InceptionResNetV2",
    "InceptionV3", "MobileNet", "MobileNetV2", "MobileNetV3Large", "MobileNetV3Small",
    "NASNetMobile", "ResNet50", "ResNet50V2", "VGG16", "Xception",
)  # fmt: skip
OURS = ("resnet18", "inception_v1", "resnet18_v2")
SHAPE = (96, 128, 3)
LEAST_SIDES = {"InceptionV3": 75, "InceptionResNetV2": 75, "Xception": 71}  # px, where not 32


class Programs(NamedTuple):
    """How often each operation stands in our program and in coremltools'; None: no program."""

    ours: Counter[str] | None
    theirs: Counter[str] | None


def every_model() -> tuple[str, ...]:
    """The classes of keras.applications, and what only mobilezoo has."""
    return (*(name for name in dir(keras.applications) if name[0].isupper()), *OURS)


def made(name: str, shape: tuple[int, int, int]) -> keras.Model:
    """A network with random weights."""
    if name in OURS:
        return randomize_weights(build(name, input_shape=shape))
    return randomize_weights(getattr(keras.applications, name)(weights=None, input_shape=shape))


def least_shape(name: str) -> tuple[int, int, int]:
    """The smallest input that is not square."""
    side = LEAST_SIDES.get(name, 32)
    return side, side + 1, 3


def operations(exported: Any) -> Counter[str]:
    """How often each operation stands in the program."""
    function = exported.get_spec().mlProgram.functions["main"]
    (block,) = function.block_specializations.values()
    return Counter(item.type for item in block.operations if item.type != "const")


def converted(model: keras.Model) -> Counter[str]:
    """The same of coremltools' own converter."""
    import coremltools as ct

    inputs = [ct.TensorType(shape=(1, *model.input_shape[1:]))]
    exported = ct.convert(
        model, source="tensorflow", inputs=inputs, minimum_deployment_target=ct.target.iOS15
    )
    return operations(exported)


def compare(name: str, shape: tuple[int, int, int]) -> Programs:
    """Print one line."""
    model = made(name, shape)
    programs, words = [], []
    for who, program in (
        ("mobilezoo", lambda: operations(export_coreml(model, inputs="array"))),
        ("coremltools", lambda: converted(model)),
    ):
        try:
            count = program()
        except Exception as error:
            programs.append(None)
            first = str(error).strip().partition("\n")[0]
            words.append(f"{who} fails: {type(error).__name__}: {first[:60]}")
        else:
            programs.append(count)
            words.append(f"{who} {count.total():5} ({count['transpose']} transposes)")
    ours, theirs = programs
    if ours is not None and theirs is not None:
        more = [f"{kind} {count}" for kind, count in ours.items() if count > theirs[kind]]
        words.append(f"more of: {', '.join(more) or 'nothing'}")
    print(f"{name:20} {'   '.join(words)}", flush=True)
    return Programs(ours, theirs)


def summarize(results: dict[str, Programs]) -> None:
    """Print who has fewer operations how often, and where we transpose more than the input."""
    sides = {"fewer": [], "equal": [], "more": [], "only mobilezoo": [], "not mobilezoo": []}
    for name, (ours, theirs) in results.items():
        if ours is None:
            sides["not mobilezoo"].append(name)
        elif theirs is None:
            sides["only mobilezoo"].append(name)
        else:
            difference = ours.total() - theirs.total()
            side = "fewer" if difference < 0 else "more" if difference > 0 else "equal"
            sides[side].append(name)
    sides["more than one transpose"] = [
        name for name, (ours, _) in results.items() if ours and ours["transpose"] > 1
    ]
    print(f"\n{len(results)} models; operations of mobilezoo beside coremltools:")
    for side, names in sides.items():
        listed = "" if side == "fewer" else ", ".join(names)
        print(f"{side:24} {len(names):3}   {listed}".rstrip())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="default: one of each family")
    parser.add_argument("--all", action="store_true", help="every model, at its smallest input")
    parser.add_argument("--shape", nargs=2, type=int, metavar=("height", "width"), help="pixels")
    parser.add_argument("--skip", nargs="*", default=[], metavar="name", help="models to leave out")
    arguments = parser.parse_args()
    names = arguments.names or (every_model() if arguments.all else FAMILIES)
    if unknown := {*names, *arguments.skip} - set(every_model()):
        parser.error(f"unknown {', '.join(sorted(unknown))}")
    print(conditions())
    results = {}
    for name in [name for name in names if name not in arguments.skip]:
        shape = least_shape(name) if arguments.all else SHAPE
        results[name] = compare(name, (*arguments.shape, 3) if arguments.shape else shape)
        keras.backend.clear_session()
        gc.collect()
    summarize(results)
