"""Checkpoints of PyTorch load by name; a misfit names the layer and changes nothing."""

import logging

import keras
import numpy as np
import pytest
from keras import layers
from numpy.lib.stride_tricks import sliding_window_view

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.weights import Dialect, Source, load_checkpoint

DIALECTS = (
    Dialect(
        "torchvision",
        {
            "stem_conv": "features.0",
            "stem_bn": "features.1",
            "depthwise_conv": "features.3",
            "project_conv": "project",
            "fc": Source("classifier.0", flattened=(3, 2, 5)),
            "logits": "classifier.2",
        },
    ),
    Dialect(
        "timm",
        {
            "stem_conv": "conv_stem",
            "stem_bn": "bn1",
            "depthwise_conv": "conv_dw",
            "project_conv": "conv_pw",
            "fc": "pre_logits.fc",
            "logits": "head.fc",
        },
        epsilon=0.25,
    ),
)


def network(include_top=True, units=7, classes=3, use_bias=False):
    x = inputs = keras.Input((6, 4, 3))
    x = layers.ZeroPadding2D(1)(x)
    x = layers.Conv2D(4, 3, strides=2, use_bias=use_bias, name="stem_conv")(x)
    x = layers.BatchNormalization(epsilon=1e-3, name="stem_bn")(x)
    x = layers.DepthwiseConv2D((3, 1), padding="same", depth_multiplier=2, name="depthwise_conv")(x)
    x = layers.Conv2D(5, 1, use_bias=False, name="project_conv")(x)
    if include_top:
        x = layers.Flatten()(x)
        x = layers.Dense(units, activation="relu", name="fc")(x)
        x = layers.Dropout(0.5)(x)
        x = layers.Dense(classes, name="logits")(x)
    return keras.Model(inputs, x)


def state_dict(dialect=0, units=7, classes=3):
    """Random weights in PyTorch's layout, in the order that PyTorch saves them."""
    random = np.random.default_rng(1)
    stem, bn, depthwise, project, fc, logits = (
        name if isinstance(name, str) else name.name for name in DIALECTS[dialect].names.values()
    )
    shapes = {
        f"{stem}.weight": (4, 3, 3, 3),
        f"{bn}.weight": (4,),
        f"{bn}.bias": (4,),
        f"{bn}.running_mean": (4,),
        f"{bn}.running_var": (4,),
        f"{depthwise}.weight": (8, 1, 3, 1),
        f"{depthwise}.bias": (8,),
        # one library has convolutions where the other has fully connected layers
        f"{project}.weight": (5, 8) if dialect == 0 else (5, 8, 1, 1),
        f"{fc}.weight": (units, 30) if dialect == 0 else (units, 5, 3, 2),
        f"{fc}.bias": (units,),
        f"{logits}.weight": (classes, units),
        f"{logits}.bias": (classes,),
    }
    tensors = {name: random.normal(0, 1, shape) for name, shape in shapes.items()}
    tensors[f"{bn}.running_var"] = random.uniform(0.1, 2, 4)
    counter = {f"{bn}.num_batches_tracked": np.array(12, np.int64)}
    return {name: array.astype(np.float32) for name, array in tensors.items()} | counter


def compute(tensors, x, epsilon):
    """The network in NumPy, channels first, straight from PyTorch's layout."""
    stem, gamma, beta, mean, var, depthwise, bias, project, fc, fc_bias, logits, logits_bias, _ = (
        tensors.values()
    )
    x = np.pad(x.transpose(0, 3, 1, 2), [(0, 0), (0, 0), (1, 1), (1, 1)])
    x = np.einsum("nchwij,ocij->nohw", windows(x, 3, 3)[:, :, ::2, ::2], stem)
    gamma, beta, mean, var, bias = (v.reshape(-1, 1, 1) for v in (gamma, beta, mean, var, bias))
    x = (x - mean) / np.sqrt(var + epsilon) * gamma + beta
    x = np.repeat(x, 2, axis=1)  # output channels 2c and 2c + 1 read channel c
    x = np.pad(x, [(0, 0), (0, 0), (1, 1), (0, 0)])
    x = np.einsum("nchwij,cij->nchw", windows(x, 3, 1), depthwise[:, 0]) + bias
    x = np.einsum("nchw,oc->nohw", x, project.reshape(5, 8))
    x = np.maximum(x.reshape(len(x), -1) @ fc.reshape(len(fc), -1).T + fc_bias, 0)
    return x @ logits.T + logits_bias


def windows(x, height, width):
    return sliding_window_view(x, (height, width), axis=(2, 3))


def save(tensors, path):
    pytest.importorskip("safetensors.numpy").save_file(tensors, path)
    return path


def weights_of(model):
    return [np.array(weight) for weight in model.weights]


@pytest.mark.parametrize(("dialect", "epsilon"), [(0, 1e-3), (1, 0.25)])
def test_it_computes_what_the_checkpoint_computes(tmp_path, dialect, epsilon):
    tensors = state_dict(dialect)
    model = network()

    load_checkpoint("net", model.layers, save(tensors, tmp_path / "x.safetensors"), DIALECTS)

    x = np.random.default_rng(0).normal(0, 1, (2, 6, 4, 3)).astype(np.float32)
    expected = compute(tensors, x, epsilon)
    assert np.ptp(expected) > 1
    # float32 against float32 in another order of summation
    np.testing.assert_allclose(
        model.predict(x, verbose=0), expected, rtol=0, atol=1e-5 * np.abs(expected).max()
    )


