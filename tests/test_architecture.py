"""The house stands as docs/decisions.md draws it: imports run downwards, files stay small."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "mobilezoo"

# A room may import the rooms named here, itself, and the ground floor.
ALLOWED = {
    "graph": set(),
    "data": set(),
    "runtime": set(),
    "inspection": {"runtime", "data"},
    "randomize": {"graph", "data"},
    "coreml": {"graph", "data", "runtime"},
    "verification": {"coreml", "graph", "data", "runtime", "randomize"},
    "evaluation": {"benchmark", "data", "inspection", "runtime", "verification"},
    "weights": {"data"},
    "models": {"data", "weights"},
    "benchmark": {"graph", "models", "runtime", "coreml", "data"},
    "finding": {"benchmark", "coreml", "data", "graph", "models", "weights"},
    "cli": {
        "benchmark", "coreml", "data", "evaluation", "finding", "graph", "inspection", "models",
        "randomize", "runtime", "verification", "weights",
    },
}  # fmt: skip
GROUND = {
    "errors",
    "_content",
    "_environment",
    "_labels",
    "_layers",
    "_protobuf",
    "_training_only",
    "_version",
}
DOORS = {"__init__", "__main__"}  # fmt: skip
FILES = sorted(SOURCE.rglob("*.py"))


def room_of(path):
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported_modules(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module == "mobilezoo":
                yield from (f"mobilezoo.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_run_downwards(path):
    room = room_of(path)
    if room in DOORS:
        return
    allowed = ALLOWED.get(room, set()) | GROUND | {room}

    used = {name.split(".")[1] for name in imported_modules(path) if name.startswith("mobilezoo.")}

    assert used <= allowed


def test_every_room_has_a_rule():
    rooms = {room_of(path) for path in FILES} - GROUND - DOORS

    assert rooms == set(ALLOWED)


def test_the_runtime_knows_neither_keras_nor_the_exporter():
    used = {name for path in FILES if room_of(path) == "runtime" for name in imported_modules(path)}

    assert not any(name.split(".")[0] == "keras" for name in used)
    assert not any(name.startswith("coremltools.converters") for name in used)


def test_the_graph_does_not_know_coremltools():
    used = {name for path in FILES if room_of(path) == "graph" for name in imported_modules(path)}

    assert not any(name.split(".")[0] == "coremltools" for name in used)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_no_file_grows_past_300_lines(path):
    assert len(path.read_text().splitlines()) <= 300
