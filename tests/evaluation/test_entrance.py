"""What goes into files: images of any form, and arrays of every layout."""

import keras
import numpy as np
import pytest
from coremltools.converters.mil import Builder as mb
from keras import layers

from mobilezoo import BatchRange, BatchSizes, ImageSizes, load_coreml
from mobilezoo.data.preprocessing import preprocessing
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.evaluation.entrance import Form, find_entrance, pixels_of
from tests.evaluation.conftest import color_network, plain
from tests.runtime.conftest import build, ct
from tests.runtime.network.conftest import builder

UNIT = preprocessing("unit")
PIXELS = np.random.default_rng(0).integers(0, 256, (3, 20, 28, 3), np.uint8)
MEANS = PIXELS.mean(axis=(1, 2)) / 255 * 8  # the logits of the color network


def logits(program, entrance):
    (made,) = program.predict(entrance.inputs(PIXELS)).values()
    return made.reshape(3, 3)


@pytest.mark.parametrize("name", ["colors.mlpackage", "colors.mlmodel"])
@pytest.mark.parametrize("inputs", ["image", "array"])
def test_files_take_images_or_arrays_in_both_formats(save, name, inputs):
    program = load_coreml(
        save(color_network(activation=None), name, inputs=inputs, precision="float32")
    )

    entrance = find_entrance(program, None, UNIT)

    assert entrance.form == Form(20, 28, 3)
    np.testing.assert_allclose(logits(program, entrance), MEANS, rtol=1e-5)


def test_an_array_may_have_channels_first(save_package):
    program = load_coreml(
        save_package(build((1, 3, 20, 28), lambda x: mb.reduce_mean(x=x, axes=[2, 3], name="y")))
    )

    entrance = find_entrance(program, None, UNIT)

    assert entrance.form == Form(20, 28, 3)
    np.testing.assert_allclose(8 * logits(program, entrance), MEANS, rtol=1e-5)


@pytest.mark.parametrize("flexible", [BatchSizes([1, 4]), BatchRange(1, 16)])
def test_an_array_of_several_examples_takes_any_number(save, flexible):
    program = load_coreml(
        save(color_network(activation=None), inputs="array", flexible=flexible, precision="float32")
    )

    np.testing.assert_allclose(
        logits(program, find_entrance(program, None, UNIT)), MEANS, rtol=1e-5
    )


def test_an_array_of_several_examples_only_is_refused(save):
    path = save(inputs="array", flexible=BatchSizes([2, 4]))

    with pytest.raises(InvalidArgumentError, match="several examples at once only"):
        find_entrance(load_coreml(path), None, UNIT)


def test_a_gray_file_takes_gray_pictures(save):
    net = keras.Sequential(
        [keras.Input((20, 28, 1)), layers.GlobalAveragePooling2D(), layers.Dense(2)]
    )

    assert find_entrance(load_coreml(save(net)), None, None).form == Form(20, 28, 1)


def test_a_flexible_file_takes_its_default_or_the_size_asked_for(save):
    sizes = ImageSizes([(20, 28), (30, 42)])
    program = load_coreml(save(color_network(shape=(None, None, 3)), flexible=sizes))

    assert find_entrance(program, None, None).form == Form(20, 28, 3)
    assert find_entrance(program, (30, 42), None).form == Form(30, 42, 3)


def test_a_size_that_a_flexible_file_lacks_is_refused(save):
    sizes = ImageSizes([(20, 28), (30, 42)])
    program = load_coreml(save(color_network(shape=(None, None, 3)), flexible=sizes))

    with pytest.raises(InvalidArgumentError, match=r"takes \(20, 28\) or \(30, 42\)"):
        find_entrance(program, (42, 30), None)


def test_an_array_needs_to_be_told_its_preprocessing(save):
    program = load_coreml(save(inputs="array"))

    with pytest.raises(InvalidArgumentError, match=r"takes an array.*Pass preprocessing='none' if"):
        find_entrance(program, None, None)


@pytest.mark.parametrize("record", ["unit", "tf", "torch"])
def test_pixels_for_an_array_must_not_be_scaled_already(save, record):
    entrance = find_entrance(load_coreml(save(inputs="array")), None, preprocessing(record))

    for scaled in (PIXELS / np.float32(255), PIXELS / np.float32(127.5) - 1):
        with pytest.raises(InvalidArgumentError, match=f"which preprocessing '{record}' prepares"):
            entrance.inputs(scaled)


