"""`arithmetic="float16"`: between ops, values are what a device of float16 would keep."""

import warnings

import numpy as np
import pytest

from mobilezoo.errors import Float16OverflowWarning, InvalidArgumentError
from mobilezoo.runtime import load_coreml

from .conftest import build, ct, mb

STEP = 2.0**-11  # float16 has no number between 1 and 1 + 2 * STEP


@pytest.fixture
def run(save_package):
    """`run(body, x)` -> what a program of float16 computes in both arithmetics."""

    def run(body, x, *, half=True, **options):
        def program(value):
            value = mb.cast(x=value, dtype="fp16", name="half") if half else value
            return mb.identity(x=body(value), name="y")

        path = save_package(build(x.shape, program), **options)
        return tuple(
            load_coreml(path, arithmetic=arithmetic).predict({"x": x})["y"]
            for arithmetic in ("float32", "float16")
        )

    return run


def test_each_result_is_rounded_before_the_next_op_reads_it(run):
    x = np.float32([[2048.0, 1.0, 3.0]])

    exact, rounded = run(lambda x: mb.sub(x=mb.add(x=x, y=np.float16(1)), y=x), x)

    # 2049 lies half way between 2048 and 2050, and rounds to the even 2048
    np.testing.assert_array_equal(exact, [[1.0, 1.0, 1.0]])
    np.testing.assert_array_equal(rounded, [[0.0, 1.0, 1.0]])


def test_inputs_are_rounded_where_the_program_makes_them_float16(run):
    x = np.float32([[1 + STEP / 2, 1 + 1.5 * STEP]])

    exact, rounded = run(lambda x: mb.mul(x=x, y=np.float16(1)), x)

    np.testing.assert_array_equal(exact, x)
    np.testing.assert_array_equal(rounded, np.float32([[1.0, 1 + 2 * STEP]]))


def test_sums_are_accumulated_in_float32(run):
    x = np.ones((1, 4096), np.float32)

    _, total = run(lambda x: mb.reduce_sum(x=x, axes=[1], keep_dims=True), x)
    _, product = run(
        lambda x: mb.linear(x=x, weight=np.ones((3, 4096), np.float16)), x, name="b.mlpackage"
    )

    # in float16 the sum would stop at 2048, where 1 is less than half a step
    np.testing.assert_array_equal(total, [[4096.0]])
    np.testing.assert_array_equal(product, [[4096.0] * 3])


def test_what_a_program_declares_float32_beside_float16_stays_float32(run):
    x = np.float32([[1.0, 5.0]])

    def in_float32(x):
        wide = mb.cast(x=x, dtype="fp32")
        wide = mb.add(x=mb.mul(x=wide, y=np.float32(1 + STEP)), y=np.float32(-1.0))
        return mb.cast(x=wide, dtype="fp16")

    exact, kept = run(in_float32, x)

    np.testing.assert_array_equal(kept[0, 0], np.float32(STEP))
    np.testing.assert_allclose(exact, kept, rtol=STEP)


def test_a_program_without_float16_is_rounded_throughout(run):
    x = np.float32([[1 + STEP, 3.0]])
    weight = np.float32([[1 + STEP / 2, 0.0], [0.0, 1 + 1.5 * STEP]])

    exact, rounded = run(
        lambda x: mb.linear(x=x, weight=weight), x, half=False, name="whole.mlpackage"
    )

    np.testing.assert_allclose(exact, [[(1 + STEP) * (1 + STEP / 2), 3 * (1 + 1.5 * STEP)]])
    # the input goes to the even 1, the first weight to 1, the second to 1 + 2 steps, and three
    # times that, 3 + 6 steps, to the even one of its neighbours 3 + 4 and 3 + 8 steps
    np.testing.assert_array_equal(rounded, np.float32([[1.0, 3 + 8 * STEP]]))


def test_numbers_that_are_values_are_rounded_and_parameters_are_not(run):
    x = np.float32([[3.0, -3.0]])
    number = np.float32(1 + 1.5 * STEP)

    _, value = run(lambda x: mb.mul(x=x, y=number), x, half=False, name="a.mlpackage")
    _, parameter = run(lambda x: mb.leaky_relu(x=x, alpha=number), x, half=False)

    # as a value it goes to 1 + 2 steps, and 3 + 6 steps to the even 3 + 8 steps; 3 + 4.5 to 3 + 4
    np.testing.assert_array_equal(value, np.float32([[3 + 8 * STEP, -3 - 8 * STEP]]))
    np.testing.assert_array_equal(parameter, np.float32([[3.0, -3 - 4 * STEP]]))


def test_layers_gives_what_is_kept(save_package):
    def body(x):
        half = mb.cast(x=x, dtype="fp16", name="half")
        return mb.sub(x=mb.add(x=half, y=np.float16(1), name="more"), y=half, name="y")

    path = save_package(build((1, 3), body))
    x = np.float32([[2048.0, 1 + STEP / 2, 0.1]])

    values = dict(load_coreml(path, arithmetic="float16").layers({"x": x}))

    np.testing.assert_array_equal(values["half"], np.float32(np.float16([[2048.0, 1.0, 0.1]])))
    np.testing.assert_array_equal(values["more"], np.float32(np.float16([[2048.0, 2.0, 1.1]])))
    assert all((value == value.astype(np.float16)).all() for value in values.values())


