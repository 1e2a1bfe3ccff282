"""`evaluate`: files on pictures whose right answers are known."""

import io
import json
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from mobilezoo import ImageSizes, evaluate, load_coreml
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.evaluation import Comparison, Confusion, EvaluationInterrupted, Recall
from tests.evaluation.conftest import BLUE, COLORS, GREEN, RED, color_network, mostly, plain
from tests.runtime.conftest import build, mb

# labels are the files' classes 0 red, 1 green, 2 blue; the fourth picture is wrong
SHOWN, LABELS = [RED, GREEN, BLUE, BLUE], [0, 1, 2, 0]
PIXELS = np.full((4, 20, 28, 3), [[[COLORS[color]]] for color in SHOWN], np.uint8)


def test_folders_are_the_classes_that_the_file_calls_the_same(labelled, folder):
    found = evaluate(labelled, folder)

    (file,) = found.files
    assert found.classes == ("red", "green", "blue")
    assert (found.pictures, file.correct, file.top1) == (6, 4, 4 / 6)
    assert file.confusion.tolist() == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]
    assert file.recalls == (Recall("red", 3, 2), Recall("green", 2, 1), Recall("blue", 1, 1))
    assert file.mean_recall == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert file.confusions == (Confusion("red", "green", 1), Confusion("green", "blue", 1))
    assert file.top5 is None
    assert found.complete


def test_the_most_frequent_confusion_comes_first(labelled):
    found = evaluate(labelled, (PIXELS[[1, 0, 0, 2]], [0, 2, 2, 2]))

    assert found.files[0].confusions == (Confusion("blue", "red", 2), Confusion("red", "green", 1))


def test_pictures_of_several_sizes_are_a_list(labelled):
    pictures = [plain(RED, (50, 30)), plain(GREEN, (9, 70)), PIXELS[2]]

    assert evaluate(labelled, (pictures, [0, 1, 2])).files[0].correct == 3


def test_a_dataset_of_a_directory_is_matched_by_name(labelled, folder):
    dataset = keras.utils.image_dataset_from_directory(folder, image_size=(20, 28), verbose=False)

    assert evaluate(labelled, dataset).files[0].confusion.tolist() == [
        [2, 1, 0], [0, 1, 1], [0, 0, 1]
    ]  # fmt: skip


@pytest.mark.parametrize("batch", [None, 3])
def test_datasets_are_the_same_in_batches_or_not(labelled, batch):
    dataset = tf.data.Dataset.from_tensor_slices((PIXELS, np.eye(3)[LABELS]))

    found = evaluate(labelled, dataset if batch is None else dataset.batch(batch), batch_size=2)

    assert found.files[0].correct == 3


def test_pixels_scaled_to_1_are_refused(labelled):
    with pytest.raises(InvalidArgumentError, match=r"scaled to 0\.\.1"):
        evaluate(labelled, (PIXELS / np.float32(255), LABELS))


def test_what_is_no_data_is_refused(labelled):
    with pytest.raises(InvalidArgumentError, match="data is of type int; a folder with"):
        evaluate(labelled, 7)


@pytest.mark.parametrize(
    ("crop", "answer"), [("center", GREEN), ("scale-fill", RED), ("scale-fit", RED)]
)
def test_the_crop_decides_what_the_file_sees(labelled, crop, answer):
    found = evaluate(labelled, ([mostly(RED, GREEN)], ["green"]), crop=crop)

    assert found.crop == crop
    assert found.files[0].correct == int(answer == GREEN)


def test_a_flexible_file_gets_the_size_asked_for(save):
    sizes = ImageSizes([(20, 28), (20, 60)])
    path = save(color_network(shape=(None, None, 3)), flexible=sizes, labels=list(COLORS))
    data = ([mostly(RED, GREEN)], ["red"])

    default, wide = evaluate(path, data), evaluate(path, data, size=(20, 60))

    assert (default.files[0].input_size, default.files[0].correct) == ((20, 28), 0)
    assert (wide.files[0].input_size, wide.files[0].correct) == ((20, 60), 1)


