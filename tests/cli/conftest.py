"""What the tests of the commands share."""

import pytest

from mobilezoo import export_coreml, mobilenet, randomize_weights


@pytest.fixture(scope="session")
def package(tmp_path_factory):
    """A classifier of 7 animals, with its `m.keras` beside it."""
    path = tmp_path_factory.mktemp("package") / "m.mlpackage"
    model = randomize_weights(mobilenet((64, 96, 3), alpha=0.25, classes=7))
    model.save(path.with_name("m.keras"))
    export_coreml(model, path, labels=["ant", "bee", "cat", "dog", "eel", "fox", "gnu"])
    return path
