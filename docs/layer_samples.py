"""One way to use each layer of Keras, for the list in docs/operations.md.

Each sample gives the layer's arguments and the shapes of what it is called with. A class of Keras
that is neither here nor in `ELSEWHERE` fails the test of that page.
"""

from __future__ import annotations

import keras
from keras import layers

from mobilezoo.graph.abstract import without_weights

SEQUENCE = (9, 6)
PICTURE = (12, 10, 6)
VOLUME = (6, 5, 4, 3)

# not of models that see, or not able to be part of a functional model
ELSEWHERE = frozenset(
    {
        "CategoryEncoding", "Discretization", "Equalization", "FlaxLayer", "GRUCell",
        "HashedCrossing", "Hashing", "InputLayer", "IntegerLookup", "JaxLayer", "LSTMCell", "Layer",
        "MaxNumBoundingBoxes", "MelSpectrogram", "Pipeline", "STFTSpectrogram", "SimpleRNNCell",
        "StackedRNNCells", "StringLookup", "TFSMLayer", "TextVectorization", "TorchModuleWrapper",
        "Wrapper",
    }
)  # fmt: skip

_ONE = {
    SEQUENCE: {
        "AdaptiveAveragePooling1D": [3], "AdaptiveMaxPooling1D": [4], "AveragePooling1D": [2],
        "Conv1D": [4, 3], "Conv1DTranspose": [4, 3], "Cropping1D": [(1, 2)],
        "DepthwiseConv1D": [3], "EinsumDense": ["abc,cd->abd", (None, 5)], "GRU": [4],
        "GlobalAveragePooling1D": [], "GlobalMaxPooling1D": [], "LSTM": [4], "Masking": [],
        "MaxPooling1D": [2], "SeparableConv1D": [4, 3], "SimpleRNN": [4], "SpatialDropout1D": [0.5],
        "UpSampling1D": [2], "ZeroPadding1D": [1],
    },
    PICTURE: {
        "Activation": ["gelu"], "ActivityRegularization": [], "AdaptiveAveragePooling2D": [4],
        "AdaptiveMaxPooling2D": [5], "AlphaDropout": [0.5], "AveragePooling2D": [2],
        "BatchNormalization": [], "CenterCrop": [7, 5], "Conv2D": [4, 3],
        "Conv2DTranspose": [4, 3], "Cropping2D": [(1, 2)], "Dense": [4], "DepthwiseConv2D": [3],
        "Dropout": [0.5], "ELU": [], "Flatten": [], "GaussianDropout": [0.5],
        "GaussianNoise": [0.5], "GlobalAveragePooling2D": [], "GlobalMaxPooling2D": [],
        "GroupNormalization": [3], "Identity": [], "LayerNormalization": [], "LeakyReLU": [],
        "MaxPooling2D": [2], "Normalization": [], "PReLU": [], "Permute": [(2, 3, 1)],
        "RMSNormalization": [], "ReLU": [], "Rescaling": [0.5, 1.0], "Reshape": [(8, 90)],
        "Resizing": [6, 14], "SeparableConv2D": [4, 3], "Softmax": [], "SpatialDropout2D": [0.5],
        "UnitNormalization": [], "UpSampling2D": [2], "ZeroPadding2D": [1],
    },
    VOLUME: {
        "AdaptiveAveragePooling3D": [2], "AdaptiveMaxPooling3D": [2], "AveragePooling3D": [2],
        "Conv3D": [4, 2], "Conv3DTranspose": [4, 2], "Cropping3D": [1],
        "GlobalAveragePooling3D": [], "GlobalMaxPooling3D": [], "MaxPooling3D": [2],
        "SpatialDropout3D": [0.5], "UpSampling3D": [2], "ZeroPadding3D": [1],
    },
    (5, 8, 3): {"ConvLSTM1D": [4, 2]},
    (3, 8, 7, 2): {"ConvLSTM2D": [4, 2]},
    (3, 5, 8, 7, 2): {"ConvLSTM3D": [4, 2]},
    (6,): {"RepeatVector": [3], "Embedding": [10, 4], "ReversibleEmbedding": [10, 4]},
    (12, 10, 3): {
        "AugMix": [], "AutoContrast": [], "ContrastLimitedAdaptiveHistogramEqualization": [],
        "RandAugment": [], "Solarization": [],
        "CutMix": [], "MixUp": [], "RandomColorDegeneration": [0.5], "RandomBrightness": [0.5],
        "RandomColorJitter": [0.5], "RandomContrast": [0.5], "RandomCrop": [12, 10],
        "RandomElasticTransform": [0.5], "RandomErasing": [0.5], "RandomFlip": [],
        "RandomGaussianBlur": [0.5], "RandomGrayscale": [0.5], "RandomHue": [0.5],
        "RandomInvert": [0.5], "RandomPerspective": [0.5], "RandomPosterization": [4],
        "RandomRotation": [0.5], "RandomSaturation": [0.5], "RandomSharpness": [0.5],
        "RandomShear": [0.5], "RandomTranslation": [0.5, 0.5], "RandomZoom": [0.5],
    },
}  # fmt: skip
_TWO = ("Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract")


