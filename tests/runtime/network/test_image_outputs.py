import numpy as np
import pytest

from mobilezoo.errors import CoreMLFileError

from .conftest import builder

pytest.importorskip("PIL.Image")


def as_picture(color, height=2, width=4):
    """Declare the output of a network as a picture."""

    def change(spec):
        declared = spec.description.output[0].type.imageType
        declared.colorSpace = declared.ColorSpace.Value(color)
        declared.height, declared.width = height, width

    return change


def identity(shape, **options):
    made = builder({"x": shape}, {"y": shape}, **options)
    made.add_elementwise("add", ["x"], "y", "ADD", alpha=0.0)
    return made


@pytest.mark.parametrize("exact_shapes", [False, True])
def test_a_network_returns_a_picture_for_both_array_mappings(open_network, exact_shapes):
    made = identity((3, 2, 4), disable_rank5_shape_mapping=exact_shapes)
    program = open_network(made, as_picture("BGR"))
    x = np.stack([np.full((2, 4), value) for value in (10.2, 20.6, 300.0)])

    one = program.predict({"x": x})["y"]
    two = program.predict({"x": np.stack([x, x / 2])})["y"]

    assert (one.mode, one.size, one.getpixel((3, 1))) == ("RGBA", (4, 2), (255, 21, 10, 255))
    assert [picture.getpixel((0, 0)) for picture in two] == [(255, 21, 10, 255), (150, 10, 5, 255)]


def test_a_network_returns_a_gray_picture(open_network):
    program = open_network(identity((1, 2, 4)), as_picture("GRAYSCALE"))

    picture = program.predict({"x": np.arange(8.0).reshape(1, 2, 4)})["y"]

    assert (picture.mode, picture.size, picture.getpixel((2, 1))) == ("L", (4, 2), 6)


def test_a_picture_of_another_size_than_is_declared_is_a_damaged_file(open_network):
    program = open_network(identity((3, 2, 4)), as_picture("RGB", height=5))

    with pytest.raises(CoreMLFileError, match=r"declared as \(3, 5, 4\), .* computes \(.*3, 2, 4"):
        program.predict({"x": np.zeros((3, 2, 4))})
