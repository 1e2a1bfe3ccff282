"""Files within a size or an error, and the frontier between the two."""

import keras
import numpy as np
import pytest
from keras import layers

from mobilezoo import (
    Budget,
    benchmark,
    compress_coreml,
    compression_frontier,
    export_coreml,
    load_coreml,
    randomize_weights,
    verify,
)
from mobilezoo.coreml.compress.drift import drift, find_answers
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.runtime.replay import Replay

RNG = np.random.default_rng(8)
PICTURES = RNG.integers(0, 256, (6, 20, 14, 3), np.uint8)


@pytest.fixture(scope="module")
def classifier():
    """Its second half matters little: a path around it carries the answer."""
    inputs = keras.Input((20, 14, 3))
    x = layers.Conv2D(24, 5, strides=2, activation="relu", name="stem")(inputs)
    wide = layers.Conv2D(48, 3, padding="same", activation="relu", name="wide")(x)
    deep = layers.Conv2D(48, 3, padding="same", activation="relu", name="deep")(wide)
    faint = layers.Rescaling(0.02, name="faint")(deep)
    x = layers.GlobalAveragePooling2D()(layers.Concatenate()([x, wide, faint]))
    x = layers.Dense(40, activation="relu", name="hidden")(x)
    outputs = layers.Dense(9, activation="softmax", name="classes")(x)
    return randomize_weights(keras.Model(inputs, outputs), preprocessing="unit")


@pytest.fixture(scope="module")
def package(classifier, tmp_path_factory):
    path = tmp_path_factory.mktemp("budget") / "m.mlpackage"
    export_coreml(classifier, path, preprocessing="unit")
    return path


def measured(package, path):
    """By how much the saved file departs, found by running both."""
    both = []
    for each in (package, path):
        opened = load_coreml(each)._opened
        answers = find_answers(opened.block, opened.fetch)
        names = [answer.name for answer in answers]
        both.append(Replay(opened, {"image": PICTURES}, names).outputs())
    return drift(*both, answers)


def bits(path):
    found = load_coreml(path).weights().items()
    return {layer.partition("_")[0]: item.bits for (layer, kind), item in found if kind == "weight"}


def test_the_file_is_within_the_size_and_better_than_a_uniform_one(package, tmp_path):
    uniform, mixed = tmp_path / "uniform.mlpackage", tmp_path / "mixed.mlpackage"
    compress_coreml(package, uniform, precision="palette4")
    size = benchmark.size_bytes(uniform) + 500  # the file says more of itself

    compress_coreml(package, mixed, precision=Budget(max_size_bytes=size, data=PICTURES))

    assert 0.9 * size < benchmark.size_bytes(mixed) <= size
    assert measured(package, mixed).error < 0.9 * measured(package, uniform).error
    assert bits(mixed)["deep"] < bits(mixed)["wide"]  # what hardly counts has fewest bits


@pytest.mark.parametrize("size", range(24_000, 54_000, 3_000))
def test_every_size_is_kept_and_used(package, tmp_path, size):
    """Few layers have few mixes, between which are large steps."""
    path = tmp_path / "m.mlpackage"
    budget = Budget(max_size_bytes=size, data=PICTURES[:2], precisions=("int8", "palette2"))

    compress_coreml(package, path, precision=budget)

    sizes = [
        point.size_bytes
        for point in compression_frontier(
            package, PICTURES[:2], precisions=("int8", "palette2"), repair=True
        ).points
    ]
    best = max(each for each in sizes if each <= size - 600)
    assert best - 600 <= benchmark.size_bytes(path) <= size


@pytest.mark.parametrize("limit", [0.1, 0.01])
def test_the_file_keeps_to_the_error(package, tmp_path, limit):
    path = tmp_path / "m.mlpackage"

    compress_coreml(package, path, precision=Budget(max_error=limit, data=PICTURES))

    found = measured(package, path)
    assert 0.3 * limit < found.error <= limit
    said = load_coreml(path).metadata.user_defined["com.mobilezoo.drift"]
    assert (
        said == f"error {found.error:.3g}, same first class for {found.agreement:.1%} of 6 examples"
    )
    assert benchmark.size_bytes(path) < 0.75 * benchmark.size_bytes(package)


def test_a_smaller_error_needs_a_larger_file(package, tmp_path):
    sizes = []
    for limit in (0.2, 0.05, 0.01):
        path = tmp_path / f"{limit}.mlpackage"
        compress_coreml(package, path, precision=Budget(max_error=limit, data=PICTURES))
        sizes.append(benchmark.size_bytes(path))

    assert sizes[0] < sizes[1] < sizes[2]


def test_answers_can_be_kept(package, tmp_path):
    budget = Budget(min_agreement=1.0, data=PICTURES, optimize="agreement")

    compress_coreml(package, tmp_path / "m.mlpackage", precision=budget)

    assert measured(package, tmp_path / "m.mlpackage").agreement == 1.0


