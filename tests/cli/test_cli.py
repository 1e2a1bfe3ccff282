"""The command line, in this process; the demo as the installed command."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mobilezoo import load_coreml, mobilenet
from mobilezoo.cli import main
from mobilezoo.cli.commands import choose_labels
from mobilezoo.cli.parser import make_parser
from tests.cli.run import run

SMALL = ["--alpha", "0.25", "--input-shape", "64,96,3", "--classes", "7"]


def test_help_has_examples(capfd):
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])

    assert stopped.value.code == 0
    assert "mobilezoo export mobilenet --alpha 0.5" in capfd.readouterr().out


COMMANDS = ["demo", "list", "describe", "pick", "export", "verify", "predict", "inspect"]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command, capfd):
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])

    assert stopped.value.code == 0
    assert "--debug" in capfd.readouterr().out


def test_no_command_prints_help_and_fails(capfd):
    code, out, _ = run(capfd)

    assert code == 2
    assert "usage: mobilezoo" in out


def test_the_package_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "mobilezoo", "--version"], capture_output=True, text=True
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("mobilezoo ")


def test_export_writes_and_verifies(capfd, tmp_path):
    code, out, err = run(
        capfd, "export", "mobilenet", *SMALL, "--weights", "random", "--precision", "float32",
        "--verify", "-o", tmp_path / "m.mlpackage",
    )  # fmt: skip

    assert code == 0
    assert "89 nodes -> 58" in out
    assert "iOS 15 and later, no labels" in out  # 7 classes are not the zoo's
    assert "agrees with Keras" in out
    assert "untrained" not in err
    assert (tmp_path / "m.mlpackage" / "Manifest.json").is_file()


def test_export_writes_few_bits_and_verifies(capfd, tmp_path):
    code, out, _ = run(
        capfd, "export", "mobilenet", *SMALL, "--weights", "random", "--precision", "palette8",
        "--verify", "-o", tmp_path / "m.mlmodel",
    )  # fmt: skip

    assert code == 0
    assert "palette8, iOS 12 and later" in out
    assert "m.mlmodel agrees with Keras but for the rounding of its weights: largest" in out
    assert "(limit 20 %)" in out


def test_export_writes_a_file_for_ios_11(capfd, tmp_path):
    code, out, _ = run(
        capfd, "export", "mobilenet", *SMALL, "--weights", "random", "--precision", "float32",
        "--minimum-deployment-target", "iOS11", "--verify", "-o", tmp_path / "m.mlmodel",
    )  # fmt: skip

    assert code == 0
    assert "float32, iOS 11 and later" in out
    assert "agrees with Keras" in out


def test_export_without_weights_says_that_the_network_is_untrained(capfd, tmp_path):
    code, _, err = run(capfd, "export", "mobilenet", *SMALL, "-o", tmp_path / "m.mlpackage")

    assert code == 0
    assert "untrained" in err


def test_export_says_which_labels_it_adds(capfd, tmp_path):
    path = tmp_path / "m.mlpackage"

    code, out, _ = run(capfd, "export", "mnist_mlp", "--weights", "random", "-o", path)
    assert code == 0
    assert "labels: digits" in out

    code, out, _ = run(
        capfd, "export", "mnist_mlp", "--weights", "random", "--labels", "none", "-o", path,
        "--overwrite",
    )  # fmt: skip
    assert code == 0
    assert "no labels" in out


@pytest.mark.parametrize(
    ("arguments", "labels"),
    [
        (["googlenet"], "imagenet"),
        (["mobilenet"], "imagenet"),
        (["mobilenet", "--classes", "10"], None),
        (["mobilenet", "--option", "classifier_activation=None"], None),
        (["mobilenet", "--option", "classifier_activation=sigmoid"], "imagenet"),
        (["mobilenet", "--option", "classifier_activation=None", "--labels", "digits"], "digits"),
        (["my.keras"], None),
    ],
)
def test_the_zoos_labels_are_for_probabilities_of_its_classes(arguments, labels):
    given = make_parser().parse_args(["export", *arguments, "-o", "m.mlpackage"])
    classes = given.classes or 1000

    assert choose_labels(given, (None, classes)) == labels


def test_random_weights_are_the_same_in_every_run(capfd, tmp_path):
    path = tmp_path / "m.mlpackage"
    run(capfd, "export", "mobilenet", *SMALL, "--weights", "random", "-o", path)

    code, out, _ = run(capfd, "verify", "mobilenet", *SMALL, "--weights", "random", path)

    assert code == 0
    assert "agrees with Keras" in out


def test_verify_a_saved_model(capfd, package):
    code, out, _ = run(capfd, "verify", package.with_name("m.keras"), package)

    assert code == 0
    assert "same top-1 for 100%" in out


def test_a_saved_model_with_free_sides_takes_an_input_shape(capfd, tmp_path):
    mobilenet(include_top=False, alpha=0.25).save(tmp_path / "free.keras")
    arguments = ["export", tmp_path / "free.keras", "--preprocessing", "tf", "-o"]

    code, _, err = run(capfd, *arguments, tmp_path / "m.mlpackage")
    assert code == 2
    assert "--input-shape" in err

    code, _, _ = run(capfd, *arguments, tmp_path / "m.mlpackage", "--input-shape", "64,96,3")
    assert code == 0


def test_export_refuses_to_verify_an_untrained_network_before_writing(capfd, tmp_path):
    path = tmp_path / "m.mlpackage"

    code, _, err = run(capfd, "export", "mobilenet", *SMALL, "--verify", "-o", path)

    assert code == 2
    assert "--weights random" in err
    assert not path.exists()


def test_the_demo_does_what_it_says(tmp_path):
    command = shutil.which("mobilezoo", path=str(Path(sys.executable).parent))
    assert command is not None

    result = subprocess.run(
        [command, "demo", "--epochs", "8", "-o", "out"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    assert result.returncode == 0, result.stderr
    assert "669,706 parameters" in result.stdout
    assert "4,253,864 parameters, 568.7 M mult-adds" in result.stdout
    assert result.stdout.count("58 layers agree") == 2
    assert max(map(len, result.stdout.splitlines())) <= 80
    made = {str(path.relative_to(tmp_path)) for path in tmp_path.glob("out/**/*.mlpackage")}
    assert made == {
        f"out/{precision}/{name}.mlpackage"
        for precision in ("float32", "float16")
        for name in ("digits", "MobileNet")
    }
    classic = load_coreml(tmp_path / "out" / "float32" / "digits.mlmodel")
    assert classic.metadata.specification_version == 1  # iOS 11
    size = (tmp_path / "out" / "float32" / "digits.mlmodel").stat().st_size
    assert 2.6e6 < size < 2.8e6  # the talk's 2.7 MB
    accuracies = [
        float(line.split("%")[0].split()[-1])
        for line in result.stdout.splitlines()
        if "digits.mlpackage" in line or "digits.mlmodel " in line
    ]
    assert len(accuracies) == 3
    assert min(accuracies) > 95
    noise = [line for line in result.stderr.splitlines() if "epochs" not in line and line.strip()]
    assert noise == []
