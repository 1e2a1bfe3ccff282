"""`mobilezoo evaluate`: what is printed, written and refused."""

import csv
import json
import shutil

import keras
import numpy as np
import pytest

from mobilezoo import export_coreml
from mobilezoo.cli import main
from tests.cli.run import run
from tests.evaluation.conftest import (  # noqa: F401 - fixtures
    COLORS,
    color_network,
    folder,
    labelled,
    save,
)


@pytest.fixture
def files(save, tmp_path):  # noqa: F811
    """One that is right, and one that says blue to everything, with their Keras model."""
    network = color_network()
    network.save(tmp_path / "colors.keras")
    right = save(network, "right.mlpackage", labels=list(COLORS))
    network.layers[-1].set_weights([np.zeros((3, 3)), np.array([0.0, 0.0, 1.0])])
    return right, save(network, "blind.mlmodel", labels=list(COLORS))


def test_one_table_of_several_files(capfd, files, folder, tmp_path):  # noqa: F811
    code, out, _ = run(capfd, "evaluate", *files, folder, "--keras", tmp_path / "colors.keras")

    lines = out.splitlines()
    rows = {line.split()[0]: line for line in lines[3:6]}
    assert code == 0
    assert lines[0] == "6 pictures of 3 classes, --crop center"
    assert lines[2].split("  ")[0] == "file"
    # Wilson's intervals for 4 and for 1 of 6
    assert "66.7 %  30.0 to 90.3 %" in rows["right.mlpackage"]
    assert "66.7 %  30.0 to 90.3 %" in rows["Keras"]
    assert "16.7 %   3.0 to 56.4 %" in rows["blind.mlmodel"]
    assert " float16 " in rows["right.mlpackage"]
    assert " 100.0 % " in rows["right.mlpackage"]
    assert " 33.3 % " in rows["blind.mlmodel"]


def test_the_speed_is_not_said_to_be_a_phones(capfd, files, folder):  # noqa: F811
    _, out, _ = run(capfd, "evaluate", files[0], folder)

    assert "runtime on this machine" in out
    assert "a phone's speed is another" in " ".join(out.split())


def test_what_may_be_chance_is_said(capfd, files, folder):  # noqa: F811
    _, out, _ = run(capfd, "evaluate", *files, folder)

    text = " ".join(out.split())
    # 4 right against 1, of which one is the same: 3 and 0, p = 2 / 2**3
    assert "compared with right.mlpackage on the same pictures (McNemar's test)" in text
    assert (
        "blind.mlmodel: 3 that it alone has wrong, 0 that it alone has right: may be chance "
        "(p = 0.25)"
    ) in text


def test_what_is_more_than_chance_is_said(capfd, files, folder):  # noqa: F811
    for number in range(4):
        shutil.copy(folder / "red" / "1.png", folder / "red" / f"more{number}.png")

    _, out, _ = run(capfd, "evaluate", *files, folder)

    # 7 and 0, p = 2 / 2**7
    assert "0 that it alone has right: more than chance (p = 0.016)" in " ".join(out.split())


def test_recalls_and_confusions_are_printed(capfd, files, folder):  # noqa: F811
    _, out, _ = run(capfd, "evaluate", *files, folder)

    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "red 3 66.7 % 0.0 %" in lines
    assert "green 2 50.0 % 0.0 %" in lines
    assert "blue 1 100.0 % 100.0 %" in lines
    assert "mean 72.2 % 33.3 %" in lines
    assert "right.mlpackage: red taken for green 1x, green taken for blue 1x" in lines
    assert "blind.mlmodel: red taken for blue 3x, green taken for blue 2x" in lines


def test_what_was_left_out_is_said(capfd, files, folder):  # noqa: F811
    (folder / "red" / "notes.txt").write_text("no picture")
    (folder / ".DS_Store").touch()

    code, out, _ = run(capfd, "evaluate", files[0], folder)

    assert code == 0
    assert "not evaluated: 2 in the data" in out
    assert f"{folder / '.DS_Store'}: hidden" in out
    assert f"{folder / 'red' / 'notes.txt'}: no picture that can be read" in out


def test_json_has_everything_and_nothing_else_is_printed(capfd, files, folder):  # noqa: F811
    code, out, _ = run(capfd, "evaluate", *files, folder, "--json")

    read = json.loads(out)
    assert code == 0
    assert [file["correct"] for file in read["files"]] == [4, 1]
    assert read["comparisons"][0]["only_first_correct"] == 3


def test_the_confusion_tables_are_written(capfd, files, folder, tmp_path):  # noqa: F811
    table = tmp_path / "confusion.csv"

    code, _, err = run(capfd, "evaluate", *files, folder, "--confusion", table)

    assert code == 0
    assert f"wrote {table}\n" in err
    with table.open(newline="", encoding="utf-8") as opened:
        assert list(csv.reader(opened)) == [
            ["file", "class", "red", "green", "blue"],
            ["right.mlpackage", "red", "2", "1", "0"],
            ["right.mlpackage", "green", "0", "1", "1"],
            ["right.mlpackage", "blue", "0", "0", "1"],
            ["blind.mlmodel", "red", "0", "0", "3"],
            ["blind.mlmodel", "green", "0", "0", "2"],
            ["blind.mlmodel", "blue", "0", "0", "1"],
        ]


