"""weights="imagenet": from a mirror on this machine into a network that computes."""

import http.server
import threading
from functools import partial

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group

from mobilezoo import mobilenet, randomize_weights
from mobilezoo.errors import InvalidArgumentError

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
