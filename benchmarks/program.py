"""Operations in the exported program beside coremltools' own converter.

    python benchmarks/program.py
    python benchmarks/program.py ConvNeXtTiny NASNetMobile

Every family of keras.applications, at a small non-square input, in float16; constants are not
counted. Transposes stand apart: inside a network they cost time and compute nothing.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from _measure import conditions

from mobilezoo import export_coreml, randomize_weights

FAMILIES = (
    "ConvNeXtTiny", "DenseNet121", "EfficientNetB0", "EfficientNetV2B0", "InceptionResNetV2",
    "InceptionV3", "MobileNet", "MobileNetV2", "MobileNetV3Large", "MobileNetV3Small",
    "NASNetMobile", "ResNet50", "ResNet50V2", "VGG16", "Xception",
)  # fmt: skip
SHAPE = (96, 128, 3)


def operations(exported: Any) -> Counter[str]:
    """How often each operation stands in the program."""
    function = exported.get_spec().mlProgram.functions["main"]
    (block,) = function.block_specializations.values()
    return Counter(item.type for item in block.operations if item.type != "const")


def converted(model: keras.Model) -> Counter[str]:
    """The same of coremltools' own converter."""
    import coremltools as ct

    inputs = [ct.TensorType(shape=(1, *SHAPE))]
    made = ct.convert(
        model, source="tensorflow", inputs=inputs, minimum_deployment_target=ct.target.iOS15
    )
    return operations(made)


def compare(name: str) -> None:
    """Print one line."""
    model = randomize_weights(getattr(keras.applications, name)(weights=None, input_shape=SHAPE))
    ours = operations(export_coreml(model, inputs="array"))
    try:
        theirs = converted(model)
    except Exception as error:
        print(
            f"{name:20} mobilezoo {ours.total():5} ({ours['transpose']} transposes)   "
            f"coremltools fails: {type(error).__name__}: {str(error).splitlines()[0][:60]}",
            flush=True,
        )
        return
    more = {kind: count - theirs[kind] for kind, count in ours.items() if count > theirs[kind]}
    print(
        f"{name:20} mobilezoo {ours.total():5} ({ours['transpose']} transposes)   "
        f"coremltools {theirs.total():5} ({theirs['transpose']} transposes)   more of: "
        f"{', '.join(f'{kind} {count}' for kind, count in more.items()) or 'nothing'}",
        flush=True,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(FAMILIES))
    arguments = parser.parse_args()
    print(conditions())
    for name in arguments.names:
        compare(name)
        keras.backend.clear_session()
