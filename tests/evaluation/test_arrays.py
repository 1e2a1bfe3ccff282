"""Data in memory: arrays, lists and tf.data, in the forms that Keras makes."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mobilezoo import evaluate
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.evaluation.arrays import ArraySource, DatasetSource

PICTURES = np.arange(4 * 2 * 3 * 3, dtype=np.uint8).reshape(4, 2, 3, 3)
LABELS = [2, 0, 1, 2]


def read(source):
    pairs = [(example.load(), example.label) for example in source.examples()]
    return np.array([np.asarray(picture) for picture, _ in pairs]), [label for _, label in pairs]


@pytest.mark.parametrize("batch", [None, 3])
@pytest.mark.parametrize(
    "labels",
    [
        np.array(LABELS),
        np.array(LABELS, np.float32),
        np.array(LABELS)[:, np.newaxis],
        np.eye(3)[LABELS],
        np.eye(3, dtype=np.int32)[LABELS],
    ],
    ids=["numbers", "float numbers", "column", "one-hot", "whole one-hot"],
)
def test_a_dataset_has_numbers_or_one_hot_rows_in_batches_or_not(labels, batch):
    dataset = tf.data.Dataset.from_tensor_slices((PICTURES, labels))

    pictures, found = read(DatasetSource(dataset if batch is None else dataset.batch(batch)))

    np.testing.assert_array_equal(pictures, PICTURES)
    assert found == LABELS


GRAY = np.arange(4 * 2 * 5, dtype=np.uint8).reshape(4, 2, 5)


@pytest.mark.parametrize("batch", [None, 3])
@pytest.mark.parametrize(
    "labels",
    [np.array(LABELS), np.array(LABELS)[:, np.newaxis], np.eye(3)[LABELS]],
    ids=["numbers", "column", "one-hot"],
)
def test_a_dataset_of_gray_pictures_may_lack_the_channel_axis(labels, batch):
    dataset = tf.data.Dataset.from_tensor_slices((GRAY, labels))
    source = DatasetSource(dataset if batch is None else dataset.batch(batch))

    pictures, found = read(source)

    np.testing.assert_array_equal(pictures, GRAY)
    assert found == LABELS
    assert source.count == (4 if batch is None else None)


@pytest.mark.parametrize("batch", [None, 3])
def test_a_dataset_with_names_says_where_they_are_understood(batch):
    dataset = tf.data.Dataset.from_tensor_slices((PICTURES, ["cat", "ant", "bee", "cat"]))

    with pytest.raises(InvalidArgumentError, match=r"such as 'cat'\. Names are .*in a pair"):
        read(DatasetSource(dataset if batch is None else dataset.batch(batch)))


def test_a_dataset_knows_how_many_pictures_it_has():
    dataset = tf.data.Dataset.from_tensor_slices((PICTURES, LABELS))

    assert DatasetSource(dataset).count == 4
    assert DatasetSource(dataset.batch(3)).count is None
    assert DatasetSource(dataset.filter(lambda _, label: label > 0)).count is None


def test_a_dataset_of_a_directory_knows_its_classes(folder):
    dataset = keras.utils.image_dataset_from_directory(folder, image_size=(2, 3), verbose=False)

    assert DatasetSource(dataset).names == ("blue", "green", "red")
    assert DatasetSource(dataset.prefetch(1)).names is None


@pytest.mark.parametrize(
    ("labels", "names", "numbers"),
    [
        (LABELS, None, LABELS),
        (np.eye(3)[LABELS], None, LABELS),
        (["cat", "ant", "bee", "cat"], ("ant", "bee", "cat"), LABELS),
        (np.array(["cat", "ant", "cat", "cat"], object), ("ant", "cat"), [1, 0, 1, 1]),
        ([b"cat", b"ant", b"bee", b"cat"], ("ant", "bee", "cat"), LABELS),
    ],
)
def test_arrays_have_numbers_one_hot_rows_or_names(labels, names, numbers):
    source = ArraySource((PICTURES, labels))

    assert source.names == names
    assert read(source)[1] == numbers
    assert source.count == 4


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([[1, 1, 0]] * 4), "Several classes of one picture cannot be evaluated"),
        (np.array([[0.9, 0.1]] * 4), "neither numbers of classes from 0 on nor one-hot"),
        (np.zeros((4, 3)), "neither numbers"),
        ([0.5, 1, 2, 0], "neither numbers"),
        ([0, 1, -1, 2], r"such as -1(\.0)?, are .*from 0 on"),
        ([0, 1, np.inf, 2], "such as inf, are neither"),
        ([0, np.nan, 1, 2], "such as nan, are neither"),
        ([[1, 0, 0], [0, 1, 0], [0, 1, 1], [1, 0, 0]], r"such as \[0 1 1\], are neither"),
        ([[1, 0, 0], [-1, 0, 1], [0, 1, 0], [1, 0, 0]], r"such as \[-1  0  1\], are neither"),
        (7, "has 4 pictures and 1 labels"),
        ([0, 1, 2], "has 4 pictures and 3 labels"),
    ],
)
def test_labels_that_name_no_class_are_refused(labels, message):
    with pytest.raises(InvalidArgumentError, match=message):
        read(ArraySource((PICTURES, labels)))


@pytest.mark.parametrize("mode", ["I;16", "I", "F"])
def test_pictures_of_more_than_8_bits_in_memory_are_refused(labelled, mode):
    image = pytest.importorskip("PIL.Image")
    picture = image.new(mode, (28, 20), 40000)

    with pytest.raises(InvalidArgumentError, match=rf"memory.*8 bits \(mode {mode}\); convert"):
        evaluate(labelled, ([picture], [0]))


def test_pictures_in_memory_are_turned_upright():
    image = pytest.importorskip("PIL.Image")
    picture = image.fromarray(PICTURES[0])
    picture.getexif()[0x0112] = 6  # to be turned by 90 degrees, clockwise

    found, _ = read(ArraySource(([picture], [0])))

    # rows 0 3 6 | 9 12 15 of the red channel
    assert found[0][:, :, 0].tolist() == [[9, 0], [12, 3], [15, 6]]
    assert picture.size == (3, 2)


def test_more_or_less_than_a_pair_is_refused():
    with pytest.raises(InvalidArgumentError, match=r"tuple of 3; a pair \(pictures, labels\)"):
        ArraySource((PICTURES, LABELS, LABELS))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda dataset: dataset.map(lambda x, y: x), "pairs .picture, label. are required"),
        (lambda dataset: dataset.map(lambda x, y: (x, y, y)), "pairs .picture, label"),
        (lambda dataset: dataset.map(lambda x, y: {"x": x, "y": y}), "pairs .picture, label"),
        (lambda dataset: dataset.map(lambda x, y: (x, {"y": y})), "pairs .picture, label"),
        (lambda dataset: dataset.repeat(), "never ends. Leave repeat"),
    ],
)
def test_a_dataset_of_something_else_is_refused(change, message):
    dataset = tf.data.Dataset.from_tensor_slices((PICTURES, LABELS))

    with pytest.raises(InvalidArgumentError, match=message):
        DatasetSource(change(dataset))
