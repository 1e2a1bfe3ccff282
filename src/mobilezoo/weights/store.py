"""Getting weight files: download, verify, keep."""

from __future__ import annotations

from pathlib import Path

from mobilezoo.weights.catalogue import WeightFile


def fetch(record: WeightFile) -> Path:
    """The file on this machine, downloaded if it is not there yet."""
    raise NotImplementedError
