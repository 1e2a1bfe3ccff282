"""Folders of pictures: which classes, which files, and what is left out."""

import keras
import pytest

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.evaluation.folder import FolderSource
from tests.evaluation.conftest import plain


def test_classes_are_the_sorted_folders_as_keras_reads_them(folder):
    dataset = keras.utils.image_dataset_from_directory(folder, verbose=False)

    assert FolderSource(folder).names == tuple(dataset.class_names) == ("blue", "green", "red")


def test_pictures_lie_anywhere_in_their_class(folder):
    examples = FolderSource(folder).examples()

    found = {example.path.removeprefix(f"{folder}/"): example.label for example in examples}
    assert found == {
        "blue/1.png": 0, "green/1.png": 1, "green/2.png": 1,
        "red/1.png": 2, "red/2.jpg": 2, "red/deep/er/3.png": 2,
    }  # fmt: skip


def test_classes_come_mixed_and_always_in_the_same_order(tmp_path):
    for label in ("a", "b"):
        (tmp_path / label).mkdir()
        for number in range(50):
            (tmp_path / label / f"{number}.png").touch()

    first, second = (
        [example.label for example in FolderSource(tmp_path).examples()] for _ in range(2)
    )

    assert first == second
    assert 3 < sum(first[:20]) < 17


def test_hidden_files_and_folders_are_no_classes_and_no_pictures(folder):
    (folder / ".DS_Store").touch()
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / "__MACOSX").mkdir()
    (folder / "red" / "._1.png").touch()
    (folder / "red" / ".cache").mkdir()
    (folder / "red" / ".cache" / "1.png").touch()
    (folder / "readme.txt").touch()

    source = FolderSource(folder)

    assert source.names == ("blue", "green", "red")
    assert source.count == 6
    assert {item.path.removeprefix(f"{folder}/"): item.reason for item in source.left_out} == {
        ".DS_Store": "hidden", ".ipynb_checkpoints": "hidden", "__MACOSX": "hidden",
        "red/._1.png": "hidden", "red/.cache": "hidden", "readme.txt": "in no class's folder",
    }  # fmt: skip


def test_an_empty_folder_is_a_class(folder):
    (folder / "violet").mkdir()

    assert FolderSource(folder).names == ("blue", "green", "red", "violet")


def test_a_class_may_be_a_link(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    plain("red").save(tmp_path / "elsewhere" / "1.png")
    (folder / "violet").symlink_to(tmp_path / "elsewhere", target_is_directory=True)

    assert FolderSource(folder).count == 7


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing", "does not exist"),
        ("file.png", "is a file, no folder"),
        ("empty", "has no folders in it. Give each class a folder"),
        ("hollow", "has no pictures in its folders"),
        ("m.mlpackage", "is a Core ML file; the folder of pictures comes last"),
    ],
)
def test_what_is_no_folder_of_classes_is_refused(tmp_path, name, message):
    (tmp_path / "file.png").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "hollow" / "red").mkdir(parents=True)

    with pytest.raises(InvalidArgumentError, match=message):
        FolderSource(tmp_path / name)
