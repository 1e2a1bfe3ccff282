"""From a source of examples to batches of pixels, in the form that each file takes."""

from __future__ import annotations

import os
from collections.abc import Collection, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.evaluation.entrance import Form, Pixels, pixels_of
from mobilezoo.evaluation.record import LeftOut
from mobilezoo.evaluation.source import Example, Source
from mobilezoo.evaluation.tally import Labels

_MOST_READERS = 8  # threads


class Batch(NamedTuple):
    """Pictures that are evaluated at once.

    Attributes:
        pixels: form -> (pictures, height, width, channels).
        labels: as in `Example`.
    """

    pixels: Mapping[Form, Pixels]
    labels: Labels


class Reader:
    """Reads every picture once, for all files.

    Args:
        source: of the examples.
        forms: that the files take.
        crop: see `data.images.fit_picture`.

    Attributes:
        left_out: what was not read, until now.
    """

    def __init__(self, source: Source, forms: Collection[Form], crop: str) -> None:
        self._source, self._forms, self._crop = source, forms, crop
        self.left_out = list(source.left_out)

    def batches(self, size: int, *, progress: bool) -> Generator[Batch, None, None]:
        """All pictures, of which so many at once are in memory.

        Args:
            size: of a batch.
            progress: show a bar on stderr if that is a terminal.
        """
        examples = self._source.examples()
        threads = min(_MOST_READERS, os.cpu_count() or 1)
        hidden = None if progress else True  # None: shown on terminals only
        with (
            ThreadPoolExecutor(threads) as pool,
            tqdm(total=self._source.count, unit="picture", disable=hidden) as bar,
        ):
            while chunk := list(islice(examples, size)):
                read = list(pool.map(self._read, chunk))  # done before a file runs and is timed
                self.left_out += [item for item in read if isinstance(item, LeftOut)]
                pairs = [
                    (pixels, example.label)
                    for pixels, example in zip(read, chunk, strict=True)
                    if not isinstance(pixels, LeftOut)
                ]
                if pairs:
                    yield _stacked(pairs, self._forms)
                bar.update(len(chunk))

    def _read(self, example: Example) -> dict[Form, Pixels] | LeftOut:
        try:
            picture = example.load()
        except InvalidArgumentError as error:
            if not example.path:  # the caller's own object, and no file among others
                raise
            return LeftOut(example.path, str(error).removeprefix(f"'{example.path}' is "))
        return {form: pixels_of(picture, form, self._crop) for form in self._forms}


def _stacked(pairs: list[tuple[dict[Form, Pixels], int]], forms: Collection[Form]) -> Batch:
    pixels = {form: np.stack([own[form] for own, _ in pairs]) for form in forms}
    return Batch(pixels, np.array([label for _, label in pairs]))
