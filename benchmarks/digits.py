"""What few bits cost in accuracy, on networks trained on the digits that ship with the package.

    python benchmarks/digits.py

Three networks are trained on 1,438 real digits; every file is run on the 359 that were held out.
Biases are repaired, weights weighed and mixes chosen on 32 digits of the training set, these within
the size of the uniform precision.
"""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from _measure import conditions

from mobilezoo import (
    W8A8,
    Budget,
    Sparse,
    benchmark,
    compress_coreml,
    export_coreml,
    load_coreml,
    mnist_cnn,
    mnist_mlp,
    mobilenet,
)
from mobilezoo.data.digits import load_digits
from mobilezoo.data.preprocessing import preprocessing_of
from mobilezoo.errors import InvalidArgumentError

PRECISIONS = ("int8", "palette6", "palette4", "palette3", "palette2", "palette1", Sparse(0.25))
_CHOICE = ("int8", "palette6", "palette4", "palette2", "palette1")


def _small_mobilenet() -> keras.Model:
    return mobilenet((32, 32, 3), alpha=0.25, classes=10)


def main() -> None:
    """Train, compress, run, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=30)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    print(conditions(), flush=True)
    print(
        "| network | precision | MB | correct of 359 | repaired | weighed "
        "| repaired mix of that size |"
    )
    print("|---|---|---|---|---|---|---|")
    for builder in (mnist_mlp, mnist_cnn, _small_mobilenet):
        for row in measure(builder, arguments.epochs):
            print(row, flush=True)


def measure(builder, epochs: int):
    """One row for float16, and one for each precision."""
    keras.utils.set_random_seed(1)
    model = builder()
    train, held_out = load_digits()
    pictures, tests = (_sized(item.images, model) for item in (train, held_out))
    prepare = preprocessing_of(model)
    model.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    model.fit(prepare(pictures), train.labels, 32, epochs, verbose=0, shuffle=True)
    with tempfile.TemporaryDirectory() as folder:
        source, path = Path(folder) / "source.mlpackage", Path(folder) / "made.mlpackage"
        export_coreml(model, source, labels="digits")

        def correct(precision, **options):
            compress_coreml(source, path, precision=precision, overwrite=True, **options)
            return _correct(path, tests, held_out.labels)

        name = model.name
        size = benchmark.size_bytes(source) / 1e6
        right = _correct(source, tests, held_out.labels)
        yield f"| {name} | float16 | {size:.3f} | {right} | | | |"
        both = [correct(W8A8(pictures[:32]), repair=repair) for repair in (None, pictures[:32])]
        size = benchmark.size_bytes(path) / 1e6
        yield f"| {name} | w8a8 | {size:.3f} | {both[0]} | {both[1]} | | |"
        for precision in PRECISIONS:
            found = [correct(precision)]
            most = benchmark.size_bytes(path)
            found.append(correct(precision, repair=pictures[:32]))
            has_table = str(precision).startswith("palette")
            found.append(correct(precision, weigh=pictures[:32]) if has_table else "")
            budget = Budget(
                max_size_bytes=most, data=pictures, examples=32, precisions=_CHOICE,
                optimize="agreement",
            )  # fmt: skip
            try:
                found.append(correct(budget))
            except InvalidArgumentError:  # there is nothing smaller
                found.append("")
            yield (
                f"| {name} | {getattr(precision, 'density', precision)} | {most / 1e6:.3f} | "
                f"{' | '.join(map(str, found))} |"
            )


def _sized(images, model):
    """Digits in the size and with the channels of a network."""
    side, channels = model.input_shape[1], model.input_shape[-1]
    border = (side - images.shape[1]) // 2
    padded = np.pad(images, ((0, 0), (border, border), (border, border), (0, 0)))
    return np.repeat(padded, channels, axis=-1)


def _correct(path: Path, pictures, labels) -> int:
    answers = load_coreml(path).predict({"image": pictures})["classLabel"]
    return int(np.sum(np.array(answers, int) == labels))


if __name__ == "__main__":
    main()
