"""How the pixels of a picture become the numbers that a network was trained on.

One record serves the NumPy function for Keras *and* the operations that `export_coreml` writes
into the Core ML file, so that the two cannot disagree.
"""

from __future__ import annotations

import difflib
import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from mobilezoo.errors import InvalidArgumentError

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Preprocessing:
    """network input = (pixel - mean[c]) * scale[c], for pixels 0..255.

    Attributes:
        name: what it is called.
        mean: per channel, in pixel units and in the network's channel order.
        scale: per channel, in the network's channel order; 1 / deviation in pixel units.
        bgr: whether the network takes blue first.
    """

    name: str
    mean: tuple[float, ...] = (0.0,)
    scale: tuple[float, ...] = (1.0,)
    bgr: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise InvalidArgumentError(f"name={self.name!r} must be a text.")
        if not isinstance(self.bgr, (bool, np.bool_)):
            raise InvalidArgumentError(f"bgr={self.bgr!r} must be True or False.")
        for name in ("mean", "scale"):
            object.__setattr__(self, name, _numbers(name, getattr(self, name)))
        if 0 in self.scale:
            raise InvalidArgumentError(f"scale={self.scale} must not be 0: nothing would be left.")
        _check_range(self.mean, self.scale)

    def __call__(self, pixels: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Prepare RGB or grayscale pixels.

        Args:
            pixels: (..., height, width, channels), 0..255, RGB where there are 3 channels.

        Returns:
            float32 of the same shape, in the network's channel order.
        """
        values = np.asarray(pixels, np.float32)
        self.check_channels(values.shape[-1])
        if self.bgr:
            values = values[..., ::-1]
        mean, scale = np.asarray(self.mean, np.float32), np.asarray(self.scale, np.float32)
        prepared: npt.NDArray[np.float32] = (values - mean) * scale
        return prepared

    def to_json(self) -> str:
        """The record as text, for a file's metadata."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Preprocessing:
        """The record that `to_json` wrote.

        Raises:
            InvalidArgumentError: the text is something else.
        """
        try:
            fields = json.loads(text)
            mean, scale = (tuple(map(float, fields[key])) for key in ("mean", "scale"))
            return cls(str(fields["name"]), mean, scale, bool(fields["bgr"]))
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidArgumentError(f"Not a preprocessing record: {text[:100]!r}.") from error

    def check_channels(self, channels: int) -> None:
        """Raise InvalidArgumentError if the record is for another number of channels."""
        needed = max(len(self.mean), len(self.scale), 3 if self.bgr else 1)
        if needed not in (1, channels):
            raise InvalidArgumentError(
                f"preprocessing '{self.name}' is for {needed} channels; the input has {channels}."
            )


def _numbers(name: str, given: Any) -> tuple[float, ...]:
    """1 or 3 finite numbers of a tuple, a list or an array; NumPy's as plain ones."""
    values = given.tolist() if isinstance(given, np.ndarray) else given
    if not isinstance(values, (list, tuple)) or len(values) not in (1, 3):
        raise InvalidArgumentError(
            f"{name}={given!r} must be a tuple of 1 or 3 numbers, such as (1.0,)."
        )
    for value in values:
        real = isinstance(value, (int, float, np.integer, np.floating))
        if not real or isinstance(value, bool) or not math.isfinite(value):
            raise InvalidArgumentError(f"{name}={given!r} must hold finite numbers.")
    return tuple(value if type(value) in (int, float) else float(value) for value in values)


def _check_range(mean: tuple[float, ...], scale: tuple[float, ...]) -> None:
    """Refuse the numbers of pixels 0..1, as torchvision states them.

    Means between 0 and 1 hardly move pixels 0..255, and scales above 1, deviations below 1, take
    them beyond what any network was trained on.
    """
    small_mean = any(mean) and all(abs(number) < 1 for number in mean)
    large_scale = all(abs(number) > 1 for number in scale)
    given = [("mean", mean, 255.0)] if small_mean else []
    if large_scale:
        given.append(("scale", scale, 1 / 255))
    if given:
        found = " and ".join(f"{name}={numbers}" for name, numbers, _ in given)
        instead = " and ".join(
            f"{name}={tuple(float(f'{number * factor:.6g}') for number in numbers)}"
            for name, numbers, factor in given
        )
        raise InvalidArgumentError(
            f"{found}: for pixels 0..1, and Core ML's are 0..255. Multiply means by 255 and "
            f"divide scales by 255: {instead}."
        )


# Sources: keras.applications.imagenet_utils ("tf", "caffe", "torch").
_RECORDS = {
    record.name: record
    for record in (
        Preprocessing("none"),
        Preprocessing("unit", scale=(1 / 255,)),
        Preprocessing("tf", mean=(127.5,), scale=(1 / 127.5,)),
        Preprocessing("caffe", mean=(103.939, 116.779, 123.68), bgr=True),
        Preprocessing(
            "torch",
            mean=(0.485 * 255, 0.456 * 255, 0.406 * 255),
            scale=(1 / (0.229 * 255), 1 / (0.224 * 255), 1 / (0.225 * 255)),
        ),
    )
}

# For errors: what to do where a record is needed and not known.
SAY_PREPROCESSING = (
    "Pass preprocessing='none' if the model takes 0..255 itself, or 'unit' (x/255), 'tf' "
    "(x/127.5-1), 'caffe', 'torch', or a mobilezoo.Preprocessing. Models that Keras saved and "
    "loaded have lost theirs: mobilezoo.describe(name) prints that of every network"
)

_of_model: WeakKeyDictionary[Any, Preprocessing] = WeakKeyDictionary()
# Operation that reads a network's input -> its record; None where networks disagree.
_of_reader: WeakKeyDictionary[Any, Preprocessing | None] = WeakKeyDictionary()


def preprocessing(spec: str | Preprocessing) -> Preprocessing:
    """The record called `spec`, or `spec` itself.

    Args:
        spec: "none" (pixels 0..255 as they are), "unit" (x / 255), "tf" (x / 127.5 - 1),
            "caffe" (BGR, ImageNet mean subtracted), "torch" (ImageNet mean and standard
            deviation), or a `Preprocessing`.

    Raises:
        InvalidArgumentError: no record has that name.
    """
    if isinstance(spec, Preprocessing):
        return spec
    if not isinstance(spec, str) or spec not in _RECORDS:
        close = difflib.get_close_matches(str(spec), _RECORDS, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise InvalidArgumentError(
            f"Unknown preprocessing {spec!r}. Choose {', '.join(_RECORDS)}, or pass a "
            f"mobilezoo.Preprocessing.{hint}"
        )
    return _RECORDS[spec]


def set_preprocessing(model: keras.Model, spec: str | Preprocessing) -> keras.Model:
    """Remember how pictures must be prepared for `model`; returns the model.

    Models made of its layers, from the same input on, inherit the record.
    """
    record = preprocessing(spec)
    _of_model[model] = record
    for reader in _readers(model):
        same = _of_reader.get(reader, record) == record
        _of_reader[reader] = record if same else None
    return model


def preprocessing_of(model: keras.Model) -> Preprocessing | None:
    """The record that goes with a model, None if it is not known.

    It is the model's own, or that of the network which reads the model's input, such as a backbone
    under a new head. Layers that act in training only, such as augmentation, may come in between.
    With others there, or networks that disagree, it is not known. A file that Keras saved does not
    keep it.
    """
    own = _of_model.get(model)
    if own is not None:
        return own
    readers = _readers(model)
    known = {_of_reader[reader] for reader in readers if reader in _of_reader}
    known |= {record for reader in readers if (record := preprocessing_of(reader)) is not None}
    return known.pop() if len(known) == 1 else None


def _readers(model: Any) -> set[Any]:
    """The operations that read the one input of a model; none of a layer, or of several inputs."""
    return _follow(model)[0]


def _follow(model: Any) -> tuple[set[Any], bool]:
    """The operations that read the one input, and whether the model gives it back.

    Layers that act in training only hand it on, so those behind them are meant.
    """
    model = getattr(model, "_functional", model)  # of a Sequential
    inputs: list[Any] = getattr(model, "inputs", None) or []
    if len(inputs) != 1:
        return set(), False
    same = {id(inputs[0])}
    readers = set()
    by_depth: dict[int, Any] = getattr(model, "_nodes_by_depth", {})
    for depth in sorted(by_depth, reverse=True):  # from the input on
        for node in by_depth[depth]:
            if not any(id(tensor) in same for tensor in node.input_tensors):
                continue
            if _hands_on(node.operation):
                same.update(map(id, node.output_tensors))
            else:
                readers.add(node.operation)
    return readers, all(id(tensor) in same for tensor in model.outputs)


def _hands_on(operation: Any) -> bool:
    """Whether a layer, or a model such as one of augmentation, gives its input back."""
    from mobilezoo._training_only import vanishes_at_inference  # imports Keras

    return vanishes_at_inference(operation) or _follow(operation)[1]
