"""What a program would allocate and compute is known, and refused, before it runs."""

import numpy as np
import pytest
from coremltools.converters.mil.mil import get_new_symbol as mb_symbol

from mobilezoo.errors import CoreMLFileError, UnsupportedOpError
from mobilezoo.runtime import limits, load_coreml

from .conftest import build, ct, mb

X = np.arange(1.0, 13.0, dtype=np.float32).reshape(1, 3, 4)


@pytest.fixture
def opened(save_package):
    return lambda body, **options: load_coreml(save_package(build((1, 3, 4), body), **options))


def doubled(x):
    """12, 24, 48, 96 numbers."""
    for i in range(4):
        x = mb.concat(values=[x, x], axis=2, name=f"y{i}")
    return x


def test_all_values_together_are_bounded_and_the_one_that_is_too_many_is_named(opened, monkeypatch):
    program = opened(doubled)
    monkeypatch.setattr(limits, "MOST_ELEMENTS_IN_ALL", 24 + 48 + 96 + 100)

    message = r"op 4 of 4, 'concat' -> 'y3' would make 360 elements so far for one example; at most"
    with pytest.raises(CoreMLFileError, match=message):
        program.predict({"x": X})
    with pytest.raises(CoreMLFileError, match=message):
        next(program.layers({"x": X}))


def test_as_much_as_is_allowed_is_computed(opened, monkeypatch):
    program = opened(doubled)
    monkeypatch.setattr(limits, "MOST_ELEMENTS_IN_ALL", 24 + 48 + 96 + 192)

    assert program.predict({"x": X})["y3"].shape == (1, 3, 64)
    assert [value.shape[2] for _, value in program.layers({"x": X})] == [8, 16, 32, 64]


def test_examples_beyond_the_first_do_not_count(opened, monkeypatch):
    program = opened(doubled)
    monkeypatch.setattr(limits, "MOST_ELEMENTS_IN_ALL", 24 + 48 + 96 + 192)

    assert program.predict({"x": np.concatenate([X] * 5)})["y3"].shape == (5, 3, 64)


def test_values_within_an_operation_count(opened, monkeypatch):
    """The border of a mean that leaves it out is made first: 3 x 67 numbers for 3 x 4."""
    program = opened(
        lambda x: mb.avg_pool(
            x=x, kernel_sizes=[64], pad_type="custom", pad=[30, 33], strides=[1], name="y",
            exclude_padding_from_average=True,
        )
    )  # fmt: skip
    monkeypatch.setattr(limits, "MOST_ELEMENTS", 100)

    with pytest.raises(CoreMLFileError, match="'avg_pool' -> 'y' would make a value of 201"):
        program.predict({"x": X})


def test_work_is_bounded(opened, monkeypatch):
    weight = np.ones((5, 3, 2), np.float32)
    program = opened(lambda x: mb.conv(x=x, weight=weight, name="y"))
    monkeypatch.setattr(limits, "MOST_MULT_ADDS", 5 * 3 * 3 * 2 - 1)

    for run in (program.predict, lambda given: next(program.layers(given))):
        with pytest.raises(CoreMLFileError, match=r"'conv' -> 'y' would make \d+ mult-adds so far"):
            run({"x": X})
    monkeypatch.setattr(limits, "MOST_MULT_ADDS", 5 * 3 * 3 * 2 + 40)  # and what moves the axes
    assert program.predict({"x": X})["y"].shape == (1, 5, 3)


def test_the_work_on_volumes_is_bounded(save_package, monkeypatch):
    weight = np.ones((5, 2, 2, 1, 3), np.float32)
    shape = (1, 2, 3, 4, 5)
    program = load_coreml(
        save_package(build(shape, lambda x: mb.conv(x=x, weight=weight, name="y")))
    )
    monkeypatch.setattr(limits, "MOST_MULT_ADDS", 5 * 2 * 4 * 3 * 12 - 1)

    with pytest.raises(CoreMLFileError, match=r"'conv' -> 'y' would make \d+ mult-adds so far"):
        program.predict({"x": np.ones(shape, np.float32)})
    monkeypatch.setattr(limits, "MOST_MULT_ADDS", 5 * 2 * 4 * 3 * 12 + 1000)  # and moved axes
    assert program.predict({"x": np.ones(shape, np.float32)})["y"].shape == (1, 5, 2, 4, 3)


