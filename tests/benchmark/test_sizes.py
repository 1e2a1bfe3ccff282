import numpy as np
import pytest
from keras import layers

from mobilezoo import export_coreml, mobilenet, randomize_weights
from mobilezoo.benchmark import size_bytes
from mobilezoo.benchmark.sizes import _weight_file, predict_size_bytes
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph.abstract import without_weights
from mobilezoo.models.mnist import mnist_cnn
from mobilezoo.models.resnet_cifar import resnet_cifar


def abstract(build, *args, **options):
    with without_weights():
        return build(*args, **options)


@pytest.mark.parametrize("precision", ["float16", "float32"])
@pytest.mark.parametrize(
    ("build", "options"),
    [
        (mobilenet, {"input_shape": (64, 96, 3), "alpha": 0.25}),
        (resnet_cifar, {"depth": 20}),
        (resnet_cifar, {"depth": 29, "version": 2}),  # batch norms that cannot be folded
        (mnist_cnn, {}),
    ],
)
def test_the_prediction_is_within_a_percent_of_the_file(tmp_path, build, options, precision):
    predicted = predict_size_bytes(abstract(build, **options), precision)

    path = tmp_path / "real.mlpackage"
    export_coreml(randomize_weights(build(**options)), path, precision=precision)

    assert predicted == pytest.approx(size_bytes(path), rel=0.01)  # the program is estimated
    weights = path / "Data" / "com.apple.CoreML" / "weights" / "weight.bin"
    assert predicted > size_bytes(weights)


def test_the_weight_file_is_exact(tmp_path, functional):
    # header 64; kernel 5 x 7 float16 (70) and bias of 7, too small for a blob;
    # kernel 7 x 11 (154) and bias of 11 (22): each after a header of 64, at multiples of 64
    expected = 64 + (64 + 70 + 58) + (64 + 154 + 38) + (64 + 22)
    model = functional(layers.Dense(7), layers.Dense(11), shape=(5,))

    path = tmp_path / "dense.mlpackage"
    export_coreml(randomize_weights(model), path, inputs="array")

    weights = path / "Data" / "com.apple.CoreML" / "weights" / "weight.bin"
    assert size_bytes(weights) == expected
    assert _weight_file([5 * 7, 7, 7 * 11, 11], itemsize=2) == expected


def test_a_constant_is_counted_once_for_each_of_its_readers(functional, tmp_path):
    table = np.arange(20_000.0, dtype=np.float32)

    class AddTable(layers.Layer):
        def call(self, x):
            return (x + table) * (x - table)

    model = functional(AddTable(), shape=(20_000,))
    path = tmp_path / "table.mlpackage"
    export_coreml(model, path, precision="float32", inputs="array")

    weights = path / "Data" / "com.apple.CoreML" / "weights" / "weight.bin"
    assert size_bytes(weights) == 64 + (64 + 80_000) + (64 + 80_000)
    assert predict_size_bytes(model, "float32") == pytest.approx(size_bytes(path), rel=0.01)


def test_free_sides_need_a_shape_as_in_the_export():
    model = abstract(mobilenet, alpha=0.25, include_top=False)

    small = predict_size_bytes(model, input_shape=(64, 96, 3))

    assert small == pytest.approx(2 * 218_544, rel=0.15)  # parameters of the body, and its program


def test_an_unknown_precision_is_refused():
    with pytest.raises(InvalidArgumentError, match="Unknown precision 'half'"):
        predict_size_bytes(abstract(mnist_cnn), "half")
