"""Networks that are built without weights."""

import keras
import pytest
from keras.src.backend.common import global_state

from mobilezoo import vgg16
from mobilezoo.graph.abstract import without_weights


@pytest.fixture
def abstract():
    with without_weights():
        return vgg16(weights=None)


def _has_numbers(model):
    return [variable._value is not None for variable in model.variables]


def test_a_network_has_shapes_and_no_numbers(abstract):
    assert abstract.count_params() == 138_357_544
    assert not any(_has_numbers(abstract))


def test_no_later_scope_of_keras_gives_it_numbers(abstract):
    with keras.StatelessScope():
        pass
    keras.layers.Lambda(lambda x: x + 1)(keras.Input((3,)))
    assert not any(_has_numbers(abstract))


def test_variables_that_waited_before_still_get_theirs():
    with keras.StatelessScope(initialize_variables=False):
        waiting = keras.Variable(shape=(2,), initializer="zeros")
    with without_weights():
        vgg16(weights=None)
    with keras.StatelessScope():
        pass
    assert waiting._value is not None
    assert not global_state.get_global_attribute("uninitialized_variables")


def test_an_error_inside_leaves_nothing_behind():
    def fail():
        with without_weights():
            keras.layers.Dense(3).build((None, 2))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not global_state.get_global_attribute("uninitialized_variables")
