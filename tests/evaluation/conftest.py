"""A network whose answers are known: it names the color of which a picture has most."""

import keras
import numpy as np
import pytest
from keras import layers

from mobilezoo import export_coreml
from tests.runtime.conftest import save_package  # noqa: F401 - a fixture

COLORS = {"red": (250, 10, 5), "green": (8, 240, 16), "blue": (12, 6, 230)}  # in no order
RED, GREEN, BLUE = COLORS


def color_network(head=3, activation="softmax", shape=(20, 28, 3)):
    """Mean color, each channel 0..1 times 8; for one unit red minus green."""
    model = keras.Sequential(
        [
            keras.Input(shape, name="pixels"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(head, activation=activation),
        ]
    )
    kernel = 8 * np.eye(3)[:, :head] if head > 1 else np.array([[8.0], [-8.0], [0.0]])
    kernel = np.pad(kernel, [(0, 0), (0, max(0, head - 3))])
    model.layers[-1].set_weights([kernel, np.zeros(head)])
    return model


@pytest.fixture
def network():
    return color_network()


@pytest.fixture
def save(tmp_path):
    """`save(network, name, ...)`: the file, which takes pixels / 255."""

    def write(model=None, name="colors.mlpackage", **options):
        if options.get("inputs") != "array":
            options = {"preprocessing": "unit", **options}
        export_coreml(color_network() if model is None else model, tmp_path / name, **options)
        return tmp_path / name

    return write


@pytest.fixture
def labelled(save):
    """A classifier of red, green, blue, for pictures 28 wide and 20 high."""
    return save(labels=list(COLORS))


def plain(color, size=(28, 20)):
    """A PIL image of one color."""
    image = pytest.importorskip("PIL.Image")
    return image.new("RGB", size, COLORS[color])


def mostly(color, other, share=0.6):
    """A picture 60 x 20: `other` in the middle, `color` on both sides of it."""
    picture = plain(color, (60, 20))
    width = round(60 * (1 - share))
    picture.paste(plain(other, (width, 20)), (30 - width // 2, 0))
    return picture


@pytest.fixture
def folder(tmp_path):
    """Pictures by class: 3 of red, 2 of green and 1 of blue, one of each red and green wrong."""
    shown = {
        "red/1.png": RED, "red/2.jpg": RED, "red/deep/er/3.png": GREEN,
        "green/1.png": GREEN, "green/2.png": BLUE,
        "blue/1.png": BLUE,
    }  # fmt: skip
    root = tmp_path / "pictures"
    for number, (name, color) in enumerate(shown.items()):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        plain(color, (30 + number, 50)).save(path)
    return root
