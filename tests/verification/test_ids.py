"""Inputs that choose rows of tables, and models of 16 bits."""

import keras
import numpy as np
import pytest
from keras import layers

from mobilezoo import export_coreml, load_coreml, verify
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.randomize import random_inputs, randomize_weights


def classifier(rows, dtype="int32"):
    ids = keras.Input((9,), dtype=dtype, name="ids")
    x = layers.Embedding(rows, 8, name="table")(ids)
    return keras.Model(ids, layers.Dense(3, name="scores")(layers.GlobalAveragePooling1D()(x)))


@pytest.mark.parametrize("dtype", ["int32", "float32"])
@pytest.mark.parametrize("rows", [5, 4000])
def test_drawn_ids_are_rows_of_the_table(tmp_path, rows, dtype):
    model = randomize_weights(classifier(rows, dtype))
    export_coreml(model, tmp_path / "m.mlpackage", precision="float32")

    agreement = verify(model, tmp_path / "m.mlpackage")

    ids = random_inputs(model, 50)
    assert (ids == np.floor(ids)).all()
    assert 0 <= ids.min() < 0.1 * rows
    assert 0.7 * rows < ids.max() < rows
    assert agreement.largest_difference < 1e-4


def test_each_input_is_drawn_for_the_tables_that_it_reaches():
    words, kinds = (keras.Input((9,), dtype="int32", name=name) for name in ("words", "kinds"))
    both = layers.Embedding(300, 8)(words) + layers.Embedding(2, 8)(kinds)
    model = keras.Model([words, kinds], layers.Dense(3)(layers.GlobalAveragePooling1D()(both)))

    drawn = random_inputs(model, 50)

    assert set(np.unique(drawn[1])) == {0.0, 1.0}
    assert drawn[0].max() > 200


def test_a_row_that_the_table_lacks_is_named(tmp_path):
    export_coreml(classifier(50), tmp_path / "m.mlpackage")
    program = load_coreml(tmp_path / "m.mlpackage")
    ids = {"ids": np.full((1, 9), 70)}

    with pytest.raises(InvalidArgumentError, match=r"row 70 of a table with 50 .*from 0 to 49\."):
        program.predict(ids)
    with pytest.raises(InvalidArgumentError, match=r"row 70 of a table with 50 \(op .* 'table'\)"):
        list(program.layers(ids))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16"])
def test_models_of_16_bits_are_compared_by_what_their_weights_say(tmp_path, policy):
    inputs = keras.Input((21, 17, 3), name="x")
    x = layers.Conv2D(8, 3, name="conv", dtype=policy)(inputs)
    x = layers.ReLU(dtype=policy)(layers.BatchNormalization(name="norm", dtype=policy)(x))
    x = layers.GlobalAveragePooling2D(dtype=policy)(x)
    model = randomize_weights(keras.Model(inputs, layers.Dense(5, dtype="float32")(x)))
    export_coreml(model, tmp_path / "m.mlpackage", precision="float32", inputs="array")

    agreement = verify(model, tmp_path / "m.mlpackage")

    assert agreement.limit == 1e-4  # of float32, and not of 16 bits
    assert model.get_layer("conv").compute_dtype == policy.removeprefix("mixed_")


@pytest.mark.parametrize("limit", ["x", True, float("inf"), [0.1]])
def test_what_is_no_number_is_no_limit(tmp_path, limit):
    model = classifier(5)
    export_coreml(model, tmp_path / "m.mlpackage")

    with pytest.raises(InvalidArgumentError, match="must be between 0 and 1"):
        verify(model, tmp_path / "m.mlpackage", limit=limit)
