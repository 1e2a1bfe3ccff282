import inspect
import json
from importlib.resources import files
from itertools import groupby

import pytest

from mobilezoo.finding import accuracies
from mobilezoo.finding.accuracies import ONE_CROP, PUBLISHERS
from mobilezoo.finding.hosted import hosted
from mobilezoo.models.registry import entry

# Printed by keras-team/keras-applications README.md @bc89834, which measured its own files.
KERAS = [
    ("vgg16", {}, 224, 71.268, 90.050),
    ("resnet50", {}, 224, 74.928, 92.060),
    ("resnet50_v2", {}, 299, 75.960, 93.034),  # at 299 px, though the builder's default is 224
    ("inception_v3", {}, 299, 77.898, 93.720),
    ("mobilenet", {"alpha": 0.25}, 224, 51.582, 75.792),
    ("mobilenet_v2", {"alpha": 1.4}, 224, 75.230, 92.422),
    ("mobilenet_v3_small", {}, 224, 68.076, 87.800),
]


ANOTHER_NETWORK = [item for item in accuracies() if item.note.startswith("network with")]


def variant(item):
    return item.name, json.dumps(item.options, sort_keys=True), item.side, item.dataset


def by_variant():
    for _, items in groupby(sorted(accuracies(), key=variant), key=variant):
        yield list(items)


@pytest.mark.parametrize(("name", "options", "side", "top1", "top5"), KERAS)
def test_the_figure_shown_is_that_of_the_hosted_file(name, options, side, top1, top5):
    [shown] = [
        item
        for item in accuracies(name)
        if item.shown and item.options == options and item.side == side
    ]

    assert (shown.top1, shown.top5) == (top1, top5)
    assert shown.weights == "keras.applications"
    assert shown.source == "keras-team/keras-applications README.md @bc89834"


def test_every_variant_with_a_figure_of_one_picture_shows_exactly_one():
    for items in by_variant():
        comparable = [
            item
            for item in items
            if item.protocol in ONE_CROP and item.top1 is not None and item not in ANOTHER_NETWORK
        ]
        shown = [item for item in items if item.shown]

        assert len(shown) == (1 if comparable else 0), items
        assert all(item in comparable for item in shown), items


def test_only_hosted_networks_of_version_2_halve_where_ours_do():
    for item in accuracies():
        if item.name.endswith("_v2") and item.name.startswith("resnet"):
            of_slim = item.weights.startswith(("keras.applications", "TF-Slim", "TensorFlow Lite"))
            assert (item in ANOTHER_NETWORK) == (not of_slim), item
    assert {item.name for item in ANOTHER_NETWORK} == {"resnet152_v2", "resnet200_v2"}


def test_a_hosted_file_comes_before_all_others_and_the_most_precise_figure_first():
    def digits(item):
        return len(str(item.top1).partition(".")[2])

    for items in by_variant():
        hosted_ones = [
            item
            for item in items
            if item.weights.split(" ")[0] in PUBLISHERS and "MatConvNet" not in item.weights
        ]
        for shown in items:
            if shown.shown and hosted_ones:
                assert shown in hosted_ones
                rivals = [item for item in hosted_ones if item.weights == shown.weights]
                assert digits(shown) == max(map(digits, rivals))


def test_what_is_shown_for_a_file_of_the_catalogue_was_measured_on_it_or_on_the_authors():
    for item in accuracies():
        if item.shown and any(file.side == item.side for file in hosted(item.name, item.options)):
            assert item.weights.startswith((*PUBLISHERS, "TF-Slim")), item


def test_figures_are_percentages_and_top5_is_above_top1():
    for item in accuracies():
        assert item.top1 is None or 40 < item.top1 < 97
        assert item.top5 is None or 60 < item.top5 < 97
        if item.top1 is not None and item.top5 is not None:
            assert item.top1 < item.top5


def test_quantized_networks_and_ensembles_are_not_among_them():
    text = (files("mobilezoo.finding") / "accuracies.json").read_text("utf-8").lower()

    assert not any(word in text for word in ("quant", "uint8", "8-bit", "ensemble"))


def test_every_figure_says_where_it_is_printed_and_how_it_was_measured():
    for item in accuracies():
        assert item.source
        assert item.weights
        assert item.protocol in ONE_CROP or any(
            word in item.protocol for word in ("-crop", "dense")
        )


def test_every_option_is_one_that_the_builder_takes():
    for item in accuracies():
        assert item.options.keys() <= inspect.signature(entry(item.name).builder).parameters.keys()


def test_a_figure_prints_with_its_protocol():
    figure = next(item for item in accuracies("inception_v1") if item.top1 is None)

    assert str(figure) == "89.93 % top-5 (224 px, 1-crop, the paper)"
