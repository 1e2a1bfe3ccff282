"""Examples one after the other: lists, generators, and what is neither."""

import weakref

import numpy as np
import pytest
from coremltools.converters.mil import Builder as mb
from coremltools.converters.mil.mil import get_new_symbol

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.runtime import load_coreml

from .conftest import build, ct


@pytest.fixture
def double(save_package):
    """A program that doubles its input x (1, 2, 3)."""
    return load_coreml(save_package(build((1, 2, 3), lambda x: mb.mul(x=x, y=2.0, name="y"))))


def example(number):
    return {"x": np.full((1, 2, 3), number, np.float32)}


def numbers(results):
    assert isinstance(results, list)
    assert all(row["y"].shape == (1, 2, 3) for row in results)
    return [float(row["y"][0, 1, 2]) for row in results]


@pytest.mark.parametrize(
    "kind", [list, tuple, iter, lambda items: dict(enumerate(items)).values(), lambda items: items]
)
def test_whatever_gives_dictionaries_gives_a_list(double, kind):
    results = double.predict(kind(example(i) for i in range(3)))

    assert numbers(results) == [0.0, 2.0, 4.0]


def test_no_examples_give_no_results(double):
    assert double.predict([]) == []
    assert double.predict(iter(())) == []


def test_a_generator_is_read_when_its_examples_are_needed_and_these_are_forgotten(double):
    alive, most = set(), 0

    def examples():
        nonlocal most
        for i in range(100):
            made = example(i)
            alive.add(i)
            weakref.finalize(made["x"], alive.discard, i)
            most = max(most, len(alive))
            yield made
            del made

    results = double.predict(examples())

    assert numbers(results) == [2.0 * i for i in range(100)]
    assert 20 <= most <= 34  # 32 that run at once, and those that Python still holds


def test_a_mistake_in_a_list_names_its_example(double):
    with pytest.raises(InvalidArgumentError, match=r"^Example 1 of the list: .*missing \['x'\]"):
        double.predict([example(0), {}])
    with pytest.raises(InvalidArgumentError, match=r"Example 1 of the list: predict takes .*ndarr"):
        double.predict([example(0), np.zeros((1, 2, 3))])
    with pytest.raises(InvalidArgumentError, match=r"Example 0 of the list: .*holds one example"):
        double.predict([{"x": np.zeros((4, 2, 3))}])


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (None, "NoneType"), (3, "int"), ("x", "str"), (b"x", "bytes"),
        (np.zeros((1, 2, 3), np.float32), "ndarray"),
    ],
)  # fmt: skip
def test_what_has_no_names_is_told_to_be_a_dictionary(double, given, kind):
    with pytest.raises(InvalidArgumentError, match=rf"{kind} was given. Pass {{'x': \.\.\.}}"):
        double.predict(given)


def test_layers_take_one_example(double):
    with pytest.raises(InvalidArgumentError, match=r"layers takes one .*: name -> value; list was"):
        double.layers([example(0)])


def test_a_picture_without_its_name_is_told_to_be_in_a_dictionary(double):
    image = pytest.importorskip("PIL.Image")

    with pytest.raises(InvalidArgumentError, match="Image was given"):
        double.predict(image.new("RGB", (3, 2)))


def test_other_errors_of_a_generator_are_its_own(double):
    def broken():
        yield example(0)
        raise RuntimeError("no more pictures")

    with pytest.raises(RuntimeError, match="no more pictures"):
        double.predict(broken())


def test_examples_of_several_sizes_keep_their_order(save_package):
    program = build((1, get_new_symbol()), lambda x: mb.mul(x=x, y=2.0, name="y"))
    taken = ct.TensorType("x", (1, ct.RangeDim(1, 9)), dtype=np.float32)
    program = load_coreml(save_package(program, inputs=[taken]))

    results = program.predict({"x": np.full((1, n), n, np.float32)} for n in (3, 3, 2, 3))

    assert [row["y"].tolist() for row in results] == [[[6.0] * 3]] * 2 + [[[4.0] * 2]] + [
        [[6.0] * 3]
    ]
