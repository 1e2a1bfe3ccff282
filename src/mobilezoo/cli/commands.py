"""What each command does."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import Any

from mobilezoo import _environment
from mobilezoo.benchmark.sizes import size_bytes
from mobilezoo.benchmark.table import megabytes
from mobilezoo.cli import model as model_argument
from mobilezoo.errors import InvalidArgumentError


def export(arguments: Namespace) -> None:
    """`mobilezoo export`: build or load, write, say what was written."""
    _environment.import_quietly()
    from mobilezoo.coreml import export_coreml
    from mobilezoo.coreml.save import check_output
    from mobilezoo.coreml.target import first_release
    from mobilezoo.verification import verify as compare

    check_output(arguments.output, arguments.overwrite)
    untrained = not model_argument.is_file(arguments) and arguments.weights == "none"
    if untrained and arguments.verify:
        raise InvalidArgumentError(
            "--verify proves nothing for an untrained network. Pass --weights, such as "
            "--weights random to try things out."
        )
    model = model_argument.load(arguments)
    labels = choose_labels(arguments, model.output_shape)
    if untrained:
        print("note: no --weights given, so this network is untrained", file=sys.stderr)
    exported = export_coreml(
        model,
        arguments.output,
        precision=arguments.precision,
        inputs=arguments.inputs,
        preprocessing=arguments.preprocessing,
        input_shape=model_argument.file_input_shape(arguments),
        labels=labels,
        minimum_deployment_target=arguments.minimum_deployment_target,
        overwrite=arguments.overwrite,
    )
    oldest = first_release("iOS", exported.get_spec().specificationVersion)
    print(exported.user_defined_metadata["com.mobilezoo.folded"])
    print(f"wrote {arguments.output}: {megabytes(size_bytes(arguments.output))}, "
          f"{arguments.precision}, iOS {oldest.version} and later, "
          f"{'no labels' if labels is None else f'labels: {labels}'}")  # fmt: skip
    if arguments.verify:
        print(compare(model, arguments.output))


def verify(arguments: Namespace) -> None:
    """`mobilezoo verify`: run the file, run Keras, compare."""
    _environment.import_quietly()
    from mobilezoo.verification import verify as compare

    if not model_argument.is_file(arguments) and arguments.weights == "none":
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
