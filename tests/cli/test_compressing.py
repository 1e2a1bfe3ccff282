"""`mobilezoo compress`, and the same options of `mobilezoo export`."""

import pytest

from mobilezoo import load_coreml
from tests.cli.run import run


def bits(path):
    return {layer: item.bits for (layer, kind), item in load_coreml(path).weights().items()
            if kind == "weight"}  # fmt: skip


def named(path):
    return load_coreml(path).metadata.user_defined["com.mobilezoo.precision"]


def test_a_package_is_compressed_and_its_size_told(capfd, package, tmp_path):
    code, out, _ = run(
        capfd, "compress", package, "--precision", "palette4", "-o", tmp_path / "c.mlpackage"
    )

    assert code == 0
    assert out.startswith(f"wrote {tmp_path / 'c.mlpackage'}: 0.1")
    assert out.endswith("iOS 16 and later\n")
    assert "% of 0.4" in out
    assert set(bits(tmp_path / "c.mlpackage").values()) == {None, 4}
    assert load_coreml(tmp_path / "c.mlpackage").labels[2] == "cat"


@pytest.mark.parametrize(
    ("options", "name", "version"),
    [
        (["--precision", "palette6"], "palette6", 7),
        (["--precision", "palette4", "--group-size", "8"], "palette4, groups of 8", 9),
        (["--precision", "int4"], "int4", 9),
        (["--precision", "int8", "--block-size", "16"], "int8, blocks of 16", 9),
        (["--precision", "float16", "--density", "0.4"], "sparse 0.4", 7),
        (["--precision", "int8", "--density", "0.4"], "sparse 0.4, int8", 9),
        (["--precision", "int8", "--layer", "block1*=palette6"], "mixed: palette6, int8", 7),
    ],
)
@pytest.mark.parametrize("command", ["compress", "export"])
def test_precisions_are_what_the_options_say(
    capfd, package, tmp_path, command, options, name, version
):
    path = tmp_path / "c.mlpackage"
    given = [package]
    if command == "export":
        given = [package.with_name("m.keras"), "--preprocessing", "tf"]

    assert run(capfd, command, *given, *options, "-o", path)[0] == 0

    assert named(path) == name
    assert load_coreml(path).metadata.specification_version == version


def test_ends_and_layers_are_left_as_they_are(capfd, package, tmp_path):
    path = tmp_path / "c.mlpackage"

    run(capfd, "compress", package, "--precision", "int8", "--keep-ends", "--layer",
        "block5*=float16", "-o", path)  # fmt: skip

    found = bits(path)
    assert found["block5_pointwise_bn"] is None
    assert found["block6_pointwise_bn"] == 8
    assert list(found.values())[-1] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--precision", "palette5"], r"--precision palette5 is written to neural networks"),
        (["--precision", "int8", "--layer", "block1"], "--layer block1: a name or pattern and"),
        (["--precision", "int8", "--layer", "blok1*=int4"], "'blok1*' fits no layer with weights"),
        (["--precision", "int8", "--group-size", "8"], "--group-size is for palette precisions"),
        (["--precision", "palette4", "--block-size", "8"], "--block-size is for int precisions"),
        (["--precision", "int8", "--density", "40"], "density must be above 0 and below 1"),
    ],
)
def test_mistakes_leave_nothing_behind(capfd, package, tmp_path, options, message):
    code, _, err = run(capfd, "compress", package, *options, "-o", tmp_path / "c.mlpackage")

    assert code == 2
    assert message in err
    assert "\n" not in err.rstrip("\n")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_not_replaced_unasked(capfd, package, tmp_path):
    (tmp_path / "c.mlpackage").mkdir()
    (tmp_path / "c.mlpackage" / "Manifest.json").write_text("{}")

    code, _, err = run(
        capfd, "compress", package, "--precision", "int8", "-o", tmp_path / "c.mlpackage"
    )

    assert code == 2
    assert "--overwrite" in err
