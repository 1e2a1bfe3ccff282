"""Messages of the library in the words of the command line."""

from __future__ import annotations

import re
from argparse import Namespace

_SPOKEN = ("preprocessing", "precision", "inputs", "labels", "limit", "flexible", "updatable",
           "minimum_deployment_target")  # fmt: skip


def as_options(message: str, arguments: Namespace) -> str:
    """`preprocessing='none'` -> `--preprocessing none`, where the command has that option.

    Args:
        message: of an error.
        arguments: of the command.
    """
    for name in _SPOKEN:
        if hasattr(arguments, name):
            option = "--" + name.replace("_", "-")
            message = re.sub(rf"\b{name}=(?:'([^']*)'|(\d[\d.e-]*\b))", rf"{option} \1\2", message)
            message = re.sub(rf"\b{name}=(?=[\s,.;)]|$)", option, message)
    return message
