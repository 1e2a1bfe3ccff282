import inspect
import math
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from keras.src.utils import file_utils

from mobilezoo.data.preprocessing import preprocessing
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph.abstract import without_weights
from mobilezoo.models.resnet_v1 import resnet18, resnet34
from mobilezoo.models.vgg import vgg11, vgg13, vgg16, vgg19
from mobilezoo.weights import find, weight_files

SQUARE = (None, 224, 224, 3)
FREE = (None, None, None, 3)

THEIRS = {
    "vgg16": keras.applications.VGG16,
    "vgg19": keras.applications.VGG19,
    "inception_v3": keras.applications.InceptionV3,
    "resnet50": keras.applications.ResNet50,
    "resnet101": keras.applications.ResNet101,
    "resnet152": keras.applications.ResNet152,
    "resnet50_v2": keras.applications.ResNet50V2,
    "resnet101_v2": keras.applications.ResNet101V2,
    "resnet152_v2": keras.applications.ResNet152V2,
    "mobilenet": keras.applications.MobileNet,
    "mobilenet_v2": keras.applications.MobileNetV2,
    "mobilenet_v3_small": keras.applications.MobileNetV3Small,
    "mobilenet_v3_large": keras.applications.MobileNetV3Large,
}
KERAS = [record for record in weight_files() if record.convention == "keras"]
TORCH = [record for record in weight_files() if record.convention == "torch"]


@pytest.fixture
def keras_fetches(monkeypatch):
    """`keras_fetches(builder, ...)` -> the network and (url, md5) of what it would download."""
    asked = []

    def get_file(fname, origin, cache_subdir, file_hash=None):
        assert origin.endswith(f"/{fname}")
        assert cache_subdir == "models"
        asked.append((origin, file_hash))

    monkeypatch.setattr(file_utils, "get_file", get_file)
    monkeypatch.setattr(keras.Model, "load_weights", lambda *_: None)

    def build(builder, **options):
        asked.clear()
        with without_weights():
            network = builder(weights="imagenet", **options)
        return network, *asked[0]

    return build


def assert_is_what_keras_fetches(record, keras_fetches):
    options = {k: v for k, v in record.options.items() if k not in ("fc_units", "batch_norm")}
    network, url, md5 = keras_fetches(
        THEIRS[record.architecture],
        include_top=record.include_top,
        input_shape=(record.side, record.side, 3),
        **options,
    )

    assert record.url == url
    assert record.hash == (md5 and f"md5:{md5}")
    assert record.parameters == network.count_params()


@pytest.mark.parametrize("record", KERAS[::7], ids=lambda record: record.file_name)
def test_records_are_what_keras_applications_fetches(record, keras_fetches):
    assert_is_what_keras_fetches(record, keras_fetches)


def test_every_md5_stands_in_kerass_source():
    folder = Path(inspect.getfile(keras.applications.VGG16)).parent
    source = "".join(path.read_text("utf-8") for path in folder.glob("*.py"))

    hashes = [record.hash.removeprefix("md5:") for record in KERAS if record.hash is not None]

    assert len(hashes) == 106 - 76
    assert [md5 for md5 in hashes if f'"{md5}"' not in source] == []


@pytest.mark.slow
def test_all_records_are_what_keras_applications_fetches(keras_fetches):
    for record in KERAS:
        assert_is_what_keras_fetches(record, keras_fetches)


# "num_params" in torchvision/models/vgg.py and resnet.py, which leaves out moving statistics
@pytest.mark.parametrize(
    ("builder", "options", "url", "parameters"),
    [
        (vgg11, {"batch_norm": False}, "vgg11-8a719046", 132_863_336),
        (vgg11, {"batch_norm": True}, "vgg11_bn-6002323d", 132_868_840),
        (vgg13, {"batch_norm": False}, "vgg13-19584684", 133_047_848),
        (vgg13, {"batch_norm": True}, "vgg13_bn-abd245e5", 133_053_736),
        (vgg16, {"batch_norm": True}, "vgg16_bn-6c64b313", 138_365_992),
        (vgg19, {"batch_norm": True}, "vgg19_bn-c79401a0", 143_678_248),
        (resnet18, {}, "resnet18-f37072fd", 11_689_512),
        (resnet34, {}, "resnet34-b627a593", 21_797_672),
    ],
)
def test_torchvision_has_what_keras_applications_lacks(builder, options, url, parameters):
    with without_weights():
        network = builder(convention="torch", **options)

    record = find(builder.__name__, True, SQUARE, **options)

    assert record.url == f"https://download.pytorch.org/models/{url}.pth"
    assert record.hash == f"sha256:{url.split('-')[1]}"
    assert record.parameters == network.count_params()
    assert parameters == sum(math.prod(weight.shape) for weight in network.trainable_weights)
    assert (record.convention, record.preprocessing) == ("torch", "torch")


def test_there_are_as_many_as_published():
    assert (len(KERAS), len(TORCH)) == (106, 8)
    # alpha x size x with and without a top
    assert len(weight_files("mobilenet")) == 4 * 4 * 2
    assert len(weight_files("mobilenet_v2")) == (4 * 5 + 2) * 2
    assert len(weight_files("mobilenet_v3_small")) == 3 * 2
    assert weight_files("inception_v1") == ()


def test_nobody_publishes_hashes_of_mobilenet_1_and_2_only():
    without = {record.architecture for record in weight_files() if record.hash is None}

    assert without == {"mobilenet", "mobilenet_v2"}


