"""`evaluate`: files, and the Keras model they were made from, on pictures of the user's own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from mobilezoo.data.images import CROPS
from mobilezoo.data.preprocessing import Preprocessing
from mobilezoo.data.preprocessing import preprocessing as find
from mobilezoo.errors import InvalidArgumentError, did_you_mean
from mobilezoo.evaluation.arrays import ArraySource, DatasetSource
from mobilezoo.evaluation.contest import Contest
from mobilezoo.evaluation.contestant import Opened, open_contestant
from mobilezoo.evaluation.folder import FolderSource
from mobilezoo.evaluation.reading import Reader
from mobilezoo.evaluation.record import Evaluation, EvaluationInterrupted
from mobilezoo.evaluation.source import Source
from mobilezoo.runtime import CoreMLProgram, load_coreml

if TYPE_CHECKING:
    import keras

File: TypeAlias = "str | os.PathLike[str] | CoreMLProgram"


def evaluate(
    files: File | Sequence[File],
    data: Any,
    *,
    model: keras.Model | None = None,
    labels: str | Sequence[str] | None = None,
    crop: str = "center",
    size: tuple[int, int] | None = None,
    preprocessing: str | Preprocessing | None = None,
    arithmetic: str = "float32",
    batch_size: int = 32,
    progress: bool = False,
) -> Evaluation:
    """Measure on pictures with known classes how well Core ML files classify them.

    All files get the same pictures, each read once, so that one sees what each precision costs in
    accuracy on the data that matter. Memory does not grow with the number of pictures.

    Args:
        files: path of a file, or what `load_coreml` returned; or several of them.
        data: a folder that holds a folder of pictures for each class; a `tf.data.Dataset` of
            (picture, label), batched or not; or a pair (pictures, labels). Pictures are pixels
            0..255; labels numbers of classes (positions from 0, also where a file calls its classes
            by numbers), one-hot rows, or in a pair names, which are matched with the file's.
        model: the Keras model that the files were made from: its own accuracy, and how far the
            files' answers are its answers.
        labels: of the outputs of files that have none, as for `export_coreml`. Default: the
            names of the data in sorted order.
        crop: how pictures are brought to a file's size, named after Vision's
            imageCropAndScaleOption: "center", "scale-fill" or "scale-fit".
        size: (height, width) for files that take several; default: each one's own default.
        preprocessing: of the pixels for files that take an array and no image, and for `model`
            where neither it nor the files say; as for `export_coreml`.
        arithmetic: "float32", or "float16" to round what is computed between layers, too, as
            `load_coreml` does; for files that are given as paths.
        batch_size: pictures in memory at once.
        progress: show a bar on stderr if that is a terminal.

    Returns:
        Accuracies, confusions, speed, and whether the files differ by more than chance.

    Raises:
        InvalidArgumentError: files that do not classify pictures, data that are none, classes that
            do not fit, or not a single picture that can be read.
        CoreMLFileError: a file is damaged.
        UnsupportedOpError: a file has ops or layers that the runtime does not know.
        VerificationError: a file prepares pixels otherwise than the Keras model.
        EvaluationInterrupted: a KeyboardInterrupt with what was measured until then.
    """
    _check(crop, size, batch_size)
    record = None if preprocessing is None else find(preprocessing)
    source = _open_source(data)
    opened = _open_files(files, size, record, arithmetic)
    contest = Contest(opened, source, labels, model, record)
    reader = Reader(source, contest.forms, crop)
    try:
        with contest.ready(), closing(reader.batches(batch_size, progress=progress)) as batches:
            for batch in batches:
                contest.add(batch)
    except KeyboardInterrupt as error:
        if not contest.pictures:
            raise
        stopped = contest.result(reader.left_out, crop, complete=False)
        raise EvaluationInterrupted(stopped) from error
    if not contest.pictures:
        raise _nothing_read(reader)
    return contest.result(reader.left_out, crop, complete=True)


def _check(crop: Any, size: Any, batch_size: Any) -> None:
    if crop not in CROPS:
        raise InvalidArgumentError(
            f"Unknown crop {crop!r}. Choose {', '.join(CROPS)}.{did_you_mean(str(crop), CROPS)}"
        )
    if not _is_count(batch_size):
        raise InvalidArgumentError(f"batch_size={batch_size!r} must be a whole number, at least 1.")
    fits = isinstance(size, (tuple, list)) and len(size) == 2
    if size is not None and not (fits and all(map(_is_count, size))):
        raise InvalidArgumentError(f"size={size!r} must be (height, width) in pixels, or None.")


def _is_count(number: Any) -> bool:
    whole = isinstance(number, (int, np.integer)) and not isinstance(number, bool)
    return whole and bool(number > 0)


def _open_source(data: Any) -> Source:
    if hasattr(data, "element_spec"):
        return DatasetSource(data)
    if isinstance(data, (tuple, list)):
        return ArraySource(data)
    if isinstance(data, (str, os.PathLike)):
        return FolderSource(data)
    raise InvalidArgumentError(
        f"data is of type {type(data).__name__}; a folder with a folder of pictures for each "
        "class, a tf.data.Dataset of (picture, label), or a pair (pictures, labels) is required."
    )


def _open_files(
    files: File | Sequence[File],
    size: tuple[int, int] | None,
    record: Preprocessing | None,
    arithmetic: str,
) -> list[Opened]:
    several = files if isinstance(files, (list, tuple)) else [files]
    if not several:
        raise InvalidArgumentError("No file is given: pass the path of a .mlpackage or .mlmodel.")
    sides = None if size is None else (int(size[0]), int(size[1]))
    opened = [open_contestant(_open(file, arithmetic), sides, record) for file in several]
    if size is not None and not any(item.program.inputs[0].has_free_sides for item in opened):
        height, width = opened[0].entrance.form[:2]
        raise InvalidArgumentError(
            f"size={size} is for files that take several sizes; '{opened[0].program.path}' takes "
            f"({height}, {width}) only. Leave it out."
        )
    return opened


def _open(file: Any, arithmetic: str) -> CoreMLProgram:
    if isinstance(file, CoreMLProgram):
        return file
    if isinstance(file, (str, os.PathLike)):
        return load_coreml(file, arithmetic=arithmetic)
    raise InvalidArgumentError(
        f"A file is given as {type(file).__name__}; the path of a .mlpackage or .mlmodel is "
        "required, whose size and precision are reported, or what load_coreml returned for it."
    )


def _nothing_read(reader: Reader) -> InvalidArgumentError:
    read = [item for item in reader.left_out if item.path and item.reason != "hidden"]
    return InvalidArgumentError(
        f"Not one of {len(read)} files in the data is a picture that can be read: '{read[0].path}' "
        f"is {read[0].reason}"
        if read
        else "The data have no pictures."
    )
