"""`weights()` and `with_weights()` of an opened program."""

import numpy as np
import pytest
from coremltools.models import datatypes
from coremltools.models.pipeline import Pipeline

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.runtime import load_coreml

from .conftest import build, convolution, ct, mb
from .network.conftest import builder

PLACE = "conv_1", "weight"
X = np.random.default_rng(2).normal(size=(1, 3, 5, 4)).astype(np.float32)


@pytest.fixture
def program(save_package):
    return load_coreml(save_package(convolution()))


def test_weights_are_read_when_they_are_asked_for(program):
    weights = program.weights()

    assert list(weights) == [PLACE]
    assert weights[PLACE].shape == (7, 3, 3, 2)
    np.testing.assert_allclose(weights[PLACE].read().ravel(), np.linspace(-1, 1, 126), rtol=1e-6)
    assert "<" not in repr(weights[PLACE])  # no function's address


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int64])
def test_a_program_with_other_weights_computes_with_them(program, dtype):
    other = np.random.default_rng(3).integers(-4, 5, (7, 3, 3, 2)).astype(dtype)

    changed = program.with_weights({PLACE: other})
    y = changed.predict({"x": X})["y"]

    windows = np.lib.stride_tricks.sliding_window_view(X[0], (3, 2), axis=(1, 2))
    expected = np.einsum("chwij,ocij->ohw", windows, other.astype(np.float64))
    np.testing.assert_allclose(y, [np.maximum(expected, 0)], rtol=1e-5, atol=1e-5)
    assert np.abs(y - program.predict({"x": X})["y"]).max() > 1


def test_weights_stored_as_float16_may_be_given_as_float64(save_package):
    weight = np.random.default_rng(4).normal(size=(2, 24)).astype(np.float16)

    def dense(x):
        y = mb.linear(x=mb.cast(x=x, dtype="fp16"), weight=weight)
        return mb.cast(x=y, dtype="fp32", name="y")

    program = load_coreml(save_package(build((1, 24), dense)))
    ((place, stored),) = program.weights().items()
    x = np.ones((1, 24), np.float32)

    changed = program.with_weights({place: weight.astype(np.float64) * 2})

    assert stored.read().dtype == np.float16
    np.testing.assert_allclose(
        changed.predict({"x": x})["y"], program.predict({"x": x})["y"] * 2, rtol=1e-5
    )


def test_whole_numbers_are_replaced_by_whole_numbers_only(save_package):
    rows, target = np.arange(24, dtype=np.uint8)[::-1], ct.target.iOS17
    made = build((24, 2), lambda x: mb.gather(x=x, indices=rows, name="y"), target)
    program = load_coreml(save_package(made, minimum_deployment_target=target))
    ((place, _),) = program.weights().items()
    x = np.random.default_rng(5).normal(size=(24, 2)).astype(np.float32)

    changed = program.with_weights({place: np.zeros(24, np.int64)})

    np.testing.assert_allclose(changed.predict({"x": x})["y"], np.tile(x[:1], (24, 1)))
    with pytest.raises(InvalidArgumentError, match=r"float64 of shape \(24,\); whole numbers of"):
        program.with_weights({place: np.zeros(24)})


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({("conv_9", "weight"): 0}, r"no weights \('conv_9', 'weight'\).*\('conv_1', 'weight'\)"),
        ({"conv_1": 0}, r"no weights 'conv_1'\. Places are the keys of weights\(\)"),
        ({PLACE: np.zeros((7, 3, 2, 3))}, r"float64 of shape \(7, 3, 2, 3\).*\(7, 3, 3, 2\) are"),
        ({PLACE: np.full((7, 3, 3, 2), "a")}, r"given as <U1 of shape"),
        ([np.zeros((7, 3, 3, 2))], r"takes a dictionary, place -> array.* a list"),
    ],
)
def test_weights_that_do_not_fit_are_refused(program, weights, message):
    with pytest.raises(InvalidArgumentError, match=message):
        program.with_weights(weights)


def test_weights_of_a_pipeline_are_not_to_be_had(tmp_path):
    network = builder({"x": (3,)}, {"y": (3,)})
    network.add_activation("a", "LINEAR", "x", "y", [2.0, 0.0])
    pipeline = Pipeline([("x", datatypes.Array(3))], ["y"])
    pipeline.add_model(network.spec)
    ct.utils.save_spec(pipeline.spec, str(tmp_path / "p.mlmodel"))
    program = load_coreml(tmp_path / "p.mlmodel")

    assert program.weights() == {}
    with pytest.raises(InvalidArgumentError, match=r"p\.mlmodel: weights of a pipeline cannot"):
        program.with_weights({})
