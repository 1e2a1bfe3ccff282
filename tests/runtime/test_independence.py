"""The runtime shares no code with what it verifies."""

import ast
from pathlib import Path

import pytest

import mobilezoo.runtime

ROOM = Path(mobilezoo.runtime.__file__).parent
FORBIDDEN = ("keras", "mobilezoo.coreml", "mobilezoo.graph", "mobilezoo.models")
OF_COREMLTOOLS = ("coremltools.proto",)


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", sorted(ROOM.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOM)))
def test_the_runtime_imports_neither_keras_nor_the_exporter(path):
    # reading the statements: coremltools itself imports Keras, so sys.modules says nothing
    names = list(imported(path))

    assert not [name for name in names if f"{name}.".startswith(tuple(f"{f}." for f in FORBIDDEN))]
    assert all(name.startswith(OF_COREMLTOOLS) for name in names if name.startswith("coremltools"))
    assert "tf.keras" not in path.read_text()
