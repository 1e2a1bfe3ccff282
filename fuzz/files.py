"""Makes hostile Core ML files out of good ones, and opens, inspects and runs each.

    python fuzz/files.py --seconds 600 --seed 1     # files 1, 2, 3, ... as long as time lasts
    python fuzz/files.py --files 5000 --seed 1      # files 1 to 5000
    python fuzz/files.py --sweep --seed 0           # every parameter set to every odd value
    python fuzz/files.py --replay 4711              # one file, with all that it says
    python fuzz/files.py --replay bad/4711.mlmodel

Each file is opened in another process, whose memory and time are bounded. Whatever is no error of
mobilezoo's (another exception, a crash, a hang, too much memory) is kept in the folder `--keep` and
ends the run with exit code 1. Linux only.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_FILES_PER_PROCESS = 400  # TensorFlow never forgets a traced function


@dataclass(frozen=True)
class Answer:
    """How one file ended."""

    status: str  # "ok", "bad", "crash", "hang" or "memory"
    peak: int  # MB above the start
    words: str


class Child:
    """The other process.

    Args:
        corpus: folder of good files.
        seconds: for one file.
        megabytes: above those in use at the start.
    """

    def __init__(self, corpus: Path, seconds: float, megabytes: int) -> None:
        self._limits = seconds, megabytes
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `end`
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fuzz.child", str(corpus)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            bufsize=1,
        )
        self._start = 0
        self.files = 0
        ready = self._answer(120.0)
        if ready.status != "ready":
            raise RuntimeError(f"the process does not start: {ready.words}")
        self._start = ready.peak

    @property
    def alive(self) -> bool:
        """Whether it can take another file."""
        return self._process.poll() is None and self.files < _FILES_PER_PROCESS

    @property
    def worked(self) -> float:
        """Seconds of work so far."""
        return self._used()[1]

    def ask(self, given: str) -> Answer:
        """Open a file, given by its number or by its path."""
        self.files += 1
        assert self._process.stdin is not None
        self._process.stdin.write(given + "\n")
        self._process.stdin.flush()
        answer = self._answer(self._limits[0])
        if answer.status == "ok" and answer.peak > self._limits[1]:
            return Answer("memory", answer.peak, answer.words)
        return answer

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            with contextlib.suppress(Exception):
                stream.close()  # type: ignore[union-attr]

    def _answer(self, seconds: float) -> Answer:
        assert self._process.stdout is not None
        selector = selectors.DefaultSelector()
        selector.register(self._process.stdout, selectors.EVENT_READ)
        end, before = time.monotonic() + 30 * seconds, self._used()[1]
        while not selector.select(0.05):
            used, worked = self._used()
            if self._start and used > self._start + self._limits[1]:
                return self._ended("memory", f"{used - self._start} MB", used)
            if worked - before > seconds or time.monotonic() > end:
                return self._ended("hang", f"more than {seconds} s", used)
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            return self._ended("crash", f"exit code {self._process.returncode}", 0)
        status, peak, words = line.rstrip("\n").split("\t", 2)
        return Answer(status, int(peak) - self._start, words)

    def _ended(self, status: str, words: str, used: int) -> Answer:
        self._process.kill()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").splitlines()
        said = [line.strip() for line in lines if line.strip()][-40:]
        fatal = [line for line in said if "Check failed" in line or "terminate" in line]
        ours = [line for line in said if "/mobilezoo/" in line]
        return Answer(status, used - self._start, "; ".join([words, *fatal, *ours[:4]])[:1500])

    def _used(self) -> tuple[int, float]:
        """MB of memory, and seconds of work: those of a clock run on while others work."""
        folder = Path(f"/proc/{self._process.pid}")
        with contextlib.suppress(OSError, ValueError, IndexError):
            ticks = (folder / "stat").read_text().rpartition(")")[2].split()
            pages = int((folder / "statm").read_text().split()[1])
            seconds = (int(ticks[11]) + int(ticks[12])) / os.sysconf("SC_CLK_TCK")
            return pages * os.sysconf("SC_PAGE_SIZE") >> 20, seconds
        return 0, 0.0


def corpus_folder() -> Path:
    """Good files, written when first asked for."""
    folder = Path(tempfile.gettempdir()) / f"mobilezoo-fuzz-{os.getuid()}"
    if not folder.is_dir():
        part = folder.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        code = (
            "import sys; from pathlib import Path; from fuzz import converted, networks, programs; "
            "folder = Path(sys.argv[1]); networks.write_networks(folder); "
            "programs.write_programs(folder); converted.write_converted(folder)"
        )
        environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
        subprocess.run([sys.executable, "-c", code, str(part)], env=environment, check=True)
        part.rename(folder)
    return folder


def run(options: argparse.Namespace) -> int:
    """Try files until the time is over; the number of those that ended badly."""
    corpus = corpus_folder()
    endings: Counter[str] = Counter()
    bad = 0
    child = Child(corpus, options.limit, options.memory)
    kind = "sweep " if options.sweep else ""
    begun, number, slowest, largest = time.monotonic(), options.seed, (0.0, 0), (0, 0)
    while time.monotonic() < begun + options.seconds and number < options.seed + options.files:
        if not child.alive:
            child.end()
            child = Child(corpus, options.limit, options.memory)
        started = child.worked
        answer = child.ask(f"{kind}{number}")
        if answer.status == "end":
            break
        slowest = max(slowest, (round(child.worked - started, 1), number))
        largest = max(largest, (answer.peak, number))
        endings[answer.words.split(" | ")[0] if answer.status == "ok" else answer.status] += 1
        if answer.status != "ok":
            bad += 1
            print(f"{kind}{number}: {answer.status}: {answer.words}", flush=True)
            _keep(f"{kind}{number}", corpus, options.keep)
        number += 1
    child.end()
    print(f"{number - options.seed} files, numbers {options.seed} to {number - 1}:")
    for ending, count in endings.most_common():
        print(f"{count:8} {ending}")
    print(
        f"most work {slowest[0]} s (number {slowest[1]}), "
        f"most memory {largest[0]} MB (number {largest[1]})"
    )
    return bad


def _keep(given: str, corpus: Path, folder: Path) -> None:
    """Write a file again, to look at it."""
    makes = "sweep.Sweep(corpus).write" if given.startswith("sweep") else "mutation.hostile_file"
    corpora = ", " if given.startswith("sweep") else ", corpus, "
    code = (
        "import sys; from pathlib import Path; from fuzz import mutation, sweep; "
        "corpus = sorted(Path(sys.argv[2]).iterdir()); "
        f"{makes}(int(sys.argv[1]){corpora}Path(sys.argv[3]))"
    )
    number = given.split()[-1]
    target = folder / given.replace(" ", "_")
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    subprocess.run(
        [sys.executable, "-c", code, number, str(corpus), str(target)], env=environment,
        check=False, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def main() -> int:
    """Read the options and run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "--sweep", action="store_true", help="each parameter set to each odd value, instead"
    )
    parser.add_argument("--seconds", type=float, default=1e9, help="how long")
    parser.add_argument("--seed", type=int, default=1, help="number of the first file")
    parser.add_argument("--files", type=int, default=sys.maxsize, help="how many at most")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds of work for one file")
    parser.add_argument("--memory", type=int, default=3000, help="MB for one file")
    parser.add_argument("--keep", type=Path, default=Path("bad"), help="folder for bad files")
    parser.add_argument("--replay", help="number or path of one file")
    options = parser.parse_args()
    if options.replay is None:
        return min(run(options), 1)
    child = Child(corpus_folder(), options.limit, options.memory)
    answer = child.ask(options.replay)
    child.end()
    print(answer)
    return int(answer.status != "ok")


if __name__ == "__main__":
    sys.exit(main())
