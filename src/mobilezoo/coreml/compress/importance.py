"""How much each weight counts: by how the answers hang on it.

What rounding does to the answers is, while it is small, the sum over the weights of the squared
error of each times the diagonal of the Hessian of the answers' error (LeCun et al. 1990, "Optimal
Brain Damage"); for squared errors that is the mean squared gradient, the Fisher diagonal.

A few examples tell it with noise, so a tenth of the mean is added to all: on networks that were
trained on digits and on those with lively random weights that is as good as none or better.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from mobilezoo.coreml.compress.constants import Constant
from mobilezoo.coreml.compress.drift import find_answers
from mobilezoo.graph.node import Array
from mobilezoo.runtime.observing import squared_gradients
from mobilezoo.runtime.program import CoreMLProgram

_DAMPING = 0.1  # of the mean


def measure_importance(
    program: CoreMLProgram, inputs: Mapping[str, Array], constants: Collection[Constant]
) -> dict[Any, Array]:
    """By the keys of weights: by what the squared error of each element is to be multiplied.

    Args:
        program: that is compressed.
        inputs: examples, as `predict` takes several at once.
        constants: of the function that runs; those that no answer hangs on are left out.

    Raises:
        InvalidArgumentError: a pipeline, or inputs that the program does not take.
    """
    opened = program._opened
    answers = find_answers(opened.block, opened.fetch)
    weights = {constant.key: np.asarray(constant.read(), np.float32) for constant in constants}
    places = {
        (place.layer, place.parameter): constant.key
        for constant in constants
        for place in constant.places
    }
    squares = squared_gradients(
        opened, inputs, weights, places, [(item.name, item.is_scores) for item in answers]
    )
    return {
        key: square + np.float32(_DAMPING) * square.mean()
        for key, square in squares.items()
        if np.isfinite(square).all() and square.any()
    }
