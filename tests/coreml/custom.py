"""A custom layer for tests."""

from keras import layers


class Apply(layers.Layer):
    """A layer that applies a function in `keras.ops`."""

    def __init__(self, function, **options):
        super().__init__(**options)
        self.function = function

    def call(self, x):
        return self.function(x)
