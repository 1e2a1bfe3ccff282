"""A preprocessing that does not fit the model is written, and a warning says so."""

import warnings

import numpy as np
import pytest
from keras import layers

from mobilezoo import Preprocessing, export_coreml, mobilenet, mobilenet_v3_small
from mobilezoo.errors import PreprocessingWarning

PIXELS = np.random.default_rng(0).uniform(0, 255, (4, 9, 7, 3)).astype(np.float32)


def adapted():
    layer = layers.Normalization(name="front")
    layer.adapt(PIXELS)
    return [layer]


FRONTS = {
    "rescaling": lambda: [layers.Rescaling(1 / 255, name="front")],
    "to -1..1": lambda: [layers.Rescaling(1 / 127.5, offset=-1, name="front")],
    "normalization": adapted,
    "own": lambda: [layers.Lambda(lambda x: (x - 120.0) / 60.0, name="front")],
    "behind others": lambda: [
        layers.RandomFlip(),
        layers.Resizing(6, 5),
        layers.ZeroPadding2D(),
        layers.Rescaling(1 / 255, name="front"),
    ],
}


@pytest.mark.parametrize("record", ["unit", "tf", "torch"])
@pytest.mark.parametrize("front", FRONTS)
def test_scaling_twice_is_told_with_the_layer_and_the_record(functional, front, record):
    model = functional(*FRONTS[front](), layers.Conv2D(4, 2))

    with pytest.warns(PreprocessingWarning, match=f"twice: by .*'{record}', and again by 'front'"):
        export_coreml(model, preprocessing=record)


@pytest.mark.parametrize(
    ("front", "record"),
    [
        (layers.Rescaling(1 / 255), "none"),
        (layers.Rescaling(2.0, offset=-1), "unit"),
        (layers.Normalization(mean=[0.5, 0.4, 0.3], variance=[0.05, 0.06, 0.07]), "unit"),
        (layers.BatchNormalization(), "unit"),
        (layers.Conv2D(4, 2), "tf"),
    ],
)
def test_scaling_once_is_not_told(functional, front, record):
    model = functional(front, layers.Conv2D(4, 2), layers.Rescaling(0.01))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exported = export_coreml(model, preprocessing=record)

    assert exported.user_defined_metadata["com.mobilezoo.preprocessing"]


def test_another_preprocessing_than_the_models_own_is_told():
    model = mobilenet((32, 48, 3), alpha=0.25, classes=3, name="pets")

    with pytest.warns(
        PreprocessingWarning, match=r"'pets' was built for preprocessing 'tf', .*'un"
    ):
        export_coreml(model, preprocessing="unit")


def test_a_network_of_the_zoo_that_scales_itself_is_told_once():
    model = mobilenet_v3_small((32, 48, 3), classes=3)

    with pytest.warns(PreprocessingWarning, match="built for preprocessing 'none'") as found:
        export_coreml(model, preprocessing="unit")

    assert len(found) == 1


def test_the_models_own_preprocessing_under_another_name_is_not_told():
    model = mobilenet((32, 48, 3), alpha=0.25, classes=3)
    same = Preprocessing("mine", mean=(127.5,) * 3, scale=(1 / 127.5,))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        export_coreml(model, preprocessing=same)


def test_an_array_is_not_told_of_pixels(functional):
    model = functional(layers.Rescaling(1 / 255), layers.Conv2D(4, 2))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exported = export_coreml(model, inputs="array")

    assert exported is not None
