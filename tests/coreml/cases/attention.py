"""Matrix products and attention over a sequence (9, 21)."""

import keras
from keras import layers, ops

from ..custom import Apply

CONV = layers.Conv2D
SEQUENCE = layers.Reshape((9, 21))


class Across(layers.Layer):
    """Attention of a sequence to the other half of itself; the lengths differ."""

    def __init__(self, layer, **options):
        super().__init__(**options)
        self.layer = layer

    def build(self, shape):
        self.layer.build((None, 4, shape[-1]), (None, 5, shape[-1]))

    def call(self, x):
        return self.layer(x[:, :4], x[:, 4:])


def self_attention(layer):
    @keras.saving.register_keras_serializable(package=f"test {layer.name}")
    class Itself(layers.Layer):
        def __init__(self, **options):
            super().__init__(**options)
            self.layer = layer

        def call(self, x):
            return self.layer([x, x]) if isinstance(layer, DOT) else self.layer(x, x)

    return Itself()


DOT = (layers.Attention, layers.AdditiveAttention)
SCORES = "nab,ncb->nac"
CASES = {
    "embedding": [
        layers.Flatten(),
        Apply(lambda x: ops.minimum(ops.floor(3 * ops.abs(x)), 9.0)),
        layers.Embedding(10, 5),
    ],
    "dense": [layers.Flatten(), layers.Dense(5, activation="softmax")],
    "dense without bias": [layers.Flatten(), layers.Dense(5, use_bias=False)],
    "dense on a picture": [CONV(4, 3), layers.Dense(5)],
    "dense with batch norm": [layers.Flatten(), layers.Dense(5), layers.BatchNormalization()],
    "products": [
        layers.Reshape((63, 3)),
        Apply(lambda x: ops.matmul(ops.softmax(ops.matmul(x, ops.transpose(x, (0, 2, 1)))), x)),
    ],
    "einsum": [SEQUENCE, Apply(lambda x: ops.einsum(SCORES, x, 2 * x))],
    "einsum dense": [SEQUENCE, layers.EinsumDense("abc,cd->abd", (None, 5), bias_axes="d")],
    "einsum dense to heads": [
        SEQUENCE,
        layers.EinsumDense("abc,cde->abde", (None, 2, 5), bias_axes="de"),
        layers.EinsumDense("abde,def->abf", (None, 6), bias_axes="f"),
    ],
    "einsum dense over rows": [SEQUENCE, layers.EinsumDense("abc,bd->adc", (4, None))],
    "multi-head": [SEQUENCE, self_attention(layers.MultiHeadAttention(3, 5, name="mha"))],
    "multi-head across": [SEQUENCE, Across(layers.MultiHeadAttention(3, 5, value_dim=4))],
    "multi-head of a picture": [
        CONV(4, 2),
        self_attention(layers.MultiHeadAttention(2, 3, attention_axes=(1, 2), name="mha2")),
    ],
    "grouped queries": [SEQUENCE, self_attention(layers.GroupQueryAttention(5, 4, 2, name="gqa"))],
    "dot": [SEQUENCE, self_attention(layers.Attention(use_scale=True, name="attention"))],
    "additive": [SEQUENCE, self_attention(layers.AdditiveAttention(name="additive"))],
}
