"""`mobilezoo inspect`: a model's graph after folding, or what a Core ML file holds."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mobilezoo import _environment
from mobilezoo.benchmark.table import columns
from mobilezoo.cli import model as model_argument
from mobilezoo.errors import InvalidArgumentError

if TYPE_CHECKING:
    from mobilezoo.inspection import Inspection

_CORE_ML = (".mlpackage", ".mlmodel", ".mlmodelc")


def inspect(arguments: Namespace) -> None:
    """`mobilezoo inspect`: print one or the other."""
    if _is_core_ml(arguments):
        _inspect_file(arguments)
        return
    for option in ("json", "layers"):
        if getattr(arguments, option):
            raise InvalidArgumentError(
                f"--{option} is for Core ML files; '{arguments.model}' is a Keras model, whose "
                "layers are all shown."
            )
    _environment.import_quietly()
    _inspect_model(arguments)


def _is_core_ml(arguments: Namespace) -> bool:
    """Whether MODEL is meant as a Core ML file: by its name, or because there is something."""
    if model_argument.is_file(arguments):
        return False
    path = Path(arguments.model)
    if path.suffix in _CORE_ML:
        return True
    from mobilezoo.finding.variants import ALIASES, networks

    return arguments.model not in {*networks(), *ALIASES} and path.exists()


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


def _inspect_file(arguments: Namespace) -> None:
    _refuse_builder_options(arguments)
    _environment.import_quietly()
    from mobilezoo.cli.inspection_page import layer_table, page
    from mobilezoo.inspection import inspect_coreml

    found: Inspection = inspect_coreml(arguments.model)
    if arguments.json:
        print(json.dumps(found.to_dict(), indent=1, ensure_ascii=False))
    else:
        print(page(found))
        print()
        print(layer_table(found, everything=arguments.layers))


def _refuse_builder_options(arguments: Namespace) -> None:
    given: Sequence[str] = list(model_argument.builder_options(arguments))
    if arguments.weights == "random":
        given = ["weights", *given]
    if arguments.imports:
        given = ["import", *given]
    if given:
        raise InvalidArgumentError(
            f"'{arguments.model}' is a Core ML file; {', '.join(given)}: such options are for "
            "networks of the zoo and saved Keras models. Leave them out."
        )
