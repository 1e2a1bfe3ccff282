"""Files of several sizes: which are compared, one's own pictures, and what messages name."""

import keras
import numpy as np
import pytest
from keras import layers

from mobilezoo import ImageSizeRange, ImageSizes, export_coreml, load_coreml, verify
from mobilezoo.errors import InvalidArgumentError, VacuousComparisonError
from mobilezoo.randomize import randomize_weights


@pytest.fixture
def network():
    inputs = keras.Input((24, 20, 3), name="x")
    x = layers.ReLU()(layers.Conv2D(8, 3, name="conv")(inputs))
    x = layers.GlobalAveragePooling2D()(x)
    return randomize_weights(keras.Model(inputs, layers.Dense(5, name="scores")(x), name="net"))


def export(model, folder, flexible):
    path = folder / "m.mlpackage"
    export_coreml(model, path, precision="float32", preprocessing="tf", flexible=flexible)
    return path


def pictures(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def test_of_many_listed_sizes_a_few_are_compared_and_named(tmp_path, network):
    listed = [(24, 20), *((8 + n, 9 + n) for n in range(60))]
    path = export(network, tmp_path, ImageSizes(listed))

    agreement = verify(network, path)

    assert agreement.sizes == 8
    assert {"(8, 9)", "(67, 68)", "(24, 20)"} <= set(agreement.tried)
    assert "of 8 sizes ((8, 9); " in str(agreement)


def test_ones_own_pictures_may_be_of_several_sizes(tmp_path, network):
    path = export(network, tmp_path, ImageSizeRange((16, 64), (16, 64)))

    agreement = verify(
        network, path, [pictures(2, 24, 20, 3), pictures(33, 17, 3), pictures(24, 20, 3)]
    )

    assert agreement.tried == ("(24, 20)", "(33, 17)")
    assert agreement.examples == 4


@pytest.mark.parametrize("shape", [(2, 8, 20, 3), (24, 65, 3), (2, 24, 20, 1), (0, 24, 20, 3)])
def test_pictures_of_other_sizes_than_the_file_takes_are_refused(tmp_path, network, shape):
    path = export(network, tmp_path, ImageSizeRange((16, 64), (16, 64)))

    with pytest.raises(InvalidArgumentError, match="the file takes 16 to 64 x 16 to 64, as"):
        verify(network, path, [pictures(24, 20, 3), pictures(*shape)])


def test_a_refusal_names_the_size(tmp_path):
    inputs = keras.Input((24, 20, 3), name="x")
    x = layers.GlobalMaxPooling2D()(layers.Conv2D(4, 3, name="conv")(inputs))
    model = keras.Model(inputs, layers.Dense(5, bias_initializer="ones")(x), name="net")
    model.layers[-1].kernel.assign(model.layers[-1].kernel * 1e-6)
    path = export(model, tmp_path, ImageSizes([(24, 20), (16, 18)]))

    with pytest.raises(VacuousComparisonError, match=r"'net' at \(16, 18\) moves by only"):
        verify(model, path)


def test_pictures_scaled_to_one_are_refused(tmp_path, network):
    path = export(network, tmp_path, None)
    scaled = pictures(2, 24, 20, 3) / 255

    with pytest.raises(InvalidArgumentError, match=r"scaled to 0\.\.1; pixels 0\.\.255"):
        verify(network, path, scaled)
    with pytest.raises(InvalidArgumentError, match=r"scaled to 0\.\.1; pixels 0\.\.255"):
        load_coreml(path).predict({"image": scaled[0].astype(np.float32)})


@pytest.mark.parametrize("dark", [np.zeros((24, 20, 3)), np.ones((24, 20, 3), np.uint8)])
def test_black_and_dark_whole_pixels_are_pictures(tmp_path, network, dark):
    path = export(network, tmp_path, None)

    assert load_coreml(path).predict({"image": dark})["scores"].shape == (1, 5)
