import pytest

from mobilezoo import mobilenet
from mobilezoo.benchmark import count
from mobilezoo.data.preprocessing import preprocessing
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.finding import describe
from mobilezoo.finding.description import _PREPARED, needs_building
from mobilezoo.finding.variants import network, networks, variants

BATCH_NORM = {"batch_norm": True}


def test_a_description_has_paper_costs_accuracy_and_weights():
    found = describe("mobilenet", alpha=0.5, input_shape=(160, 160, 3))

    assert found.paper.arxiv == "1704.04861"
    assert found.parameters == 1_342_536  # keras.applications
    assert found.mult_adds / 1e6 == pytest.approx(76, abs=1)  # Table 9 of the paper
    assert found.size_bytes["float16"] == pytest.approx(2 * found.parameters, rel=0.02)
    assert found.accuracy.top1 == 59.1
    assert found.accuracy.weights == "TF-Slim"
    assert found.input_shape == (160, 160, 3)
    assert found.minimum_side == 32
    assert found.preprocessing == "tf"
    assert {file.side for file in found.weights} == {224, 192, 160, 128}
    assert found.weights[0].side == 160
    assert all(file.options["alpha"] == 0.5 for file in found.weights)


def test_it_prints_as_a_page():
    page = str(describe("mobilenet", alpha=0.5))

    assert page.startswith(
        "mobilenet alpha=0.5\n"
        "  MobileNets: Efficient Convolutional Neural Networks for Mobile Vision\n"
        "  Applications\n"
        "  Howard et al., 2017, arXiv:1704.04861\n"
        "\n"
        "input           (224, 224, 3), each side at least 32 px\n"
        "preprocessing   tf: pixel / 127.5 - 1\n"
        "parameters      1,342,536\n"
        "mult-adds       149,497,088 (149.5 M)\n"
    )
    assert (
        "accuracy        64.292 % top-1, 85.624 % top-5 (224 px, 1-crop,\n"
        "                keras.applications) on imagenet; keras-team/keras-applications\n"
        "                README.md @bc89834\n"
    ) in page
    assert (
        "                arXiv 1704.04861 Table 9\n                  60.2 % top-1 (160 px" in page
    )
    assert "other options   defaults: 70.424 % at 224 px, 70.0 % at 192 px" in page


def test_every_page_fits_a_terminal():
    for item in variants():
        page = str(describe(item.name, **item.options, input_shape=item.input_shape))

        assert max(map(len, page.splitlines())) <= 80, item.label()


def test_other_options_are_computed():
    found = describe("mobilenet", alpha=0.3, input_shape=(96, 64, 3), classes=7)

    counts = count(mobilenet((96, 64, 3), alpha=0.3, classes=7))
    assert (found.parameters, found.mult_adds) == (counts.parameters, counts.mult_adds)
    assert found.accuracy is None
    assert found.published == ()
    assert found.weights == ()
    assert "accuracy        none published for these options at this input size" in str(found)


def test_a_network_without_a_top_is_described_at_its_default_size():
    found = describe("mobilenet", alpha=0.25, include_top=False)

    assert found.input_shape == (224, 224, 3)
    assert found.parameters == 218_544  # keras.applications' file without a top


def test_the_shortest_side_is_that_of_these_options():
    found = describe("inception_v1", auxiliary=True, classes=3)

    assert found.minimum_side == 65
    assert describe("inception_v1").minimum_side == 32


def test_options_that_change_nothing_are_the_same_network():
    assert describe("mobilenet", alpha=1, dropout=0.2, name="mine") == describe("mobilenet")
    assert describe("resnet50", convention="keras") == describe("resnet50")


def test_a_figure_at_another_size_is_not_that_of_the_default_size():
    at_default, at_299 = (describe("resnet50_v2", input_shape=(n, n, 3)) for n in (224, 299))

    assert at_default.accuracy is None
    assert 75.96 in [item.top1 for item in at_default.published]
    assert at_299.accuracy.top1 == 75.96


