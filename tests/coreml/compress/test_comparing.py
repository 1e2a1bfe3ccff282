"""One table of all precisions."""

import numpy as np
import pytest

from mobilezoo import (
    Budget,
    Sparse,
    benchmark,
    compare_precisions,
    compress_coreml,
    export_coreml,
    mobilenet,
    randomize_weights,
)
from mobilezoo.errors import InvalidArgumentError

PICTURES = np.random.default_rng(3).integers(0, 256, (5, 64, 96, 3), np.uint8)


@pytest.fixture(scope="module")
def model():
    return randomize_weights(mobilenet((64, 96, 3), alpha=0.25, classes=6))


def test_each_precision_has_its_row(model, tmp_path):
    budget = Budget(max_size_bytes=230_000, data=PICTURES, examples=2)
    wanted = (
        "float32",
        "float16",
        "int8",
        "palette4",
        {"block9_*": "palette2"},
        Sparse(0.5),
        budget,
    )

    table = compare_precisions(model, PICTURES, precisions=wanted)

    names = [row.precision for row in table.rows]
    assert names[:4] == ["float32", "float16", "int8", "palette4"]
    assert names[4] == "mixed: palette2"
    assert names[5] == "sparse 0.5"
    assert names[6].startswith("mixed: ")
    systems = [row.minimum_os for row in table.rows]
    assert systems == ["iOS15", "iOS15", *["iOS16"] * 5]
    errors = [row.error for row in table.rows]
    assert errors[0] == 0 < errors[1] < errors[2] < errors[3]
    assert table.rows[0].largest_error == 0
    assert table.rows[0].ratio == 1
    assert table.rows[0].top1_agreement == 1
    assert table.rows[1].ratio == pytest.approx(0.5, abs=0.02)
    assert table.rows[6].size_bytes <= 230_000
    assert table.examples == 5
    export_coreml(model, tmp_path / "m.mlpackage", precision="palette4")
    assert table.rows[3].size_bytes == benchmark.size_bytes(tmp_path / "m.mlpackage")


def test_a_file_is_compared_with_itself(model, tmp_path):
    export_coreml(model, tmp_path / "m.mlpackage")

    table = compare_precisions(
        tmp_path / "m.mlpackage", PICTURES, precisions=["float16", "int8"], examples=3
    )

    assert [row.precision for row in table.rows] == ["float16", "int8"]
    assert table.rows[0].error == 0
    assert 0 < table.rows[1].error < 0.5
    assert table.examples == 3


def test_the_table_can_be_printed(model):
    table = compare_precisions(model, PICTURES, precisions=["float16", "int8"], examples=2)

    lines = str(table).splitlines()
    assert lines[0].split("  ")[0] == "precision"
    assert "largest error" in lines[0]
    assert lines[2].startswith("int8       0.27  0.5")
    assert lines[2].endswith("iOS16")
    assert max(map(len, lines)) <= 80
    markdown = table.to_markdown().splitlines()
    assert markdown[0] == (
        "| precision | MB | ratio | largest error | error | same top-1 | runs from |"
    )
    assert len(markdown) == 4


def test_what_cannot_be_compared_is_refused(model, tmp_path):
    export_coreml(model, tmp_path / "m.mlpackage")

    with pytest.raises(InvalidArgumentError, match="must be a list of precisions"):
        compare_precisions(model, PICTURES, precisions="int8")
    with pytest.raises(InvalidArgumentError, match="Unknown precision 'int9'"):
        compare_precisions(model, PICTURES, precisions=["int9"])
    with pytest.raises(InvalidArgumentError, match="preprocessing: options are for the export"):
        compare_precisions(tmp_path / "m.mlpackage", PICTURES, preprocessing="tf")
    with pytest.raises(InvalidArgumentError, match=r"has shape"):
        compare_precisions(model, PICTURES[:, :9], precisions=["int8"])


def test_a_compressed_file_gets_no_smaller_by_being_compared(model, tmp_path):
    export_coreml(model, tmp_path / "m.mlpackage", precision="palette2")
    compress_coreml(tmp_path / "m.mlpackage", tmp_path / "n.mlpackage", precision="int8")

    table = compare_precisions(tmp_path / "m.mlpackage", PICTURES, precisions=["int8"], examples=2)

    assert table.rows[0].size_bytes == benchmark.size_bytes(tmp_path / "n.mlpackage")
