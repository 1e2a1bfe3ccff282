"""What a failed comparison says: on which side of the limit, where, and what was not looked at."""

import keras
import numpy as np
import pytest
from coremltools.proto import Model_pb2
from keras import layers

from mobilezoo import export_coreml, load_coreml, randomize_weights, verify
from mobilezoo.errors import InvalidArgumentError, VerificationError
from mobilezoo.graph import capture
from mobilezoo.verification import judging
from mobilezoo.verification.agreement import differences_by_example, percent, told_apart
from mobilezoo.verification.refusals import refuse_departure


@pytest.fixture
def network():
    inputs = keras.Input((6,), name="x")
    hidden = layers.Dense(4, name="hidden")(inputs)
    return randomize_weights(keras.Model(inputs, layers.Dense(3, name="scores")(hidden)))


def refusal(network, differences, layers, limit=0.02):
    with pytest.raises(VerificationError) as refused:
        refuse_departure("m.mlpackage", capture(network), np.array(differences), layers, limit)
    return str(refused.value)


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0, "0 %"), (1e-6, "0.0001 %"), (0.0123, "1.2 %"), (0.0996, "10 %"), (0.504, "50 %"),
        (1.23, "123 %"), (12.34, "1234 %"), (float("nan"), "nan %"), (float("inf"), "inf %"),
    ],
)  # fmt: skip
def test_a_percentage_has_two_digits_and_all_before_the_point(fraction, text):
    assert percent(fraction) == text


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ((0.02, 0.01), ["2 %", "1 %"]),
        ((0.02, 0.02), ["2 %", "2 %"]),  # not above it
        ((0.02, 0.019, 0.0201), ["2 %", "1.9 %", "2.01 %"]),
        ((0.02, 0.0204, 0.5), ["2 %", "2.04 %", "50 %"]),
        ((0.01251, 0.01252), ["1.251 %", "1.252 %"]),  # both would be 1.3
        ((0.1, 0.1001), ["10 %", "10.01 %"]),
        ((1e-6, 1.0000001e-6), ["0.0001 %", "0.00010000001 %"]),
        ((0.02, float("nan")), ["2 %", "nan %"]),
        ((0.02, float("inf")), ["2 %", "inf %"]),
    ],
)
def test_what_is_above_the_limit_reads_above_it(values, texts):
    assert told_apart(*values) == texts


def test_any_two_numbers_are_told_apart():
    limit = 0.02
    above = float(np.nextafter(limit, 1))

    texts = told_apart(limit, above)

    assert float(texts[1].removesuffix(" %")) > float(texts[0].removesuffix(" %"))


def test_a_departing_output_and_the_first_layer_are_said(network):
    text = refusal(network, [0.0203, 0.01], {"hidden": 0.001, "scores": 0.0203})

    assert text == (
        "m.mlpackage differs from Keras by 2.03 % of the largest value (limit 2 %), first at "
        "layer 'scores' by 2.03 %."
    )


def test_where_only_a_layer_departs_that_is_said(network):
    text = refusal(network, [0.0194, 0.01], {"hidden": 0.0201, "scores": 0.0194})

    assert text == (
        "m.mlpackage computes layers otherwise than Keras, first at layer 'hidden' by 2.01 % of "
        "its largest value (limit 2 %); the outputs alone agree (largest difference 1.94 %)."
    )


@pytest.fixture
def deeper():
    inputs = keras.Input((6,), name="x")
    hidden = layers.Dense(5, name="second")(layers.Dense(4, name="first")(inputs))
    return randomize_weights(keras.Model(inputs, layers.Dense(3, name="scores")(hidden)))


def test_the_output_is_judged_once_by_all_examples(deeper):
    layers = {"first": 0.001, "second": 0.001, "scores": 0.0203}  # of the first example's peak
    graph = capture(deeper)

    refuse_departure("m.mlpackage", graph, np.array([0.0194]), layers, 0.02, graph.outputs)
    with pytest.raises(VerificationError, match="first at layer 'scores' by"):  # softmax added
        refuse_departure("m.mlpackage", graph, np.array([0.0194]), layers, 0.02)


def test_a_departing_output_names_the_first_layer_above_the_limit(deeper):
    layers = {"first": 0.012, "second": 0.025, "scores": 0.03}

    assert "first at layer 'second' by 2.5 %" in refusal(deeper, [0.03], layers)


def test_nan_in_a_layer_is_a_departure(deeper):
    assert "'second' by nan %" in refusal(deeper, [0.01], {"first": 0.001, "second": np.nan})


