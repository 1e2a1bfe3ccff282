"""Layers that Keras does not have; `models` builds with them, `graph` represents them.

A `.keras` file names them. Keras finds them there once `graph` or `models` has been imported, as
`from mobilezoo import export_coreml` (or `verify`, or any network) does.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import keras
from keras import ops

from mobilezoo.errors import InvalidArgumentError

AUXILIARY_LOSS_WEIGHT = 0.3  # Szegedy et al., 2014, arXiv:1409.4842, section 5


@keras.saving.register_keras_serializable("mobilezoo")
class LocalResponseNormalization(keras.layers.Layer):  # type: ignore[misc]
    """x / (k + alpha / size * s) ^ beta, s the sum of squares over `size` neighbouring channels.

    Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural Networks", NIPS
    2012, section 3.3, with alpha divided by `size`, as Caffe, Core ML and ONNX define it. At the
    first and last channels the neighbours that do not exist count for nothing. Computes in
    float32 also where a mixed-precision policy says float16, whose squares end at 65504.

    Args:
        size: channels of the sum, centred on each: an odd number.
        alpha: weight of the mean square, >= 0.
        beta: exponent.
        k: what is added to the mean square, > 0.
        kwargs: those of every layer.

    Input and output: (batch, height, width, channels).

    Raises:
        InvalidArgumentError: `size` is even or below 1, `alpha` negative, or `k` not above 0.
    """

    def __init__(
        self,
        size: int = 5,
        alpha: float = 1e-4,
        beta: float = 0.75,
        k: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(size, int) or size < 1 or size % 2 == 0:
            raise InvalidArgumentError(f"size={size!r} must be an odd number of channels.")
        if not k > 0 or not alpha >= 0:
            raise InvalidArgumentError(
                f"alpha={alpha!r}, k={k!r}: alpha must be at least 0 and k above 0, or the "
                "denominator can vanish."
            )
        self.size, self.alpha, self.beta, self.k = size, float(alpha), float(beta), float(k)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def call(self, inputs: Any) -> Any:
        """Normalize."""
        x = ops.cast(inputs, keras.backend.result_type(inputs.dtype, "float32"))
        radius, channels = self.size // 2, x.shape[-1]
        squares = ops.pad(ops.square(x), ((0, 0), (0, 0), (0, 0), (radius, radius)))
        total = squares[..., :channels]
        for shift in range(1, self.size):
            total = total + squares[..., shift : shift + channels]
        y = x * ops.power(self.k + self.alpha / self.size * total, -self.beta)
        return ops.cast(y, inputs.dtype)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The input's."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """What `from_config` takes."""
        own = {"size": self.size, "alpha": self.alpha, "beta": self.beta, "k": self.k}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("mobilezoo")
class WithAuxiliaryClassifiers(keras.Model):  # type: ignore[misc]
    """A network whose first output is the answer and whose others exist for training alone.

    In training the model returns all outputs; `fit(x, y)` compares each with `y` and adds 0.3
    times the loss of every other output to the first one's. Otherwise the other outputs are not
    computed: `predict`, `evaluate`, metrics and an exported file have the first one alone. Inside
    another model the heads do not train; train the network itself.

    Args:
        inputs: symbolic inputs.
        outputs: a list of symbolic outputs, the answer first.
        name: of the model.
    """

    @cached_property
    def _answer(self) -> Callable[..., Any]:
        """The call of the network without its heads; a bare function, lest Keras save it too."""
        call: Callable[..., Any] = keras.Model(self.input, self.outputs[0], name=self.name).call
        return call

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """All outputs as a list in training, else the answer."""
        if training:
            return super().call(inputs, training=training, mask=mask)
        return self._answer(inputs, training=training, mask=mask)

    def compute_output_spec(
        self, inputs: Any, training: bool | None = None, mask: Any = None
    ) -> Any:
        """Shapes and types of what `call` returns."""
        outputs = super().compute_output_spec(inputs)
        return outputs if training else outputs[0]

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        """The loss of the answer, and AUXILIARY_LOSS_WEIGHT times that of each other output."""
        answer, *others = _listed(y_pred)
        loss = super().compute_loss(x, y, answer, sample_weight, training)
        for other in others:
            loss = loss + AUXILIARY_LOSS_WEIGHT * self._compile_loss(y, other, sample_weight)
        return loss

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The metrics of the answer."""
        return super().compute_metrics(x, y, _listed(y_pred)[0], sample_weight)


def _listed(outputs: Any) -> list[Any]:
    return list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
