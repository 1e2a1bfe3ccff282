"""The layers of Keras that act in training only: at inference they give their input back."""

from __future__ import annotations

from typing import Any

from keras import layers

TRAINING_ONLY = frozenset(
    {
        layers.ActivityRegularization,
        layers.AlphaDropout,
        layers.AugMix,
        layers.CutMix,
        layers.Dropout,
        layers.GaussianDropout,
        layers.GaussianNoise,
        layers.Identity,
        layers.MixUp,
        layers.RandAugment,
        layers.SpatialDropout1D,
        layers.SpatialDropout2D,
        layers.SpatialDropout3D,
        *(getattr(layers, name) for name in dir(layers) if name.startswith("Random")),
    }
)
_PIPELINE = getattr(layers, "Pipeline", None)  # of newer Keras


def vanishes_at_inference(layer: Any) -> bool:
    """Whether the layer is of exactly such a class, or a pipeline of such layers.

    Subclasses may compute something else.
    """
    if type(layer) is _PIPELINE:
        return all(map(vanishes_at_inference, layer.layers))
    return type(layer) in TRAINING_ONLY
