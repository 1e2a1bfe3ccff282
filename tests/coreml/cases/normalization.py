"""Normalization."""

from keras import layers

from mobilezoo._layers import LocalResponseNormalization

CONV = layers.Conv2D
SEQUENCE = layers.Reshape((9, 21))
CASES = {
    "batch norm alone": [layers.BatchNormalization()],
    "batch norm over rows": [CONV(4, 2), layers.BatchNormalization(axis=1)],
    "batch norm after flatten": [layers.Flatten(), layers.ReLU(), layers.BatchNormalization()],
    "batch norm of a sequence": [SEQUENCE, layers.BatchNormalization()],
    "local response": [CONV(8, 2), LocalResponseNormalization(5, alpha=2.0)],
    "local response of pixels": [LocalResponseNormalization(3, 0.5, 0.6, 2.0)],
    "layer norm after conv": [CONV(8, (3, 2)), layers.LayerNormalization(epsilon=1e-6)],
    "layer norm over all": [CONV(4, 2), layers.LayerNormalization(axis=(1, 2, 3))],
    "layer norm over all of a sequence": [SEQUENCE, layers.LayerNormalization(axis=(1, 2))],
    "layer norm over rows": [CONV(4, 2), layers.LayerNormalization(axis=1)],
    "layer norm without scale": [SEQUENCE, layers.LayerNormalization(scale=False)],
    "layer norm without centre": [SEQUENCE, layers.LayerNormalization(center=False)],
    "layer norm, plain": [layers.LayerNormalization(center=False, scale=False)],
    "group norm": [CONV(6, 2), layers.GroupNormalization(3)],
    "group norm, one group": [CONV(6, 2), layers.GroupNormalization(1, scale=False)],
    "instance norm": [CONV(6, 2), layers.GroupNormalization(-1)],
    "instance norm without epsilon": [
        layers.Rescaling(0.01), layers.GroupNormalization(-1, epsilon=0.0)
    ],
    "group norm of a sequence": [SEQUENCE, layers.GroupNormalization(7)],
    "unit norm": [CONV(4, 2), layers.UnitNormalization()],
    "unit norm over pixels": [CONV(4, 2), layers.UnitNormalization(axis=(1, 2))],
    "rms norm": [CONV(4, 2), layers.RMSNormalization()],
    "rms norm of a sequence": [SEQUENCE, layers.RMSNormalization()],
    "spectral norm": [layers.SpectralNormalization(CONV(4, (3, 2)))],
    "spectral norm of a dense layer": [
        layers.Flatten(), layers.SpectralNormalization(layers.Dense(4))
    ],
}  # fmt: skip
