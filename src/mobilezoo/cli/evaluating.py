"""`mobilezoo evaluate`: accuracy of files on pictures of the user's own."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from mobilezoo import _environment
from mobilezoo.cli import model as model_argument
from mobilezoo.cli.commands import choose_preprocessing
from mobilezoo.errors import InvalidArgumentError

if TYPE_CHECKING:
    from mobilezoo.evaluation import Evaluation


def evaluate(arguments: Namespace) -> None:
    """Evaluate the files and print what was found; also of what was done when interrupted."""
    _environment.import_quietly()
    from mobilezoo.cli.evaluation_page import check_csv
    from mobilezoo.evaluation import EvaluationInterrupted
    from mobilezoo.evaluation import evaluate as measure

    check_csv(arguments.confusion, overwrite=arguments.overwrite)
    try:
        found = measure(
            arguments.files,
            arguments.data,
            model=_keras_model(arguments),
            labels=arguments.labels,
            crop=arguments.crop,
            size=arguments.size,
            preprocessing=choose_preprocessing(arguments),
            arithmetic=arguments.arithmetic,
            batch_size=arguments.batch_size,
            progress=True,
        )
    except EvaluationInterrupted as stopped:
        _show(stopped.evaluation, arguments)
        raise
    _show(found, arguments)


def _keras_model(arguments: Namespace) -> Any:
    """What --keras names.

    Raises:
        InvalidArgumentError: no weights for it, or options for it and no --keras.
    """
    if arguments.model is None:
        options = list(model_argument.builder_options(arguments))
        options += ["weights"] if arguments.weights == "random" else []
        if options:
            raise InvalidArgumentError(
                f"{', '.join(options)}: such options are for the network that --keras names. Pass "
                "--keras, or leave them out."
            )
        return None
    if model_argument.is_untrained(arguments):
        raise InvalidArgumentError(
            f"--keras {arguments.model} needs the weights that were exported: pass --weights, or a "
            ".keras file."
        )
    return model_argument.load(arguments)


def _show(found: Evaluation, arguments: Namespace) -> None:
    from mobilezoo.cli.evaluation_page import page, write_csv

    if arguments.json:
        print(json.dumps(found.to_dict(), indent=1, ensure_ascii=False))
    else:
        print(page(found))
    if arguments.confusion is not None:
        write_csv(found, arguments.confusion)
        print(f"wrote {arguments.confusion}", file=sys.stderr)
    sys.stdout.flush()
