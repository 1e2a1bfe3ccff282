"""Networks as backbones: several feature maps instead of one answer."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import keras

from mobilezoo.data.preprocessing import preprocessing_of, set_preprocessing
from mobilezoo.errors import InvalidArgumentError


def backbone(model: keras.Model, endpoints: Sequence[str]) -> keras.Model:
    """The part of a network that computes some of its layers' outputs.

    Args:
        model: a network; its weights are shared, not copied.
        endpoints: names of layers, or patterns such as "stage2_block*_out", of which the last
            match counts.

    Returns:
        A model with one output per endpoint, in their order.

    Raises:
        InvalidArgumentError: no endpoints, or no such layer.
    """
    if isinstance(endpoints, str) or not endpoints:
        raise InvalidArgumentError(
            f"endpoints={endpoints!r} must be a list of at least one layer name of '{model.name}'."
        )
    outputs = [_output(_find(model, endpoint)) for endpoint in endpoints]
    part = keras.Model(model.input, outputs, name=model.name)
    prepared = preprocessing_of(model)
    return part if prepared is None else set_preprocessing(part, prepared)


def check_backbone(
    options: Mapping[str, Any], of_the_classifier: Sequence[str], *, features_only: bool
) -> None:
    """Check that no argument asks for what a backbone leaves out.

    Args:
        options: of the builder, `include_top` among them.
        of_the_classifier: names of those that have no effect without one.
        features_only: whether the outputs are maps alone; else they may be the classifier's.

    Raises:
        InvalidArgumentError: names the argument, which would have no effect.
    """
    if options.get("pooling") is not None:
        raise InvalidArgumentError(
            f"pooling={options['pooling']!r} makes one vector; a backbone returns the outputs of "
            "layers. Leave it out."
        )
    if features_only and options["include_top"]:
        raise InvalidArgumentError(
            "include_top=True adds a classifier, which a backbone of features_only=True does not "
            "have. Leave it out, or pass endpoints=[...] with the layers that you want."
        )
    if options["include_top"]:
        return
    found = next((name for name in of_the_classifier if name in options), None)
    if found is not None:
        way_out = "" if features_only else ", or pass include_top=True"
        raise InvalidArgumentError(
            f"{found}={options[found]!r} is of the classifier, which this backbone does not have. "
            f"Leave it out{way_out}."
        )


def _find(model: keras.Model, endpoint: str) -> Any:
    found = [layer for layer in model.layers if fnmatchcase(layer.name, endpoint)]
    if not found:
        names = [layer.name for layer in model.layers]
        close = difflib.get_close_matches(endpoint, names, n=3)
        hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
        raise InvalidArgumentError(
            f"'{model.name}' has no layer {endpoint!r}.{hint} The names are those of model.layers; "
            "those of the classifier need include_top=True."
        )
    return found[-1]


def _output(layer: Any) -> Any:
    """What a layer gives in the network; `output` of a submodel would be the tensor inside it."""
    return layer._inbound_nodes[-1].output_tensors[0]