def test_files_of_several_sizes_get_the_same_pictures(save, labelled):
    wide = save(color_network(shape=(20, 60, 3)), "wide.mlpackage", labels=list(COLORS))

    found = evaluate([labelled, wide], ([mostly(RED, GREEN), plain(BLUE)], ["red", "blue"]))

    assert [file.input_size for file in found.files] == [(20, 28), (20, 60)]
    assert [file.correct for file in found.files] == [1, 2]


def test_an_array_file_is_evaluated_with_a_preprocessing(save, folder):
    path = save(inputs="array")

    found = evaluate(path, folder, preprocessing="unit", labels=list(COLORS))

    assert found.files[0].top1 == 4 / 6


def test_two_files_are_compared_picture_by_picture(save, labelled):
    blind = color_network()
    blind.layers[-1].set_weights([np.zeros((3, 3)), np.array([0.0, 0.0, 1.0])])  # always blue
    path = save(blind, "blind.mlpackage", labels=list(COLORS))
    pixels = np.repeat(PIXELS[:3], [9, 1, 1], axis=0)

    found = evaluate([labelled, path], (pixels, [0] * 8 + [2, 1, 2]))

    (pair,) = found.comparisons
    assert pair == Comparison("colors.mlpackage", "blind.mlpackage", only_first=9, only_second=1)
    assert pair.p_value == pytest.approx(2 * 11 / 2**10)
    assert pair.is_significant


def test_files_called_the_same_are_told_apart_by_their_folders(save, tmp_path, labelled):
    (tmp_path / "other").mkdir()
    second = save(name="other/colors.mlpackage", labels=list(COLORS))

    names = [file.name for file in evaluate([labelled, second], (PIXELS, LABELS)).files]

    assert names == [str(labelled), str(second)]


@pytest.mark.parametrize("precision", ["float32", "palette4"])
def test_precision_and_size_are_the_files_own(save, precision):
    path = save(name="m.mlmodel", precision=precision, labels=list(COLORS))

    (file,) = evaluate(load_coreml(path), (PIXELS, LABELS)).files

    assert (file.precision, file.size_bytes) == (precision, path.stat().st_size)
    assert file.seconds > 0
    assert file.pictures_per_second == 4 / file.seconds


def test_files_that_cannot_be_read_are_left_out(labelled, folder):
    (folder / "red" / "broken.jpg").write_bytes((folder / "red" / "2.jpg").read_bytes()[:300])
    (folder / "red" / "notes.txt").write_text("no picture")
    (folder / "red" / ".DS_Store").touch()

    found = evaluate(labelled, folder)

    assert found.pictures == 6
    assert {item.path.rpartition("/")[2] for item in found.left_out} == {
        "broken.jpg", "notes.txt", ".DS_Store"
    }  # fmt: skip
    reasons = [item.reason.partition(":")[0] for item in found.left_out]
    assert sorted(reasons) == ["hidden", *["no picture that can be read"] * 2]


def test_not_a_single_readable_picture_is_an_error(labelled, tmp_path):
    (tmp_path / "data" / "red").mkdir(parents=True)
    (tmp_path / "data" / "red" / "notes.txt").write_text("no picture")

    with pytest.raises(InvalidArgumentError, match=r"Not one of 1 files.*notes\.txt.*identify"):
        evaluate(labelled, tmp_path / "data")


def test_a_dataset_without_pictures_is_an_error(labelled):
    dataset = tf.data.Dataset.from_tensor_slices((PIXELS, LABELS)).take(0)

    with pytest.raises(InvalidArgumentError, match="The data have no pictures"):
        evaluate(labelled, dataset)


@pytest.mark.parametrize(
    ("progress", "terminal", "shown"),
    [(True, True, True), (True, False, False), (False, True, False)],
)
def test_a_bar_is_shown_on_terminals_if_asked_for(labelled, monkeypatch, progress, terminal, shown):
    class Stream(io.StringIO):
        def isatty(self):
            return terminal

    monkeypatch.setattr(sys, "stderr", Stream())

    evaluate(labelled, (PIXELS, LABELS), progress=progress)

    assert ("4/4" in sys.stderr.getvalue()) == shown


