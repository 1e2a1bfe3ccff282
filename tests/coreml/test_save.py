"""Whatever happens while a package is written, the old one is whole or the new one is."""

import tempfile
from pathlib import Path

import pytest

from mobilezoo.coreml.save import check_output, replacing, temporary
from mobilezoo.errors import InvalidArgumentError, OutputExistsError


@pytest.fixture
def target(tmp_path):
    folder = tmp_path / "m.mlpackage"
    folder.mkdir()
    (folder / "old").touch()
    return folder


def content(folder):
    return sorted(item.name for item in folder.iterdir())


def write(path, name="new"):
    path.mkdir()
    (path / name).touch()


def test_the_new_package_takes_the_place_of_the_old_one(target):
    with replacing(target, overwrite=True) as fresh:
        write(fresh)

    assert content(target) == ["new"]
    assert content(target.parent) == ["m.mlpackage"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_failure_while_writing_keeps_the_old_package(target, error):
    def fail(fresh):
        write(fresh)
        raise error

    with pytest.raises(error), replacing(target, overwrite=True) as fresh:
        fail(fresh)

    assert content(target) == ["old"]
    assert content(target.parent) == ["m.mlpackage"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_failure_between_the_two_renames_keeps_the_old_package(target, monkeypatch, error):
    honest = Path.rename

    def rename(path, to):
        if path.name == "m.mlpackage" and Path(to) == target:
            raise error  # the fresh package cannot take the old one's place
        return honest(path, to)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(error), replacing(target, overwrite=True) as fresh:
        write(fresh)

    assert content(target) == ["old"]
    assert content(target.parent) == ["m.mlpackage"]


def test_what_comes_to_be_there_meanwhile_is_not_replaced(tmp_path):
    target = tmp_path / "m.mlpackage"

    def race(fresh):
        write(fresh)
        write(target, "somebody else's")

    with pytest.raises(OutputExistsError), replacing(target, overwrite=False) as fresh:
        race(fresh)

    assert content(target) == ["somebody else's"]
    assert content(tmp_path) == ["m.mlpackage"]


def test_a_folder_that_takes_no_new_files_is_refused(tmp_path, monkeypatch):
    def fail(**_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(tempfile, "mkdtemp", fail)

    with (
        pytest.raises(InvalidArgumentError, match="not writable: Read-only file system"),
        replacing(tmp_path / "m.mlpackage", overwrite=False),
    ):
        pass


def test_a_link_that_leads_nowhere_counts_as_something(tmp_path):
    (tmp_path / "m.mlpackage").symlink_to(tmp_path / "nowhere")

    with pytest.raises(OutputExistsError):
        check_output(tmp_path / "m.mlpackage", overwrite=False)


@pytest.mark.parametrize("content", ["precious.txt", None])
def test_what_is_no_package_is_not_replaced(tmp_path, content):
    target = tmp_path / "m.mlpackage"
    if content is None:
        target.write_text("a file")
    else:
        target.mkdir()
        (target / content).touch()

    with pytest.raises(InvalidArgumentError, match="is no Core ML package and is not replaced"):
        check_output(target, overwrite=True)


def test_a_temporary_package_that_fails_is_removed():
    with pytest.raises(KeyError), temporary() as folder:
        raise KeyError

    assert not folder.exists()


def test_the_new_file_takes_the_place_of_the_old_one(tmp_path):
    target = tmp_path / "m.mlmodel"
    target.write_text("old")

    with replacing(check_output(target, overwrite=True), overwrite=True) as fresh:
        fresh.write_text("new")

    assert target.read_text() == "new"
    assert content(tmp_path) == ["m.mlmodel"]


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_failure_while_writing_keeps_the_old_file(tmp_path, error):
    target = tmp_path / "m.mlmodel"
    target.write_text("old")

    def fail(fresh):
        fresh.write_text("half")
        raise error

    with pytest.raises(error), replacing(target, overwrite=True) as fresh:
        fail(fresh)

    assert target.read_text() == "old"
    assert content(tmp_path) == ["m.mlmodel"]


def test_a_folder_called_mlmodel_is_not_replaced(tmp_path):
    (tmp_path / "m.mlmodel").mkdir()

    with pytest.raises(InvalidArgumentError, match="is no file and is not replaced"):
        check_output(tmp_path / "m.mlmodel", overwrite=True)
