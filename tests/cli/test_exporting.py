"""What `mobilezoo export` can be told about the file, its inputs and the model."""

import keras
import numpy as np
import pytest

from mobilezoo import load_coreml, mnist_cnn, randomize_weights
from mobilezoo.cli import main, values
from tests.cli.run import run

SMALL = ["mobilenet", "--alpha", "0.25", "--input-shape", "64,96,3", "--classes", "7",
         "--weights", "random"]  # fmt: skip
LAYERS = """
import keras

@keras.saving.register_keras_serializable("{package}")
class Doubled(keras.layers.Layer):
    def call(self, x):
        return x * 2.0
"""


@pytest.fixture
def own(tmp_path):
    """A saved model that takes pictures (8, 12, 3) prepared in a way of its own."""
    inputs = keras.Input((8, 12, 3))
    x = keras.layers.Conv2D(5, 3, activation="relu", name="features")(inputs)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, keras.layers.Dense(2, name="fc")(x))
    randomize_weights(model, preprocessing="unit").save(tmp_path / "own.keras")
    return tmp_path / "own.keras"


def test_what_xcode_shows_is_written_into_the_file(capfd, tmp_path):
    code, _, _ = run(
        capfd, "export", *SMALL, "-o", tmp_path / "m.mlpackage", "--author", "Ada",
        "--license", "MIT", "--description", "Animals", "--model-version", "1.2",
    )  # fmt: skip

    metadata = load_coreml(tmp_path / "m.mlpackage").metadata
    assert code == 0
    assert (metadata.author, metadata.license) == ("Ada", "MIT")
    assert (metadata.short_description, metadata.version) == ("Animals", "1.2")


@pytest.mark.parametrize(
    ("sizes", "suffix", "words"),
    [
        ("64x96,128x64", "mlpackage", "(64, 96) or (128, 64)"),
        ("64x64..128x96", "mlmodel", "64 to 128 x 64 to 96"),
    ],
)
def test_a_file_for_several_sizes_is_verified_at_them(capfd, tmp_path, sizes, suffix, words):
    path = tmp_path / f"m.{suffix}"

    code, out, _ = run(capfd, "export", *SMALL, "--flexible", sizes, "--verify", "-o", path)

    assert code == 0
    assert "agrees with Keras" in out
    assert load_coreml(path).inputs[0].sizes_in_words() == words


def test_a_file_for_several_examples_takes_them(capfd, tmp_path):
    path = tmp_path / "m.mlpackage"

    code, _, _ = run(capfd, "export", *SMALL, "--inputs", "array", "--flexible", "1,4", "-o", path)

    made = load_coreml(path).predict({"image": np.zeros((4, 64, 96, 3), np.float32)})
    assert code == 0
    assert next(iter(made.values())).shape == (4, 7)


@pytest.mark.parametrize(
    ("text", "kind", "arguments"),
    [
        ("224x224,192x256", "ImageSizes", ([(224, 224), (192, 256)],)),
        ("160x128..512x256", "ImageSizeRange", ((160, 512), (128, 256))),
        ("1,4, 8", "BatchSizes", ([1, 4, 8],)),
        ("1..16", "BatchRange", (1, 16)),
    ],
)
def test_sizes_are_read_heights_first(text, kind, arguments):
    assert values.flexible(text) == (kind, arguments)


@pytest.mark.parametrize(
    ("units", "activation", "words"),
    [
        (1, "sigmoid", "labels: labels.txt for 1 - p and p\n"),
        (2, None, "labels: labels.txt for a softmax of its logits\n"),
        (2, "softmax", "labels: labels.txt\n"),
    ],
)
def test_it_says_what_labels_add(capfd, tmp_path, monkeypatch, units, activation, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "labels.txt").write_text("cat\ndog\n")
    inputs = keras.Input((6,))
    keras.Model(inputs, keras.layers.Dense(units, activation=activation)(inputs)).save("own.keras")

    code, out, _ = run(capfd, "export", "own.keras", "--labels", "labels.txt", "-o", "m.mlmodel")

    assert code == 0
    assert out.endswith(words)


def test_layers_that_learn_are_named(capfd, tmp_path):
    model = randomize_weights(mnist_cnn())
    model.save(tmp_path / "digits.keras")
    last = model.layers[-1].name if model.layers[-1].weights else model.layers[-2].name

    code, _, _ = run(
        capfd, "export", tmp_path / "digits.keras", "--preprocessing", "unit", "--labels", "digits",
        "--precision", "float32", "--updatable", last, "-o", tmp_path / "m.mlmodel",
    )  # fmt: skip

    assert code == 0
    assert load_coreml(tmp_path / "m.mlmodel").metadata.specification_version == 4  # iOS 13


