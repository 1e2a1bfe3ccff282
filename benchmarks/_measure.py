"""Time and peak memory of a call, for the scripts in this folder (Linux)."""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import platform
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """Median seconds, and the largest peak of resident memory above the start, in bytes."""

    seconds: float
    spread: tuple[float, float]
    extra_bytes: int

    def __str__(self) -> str:
        low, high = self.spread
        return f"{self.seconds:8.2f} s ({low:.2f}-{high:.2f}) {self.extra_bytes / 1e6:8.0f} MB"


def measure(call: Callable[[], object], repetitions: int) -> Cost:
    """Run a call several times."""
    return _cost([_once(call) for _ in range(repetitions)])


def measure_in_turns(
    first: Callable[[], object], second: Callable[[], object], repetitions: int
) -> tuple[Cost, Cost]:
    """Run two calls alternately, so that a slow spell of the machine meets both."""
    runs = [(_once(first), _once(second)) for _ in range(repetitions)]
    return _cost([run for run, _ in runs]), _cost([run for _, run in runs])


def measure_all_in_turns(
    calls: Mapping[str, Callable[[], object]], repetitions: int, once: Collection[str] = ()
) -> dict[str, Cost | Exception]:
    """Run calls by turns, in the order given; one that fails gives its error and stays out.

    Args:
        calls: what to measure.
        repetitions: how many turns.
        once: the calls that are too slow for every turn; they run in the middle one.
    """
    runs: dict[str, list[tuple[float, int]]] = {name: [] for name in calls}
    errors: dict[str, Exception] = {}
    for turn in range(repetitions):
        for name, call in calls.items():
            if name in errors or (name in once and turn != repetitions // 2):
                continue
            try:
                runs[name].append(_once(call))
            except Exception as error:
                errors[name] = error.with_traceback(None)  # its frames would keep memory
    return {name: errors.get(name) or _cost(done) for name, done in runs.items()}


def _once(call: Callable[[], object]) -> tuple[float, int]:
    gc.collect()
    os.sync()  # what the last call wrote must not be written during this one
    ctypes.CDLL(None).malloc_trim(0)  # freed memory is given back, or its reuse would be free
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
    before = _status("VmRSS")
    started = time.perf_counter()
    call()
    return time.perf_counter() - started, _status("VmHWM") - before


def _cost(runs: list[tuple[float, int]]) -> Cost:
    seconds = [run for run, _ in runs]
    spread = (min(seconds), max(seconds))
    return Cost(statistics.median(seconds), spread, max(extra for _, extra in runs))


def print_table(
    header: str, networks: Sequence[str], rows: Callable[[str, Path], Iterable[str]]
) -> None:
    """A table in Markdown, with what it was measured with before it.

    Args:
        header: its first line.
        networks: whose rows it has.
        rows: of a network, made with a folder that goes afterwards.
    """
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    print(conditions(), flush=True)
    print(header)
    print("|---" * (header.count("|") - 1) + "|")
    for network in networks:
        with tempfile.TemporaryDirectory() as folder:
            for row in rows(network, Path(folder)):
                print(row, flush=True)


def conditions() -> str:
    """What the figures were measured with."""
    import coremltools
    import keras
    import tensorflow

    processor = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return (
        f"Python {platform.python_version()}, TensorFlow {tensorflow.__version__}, "
        f"Keras {keras.__version__}, coremltools {coremltools.__version__}, {processor}"
    )


def _status(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {field}")
