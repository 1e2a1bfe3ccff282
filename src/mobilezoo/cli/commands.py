"""What each command does."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import Any

from mobilezoo import _environment
from mobilezoo.benchmark.sizes import size_bytes
from mobilezoo.benchmark.table import columns, megabytes
from mobilezoo.cli import model as model_argument
from mobilezoo.errors import InvalidArgumentError


def export(arguments: Namespace) -> None:
    """`mobilezoo export`: build or load, write, say what was written."""
    _environment.import_quietly()
    from mobilezoo.coreml import export_coreml
    from mobilezoo.coreml.save import check_output
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
        overwrite=arguments.overwrite,
    )
    print(exported.user_defined_metadata["com.mobilezoo.folded"])
    print(f"wrote {arguments.output}: {megabytes(size_bytes(arguments.output))}, "
          f"{arguments.precision}, iOS 15 and later, "
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


def inspect(arguments: Namespace) -> None:
    """`mobilezoo inspect`: a model's graph before and after folding, or a package's contents."""
    _environment.import_quietly()
    path = arguments.model.rstrip("/")
    if path.endswith((".mlpackage", ".mlmodel")):
        _inspect_package(path)
    else:
        _inspect_model(arguments)


def _inspect_model(arguments: Namespace) -> None:
    from mobilezoo.graph import capture, fold

    graph = capture(model_argument.load(arguments), model_argument.file_input_shape(arguments))
    folded, report = fold(graph)
    rows = [("tensor", "operation", "shape", "weights")]
    for node in folded.nodes:
        size = sum(weight.size for weight in node.weights.values())
        shape = "x".join(str(side or "?") for side in node.output.shape[1:])
        rows.append((node.name, node.kind, shape, f"{size:,}" if size else ""))
    print(columns(rows))
    print(f"\n{graph.name}: {report}")


def _inspect_package(path: str) -> None:
    from mobilezoo.runtime import load_coreml

    program = load_coreml(path)
    print(f"{path}: {megabytes(size_bytes(path))}, {program.metadata.minimum_os} and later")
    for role, features in (("input", program.inputs), ("output", program.outputs)):
        for feature in features:
            sides = "x".join(str(side) for side in feature.shape)
            what = f"{feature.width}x{feature.height} {feature.color}"
            shape = what if feature.kind == "image" else sides
            print(f"{role:7} {feature.name}: {feature.kind} {shape}".rstrip())
    for key, value in sorted(program.metadata.user_defined.items()):
        print(f"{key}: {value}")
    rows = [("operation", "count")]
    rows += [(kind, str(number)) for kind, number in program.op_types().most_common()]
    print(columns(rows))


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
