"""What was written, as coremltools knows it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from coremltools.models import MLModel

from mobilezoo.coreml.save import replacing, temporary
from mobilezoo.coreml.target import Format

if TYPE_CHECKING:
    from coremltools.proto import Model_pb2

Writer = Callable[[Path], "Model_pb2.Model"]


def saved(write: Writer, target: Path | None, form: Format, overwrite: bool) -> MLModel:
    """What `write` makes at `target` or, without one, in a temporary folder.

    Args:
        write: writes a file and returns its specification.
        target: ends in ".mlpackage" or ".mlmodel".
        form: of the file.
        overwrite: whether a file at `target` may be replaced.

    Raises:
        OutputExistsError: something is at `target` and `overwrite` is false.
    """
    if target is None and form is Format.NEURAL_NETWORK:  # which is in memory, and in one file
        with tempfile.TemporaryDirectory() as folder:
            return saved(write, Path(folder) / "model.mlmodel", form, overwrite)
    with temporary() if target is None else replacing(target, overwrite) as fresh:
        specification = write(fresh)
    path = str(target or fresh)
    if sys.platform == "darwin":  # Core ML itself loads it, to predict with it
        return MLModel(path, is_temp_package=target is None)
    return _Written(path, target is None, specification)


class _Written(MLModel):  # type: ignore[misc]
    """A model whose specification is known: reading it again would take twice the file's size."""

    def __init__(self, path: str, temporary: bool, specification: Model_pb2.Model) -> None:
        self._known = specification
        super().__init__(path, is_temp_package=temporary, skip_model_load=True)

    def _get_proxy_and_spec(self, *_: Any, **__: Any) -> tuple[None, Model_pb2.Model, None]:
        """What coremltools asks for while it initializes a model; elsewhere than on a Mac."""
        return None, self._known, None