def test_figures_of_other_options_are_listed_apart():
    found = describe("resnet50")

    assert found.accuracy.top1 == 74.928
    assert [(item.options, item.top1) for item in found.related] == [
        ({"convention": "torch"}, 80.858)
    ]
    assert "other options   convention=torch: 80.858 % at 224 px" in str(found)


@pytest.mark.parametrize(
    ("options", "files"),
    [
        ({}, 8),  # 4 sizes, with and without a top
        ({"classes": 5}, 8),
        ({"include_top": True}, 4),
        ({"include_top": False}, 4),
        ({"include_top": False, "pooling": "avg"}, 4),
        ({"classifier_activation": None}, 8),
        ({"input_shape": (224, 224, 1)}, 0),  # published weights take RGB
        ({"depth_multiplier": 2}, 0),
    ],
)
def test_the_weights_are_those_that_the_builder_finds(options, files):
    found = describe("mobilenet", alpha=0.5, **options)

    assert len(found.weights) == files
    assert ("weights         none published" in str(found)) == (files == 0)
    if "include_top" in options:
        assert {file.include_top for file in found.weights} == {options["include_top"]}


def test_other_classes_get_a_new_classifier():
    new = "with a new classifier"

    assert new in " ".join(str(describe("mobilenet", classes=5)).split())
    assert new not in " ".join(str(describe("mobilenet")).split())
    assert new not in " ".join(str(describe("mobilenet", classes=5, include_top=False)).split())


def test_pixels_that_are_scaled_outside_change_neither_weights_nor_accuracy():
    found = describe("mobilenet_v3_small", include_preprocessing=False)

    assert found.preprocessing == "tf"
    assert found.accuracy.top1 == 68.076
    assert found.weights == describe("mobilenet_v3_small").weights
    assert len(found.weights) == 2


def test_hidden_units_of_a_classifier_do_not_matter_without_one():
    assert describe("vgg16", fc_units=64).weights == ()
    [file] = describe("vgg16", fc_units=64, include_top=False).weights
    assert not file.include_top


@pytest.mark.parametrize(
    ("name", "options"),
    [("resnet18", {}), ("resnet34", {}), ("vgg11", {}), ("vgg13", {}), ("vgg16", BATCH_NORM)],
)
def test_a_checkpoint_is_listed_where_it_is_what_imagenet_loads(name, options):
    found = describe(name, **options)

    [file] = found.weights
    assert file.convention == "torch"
    assert found.preprocessing == "torch"
    assert found.accuracy.weights == "torchvision IMAGENET1K_V1"
    assert "'imagenet', convention=torch, with and without a top" in str(found)
    assert describe(name, **options, include_top=False).weights == (file,)
    assert describe(name, **options, convention="torch") == found
    assert describe(name, **options, convention="keras").weights == ()


def test_what_convention_means_is_what_the_builder_makes_of_it():
    found = describe("vgg11", fc_units=64)

    assert found.preprocessing == "torch"
    assert found.options == {"fc_units": 64}


def test_the_stride_of_the_convention_is_the_default():
    from mobilezoo.finding.variants import _STRIDE_IN
    from mobilezoo.models.resnet_v1 import CONVENTIONS

    assert {name: item.stride_in for name, item in CONVENTIONS.items()} == _STRIDE_IN
    assert describe("resnet50", stride_in="1x1") == describe("resnet50")
    assert describe("resnet50", stride_in="3x3").weights == ()


def test_the_figure_of_a_network_that_differs_is_not_shown():
    at_320 = describe("resnet152_v2", input_shape=(320, 320, 3))

    assert at_320.accuracy is None
    assert "78.9 % top-1, 94.5 % top-5 (320 px, 1-crop, the paper); network with" in " ".join(
        str(at_320).split()
    )
    assert describe("resnet200_v2").accuracy is None


