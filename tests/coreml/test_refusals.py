"""What would be exported wrongly is refused or done right; each was a silent mistake once."""

import threading

import keras
import numpy as np
import pytest
from keras import layers, ops

from mobilezoo import export_coreml, load_coreml, randomize_weights, verify
from mobilezoo.coreml.names import HELPERS, helper, program_names
from mobilezoo.errors import InvalidArgumentError, UnsupportedLayersError
from mobilezoo.graph import capture

from .custom import Apply


def net(function, shape=(9, 7, 3)):
    inputs = keras.Input(shape, name="x")
    return keras.Model(inputs, Apply(function, name="custom")(inputs), name="net")


@pytest.mark.parametrize(
    ("function", "shape", "reason"),
    [
        (layers.AveragePooling3D(2, strides=1, padding="same"), (4, 5, 6, 2), "3-D pooling"),
        (lambda x: ops.cast(ops.cast(x, "int32") * 2, "float32"), (9, 7, 3), "in int32"),
        (lambda x: ops.where(ops.cast(x, "bool"), x, 1.0), (9, 7, 3), "cast to bool"),
        (lambda x: ops.where(ops.argmax(x, 1) > 3, 1.0, 2.0), (9, 7, 3), "int32 with a constant"),
        (lambda x: ops.where(ops.less(3, ops.argmax(x, 1)), 1.0, 2.0), (9, 7, 3), "int32 with"),
        (lambda x: ops.flip(x), (9, 7, 3), "mixes the batch axis"),
        (lambda x: ops.cumsum(x), (9, 7, 3), "without an axis"),
        (lambda x: ops.take(x, [1, 2]), (9, 7, 3), "without an axis"),
        (lambda x: x[:, ::-1], (9, 7, 3), "use keras.ops.flip"),
        (lambda x: ops.einsum("nhwc,nhwd,nhwe->nhw", x, x, x), (9, 7, 3), "two operands"),
        (lambda x: ops.max(x, axis=1, initial=0.5), (9, 7, 3), "`initial`"),
        (lambda x: ops.argmax(x), (9, 7, 3), "mixes the batch"),
        (lambda x: ops.pad(x, [[1, 1]] * 4), (9, 7, 3), "mixes the batch axis"),
    ],
)
def test_what_an_emitter_would_get_wrong_is_refused(function, shape, reason):
    with pytest.raises(UnsupportedLayersError, match=reason):
        capture(net(function, shape))


def test_a_mask_is_refused():
    x, mask = keras.Input((5,), name="x"), keras.Input((5,), name="mask", dtype="bool")
    model = keras.Model([x, mask], layers.Softmax(name="masked")(x, mask=mask))

    with pytest.raises(UnsupportedLayersError, match=r"\(masked\): it is called with a mask"):
        capture(model)


def test_a_bool_input_is_refused(tmp_path):
    inputs = keras.Input((5,), name="flags", dtype="bool")
    model = keras.Model(inputs, ops.cast(inputs, "float32") * 2.0)

    with pytest.raises(InvalidArgumentError, match="Input 'flags' is of type bool"):
        export_coreml(model, tmp_path / "m.mlpackage")


def test_an_operation_of_the_users_own_is_opened_whatever_its_name():
    class Square(keras.Operation):  # a cube, in fact
        def call(self, x):
            return x * x * x

        def compute_output_spec(self, x):
            return keras.KerasTensor(x.shape, x.dtype)

    inputs = keras.Input((5,), name="x")

    graph = capture(keras.Model(inputs, Square()(inputs)))

    assert [node.kind for node in graph.nodes] == ["multiply", "multiply"]


def test_a_subclass_of_an_augmentation_layer_is_opened():
    class Doubling(layers.RandomFlip):
        def call(self, x, training=None):
            return 2.0 * x

    inputs = keras.Input((9, 7, 3), name="x")

    graph = capture(keras.Model(inputs, Doubling()(inputs)))

    assert [node.kind for node in graph.nodes] == ["constant", "multiply"]


def test_inputs_whose_names_look_alike_stay_apart(tmp_path):
    a, b = keras.Input((4,), name="a.b"), keras.Input((4,), name="a-b")
    model = keras.Model([a, b], layers.Subtract(name="difference")([a, b]))

    exported = export_coreml(model, tmp_path / "m.mlpackage", precision="float32")

    assert [f.name for f in exported.get_spec().description.input] == ["a_b", "a_b_2"]
    assert verify(model, tmp_path / "m.mlpackage").largest_difference < 1e-6


def test_outputs_whose_names_are_taken_stay_apart(tmp_path):
    a, b = keras.Input((4,), name="x"), keras.Input((4,), name="x_output")
    y = layers.Dense(4, name="y")(a)
    z = layers.Dense(3, name="y_2")(layers.Add()([y, b]))
    model = randomize_weights(keras.Model([a, b], [y, y, z, a, b]))

    exported = export_coreml(model, tmp_path / "m.mlpackage", precision="float32")

    names = [f.name for f in exported.get_spec().description.output]
    assert len(set(names) | {"x", "x_output"}) == 7
    assert names[0] == "y"
    assert verify(model, tmp_path / "m.mlpackage").largest_difference < 1e-6


