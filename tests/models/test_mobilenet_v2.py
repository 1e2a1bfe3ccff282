import keras
import pytest

from mobilezoo import export_coreml, mobilenet_v2, randomize_weights, verify
from mobilezoo.benchmark import count
from mobilezoo.data.preprocessing import preprocessing_of
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph.abstract import without_weights
from tests.models.same_answers import assert_same_answers

# Millions of mult-adds: slim's README, which rounds down.
PUBLISHED = [
    (1.4, 224, 582), (1.3, 224, 509), (1.0, 224, 300), (1.0, 96, 56), (0.75, 160, 107),
    (0.5, 224, 97), (0.35, 128, 20),
]  # fmt: skip


def abstract(**options):
    with without_weights():
        return mobilenet_v2(**options)


@pytest.mark.parametrize(("alpha", "side", "millions"), PUBLISHED)
def test_counts_are_the_published_ones(alpha, side, millions):
    counts = count(abstract(alpha=alpha, input_shape=(side, side, 3)))

    theirs = keras.applications.MobileNetV2
    with without_weights():
        expected = theirs((side, side, 3), alpha=alpha, weights=None).count_params()
    assert counts.parameters == expected
    assert counts.mult_adds // 10**6 == millions


@pytest.mark.parametrize(
    ("shape", "include_top", "ending"),
    [
        ((64, 96, 3), True, ".h5"),
        ((64, 96, 3), False, ".weights.h5"),
        ((47, 33, 3), True, ".weights.h5"),
        ((47, 33, 3), False, ".h5"),
    ],
)
def test_weights_of_keras_applications_load_and_compute_the_same(
    weight_file, shape, include_top, ending
):
    theirs = keras.applications.MobileNetV2(
        shape, alpha=0.35, weights=None, classes=7, include_top=include_top
    )
    randomize_weights(theirs)

    path = weight_file(theirs, ending)
    ours = mobilenet_v2(shape, alpha=0.35, classes=7, include_top=include_top, weights=path)

    assert_same_answers(ours, theirs)


def test_shortcuts_are_where_the_shape_stays():
    adds = [layer.name for layer in abstract().layers if isinstance(layer, keras.layers.Add)]

    # the second and later blocks of each row of Table 2
    assert adds == [f"block{n}_add" for n in (3, 5, 6, 8, 9, 10, 12, 13, 15, 16)]


def test_bottlenecks_are_linear():
    model = abstract()

    for number in range(1, 18):
        batch_norm = model.get_layer(f"block{number}_project_bn")
        readers = [node.operation.name for node in batch_norm._outbound_nodes]
        assert not any("relu" in name and name.startswith(f"block{number}_") for name in readers)


def test_the_torch_convention_pads_both_sides_with_a_smaller_epsilon():
    model = abstract(convention="torch")

    assert model.get_layer("block2_depthwise_pad").padding == ((1, 1), (1, 1))
    assert model.get_layer("stem_pad").padding == ((1, 1), (1, 1))
    assert model.get_layer("stem_bn").epsilon == 1e-5
    assert preprocessing_of(model).name == "torch"
    assert abstract().get_layer("block2_depthwise_pad").padding == ((0, 1), (0, 1))


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_it_exports(tmp_path, precision):
    model = randomize_weights(mobilenet_v2((64, 96, 3), alpha=0.35, classes=7))

    export_coreml(model, tmp_path / "m.mlpackage", precision=precision)

    assert verify(model, tmp_path / "m.mlpackage")


def test_no_filters_are_refused():
    with pytest.raises(InvalidArgumentError, match="alpha=0 must be a number greater than 0"):
        mobilenet_v2(alpha=0)
