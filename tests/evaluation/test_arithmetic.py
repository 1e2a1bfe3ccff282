"""Files whose values are rounded to float16 between layers."""

from mobilezoo import evaluate, load_coreml
from mobilezoo.evaluation.table import table
from tests.evaluation.test_keras_side import DATA


def test_float16_arithmetic_is_evaluated_beside_float32(save, network):
    path = save(network)
    programs = [load_coreml(path), load_coreml(path, arithmetic="float16")]

    both = evaluate(programs, DATA, model=network)
    alone = evaluate(path, DATA, model=network, arithmetic="float16")

    exact, rounded = both.files
    assert (exact.name, rounded.name) == (
        "colors.mlpackage (float32)",
        "colors.mlpackage (float16)",
    )
    assert rounded.arithmetic == alone.files[0].arithmetic == "float16"
    assert exact.agreement.largest_difference < rounded.agreement.largest_difference < 0.02
    assert rounded.agreement == alone.files[0].agreement
    assert "arithmetic" in table(both)
    assert alone.files[0].to_dict()["arithmetic"] == "float16"
