"""The auxiliary classifiers of Inception v1: they train, and nothing else sees them."""

import keras
import numpy as np
import pytest

from mobilezoo import export_coreml, load_coreml, randomize_weights, verify
from mobilezoo._layers import WithAuxiliaryClassifiers
from mobilezoo.benchmark import count
from mobilezoo.graph.abstract import without_weights
from mobilezoo.models.inception_v1 import inception_v1

SHAPE = (65, 81, 3)  # 65 is the smallest side
CLASSES = 5


@pytest.fixture(scope="module")
def network():
    return randomize_weights(inception_v1(SHAPE, auxiliary=True, classes=CLASSES))


@pytest.fixture
def model(network):
    """The network, whose weights may be changed."""
    weights = network.get_weights()
    yield network
    network.set_weights(weights)


@pytest.fixture
def pictures():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (8, *SHAPE)).astype(np.float32)
    return x, rng.integers(0, CLASSES, 8)


def crossentropy(y, probabilities):
    return -np.log(np.asarray(probabilities)[np.arange(len(y)), y]).mean()


def compiled(model, rate=1e-3, **options):
    model.compile(
        keras.optimizers.SGD(rate),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        **{"run_eagerly": True, **options},  # compiling takes longer than these few steps
    )
    return model


def test_in_training_it_gives_three_outputs_and_else_one(model, pictures):
    x, _ = pictures

    answer, *others = model(x, training=True)

    assert [tuple(made.shape) for made in (answer, *others)] == [(8, CLASSES)] * 3
    assert model(x).shape == model(x, training=False).shape == (8, CLASSES)
    assert model.predict(x, verbose=0).shape == (8, CLASSES)
    assert model(keras.Input(SHAPE)).shape == (None, CLASSES)


def test_the_loss_is_the_answers_and_three_tenths_of_the_others(model, pictures):
    x, y = pictures
    compiled(model)
    outputs = model(x, training=True)

    loss = model.compute_loss(x, y, outputs)

    main, first, second = (crossentropy(y, made) for made in outputs)
    assert np.ptp([main, first, second]) > 0.1
    assert float(loss) == pytest.approx(main + 0.3 * (first + second), rel=1e-5)


def test_a_regularizer_counts_once(pictures):
    x, y = pictures
    model = inception_v1(SHAPE, auxiliary=True, classes=CLASSES)
    outputs = compiled(model)(x, training=True)
    without = float(model.compute_loss(x, y, outputs))
    kernel = model.get_layer("conv1_conv").kernel

    kernel.regularizer = keras.regularizers.L2(2.0)

    penalty = 2.0 * float(np.square(kernel.numpy()).sum())
    assert float(model.compute_loss(x, y, outputs)) == pytest.approx(without + penalty, rel=1e-5)


def test_two_steps_of_fit_train_the_heads_and_report_that_loss(model, pictures, monkeypatch):
    x, y = pictures
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dropout):
            monkeypatch.setattr(layer, "rate", 0.0)  # so that the loss can be computed beforehand
    expected = [crossentropy(y, made) for made in model(x, training=True)]
    heads = {w.path: w.numpy() for w in model.trainable_weights if "auxiliary" in w.path}

    compiled(model, run_eagerly=False, jit_compile=False)
    history = model.fit(x, y, batch_size=8, epochs=2, verbose=0).history

    assert set(history) == {"loss", "accuracy"}
    assert history["loss"][0] == pytest.approx(
        expected[0] + 0.3 * (expected[1] + expected[2]), rel=1e-4
    )
    assert len(heads) == 12  # convolution, hidden layer and classes of two heads
    trained = {w.path: w.numpy() for w in model.trainable_weights}
    assert all(np.abs(trained[path] - before).max() > 0 for path, before in heads.items())


def test_the_heads_send_gradients_into_the_early_layers(model, pictures):
    x, y = pictures
    compiled(model, rate=0.1)
    model.get_layer("probabilities").set_weights(
        [np.zeros_like(w) for w in model.get_layer("probabilities").get_weights()]
    )
    before = model.get_layer("inception4a_1x1_conv").kernel.numpy()

    model.fit(x, y, batch_size=8, verbose=0)  # the zeros above give the answer no gradient

    assert np.abs(model.get_layer("inception4a_1x1_conv").kernel.numpy() - before).max() > 0


def test_evaluate_sees_the_answer_alone(model, pictures):
    x, y = pictures

    loss, accuracy = compiled(model).evaluate(x, y, verbose=0)

    answers = np.asarray(model(x))
    assert loss == pytest.approx(crossentropy(y, answers), rel=1e-5)
    assert accuracy == pytest.approx((answers.argmax(-1) == y).mean())


def test_a_saved_model_predicts_the_same_and_trains_on(model, pictures, tmp_path):
    x, y = pictures
    compiled(model).save(tmp_path / "m.keras")

    loaded = keras.models.load_model(tmp_path / "m.keras")

    assert type(loaded) is WithAuxiliaryClassifiers
    expected = np.asarray(model(x))
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(loaded(x), expected, rtol=1e-6)
    outputs = loaded(x, training=True)
    loss = sum(w * crossentropy(y, made) for w, made in zip((1, 0.3, 0.3), outputs, strict=True))
    assert float(loaded.compute_loss(x, y, outputs)) == pytest.approx(loss, rel=1e-5)
    loaded.run_eagerly = True
    loaded.fit(x, y, batch_size=8, verbose=0)


def test_the_heads_cost_nothing_at_inference(model):
    with without_weights():
        plain = inception_v1(SHAPE, classes=CLASSES)

    assert count(model).mult_adds == count(plain).mult_adds
    assert count(model).not_counted == count(plain).not_counted


def test_heads_of_logits_are_called_so():
    with without_weights():
        names = [
            layer.name
            for layer in inception_v1(SHAPE, auxiliary=True, classifier_activation=None).layers
        ]

    assert {"logits", "auxiliary1_logits", "auxiliary2_logits"} <= set(names)
    assert not [name for name in names if "probabilities" in name]


def test_the_exported_file_has_no_heads(model, tmp_path):
    exported = export_coreml(model, tmp_path / "m.mlpackage", precision="float32")

    (block,) = exported.get_spec().mlProgram.functions["main"].block_specializations.values()
    assert [output.name for output in exported.get_spec().description.output] == ["probabilities"]
    assert not [o.name for op in block.operations for o in op.outputs if "auxiliary" in o.name]
    assert len(load_coreml(tmp_path / "m.mlpackage").outputs) == 1
    assert verify(model, tmp_path / "m.mlpackage").largest_difference < 1e-5
