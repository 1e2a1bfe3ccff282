"""--import: modules of one's own, which register layers that saved models are made of."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path

from mobilezoo.errors import InvalidArgumentError


def import_all(names: Iterable[str]) -> None:
    """Import modules by their names, as `python -m` finds them, or by the paths of their files.

    Raises:
        InvalidArgumentError: there is none, or it fails.
    """
    for name in names:
        try:
            _import(name)
        except ModuleNotFoundError as error:
            if error.name is None or not (name == error.name or name.startswith(f"{error.name}.")):
                raise _failed(name, error) from error
            raise InvalidArgumentError(
                f"--import {name}: there is no such module here or installed. Pass the path of a "
                "file that ends in .py, or a name that Python can import."
            ) from error
        except InvalidArgumentError:
            raise
        except Exception as error:  # the user's own code may fail in any way
            raise _failed(name, error) from error


def _import(name: str) -> None:
    path = Path(name).expanduser()
    if path.suffix != ".py":
        _find_in(Path.cwd())
        importlib.import_module(name)
        return
    if not path.is_file():
        raise InvalidArgumentError(f"--import {name}: there is no such file.")
    _find_in(path.resolve().parent)  # what the file itself imports may lie beside it
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise InvalidArgumentError(f"--import {name}: Python cannot import it.")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)
    spec.loader.exec_module(module)


def _find_in(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _failed(name: str, error: Exception) -> InvalidArgumentError:
    return InvalidArgumentError(f"--import {name} fails: {type(error).__name__}: {error}")
