"""`import mobilezoo` is fast and pulls in nothing heavy."""

import subprocess
import sys

import pytest

import mobilezoo


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_import_brings_neither_tensorflow_nor_keras_nor_coremltools_nor_numpy():
    loaded = run("import sys, mobilezoo; print(*sys.modules)").split()

    assert not {"tensorflow", "keras", "coremltools", "numpy"} & set(loaded)


def test_import_takes_under_a_tenth_of_a_second():
    code = "import time; t = time.perf_counter(); import mobilezoo; print(time.perf_counter() - t)"

    fastest = min(float(run(code)) for _ in range(3))

    assert fastest < 0.1


def test_command_line_help_needs_nothing_heavy():
    code = (
        "import sys, contextlib, io\n"
        "from mobilezoo.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    main(['--help'])\n"
        "import mobilezoo.cli.commands, mobilezoo.cli.demo\n"
        "print(*sys.modules)"
    )

    assert not {"tensorflow", "keras", "coremltools"} & set(run(code).split())


def test_every_public_name_is_there():
    for name in mobilezoo.__all__:
        assert getattr(mobilezoo, name) is not None


def test_dir_lists_what_all_lists():
    assert set(mobilezoo.__all__) == set(dir(mobilezoo))


def test_public_names_are_what_they_say_after_their_modules_are_imported():
    import mobilezoo.verification

    assert callable(mobilezoo.verify)
    assert callable(mobilezoo.benchmark.count)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'resnet9000'"):
        _ = mobilezoo.resnet9000


def test_importing_the_exporter_is_silent():
    code = "import mobilezoo; mobilezoo.export_coreml"

    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert result.returncode == 0
    assert "Failed to load" not in result.stderr
    assert "has not been tested" not in result.stderr