def test_an_export_takes_a_budget(classifier, tmp_path):
    path = tmp_path / "m.mlpackage"
    budget = Budget(max_size_bytes=30_000, data=list(PICTURES), examples=3)

    export_coreml(classifier, path, preprocessing="unit", precision=budget)

    assert benchmark.size_bytes(path) <= 30_000
    assert verify(classifier, path, limit=5.0).before_rounding < 0.02
    user_defined = load_coreml(path).metadata.user_defined
    assert user_defined["com.mobilezoo.precision"].startswith("mixed: ")
    assert user_defined["com.mobilezoo.drift"].endswith("of 3 examples")


def test_the_frontier_falls_and_is_what_files_of_its_points_are(package, tmp_path):
    frontier = compression_frontier(package, PICTURES, precisions=("int8", "palette4"))

    sizes = [point.size_bytes for point in frontier.points]
    errors = [point.error for point in frontier.points]
    assert sizes == sorted(sizes)
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] == 0
    point = frontier.within(35_000)
    path = tmp_path / "m.mlpackage"
    compress_coreml(package, path, precision=point.precisions)
    assert abs(benchmark.size_bytes(path) - point.size_bytes) < 1000
    assert measured(package, path).error == pytest.approx(point.error, rel=1e-3)
    compress_coreml(package, path, precision="palette4", overwrite=True)
    size, error = frontier.uniform["palette4"]
    assert abs(benchmark.size_bytes(path) - size) < 1000
    assert measured(package, path).error == pytest.approx(error, rel=1e-3)


def test_the_frontier_is_a_table_and_a_plot(package, tmp_path):
    pytest.importorskip("matplotlib")
    frontier = compression_frontier(package, PICTURES, precisions=("int8",), examples=2)

    table = frontier.to_markdown().splitlines()
    assert table[0] == "| MB | error | float16 | int8 |"
    assert table[-1].endswith("| all int8 |")
    frontier.plot(tmp_path / "frontier.svg")
    assert (tmp_path / "frontier.svg").read_text().count("<path") > 20
    with pytest.raises(InvalidArgumentError, match=r"No mix is within 10 bytes; the smallest has"):
        frontier.within(10)


@pytest.mark.parametrize(
    ("budget", "message"),
    [
        (Budget(data=PICTURES), "needs max_size_bytes, max_error, min_agreement, or several"),
        (Budget(max_size_bytes=10_000), "needs data=, some examples"),
        (Budget(max_size_bytes=100, data=PICTURES), r"No mix of .* is within 100 bytes; the small"),
        (Budget(max_error=0, data=PICTURES), "max_error=0 must be a number above 0"),
        (Budget(min_agreement=95, data=PICTURES), r"min_agreement=95 .* above 0, up to 1"),
        (Budget(max_error=0.1, data=PICTURES, optimize="size"), "Choose error or agreement"),
        (Budget(max_error=0.1, data=PICTURES, precisions="int8"), "must be a list of precisions"),
        (Budget(max_error=0.1, data=PICTURES, precisions=["int9"]), "Unknown precision 'int9'"),
        (Budget(max_error=0.1, data=PICTURES, examples=0), "examples=0 must be 1 or more"),
        (Budget(max_error=0.1, data=PICTURES[:, :5]), r"has shape .*\(20, 14, 3\) is required"),
        (Budget(max_error=0.1, data=3), "data is of type int; an array"),
        (Budget(max_error=0.1, data=[]), "holds no example"),
        (
            Budget(max_error=1e-4, max_size_bytes=20_000, data=PICTURES),
            r"the smallest file that keeps to the error has \d+ bytes",
        ),
    ],
)
def test_budgets_that_cannot_be_are_refused_and_nothing_is_left(package, tmp_path, budget, message):
    with pytest.raises(InvalidArgumentError, match=message):
        compress_coreml(package, tmp_path / "m.mlpackage", precision=budget)

    assert list(tmp_path.iterdir()) == []


def test_a_budget_is_for_packages(classifier, tmp_path):
    budget = Budget(max_error=0.1, data=PICTURES)
    with pytest.raises(InvalidArgumentError, match="A Budget is for ML programs"):
        export_coreml(classifier, tmp_path / "m.mlmodel", preprocessing="unit", precision=budget)
    with pytest.raises(InvalidArgumentError, match="keep_ends=True is for precisions"):
        export_coreml(
            classifier, tmp_path / "m.mlpackage", preprocessing="unit", precision=budget,
            keep_ends=True,
        )  # fmt: skip


def test_classes_are_asked_for_where_there_are_some(tmp_path):
    inputs = keras.Input((60,), name="x")
    model = randomize_weights(keras.Model(inputs, layers.Dense(50, name="y")(inputs)))
    export_coreml(model, tmp_path / "m.mlpackage")
    data = RNG.normal(size=(4, 60))

    for budget in (
        Budget(min_agreement=0.9, data=data),
        Budget(max_error=0.1, data=data, optimize="agreement"),
    ):
        with pytest.raises(InvalidArgumentError, match="files that end in a softmax over classes"):
            compress_coreml(tmp_path / "m.mlpackage", precision=budget)
