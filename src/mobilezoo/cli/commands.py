"""What each command does."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from mobilezoo import _environment
from mobilezoo.benchmark.sizes import size_bytes
from mobilezoo.benchmark.table import megabytes
from mobilezoo.cli import compression
from mobilezoo.cli import model as model_argument
from mobilezoo.data.preprocessing import Preprocessing
from mobilezoo.errors import InvalidArgumentError


def export(arguments: Namespace) -> None:
    """`mobilezoo export`: build or load, write, say what was written."""
    _environment.import_quietly()
    from mobilezoo.coreml import export_coreml
    from mobilezoo.coreml.save import check_output
    from mobilezoo.coreml.target import first_release
    from mobilezoo.verification import verify as compare

    check_output(arguments.output, arguments.overwrite)
    _check_verifiable(arguments)
    options = _options(arguments)
    model = model_argument.load(arguments)
    labels = choose_labels(arguments, model.output_shape)
    if model_argument.is_untrained(arguments):
        print("note: no --weights given, so this network is untrained", file=sys.stderr)
    exported = export_coreml(
        model,
        arguments.output,
        labels=labels,
        overwrite=arguments.overwrite,
        **options,
    )
    oldest = first_release("iOS", exported.get_spec().specificationVersion)
    print(exported.user_defined_metadata["com.mobilezoo.folded"])
    print(f"wrote {arguments.output}: {megabytes(size_bytes(arguments.output))}, "
          f"{exported.user_defined_metadata['com.mobilezoo.precision']}, "
          f"iOS {oldest.version} and later, "
          f"{_labels_in_words(labels, exported.user_defined_metadata)}")  # fmt: skip
    if arguments.verify:
        print(compare(model, arguments.output, limit=arguments.limit))


def _labels_in_words(labels: str | None, user_defined: Mapping[str, str]) -> str:
    """Which, and what they added to the network."""
    from mobilezoo.coreml.classes import COMPLEMENT_ADDED, SOFTMAX_ADDED

    if labels is None:
        return "no labels"
    added = {SOFTMAX_ADDED: " for a softmax of its logits", COMPLEMENT_ADDED: " for 1 - p and p"}
    return f"labels: {labels}{''.join(added[key] for key in added if key in user_defined)}"


def _check_verifiable(arguments: Namespace) -> None:
    """Refuse, before anything is written, what --verify would refuse afterwards."""
    if arguments.limit is not None and not arguments.verify:
        raise InvalidArgumentError("--limit is for --verify: pass both, or leave it out.")
    if arguments.verify and model_argument.is_untrained(arguments):
        raise InvalidArgumentError(
            "--verify proves nothing for an untrained network. Pass --weights, such as "
            "--weights random to try things out."
        )
    if arguments.limit is not None:
        from mobilezoo.coreml.compress.choice import find_precisions, members, precision_name
        from mobilezoo.verification.limits import find_limits

        wanted = find_precisions(compression.precisions(arguments))
        few_bits = any(item.is_compressed for item in members(wanted))
        name = precision_name(wanted)
        find_limits(arguments.limit, name, arguments.output, separable=few_bits)


def _options(arguments: Namespace) -> dict[str, Any]:
    """What `export_coreml` is told besides the labels."""
    from mobilezoo import coreml

    flexible = arguments.flexible
    return {
        "precision": compression.precisions(arguments),
        "keep_ends": arguments.keep_ends,
        "inputs": arguments.inputs,
        "preprocessing": choose_preprocessing(arguments),
        "input_shape": model_argument.file_input_shape(arguments),
        "flexible": flexible and getattr(coreml, flexible.kind)(*flexible.arguments),
        "minimum_deployment_target": arguments.minimum_deployment_target,
        "updatable": arguments.updatable or None,
        "author": arguments.author,
        "license": arguments.license,
        "short_description": arguments.description,
        "version": arguments.model_version,
    }


def choose_preprocessing(arguments: Namespace) -> str | Preprocessing | None:
    """The record that is named, or one's own of --mean, --std or --scale, and --bgr."""
    own = {name: getattr(arguments, name) for name in ("mean", "std", "scale", "bgr")}
    given = [f"--{name}" for name, value in own.items() if value not in (None, False)]
    name: str | None = arguments.preprocessing
    if not given:
        return name
    if name is not None:
        raise InvalidArgumentError(
            f"--preprocessing {name} says all; leave it out, or {', '.join(given)}."
        )
    if own["std"] and own["scale"]:
        raise InvalidArgumentError("--std and --scale exclude each other: scale is 1 / std.")
    scale = tuple(1 / number for number in own["std"] or ()) or own["scale"] or (1.0,)
    return Preprocessing("own", own["mean"] or (0.0,), scale, own["bgr"])


def verify(arguments: Namespace) -> None:
    """`mobilezoo verify`: run the file, run Keras, compare."""
    _environment.import_quietly()
    from mobilezoo.verification import verify as compare

    if model_argument.is_untrained(arguments):
        raise InvalidArgumentError(
            f"verify needs the weights that were exported: pass --weights with "
            f"'{arguments.model}', or a .keras file."
        )
    print(compare(model_argument.load(arguments), arguments.file, limit=arguments.limit))


def choose_labels(arguments: Namespace, output_shape: Any) -> str | None:
    """What was asked for; else the zoo's labels for probabilities of as many classes as it has.

    Args:
        arguments: of the command.
        output_shape: of the model; a list of shapes where it has several outputs.
    """
    if arguments.labels is not None:
        return None if arguments.labels == "none" else str(arguments.labels)
    if model_argument.is_file(arguments):
        return None
    from mobilezoo.data.labels import find_labels
    from mobilezoo.models.registry import entry

    options = model_argument.builder_options(arguments)
    labels = entry(arguments.model).labels
    probabilities = options.get("classifier_activation", "softmax") in ("softmax", "sigmoid")
    return labels if probabilities and output_shape == (None, len(find_labels(labels))) else None