def test_an_array_may_be_given_what_is_prepared(save):
    entrance = find_entrance(load_coreml(save(inputs="array")), None, preprocessing("none"))

    (given,) = entrance.inputs(PIXELS / np.float32(255)).values()

    np.testing.assert_array_equal(given, PIXELS / np.float32(255))


def test_an_array_that_is_no_picture_is_refused(save):
    net = keras.Sequential([keras.Input((7,)), layers.Dense(3)])

    with pytest.raises(InvalidArgumentError, match=r"of shape \(1, 7\), which is no picture"):
        find_entrance(load_coreml(save(net, inputs="array")), None, UNIT)


def test_a_file_of_several_inputs_is_refused(save):
    first, second = keras.Input((20, 28, 3), name="a"), keras.Input((20, 28, 3), name="b")
    net = keras.Model([first, second], layers.GlobalAveragePooling2D()(first + second))

    with pytest.raises(InvalidArgumentError, match=r"takes 2 inputs \(a, b\)"):
        find_entrance(load_coreml(save(net, inputs="array")), None, UNIT)


def test_pixels_of_the_files_size_stay_as_they_are():
    floats = np.full((4, 6, 3), 100.25, np.float32)

    assert pixels_of(floats, Form(4, 6, 3), "center") is floats


def test_whole_pixels_of_another_size_are_resized():
    color = np.full((9, 5, 3), (10, 20, 30), np.uint8)

    fitted = pixels_of(color, Form(4, 6, 3), "center")

    np.testing.assert_array_equal(fitted, np.full((4, 6, 3), (10, 20, 30)))


def test_gray_pictures_become_colored_and_colored_ones_gray():
    gray = np.full((9, 5), 77, np.uint8)

    assert pixels_of(gray, Form(4, 6, 3), "center").tolist() == [[[77, 77, 77]] * 6] * 4
    assert pixels_of(gray, Form(9, 5, 3), "center").tolist() == [[[77, 77, 77]] * 5] * 9
    # ITU-R 601: 0.299 x 250 + 0.587 x 10 + 0.114 x 5
    assert pixels_of(plain("red"), Form(4, 6, 1), "center").tolist() == [[[81]] * 6] * 4


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((9, 5, 3), np.float32),
        np.zeros((9, 5, 4), np.uint8),
        np.zeros((2, 9, 5, 3), np.uint8),
        np.zeros((0, 5, 3), np.uint8),
        np.zeros(7, np.uint8),
    ],
)
def test_other_pixels_of_another_size_are_refused(picture):
    with pytest.raises(InvalidArgumentError, match=r"takes \(4, 6, 3\). Pass pictures of that"):
        pixels_of(picture, Form(4, 6, 3), "center")


def test_inputs_that_need_not_be_given_are_left_out(tmp_path):
    made = builder({"image": (3, 20, 28), "bias": (3,)}, {"y": (3,)})
    made.add_pooling("m", 0, 0, 0, 0, "AVERAGE", "VALID", "image", "means", is_global=True)
    made.add_elementwise("add", ["means", "bias"], "y", "ADD")
    made.set_pre_processing_parameters(["image"], image_scale=8 / 255)
    made.spec.description.input[1].type.isOptional = True
    (tmp_path / "m.mlmodel").write_bytes(made.spec.SerializeToString())
    program = load_coreml(tmp_path / "m.mlmodel")

    entrance = find_entrance(program, None, None)

    np.testing.assert_allclose(logits(program, entrance), MEANS, rtol=1e-5)


def test_gray_of_16_bits_has_no_known_scale(save_package):
    target = ct.target.iOS16
    mil = build((1, 1, 20, 28), lambda x: mb.reduce_mean(x=x, axes=[2, 3], name="y"), target)
    taken = ct.ImageType("x", (1, 1, 20, 28), color_layout=ct.colorlayout.GRAYSCALE_FLOAT16)
    program = load_coreml(save_package(mil, inputs=[taken], minimum_deployment_target=target))

    with pytest.raises(InvalidArgumentError, match="takes gray of 16 bits in 'x'"):
        find_entrance(program, None, None)
