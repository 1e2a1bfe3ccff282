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
    if untrained:
        print("note: no --weights given, so this network is untrained", file=sys.stderr)
    exported = export_coreml(
        model,
        arguments.output,
        precision=arguments.precision,
        inputs=arguments.inputs,
        preprocessing=arguments.preprocessing,
        input_shape=model_argument.file_input_shape(arguments),
        labels=_labels(arguments, model),
        overwrite=arguments.overwrite,
    )
    print(exported.user_defined_metadata["com.mobilezoo.folded"])
    print(f"wrote {arguments.output}: {megabytes(size_bytes(arguments.output))}, "
          f"{arguments.precision}, iOS 15 and later")  # fmt: skip
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


def predict(arguments: Namespace) -> None:
    """`mobilezoo predict`: the best answers for each picture."""
    if arguments.top < 1:
        raise InvalidArgumentError(f"--top {arguments.top}: pass at least 1.")
    _environment.import_quietly()
    from mobilezoo.data.images import open_picture
    from mobilezoo.runtime import load_coreml

    program = load_coreml(arguments.file)
    feature = program.inputs[0]
    if feature.kind != "image" or len(program.inputs) != 1:
        raise InvalidArgumentError(
            f"'{arguments.file}' takes {feature.kind} input '{feature.name}', not one image."
        )
    mode = "L" if feature.color == "GRAYSCALE" else "RGB"
    size = (feature.width or 0, feature.height or 0)  # an image always has both
    pictures = [open_picture(path, size, mode, arguments.crop) for path in arguments.images]
    for path, picture in zip(arguments.images, pictures, strict=True):
        print(path)
        for label, probability in _best(program, program.predict({feature.name: picture}))[
            : arguments.top
        ]:
            # only a classifier is known to give probabilities
            score = f"{probability:.4g}" if program.labels is None else f"{probability:.2%}"
            print(f"  {score:>7}  {label}")


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


def _labels(arguments: Namespace, model: Any) -> str | None:
    """What was asked for; else the zoo's labels where the number of classes is the zoo's."""
    if arguments.labels is not None:
        return None if arguments.labels == "none" else str(arguments.labels)
    from mobilezoo.data.labels import find_labels
    from mobilezoo.models.registry import entry, list_models

    if arguments.model not in list_models():
        return None
    labels = entry(arguments.model).labels
    return labels if model.output_shape == (None, len(find_labels(labels))) else None


def _best(program: Any, answer: dict[str, Any]) -> list[tuple[str, float]]:
    """(label, probability), the largest first; numbers of classes where there are no labels."""
    if program.labels is not None:
        (name,) = [feature.name for feature in program.outputs if feature.kind == "dictionary"]
        probabilities = answer[name]
        pairs = [(str(label), float(value)) for label, value in probabilities.items()]
    else:
        values = next(iter(answer.values())).ravel()
        pairs = [(f"class {number}", float(value)) for number, value in enumerate(values)]
    return sorted(pairs, key=lambda pair: -pair[1])