def test_pictures_at_once_are_rounded_as_each_alone(save_package):
    weight = np.linspace(-1, 1, 6 * 3 * 3 * 2).astype(np.float16).reshape(6, 3, 3, 2)

    def body(x):
        half = mb.cast(x=x, dtype="fp16")
        return mb.softmax(x=mb.gelu(x=mb.conv(x=half, weight=weight), mode="EXACT"), axis=1)

    program = load_coreml(save_package(build((1, 3, 5, 4), body)), arithmetic="float16")
    examples = np.random.default_rng(0).normal(0, 3, (4, 3, 5, 4)).astype(np.float32)
    (name,) = [feature.name for feature in program.outputs]

    together = program.predict({"x": examples})[name]
    alone = [program.predict({"x": example[np.newaxis]})[name] for example in examples]

    np.testing.assert_allclose(together, np.concatenate(alone), rtol=2 * STEP)
    assert (together == together.astype(np.float16)).all()


def squared_and_cut(x):
    half = mb.cast(x=x, dtype="fp16", name="half")
    square = mb.mul(x=half, y=half, name="square")
    cut = mb.relu6(x=mb.add(x=square, y=half, name="sum"), name="cut")
    return mb.cast(x=cut, dtype="fp32", name="y")


def test_an_overflow_that_the_output_hides_is_reported_with_the_name_of_its_op(save_package):
    path = save_package(build((1, 2), squared_and_cut))
    program = load_coreml(path, arithmetic="float16")

    with pytest.warns(Float16OverflowWarning) as caught:
        result = program.predict({"x": np.float32([[1.0, 300.0]])})

    np.testing.assert_array_equal(result["y"], [[2.0, 6.0]])
    (warning,) = caught
    assert "op 2 of 5, 'mul' -> 'square' computes magnitudes up to 90000" in str(warning.message)
    assert "sum" not in str(warning.message)
    assert warning.filename == __file__


def test_overflow_downwards_is_reported_too(save_package):
    def body(x):
        down = mb.mul(x=mb.cast(x=x, dtype="fp16"), y=np.float16(-400.0), name="down")
        return mb.relu(x=down)

    program = load_coreml(save_package(build((1, 2), body)), arithmetic="float16")

    with pytest.warns(Float16OverflowWarning, match="'down' computes magnitudes up to 120000"):
        program.predict({"x": np.float32([[1.0, 300.0]])})


