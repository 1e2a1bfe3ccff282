"""What the builders build does not change unseen; `python -m tests.models.golden` writes anew."""

import pytest

from tests.models.golden import FOLDER, VARIANTS, describe


@pytest.mark.parametrize("file", VARIANTS)
def test_the_network_is_the_one_of_the_golden_file(file):
    name, options = VARIANTS[file]

    assert describe(name, options) == (FOLDER / f"{file}.tsv").read_text("utf-8")


def test_there_is_no_golden_file_without_a_network():
    assert {path.stem for path in FOLDER.glob("*.tsv")} == set(VARIANTS)
