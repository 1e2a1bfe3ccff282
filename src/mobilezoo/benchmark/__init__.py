"""What a network costs."""

from mobilezoo.benchmark.counts import Counts, count
from mobilezoo.benchmark.sizes import predict_size_bytes, size_bytes

__all__ = ["Counts", "count", "predict_size_bytes", "size_bytes"]
