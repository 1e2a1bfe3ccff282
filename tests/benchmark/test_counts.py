import keras
import pytest
from keras import layers

from mobilezoo import benchmark, mobilenet
from mobilezoo.benchmark.counts import _FREE, _MULT_ADDS
from mobilezoo.benchmark.table import columns, megabytes, millions
from mobilezoo.coreml.emit import EMITTERS
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph.abstract import without_weights


@pytest.mark.parametrize(
    ("layer", "mult_adds"),
    [
        (layers.Conv2D(4, (3, 2)), (9 - 2) * (7 - 1) * 4 * 3 * 2 * 6),
        (layers.Conv2D(4, (3, 2), groups=2), (9 - 2) * (7 - 1) * 4 * 3 * 2 * 3),
        (layers.Conv2D(4, 3, strides=2, padding="same"), 5 * 4 * 4 * 9 * 6),
        (layers.DepthwiseConv2D((3, 2), depth_multiplier=2), 7 * 6 * 12 * 6),
        (layers.Dense(5), 9 * 7 * 5 * 6),
        (layers.MaxPooling2D(2), 0),
    ],
)
def test_mult_adds_are_outputs_times_products_each(functional, layer, mult_adds):
    counts = benchmark.count(functional(layer, shape=(9, 7, 6)))

    assert counts.mult_adds == mult_adds
    assert counts.flops == 2 * mult_adds


def test_what_is_not_counted_is_listed():
    counts = benchmark.count(mobilenet((32, 32, 3), alpha=0.25))

    assert counts.not_counted == {
        "batch_norm": 27, "relu6": 27, "pad": 4, "reduce_mean": 1, "reshape": 1, "softmax": 1,
    }  # fmt: skip


def test_every_operation_that_exports_is_counted_or_known_to_be_free():
    assert set(EMITTERS) <= set(_MULT_ADDS) | _FREE
    assert not set(_MULT_ADDS) & _FREE


def test_counting_needs_no_weights_in_memory():
    with without_weights():
        model = keras.applications.VGG16(weights=None)

    counts = benchmark.count(model)

    assert counts.parameters == 138_357_544
    assert counts.mult_adds == 15_470_264_320  # arXiv:1409.1556 network D: 15.5 billion


def test_free_sides_are_asked_for():
    model = mobilenet(include_top=False, alpha=0.25)

    with pytest.raises(InvalidArgumentError, match=r"has free sides\. Pass input_shape"):
        benchmark.count(model)
    assert benchmark.count(model, input_shape=(64, 64, 3)).mult_adds > 0


def test_sizes_of_folders_are_the_sum_of_their_files(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_bytes(b"123")
    (tmp_path / "y").write_bytes(b"12345")

    assert benchmark.size_bytes(tmp_path) == 8
    assert benchmark.size_bytes(tmp_path / "y") == 5


def test_nothing_has_no_size(tmp_path):
    with pytest.raises(InvalidArgumentError, match="does not exist"):
        benchmark.size_bytes(tmp_path / "nothing")


def test_units_are_decimal():
    assert megabytes(2_700_000) == "2.70 MB"
    assert millions(568_740_352) == "568.7 M"


def test_columns_line_up():
    assert columns([("name", "n"), ("longer", "10")]) == "name     n\nlonger  10"