def names() -> list[str]:
    """Every layer class of Keras, under one of its names."""
    found: dict[type, str] = {}
    for name in sorted(dir(layers)):
        item = getattr(layers, name)
        if isinstance(item, type) and issubclass(item, layers.Layer):
            own = item.__name__ if hasattr(layers, item.__name__) else name
            found[item] = found.get(item, own)
    return sorted(found.values())


def sample(name: str, *, abstract: bool = True) -> keras.Model:
    """A model of one layer (class `name`); `abstract`: without weights in memory.

    Raises:
        KeyError: there is no sample.
    """
    if not abstract:
        return _sample(name)
    with without_weights():
        return _sample(name)


def _sample(name: str) -> keras.Model:
    for shape, classes in _ONE.items():
        if name in classes:
            inputs = keras.Input(shape)
            options = {"factor": 0.5} if name in ("RandomGrayscale", "RandomPerspective") else {}
            arguments = [] if options else classes[name]
            options |= {"mean": [0.5] * 6, "variance": [4.0] * 6} if name == "Normalization" else {}
            return keras.Model(inputs, getattr(layers, name)(*arguments, **options)(inputs))
    if name in _TWO:
        inputs = [keras.Input(PICTURE), keras.Input(PICTURE)]
        return keras.Model(inputs, getattr(layers, name)()(inputs))
    if name in _SPECIAL:
        return _SPECIAL[name]()
    raise KeyError(name)


def _attention(layer: keras.Layer, *, listed: bool = False) -> keras.Model:
    query, value = keras.Input(SEQUENCE), keras.Input((7, 6))
    made = layer([query, value]) if listed else layer(query, value)
    return keras.Model([query, value], made)


def _around(layer: keras.Layer, shape: tuple[int, ...]) -> keras.Model:
    inputs = keras.Input(shape)
    return keras.Model(inputs, layer(inputs))


_SPECIAL = {
    "AdditiveAttention": lambda: _attention(layers.AdditiveAttention(), listed=True),
    "Attention": lambda: _attention(layers.Attention(), listed=True),
    "Bidirectional": lambda: _around(layers.Bidirectional(layers.LSTM(3)), SEQUENCE),
    "Dot": lambda: _attention(layers.Dot(axes=2), listed=True),
    "GroupQueryAttention": lambda: _attention(layers.GroupQueryAttention(4, 4, 2)),
    "Lambda": lambda: _around(layers.Lambda(lambda x: keras.ops.sin(x)), PICTURE),
    "MultiHeadAttention": lambda: _attention(layers.MultiHeadAttention(2, 3)),
    "RNN": lambda: _around(layers.RNN(layers.LSTMCell(3)), SEQUENCE),
    "SpectralNormalization": lambda: _around(
        layers.SpectralNormalization(layers.Conv2D(4, 3)), PICTURE
    ),
    "TimeDistributed": lambda: _around(layers.TimeDistributed(layers.Dense(3)), SEQUENCE),
}
