import subprocess
import sys

import pytest

from mobilezoo.benchmark import count
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.finding import accuracies, make_variants
from mobilezoo.finding.costs import compute
from mobilezoo.finding.hosted import options_of
from mobilezoo.finding.variants import find_variant, label, network, networks, variants
from mobilezoo.models import list_models
from mobilezoo.models.registry import entry
from mobilezoo.weights import weight_files

CHEAP = {
    "mnist_mlp", "mnist_cnn", "vgg16", "inception_v1", "resnet18", "resnet18_v2", "mobilenet",
    "mobilenet_v2", "mobilenet_v3_small", "resnet_cifar",
}  # fmt: skip
# Millions of mult-adds: Tables 6 and 7 of arXiv:1704.04861, Table 4 of arXiv:1801.04381, Table 3
# of arXiv:1905.02244 (Small: the released network, the paper prints 66 and 2.9 for another one),
# Table 1 of arXiv:1512.03385, Table 3 of arXiv:1603.05027 says nothing.
PAPERS = [
    ("mobilenet", {"alpha": 0.75}, 224, 325),  # TF-Slim's table prints 317
    ("mobilenet", {"alpha": 0.5}, 160, 76),
    ("mobilenet_v2", {}, 224, 300),
    ("mobilenet_v2", {"alpha": 1.4}, 224, 585),
    ("mobilenet_v3_large", {}, 224, 219),
    ("mobilenet_v3_large", {"alpha": 0.75}, 224, 155),
    ("mobilenet_v3_small", {}, 224, 56.5),
    ("resnet50", {}, 224, 3800),
    ("resnet152", {}, 224, 11300),
]


def row(name, options, side):
    return find_variant(name, options, (side, side, network(name).channels))


def is_cheap(item):
    at_defaults = not item.options and item.side == network(item.name).side
    return item.name in CHEAP and at_defaults


CHEAP_ONES = [item for item in variants() if is_cheap(item)]


@pytest.mark.parametrize("item", CHEAP_ONES, ids=lambda item: item.label())
def test_the_table_is_what_building_gives(item):
    assert compute(network(item.name), item.options, item.input_shape) == item


@pytest.mark.slow
def test_the_whole_table_is_what_building_gives():
    assert make_variants.TARGET.read_text("utf-8") == make_variants.text()


def test_every_builder_is_there_with_its_own_defaults():
    assert list(networks()) == list_models()
    for name, known in networks().items():
        assert make_variants.network(name) == known
        assert row(name, {}, known.side) is not None


def test_every_accuracy_and_every_published_file_has_its_variant():
    for item in accuracies():
        if item.dataset == network(item.name).dataset:
            assert row(item.name, item.options, item.side), item
    for record in weight_files():
        if record.include_top:
            known = network(record.architecture)
            assert row(known.name, options_of(record, known), record.side), record


def test_parameters_are_those_of_the_published_files():
    for record in weight_files():
        if record.include_top:
            known = network(record.architecture)
            found = row(known.name, options_of(record, known), record.side)
            assert found.parameters == record.parameters, record.url


@pytest.mark.parametrize(("name", "options", "side", "millions"), PAPERS)
def test_mult_adds_are_those_of_the_papers(name, options, side, millions):
    # the papers round, and some leave out the classifier or the shortcuts
    assert row(name, options, side).mult_adds / 1e6 == pytest.approx(millions, rel=0.03)


def test_files_are_about_as_large_as_their_weights():
    for item in variants():
        # batch norms fold away: a little less than 2 bytes a parameter
        assert 1.97 <= item.size_bytes["float16"] / item.parameters < 3.2, item.label()
        assert 1.9 < item.size_bytes["float32"] / item.size_bytes["float16"] < 2.0 or (
            item.name == "resnet_cifar"  # deep and narrow: much program for few weights
        ), item.label()


def test_the_smallest_side_is_the_smallest_that_builds():
    for name in ("mnist_cnn", "mobilenet", "inception_v3"):
        known = network(name)
        assert compute(known, {}, (known.minimum_side,) * 2 + (known.channels,)).mult_adds > 0
        with pytest.raises(InvalidArgumentError, match="is below"):
            compute(known, {}, (known.minimum_side - 1, known.minimum_side, known.channels))


def test_departures_from_the_paper_are_those_of_the_family_file():
    differs = network("mobilenet").differs

    assert differs.startswith("ReLU6 instead of ReLU, dropout before")
    assert "\n" not in differs
    assert all(
        known.differs for known in networks().values() if "Differs" in sys.modules[
            entry(known.name).builder.__module__
        ].__doc__
    )  # fmt: skip


def test_options_at_their_defaults_and_those_without_effect_do_not_make_a_variant():
    known = network("mobilenet")

    assert known.canonical({"alpha": 1, "dropout": 0.5, "name": "mine", "pooling": None}) == {}
    assert known.canonical({"alpha": 0.5, "classes": 1000}) == {"alpha": 0.5}
    assert network("resnet50").canonical({"convention": "keras"}) == {}
    assert network("resnet50").canonical({"convention": None}) == {}  # as the weights, Keras's
    assert network("resnet18").canonical({"convention": "torch"}) == {}  # as its weights too
    assert network("resnet18").canonical({"convention": "keras"}) == {"convention": "keras"}
    assert network("vgg16").canonical({"convention": "torch"}) == {"convention": "torch"}
    of_torch = {"batch_norm": True, "convention": "torch"}
    assert network("vgg16").canonical(of_torch) == {"batch_norm": True}


def test_labels_leave_out_what_is_at_its_default():
    assert label("mobilenet", {}, (224, 224, 3)) == "mobilenet"
    assert label("mobilenet", {"alpha": 0.5}, (160, 160, 3)) == "mobilenet alpha=0.5 at 160 px"
    assert label("mobilenet", {}, (96, 160, 3)) == "mobilenet at 96 x 160 px"


def test_computing_agrees_with_counting(functional):
    from mobilezoo import mobilenet

    computed = compute(network("mobilenet"), {"alpha": 0.25, "classes": 7}, (64, 96, 3))
    counts = count(mobilenet((64, 96, 3), alpha=0.25, classes=7))

    assert (computed.parameters, computed.mult_adds) == (counts.parameters, counts.mult_adds)
    assert computed.options == {"alpha": 0.25, "classes": 7}
    assert computed.dataset is None
    assert computed.preprocessing == "tf"


def test_unknown_networks_are_refused_with_the_nearest_name():
    with pytest.raises(InvalidArgumentError, match="Did you mean 'mobilenet'"):
        network("mobilnet")


def test_reading_the_tables_needs_neither_keras_nor_tensorflow():
    code = (
        "import sys\n"
        "from mobilezoo.finding import accuracies, describe, pick\n"
        "str(describe('mobilenet', alpha=0.5)), str(pick(max_size_bytes=5e6)), accuracies()\n"
        "print(*sys.modules)"
    )

    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()

    assert not {"keras", "tensorflow", "coremltools"} & set(loaded)
