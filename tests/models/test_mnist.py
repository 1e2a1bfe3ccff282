import keras
import pytest

from mobilezoo import mnist_cnn, mnist_mlp, randomize_weights
from mobilezoo.benchmark import count
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph.abstract import without_weights


def test_it_is_the_talks_network():
    model = mnist_mlp()

    assert model.count_params() == 669_706
    assert model.input_shape == (None, 28, 28, 1)
    assert [layer.rate for layer in model.layers if "dropout" in layer.name] == [0.2, 0.2]


def test_mult_adds_are_the_three_products():
    assert count(mnist_mlp()).mult_adds == 784 * 512 + 512 * 512 + 512 * 10


def test_the_small_vgg_has_two_stacks_of_two_convolutions_and_a_hidden_layer():
    model = mnist_cnn()

    # 9 * 1 * 32 + 32, 9 * 32 * 32 + 32, 9 * 32 * 64 + 64, 9 * 64 * 64 + 64, then 7 * 7 * 64
    # inputs to 512 units, and 10 classes
    assert model.count_params() == 320 + 9_248 + 18_496 + 36_928 + 1_606_144 + 5_130
    assert count(model).mult_adds == (
        28 * 28 * 32 * 9 + 28 * 28 * 32 * 288 + 14 * 14 * 64 * 288 + 14 * 14 * 64 * 576
        + 3136 * 512 + 512 * 10
    )  # fmt: skip
    assert [layer.rate for layer in model.layers if "dropout" in layer.name] == [0.25, 0.25, 0.5]


def test_without_a_top_the_small_vgg_gives_features():
    with without_weights():
        assert mnist_cnn((20, 28, 1), include_top=False).output_shape == (None, 5, 7, 64)
        assert mnist_cnn(include_top=False, pooling="max").output_shape == (None, 64)


@pytest.mark.parametrize("builder", [mnist_mlp, mnist_cnn])
def test_weights_that_were_saved_load_again(builder, tmp_path):
    trained = randomize_weights(builder((20, 28, 1)))
    trained.save_weights(tmp_path / "digits.weights.h5")
    trained.save(tmp_path / "digits.keras")

    for file in ("digits.weights.h5", "digits.keras"):
        loaded = builder((20, 28, 1), weights=tmp_path / file)
        for ours, theirs in zip(loaded.weights, trained.weights, strict=True):
            assert keras.ops.all(ours.value == theirs.value)


def test_weights_of_probabilities_load_into_a_network_of_logits(tmp_path):
    trained = randomize_weights(mnist_mlp())
    trained.save_weights(tmp_path / "digits.weights.h5")

    logits = mnist_mlp(classifier_activation=None, weights=tmp_path / "digits.weights.h5")

    assert logits.layers[-1].name == "logits"
    x = keras.random.uniform((2, 28, 28, 1), seed=0)
    expected = trained(x)
    assert keras.ops.max(abs(expected[0] - expected[1])) > 0.01
    assert keras.ops.max(abs(keras.ops.softmax(logits(x)) - expected)) < 1e-6


def test_channels_first_is_noticed():
    with pytest.raises(InvalidArgumentError, match=r"is below 4 px.*Did you mean \(28, 28, 1\)"):
        mnist_cnn((1, 28, 28))


def test_no_classes_is_refused():
    with pytest.raises(InvalidArgumentError, match="classes=0 must be a whole number"):
        mnist_mlp(classes=0)