def test_layers_reports_an_overflow_where_it_begins(save_package):
    path = save_package(build((1, 2), squared_and_cut))
    steps = load_coreml(path, arithmetic="float16").layers({"x": np.float32([[1.0, 300.0]])})
    assert next(steps)[0] == "half"

    with pytest.warns(Float16OverflowWarning, match="'square' computes magnitudes up to 90000"):
        name, value = next(steps)

    assert (name, value.tolist()) == ("square", [[1.0, np.inf]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [name for name, _ in steps] == ["sum", "cut", "y"]


@pytest.mark.parametrize(("largest", "kept"), [(65504.0, 65504.0), (65519.0, 65504.0)])
def test_what_rounds_to_the_largest_number_is_no_overflow(save_package, largest, kept):
    path = save_package(build((1, 2), lambda x: mb.relu(x=mb.cast(x=x, dtype="fp16"), name="y")))

    result = load_coreml(path, arithmetic="float16").predict({"x": np.float32([[largest, 1.0]])})

    np.testing.assert_array_equal(result["y"], [[kept, 1.0]])


def test_the_float32_arithmetic_reports_nothing(save_package):
    program = load_coreml(save_package(build((1, 2), squared_and_cut)))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = program.predict({"x": np.float32([[1.0, 300.0]])})

    np.testing.assert_array_equal(result["y"], [[2.0, 6.0]])


def test_a_mask_that_is_infinite_on_purpose_is_no_overflow(save_package):
    mask = np.float16([[0.0, -np.inf, 0.0]])

    def body(x):
        masked = mb.add(x=mb.cast(x=x, dtype="fp16"), y=mask)
        return mb.softmax(x=masked, axis=1, name="y")

    program = load_coreml(save_package(build((1, 3), body)), arithmetic="float16")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = program.predict({"x": np.float32([[0.0, 9.0, 0.0]])})

    np.testing.assert_array_equal(result["y"], [[0.5, 0.0, 0.5]])


@pytest.mark.parametrize("least", [-np.inf, -1e9])
def test_a_mask_in_a_program_without_float16_is_no_overflow(save_package, least):
    mask = np.float32([[0.0, least, 0.0]])

    def body(x):
        several = mb.concat(values=(mb.add(x=x, y=mask), mask), axis=1)
        return mb.softmax(x=several, axis=1, name="y")

    program = load_coreml(save_package(build((1, 3), body)), arithmetic="float16")

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = program.predict({"x": np.float32([[0.0, 9.0, 0.0]])})

    np.testing.assert_array_equal(result["y"], [[0.25, 0.0, 0.25, 0.25, 0.0, 0.25]])


def test_a_weight_beyond_float16_is_reported(save_package):
    weight = np.float32([[1e5, 0.0], [0.0, 1.0]])
    path = save_package(build((1, 2), lambda x: mb.linear(x=x, weight=weight, name="y")))

    with pytest.warns(Float16OverflowWarning, match="'linear' -> 'y' computes .* inf"):
        load_coreml(path, arithmetic="float16").predict({"x": np.ones((1, 2), np.float32)})


def test_nan_is_no_overflow_and_hides_none(save_package):
    def body(x):
        half = mb.cast(x=x, dtype="fp16")
        return mb.mul(x=mb.sqrt(x=half), y=np.float16(40000.0), name="large")

    program = load_coreml(save_package(build((1, 2), body)), arithmetic="float16")

    with pytest.warns(Float16OverflowWarning) as caught:
        program.predict({"x": np.float32([[-1.0, 9.0]])})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        program.predict({"x": np.float32([[-1.0, 1.0]])})

    assert [str(item.message).count("'large") for item in caught] == [1]
    assert "sqrt" not in str(caught[0].message)


def test_layers_reports_an_input_that_overflows(save_package):
    path = save_package(build((1, 2), lambda x: mb.relu(x=x, name="y")))
    steps = load_coreml(path, arithmetic="float16").layers({"x": np.float32([[1e6, 1.0]])})

    with pytest.warns(Float16OverflowWarning, match="input 'x' .* 1e\\+06"):
        next(steps)


def test_infinity_from_a_division_by_what_was_rounded_to_zero_is_named(save_package):
    def body(x):
        small = mb.mul(x=mb.cast(x=x, dtype="fp16"), y=np.float16(1e-4), name="small")
        return mb.real_div(x=np.float16(1.0), y=small, name="divided")

    program = load_coreml(save_package(build((1, 2), body)), arithmetic="float16")

    with pytest.warns(Float16OverflowWarning, match="'divided.*' computes .* up to inf"):
        program.predict({"x": np.float32([[1.0, 1e-4]])})


def test_compressed_weights_are_rounded_when_they_are_restored(save_package):
    codes = np.int8([[1, 2, 3], [5, 7, 11]])

    def body(x):
        weight = mb.constexpr_affine_dequantize(
            quantized_data=codes, zero_point=np.int8(0),
            scale=np.float16(np.float16(0.1)), axis=0, name="weight",
        )  # fmt: skip
        y = mb.linear(x=mb.cast(x=x, dtype="fp16"), weight=weight)
        return mb.cast(x=y, dtype="fp32", name="y")

    path = save_package(
        build((1, 3), body, ct.target.iOS16), minimum_deployment_target=ct.target.iOS16
    )
    row = np.float32([[0.0, 0.0, 1.0]])

    exact, rounded = (
        load_coreml(path, arithmetic=arithmetic).predict({"x": row})["y"]
        for arithmetic in ("float32", "float16")
    )

    scale = np.float32(np.float16(0.1))
    np.testing.assert_array_equal(exact, [[3 * scale, 11 * scale]])
    np.testing.assert_array_equal(rounded, np.float16([[3 * scale, 11 * scale]]))
    assert (exact != rounded).any()


def test_an_unknown_arithmetic_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(InvalidArgumentError, match=r"'fp16'. Choose float32, float16\."):
        load_coreml(tmp_path / "missing.mlpackage", arithmetic="fp16")


def test_other_weights_keep_the_arithmetic(save_package):
    def body(x):
        weight = np.float16([[1.0] * 40, [0.0] * 40])
        return mb.linear(x=mb.cast(x=x, dtype="fp16"), weight=weight, name="y")

    program = load_coreml(save_package(build((1, 40), body)), arithmetic="float16")
    (place,) = program.weights()

    other = program.with_weights({place: np.full((2, 40), 1 + STEP, np.float32)})

    assert other.arithmetic == "float16"
    y = other.predict({"x": np.ones((1, 40), np.float32)})["y"]
    assert (y == y.astype(np.float16)).all()


def test_an_overflow_is_reported_where_sizes_depend_on_the_input(save_package):
    def body(x):
        large = mb.mul(x=mb.cast(x=x, dtype="fp16"), y=np.float16(400.0), name="large")
        places = mb.non_zero(x=large)
        return mb.cast(x=mb.gather_nd(x=large, indices=places), dtype="fp32", name="y")

    program = load_coreml(save_package(build((2, 3), body)), arithmetic="float16")
    x = np.float32([[0.0, 1 + STEP / 2, 0.0], [3.0, 300.0, 0.0]])

    with pytest.warns(Float16OverflowWarning, match="'large' computes .* 120000"):
        result = program.predict({"x": x})

    np.testing.assert_array_equal(result["y"], [400.0, 1200.0, np.inf])
