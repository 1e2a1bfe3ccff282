"""Packages of several functions that share their weights."""

import numpy as np
import pytest

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.runtime import load_coreml

from .conftest import build, ct, leave_folders_to_python, mb

WEIGHT = np.linspace(-1.0, 1.0, 600, dtype=np.float32).reshape(200, 3)


@pytest.fixture
def package(save_package, tmp_path):
    """ "small" (1, 3) -> (1, 200), "large" (1, 2, 3) -> (1, 2, 200) and a classifier, "label"."""
    target = ct.target.iOS18

    def saved(name, shape, body, **options):
        mil = build(shape, body, target)
        return str(save_package(mil, name, minimum_deployment_target=target, **options))

    def linear(x):
        return mb.linear(x=x, weight=WEIGHT, name="y")

    functions = ct.utils.MultiFunctionDescriptor()
    small = saved("small.mlpackage", (1, 3), linear)
    large = saved("large.mlpackage", (1, 2, 3), lambda x: mb.relu(x=linear(x), name="z"))
    label = saved(
        "label.mlpackage", (1, 3), lambda x: mb.softmax(x=x, name="p"),
        classifier_config=ct.ClassifierConfig(["a", "b", "c"]),
    )  # fmt: skip
    for path, name in ((small, "small"), (large, "large"), (label, "label")):
        functions.add_function(path, "main", name)
    functions.default_function_name = "large"
    with leave_folders_to_python():
        ct.utils.save_multifunction(functions, str(tmp_path / "all.mlpackage"))
    return tmp_path / "all.mlpackage"


def test_the_default_function_runs_unless_another_is_named(package):
    x = np.array([[1.0, 10.0, 100.0]])

    large = load_coreml(package)
    small = load_coreml(package, function_name="small")

    assert [item.shape for item in large.inputs + large.outputs] == [(1, 2, 3), (1, 2, 200)]
    assert [item.shape for item in small.inputs + small.outputs] == [(1, 3), (1, 200)]
    y = small.predict({"x": x})["y"]
    np.testing.assert_allclose(y, x @ WEIGHT.T, rtol=1e-5)
    z = large.predict({"x": np.stack([x, -x], 1)})["z"]
    np.testing.assert_allclose(z, [[np.maximum(y[0], 0), np.maximum(-y[0], 0)]], rtol=1e-5)


def test_a_function_may_be_a_classifier(package):
    program = load_coreml(package, function_name="label")

    result = program.predict({"x": np.array([[0.0, 3.0, 1.0]])})

    assert program.labels == ("a", "b", "c")
    assert result[program.outputs[0].name] == "b"


def test_an_unknown_function_is_refused_with_those_there_are(package):
    with pytest.raises(InvalidArgumentError, match=r"'smal'. Choose label, large, small\. Did"):
        load_coreml(package, function_name="smal")


def test_only_ml_programs_have_functions(tmp_path):
    from coremltools.models import datatypes
    from coremltools.models.neural_network import NeuralNetworkBuilder

    made = NeuralNetworkBuilder([("x", datatypes.Array(3))], [("y", datatypes.Array(3))])
    made.add_activation("y", "RELU", "x", "y")
    path = tmp_path / "network.mlmodel"
    path.write_bytes(made.spec.SerializeToString())

    with pytest.raises(InvalidArgumentError, match=r"'main': network\.mlmodel is no ML program"):
        load_coreml(path, function_name="main")


def test_the_functions_are_listed(package, save_package):
    one = save_package(build((1, 2), lambda x: mb.relu(x=x, name="y")), "one.mlpackage")

    assert load_coreml(package, function_name="small").functions == ("label", "large", "small")
    assert load_coreml(one).functions == ("main",)


def test_a_program_knows_its_function_and_the_operations_in_it(package):
    default, small = load_coreml(package), load_coreml(package, function_name="small")

    assert (default.function_name, small.function_name) == ("large", "small")
    assert default.op_sequence() == ("linear", "relu")
    assert small.op_sequence() == ("linear",)
