"""Fixtures of the pipelines: saving and opening, as simple models have it."""

from tests.runtime.simple.conftest import open_simple

__all__ = ["open_simple"]
