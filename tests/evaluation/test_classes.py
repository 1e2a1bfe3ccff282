"""Classes of files and data: by name, or one clear error that lists both."""

import unicodedata

import pytest

from mobilezoo.data.labels import imagenet_labels
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.evaluation.classes import class_numbers, column_order


def test_names_are_matched_exactly_and_in_any_order():
    assert class_numbers(("blue", "red"), ("red", "green", "blue")) == (2, 0)


def test_a_folder_of_macos_has_decomposed_letters():
    decomposed = unicodedata.normalize("NFD", "Käfer")

    assert class_numbers((decomposed,), ("Ameise", "Käfer")) == (1,)


def test_wordnet_ids_are_imagenets_classes():
    assert class_numbers(("n01443537", "tench"), imagenet_labels()) == (1, 0)


def test_wordnet_ids_are_nothing_else():
    with pytest.raises(InvalidArgumentError, match="n01443537"):
        class_numbers(("n01443537",), ("tench", "goldfish"))


def test_unknown_names_are_one_error_that_lists_both():
    with pytest.raises(InvalidArgumentError) as caught:
        class_numbers(("Red", "green", "pink"), ("red", "green"))

    assert str(caught.value) == (
        "The data have classes that the file does not know: 'Red', 'pink' (2). The data's are "
        "'Red', 'green', 'pink' (3); the file's are 'red', 'green' (2). Give folders (or labels) "
        "exactly the file's names, or leave these out."
    )


def test_long_lists_are_cut():
    names = tuple(f"c{i}" for i in range(100))

    with pytest.raises(InvalidArgumentError, match=r"'c11' and 88 more \(100\)"):
        class_numbers(names, ("a", "b"))


def test_scores_of_another_order_are_turned_into_the_evaluations():
    order = column_order("m", ("c", "a", "b"), 3, ("a", "b", "c"), "the labels of 'n'")

    assert order.tolist() == [1, 2, 0]


def test_scores_without_labels_are_in_the_classes_order():
    assert column_order("m", None, 3, ("a", "b", "c"), "").tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("own", "width", "message"),
    [
        (None, 4, "'m' has 4 classes without labels; the classes of the data are 'a', 'b'"),
        (("a", "d"), 2, r"'m' has the labels 'a', 'd' \(2\); the classes of the data are 'a', 'b'"),
        (("a", "b", "c"), 3, "All files must tell the same classes apart"),
    ],
)
def test_a_file_of_other_classes_is_refused(own, width, message):
    with pytest.raises(InvalidArgumentError, match=message):
        column_order("m", own, width, ("a", "b"), "the classes of the data")
