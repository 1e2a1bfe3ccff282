"""A program is traced once per size; the latest sizes are kept, also when threads share it."""

import time
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
from keras import layers

from mobilezoo import ImageSizeRange, ImageSizes, export_coreml, randomize_weights
from mobilezoo.runtime import executable, load_coreml
from mobilezoo.runtime.executable import Executable
from mobilezoo.runtime.features import Feature
from mobilezoo.runtime.operations import Block

RANGE = ImageSizeRange((10, 40), (24, 25))
TWELVE = ImageSizes([(10 + i, 24) for i in range(12)])


@pytest.fixture(scope="module")
def model():
    x = inputs = keras.Input((20, 24, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(x))
    return randomize_weights(keras.Model(inputs, x))


@pytest.fixture
def opened(model, tmp_path):
    """`opened(flexible)` -> the model, exported and opened."""

    def export(flexible):
        path = tmp_path / "m.mlpackage"
        export_coreml(model, path, inputs="array", flexible=flexible, precision="float32")
        return load_coreml(path)

    return export


@pytest.fixture
def traces(monkeypatch):
    """Heights of the pictures for which a program was traced."""
    heights = []
    trace = Executable._trace

    def traced(self, signature):
        heights.append(signature[0].shape[1])
        time.sleep(0.01)  # so that threads meet here
        return trace(self, signature)

    monkeypatch.setattr(Executable, "_trace", traced)
    return heights


@pytest.fixture
def check(model):
    """`check(program, height)`: whether the program computes what Keras does."""

    def agrees(program, height):
        x = np.random.default_rng(height).normal(size=(1, height, 24, 3)).astype(np.float32)
        made = program.predict({program.inputs[0].name: x})[program.outputs[0].name]
        expected = model.call(keras.ops.convert_to_tensor(x))
        np.testing.assert_allclose(made, expected, atol=1e-5)  # sums in another order

    return agrees


def test_the_least_recently_used_size_gives_way(opened, traces, check, monkeypatch):
    monkeypatch.setattr(executable, "_MOST_TRACED", 3)
    program = opened(RANGE)

    for height in (10, 11, 12, 10, 13, 10, 11):  # 13 takes the place of 11
        check(program, height)

    assert traces == [10, 11, 12, 13, 11]
    assert len(program._executable._traced) == 3


def test_each_listed_size_is_traced_once(opened, traces, check):
    program = opened(TWELVE)

    for height in [10 + i for i in range(12)] * 2:
        check(program, height)

    assert traces == [10 + i for i in range(12)]


def test_of_very_many_listed_sizes_the_latest_are_kept(opened, check, monkeypatch):
    monkeypatch.setattr(executable, "_MOST_LISTED", 10)
    program = opened(TWELVE)

    for i in range(12):
        check(program, 10 + i)

    assert len(program._executable._traced) == 10


@pytest.mark.parametrize(("listed", "kept"), [(1, 8), (4, 16), (200, 128)])
def test_two_inputs_that_list_sizes_may_have_each_pair(listed, kept):
    choices = tuple((1, 1 + i) for i in range(listed))
    features = [Feature(name, "array", (1, None), choices=choices) for name in "ab"]

    made = Executable(Block((), (), (), None, {}), features, (), None)

    assert made._most_traced == kept


def test_threads_that_share_a_program_trace_each_size_once(opened, traces, check):
    program = opened(TWELVE)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: check(program, 10 + i // 8), range(96)))

    assert sorted(traces) == [10 + i for i in range(12)]


def test_threads_with_more_sizes_than_are_kept_get_the_right_answers(opened, check, monkeypatch):
    monkeypatch.setattr(executable, "_MOST_TRACED", 2)
    program = opened(RANGE)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: check(program, 10 + i % 5), range(60)))

    assert len(program._executable._traced) == 2