def test_a_table_is_replaced_only_if_told(capfd, files, folder, tmp_path):  # noqa: F811
    table = tmp_path / "confusion.csv"
    table.write_text("mine")
    arguments = ["evaluate", files[0], folder, "--confusion", table]

    code, _, err = run(capfd, *arguments)

    assert code == 2
    assert "exists. Pass --overwrite" in err
    assert table.read_text() == "mine"
    assert run(capfd, *arguments, "--overwrite")[0] == 0
    assert table.read_text().startswith("file,class")


def test_a_crop_of_vision_is_used(capfd, files, folder):  # noqa: F811
    code, out, _ = run(capfd, "evaluate", files[0], folder, "--crop", "scale-fit")

    assert code == 0
    assert "--crop scale-fit" in out


def test_an_array_is_prepared_as_told(capfd, save, folder, tmp_path):  # noqa: F811
    path = save(color_network(), inputs="array")
    (tmp_path / "labels.txt").write_text("red\ngreen\nblue\n")
    arguments = ["evaluate", path, folder, "--labels", tmp_path / "labels.txt"]

    assert "takes an array" in run(capfd, *arguments)[2]
    code, out, _ = run(capfd, *arguments, "--scale", "1/255")

    assert code == 0
    assert "66.7 %" in out


def test_a_network_of_the_zoo_is_the_reference(capfd, package, tmp_path):
    data = tmp_path / "data" / "cat"
    data.mkdir(parents=True)
    keras.utils.save_img(data / "1.png", np.random.default_rng(0).integers(0, 256, (70, 99, 3)))
    zoo = ["--input-shape", "64,96,3", "--alpha", "0.25", "--classes", "7"]

    code, out, _ = run(
        capfd, "evaluate", package, data.parent, "--keras", "mobilenet", "--weights", "random", *zoo
    )

    assert code == 0
    assert "same as Keras" in out
    assert "top-5" in out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--keras", "mobilenet"], "needs the weights that were exported: pass --weights"),
        (["--alpha", "0.5"], "alpha: such options are for the network that --keras names"),
        (["--weights", "random"], "weights: such options are for the network"),
        (["--confusion", "x.txt"], "ends in .csv"),
        (["--confusion", "no/x.csv"], "does not exist. Create it first"),
        (["--size", "30x40"], "takes (20, 28) only"),
        (["--batch-size", "0"], "at least 1"),
    ],
)
def test_errors_are_one_line(capfd, labelled, folder, options, message):  # noqa: F811
    code, out, err = run(capfd, "evaluate", labelled, folder, *options)

    assert code == 2
    assert out == ""
    assert message in err
    assert len(err.strip().splitlines()) == 1


def test_the_folder_comes_last(capfd, labelled, folder):  # noqa: F811
    code, _, err = run(capfd, "evaluate", folder, labelled)

    assert code == 2
    assert "the folder of pictures comes last" in err


def test_a_size_is_height_x_width(capfd):
    with pytest.raises(SystemExit):
        main(["evaluate", "x", "y", "--size", "30,40"])

    assert "write HEIGHTxWIDTH in pixels" in capfd.readouterr().err


def test_an_interruption_prints_what_was_measured(
    capfd, labelled, folder, monkeypatch  # noqa: F811
):  # fmt: skip
    from mobilezoo.evaluation import reading

    stack, batches = reading._stacked, []

    def stop_at_the_third(*arguments):
        batches.append(arguments)
        if len(batches) == 3:
            raise KeyboardInterrupt
        return stack(*arguments)

    monkeypatch.setattr(reading, "_stacked", stop_at_the_third)

    code, out, err = run(capfd, "evaluate", labelled, folder, "--batch-size", "2")

    assert code == 130
    assert out.startswith("stopped before the end: 4 pictures")
    assert "colors.mlpackage" in out
    assert err.endswith("mobilezoo: stopped.\n")


def test_few_of_many_classes_are_printed(capfd, tmp_path):
    many = keras.Sequential(
        [keras.Input((4, 6, 3)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(30)]
    )
    export_coreml(many, tmp_path / "many.mlpackage", preprocessing="unit")
    for number in range(30):
        (tmp_path / "data" / f"class{number:02}").mkdir(parents=True)
        keras.utils.save_img(tmp_path / "data" / f"class{number:02}" / "1.png", np.ones((5, 5, 3)))

    _, out, _ = run(capfd, "evaluate", tmp_path / "many.mlpackage", tmp_path / "data")

    assert "recall of the 10 classes that many.mlpackage recognizes least" in out
    assert sum(line.startswith("  class") for line in out.splitlines()) == 11  # with the heading
