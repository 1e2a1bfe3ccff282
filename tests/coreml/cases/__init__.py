"""Stacks of layers for a tensor (9, 7, 3), grouped as the exporter groups what it can write."""

from . import activation, attention, convolution, elementwise, normalization, pooling, shaping

CASES = {
    f"{module.__name__.rpartition('.')[2]}: {name}": stack
    for module in (
        activation, attention, convolution, elementwise, normalization, pooling, shaping
    )
    for name, stack in module.CASES.items()
}  # fmt: skip
