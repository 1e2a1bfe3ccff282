"""Every operation that can be exported, against Keras: non-square, every axis another size."""

import keras
import numpy as np
import pytest
from keras import layers

from mobilezoo import export_coreml, load_coreml, randomize_weights, verify
from mobilezoo.coreml.emit import EMITTERS
from mobilezoo.graph import capture, fold

from .cases import CASES


def assemble(stack):
    x = inputs = keras.Input((9, 7, 3), name="x")
    for layer in stack:
        x = layer(x)
    return keras.Model(inputs, x, name="case")


def build(stack):
    return randomize_weights(assemble(stack))


@pytest.mark.parametrize("case", CASES)
def test_operation_agrees_with_keras(case, tmp_path):
    model = build(CASES[case])

    export_coreml(model, tmp_path / "case.mlpackage", precision="float32", inputs="array")

    agreement = verify(model, tmp_path / "case.mlpackage", limit=2e-6)
    assert agreement.largest_difference <= 2e-6  # a few float32 roundings
    assert agreement.layers


def test_every_emitter_is_exercised():
    used = {
        node.kind for stack in CASES.values() for node in fold(capture(assemble(stack)))[0].nodes
    }

    assert used - {"constant"} == set(EMITTERS)


@pytest.mark.parametrize(("shape", "kinds"), [((5, 3), ["linear"]), ((6, 5, 3), ["matmul", "add"])])
def test_a_dense_layer_is_a_linear_operation_up_to_rank_3(shape, kinds, functional, tmp_path):
    model = functional(layers.Dense(4), shape=shape)

    exported = export_coreml(model, tmp_path / "m.mlpackage", precision="float32", inputs="array")

    (block,) = exported.get_spec().mlProgram.functions["main"].block_specializations.values()
    assert [item.type for item in block.operations if item.type != "const"] == kinds


@pytest.mark.parametrize("shape", [(5,), (9, 7, 3)])
def test_a_batch_norm_without_channels_second_is_a_product_and_a_sum(shape, functional, tmp_path):
    model = randomize_weights(functional(layers.BatchNormalization(), shape=shape))

    exported = export_coreml(model, tmp_path / "m.mlpackage", precision="float32", inputs="array")

    (block,) = exported.get_spec().mlProgram.functions["main"].block_specializations.values()
    kinds = [item.type for item in block.operations if item.type != "const"]
    assert kinds == ["mul", "add"]


@pytest.mark.parametrize("layer", [layers.LayerNormalization, layers.GroupNormalization])
def test_an_epsilon_below_float16_is_its_smallest_number(layer, functional, tmp_path):
    options = {"groups": 1} if layer is layers.GroupNormalization else {}
    model = functional(layer(epsilon=1e-12, **options), shape=(5, 4, 3))

    exported = export_coreml(model, tmp_path / "m.mlpackage", inputs="array")

    (block,) = exported.get_spec().mlProgram.functions["main"].block_specializations.values()
    makers = {item.outputs[0].name: item for item in block.operations}
    (norm,) = (item for item in block.operations if item.type == "layer_norm")
    epsilon = makers[norm.inputs["epsilon"].arguments[0].name].attributes["val"]
    stored = np.frombuffer(epsilon.immediateValue.tensor.bytes.values, np.float16)
    assert stored == [2.0**-24]


def test_merging_layers_agree_with_keras(tmp_path):
    inputs = keras.Input((9, 7, 3), name="x")
    a = layers.Conv2D(4, (3, 2), name="a")(inputs)
    b = layers.Conv2D(4, (3, 2), name="b")(inputs)
    merged = [
        layers.Add()([a, b, a]),
        layers.Subtract()([a, b]),
        layers.Multiply()([a, b]),
        layers.Maximum()([a, b]),
        layers.Minimum()([a, b]),
        layers.Average()([a, b]),
    ]
    model = randomize_weights(keras.Model(inputs, layers.Concatenate(axis=-1)(merged)))

    export_coreml(model, tmp_path / "m.mlpackage", precision="float32", inputs="array")

    assert verify(model, tmp_path / "m.mlpackage").largest_difference < 2e-6


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_an_input_and_a_tensor_given_back_twice_keep_apart(tmp_path, precision):
    inputs = keras.Input((9, 7, 3), name="x")
    y = layers.Conv2D(4, 2, name="y")(inputs)
    model = randomize_weights(keras.Model(inputs, [y, y, inputs]))

    exported = export_coreml(model, tmp_path / "m.mlpackage", precision=precision, inputs="array")

    names = [feature.name for feature in exported.get_spec().description.output]
    assert names == ["y", "y_output", "x_output"]
    assert verify(model, tmp_path / "m.mlpackage").largest_difference < 2e-2


