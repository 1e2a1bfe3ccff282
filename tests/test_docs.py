"""What the documentation says is what the code has."""

import importlib.util
import re
from importlib.metadata import version
from pathlib import Path

import keras
import pytest

import mobilezoo
from mobilezoo.runtime import limits
from mobilezoo.runtime.simple.opening import MODELS

ROOT = Path(__file__).parent.parent


def made(script):
    """The page that a script makes."""
    spec = importlib.util.spec_from_file_location("make", ROOT / "docs" / script)
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    return make.text()


@pytest.mark.skipif(
    not hasattr(keras.layers, "AdaptiveAveragePooling2D"),
    reason="the page lists the layers of a newer Keras",
)
def test_the_page_of_operations_is_what_the_tables_give():
    assert (ROOT / "docs" / "operations.md").read_text() == made("make_operations.py")


@pytest.mark.skipif(
    not version("coremltools").startswith("9."),
    reason="the page says what coremltools 9 knows of each op",
)
def test_the_page_of_the_runtimes_operations_is_what_the_table_gives():
    page = ROOT / "docs" / "runtime-operations.md"

    assert page.read_text() == made("make_runtime_operations.py")


def test_the_page_on_running_names_every_kind_of_model_that_is_one_formula():
    page = (ROOT / "docs" / "running.md").read_text()

    named = re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)

    assert sorted(named) == sorted(MODELS)


def test_the_page_of_a_networks_layers_is_what_the_table_gives():
    page = ROOT / "docs" / "network-layers.md"

    assert page.read_text() == made("make_network_layers.py")


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


def test_the_limits_on_untrusted_files_are_those_of_the_runtime():
    text = (ROOT / "docs" / "untrusted-files.md").read_text()

    rows = dict(re.findall(r"^\| `(MOST_\w+)` \| ([^|]+) \|", text, re.MULTILINE))

    written = {
        name: eval(said.replace(",", "").replace("^", "**"), {}) for name, said in rows.items()
    }
    assert written == {
        name: value for name, value in vars(limits).items() if name.startswith("MOST_")
    }
