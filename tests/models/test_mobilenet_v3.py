import keras
import numpy as np
import pytest

from mobilezoo import (
    export_coreml,
    mobilenet_v3_large,
    mobilenet_v3_small,
    randomize_weights,
    verify,
)
from mobilezoo.benchmark import count
from mobilezoo.data.preprocessing import preprocessing_of
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph.abstract import without_weights
from tests.models.same_answers import assert_same_answers

SIZES = {
    mobilenet_v3_large: keras.applications.MobileNetV3Large,
    mobilenet_v3_small: keras.applications.MobileNetV3Small,
}
# Millions of parameters and of mult-adds: the README of slim's MobileNets, and for the
# minimalistic and the narrow ones the same; the paper prints 2.9 and 66 for the small one.
PUBLISHED = [
    (mobilenet_v3_large, {}, 5.4, 217), (mobilenet_v3_large, {"alpha": 0.75}, 4.0, 155),
    (mobilenet_v3_large, {"minimalistic": True}, 3.9, 209),
    (mobilenet_v3_small, {}, 2.5, 56.5), (mobilenet_v3_small, {"alpha": 0.75}, 2.0, 44),
    (mobilenet_v3_small, {"minimalistic": True}, 2.0, 52),
]  # fmt: skip
VARIANTS = [{}, {"alpha": 0.75}, {"alpha": 1.25}, {"minimalistic": True}]


def abstract(builder, **options):
    with without_weights():
        return builder(**options)


@pytest.mark.parametrize(("builder", "options", "parameters", "mult_adds"), PUBLISHED)
def test_counts_are_the_published_ones(builder, options, parameters, mult_adds):
    model = abstract(builder, **options)
    counts = count(model)

    # the README does not count the moving statistics of batch norms
    trainable = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    assert trainable / 1e6 == pytest.approx(parameters, abs=0.1)
    assert counts.mult_adds / 1e6 == pytest.approx(mult_adds, abs=1)


@pytest.mark.parametrize("builder", SIZES)
@pytest.mark.parametrize("options", VARIANTS)
def test_layers_with_weights_stand_as_in_keras_applications(builder, options):
    theirs = abstract(SIZES[builder], input_shape=(224, 224, 3), weights=None, **options)
    ours = abstract(builder, input_shape=(224, 224, 3), **options)

    def layers_with_weights(model):
        return [
            (type(layer), [tuple(weight.shape) for weight in layer.weights])
            for layer in model.layers
            if layer.weights
        ]

    assert layers_with_weights(ours) == layers_with_weights(theirs)


@pytest.mark.parametrize("builder", SIZES)
@pytest.mark.parametrize(
    ("shape", "options", "ending"),
    [
        ((64, 96, 3), {}, ".h5"),
        ((47, 33, 3), {"alpha": 0.35}, ".weights.h5"),
        ((64, 96, 3), {"minimalistic": True, "include_top": False}, ".h5"),
        ((64, 96, 3), {"include_preprocessing": False, "include_top": False}, ".weights.h5"),
    ],
)
def test_weights_of_keras_applications_load_and_compute_the_same(
    weight_file, builder, shape, options, ending
):
    theirs = SIZES[builder](shape, weights=None, classes=7, **options)
    inside = options.get("include_preprocessing", True)
    randomize_weights(theirs, preprocessing="none" if inside else "tf")

    ours = builder(shape, classes=7, weights=weight_file(theirs, ending), **options)

    low, high = (0, 255) if inside else (-1, 1)
    assert_same_answers(ours, theirs, low=low, high=high)


@pytest.mark.parametrize("builder", SIZES)
def test_pixels_are_scaled_inside_unless_told_otherwise(builder):
    names = {
        "none": abstract(builder),
        "tf": abstract(builder, include_preprocessing=False),
        "torch": abstract(builder, convention="torch"),
    }

    for name, model in names.items():
        assert preprocessing_of(model).name == name
        scales = any(isinstance(layer, keras.layers.Rescaling) for layer in model.layers)
        assert scales == (name == "none")


def test_the_minimalistic_network_has_nothing_costly():
    model = abstract(mobilenet_v3_small, minimalistic=True)

    assert not [layer for layer in model.layers if isinstance(layer, keras.layers.Multiply)]
    depthwise = [x for x in model.layers if isinstance(x, keras.layers.DepthwiseConv2D)]
    assert {layer.kernel_size for layer in depthwise} == {(3, 3)}


def test_the_torch_convention_pads_both_sides():
    model = abstract(mobilenet_v3_large, convention="torch")

    assert model.get_layer("block4_depthwise_pad").padding == ((2, 2), (2, 2))
    assert abstract(mobilenet_v3_large).get_layer("block4_depthwise_pad").padding == (
        (1, 2), (1, 2),
    )  # fmt: skip


@pytest.mark.parametrize("options", [{}, {"minimalistic": True}])
def test_it_exports(tmp_path, options):
    model = randomize_weights(mobilenet_v3_small((64, 97, 3), alpha=0.75, classes=7, **options))

    export_coreml(model, tmp_path / "m.mlpackage", precision="float32")

    # rounding, as it grows over eleven blocks
    assert verify(model, tmp_path / "m.mlpackage").largest_difference < 1e-5


def test_scaling_inside_contradicts_the_torch_convention():
    with pytest.raises(InvalidArgumentError, match="include_preprocessing=True scales to"):
        mobilenet_v3_small(convention="torch", include_preprocessing=True)


def test_no_filters_are_refused():
    with pytest.raises(InvalidArgumentError, match="alpha=-1 must be a number greater than 0"):
        mobilenet_v3_small(alpha=-1)
