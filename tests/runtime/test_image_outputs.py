import numpy as np
import pytest
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import get_new_symbol

from mobilezoo.errors import CoreMLFileError, InvalidArgumentError
from mobilezoo.runtime import load_coreml

from .conftest import build, ct

image = pytest.importorskip("PIL.Image")

LAYOUT = ct.colorlayout


def declare(path, change):
    """Change the protobuf of a package."""
    spec = path / "Data" / "com.apple.CoreML" / "model.mlmodel"
    model = ct.proto.Model_pb2.Model.FromString(spec.read_bytes())
    change(model.description.output[0].type.imageType)
    spec.write_bytes(model.SerializeToString())
    return path


def make_picture(save_package, color, channels=3, height=2):
    """A program that returns its array input `x` as a picture of 4 x 2 pixels."""

    def change(declared):
        declared.colorSpace = declared.ColorSpace.Value(color)
        declared.height, declared.width = height, 4

    program = build((1, channels, 2, 4), lambda x: mb.mul(x=x, y=1.0, name="y"))
    return load_coreml(declare(save_package(program), change))


def colors(red, green, blue, shape=(2, 4)):
    return np.stack([np.full(shape, x, np.float32) for x in (red, green, blue)])[np.newaxis]


def test_a_color_picture_is_rgba_and_opaque(save_package):
    program = make_picture(save_package, "RGB")

    picture = program.predict({"x": colors(10, 20, 30)})["y"]

    assert (picture.mode, picture.size) == ("RGBA", (4, 2))
    assert picture.getpixel((3, 1)) == (10, 20, 30, 255)


def test_a_picture_whose_first_channel_is_blue_has_its_colors_in_place(save_package):
    program = make_picture(save_package, "BGR")

    picture = program.predict({"x": colors(10, 20, 30)})["y"]

    assert picture.getpixel((0, 0)) == (30, 20, 10, 255)


@pytest.mark.parametrize(
    ("value", "pixel"),
    [(-7.0, 0), (0.4, 0), (0.6, 1), (1.5, 2), (2.5, 2), (254.7, 255), (300.0, 255),
     (1e9, 255), (np.inf, 255), (-np.inf, 0), (np.nan, 0)],
)  # fmt: skip
def test_pixels_are_rounded_and_kept_within_8_bits(save_package, value, pixel):
    program = make_picture(save_package, "GRAYSCALE", 1)

    picture = program.predict({"x": np.full((1, 1, 2, 4), value, np.float32)})["y"]

    assert (picture.mode, picture.size) == ("L", (4, 2))
    assert picture.getpixel((2, 1)) == pixel


def test_gray_of_16_bits_holds_what_float16_does(save_package):
    program = make_picture(save_package, "GRAYSCALE_FLOAT16", 1)
    x = np.array([[-0.5, 0.1, 2049.0, 1e6], [0, 1, 2, 3]], np.float32).reshape(1, 1, 2, 4)

    picture = program.predict({"x": x})["y"]

    assert (picture.mode, picture.size) == ("F", (4, 2))
    # 0.1 is 1638 / 2^14 in float16, and above 2048 every second whole number is there
    np.testing.assert_array_equal(
        np.asarray(picture), [[-0.5, 1638 / 16384, 2048.0, np.inf], [0, 1, 2, 3]]
    )


def test_several_examples_give_a_list_of_pictures(save_package):
    program = make_picture(save_package, "RGB")
    x = np.concatenate([colors(10, 20, 30), colors(40, 50, 60), colors(70, 80, 90)])

    pictures = program.predict({"x": x})["y"]
    listed = program.predict([{"x": x[:1]}, {"x": x[2:]}])

    assert [picture.getpixel((0, 0))[0] for picture in pictures] == [10, 40, 70]
    assert [row["y"].getpixel((0, 0))[1] for row in listed] == [20, 80]


def test_a_picture_may_be_as_large_as_its_input(save_package):
    def change(declared):
        declared.colorSpace = declared.RGB
        declared.height = declared.width = 1
        for side in ("heightRange", "widthRange"):
            getattr(declared.imageSizeRange, side).lowerBound = 1
            getattr(declared.imageSizeRange, side).upperBound = -1

    sides = ct.RangeDim(2, 6), ct.RangeDim(3, 9)
    free = (1, 3, get_new_symbol(), get_new_symbol())
    taken = ct.ImageType("x", (1, 3, *sides), color_layout=LAYOUT.RGB)
    path = save_package(build(free, lambda x: mb.mul(x=x, y=1.0, name="y")), inputs=[taken])
    flexible = load_coreml(declare(path, change))

    picture = flexible.predict({"x": image.new("RGB", (7, 5), (1, 2, 3))})["y"]

    assert (picture.size, picture.getpixel((6, 4))) == ((7, 5), (1, 2, 3, 255))


def test_layers_yield_what_becomes_the_picture(save_package):
    program = make_picture(save_package, "BGR")

    ((name, value),) = program.layers({"x": colors(10, 20, 300)})

    assert (name, value.shape, value[0, :, 1, 3].tolist()) == ("y", (1, 3, 2, 4), [10, 20, 300])


def test_a_picture_of_another_size_than_the_program_makes_is_a_damaged_file(save_package):
    with pytest.raises(CoreMLFileError, match=r"image 'y' is described as \(1, 3, 9, 4\), the pro"):
        make_picture(save_package, "RGB", height=9)


def take_halves(save_package):
    """A program that returns its gray picture of 16 bits, as the tensor it is."""
    target = ct.target.iOS16
    program = build((1, 1, 2, 3), lambda x: mb.mul(x=x, y=1.0, name="y"), target)
    taken = ct.ImageType("x", (1, 1, 2, 3), color_layout=LAYOUT.GRAYSCALE_FLOAT16)
    return load_coreml(save_package(program, inputs=[taken], minimum_deployment_target=target))


def test_an_input_of_16_bits_takes_pil_pictures_of_floating_numbers(save_package):
    program = take_halves(save_package)
    values = np.array([[0.1, -2.0, 0.5], [2049.0, 3.0, 0.0]], np.float32)
    halves = [[1638 / 16384, -2.0, 0.5], [2048.0, 3.0, 0.0]]

    of_pil = program.predict({"x": image.fromarray(values)})["y"]
    of_arrays = program.predict({"x": np.stack([values, values * 2])[..., np.newaxis]})["y"]

    np.testing.assert_array_equal(of_pil, [[halves]])
    np.testing.assert_array_equal(of_arrays[:1], [[halves]])
    assert of_arrays[1, 0, 1, 1] == 6.0


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (image.new("L", (3, 2)), "gray of 16 bits; a PIL picture of mode 'F' is required, 'L'"),
        (image.new("F", (4, 2)), "4 x 2 pixels, the program takes 3 x 2"),
        (np.full((2, 3), 70000.0), "values 70000..70000; numbers that float16 can hold"),
        (np.full((2, 3), np.nan), "values nan..nan; numbers that float16 can hold"),
        (np.full((2, 3), True), "type bool; numbers are required"),
    ],
)
def test_what_an_input_of_16_bits_cannot_take_is_explained(save_package, picture, message):
    program = take_halves(save_package)

    with pytest.raises(InvalidArgumentError, match=message):
        program.predict({"x": picture})
