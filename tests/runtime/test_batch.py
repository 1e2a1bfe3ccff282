import numpy as np
import pytest
from coremltools.converters.mil import Builder as mb

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.runtime import load_coreml

from .conftest import build, convolution, ct

RNG = np.random.default_rng(0)


def steps(x):
    """Ops that spell the batch of 1 out: (1, 3, 4) -> (1, 6)."""
    y = mb.transpose(x=x, perm=[0, 2, 1])
    y = mb.slice_by_index(x=y, begin=[0, 1, 0], end=[1, 3, 3])
    left, right = mb.split(x=mb.reshape(x=y, shape=[1, 6]), num_splits=2, axis=1)
    y = mb.concat(values=(right, left), axis=-1)
    y = mb.slice_by_size(x=mb.expand_dims(x=y, axes=[1]), begin=[0, 0, 0], size=[1, 1, 6])
    y = mb.add(x=mb.squeeze(x=y, axes=[1]), y=np.ones((1, 6), np.float32))
    return mb.sub(x=y, y=mb.reduce_mean(x=y, axes=[1], keep_dims=True), name="y")


def attention(x):
    weights = mb.softmax(x=mb.matmul(x=x, y=x, transpose_y=True))
    return mb.matmul(x=weights, y=x, name="y")


def affine(x):
    return mb.linear(x=x, weight=np.eye(2, 3, dtype=np.float32), name="y")


def with_constant(x):
    return mb.concat(values=(x, np.ones((1, 2), np.float32)), axis=1, name="y")


# name: (shape of one example, body)
PROVABLE = {
    "steps": ((3, 4), steps),
    "attention": ((4, 3), attention),
    "affine": ((3,), affine),
}
# each mixes what lies along the leading axis, or moves it
UNPROVABLE = {
    "sum over examples": ((3,), lambda x: mb.reduce_sum(x=x, axes=[0], keep_dims=True, name="y")),
    "softmax over examples": ((3,), lambda x: mb.softmax(x=x, axis=0, name="y")),
    "leading axis moved": ((3,), lambda x: mb.transpose(x=x, perm=[1, 0], name="y")),
    "leading axis swapped": ((1, 3), lambda x: mb.transpose(x=x, perm=[1, 0, 2], name="y")),
    "leading axis dropped": ((3, 4), lambda x: mb.reshape(x=x, shape=[3, 4], name="y")),
    "constant row joined": ((3,), with_constant),
    "row without the axis": ((3,), lambda x: mb.add(x=x, y=mb.squeeze(x=x, axes=[0]), name="y")),
}


@pytest.mark.parametrize("name", [*PROVABLE, *UNPROVABLE])
def test_several_examples_give_what_each_gives_alone(save_package, name):
    shape, body = {**PROVABLE, **UNPROVABLE}[name]
    program = load_coreml(save_package(build((1, *shape), body)))
    x = RNG.normal(size=(5, *shape)).astype(np.float32)

    together = program.predict({"x": x[:, np.newaxis]})["y"]

    alone = np.stack([program.predict({"x": x[i : i + 1]})["y"] for i in range(5)])
    assert program._executable.runs_many == (name in PROVABLE)
    np.testing.assert_allclose(together, alone, rtol=1e-5, atol=1e-6)  # kernels differ by batch
    if name != "softmax over examples":  # 1 everywhere, by definition
        assert np.abs(alone - alone[0]).max() > 0.1  # the examples differ


def test_n_may_stand_instead_of_the_leading_1_or_before_it(save_package):
    program = load_coreml(save_package(convolution()))
    x = RNG.normal(size=(6, 3, 5, 4)).astype(np.float32)

    assert program.predict({"x": x})["y"].shape == (6, 7, 3, 3)
    assert program.predict({"x": x[:, np.newaxis]})["y"].shape == (6, 1, 7, 3, 3)
    assert program.predict({"x": x[:1]})["y"].shape == (1, 7, 3, 3)


def test_a_list_of_dictionaries_gives_a_list(save_package):
    program = load_coreml(save_package(convolution()))
    x = RNG.normal(size=(35, 1, 3, 5, 4)).astype(np.float32)  # more than run at once

    results = program.predict([{"x": item} for item in x])

    assert len(results) == 35
    np.testing.assert_allclose(
        results[34]["y"], program.predict({"x": x[34]})["y"], rtol=1e-5, atol=1e-6
    )
    assert program.predict([]) == []


def test_a_dictionary_in_a_list_holds_one_example(save_package):
    program = load_coreml(save_package(convolution()))

    with pytest.raises(InvalidArgumentError, match="holds one example"):
        program.predict([{"x": np.zeros((2, 3, 5, 4))}])


def test_a_program_declared_for_several_runs_as_declared(save_package):
    program = load_coreml(save_package(convolution((2, 3, 5, 4))))

    assert program.predict({"x": np.zeros((2, 3, 5, 4))})["y"].shape == (2, 7, 3, 3)
    assert program.predict({"x": np.zeros((4, 2, 3, 5, 4))})["y"].shape == (4, 2, 7, 3, 3)
    with pytest.raises(InvalidArgumentError, match=r"\(2, 3, 5, 4\) is required"):
        program.predict({"x": np.zeros((3, 3, 5, 4))})


def test_inputs_must_agree_on_the_number_of_examples(save_package):
    @mb.program(input_specs=[mb.TensorSpec(shape=(1, 3)), mb.TensorSpec(shape=(1, 3))],
                opset_version=ct.target.iOS15)  # fmt: skip
    def difference(a, b):
        return mb.sub(x=a, y=b, name="y")

    program = load_coreml(save_package(difference))

    with pytest.raises(InvalidArgumentError, match="'a': 4, 'b': one"):
        program.predict({"a": np.zeros((4, 3)), "b": np.zeros((1, 3))})
