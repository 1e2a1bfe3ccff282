import pytest

from mobilezoo import mnist_mlp
from mobilezoo.benchmark import count
from mobilezoo.errors import InvalidArgumentError


def test_it_is_the_talks_network():
    model = mnist_mlp()

    assert model.count_params() == 669_706
    assert model.input_shape == (None, 28, 28, 1)
    assert [layer.rate for layer in model.layers if "dropout" in layer.name] == [0.2, 0.2]


def test_mult_adds_are_the_three_products():
    assert count(mnist_mlp()).mult_adds == 784 * 512 + 512 * 512 + 512 * 10


def test_no_classes_is_refused():
    with pytest.raises(InvalidArgumentError, match="classes=0 must be a whole number"):
        mnist_mlp(classes=0)
