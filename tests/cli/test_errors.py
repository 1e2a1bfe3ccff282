"""What the command says when something cannot be done: one line, and an exit code."""

import pytest

from mobilezoo.cli import main
from mobilezoo.cli.parser import make_parser
from mobilezoo.cli.wording import as_options
from tests.cli.run import run


@pytest.mark.parametrize(
    ("message", "worded"),
    [
        (
            "Pass preprocessing='none', or inputs='array'.",
            "Pass --preprocessing none, or --inputs array.",
        ),
        ("Pass limit=, such as limit=0.3 for 30 %.", "Pass --limit, such as --limit 0.3 for 30 %."),
        ("minimum_deployment_target='iOS13' is old", "--minimum-deployment-target iOS13 is old"),
        ("author= must be a text", "author= must be a text"),  # not among them
    ],
)
def test_errors_speak_of_options(message, worded):
    arguments = make_parser().parse_args(["export", "m.keras", "-o", "m.mlpackage"])

    assert as_options(message, arguments) == worded


def test_a_departure_is_exit_code_1_and_one_line(capfd, package):
    code, _, err = run(
        capfd, "verify", package.with_name("m.keras"), package, "--limit", "0.0000001"
    )

    assert code == 1
    assert err.startswith("mobilezoo: error: m.mlpackage differs from Keras")
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["export", "mobilnet", "-o", "m.mlpackage"], 2, "Did you mean 'mobilenet'"),
        (["export", "mobilenet", "-o", "m.onnx"], 2, "must end in .mlpackage"),
        (["export", "mobilenet", "-o", "no/m.mlpackage"], 2, "does not exist"),
        (["export", "mobilenet", "--option", "x", "-o", "m.mlpackage"], 2, "NAME=VALUE"),
        (["export", "mobilenet", "--option", "x=1", "-o", "m.mlpackage"], 2, "takes no argument"),
        (["export", "no.keras", "-o", "m.mlpackage"], 2, "is not a file"),
        (["verify", "mobilenet", "m.mlpackage"], 2, "pass --weights"),
        (["predict", "missing.mlpackage", "x.png"], 1, "missing.mlpackage"),
        (["predict", "missing.mlpackage", "x.png", "--top", "0"], 2, "at least 1"),
        (["list", "nothing*"], 2, "No network matches"),
        (["describe", "mobilenet", "--weights", "random"], 2, "describe takes no --weights"),
        (["describe", "my.keras"], 2, "`mobilezoo inspect my.keras`"),
        (["demo", "--epochs", "0"], 2, "at least 1"),
    ],
)
def test_errors_are_one_line_on_stderr(capfd, tmp_path, monkeypatch, arguments, code, message):
    monkeypatch.chdir(tmp_path)

    result, out, err = run(capfd, *arguments)

    assert result == code
    assert message in err
    assert len(err.strip().splitlines()) == 1
    assert "Traceback" not in out + err
    assert not list(tmp_path.glob("*.mlpackage"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["export", "mobilenet"], "required: -o/--output (see `mobilezoo export --help`)"),
        (["exprt"], "invalid choice"),
        (["inspect", "mobilenet", "--input-shape", "a"], "such as 160,96,3"),
        (["predict", "x", "y", "--crop", "top"], "invalid choice"),
        (["pick", "--precision", "int8"], "invalid choice: 'int8'"),
    ],
)
def test_a_mistyped_command_is_one_line_on_stderr(capfd, arguments, message):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)

    err = capfd.readouterr().err
    assert stopped.value.code == 2
    assert err.startswith("mobilezoo: error: ")
    assert message in err
    assert len(err.strip().splitlines()) == 1


def test_debug_shows_the_traceback(capfd):
    code, _, err = run(capfd, "list", "nothing*", "--debug")

    assert code == 2
    assert "Traceback" in err


def test_an_unexpected_error_is_one_line_too(capfd, monkeypatch):
    def fail(*_):
        raise RuntimeError("disk on fire")

    monkeypatch.setattr("mobilezoo.cli.zoo.list_zoo", fail)

    code, _, err = run(capfd, "list")

    assert code == 1
    assert err == "mobilezoo: error: RuntimeError: disk on fire (--debug shows where)\n"
