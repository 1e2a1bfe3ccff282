"""Tables of the pages that say what the runtime's functions compute."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any


def group(module: ModuleType, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A heading, which is what the module says of itself, and a table."""
    title = (inspect.getdoc(module) or "").splitlines()[0].rstrip(".")
    lines = [_row(head), "|---" * len(head) + "|", *map(_row, rows)]
    return "\n".join([f"## {title}", "", *lines, ""])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def first_line(function: Callable[..., Any]) -> str:
    """What a function computes, in one line of Markdown."""
    line = (inspect.getdoc(function) or "").splitlines()[0]
    return line.replace("|", "\\|").replace("*", "\\*")
