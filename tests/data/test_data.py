import hashlib
import json

import keras
import numpy as np
import pytest

from mobilezoo import mobilenet
from mobilezoo.data.digits import _interpolation, load_digits
from mobilezoo.data.images import open_picture
from mobilezoo.data.labels import find_labels, imagenet_classes, imagenet_labels
from mobilezoo.data.preprocessing import Preprocessing, preprocessing, preprocessing_of
from mobilezoo.errors import InvalidArgumentError, MissingExtraError


def test_imagenet_classes_are_the_file_of_keras_applications():
    content = {str(number): list(pair) for number, pair in enumerate(imagenet_classes())}

    digest = hashlib.md5(json.dumps(content).encode()).hexdigest()

    assert digest == "c2c37ea517e94d9795004a39431a14cb"  # of imagenet_class_index.json


def test_imagenet_labels_differ_so_that_no_probability_is_lost():
    labels = imagenet_labels()

    assert len(set(labels)) == 1000
    assert labels[134] == "crane (n02012849)"
    assert labels[517] == "crane (n03126707)"
    assert labels[0] == "tench"


def test_labels_come_from_a_file_or_a_list(tmp_path):
    (tmp_path / "labels.txt").write_text("cat\n dog \n\n")

    assert find_labels(str(tmp_path / "labels.txt")) == ("cat", "dog")
    assert find_labels([1, "two"]) == ("1", "two")
    assert find_labels("digits") == tuple("0123456789")


def test_lines_of_a_file_are_labels_without_their_ends():
    assert find_labels(["cat\n", "guinea pig\r\n", " dog"]) == ("cat", "guinea pig", "dog")


@pytest.mark.parametrize("labels", [[["cat"], ["dog"]], [("cat", "dog")], [{"cat": 0}]])
def test_lists_in_lists_are_no_labels(labels):
    with pytest.raises(InvalidArgumentError, match=r"must be a text\. Pass one list of texts"):
        find_labels(labels)


def test_the_digits_are_all_there_and_split_without_overlap():
    train, held_out = load_digits()

    assert len(train.labels) + len(held_out.labels) == 1797
    assert train.images.shape[1:] == (28, 28, 1)
    assert train.images.dtype == np.uint8
    assert np.bincount(held_out.labels).min() > 25  # every digit is there
    assert train.images.max() == 255
    assert not {image.tobytes() for image in train.images} & {
        image.tobytes() for image in held_out.images
    }


def test_digits_are_enlarged_by_linear_interpolation():
    # 2 pixels to 4: centres at 0.25, 0.75 of the old grid
    np.testing.assert_allclose(_interpolation(2, 4), [[1, 0], [0.75, 0.25], [0.25, 0.75], [0, 1]])


PIXELS = np.array([[[[0.0, 127.5, 255.0]]]])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("none", [0.0, 127.5, 255.0]),
        ("unit", [0.0, 0.5, 1.0]),
        ("tf", [-1.0, 0.0, 1.0]),
        ("caffe", [255.0 - 103.939, 127.5 - 116.779, 0.0 - 123.68]),
        ("torch", [-0.485 / 0.229, (0.5 - 0.456) / 0.224, (1.0 - 0.406) / 0.225]),
    ],
)
def test_preprocessing_is_the_published_formula(name, expected):
    np.testing.assert_allclose(preprocessing(name)(PIXELS)[0, 0, 0], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["tf", "caffe", "torch"])
def test_preprocessing_is_that_of_keras_applications(name):
    pixels = np.random.default_rng(0).uniform(0, 255, (1, 2, 3, 3))

    expected = keras.applications.imagenet_utils.preprocess_input(pixels.copy(), mode=name)

    np.testing.assert_allclose(preprocessing(name)(pixels), expected, rtol=1e-5, atol=1e-5)


def test_a_record_survives_the_files_metadata():
    for name in ("none", "caffe", "torch"):
        assert Preprocessing.from_json(preprocessing(name).to_json()) == preprocessing(name)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"name": 1, "mean": "x"}'])
