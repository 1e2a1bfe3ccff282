import numpy as np
import pytest
from coremltools.converters.mil import Builder as mb

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.runtime import Feature, load_coreml

from .conftest import build, ct

# height 4, width 5; each channel has its own range
PICTURE = (np.arange(60).reshape(4, 5, 3) % 7 + np.array([0, 100, 200])).astype(np.uint8)


def take_picture(save_package, color, channels=3):
    """A program that returns its image input, as the tensor it is."""
    program = build((1, channels, 4, 5), lambda x: mb.mul(x=x, y=1.0, name="y"))
    image = ct.ImageType("x", (1, channels, 4, 5), color_layout=color)
    return load_coreml(save_package(program, inputs=[image]))


def test_an_rgb_input_gets_channels_as_they_are(save_package):
    program = take_picture(save_package, ct.colorlayout.RGB)

    y = program.predict({"x": PICTURE})["y"]

    np.testing.assert_array_equal(y, [PICTURE.transpose(2, 0, 1)])
    assert program.inputs == (
        Feature("x", "image", (1, 3, 4, 5), None, height=4, width=5, color="RGB"),
    )


def test_a_bgr_input_gets_channels_reversed(save_package):
    program = take_picture(save_package, ct.colorlayout.BGR)

    y = program.predict({"x": PICTURE})["y"]

    np.testing.assert_array_equal(y, [PICTURE[:, :, ::-1].transpose(2, 0, 1)])


def test_a_grayscale_input_takes_two_axes_or_three(save_package):
    program = take_picture(save_package, ct.colorlayout.GRAYSCALE, channels=1)
    gray = PICTURE[:, :, 1]

    np.testing.assert_array_equal(program.predict({"x": gray})["y"], [[gray]])
    np.testing.assert_array_equal(program.predict({"x": gray[:, :, np.newaxis]})["y"], [[gray]])


def test_pixels_may_be_floating_numbers(save_package):
    program = take_picture(save_package, ct.colorlayout.RGB)

    y = program.predict({"x": PICTURE + 0.5})["y"]

    np.testing.assert_array_equal(y, [PICTURE.transpose(2, 0, 1) + 0.5])


def test_several_pictures_give_several_results(save_package):
    program = take_picture(save_package, ct.colorlayout.BGR)
    pictures = np.stack([PICTURE, PICTURE[::-1], PICTURE[:, ::-1]])

    y = program.predict({"x": pictures})["y"]

    np.testing.assert_array_equal(y, pictures[..., ::-1].transpose(0, 3, 1, 2))


def test_layers_start_from_the_picture(save_package):
    program = take_picture(save_package, ct.colorlayout.BGR)

    ((_, y),) = program.layers({"x": PICTURE})

    np.testing.assert_array_equal(y, [PICTURE[:, :, ::-1].transpose(2, 0, 1)])


@pytest.mark.parametrize(("mode", "color"), [("RGB", "RGB"), ("RGBA", "RGB"), ("L", "RGB")])
def test_a_pil_picture_is_converted_to_the_declared_colors(save_package, mode, color):
    image = pytest.importorskip("PIL.Image")
    program = take_picture(save_package, ct.colorlayout.RGB)
    picture = image.fromarray(PICTURE).convert(mode)

    y = program.predict({"x": picture})["y"]

    np.testing.assert_array_equal(y, [np.asarray(picture.convert(color)).transpose(2, 0, 1)])


def test_a_pil_picture_becomes_gray_for_a_grayscale_input(save_package):
    image = pytest.importorskip("PIL.Image")
    program = take_picture(save_package, ct.colorlayout.GRAYSCALE, channels=1)
    picture = image.fromarray(PICTURE)

    y = program.predict({"x": picture})["y"]

    np.testing.assert_array_equal(y, [[np.asarray(picture.convert("L"))]])


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.float32])
def test_a_pil_picture_of_more_than_8_bits_is_not_cut_off_at_255(save_package, dtype):
    image = pytest.importorskip("PIL.Image")
    program = take_picture(save_package, ct.colorlayout.GRAYSCALE, channels=1)
    picture = image.fromarray(np.full((4, 5), 300, dtype))

    with pytest.raises(InvalidArgumentError, match=r"of mode '(I|F|I;16)', of more than 8 bits"):
        program.predict({"x": picture})


def test_several_gray_pictures_need_their_axis_of_channels(save_package):
    program = take_picture(save_package, ct.colorlayout.GRAYSCALE, channels=1)

    with pytest.raises(InvalidArgumentError, match=r"pass pixels\[\.\.\., np\.newaxis\]\.$"):
        program.predict({"x": np.zeros((2, 4, 5), np.uint8)})


def test_a_pil_picture_of_another_size_must_be_resized_first(save_package):
    image = pytest.importorskip("PIL.Image")
    program = take_picture(save_package, ct.colorlayout.RGB)

    with pytest.raises(InvalidArgumentError, match=r"8 x 6 pixels, .* 5 x 4\. Resize it first"):
        program.predict({"x": image.new("RGB", (8, 6))})


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (PICTURE[:3], r"shape \(3, 5, 3\); .* = \(4, 5, 3\) is required"),
        (PICTURE[:, :, 0], r"shape \(4, 5, 1\)"),
        (PICTURE[:, :, 0], r"or several as \(n, 4, 5, 3\)\.$"),
        (PICTURE.transpose(2, 0, 1), r"shape \(3, 4, 5\).*: pass pixels\.transpose\(1, 2, 0\)\.$"),
        ([PICTURE.transpose(2, 0, 1)], r"come last: pass pixels\.transpose\(0, 2, 3, 1\)\.$"),
        (np.zeros((4, 5, 4)), r"alpha channel out: pass pixels\[\.\.\., :3\]\.$"),
        ("cat.jpg", r"of type str; a picture is required: PIL\.Image\.open\(path\), or an array"),
        (None, r"of type NoneType; a picture is required"),
        (PICTURE / 127.5 - 1.0, r"values -1\.\.0\.61.*; pixels 0\.\.255 are required"),
        (np.full((4, 5, 3), np.nan), "values nan"),
        (np.full((4, 5, 3), 300), r"values 300\.\.300"),
        (PICTURE > 3, "type bool"),
    ],
)
def test_what_is_no_picture_is_explained(save_package, picture, message):
    program = take_picture(save_package, ct.colorlayout.RGB)

    with pytest.raises(InvalidArgumentError, match=message):
        program.predict({"x": picture})