@pytest.mark.parametrize("suffix", HELPERS)
def test_a_layer_named_like_a_helper_is_still_verified(tmp_path, suffix):
    inputs = keras.Input((9, 7, 3), name="x")
    x = layers.BatchNormalization(name="n")(inputs)
    x = layers.Activation("hard_silu", name=f"n_{suffix}")(x)
    x = layers.Dense(2, name="d")(x)
    model = randomize_weights(
        keras.Model(inputs, layers.GlobalAveragePooling2D(name=f"d_{suffix}")(x))
    )

    export_coreml(model, tmp_path / "m.mlpackage", precision="float32", inputs="array")

    agreement = verify(model, tmp_path / "m.mlpackage")
    assert list(agreement.layers) == ["n", f"n_{suffix}", "d", f"d_{suffix}"]
    assert program_names(capture(model))["n"] == "n"


def test_an_unknown_helper_is_a_mistake():
    with pytest.raises(ValueError, match="not in HELPERS"):
        helper("x", "scaling")


def test_a_dense_layer_on_a_picture_carries_its_name_after_the_bias(tmp_path):
    inputs = keras.Input((9, 7, 3), name="x")
    x = layers.Dense(5, name="d", bias_initializer="ones")(layers.Conv2D(4, 2, name="c")(inputs))
    model = randomize_weights(keras.Model(inputs, layers.ReLU(name="r")(x)))

    export_coreml(model, tmp_path / "m.mlpackage", precision="float32", inputs="array")

    assert verify(model, tmp_path / "m.mlpackage").layers["d"] < 1e-6


def test_preprocessing_without_a_picture_is_refused(functional, tmp_path):
    model = functional(layers.Conv2D(2, 3), shape=(9, 7, 2))

    with pytest.raises(InvalidArgumentError, match="preprocessing= is for image inputs"):
        export_coreml(model, tmp_path / "m.mlpackage", preprocessing="unit")
    exported = export_coreml(model, tmp_path / "m.mlpackage")
    assert "com.mobilezoo.preprocessing" not in exported.user_defined_metadata


@pytest.mark.parametrize("inputs", ["image", "array"])
def test_a_model_with_a_fixed_batch_is_exported_for_one_example(tmp_path, inputs):
    x = keras.Input(batch_shape=(4, 9, 7, 3), name="x")
    model = keras.Model(x, layers.Flatten()(layers.Conv2D(2, 3)(x)))
    randomize_weights(model)

    exported = export_coreml(
        model,
        tmp_path / "m.mlpackage",
        inputs=inputs,
        preprocessing="unit" if inputs == "image" else None,
    )

    output = exported.get_spec().description.output[0].type.multiArrayType
    assert list(output.shape) == [1, 70]
    program = load_coreml(tmp_path / "m.mlpackage")
    (y,) = program.predict({program.inputs[0].name: np.zeros((1, 9, 7, 3), np.uint8)}).values()
    assert np.shape(y)[-1] == 70


def test_integer_inputs_come_as_whole_numbers(tmp_path):
    inputs = keras.Input((9, 7, 3), name="x", dtype="uint8")
    model = keras.Model(inputs, layers.ReLU()(layers.Rescaling(1 / 255)(inputs)))

    export_coreml(model, tmp_path / "m.mlpackage", precision="float32", inputs="array")

    assert verify(model, tmp_path / "m.mlpackage").largest_difference < 1e-6


@pytest.mark.parametrize("policy", ["mixed_float16", "bfloat16", "float16"])
def test_weights_of_16_bit_models_are_folded_in_float32(policy, tmp_path):
    inputs = keras.Input((9, 7, 3), name="x")
    x = layers.Conv2D(4, 3, dtype=policy, name="c")(inputs)
    model = keras.Model(inputs, layers.BatchNormalization(dtype=policy, name="n")(x))
    model.get_layer("n").moving_variance.assign([0.3, 0.7, 1.9, 3.1])

    from mobilezoo.graph import fold

    (node,) = fold(capture(model))[0].nodes
    assert node.weights["kernel"].read().dtype == np.float32
    export_coreml(model, tmp_path / "m.mlpackage", precision="float32", inputs="array")
    assert verify(model, tmp_path / "m.mlpackage").limit == 1e-4


@pytest.mark.filterwarnings("error")
def test_exports_in_several_threads_do_not_disturb_each_other(functional, tmp_path):
    models = [
        randomize_weights(functional(layers.Conv2D(4, 3, name=f"c{i}"), layers.ReLU(name=f"r{i}")))
        for i in range(4)
    ]
    failures = []

    def export(i):
        try:
            for _ in range(3):
                export_coreml(
                    models[i], tmp_path / f"{i}.mlpackage", inputs="array", overwrite=True
                )
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=export, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    for i, model in enumerate(models):
        assert verify(model, load_coreml(tmp_path / f"{i}.mlpackage")).examples == 4