def test_other_metadata_is_refused(text):
    with pytest.raises(InvalidArgumentError, match="Not a preprocessing record"):
        Preprocessing.from_json(text)


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"mean": 120.0}, "mean=120.0 must be a tuple of 1 or 3 numbers"),
        ({"mean": (1.0, 2.0)}, "must be a tuple of 1 or 3 numbers"),
        ({"scale": ("a",)}, "must hold finite numbers"),
        ({"scale": (float("nan"),)}, "must hold finite numbers"),
        ({"scale": (True,)}, "must hold finite numbers"),
        ({"scale": "123"}, "must be a tuple of 1 or 3 numbers"),
        ({"bgr": "yes"}, "bgr='yes' must be True or False"),
        ({"scale": (1.0, 0.0, 1.0)}, "must not be 0"),
    ],
)
def test_a_record_that_makes_no_sense_is_refused(fields, match):
    with pytest.raises(InvalidArgumentError, match=match):
        Preprocessing("mine", **fields)


@pytest.mark.parametrize(
    ("fields", "instead"),
    [
        (
            {"mean": (0.485, 0.456, 0.406), "scale": (1 / 0.229, 1 / 0.224, 1 / 0.225)},
            r"mean=\(123.675, 116.28, 103.53\) and scale=\(0.0171248, 0.017507, 0.0174292\)",
        ),
        ({"mean": (0.5,), "scale": (1 / 255,)}, r"255: mean=\(127.5,\)\.$"),
        ({"mean": (123.7, 116.3, 103.5), "scale": (2.0,)}, r"255: scale=\(0.00784314,\)\.$"),
    ],
)
def test_numbers_of_pixels_from_0_to_1_are_refused_with_those_to_pass(fields, instead):
    with pytest.raises(InvalidArgumentError, match=f"for pixels 0..1, and .*{instead}"):
        Preprocessing("mine", **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"scale": (1 / 255,)},
        {"mean": (128,), "scale": (-1 / 128,)},
        {"mean": (0.0, 2.0, 0.5), "scale": (1.0, 2.0, 0.5)},
        {"mean": (33.3,), "scale": (1 / 78.6,)},  # MNIST: 0.1307 and 0.3081 of 255
    ],
)
def test_records_of_pixels_from_0_to_255_are_taken(fields):
    assert Preprocessing("mine", **fields).scale == fields["scale"]


def test_a_record_takes_lists_and_arrays_too():
    record = Preprocessing("mine", mean=[120, 115.5, 100], scale=np.float32([0.5, 0.25, 2]))

    assert record == Preprocessing("mine", mean=(120, 115.5, 100), scale=(0.5, 0.25, 2.0))
    assert Preprocessing.from_json(record.to_json()) == record


def test_a_picture_of_16_bits_is_refused(tmp_path):
    image = pytest.importorskip("PIL.Image")
    image.fromarray(np.full((4, 5), 300, np.uint16)).save(tmp_path / "deep.png")

    with pytest.raises(InvalidArgumentError, match="more than 8 bits"):
        open_picture(tmp_path / "deep.png", (5, 4))


def test_an_unknown_record_suggests_another():
    with pytest.raises(InvalidArgumentError, match=r"Unknown preprocessing 'cafe'.*mean 'caffe'"):
        preprocessing("cafe")


def test_a_record_for_colours_refuses_gray():
    with pytest.raises(InvalidArgumentError, match="'caffe' is for 3 channels; the input has 1"):
        preprocessing("caffe")(np.zeros((4, 5, 1)))


def test_the_builder_attaches_the_record():
    assert preprocessing_of(mobilenet((32, 32, 3), alpha=0.25)) == preprocessing("tf")
    assert preprocessing_of(keras.Sequential([keras.Input((3,))])) is None


@pytest.fixture
def wide_picture(tmp_path):
    """40 x 20: left quarter red, middle half green, right quarter blue."""
    image = pytest.importorskip("PIL.Image")
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[:, :10, 0] = pixels[:, 10:30, 1] = pixels[:, 30:, 2] = 255
    image.fromarray(pixels).save(tmp_path / "wide.png")
    return tmp_path / "wide.png"