def test_what_was_measured_is_in_the_interruption(labelled):
    class Stops(list):
        def __iter__(self):
            yield from PIXELS[:3]
            raise KeyboardInterrupt

    with pytest.raises(EvaluationInterrupted) as caught:
        evaluate(labelled, (Stops(PIXELS), LABELS), batch_size=2)

    assert isinstance(caught.value, KeyboardInterrupt)
    assert not caught.value.evaluation.complete
    assert caught.value.evaluation.pictures == caught.value.evaluation.files[0].correct == 2


def test_no_more_than_a_batch_is_in_memory(labelled):
    class Counts(list):
        read = 0

        def __iter__(self):
            for picture in PIXELS[[0, 1, 2, 0, 1, 2, 0]]:
                self.read += 1
                yield picture

    pictures, program, read = Counts([None] * 7), load_coreml(labelled), []
    predict = program.predict
    program.predict = lambda inputs: read.append(pictures.read) or predict(inputs)

    evaluate(program, (pictures, [0, 1, 2, 0, 1, 2, 0]), batch_size=3)

    assert read == [0, 3, 6, 7]  # the first is no picture of the data


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"crop": "centre"}, "Unknown crop 'centre'.*Did you mean 'center'"),
        ({"batch_size": 0}, "batch_size=0 must be"),
        ({"batch_size": True}, "batch_size=True must be"),
        ({"size": 224}, "size=224 must be"),
        ({"size": (30, 40)}, r"takes \(20, 28\) only. Leave it out"),
        ({"preprocessing": "cafe"}, "Unknown preprocessing"),
        ({"labels": 7}, "labels=7 must be a name"),
    ],
)
def test_an_argument_that_cannot_be_used_is_refused(save, options, message):
    with pytest.raises(InvalidArgumentError, match=message):
        evaluate(save(), (PIXELS, LABELS), **options)


@pytest.mark.parametrize(
    ("files", "message"),
    [([], "No file is given"), (7, "A file is given as int"), ([None], "as NoneType")],
)
def test_what_is_no_file_is_refused(files, message):
    with pytest.raises(InvalidArgumentError, match=message):
        evaluate(files, (PIXELS, LABELS))


def test_a_file_that_gives_nan_is_wrong_and_says_so(save_package):
    def nan(x):
        zero = mb.sub(x=mb.reduce_mean(x=x, axes=[2, 3]), y=mb.reduce_mean(x=x, axes=[2, 3]))
        return mb.real_div(x=zero, y=zero, name="y")

    path = save_package(build((1, 3, 20, 28), nan))

    found = evaluate(path, (PIXELS, LABELS), preprocessing="unit", model=color_network())

    assert (found.files[0].not_finite, found.files[0].top1) == (4, 0.0)
    assert found.files[0].agreement.largest_difference == np.inf
    assert found.to_dict()["files"][0]["agreement"] == {"top1": 0.0, "largest_difference": None}


def test_everything_can_be_written_as_json(labelled, network):
    found = evaluate(labelled, (PIXELS, LABELS), model=network)

    read = json.loads(json.dumps(found.to_dict()))

    assert read["classes"] == ["red", "green", "blue"]
    assert read["files"][0]["top1"] == read["keras"]["top1"] == 0.75
    assert read["files"][0]["confusions"] == [{"label": "red", "taken_for": "blue", "pictures": 1}]
    assert read["files"][0]["recalls"][0] == {"label": "red", "pictures": 2, "recall": 0.5}
    assert read["comparisons"][0]["p_value"] == 1.0


def test_six_classes_have_a_top5(save):
    path = save(color_network(6))

    (file,) = evaluate(path, (PIXELS[:3], [0, 5, 4])).files

    # of equal scores the first class comes first: 5 is the last of green's, 4 among blue's five
    assert (file.correct, file.correct_in_five, file.top5) == (1, 2, 2 / 3)


def test_as_text_it_is_a_table(labelled):
    lines = str(evaluate(labelled, (PIXELS, LABELS))).splitlines()

    assert lines[0].split() == [
        "file", "precision", "size", "top-1", "95", "%", "interval", "pictures/s"
    ]  # fmt: skip
    # Wilson's interval for 3 of 4
    assert "75.0 %  30.1 to 95.4 %" in lines[1]
