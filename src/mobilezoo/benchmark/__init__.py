"""What a network costs."""

from mobilezoo.benchmark.counts import Counts, count
from mobilezoo.benchmark.sizes import size_bytes

__all__ = ["Counts", "count", "size_bytes"]
