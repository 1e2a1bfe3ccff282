"""Pooling and reductions."""

from keras import layers, ops

from ..custom import Apply

CONV = layers.Conv2D
SEQUENCE = layers.Reshape((9, 21))
CASES = {
    "max": [layers.MaxPooling2D((3, 2), strides=2, padding="same")],
    "max, even height": [CONV(4, (2, 1)), layers.MaxPooling2D((3, 2), strides=2, padding="same")],
    "max valid": [layers.MaxPooling2D((2, 3))],
    "average same": [layers.AveragePooling2D((3, 2), strides=(1, 2), padding="same")],
    "max of a sequence": [SEQUENCE, layers.MaxPooling1D(3, strides=2, padding="same")],
    "average of a sequence": [SEQUENCE, layers.AveragePooling1D(2)],
    "global average": [layers.GlobalAveragePooling2D()],
    "global average, kept": [layers.GlobalAveragePooling2D(keepdims=True), CONV(5, 1)],
    "global max": [CONV(4, 2), layers.GlobalMaxPooling2D()],
    "global average of a sequence": [
        SEQUENCE, layers.Conv1D(4, 2), layers.GlobalAveragePooling1D()
    ],
    "global max of a sequence": [SEQUENCE, layers.GlobalMaxPooling1D(keepdims=True)],
    "mean over channels": [CONV(4, 2), Apply(lambda x: ops.mean(x, axis=-1))],
    "mean over channels, then along rows": [
        CONV(4, 2), Apply(lambda x: ops.mean(x, axis=-1)), layers.Conv1D(5, 3)
    ],
    "sum of columns, then dense": [Apply(lambda x: ops.sum(x, axis=(1, 3))), layers.Dense(4)],
    "mean over rows": [CONV(4, 2), Apply(lambda x: ops.mean(x, axis=1))],
    "sum and max": [Apply(lambda x: ops.sum(x, axis=2) + ops.max(x, axis=2))],
    "min": [CONV(4, 2), Apply(lambda x: ops.min(x, axis=2))],
    "product": [CONV(4, 2), Apply(lambda x: ops.prod(x, axis=3, keepdims=True))],
    "variance and deviation": [
        CONV(4, 2), Apply(lambda x: ops.var(x, axis=(1, 2)) + ops.std(x, axis=(1, 2)))
    ],
    "log of a sum of exponentials": [Apply(lambda x: ops.logsumexp(x, axis=-1))],
    "moments": [Apply(lambda x: ops.add(*ops.moments(x, axes=[1, 2], keepdims=True)))],
    "norm": [Apply(lambda x: ops.norm(x, axis=-1) + ops.norm(x, ord=1, axis=-1))],
    "any and all": [
        Apply(lambda x: ops.where(ops.any(x > 1, axis=-1), ops.sum(x, axis=-1), 0.25)),
        Apply(lambda x: ops.where(ops.all(x > -1, axis=1, keepdims=True), x, -x)),
    ],
    "largest position": [
        CONV(4, 2), Apply(lambda x: x + ops.cast(ops.argmax(x, -1)[..., None], "float32"))
    ],
    "largest position of rows": [
        CONV(4, 2), Apply(lambda x: ops.cast(ops.argmax(x, 1), "float32"))
    ],
}  # fmt: skip
if hasattr(layers, "AdaptiveAveragePooling2D"):  # not yet in Keras 3.12
    CASES |= {
        "adaptive average": [layers.AdaptiveAveragePooling2D((3, 7))],
        "adaptive average, uneven": [layers.AdaptiveAveragePooling2D((4, 3))],
        "adaptive max, uneven": [CONV(4, 2), layers.AdaptiveMaxPooling2D((3, 4))],
        "adaptive average of a sequence": [SEQUENCE, layers.AdaptiveAveragePooling1D(4)],
    }