@pytest.mark.parametrize("dialect", [0, 1])
def test_without_a_top_that_of_the_file_is_left_out(tmp_path, dialect):
    tensors = state_dict(dialect)
    model = network(include_top=False)

    load_checkpoint("net", model.layers, save(tensors, tmp_path / "x.safetensors"), DIALECTS)

    expected = next(iter(tensors.values())).transpose(2, 3, 1, 0)
    np.testing.assert_array_equal(model.get_layer("stem_conv").kernel, expected)


def test_a_fresh_classifier_keeps_its_weights_and_says_so(tmp_path, caplog):
    model = network(classes=9)
    before = np.array(model.get_layer("logits").kernel)
    path = save(state_dict(), tmp_path / "x.safetensors")

    with caplog.at_level(logging.WARNING):
        load_checkpoint("net", model.layers, path, DIALECTS, fresh="logits")

    np.testing.assert_array_equal(model.get_layer("logits").kernel, before)
    np.testing.assert_array_equal(model.get_layer("fc").bias, state_dict()["classifier.0.bias"])
    assert "the classifier 'logits' is new" in caplog.text


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod."])
def test_what_wrappers_put_before_the_names_does_not_matter(tmp_path, prefix):
    tensors = {f"{prefix}{name}": array for name, array in state_dict().items()}
    model = network()

    load_checkpoint("net", model.layers, save(tensors, tmp_path / "x.safetensors"), DIALECTS)

    np.testing.assert_array_equal(model.get_layer("fc").bias, state_dict()["classifier.0.bias"])


def without(*names):
    return {name: array for name, array in state_dict().items() if name not in names}


@pytest.mark.parametrize(
    ("tensors", "options", "match"),
    [
        (
            state_dict(classes=4), {},
            r"first at layer 'logits', which needs \(7, 3\), \(3,\); the file has \(7, 4\), \(4,\) "
            r"\('classifier.2'\)",
        ),
        (
            state_dict(units=8), {},
            r"layer 'fc', which needs \(30, 7\), \(7,\); the file has \(30, 8\), \(8,\)",
        ),
        (
            state_dict() | {"features.3.weight": np.zeros((9, 1, 3, 1), np.float32)}, {},
            r"layer 'depthwise_conv', which needs \(3, 1, 4, 2\), \(8,\); the file has "
            r"\(9, 1, 3, 1\), \(8,\)",
        ),
        (
            state_dict() | {"project.weight": np.zeros((5, 8, 1), np.float32)}, {},
            r"layer 'project_conv', which needs \(1, 1, 8, 5\); the file has \(5, 8, 1\)",
        ),
        (
            state_dict(), {"use_bias": True},
            r"layer 'stem_conv', which needs \(3, 3, 3, 4\), \(4,\); the file has \(3, 3, 3, 4\)",
        ),
        (without("features.3.weight", "features.3.bias"), {}, "nothing for layer 'depthwise_conv'"),
        (
            {name: array for name, array in state_dict().items() if "classifier" not in name}, {},
            "nothing for layer 'fc' .* without its top: build it with include_top=False",
        ),
        (without("features.1.running_var"), {}, r"'stem_bn', which needs \(4,\), \(4,\), \(4,\), "),
        (
            state_dict() | {"features.9.weight": np.zeros((2, 5), np.float32)}, {},
            r"the file goes on with 'features\.9\.weight' \(2, 5\)",
        ),
        (
            state_dict() | {"features.0.bias": np.zeros(4, np.float32)}, {},
            r"the file goes on with 'features\.0\.bias' \(4,\)",
        ),
        (
            {"conv1.weight": np.zeros((4, 3, 3, 3), np.float32)}, {},
            r"is not a checkpoint for 'net': it begins with 'conv1\.weight', not with "
            r"'features\.0\.weight' \(torchvision\) or 'conv_stem\.weight' \(timm\)",
        ),
        ({}, {}, "is not a checkpoint for 'net': it is empty"),
    ],
)  # fmt: skip
def test_a_misfit_names_the_first_layer_and_changes_nothing(tmp_path, tensors, options, match):
    path = save(tensors, tmp_path / "x.safetensors")
    model = network(**options)
    before = weights_of(model)

    with pytest.raises(InvalidArgumentError, match=match):
        load_checkpoint("net", model.layers, path, DIALECTS)

    for weight, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)


@pytest.mark.parametrize(
    ("dtype", "match"),
    [
        ("float8_e4m3fn", r"holds (F8_E4M3|float8_e4m3fn) for layer 'logits' \('classifier\.2'\)"),
        ("int8", r"holds (I8|int8) for layer 'logits'"),
    ],
)
@pytest.mark.parametrize("file", ["x.safetensors", "x.pth"])
def test_other_types_than_floating_point_are_refused_and_change_nothing(
    tmp_path, file, dtype, match
):
    torch = pytest.importorskip("torch", reason="writes float8; brought by the extra 'torch'")
    tensors = {name: torch.from_numpy(array) for name, array in state_dict().items()}
    tensors["classifier.2.weight"] = tensors["classifier.2.weight"].to(getattr(torch, dtype))
    if file == "x.pth":
        torch.save(tensors, tmp_path / file)
    else:
        pytest.importorskip("safetensors.torch").save_file(tensors, tmp_path / file)
    model = network()
    before = weights_of(model)

    with pytest.raises(InvalidArgumentError, match=match):
        load_checkpoint("net", model.layers, tmp_path / file, DIALECTS)

    for weight, value in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight, value)


def test_a_misfit_names_the_convention_among_the_options(tmp_path):
    path = save(state_dict(classes=4), tmp_path / "x.safetensors")

    with pytest.raises(InvalidArgumentError, match=r"classes, include_top, convention, \.\.\."):
        load_checkpoint("net", network().layers, path, DIALECTS)