def test_two_inputs_and_outputs_agree_with_keras(tmp_path):
    a, b = keras.Input((5, 4, 3), name="a"), keras.Input((3,), name="b")
    pooled = layers.GlobalAveragePooling2D()(layers.Conv2D(3, 2)(a))
    model = keras.Model(
        [a, b], [layers.Dense(4, name="left")(pooled), layers.Multiply(name="right")([pooled, b])]
    )
    randomize_weights(model)

    export_coreml(model, tmp_path / "m.mlpackage", precision="float32")

    assert verify(model, tmp_path / "m.mlpackage").largest_difference < 2e-6


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_rows_of_a_table_are_found_by_numbers_that_float16_does_not_have(tmp_path, precision):
    inputs = keras.Input((4,), dtype="int32", name="tokens")
    model = randomize_weights(keras.Model(inputs, layers.Embedding(5000, 3, name="rows")(inputs)))
    export_coreml(model, tmp_path / "m.mlpackage", precision=precision)
    tokens = np.array([[4999, 2049, 0, 3001]])

    made = load_coreml(tmp_path / "m.mlpackage").predict({"tokens": tokens})["rows"]

    expected = model.predict_on_batch(tokens)[0]
    np.testing.assert_allclose(made[0], expected, rtol=0, atol=1e-3)


def ops_of(exported):
    function = exported.get_spec().mlProgram.functions["main"]
    (block,) = function.block_specializations.values()
    return [operation.type for operation in block.operations]


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_a_picture_is_flattened_for_dense_layers_without_a_transpose(tmp_path, precision):
    x = inputs = keras.Input((9, 7, 3))
    x = layers.Flatten(name="flat")(layers.Conv2D(4, (3, 2))(x))
    both = layers.Concatenate()([layers.Dense(6, name="a")(x), layers.Dense(5, name="b")(x)])
    model = randomize_weights(keras.Model(inputs, both), preprocessing="unit")

    exported = export_coreml(
        model, tmp_path / "m.mlpackage", precision=precision, preprocessing="unit"
    )

    assert ops_of(exported).count("transpose") == 0
    agreement = verify(model, tmp_path / "m.mlpackage")
    assert {"a", "b"} <= set(agreement.layers)
    assert "flat" not in agreement.layers  # its elements are in Core ML's order


def test_a_flattened_picture_that_others_read_keeps_the_order_of_keras(tmp_path):
    x = inputs = keras.Input((9, 7, 3))
    x = layers.Flatten(name="flat")(layers.Conv2D(4, (3, 2))(x))
    model = keras.Model(inputs, [layers.Dense(6)(x), layers.ReLU(name="positive")(x)])
    randomize_weights(model)

    export_coreml(model, tmp_path / "m.mlpackage", precision="float32", inputs="array")

    agreement = verify(model, tmp_path / "m.mlpackage")
    assert {"flat", "positive"} <= set(agreement.layers)


def test_numbers_of_rows_are_never_float16(tmp_path):
    inputs = keras.Input((4,), dtype="int32", name="tokens")
    model = keras.Model(inputs, layers.Embedding(5000, 3, name="rows")(inputs))

    exported = export_coreml(model, tmp_path / "m.mlpackage", precision="float16")

    (block,) = exported.get_spec().mlProgram.functions["main"].block_specializations.values()
    makers = {item.outputs[0].name: item for item in block.operations}
    (gather,) = (item for item in block.operations if item.type == "gather")
    rows = makers[gather.inputs["indices"].arguments[0].name]
    assert rows.type == "cast"  # to int32
    assert rows.inputs["x"].arguments[0].name == "tokens"