@pytest.mark.parametrize(
    ("options", "mean", "scale", "bgr"),
    [
        (["--mean", "120,115,100", "--std", "60,50,40"], (120, 115, 100), (1 / 60, 0.02, 0.025), 0),
        (["--mean", "127.5", "--scale", "1/127.5"], (127.5,), (1 / 127.5,), 0),
        (["--std", "255"], (0,), (1 / 255,), 0),
        (["--mean", "103.9,116.8,123.7", "--bgr"], (103.9, 116.8, 123.7), (1,), 1),
    ],
)
def test_preprocessing_of_ones_own_is_written_into_the_file(
    capfd, own, tmp_path, options, mean, scale, bgr
):
    path = tmp_path / "m.mlpackage"
    pixels = np.random.default_rng(0).integers(0, 256, (1, 8, 12, 3), np.uint8)
    prepared = (pixels[..., ::-1] if bgr else pixels) - np.array(mean)

    code, _, _ = run(
        capfd, "export", own, *options, "--precision", "float32", "--verify", "-o", path
    )

    expected = keras.models.load_model(own).predict(prepared * np.array(scale), verbose=0)
    made = next(iter(load_coreml(path).predict({"image": pixels}).values()))
    assert code == 0
    np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_few_bits_are_verified_with_and_without_a_limit(capfd, own, tmp_path):
    path = tmp_path / "m.mlmodel"
    arguments = ["export", own, "--preprocessing", "unit", "--precision", "palette4", "--verify",
                 "-o", path]  # fmt: skip

    code, out, err = run(capfd, *arguments)
    assert code == 0, err
    assert "m.mlmodel agrees with Keras" in out

    arguments.append("--overwrite")
    code, out, _ = run(capfd, *arguments, "--limit", "0.1")
    assert code == 0
    assert "(limit 10 %)" in out


@pytest.mark.parametrize("by", ["file", "name"])
def test_layers_of_ones_own_come_from_a_module(capfd, tmp_path, monkeypatch, by):
    name = f"my_layers_{by}"
    (tmp_path / f"{name}.py").write_text(LAYERS.format(package=name))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    exec(LAYERS.format(package=name), made := {})
    inputs = keras.Input((6,))
    x = keras.layers.Dense(4)(made["Doubled"]()(inputs))
    randomize_weights(keras.Model(inputs, x)).save("own.keras")
    keras.saving.get_custom_objects().pop(f"{name}>Doubled")
    module = f"{name}.py" if by == "file" else name
    exported = ["export", "own.keras", "-o", "m.mlpackage", "--verify"]

    code, _, err = run(capfd, *exported)
    assert code == 2
    assert "'own.keras' has class 'Doubled', which Keras does not know. Pass --import" in err

    code, out, err = run(capfd, *exported, "--import", module)
    assert (code, err) == (0, "")
    assert "agrees with Keras" in out
    assert run(capfd, "verify", "own.keras", "m.mlpackage", "--import", module)[0] == 0
    assert run(capfd, "inspect", "own.keras", "--import", module)[0] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--limit", "0.1"], "--limit is for --verify"),
        (["--preprocessing", "unit", "--verify", "--limit", "5"], "--limit 5.0 must be between 0"),
        ([], "Pass --preprocessing none if the model takes 0..255"),
        (["--import", "no_such_module"], "there is no such module"),
        (["--import", "no_such.py"], "there is no such file"),
        (["--import", "broken.py"], "broken.py fails: NameError: name 'undefined'"),
        (["--import", "needing.py"], "needing.py fails: ModuleNotFoundError: No module named"),
        (["--preprocessing", "tf", "--mean", "3"], "--preprocessing tf says all"),
        (["--std", "3", "--scale", "3"], "--std and --scale exclude each other"),
        (["--scale", "0"], "must not be 0"),
        (["--flexible", "64x96"], "2 to 128 sizes"),
        (["--flexible", "128x96..64x96"], "pass (lowest, highest)"),
        (["--updatable", "fc"], "needs a neural network"),
        (["--precision", "fp16"], "Did you mean 'float16'"),
    ],
)
def test_what_cannot_be_is_one_line_and_nothing_is_written(
    capfd, own, tmp_path, monkeypatch, options, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.py").write_text("undefined")
    (tmp_path / "needing.py").write_text("import no_such_needed")

    code, _, err = run(capfd, "export", own, "-o", "m.mlpackage", *options)

    assert code == 2
    assert message in err
    assert len(err.strip().splitlines()) == 1
    assert not list(tmp_path.glob("*.ml*"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--flexible", "64x96,8"], "write HEIGHTxWIDTH sizes, such as 224x224,192x256"),
        (["--flexible", "0x96,64x64"], "write HEIGHTxWIDTH"),
        (["--flexible", "1..2..3"], "write HEIGHTxWIDTH"),
        (["--mean", "1,2"], "write a number, or one for each of three channels"),
        (["--mean", "nan"], "write a number"),
        (["--scale", "1/0"], "write a number"),
        (["--std", "0.229,0.224,0.225"], "multiply it by 255, and --mean too: --std 58.395,57.12"),
        (["--std", "0"], "greater than 0"),
        (["--limit", "0"], "write a positive number, such as 0.02"),
        (["--limit", "x"], "a positive number"),
    ],
)
def test_a_mistyped_value_says_how_it_is_written(capfd, options, message):
    with pytest.raises(SystemExit) as stopped:
        main(["export", "own.keras", "-o", "m.mlpackage", *options])

    err = capfd.readouterr().err
    assert stopped.value.code == 2
    assert message in err
    assert len(err.strip().splitlines()) == 1


def test_modules_are_for_keras_models(capfd, package):
    code, _, err = run(capfd, "inspect", package, "--import", "my_layers")

    assert code == 2
    assert "import: such options are for networks of the zoo and saved Keras" in err


@pytest.mark.parametrize("command", ["verify", "predict", "inspect", "export"])
def test_the_help_names_both_formats(capfd, command):
    with pytest.raises(SystemExit):
        main([command, "--help"])

    out = capfd.readouterr().out
    assert ".mlpackage" in out
    assert ".mlmodel" in out