def test_one_stored_weight_read_many_times_counts_each_time(opened, monkeypatch):
    table = np.ones((3, 40), np.float32)

    def body(x):
        kept = mb.const(val=table, name="table")
        for i in range(3):
            x = mb.add(x=x, y=mb.reduce_sum(x=kept, axes=[1], keep_dims=True), name=f"y{i}")
        return x

    program = opened(body)
    monkeypatch.setattr(limits, "MOST_ELEMENTS_IN_ALL", 300)  # 120, and one axis, each time

    with pytest.raises(CoreMLFileError, match=r"op 5 of 6, 'reduce_sum' -> .* 363 elements so far"):
        program.predict({"x": X})


def found(x):
    """The product of the places that are not zero with themselves: as many numbers, squared."""
    places = mb.cast(x=mb.non_zero(x=x), dtype="fp32")
    return mb.matmul(x=places, y=places, transpose_y=True, name="y")


def test_sizes_that_the_numbers_decide_are_computed(opened):
    program = opened(found)
    x = np.zeros((1, 3, 4), np.float32)
    x[0, 1, 2] = x[0, 2, 3] = 1.0  # places (0, 1, 2) and (0, 2, 3)

    np.testing.assert_array_equal(program.predict({"x": x})["y"], [[5, 8], [8, 13]])
    np.testing.assert_array_equal(dict(program.layers({"x": x}))["y"], [[5, 8], [8, 13]])


def test_sizes_that_the_numbers_decide_are_bounded_before_they_are_made(opened, monkeypatch):
    program = opened(found)
    monkeypatch.setattr(limits, "MOST_ELEMENTS", 12 * 12 - 1)

    message = r"'matmul' -> 'y': 'y' has shape \(12, 12\), 144 elements; at most 143"
    with pytest.raises(CoreMLFileError, match=message):
        program.predict({"x": X})
    with pytest.raises(CoreMLFileError, match=message):
        list(program.layers({"x": X}))


def test_a_number_of_axes_that_the_numbers_decide_is_refused(opened):
    def body(x):
        sizes = mb.reshape(x=mb.non_zero(x=x), shape=[-1])
        return mb.fill(shape=sizes, value=1.0, name="y")

    with pytest.raises(UnsupportedOpError, match="how many axes 'y' has depends on the numbers"):
        opened(body).predict({"x": X})


@pytest.mark.parametrize("computed", [False, True])
def test_any_number_of_examples_is_traced_where_nothing_else_is_open(
    save_package, monkeypatch, computed
):
    """As an operation after the other would be slow."""

    def body(x):
        sizes = mb.gather(x=mb.shape(x=x), indices=[1, 0] if computed else [1], axis=0)
        made = mb.fill(shape=sizes, value=1.0) if computed else np.ones((4, 2), np.float32)
        return mb.matmul(x=x, y=made, name="y")

    free = ct.RangeDim(1, 5, default=2)
    path = save_package(
        build((mb_symbol(), 4), body), inputs=[ct.TensorType("x", ct.Shape((free, 4)))]
    )
    monkeypatch.setattr("mobilezoo.runtime.executable.one_by_one", None)

    made = load_coreml(path).predict({"x": np.ones((3, 4), np.float32)})["y"]

    np.testing.assert_array_equal(made, np.full((3, 3 if computed else 2), 4.0))


def test_sizes_that_the_numbers_of_any_number_of_examples_decide_are_bounded(
    save_package, monkeypatch
):
    free = ct.RangeDim(1, 5, default=2)
    path = save_package(
        build((mb_symbol(), 4), found), inputs=[ct.TensorType("x", ct.Shape((free, 4)))]
    )
    program = load_coreml(path)
    monkeypatch.setattr(limits, "MOST_ELEMENTS", 12 * 12 - 1)

    with pytest.raises(CoreMLFileError, match=r"\(12, 12\), 144 elements; at most 143"):
        program.predict({"x": np.ones((3, 4), np.float32)})


def outer(x):
    """Twice the product of a column and a row: 2^20, then 2^40 numbers."""
    for name in ("first", "y"):
        column = mb.reshape(x=x, shape=[-1, 1])
        x = mb.matmul(x=column, y=column, transpose_y=True, name=name)
    return x


def test_a_value_that_no_memory_holds_is_refused_in_no_time(save_package):
    program = load_coreml(save_package(build((1, 1024), outer)))

    for run in (program.predict, lambda given: list(program.layers(given))):
        with pytest.raises(CoreMLFileError, match=r"'matmul' -> 'y'.*1099511627776 elements"):
            run({"x": np.ones((1, 1024), np.float32)})


def test_more_operations_than_are_supported_are_refused(opened, monkeypatch):
    monkeypatch.setattr(limits, "MOST_OPERATIONS", 3)

    with pytest.raises(CoreMLFileError, match=r"\d+ operations; at most 3 are supported"):
        opened(doubled, minimum_deployment_target=ct.target.iOS15)
