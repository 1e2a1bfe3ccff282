"""Run the Python code blocks of Markdown files, so that the documentation stays true.

    python docs/run_code_blocks.py README.md docs/*.md

The blocks of one file run one after another in one temporary folder, as a reader would run them.
A block whose fence says more than `python` (such as `python no-run`) is left out. Lines of a
`console` block that start with "$ mobilezoo" are run too, and must succeed.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

_BLOCK = re.compile(r"^```(python|console)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def run(path: Path) -> int:
    """Run the blocks of one file and return how many there were."""
    blocks = _BLOCK.findall(path.read_text("utf-8"))
    if not blocks:
        return 0
    namespace: dict[str, object] = {"__name__": "__docs__"}
    with tempfile.TemporaryDirectory() as folder, _inside(folder):
        for number, (language, code) in enumerate(blocks, start=1):
            print(f"{path} block {number} ({language})", flush=True)
            if language == "python":
                exec(compile(code, f"{path} block {number}", "exec"), namespace)
            else:
                _run_commands(code)
    return len(blocks)


@contextlib.contextmanager
def _inside(folder: str) -> Iterator[None]:
    """`contextlib.chdir`, which Python 3.10 lacks."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _run_commands(text: str) -> None:
    for line in text.splitlines():
        if line.startswith("$ mobilezoo"):
            environment = {
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            }
            subprocess.run(shlex.split(line[2:], comments=True), check=True, env=environment)


if __name__ == "__main__":
    total = sum(run(Path(name).resolve()) for name in sys.argv[1:])
    print(f"{total} passed, 0 failed")
