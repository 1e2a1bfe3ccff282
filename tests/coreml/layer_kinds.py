"""Layers of a neural network, and those that there were first."""

# The layers of specification 1, iOS 11.
FIRST_LAYERS = {
    "activation", "add", "average", "batchnorm", "bias", "concat", "convolution", "crop", "dot",
    "embedding", "flatten", "innerProduct", "l2normalize", "loadConstant", "lrn", "max", "min",
    "multiply", "mvn", "padding", "permute", "pooling", "reduce", "reshape", "scale", "slice",
    "softmax", "split", "unary", "upsample",
}  # fmt: skip


def network_of(exported):
    spec = exported.get_spec()
    return getattr(spec, spec.WhichOneof("Type"))


def kinds_of(exported):
    return [layer.WhichOneof("layer") for layer in network_of(exported).layers]