def test_a_centre_crop_keeps_the_proportions(wide_picture):
    pixels = np.asarray(open_picture(wide_picture, (10, 10)))

    assert (pixels.argmax(axis=2) == 1).all()  # only the green middle is left


def test_scaling_to_fill_keeps_everything(wide_picture):
    pixels = np.asarray(open_picture(wide_picture, (20, 10), crop="scale-fill"))

    assert pixels[5, 0].argmax() == 0
    assert pixels[5, 10].argmax() == 1
    assert pixels[5, 19].argmax() == 2


def test_scaling_to_fit_puts_everything_in_the_middle_of_black(wide_picture):
    pixels = np.asarray(open_picture(wide_picture, (20, 16), crop="scale-fit"))

    np.testing.assert_array_equal(pixels[:3], 0)
    np.testing.assert_array_equal(pixels[13:], 0)
    assert pixels[3:13, 0].argmax(axis=1).tolist() == [0] * 10
    assert pixels[3:13, 19].argmax(axis=1).tolist() == [2] * 10


def test_a_picture_is_turned_upright_before_it_is_cut(tmp_path):
    image = pytest.importorskip("PIL.Image")
    pixels = np.zeros((20, 40, 3), np.uint8)
    pixels[:, 30:, 1] = 255  # green at the right, which is below when turned
    picture = image.fromarray(pixels)
    exif = picture.getexif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise
    picture.save(tmp_path / "turned.png", exif=exif)

    upright = open_picture(tmp_path / "turned.png", (10, 20), crop="scale-fill")

    assert np.asarray(upright)[-1, :, 1].min() == 255
    assert np.asarray(upright)[0].max() == 0


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "1", "YCbCr"])
def test_pictures_of_every_mode_become_colors(tmp_path, mode):
    image = pytest.importorskip("PIL.Image")
    name = tmp_path / f"x.{'jpg' if mode in ('CMYK', 'YCbCr') else 'png'}"
    image.new("RGB", (9, 5), (255, 255, 255)).convert(mode).save(name)

    opened = open_picture(name, (6, 4))

    assert opened.mode == "RGB"
    assert np.asarray(opened).min() > 250


def test_transparency_is_left_out(tmp_path):
    image = pytest.importorskip("PIL.Image")
    image.new("RGBA", (9, 5), (10, 20, 30, 0)).save(tmp_path / "x.png")
    indexed = image.new("P", (9, 5))
    indexed.putpalette([10, 20, 30, 40, 50, 60])
    indexed.save(tmp_path / "indexed.png", transparency=b"\x00\x80")

    for name in ("x.png", "indexed.png"):
        assert np.asarray(open_picture(tmp_path / name, (6, 4)))[0, 0].tolist() == [10, 20, 30]


@pytest.mark.parametrize("bytes_left", [10, 60, 200])
@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp"])
def test_a_truncated_picture_is_refused(tmp_path, suffix, bytes_left):
    image = pytest.importorskip("PIL.Image")
    path = tmp_path / f"x.{suffix}"
    pixels = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)
    image.fromarray(pixels).save(path)
    path.write_bytes(path.read_bytes()[:bytes_left])

    with pytest.raises(InvalidArgumentError, match=r"is no picture that can be read: \w"):
        open_picture(path, (6, 4))


def test_a_gray_picture_is_asked_for_by_mode(wide_picture):
    assert open_picture(wide_picture, (8, 6), mode="L").size == (8, 6)
    assert np.asarray(open_picture(wide_picture, (8, 6), mode="L")).ndim == 2


def test_what_is_no_picture_is_refused(tmp_path):
    pytest.importorskip("PIL.Image")
    (tmp_path / "x.jpg").write_text("not a picture")

    with pytest.raises(InvalidArgumentError, match="no picture that can be read"):
        open_picture(tmp_path / "x.jpg", (4, 4))


def test_without_pillow_the_pip_line_is_printed(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "PIL.Image", None)

    with pytest.raises(MissingExtraError, match=r'python -m pip install "mobilezoo\[images\]"'):
        open_picture(tmp_path / "x.jpg", (4, 4))
