"""The `mobilezoo` command: the one room that prints.

Exit codes: 0 done, 1 it failed (a file is damaged, a verification departs), 2 it was asked for
something that cannot be (unknown option, bad argument), 130 interrupted.
"""

from __future__ import annotations

import importlib
import os
import sys
import traceback
import warnings
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from mobilezoo.cli.parser import make_parser
from mobilezoo.cli.wording import as_options
from mobilezoo.errors import (
    Float16OverflowWarning,
    InvalidArgumentError,
    MobilezooError,
    OutputExistsError,
    PreprocessingWarning,
)

_WARNINGS = (Float16OverflowWarning, PreprocessingWarning)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    parser = make_parser()
    arguments = parser.parse_args(argv)
    if not hasattr(arguments, "run"):
        parser.print_help()
        return 2
    try:
        module, _, function = arguments.run.partition(":")
        with _own_warnings():
            getattr(importlib.import_module(module), function)(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # as `mobilezoo list | head` ends: who read has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (InvalidArgumentError, OutputExistsError) as error:
        return _report(error, 2, arguments)
    except MobilezooError as error:
        return _report(error, 1, arguments)
    except KeyboardInterrupt:
        print("mobilezoo: stopped.", file=sys.stderr)
        return 130
    except Exception as error:  # whatever it is, the user gets one line unless they ask for more
        return _report(error, 1, arguments)
    return 0


@contextmanager
def _own_warnings() -> Iterator[None]:
    """The library's warnings in one line each, without a place in its source."""
    shown = warnings.showwarning

    def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:
        if issubclass(category, _WARNINGS):
            print(f"mobilezoo: warning: {message}", file=sys.stderr)
        else:
            shown(message, category, *place, **more)

    with warnings.catch_warnings():
        for category in _WARNINGS:
            warnings.simplefilter("default", category)
        warnings.showwarning = show
        yield


def _report(error: Exception, code: int, arguments: Namespace) -> int:
    if arguments.debug:
        traceback.print_exc()
    message = "; ".join(line.strip() for line in str(error).splitlines() if line.strip())
    if isinstance(error, MobilezooError):
        message = as_options(message, arguments)
    else:
        message = f"{type(error).__name__}: {message} (--debug shows where)"
    print(f"mobilezoo: error: {message}", file=sys.stderr)
    return code
