"""What the documentation says is what the code has."""

import importlib.util
import re
from pathlib import Path

import keras
import pytest

import mobilezoo

ROOT = Path(__file__).parent.parent


@pytest.mark.skipif(
    not hasattr(keras.layers, "AdaptiveAveragePooling2D"),
    reason="the page lists the layers of a newer Keras",
)
def test_the_page_of_operations_is_what_the_tables_give():
    spec = importlib.util.spec_from_file_location("make", ROOT / "docs" / "make_operations.py")
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)

    assert (ROOT / "docs" / "operations.md").read_text() == make.text()


def test_every_link_between_pages_leads_somewhere():
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "CHANGELOG.md"]
    for page in pages:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_public_name_is_documented():
    text = "".join(path.read_text() for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")])

    missing = [name for name in mobilezoo.__all__ if name not in text and name != "__version__"]

    assert missing == []


def test_public_functions_have_docstrings_with_args():
    for name in mobilezoo.__all__:
        thing = getattr(mobilezoo, name)
        if callable(thing):
            assert "Args:" in thing.__doc__ or "Attributes:" in thing.__doc__ or (
                name == "list_models"
            ), name  # fmt: skip
