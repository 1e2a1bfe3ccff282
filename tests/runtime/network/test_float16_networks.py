"""Neural networks do not say what is float16: everything is rounded, weights too."""

import numpy as np
import pytest

from mobilezoo.errors import Float16OverflowWarning
from mobilezoo.runtime import load_coreml

from .conftest import builder

STEP = 2.0**-11  # float16 has no number between 1 and 1 + 2 * STEP


def two_products(save_network, first=1.0):
    made = builder({"x": (2,)}, {"y": (2,)})
    weights = np.float32([[first, 0.0], [0.0, 1 + STEP / 2]])
    made.add_inner_product("stage1_fc", weights, None, 2, 2, False, "x", "middle")
    made.add_inner_product("stage2_fc", np.eye(2) * 3, None, 2, 2, False, "middle", "y")
    return save_network(made)


def test_inputs_weights_and_what_layers_compute_are_rounded(save_network):
    path = two_products(save_network, first=1 + 1.5 * STEP)
    x = np.float32([1.0, 1 + STEP / 2])

    exact = load_coreml(path).predict({"x": x})["y"]
    rounded = load_coreml(path, arithmetic="float16").predict({"x": x})["y"]

    np.testing.assert_allclose(exact, [3 + 4.5 * STEP, 3 * (1 + STEP / 2) ** 2], rtol=1e-6)
    # 1 + 1.5 steps is stored as 1 + 2 steps; 3 + 6 steps goes to the even 3 + 8 steps
    np.testing.assert_array_equal(rounded, np.float32([3 + 8 * STEP, 3.0]))


def test_an_overflow_is_reported_with_the_name_of_its_layer(save_network):
    program = load_coreml(two_products(save_network, first=40000.0), arithmetic="float16")

    with pytest.warns(Float16OverflowWarning, match="'stage1_fc' computes .* 80000"):
        result = program.predict({"x": np.float32([2.0, 1.0])})

    np.testing.assert_array_equal(result["y"], [np.inf, np.nan])  # infinity times 0
