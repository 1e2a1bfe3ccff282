"""Numbers as people read them: units, rounding, columns."""

from __future__ import annotations

from collections.abc import Sequence


def megabytes(size_bytes: int) -> str:
    """Bytes as megabytes of 10^6 bytes, such as "8.49 MB"."""
    return f"{size_bytes / 1e6:.2f} MB"


def millions(number: int) -> str:
    """A count in millions, such as "568.7 M"."""
    return f"{number / 1e6:.1f} M"


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows under a header row; the first column is flush left, the others flush right."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
