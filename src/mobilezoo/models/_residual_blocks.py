"""What residual networks are made of, of both versions and for large and small pictures."""

from __future__ import annotations

from typing import Any

from keras import layers

EXPANSION = {"basic": 1, "bottleneck": 4}  # output channels of a block per filter

Kernels = tuple[tuple[int, int, int], ...]  # (filters, kernel size, stride) of convolutions


def conv(
    x: Any, filters: int, kernel_size: int, stride: int, name: str, *, use_bias: bool = False
) -> Any:
    """Convolution; a strided one pads the same on both sides, as Caffe and PyTorch do.

    Args:
        x: (batch, height, width, channels).
        filters: output channels.
        kernel_size: side of the kernel, odd.
        stride: of both axes.
        name: of the layers with "{}" for their kind, such as "block1_{}2".
        use_bias: whether there are biases.

    Returns:
        (batch, ceil(height / stride), ceil(width / stride), filters).
    """
    padded = stride > 1 and kernel_size > 1
    if padded:  # "same" would pad even sides after only
        x = layers.ZeroPadding2D(kernel_size // 2, name=name.format("pad"))(x)
    return layers.Conv2D(
        filters,
        kernel_size,
        strides=stride,
        padding="valid" if padded else "same",
        use_bias=use_bias,
        kernel_initializer="he_normal",
        name=name.format("conv"),
    )(x)


def batch_norm(x: Any, name: str, epsilon: float) -> Any:
    """Batch norm, called `name` with "bn" for "{}"."""
    return layers.BatchNormalization(epsilon=epsilon, name=name.format("bn"))(x)


def bn_relu(x: Any, name: str, epsilon: float) -> Any:
    """Batch norm and ReLU, called `name` with "bn" and "relu" for "{}"."""
    return layers.ReLU(name=name.format("relu"))(batch_norm(x, name, epsilon))


def block_kernels(block: str, filters: int, stride: int, stride_in: str) -> Kernels:
    """Of a block's convolutions.

    Args:
        block: "basic": 3x3, 3x3; "bottleneck": 1x1, 3x3, 1x1 with 4 times the filters.
        filters: of the 3x3 convolutions.
        stride: of the block.
        stride_in: "1x1" or "3x3", the convolution of a bottleneck that has the stride.
    """
    if block == "basic":
        return (filters, 3, stride), (filters, 3, 1)
    made = filters * EXPANSION[block]
    if stride_in == "1x1":
        return (filters, 1, stride), (filters, 3, 1), (made, 1, 1)
    return (filters, 1, 1), (filters, 3, stride), (made, 1, 1)


def residual_v1(
    x: Any, shortcut: Any, kernels: Kernels, prefix: str, *, epsilon: float, use_bias: bool = False
) -> Any:
    """Shortcut plus convolutions of x, each normalised; ReLU between and after the addition.

    Args:
        x: (batch, height, width, channels).
        shortcut: of the shape that the convolutions make.
        kernels: of the convolutions.
        prefix: of the layers' names.
        epsilon: of the batch norms.
        use_bias: whether the convolutions have biases.
    """
    for number, kernel in enumerate(kernels, start=1):
        name = f"{prefix}{{}}{number}"
        x = conv(x, *kernel, name, use_bias=use_bias)
        x = (bn_relu if number < len(kernels) else batch_norm)(x, name, epsilon)
    x = layers.Add(name=f"{prefix}add")([shortcut, x])
    return layers.ReLU(name=f"{prefix}out")(x)


def residual_v2(
    active: Any,
    shortcut: Any,
    kernels: Kernels,
    prefix: str,
    *,
    epsilon: float,
    last_bias: bool = False,
) -> Any:
    """Shortcut plus convolutions, batch norm and ReLU between them.

    Args:
        active: (batch, height, width, channels), normalised and rectified.
        shortcut: of the shape that the convolutions make.
        kernels: of the convolutions.
        prefix: of the layers' names.
        epsilon: of the batch norms.
        last_bias: whether the last convolution, which no batch norm follows, has biases.
    """
    x = active
    for number, kernel in enumerate(kernels, start=1):
        name = f"{prefix}{{}}{number}"
        last = number == len(kernels)
        x = conv(x, *kernel, name, use_bias=last and last_bias)
        if not last:
            x = bn_relu(x, name, epsilon)
    return layers.Add(name=f"{prefix}add")([shortcut, x])
