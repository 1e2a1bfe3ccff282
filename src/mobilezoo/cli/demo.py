"""`mobilezoo demo`: the talk that started this project, in one command."""

from __future__ import annotations

import time
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np

from mobilezoo import _environment
from mobilezoo.benchmark.sizes import size_bytes
from mobilezoo.benchmark.table import columns, megabytes, millions
from mobilezoo.errors import InvalidArgumentError

_PRECISIONS = ("float32", "float16")
_PACKAGE = "digits.mlpackage"
_CLASSIC = ("digits.mlmodel", "float32")


def run(arguments: Namespace) -> None:
    """Train on digits, export, run the exported files; then MobileNet."""
    if arguments.epochs < 1:
        raise InvalidArgumentError(f"--epochs {arguments.epochs}: pass at least 1.")
    folder = _make_folder(Path(arguments.output).expanduser())
    started = time.perf_counter()
    print("Loading TensorFlow, Keras and coremltools ...")
    _environment.import_quietly()
    _digits(folder, arguments.epochs)
    _mobilenet(folder)
    print(f"\nEverything is in {folder}{'' if folder.is_absolute() else '/'}"
          f" ({time.perf_counter() - started:.0f} s).")  # fmt: skip


def _digits(folder: Path, epochs: int) -> None:
    import keras

    from mobilezoo.data.digits import load_digits
    from mobilezoo.data.preprocessing import preprocessing_of
    from mobilezoo.models import mnist_mlp
    from mobilezoo.verification.agreement import percent

    train, held_out = load_digits()
    print(f"\n1. Digits: {len(train.labels):,} real handwritten ones to train on, "
          f"{len(held_out.labels)} held out")  # fmt: skip
    keras.utils.set_random_seed(1)
    model = mnist_mlp()
    prepare = preprocessing_of(model)
    assert prepare is not None
    print(f"2. Training mnist_mlp ({model.count_params():,} parameters)")
    _train(model, prepare(train.images), train.labels, epochs)
    predicted = model.predict(prepare(held_out.images), verbose=0)
    accuracy = float((predicted.argmax(axis=1) == held_out.labels).mean())
    print(f"   accuracy on the held-out digits: {accuracy:.2%}")
    model.save(folder / "digits.keras")

    print("3. Exporting to Core ML and running the files here, without a Mac")
    rows = [("   file", "size", "Keras", "the file", "difference")]
    for name, precision in (*((_PACKAGE, precision) for precision in _PRECISIONS), _CLASSIC):
        path = folder / precision / name
        answers = _export_and_run(model, path, precision, held_out.images)
        rows.append(
            (
                f"   {path.relative_to(folder)}",
                megabytes(size_bytes(path)),
                f"{accuracy:.2%}",
                f"{float((answers.argmax(axis=1) == held_out.labels).mean()):.2%}",
                percent(_largest_difference(answers, predicted)),
            )
        )
    print(columns(rows))
    print(f"   {_CLASSIC[0]}, the talk's file, is a neural network: it runs on iOS 11")


def _mobilenet(folder: Path) -> None:
    from mobilezoo.benchmark import count
    from mobilezoo.coreml import export_coreml
    from mobilezoo.models import mobilenet
    from mobilezoo.randomize import randomize_weights
    from mobilezoo.verification import verify
    from mobilezoo.verification.agreement import percent

    model = mobilenet()
    counts = count(model)
    print(f"\n4. MobileNet: {counts.parameters:,} parameters, "
          f"{millions(counts.mult_adds)} mult-adds")  # fmt: skip
    print("   (lively random weights: an untrained network would prove nothing)")
    randomize_weights(model)
    for precision in _PRECISIONS:
        path = folder / precision / "MobileNet.mlpackage"
        path.parent.mkdir(exist_ok=True)
        started = time.perf_counter()
        exported = export_coreml(
            model, path, precision=precision, labels="imagenet", overwrite=True
        )
        seconds = time.perf_counter() - started
        if precision == _PRECISIONS[0]:
            print(f"   {exported.user_defined_metadata['com.mobilezoo.folded']}")
        print(f"   {path}: {megabytes(size_bytes(path))}, written in {seconds:.2f} s")
        agreement = verify(model, path)
        print(f"   largest difference {percent(agreement.largest_difference)}, same top-1 for "
              f"{agreement.top1_agreement:.0%}, {len(agreement.layers)} layers agree")  # fmt: skip


def _train(model: Any, images: Any, labels: Any, epochs: int) -> None:
    import keras
    from tqdm import tqdm

    class Progress(keras.callbacks.Callback):  # type: ignore[misc] # Keras is untyped
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            bar.update()
            bar.set_postfix(accuracy=f"{(logs or {}).get('accuracy', 0):.3f}")

    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    with tqdm(total=epochs, desc="   epochs", unit="epoch", ncols=78, disable=None) as bar:
        model.fit(images, labels, batch_size=64, epochs=epochs, verbose=0, callbacks=[Progress()])


def _export_and_run(model: Any, path: Path, precision: str, images: Any) -> Any:
    """The file's probabilities for all images, (n, 10)."""
    from mobilezoo.coreml import export_coreml
    from mobilezoo.runtime import load_coreml

    path.parent.mkdir(exist_ok=True)
    export_coreml(model, path, precision=precision, labels="digits", overwrite=True)
    program = load_coreml(path)
    answers = program.predict({"image": images})["classLabelProbs"]
    return np.array([[answer[label] for label in program.labels or ()] for answer in answers])


def _largest_difference(values: Any, reference: Any) -> float:
    return float(np.abs(values - reference).max() / np.abs(reference).max())


def _make_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidArgumentError(
            f"'{folder}' cannot be made: {error.strerror}. Choose another with --output."
        ) from error
    return folder
