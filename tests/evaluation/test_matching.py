"""Which class of the data is which of the file's: labels, folders, numbers."""

import pytest

from mobilezoo import evaluate
from mobilezoo.errors import InvalidArgumentError
from tests.evaluation.conftest import COLORS, color_network
from tests.evaluation.test_evaluate import LABELS, PIXELS
from tests.runtime.conftest import build, ct, mb


def test_a_file_without_labels_has_the_sorted_folders_in_its_order(save, folder):
    found = evaluate(save(), folder)  # its outputs are red, green, blue

    assert found.classes == ("blue", "green", "red")
    assert found.files[0].confusion.tolist() == [[0, 0, 1], [0, 1, 1], [2, 1, 0]]


def test_labels_name_the_outputs_of_a_file_that_has_none(save, folder):
    found = evaluate(save(), folder, labels=list(COLORS))

    assert found.files[0].top1 == 4 / 6


def test_a_files_own_labels_are_not_overruled(labelled, folder):
    assert evaluate(labelled, folder, labels=list(COLORS)).pictures == 6

    with pytest.raises(InvalidArgumentError, match=r"has its own: 'red'.*Leave labels= out"):
        evaluate(labelled, folder, labels=["blue", "green", "red"])


def test_labels_given_twice_are_refused(save, folder):
    with pytest.raises(InvalidArgumentError, match=r"must differ; 'red' \(1\) are given twice"):
        evaluate(save(), folder, labels=["red", "green", "red"])


def test_numbers_as_labels_are_matched_as_text(save_package, folder):
    for name, number in (("red", "0"), ("green", "7"), ("blue", "2")):
        (folder / name).rename(folder / number)
    program = build(
        (1, 3, 20, 28), lambda x: mb.softmax(x=mb.reduce_mean(x=x, axes=[2, 3]), axis=1, name="y")
    )
    path = save_package(program, classifier_config=ct.ClassifierConfig([0, 7, 2]))

    found = evaluate(path, folder, preprocessing="unit")

    assert found.classes == ("0", "7", "2")
    assert found.files[0].correct == 4


def test_files_may_have_their_labels_in_any_order(save, labelled, folder):
    turned = color_network()
    kernel, bias = turned.layers[-1].get_weights()
    turned.layers[-1].set_weights([kernel[:, ::-1], bias])
    other = save(turned, "turned.mlmodel", labels=["blue", "green", "red"])

    first, second = evaluate([labelled, other], folder).files

    assert first.confusion.tolist() == second.confusion.tolist()


def test_folders_without_all_of_the_files_classes_are_enough(labelled, folder):
    for file in (folder / "blue").iterdir():
        file.unlink()
    (folder / "blue").rmdir()

    (file,) = evaluate(labelled, folder).files

    assert (file.pictures, file.correct) == (5, 3)
    assert file.recalls[2].value is None


def test_folders_that_the_file_does_not_know_are_refused(labelled, folder):
    (folder / "red").rename(folder / "Red")

    with pytest.raises(InvalidArgumentError, match=r"'Red' \(1\).*'red', 'green', 'blue' \(3\)"):
        evaluate(labelled, folder)


def test_an_unknown_folder_without_pictures_says_so(labelled, folder):
    (folder / "violet").mkdir()

    with pytest.raises(InvalidArgumentError, match=r"not know: 'violet' \(no pictures\) \(1\)"):
        evaluate(labelled, folder)


@pytest.mark.parametrize(
    ("labels", "correct"),
    [([0, 1, 2, 0], 3), (["3", "1", "2", "3"], 3), ([1, 1, 2, 0], 2)],
)
def test_numbers_are_positions_and_text_is_the_labels_of_a_file(save, labels, correct):
    (file,) = evaluate(save(labels=["3", "1", "2"]), (PIXELS, labels)).files

    assert file.correct == correct


def test_a_number_of_a_class_called_by_one_leads_to_text(save):
    with pytest.raises(InvalidArgumentError, match=r"label 3; .*0 to 2\. .*pass text in a pair"):
        evaluate(save(labels=["3", "1", "2"]), (PIXELS, [3, 1, 2, 3]))


def test_another_number_of_folders_than_outputs_is_refused(save, folder):
    (folder / "violet").mkdir()

    with pytest.raises(InvalidArgumentError, match=r"3 classes without labels.*'violet' \(4\)"):
        evaluate(save(), folder)


def test_arrays_have_the_files_numbers(labelled):
    (file,) = evaluate(labelled, (PIXELS, LABELS)).files

    assert file.confusion.tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 1]]


def test_a_number_that_no_class_has_is_refused(labelled):
    with pytest.raises(InvalidArgumentError, match="label 3; there are the classes 'red', 'green'"):
        evaluate(labelled, (PIXELS, [0, 1, 2, 3]))


def test_names_of_arrays_are_matched_too(labelled):
    names = ["red", "green", "blue", "red"]

    assert evaluate(labelled, (PIXELS, names)).files[0].correct == 3
