"""weights="imagenet": from a mirror on this machine into a network that computes."""

import http.server
import threading
from functools import partial

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

from mobilezoo import (
    inception_v3,
    mobilenet,
    mobilenet_v2,
    mobilenet_v3_small,
    randomize_weights,
    resnet18,
    resnet50,
    resnet50_v2,
    vgg16,
)
from mobilezoo.data.preprocessing import preprocessing_of
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.weights import store, weight_files

SHAPE = (128, 128, 3)


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Print nothing."""


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A folder that is served as the mirror of all weights; the cache is empty."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(_Silent, directory=str(folder))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("MOBILEZOO_WEIGHTS_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    yield folder
    server.shutdown()
    server.server_close()


@pytest.fixture
def published(mirror):
    """A file as keras.applications hosts it, which no hash is published for."""
    theirs = randomize_weights(keras.applications.MobileNet(SHAPE, alpha=0.25, weights=None))
    with h5py.File(mirror / "mobilenet_2_5_128_tf.h5", "w") as file:
        save_weights_to_hdf5_group(file, theirs)
    return theirs


def test_published_weights_are_downloaded_once_and_compute_the_same(published, mirror):
    ours = mobilenet(SHAPE, alpha=0.25, weights="imagenet")
    (mirror / "mobilenet_2_5_128_tf.h5").unlink()
    again = mobilenet(SHAPE, alpha=0.25, weights="imagenet")

    x = np.random.default_rng(0).uniform(-1, 1, (2, *SHAPE)).astype(np.float32)
    expected = published.predict(x, verbose=0)
    assert np.ptp(expected) > 1e-4
    np.testing.assert_allclose(ours.predict(x, verbose=0), expected, rtol=1e-4, atol=1e-7)
    np.testing.assert_array_equal(again.predict(x, verbose=0), ours.predict(x, verbose=0))


@pytest.mark.usefixtures("published")
def test_other_classes_give_a_pretrained_backbone_with_a_fresh_classifier(caplog):
    with_top = mobilenet(SHAPE, alpha=0.25, weights="imagenet")
    caplog.clear()

    ours = mobilenet(SHAPE, alpha=0.25, weights="imagenet", classes=7)

    assert ours.output_shape == (None, 7)
    assert "the classifier 'logits_conv' is new" in caplog.text
    for mine, theirs in zip(ours.layers, with_top.layers, strict=True):
        if mine.weights and mine.name != "logits_conv":
            np.testing.assert_array_equal(mine.weights[0], theirs.weights[0])


@pytest.mark.usefixtures("unverified")
@pytest.mark.parametrize("activation", ["softmax", None])
def test_a_fresh_classifier_may_give_logits(mirror, caplog, activation):
    published = keras.applications.MobileNetV2(SHAPE, alpha=0.35, weights=None)
    with h5py.File(mirror / f"mobilenet_v2_{KERNELS}_0.35_128.h5", "w") as file:
        save_weights_to_hdf5_group(file, published)

    ours = mobilenet_v2(
        SHAPE, alpha=0.35, weights="imagenet", classes=7, classifier_activation=activation
    )

    name = "logits" if activation is None else "probabilities"
    assert f"the classifier '{name}' is new" in caplog.text
    assert ours.layers[-1].name == name
    np.testing.assert_array_equal(ours.get_layer("stem_conv").kernel, published.weights[0])


@pytest.mark.usefixtures("published")
def test_layers_of_the_users_before_the_network_stay_as_they_are():
    gray = keras.Input((128, 128, 1))
    colour = keras.layers.Conv2D(3, 1, name="colour")(gray)

    ours = mobilenet(input_tensor=colour, alpha=0.25, weights="imagenet")

    plain = mobilenet(SHAPE, alpha=0.25, weights="imagenet")
    np.testing.assert_array_equal(
        ours.get_layer("stem_conv").kernel, plain.get_layer("stem_conv").kernel
    )
    assert np.ptp(ours.get_layer("colour").kernel) > 0


@pytest.mark.usefixtures("mirror")
def test_a_width_that_nobody_published_says_which_there_are():
    with pytest.raises(InvalidArgumentError, match=r"alpha=0\.3.*0\.25, 0\.5, 0\.75, 1\.0"):
        mobilenet(SHAPE, alpha=0.3, weights="imagenet")


@pytest.fixture
def unverified(monkeypatch):
    """What the mirror serves counts as the published file, whose hash nobody can forge."""
    monkeypatch.setattr(store, "_problem", lambda *_: None)


def record_of(file_name):
    return next(record for record in weight_files() if record.file_name == file_name)


KERNELS = "weights_tf_dim_ordering_tf_kernels"


@pytest.mark.usefixtures("unverified")
@pytest.mark.parametrize(
    ("builder", "theirs", "options", "shape", "file"),
    [
        (vgg16, keras.applications.VGG16, {"include_top": False}, (32, 64, 3),
         f"vgg16_{KERNELS}_notop.h5"),
        (inception_v3, keras.applications.InceptionV3, {"include_top": False}, (75, 96, 3),
         f"inception_v3_{KERNELS}_notop.h5"),
        (resnet50, keras.applications.ResNet50, {"include_top": False}, (32, 64, 3),
         f"resnet50_{KERNELS}_notop.h5"),
        (resnet50_v2, keras.applications.ResNet50V2, {"include_top": False}, (32, 64, 3),
         f"resnet50v2_{KERNELS}_notop.h5"),
        (mobilenet_v2, keras.applications.MobileNetV2, {"alpha": 0.35}, (96, 96, 3),
         f"mobilenet_v2_{KERNELS}_0.35_96.h5"),
        (mobilenet_v3_small, keras.applications.MobileNetV3Small, {}, (32, 64, 3),
         "weights_mobilenet_v3_small_224_1.0_float.h5"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)  # fmt: skip
def test_a_file_of_each_family_arrives_with_its_preprocessing(
    mirror, builder, theirs, options, shape, file
):
    published = theirs(input_shape=shape, weights=None, **options)
    with h5py.File(mirror / file, "w") as opened:
        save_weights_to_hdf5_group(opened, published)

    ours = builder(shape, weights="imagenet", **options)

    assert preprocessing_of(ours).name == record_of(file).preprocessing
    assert np.ptp(published.weights[0]) > 0.01
    for mine, expected in zip(ours.weights, published.weights, strict=True):
        np.testing.assert_array_equal(mine, expected)


def state_dict_of_resnet18():
    """Names and shapes of torchvision's, random values."""
    shapes = {"conv1.weight": (64, 3, 7, 7), "fc.weight": (1000, 512), "fc.bias": (1000,)}
    norms = {"bn1": 64}
    for stage, (inputs, outputs) in enumerate([(64, 64), (64, 128), (128, 256), (256, 512)], 1):
        for block in (f"layer{stage}.0", f"layer{stage}.1"):
            made = inputs if block.endswith("0") else outputs
            shapes[f"{block}.conv1.weight"] = (outputs, made, 3, 3)
            shapes[f"{block}.conv2.weight"] = (outputs, outputs, 3, 3)
            norms |= {f"{block}.bn1": outputs, f"{block}.bn2": outputs}
        if stage > 1:
            shapes[f"layer{stage}.0.downsample.0.weight"] = (outputs, inputs, 1, 1)
            norms[f"layer{stage}.0.downsample.1"] = outputs
    for name, channels in norms.items():
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{name}.{part}"] = (channels,)
    random = np.random.default_rng(0)
    return {name: random.uniform(0.1, 1, size).astype("f4") for name, size in shapes.items()}


@pytest.mark.usefixtures("unverified")
def test_a_checkpoint_of_torchvision_arrives_with_its_preprocessing(mirror, monkeypatch):
    torch = pytest.importorskip("torch", reason="writes the checkpoint")
    monkeypatch.setenv("TORCH_HOME", str(mirror))  # where none has been downloaded
    state = state_dict_of_resnet18()
    file = "resnet18-f37072fd.pth"
    torch.save({name: torch.from_numpy(array) for name, array in state.items()}, mirror / file)

    ours = resnet18((32, 64, 3), weights="imagenet")

    assert preprocessing_of(ours).name == record_of(file).preprocessing == "torch"
    first, last = ours.weights[0], ours.weights[-1]
    np.testing.assert_array_equal(first, state["conv1.weight"].transpose(2, 3, 1, 0))
    np.testing.assert_array_equal(last, state["fc.bias"])
