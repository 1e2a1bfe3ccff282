"""float16 overflow is measured on calibration inputs."""

import warnings

import keras
import numpy as np
import pytest
from keras import layers

from mobilezoo import export_coreml
from mobilezoo.errors import Float16OverflowWarning, InvalidArgumentError


def network(gain):
    """Two layers; the first one's outputs are `gain` times the sum of the pixels."""
    inputs = keras.Input((4, 5, 2))
    wide, narrow = layers.Conv2D(3, (4, 5), name="wide"), layers.Conv2D(3, 1, name="narrow")
    model = keras.Model(inputs, narrow(wide(inputs)), name="net")
    wide.set_weights([np.full((4, 5, 2, 3), gain, "float32"), np.zeros(3, "float32")])
    narrow.set_weights([np.full((1, 1, 3, 3), 1e-4, "float32"), np.zeros(3, "float32")])
    return model


ONES = np.ones((2, 4, 5, 2), "float32")


def test_the_layer_that_overflows_is_named():
    with pytest.warns(Float16OverflowWarning, match=r"in 1 layer\(s\): 'wide' \(8e\+04\)"):
        export_coreml(network(2000.0), inputs="array", calibration=ONES)


def test_values_that_fit_do_not_warn():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        export_coreml(network(1600.0), inputs="array", calibration=ONES)
        export_coreml(network(2000.0), inputs="array")  # not measured, not guessed

    assert caught == []


def test_what_folding_merges_away_does_not_count():
    inputs = keras.Input((4, 5, 2))
    conv = layers.Conv2D(3, (4, 5), use_bias=False, name="conv")
    norm = layers.BatchNormalization(name="norm")
    model = keras.Model(inputs, norm(conv(inputs)))
    conv.set_weights([np.full((4, 5, 2, 3), 2000.0, "float32")])
    norm.set_weights([np.float32(v) for v in ([1] * 3, [0] * 3, [8e4] * 3, [1e8] * 3)])

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        export_coreml(model, inputs="array", calibration=ONES)

    assert caught == []


@pytest.mark.parametrize("wrong", [ONES[0], [ONES, ONES], ONES[:, :3]])
def test_inputs_of_another_shape_are_refused(wrong):
    with pytest.raises(InvalidArgumentError, match=r"calibration has shapes.*the model takes"):
        export_coreml(network(1.0), inputs="array", calibration=wrong)
