"""Checkpoints of torchvision and timm compute in our networks what they compute in theirs."""

import json

import numpy as np
import pytest

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.weights.checkpoint import PARTS
from tests.models.torch_models import (
    LAYOUTS,
    TWINS,
    Twin,
    build,
    enliven,
    layout,
    layout_of,
    make,
    v3,
)


def entries(layers, dialect):
    """(name, number of elements) of all that the layers need of a checkpoint."""
    return [
        (f"{dialect.source(layer.name).name}.{PARTS[weight.name]}", int(np.prod(weight.shape)))
        for layer in layers
        for weight in layer.weights
    ]


@pytest.mark.parametrize("twin", TWINS, ids=str)
def test_names_and_sizes_are_those_of_the_library(loaded, twin):
    layers, dialects = loaded(build, twin.builder, **twin.options)

    expected = json.loads(LAYOUTS.read_text("utf-8"))[str(twin)]
    assert expected in [layout(entries(layers, dialect)) for dialect in dialects]


@pytest.mark.parametrize(
    ("model", "epsilons"),
    [("mobilenetv3_small_100", [None, 1e-5]), ("tf_mobilenetv3_small_100", [None])],
)
def test_only_timms_own_mobilenet_v3_has_another_epsilon(loaded, model, epsilons):
    twin = v3(model)

    _, dialects = loaded(build, twin.builder, **twin.options)

    assert [dialect.epsilon for dialect in dialects] == epsilons


def test_a_checkpoint_of_torchvision_is_refused_in_the_convention_of_keras(tmp_path):
    numpy = pytest.importorskip("safetensors.numpy")
    stem = {"features.0.0.weight": np.zeros((16, 3, 3, 3), np.float32)}
    numpy.save_file(stem, tmp_path / "x.safetensors")

    with pytest.raises(InvalidArgumentError, match="timm's tf_ networks, the only ones of conv"):
        build("mobilenet_v3_small", weights=tmp_path / "x.safetensors", convention="keras")


@pytest.mark.parametrize("twin", TWINS, ids=str)
def test_the_recorded_layouts_are_those_of_the_installed_library(twin):
    assert layout_of(twin) == json.loads(LAYOUTS.read_text("utf-8"))[str(twin)]


def assert_same_logits(model, path, builder, shape, **options):
    """Logits on a random input of the shape are theirs; rounding differs by layer, hence 1e-4."""
    torch = pytest.importorskip("torch")
    if path.suffix == ".safetensors":
        pytest.importorskip("safetensors.torch").save_file(model.state_dict(), path)
    else:
        torch.save(model.state_dict(), path)
    x = np.random.default_rng(0).normal(0, 1, (2, *shape, 3)).astype(np.float32)
    with torch.no_grad():
        expected = model(torch.from_numpy(x.transpose(0, 3, 1, 2))).numpy()
    assert np.ptp(expected) > 0.1
    assert np.ptp(expected, axis=0).max() > 0.01 * np.abs(expected).max()  # sees its input

    ours = build(
        builder, input_shape=(*shape, 3), weights=path, classes=expected.shape[-1],
        classifier_activation=None, **options,
    )  # fmt: skip

    np.testing.assert_allclose(ours(x), expected, rtol=0, atol=1e-4 * np.abs(expected).max())


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("library", ["torchvision", "timm"])
def test_vgg(tmp_path, library, batch_norm):
    name = "vgg11_bn" if batch_norm else "vgg11"
    model = vgg_with_few_units(Twin("vgg11", {}, library, name))

    # any size of 7 x 7 features; 16 units instead of 4096
    assert_same_logits(
        enliven(model), tmp_path / "x.safetensors", "vgg11", (224, 240),
        fc_units=16, batch_norm=batch_norm,
    )  # fmt: skip


def vgg_with_few_units(twin, units=16, classes=7):
    torch = pytest.importorskip("torch")
    with torch.device("meta"):
        model = make(twin, num_classes=classes)
    nn = torch.nn
    if twin.library == "torchvision":
        model.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, units), nn.ReLU(), nn.Identity(),
            nn.Linear(units, units), nn.ReLU(), nn.Identity(), nn.Linear(units, classes),
        )  # fmt: skip
    else:
        model.pre_logits = type(model.pre_logits)(512, units, 7)
        model.head = type(model.head)(units, classes)
    return model.to_empty(device="cpu").eval()


@pytest.mark.parametrize(
    ("library", "name", "shape"),
    [("torchvision", "resnet18", (64, 96)), ("timm", "resnet18", (47, 33)),
     ("torchvision", "resnet50", (47, 64))],
)  # fmt: skip
def test_resnet(tmp_path, library, name, shape):
    model = make(Twin(name, {}, library, name), num_classes=7)

    assert_same_logits(enliven(model), tmp_path / "x.pth", name, shape)


@pytest.mark.parametrize(
    ("library", "name", "shape"),
    [("torchvision", "mobilenet_v2", (64, 96)), ("timm", "mobilenetv2_035", (47, 33))],
)
def test_mobilenet_v2(tmp_path, library, name, shape):
    width = {"width_mult": 0.35} if library == "torchvision" else {}
    model = make(Twin("mobilenet_v2", {}, library, name), num_classes=7, **width)

    assert_same_logits(
        enliven(model), tmp_path / "x.safetensors", "mobilenet_v2", shape, alpha=0.35
    )


def test_mobilenet_v3_of_torchvision(tmp_path):
    twin = Twin("mobilenet_v3_small", {}, "torchvision", "mobilenet_v3_small")
    model = enliven(make(twin, num_classes=7))

    assert_same_logits(model, tmp_path / "x.safetensors", "mobilenet_v3_small", (64, 97))


@pytest.mark.parametrize(
    "name",
    ["mobilenetv3_small_050", "mobilenetv3_large_075", "tf_mobilenetv3_small_075",
     "tf_mobilenetv3_small_minimal_100", "tf_mobilenetv3_large_075"],
)  # fmt: skip
def test_mobilenet_v3_of_timm(tmp_path, name):
    twin = v3(name)
    if "convention" in twin.options:
        twin.options["include_preprocessing"] = False  # the other network has none
    model = enliven(make(twin, num_classes=7))

    assert_same_logits(model, tmp_path / "x.safetensors", twin.builder, (64, 97), **twin.options)
