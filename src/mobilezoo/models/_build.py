"""What every family's builder does before and after its own network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
from keras import layers

from mobilezoo.data.preprocessing import set_preprocessing
from mobilezoo.data.source import set_weights_source
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.models._input import network_input
from mobilezoo.models._options import (
    InputShape,
    Weights,
    check_classifier,
    check_counts,
    check_pooling,
    check_weights,
)
from mobilezoo.weights import (
    Dialect,
    WeightFile,
    fetch,
    find,
    is_checkpoint,
    load_checkpoint,
    load_keras_file,
)


class Network:
    """A network that is being built, with the arguments that all builders share.

    Opening it checks them; `head` and `finish` close it. Their defaults and what is said of them
    here are those of every builder, unless it says otherwise itself.

    Args:
        input_shape: as the user gave it; None means `default`, or free sides without a top.
        default: (height, width, channels) in pixels.
        minimum: shortest side in pixels.
        dropout: rate before the classifier, 0 <= dropout < 1.
        include_top: whether the classifier is part of the network.
        weights: None for random ones, "imagenet", or the path of a Keras weight file.
        input_tensor: symbolic tensor to build on, instead of `input_shape`.
        pooling: without a top: "avg" or "max" for a vector, None for the last feature map.
        classes: outputs of the classifier.
        classifier_activation: of the classifier; None returns logits.
        name: of the model; default the function's.

    Attributes:
        inputs: the symbolic input, (batch, height, width, channels).
        include_top: as given; so are `weights`, `classes` and `dropout`.
        activation: of the classifier; None for logits.
        classifier: name of the layer that gives the answer, "probabilities" or "logits".

    Raises:
        InvalidArgumentError: says which argument, what is required and what to do.
    """

    def __init__(
        self,
        input_shape: tuple[int | None, ...] | None,
        default: InputShape,
        minimum: int,
        *,
        dropout: float,
        include_top: bool = True,
        weights: Weights = None,
        input_tensor: Any = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: str | None = "softmax",
        name: str | None = None,
    ) -> None:
        check_counts(classes=classes)
        check_classifier(dropout, classifier_activation)
        check_pooling(pooling, include_top=include_top)
        check_weights(weights)
        self.inputs = network_input(
            input_shape, input_tensor, include_top=include_top, default=default, minimum=minimum
        )
        self.include_top = include_top
        self.classes = classes
        self.dropout = dropout
        linear = keras.activations.get(classifier_activation) is keras.activations.linear
        self.activation = None if linear else classifier_activation
        self.classifier = "logits" if linear else "probabilities"
        self.weights = weights
        self._pooling, self._name = pooling, name

    @property
    def side(self) -> int | str:
        """The input's height in pixels, or "any": part of the name of some models."""
        return self.inputs.shape[1] or "any"

    def head(self, x: Any, classifier: Callable[[Any], Any] | None = None) -> Any:
        """What the network returns.

        Args:
            x: the last feature map, (batch, height, width, channels).
            classifier: the family's own, x -> (batch, classes). Default: the mean of each
                channel, dropout, one Dense layer.

        Returns:
            (batch, classes), or without a top the feature map, or its mean or maximum.
        """
        if self.include_top:
            return (classifier or self._classify_mean)(x)
        if self._pooling == "avg":
            return layers.GlobalAveragePooling2D(name="global_average_pool")(x)
        if self._pooling == "max":
            return layers.GlobalMaxPooling2D(name="global_max_pool")(x)
        return x

    def classify(self, x: Any, prefix: str = "") -> Any:
        """The last layer, (batch, units) -> (batch, classes); `prefix`: of its name."""
        name = prefix + self.classifier
        return layers.Dense(self.classes, activation=self.activation, name=name)(x)

    def activate(self, logits: Any) -> Any:
        """The answer, as a layer of its own: (batch, classes) -> (batch, classes)."""
        if self.activation is None:
            return logits
        return layers.Activation(self.activation, name="probabilities")(logits)

    def _classify_mean(self, x: Any) -> Any:
        x = layers.GlobalAveragePooling2D(name="global_average_pool")(x)
        x = layers.Dropout(self.dropout, name="dropout")(x)
        return self.classify(x)

    def finish(
        self,
        outputs: Any,
        architecture: str,
        *,
        preprocessing: str,
        name: str | None = None,
        published: Mapping[str, Any] | None = None,
        classifier: str | None = None,
        torch_names: Callable[[], Sequence[Dialect]] | None = None,
    ) -> keras.Model:
        """The model, with weights loaded and preprocessing attached.

        Args:
            outputs: symbolic output.
            architecture: name of the builder, which records of published weights have.
            preprocessing: of the pixels that it takes.
            name: of the model where the user gives none; default `architecture`.
            published: options that decide the published file; None where none is published.
            classifier: name of the layer whose outputs are the classes, where it is not
                `self.classifier`.
            torch_names: for torchvision's and timm's checkpoints, layer -> its name there.

        Raises:
            InvalidArgumentError: no such weights, or they do not fit.
        """
        name = self._name or name or architecture
        sources = keras.utils.get_source_inputs(self.inputs)
        source = sources[0] if len(sources) == 1 else sources
        model = keras.Model(source, outputs, name=name)
        before = set(keras.Model(source, self.inputs).layers)  # the caller's, under input_tensor
        own = [layer for layer in model.layers if layer not in before]
        if self.weights == "imagenet":
            if published is None:
                raise InvalidArgumentError(
                    f"There are no published weights for {name}. Pass weights=None, or the path "
                    "of a file."
                )
            record = find(architecture, self.include_top, self.inputs.shape, **published)
            fresh = _fresh_classifier(own, classifier or self.classifier, record)
            _load(name, own, fetch(record), torch_names, fresh)
            set_weights_source(model, f"{record.url}; licence: {record.licence}")
        elif self.weights is not None:
            _load(name, own, Path(self.weights).expanduser(), torch_names)
        if self.inputs is not source:  # the caller's own layers come first, with pixels of theirs
            return model
        return set_preprocessing(model, preprocessing)


def _load(
    name: str,
    own: list[keras.Layer],
    path: Path,
    torch_names: Callable[[], Sequence[Dialect]] | None,
    fresh: str | None = None,
) -> None:
    if not is_checkpoint(path):
        load_keras_file(name, own, path, fresh=fresh)
        return
    if torch_names is None:
        raise InvalidArgumentError(
            f"'{path}' is a checkpoint of PyTorch, which {name} cannot take. Pass a Keras weight "
            "file (.weights.h5 or .h5)."
        )
    load_checkpoint(name, own, path, torch_names(), fresh=fresh)


def _fresh_classifier(own: list[keras.Layer], classifier: str, record: WeightFile) -> str | None:
    """The classifier's name if its classes are not those of the file: it keeps random weights."""
    for layer in own:
        if layer.name == classifier and layer.weights[0].shape[-1] != record.classes:
            return classifier
    return None