def test_an_input_whose_layers_were_not_compared_is_named(network):
    text = refusal(network, [0.001, 0.3, 0.5, 0.2], {"hidden": 0.001, "scores": 0.001})

    assert text == (
        "m.mlpackage differs from Keras by 50 % of the largest value (limit 2 %) for input 3 of "
        "4. Layers were compared for input 1 only, and agree there: pass that input alone, or "
        "another seed=, to see where it begins."
    )


def test_nan_is_the_worst_input(network):
    text = refusal(network, [0.001, 0.3, np.nan], {"hidden": 0.001})

    assert "differs from Keras by nan %" in text
    assert "for input 3 of 3" in text


def test_what_comes_after_the_last_layer_is_said(network):
    text = refusal(network, [0.5, 0.7], {"hidden": 0.001})

    assert text.endswith("though every layer's output agrees: what comes after the last of them "
                         "departs.")  # fmt: skip


def test_a_file_without_layer_names_is_said(network):
    assert refusal(network, [0.5], {}).endswith(
        "(limit 2 %); no layer of the file carries the name of a Keras layer."
    )


def test_differences_are_relative_to_the_peak_of_all_examples():
    reference = np.array([[1.0, -4.0], [2.0, 0.0], [0.0, 0.0]])
    values = reference + np.array([[0.0, 0.1], [-0.2, 0.1], [0.0, 0.0]])

    np.testing.assert_allclose(differences_by_example(values, reference), [0.025, 0.05, 0.0])
    assert list(differences_by_example(values[:, :1], reference)) == [np.inf] * 3
    assert list(differences_by_example(np.eye(2), np.zeros((2, 2)))) == [np.inf] * 2
    assert list(differences_by_example(np.zeros((2, 2)), np.zeros((2, 2)))) == [0.0] * 2


def test_a_later_input_that_departs_is_caught_and_named(network, tmp_path, monkeypatch):
    export_coreml(network, tmp_path / "m.mlpackage", precision="float32")
    honest = judging.run_file

    def broken(*arguments):
        (scores,) = honest(*arguments)
        scores[2] += 0.3 * np.abs(scores).max()
        return [scores]

    monkeypatch.setattr(judging, "run_file", broken)

    with pytest.raises(VerificationError, match=r"for input 3 of 4\. Layers were compared for"):
        verify(network, tmp_path / "m.mlpackage")


def test_a_file_of_pictures_without_a_record_says_what_to_pass(tmp_path):
    inputs = keras.Input((9, 7, 3), name="x")
    model = randomize_weights(
        keras.Model(inputs, layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3)(inputs)))
    )
    export_coreml(model, tmp_path / "m.mlpackage", preprocessing="unit")
    program = load_coreml(tmp_path / "m.mlpackage")
    del program.metadata.user_defined["com.mobilezoo.preprocessing"]

    with pytest.raises(InvalidArgumentError, match=r"neither it nor the model says.*describe\("):
        verify(model, program)


def test_what_the_rounding_to_float16_costs_is_said(network, tmp_path):
    export_coreml(network, tmp_path / "m.mlpackage", precision="float16")

    with pytest.raises(VerificationError) as refused:
        verify(network, tmp_path / "m.mlpackage", limit=2e-5)

    message = str(refused.value)
    assert "Its weights rounded to float16 cost that" in message
    assert "Export with precision='float32', or pass limit=" in message
    assert "first at layer" not in message


def test_a_fault_beside_the_rounding_to_float16_is_none_of_it(network, tmp_path):
    export_coreml(network, tmp_path / "m.mlpackage", precision="float16")
    bias = network.get_layer("hidden").bias
    bias.assign(bias + 0.5)

    with pytest.raises(VerificationError, match="first at layer 'hidden'"):
        verify(network, tmp_path / "m.mlpackage")


def test_a_file_that_returns_pictures_is_not_compared(tmp_path):
    inputs = keras.Input((8, 12, 3), name="image")
    net = keras.Model(inputs, layers.Conv2D(3, 3, padding="same", name="y")(inputs))
    path = tmp_path / "m.mlmodel"
    export_coreml(randomize_weights(net, preprocessing="none"), path, preprocessing="none")
    spec = Model_pb2.Model.FromString(path.read_bytes())
    declared = spec.description.output[0].type.imageType
    declared.colorSpace, declared.height, declared.width = declared.RGB, 8, 12
    path.write_bytes(spec.SerializeToString())

    with pytest.raises(InvalidArgumentError, match="Output 'y' of the file is a picture"):
        verify(net, path)
