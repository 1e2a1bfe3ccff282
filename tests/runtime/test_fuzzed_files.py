"""Files that chance damages: each opens and runs, or is refused by an error of ours.

The numbers are those of `python fuzz/files.py`, on a few of its good files; that script makes more
of them, in a process that is watched. docs/untrusted-files.md says what it found.
"""

from collections import Counter

import pytest

from fuzz.mutation import hostile_file
from fuzz.networks import write_networks
from fuzz.programs import write_program
from fuzz.trial import try_file

from .conftest import leave_folders_to_python

PROGRAMS = ("everything", "attention", "lstm", "conv_groups", "tile", "slice", "gather", "non_zero")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    with leave_folders_to_python():
        write_networks(folder)
        for name in PROGRAMS:
            write_program(folder, name)
    networks, programs = (sorted(folder.glob(f"*.{kind}")) for kind in ("mlmodel", "mlpackage"))
    return [*networks[::3], *programs * 3]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # numbers that are none, in NumPy's sums
@pytest.mark.parametrize("first", range(0, 400, 50))
def test_a_damaged_file_runs_or_is_refused(corpus, tmp_path, first):
    endings = Counter()

    for number in range(first, first + 50):
        folder = tmp_path / str(number)
        folder.mkdir()
        path, done = hostile_file(number, corpus, folder)
        try:
            endings[try_file(path)] += 1
        except Exception as error:
            raise AssertionError(f"file {number}: {done}") from error

    assert endings["ran"] > 5
    assert sum(count for ending, count in endings.items() if "CoreMLFileError" in ending) > 10
