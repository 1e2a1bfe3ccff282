"""What docs/exporting.md says of formats and metadata is what the code has."""

import re
from pathlib import Path

import keras
import pytest
from keras import layers

from mobilezoo import export_coreml, randomize_weights
from mobilezoo.coreml.emit import EMITTERS
from mobilezoo.coreml.neural_network.table import NETWORK_EMITTERS
from mobilezoo.data.source import set_weights_source

PAGE = (Path(__file__).parents[2] / "docs" / "exporting.md").read_text()


def section(title):
    return PAGE.partition(f"# {title}\n")[2].partition("\n## ")[0]


def test_operations_of_ml_programs_only_are_those_that_the_page_lists():
    listed = section("What a .mlmodel cannot do").partition("- **Two")[0].partition("has:")[2]

    assert re.findall(r"`(\w+)`", listed) == sorted(set(EMITTERS) - set(NETWORK_EMITTERS))


@pytest.mark.filterwarnings("ignore:Implicitly cleaning up:ResourceWarning")  # coremltools' own
def test_the_keys_of_the_metadata_are_those_that_the_page_lists():
    keys = set()
    for units, activation in ((2, None), (2, "sigmoid"), (1, "sigmoid")):
        inputs = keras.Input((9, 7, 3))
        x = layers.Flatten()(layers.Conv2D(4, 2)(inputs))
        model = randomize_weights(
            keras.Model(inputs, layers.Dense(units, activation=activation)(x))
        )
        set_weights_source(model, "https://example.org/w.h5; licence: MIT")
        made = export_coreml(model, preprocessing="tf", labels=["cat", "dog"])
        keys |= set(made.get_spec().description.metadata.userDefined)

    assert set(re.findall(r"^\| `([\w.]+)` \|", section("Metadata"), re.MULTILINE)) == keys