@pytest.mark.parametrize("record", weight_files(), ids=lambda record: record.file_name)
def test_every_record_is_complete(record):
    assert record.url.startswith(
        ("https://storage.googleapis.com/tensorflow/keras-applications/", "https://download.pytor")
    )
    assert record.hash is None or re.fullmatch(r"md5:[0-9a-f]{32}|sha256:[0-9a-f]{8}", record.hash)
    assert preprocessing(record.preprocessing).name == record.preprocessing
    assert (record.size_bytes is None) == (record.size_source is None)
    # float32, and HDF5's or zip's own tables
    assert record.size_bytes is None or record.size_bytes > 4 * record.parameters
    assert record.licence in {"CC-BY-4.0", "MIT", "BSD-3-Clause", "Apache-2.0"} or (
        record.convention == "torch" and "not stated" in record.licence
    )
    assert record.classes == 1000
    assert hash(record) == hash(record)


def test_file_names_are_unique_as_they_are_the_mirrors_layout():
    assert len({record.file_name for record in weight_files()}) == len(weight_files())


@pytest.mark.parametrize(
    ("shape", "side"),
    [
        ((None, 160, 160, 3), 160),
        ((None, 128, 128, 3), 128),
        ((None, 224, 224, 3), 224),
        ((None, 150, 150, 3), 224),
        ((None, 128, 160, 3), 224),
        (FREE, 224),
    ],
)
def test_the_size_decides_if_there_is_one_for_it_else_the_largest(shape, side):
    record = find("mobilenet", False, shape, alpha=0.5, depth_multiplier=1)

    assert record.file_name == f"mobilenet_5_0_{side}_tf_no_top.h5"
    assert record.side == side


def test_an_integer_alpha_finds_the_same_file():
    url = find("mobilenet_v2", True, SQUARE, alpha=1).url

    assert url.endswith("_kernels_1.0_224.h5")


def test_units_of_the_classifier_do_not_matter_without_it():
    with pytest.raises(
        InvalidArgumentError,
        match=r"vgg16 with fc_units=512\. .*fc_units=4096\. .*include_top=False with layers of",
    ):
        find("vgg16", True, SQUARE, batch_norm=False, fc_units=512)

    assert "notop" in find("vgg16", False, FREE, batch_norm=False, fc_units=512).file_name


def test_a_checkpoint_of_torchvision_serves_networks_without_a_top_too():
    with_top = find("vgg11", True, SQUARE, batch_norm=True, fc_units=4096)

    assert find("vgg11", False, FREE, batch_norm=True, fc_units=512) == with_top


def test_batch_norm_decides_between_keras_and_torchvision():
    plain = find("vgg19", True, SQUARE, batch_norm=False, fc_units=4096)
    normed = find("vgg19", True, SQUARE, batch_norm=True, fc_units=4096)

    assert (plain.convention, plain.preprocessing) == ("keras", "caffe")
    assert (normed.convention, normed.preprocessing) == ("torch", "torch")


def test_an_architecture_without_files_is_refused():
    with pytest.raises(
        InvalidArgumentError,
        match=r"no published weights for inception_v1\. Pass weights=None, or the path of a file\.",
    ):
        find("inception_v1", True, SQUARE)


@pytest.mark.parametrize(
    ("arguments", "options", "match"),
    [
        (
            ("mobilenet", True, SQUARE),
            {"alpha": 0.3, "depth_multiplier": 1},
            r"no published file for mobilenet with alpha=0\.3\. There are files for "
            r"alpha=0\.25, 0\.5, 0\.75, 1\.0\.",
        ),
        (
            ("mobilenet", False, FREE),
            {"alpha": 0.5, "depth_multiplier": 2},
            r"with depth_multiplier=2\. There are files for depth_multiplier=1\.",
        ),
        (
            ("mobilenet_v3_small", True, SQUARE),
            {"alpha": 0.75, "minimalistic": True},
            r"with alpha=0\.75, minimalistic=True\. There are files for alpha=0\.75, "
            r"minimalistic=False or alpha=1\.0, minimalistic=False or alpha=1\.0, minimalistic=T",
        ),
        (
            ("resnet50", True, SQUARE),
            {"convention": "torch"},
            r"resnet50 with convention='torch'\. There are files for convention='keras'\.",
        ),
        (("mobilenet", True, (None, 224, 224, 1)), {"alpha": 1.0}, r"take 3 channels .* has 1\."),
        (("mobilenet_v2", True, SQUARE), {}, r"say which of alpha=1\.4 or alpha=1\.3"),
        (("resnet50", True, SQUARE), {"alpha": 1.0}, "do not tell alpha apart; they tell nothing"),
    ],
)
def test_what_nobody_published_is_refused_and_what_there_is_named(arguments, options, match):
    with pytest.raises(InvalidArgumentError, match=match):
        find(*arguments, **options)


@pytest.mark.parametrize(
    ("shape", "match"),
    [
        ((224, 224, 3), r"shape=\(224, 224, 3\) must be .*The batch axis is missing\. Pass for"),
        ((None, 3), r"shape=\(None, 3\) must be that of the input, \(batch, height, width, ch"),
        (224, "shape=224 must be"),
        (None, "shape=None must be"),
        ((None, 224, 224, None), r"must be that of the input.* Pass for example \(None, 224"),
        ((None, "224", 224, 3), "in whole numbers"),
        ((None, 0, 224, 3), "in whole numbers"),
    ],
)
def test_another_shape_than_the_inputs_is_refused(shape, match):
    with pytest.raises(InvalidArgumentError, match=match):
        find("resnet50", True, shape)


def test_a_batch_and_whole_numbers_of_any_kind_make_a_shape():
    assert find("resnet50", True, [8, np.int64(224), None, 3]).architecture == "resnet50"
