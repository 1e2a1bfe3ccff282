"""One plain function per MIL op: MIL's name, MIL's parameter names, MIL's defaults.

What each op means is Apple's documentation of MIL, as coremltools 9 prints it beside each
op. Operands are tensors, NumPy arrays (constants of the file) or Python values; axes are
MIL's, (n, c, h, w) where an op knows about channels. `OPS` maps an op's name to its function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mobilezoo.runtime.ops import (
    activation,
    attention,
    blocks,
    constants,
    convolution,
    detection,
    elementwise,
    gathering,
    linear,
    making,
    normalization,
    order,
    pooling,
    quantization,
    recurrent,
    reduction,
    resizing,
    sampling,
    scattering,
    shaping,
    transposed,
    trigonometry,
)

_MODULES = (
    activation, attention, blocks, constants, convolution, detection, elementwise, gathering,
    linear, making, normalization, order, pooling, quantization, recurrent, reduction, resizing,
    sampling, scattering, shaping, transposed, trigonometry,
)  # fmt: skip

OPS: dict[str, Callable[..., Any]] = {
    name: getattr(module, name) for module in _MODULES for name in module.__all__
}
