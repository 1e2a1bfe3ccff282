"""`mobilezoo compress`, and the same options of `mobilezoo export`."""

import re

import keras
import numpy as np
import pytest

from mobilezoo import export_coreml, load_coreml
from mobilezoo.benchmark import size_bytes
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


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder of 9 pictures, some of them in folders of classes."""
    image = pytest.importorskip("PIL.Image")
    root = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for i in range(9):
        folder = root / ("cats" if i % 2 else ".")
        folder.mkdir(exist_ok=True)
        pixels = rng.integers(0, 256, (70 + i, 100, 3), np.uint8)
        image.fromarray(pixels).save(folder / f"{i}.png")
    (root / "notes.txt").write_text("no picture")
    return root


def test_a_file_within_a_size(capfd, package, pictures, tmp_path):
    path = tmp_path / "c.mlpackage"

    code, out, _ = run(
        capfd, "compress", package, "--max-size", "0.25", "--data", pictures, "--examples", "4",
        "-o", path,
    )  # fmt: skip

    assert code == 0
    assert size_bytes(path) <= 250_000
    wrote, measured = out.splitlines()
    assert wrote.startswith(f"wrote {path}: 0.2")
    assert measured.startswith("mixed: ")
    assert measured.endswith("of 4 examples")


def test_a_file_within_an_error(capfd, package, pictures, tmp_path):
    code, out, _ = run(
        capfd, "compress", package, "--max-error", "0.1", "--data", pictures, "--examples", "3",
        "--optimize", "agreement", "-o", tmp_path / "c.mlpackage",
    )  # fmt: skip

    assert code == 0
    assert float(re.search(r"error ([\d.]+)", out)[1]) <= 0.1


@pytest.mark.parametrize("repair", [[], ["--repair"]])
@pytest.mark.parametrize("layers", [[], ["--layer", "block1*=palette6"]])
def test_activations_are_rounded_too(capfd, package, pictures, tmp_path, layers, repair):
    code, out, _ = run(
        capfd, "compress", package, "--precision", "w8a8", "--data", pictures, "--examples", "3",
        *layers, *repair, "-o", tmp_path / "c.mlpackage",
    )  # fmt: skip

    assert code == 0
    assert out.endswith("iOS 17 and later\n")
    made = load_coreml(tmp_path / "c.mlpackage")
    assert made.op_types()["quantize"] > 15
    assert named(tmp_path / "c.mlpackage") == ("mixed: palette6, w8a8" if layers else "w8a8")
    assert ("com.mobilezoo.repaired" in made.metadata.user_defined) == bool(repair)


def test_a_neural_network_is_compressed_too(capfd, tmp_path):
    inputs = keras.Input((70,), name="x")
    model = keras.Model(inputs, keras.layers.Dense(60, name="hidden")(inputs))
    export_coreml(model, tmp_path / "m.mlmodel", inputs="array")
    code, out, _ = run(
        capfd, "compress", tmp_path / "m.mlmodel", "--precision", "palette4", "-o",
        tmp_path / "c.mlmodel",
    )  # fmt: skip

    assert code == 0
    assert out.endswith("iOS 12 and later\n")
    assert {item.bits for item in load_coreml(tmp_path / "c.mlmodel").weights().values()} >= {4}


def test_weights_are_weighed_where_it_is_asked_for(capfd, package, pictures, tmp_path):
    for options in (["--precision", "palette4"], ["--max-size", "0.25"]):
        code, *_ = run(
            capfd, "compress", package, *options, "--weigh", "--data", pictures,
            "--examples", "3", "--overwrite", "-o", tmp_path / "c.mlpackage",
        )  # fmt: skip
        assert code == 0
        said = load_coreml(tmp_path / "c.mlpackage").metadata.user_defined
        assert said["com.mobilezoo.weighed"] == "gradients"


def test_biases_are_repaired_where_it_is_asked_for(capfd, package, pictures, tmp_path):
    for options in ([], ["--repair", "--data", pictures]):
        path = tmp_path / f"{len(options)}.mlpackage"
        code, _, _ = run(
            capfd, "compress", package, "--precision", "palette4", *options, "-o", path
        )
        assert code == 0
        said = load_coreml(path).metadata.user_defined
        assert ("com.mobilezoo.repaired" in said) == bool(options)


def test_precisions_are_compared_in_a_table_of_80_columns(capfd, package, pictures):
    code, out, _ = run(
        capfd, "compare", package, pictures, "--precision", "float16", "palette6", "--examples", "5"
    )

    lines = out.splitlines()
    assert code == 0
    assert [line.split()[0] for line in lines[:3]] == ["precision", "float16", "palette6"]
    assert lines[-1] == f"measured on 5 pictures, against {package}"
    assert max(map(len, lines[:3])) <= 80


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "What shall the file be like? Pass --precision, or --max-size"),
        (["--max-size", "1"], "Pass --data FOLDER with some pictures"),
        (
            ["--precision", "int8", "--repair"],
            "--repair runs the network on pictures: pass --data FOLDER",
        ),
        (["--precision", "int8", "--data", "{}"], "--data is for --repair, --weigh, w8a8"),
        (["--precision", "w8a8"], "--precision w8a8 runs the network on pictures"),
        (["--precision", "w8a8", "--density", "0.5", "--data", "{}"], "not for w8a8"),
        (
            ["--precision", "palette4", "--weigh"],
            "--weigh runs the network on pictures: pass --data FOLDER",
        ),
        (["--precision", "int8", "--weigh", "--data", "{}"], "weigh= is for the tables"),
        (["--precision", "w8a8", "--data", "{}/empty"], "there are no pictures in it"),
        (["--max-size", "1", "--precision", "int8"], "choose precisions themselves"),
        (["--max-size", "0.001", "--data", "{}"], "No mix of"),
        (["--max-error", "0.1", "--data", "{}/nowhere"], "there is no such folder"),
        (["--max-error", "0.1", "--data", "{}/empty"], "there are no pictures in it"),
    ],
)
def test_limits_that_cannot_be_are_refused(capfd, package, pictures, tmp_path, options, message):
    (pictures / "empty").mkdir(exist_ok=True)
    options = [option.format(pictures) for option in options]

    code, _, err = run(capfd, "compress", package, *options, "-o", tmp_path / "c.mlpackage")

    assert code == 2
    assert message in err
    assert list(tmp_path.iterdir()) == []


def test_the_pictures_of_another_input_are_passed_in_python(capfd, pictures, tmp_path):
    inputs = keras.Input((50,), name="x")
    model = keras.Model(inputs, keras.layers.Dense(60)(inputs))
    export_coreml(model, tmp_path / "m.mlpackage")

    code, _, err = run(capfd, "compare", tmp_path / "m.mlpackage", pictures)

    assert code == 2
    assert "takes array 'x', not one image" in err