def test_ten_crop_figures_are_never_the_one_shown():
    found = describe("resnet152")

    assert found.accuracy.protocol == "1-crop"
    assert {"10-crop", "dense at 5 scales"} <= {item.protocol for item in found.published}


def test_cifar_networks_are_described_by_their_depth():
    found = describe("resnet_cifar", depth=110)

    assert found.accuracy.dataset == "cifar10"
    assert {item.top1 for item in found.published} == {93.57, 93.39}  # best and mean of 5 runs
    assert describe("resnet_cifar", depth=164, version=2).paper.arxiv == "1603.05027"


def test_what_the_table_has_is_not_built():
    assert not needs_building("mobilenet", alpha=0.5, input_shape=(160, 160, 3))
    assert not needs_building("googlenet", dropout=0.4)
    assert needs_building("mobilenet", alpha=0.6)
    assert needs_building("mobilenet", pooling="avg")
    with pytest.raises(InvalidArgumentError, match="takes no argument 'width'"):
        needs_building("mobilenet", width=0.5)


def test_an_alias_describes_the_network():
    assert describe("googlenet") == describe("inception_v1")


def test_every_network_has_its_paper_in_its_familys_file():
    import sys

    from mobilezoo.finding.papers import paper
    from mobilezoo.models.registry import entry

    for name in networks():
        printed = sys.modules[entry(name).builder.__module__].__doc__
        found = paper(name, {})
        assert (found.arxiv or "Keras examples") in printed, name


def test_every_preprocessing_has_words():
    for item in variants():
        assert preprocessing(item.preprocessing).name in _PREPARED


@pytest.mark.parametrize(
    ("name", "options", "match"),
    [
        ("mobilnet", {}, "Unknown model 'mobilnet'.* Did you mean 'mobilenet'"),
        ("mobilenet", {"weights": "imagenet"}, "describe takes no weights="),
        ("mobilenet", {"width": 0.5}, "takes no argument 'width'"),
        ("mobilenet", {"input_shape": (160, 160)}, r"must be \(height, width, channels\)"),
        ("mobilenet", {"input_shape": "224"}, r"must be \(height, width, channels\)"),
        ("mobilenet", {"input_shape": (None, None, 3)}, r"free sides, .*such as \(224, 224, 3\)"),
        (
            "mobilenet",
            {"input_shape": [None, 160, 3], "include_top": False},
            r"input_shape=\(None, 160, 3\) has free sides, but costs are those of one size",
        ),
        ("mobilenet", {"input_shape": (16, 16, 3)}, "is below 32 px"),
        ("mobilenet", {"alpha": -1}, "alpha=-1 must be a number greater than 0"),
        ("resnet_cifar", {"depth": 21}, "depth=21 with block='basic'"),
        ("mobilenet", {"bogus": None}, "takes no argument 'bogus'; it takes input_shape, alpha"),
        ("mobilenet", {"class": 5}, "Did you mean 'classes'"),
        ("mobilenet", {"dropout": 5}, "dropout=5 must be at least 0 and below 1"),
        ("mobilenet", {"classifier_activation": "sofmax"}, "'sofmax' is unknown"),
        ("mobilenet", {"classes": None}, "classes=None must be a whole number"),
        ("mobilenet", {"pooling": "avg"}, "needs include_top=False"),
        ("resnet18", {"stride_in": "3x3"}, "is for bottlenecks"),
        ("resnet50", {"convention": "tf"}, "convention='tf': choose None, 'keras', 'torch'"),
    ],
)
def test_what_cannot_be_described_is_refused(name, options, match):
    with pytest.raises(InvalidArgumentError, match=match):
        describe(name, **options)


def test_the_lowest_ios_is_that_of_ml_programs():
    assert describe("mobilenet").minimum_ios == "15"
    assert network("mobilenet").dataset == "imagenet"
