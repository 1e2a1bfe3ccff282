"""Random weights under which a network's output depends on its input.

A freshly built deep network ignores its input: MobileNetV2's logits are around 1e-11 whatever
the picture. Any comparison of such a network passes. `randomize_weights` gives every layer
values that keep the signal alive, so that tests and demonstrations mean something.

Source: layer-sequential unit variance, Mishkin and Matas, "All you need is a good init",
arXiv:1511.06422, Algorithm 1; batch norms are scaled by the power of their actual inputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from mobilezoo.data.preprocessing import Preprocessing, preprocessing_of
from mobilezoo.data.preprocessing import preprocessing as find_preprocessing
from mobilezoo.errors import MobilezooError
from mobilezoo.graph import capture
from mobilezoo.graph.calls import intercept_layers
from mobilezoo.graph.inputs import check_model, symbolic_inputs

_LOGITS_DEVIATION = 1.0  # of the last layer: more would amplify rounding, less the flatness
_LEAST_SPREAD = 0.25  # of the last layer's outputs over the examples
# Standard deviation of what a layer makes, by what reads it; elsewhere 1.
_FOR_SWISH = 4.0  # acts like ReLU there; around 1, 10 % more in is 12 % more out, layer by layer
_FOR_SUM = 0.3  # of a branch beside a shortcut, past which errors go without growing
_SWISHES = frozenset({"gelu", "hard_silu", "mish", "silu"})
_SMALLEST = 1e-12
_EXAMPLES = 8  # fewer leave the directions that they do not span unscaled
_MOVES = frozenset({"cast", "crop", "flip", "gather", "reshape", "select", "tile", "transpose"})
_AROUND_ZERO = Preprocessing("around zero", mean=(127.5,), scale=(1 / 64,))  # [-2, 2]


def randomize_weights(
    model: keras.Model, seed: int = 0, *, preprocessing: str | Preprocessing | None = None
) -> keras.Model:
    """Replace all weights by lively random ones, the same for the same seed.

    Args:
        model: built.
        seed: of the random numbers.
        preprocessing: with which the model will be exported, as for `export_coreml`; the
            weights fit inputs of that range. Default: the record of a model that mobilezoo
            built, else numbers in [-2, 2].

    Returns:
        The model, whose weights have been replaced.

    Raises:
        InvalidArgumentError: no built Keras model.
    """
    check_model(model)
    record = None if preprocessing is None else find_preprocessing(preprocessing)
    inputs = random_inputs(model, _EXAMPLES, seed, record=record)  # before anything is changed
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        if variable.dtype.startswith(("float", "bfloat")):
            variable.assign(_draw(rng, variable))
    last, deviations = _roles(model, keras.tree.map_structure(lambda each: each[:1], inputs))

    def calibrate(layer: Any, _: str, proceed: Callable[[], Any], args: Any, kwargs: Any) -> Any:
        deviation = deviations.get(layer, 1.0)
        if isinstance(layer, keras.layers.BatchNormalization):
            _set_statistics(layer, args[0] if args else kwargs["inputs"], deviation)
        elif layer is last:
            _spread_examples(layer, proceed)
        elif _has_kernel(layer):
            made = _before_activation(layer, proceed)
            _scale(layer, deviation / max(float(made.std()), _SMALLEST))
        return proceed()

    with intercept_layers(model, calibrate):
        model(inputs, training=False)
    return model


def random_inputs(
    model: keras.Model,
    count: int,
    seed: int = 0,
    *,
    input_shape: Sequence[int] | None = None,
    record: Preprocessing | None = None,
    any_size: bool = False,
) -> Any:
    """Inputs in the structure that the model takes, each clearly different from the others.

    A model with known preprocessing gets prepared pictures, one that begins with a rescaling
    layer pixels 0..255, any other numbers in [-2, 2]. Inputs that choose rows of tables get whole
    numbers below the size of the smallest.

    Args:
        model: built.
        count: number of examples.
        seed: of the random numbers.
        input_shape: (height, width, channels), for a model whose input has free sides; they
            are 32 by default.
        record: preprocessing of pictures; default: what is known of the model.
        any_size: whether `input_shape` may have other sides than the model declares.
    """
    rng = np.random.default_rng(seed)
    if record is None:
        around = find_preprocessing("none") if _takes_pixels(model) else _AROUND_ZERO
        record = preprocessing_of(model) or around

    def draw(tensor: Any) -> npt.NDArray[np.float32]:
        shape = tuple(32 if size is None else size for size in tensor.shape[1:])
        pictures = random_pictures(rng, (count, *shape))
        if tensor.name in rows:
            return (pictures.astype(np.int64) * rows[tensor.name] // 256).astype(np.float32)
        if "int" in tensor.dtype:
            return pictures.astype(np.float32)
        return (record if len(shape) == 3 else _AROUND_ZERO)(pictures)

    structure = symbolic_inputs(model, input_shape, any_size=any_size)
    rows = _rows(model, keras.tree.flatten(structure))
    return keras.tree.map_structure(draw, structure)


def random_pictures(rng: np.random.Generator, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Pictures (n, height, width, channels), 0..255, of coarse patches under fine noise.

    White noise would give every picture the same averages, and pooling would see no difference.
    """
    count, *sides = shape
    coarse = rng.uniform(0, 255, (count, *(min(4, side) for side in sides)))
    for axis, side in enumerate(sides, start=1):
        patch = -(-side // coarse.shape[axis])
        coarse = np.repeat(coarse, patch, axis=axis).take(np.arange(side), axis=axis)
    noise = rng.uniform(-40, 40, shape)
    return np.clip(coarse + noise, 0, 255).astype(np.uint8)


def _rows(model: keras.Model, inputs: Sequence[Any]) -> dict[str, int]:
    """Inputs that choose rows of tables -> the number of rows of the smallest table reached."""
    tables = [x.input_dim for x in model._flatten_layers() if hasattr(x, "input_dim")]
    whole = [tensor.name for tensor in inputs if "int" in tensor.dtype]
    if not tables and not whole:
        return {}
    try:
        graph = capture(model)
    except MobilezooError:  # what cannot be exported can be run all the same
        return dict.fromkeys(whole, min(tables)) if tables else {}
    reached = {spec.name: {tensor.name} for spec, tensor in zip(graph.inputs, inputs, strict=True)}
    rows: dict[str, int] = {}
    for node in graph.nodes:
        made_of = set().union(*(reached.get(name, set()) for name in node.inputs))
        if node.kind == "embedding":
            size = node.weights["table"].shape[0]
            rows.update({name: min(size, rows.get(name, size)) for name in made_of})
        elif node.kind in _MOVES:
            reached[node.name] = made_of
    return rows


def _takes_pixels(model: keras.Model) -> bool:
    """Whether one of the first layers brings pixels to the network's own range."""
    rescaling = (keras.layers.Rescaling, keras.layers.Normalization)
    return any(isinstance(layer, rescaling) for layer in model.layers[:3])


def _roles(model: keras.Model, inputs: Any) -> tuple[Any, dict[Any, float]]:
    """The last layer with a kernel, and the deviations of layers for which it is not 1."""
    last: Any = None
    deviations: dict[Any, float] = {}
    # tensor's id -> when, by which layer and that it was made: an id is its own while it lives
    made_by: dict[int, tuple[int, Any, Any]] = {}

    def note(layer: Any, _: str, proceed: Callable[[], Any], args: Any, kwargs: Any) -> Any:
        nonlocal last
        read = [made_by.get(id(tensor)) for tensor in keras.tree.flatten((args, kwargs))]
        makers = [maker for _, maker, _ in sorted(filter(None, read), key=lambda item: item[0])]
        has_kernel = _has_kernel(layer)
        if isinstance(layer, keras.layers.Add) and makers:
            deviations[makers[-1]] = _FOR_SUM  # what was made last is the branch
        elif _is_swish(layer):
            deviations.update(dict.fromkeys([layer] if has_kernel else makers, _FOR_SWISH))
        made = proceed()
        if has_kernel:
            last = layer
        if has_kernel or isinstance(layer, keras.layers.BatchNormalization):
            made_by[id(made)] = (len(made_by), layer, made)
        return made

    with intercept_layers(model, note):
        model(inputs, training=False)
    return last, deviations


def _has_kernel(layer: Any) -> bool:
    """Whether what the layer makes is scaled by its kernel; not that of a recurrent cell."""
    return hasattr(layer, "kernel") and not hasattr(layer, "recurrent_kernel")


def _is_swish(layer: Any) -> bool:
    return getattr(getattr(layer, "activation", None), "__name__", None) in _SWISHES


def _draw(rng: np.random.Generator, variable: Any) -> npt.NDArray[np.float32]:
    shape, name = tuple(variable.shape), variable.name
    if len(shape) == 4 and shape[-1] == 1:  # depthwise: around the mean, which smooth maps pass
        values = rng.normal(1.0, 1.0, shape) / (shape[0] * shape[1])
    elif len(shape) > 1:  # a kernel: about unit variance out for unit variance in
        values = rng.normal(0.0, math.prod(shape[:-1]) ** -0.5, shape)
    elif "gamma" in name or "variance" in name or "scale" in name:
        values = rng.uniform(0.5, 1.5, shape)
    else:
        values = rng.normal(0.0, 0.2, shape)
    drawn: npt.NDArray[np.float32] = np.asarray(values, np.float32)
    return drawn


def _set_statistics(layer: Any, inputs: Any, deviation: float) -> None:
    """Moving statistics under which the batch norm makes outputs of about that deviation.

    The mean is near zero: subtracting the true one would leave small differences of large
    numbers, layer after layer, and rounding would drown the signal. A channel that is nearly
    silent is scaled like an average one.
    """
    x = np.asarray(keras.ops.convert_to_numpy(inputs), np.float64)
    axes = tuple(axis for axis in range(x.ndim) if axis != layer.axis % x.ndim)
    mean = 0.1 * x.mean(axes, keepdims=True)
    power = ((x - mean) ** 2).mean(axes)
    layer.moving_mean.assign(mean.ravel())
    layer.moving_variance.assign((np.maximum(power, power.mean()) + 1e-3) / deviation**2)


def _spread_examples(layer: Any, proceed: Callable[[], Any]) -> None:
    """Scale and shift the last layer so that its outputs differ from example to example.

    What the examples have in common is subtracted by the bias: softmax would see little else.
    Where they hardly differ, the difference is amplified; not elsewhere, as rounding grows too.
    """
    made = _before_activation(layer, proceed)
    common = made.mean(axis=0)
    gain = _LOGITS_DEVIATION / max(float(made.std()), _SMALLEST)
    spread = float((made - common).std()) * gain
    gain *= max(1.0, _LEAST_SPREAD / max(spread, _SMALLEST))
    if getattr(layer, "bias", None) is not None:
        channel_means = common.reshape(-1, common.shape[-1]).mean(axis=0)
        layer.bias.assign((layer.bias - channel_means) * gain)
    _scale(layer, gain)


def _before_activation(layer: Any, proceed: Callable[[], Any]) -> npt.NDArray[np.float64]:
    """What the layer makes without its activation function."""
    activation = getattr(layer, "activation", None)
    if activation is not None:
        layer.activation = keras.activations.linear
    try:
        made = proceed()
    finally:
        if activation is not None:
            layer.activation = activation
    return np.asarray(keras.ops.convert_to_numpy(made), np.float64)


def _scale(layer: Any, gain: float) -> None:
    layer.kernel.assign(layer.kernel * gain)
