"""Matrix products."""

from __future__ import annotations

from mobilezoo.coreml.neural_network.table import NetworkSite, Operand, emits


@emits("dense")
def dense(site: NetworkSite, x: Operand) -> None:
    """x (..., d_in) @ kernel (d_in, d_out) + bias; with spatial axes a 1x1 convolution."""
    kernel = site.weight("kernel", (1, 0))  # (d_in, d_out) -> (d_out, d_in)
    units, channels = kernel.shape
    spatial = len(x.shape) > 2
    parameters = site.add("convolution" if spatial else "innerProduct", x.name)
    parameters.outputChannels = units
    if spatial:
        parameters.kernelChannels = channels
        parameters.nGroups = 1
        parameters.kernelSize.extend((1, 1))
        parameters.valid.SetInParent()
    else:
        parameters.inputChannels = channels
    site.store_kernel(parameters.weights, kernel)
    site.store_bias(parameters)
