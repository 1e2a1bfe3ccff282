"""The process that opens the files: it reads numbers or paths, and says how each ended."""

from __future__ import annotations

import faulthandler
import os
import sys
import tempfile
import traceback
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main() -> None:
    """Answer each line of the standard input with one line: status, peak memory, words."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    faulthandler.enable()
    warnings.simplefilter("ignore")
    corpus = sorted(Path(sys.argv[1]).iterdir())

    from fuzz.mutation import hostile_file
    from fuzz.sweep import Sweep
    from fuzz.trial import try_file
    from mobilezoo.runtime import limits

    # a sixteenth, so that the machine has room for whatever gets past them
    limits.MOST_ELEMENTS >>= 4
    limits.MOST_ELEMENTS_IN_ALL >>= 4
    limits.MOST_MULT_ADDS >>= 4
    sweep: Sweep | None = None
    try_file(corpus[-1])
    print("ready", _peak(), "", sep="\t", file=answers, flush=True)
    for line in sys.stdin:
        given = line.rstrip("\n")
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        with tempfile.TemporaryDirectory() as folder:
            try:
                if given.isdecimal():
                    path, done = hostile_file(int(given), corpus, Path(folder))
                elif given.startswith("sweep "):
                    sweep = sweep or Sweep(corpus)
                    number = int(given.split()[1])
                    if number >= len(sweep):
                        print("end", 0, "", sep="\t", file=answers, flush=True)
                        continue
                    path, done = sweep.write(number, Path(folder))
                else:
                    path, done = Path(given), []
                ending, status = try_file(path), "ok"
            except BaseException as error:
                lines = traceback.format_exc().strip().splitlines()
                ending, status = f"{type(error).__name__}: {error} @ {_place(lines)}", "bad"
        words = " | ".join([ending, *done]).replace("\n", " ").replace("\t", " ")[:1500]
        print(status, _peak(), words, sep="\t", file=answers, flush=True)


def _place(lines: list[str]) -> str:
    """The innermost places of ours in a traceback."""
    ours = [
        line.strip() for line in lines if "mobilezoo" in line and line.strip().startswith("File")
    ]
    return " < ".join(line.rpartition("mobilezoo/")[2] for line in reversed(ours[-3:]))


def _peak() -> int:
    """Of the memory in use since it was last asked to begin anew, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) // 1024
    return 0


if __name__ == "__main__":
    main()
