import math
from pathlib import Path

import pytest

from mobilezoo.errors import InvalidArgumentError
from mobilezoo.finding import Pick, pick
from mobilezoo.finding.limits import _LEAST
from mobilezoo.finding.picking import DATASETS
from mobilezoo.finding.variants import network
from mobilezoo.weights import find, weight_files


def test_the_issues_example_finds_what_fits_best_first():
    found = pick(max_size_bytes=5_000_000, max_mult_adds=300e6, min_top1=65, ios="15")

    assert found[0].top1 == max(item.top1 for item in found)
    assert [item.top1 for item in found] == sorted((item.top1 for item in found), reverse=True)
    for item in found:
        assert item.size_bytes <= 5_000_000
        assert item.mult_adds <= 300_000_000
        assert item.top1 >= 65
    assert "mobilenet_v2 alpha=0.5" in map(str, found)  # 4.1 MB, 97 M, 65.194 %


def test_everything_is_either_a_candidate_or_a_miss_with_its_reasons():
    everything = pick()
    found = pick(max_size_bytes=6e6, min_top1=60, pretrained=True)

    together = [*found, *(miss.candidate for miss in found.misses)]
    assert sorted(map(str, together)) == sorted(map(str, everything))
    assert len(set(map(str, everything))) == len(everything) > 60
    assert all(miss.reasons for miss in found.misses)


def test_the_nearest_misses_come_first_and_say_by_how_much():
    found = pick(max_mult_adds=3.8e9, min_top1=74.9, max_size_bytes=60e6)

    near = {str(miss.candidate): miss for miss in found.misses}
    assert near["resnet50"].reasons == ("3858.0 M mult-adds are over 3800.0 M",)
    assert near["resnet50"].distance == pytest.approx(3858 / 3800 - 1, rel=1e-3)
    assert near["vgg16"].reasons == (
        "276.74 MB in float16 is over 60.00 MB",
        "15470.3 M mult-adds are over 3800.0 M",
        "71.268 % top-1 is under 74.9 %",
    )
    distances = [miss.distance for miss in found.misses]
    assert distances == sorted(distances)


def test_a_miss_by_a_hair_is_printed_in_full():
    [size] = [item.size_bytes for item in pick() if str(item) == "mobilenet"]

    found = pick(max_size_bytes=size - 1)

    [miss] = [miss for miss in found.misses if str(miss.candidate) == "mobilenet"]
    assert miss.reasons == (f"{size:,} in float16 is over {size - 1:,}",)


def test_nothing_fits_is_an_empty_answer_that_says_why():
    found = pick(max_size_bytes=1e6, min_top1=70)

    assert len(found) == 0
    assert not found
    assert str(found).startswith("Nothing fits: at most 1.00 MB in float16, at least 70 % top-1")
    assert "The nearest:" in str(found)
    assert " is over 1.00 MB" in str(found) or " is under 70 %" in str(found)


def test_networks_without_a_figure_come_last_and_miss_any_accuracy():
    everything = pick()
    unknown = [item.top1 is None for item in everything]

    assert any(unknown)
    assert unknown == sorted(unknown)
    missed = {str(miss.candidate): miss for miss in pick(min_top1=1).misses}
    assert set(missed) == {str(item) for item in everything if item.top1 is None}
    assert missed["resnet200"].reasons == ("no accuracy is published",)
    assert missed["resnet200"].distance == math.inf


def test_it_prints_a_table_that_fits_a_terminal():
    page = str(pick(max_size_bytes=30e6, pretrained=True))

    assert "pretrained" not in page
    assert page.splitlines()[0].endswith("published weights, iOS 15.")
    assert page.splitlines()[2].split() == ["top-1", "mult-adds", "params", "size"]
    assert "Not quite:" in page
    assert max(map(len, page.splitlines())) <= 80
    limited = pick(max_size_bytes=5e6, max_mult_adds=300e6, max_parameters=2e6, min_top1=65)
    assert max(map(len, str(limited).splitlines())) <= 80


def test_pretrained_leaves_what_has_weights_for_its_size_or_was_measured_with_them():
    names = set(map(str, pick(pretrained=True)))

    assert {"resnet50", "resnet50_v2 at 299 px", "mobilenet alpha=0.5 at 160 px"} <= names
    assert "resnet18" in names  # torchvision's file
    assert "resnet50 convention=torch" not in names  # the file of resnet50 is Keras's
    assert "resnet18_v2" not in names
    assert "resnet152 at 320 px" not in names  # the figure at 320 px is the paper's own
    assert "inception_v1" not in names


WEIGHTS = {
    "resnet50": "imagenet",
    "resnet50_v2 at 299 px": "imagenet",
    "resnet18": "imagenet",
    "vgg16 batch_norm=True": "imagenet",
    "mobilenet alpha=0.5 at 160 px": "imagenet",
    "resnet50 convention=torch": "torchvision",
    "mobilenet_v3_small convention=torch": "torchvision",
    "resnet152 at 320 px": "",
    "resnet200": "",
    "inception_v1": "",
}


def test_a_candidate_says_how_it_is_had_trained():
    found = {str(item): item.weights for item in pick()}

    assert {label: found[label] for label in WEIGHTS} == WEIGHTS
    assert set(found.values()) == {"imagenet", "torchvision", ""}


def test_what_comes_with_imagenet_is_what_the_builder_finds():
    for item in pick():
        options = {**network(item.name).defaults, **item.options}
        convention = network(item.name).meaning("convention", item.options)
        named = {key for file in weight_files(item.name) for key in file.options}
        decisive = {key: options[key] for key in named}
        if "convention" in options:
            decisive["convention"] = item.options.get("convention", convention)
        shape = (None, *item.input_shape)
        if item.weights == "imagenet":
            assert find(item.name, True, shape, **decisive).url.startswith("https://"), str(item)
        if item.weights == "torchvision":
            with pytest.raises(InvalidArgumentError, match="There is no published file"):
                find(item.name, True, shape, **decisive)


def test_the_table_marks_how_each_is_had_trained():
    page = str(pick(max_size_bytes=60e6, min_top1=74))

    rows = {line.split("  ")[0]: line for line in page.partition("Not quite")[0].splitlines()}
    assert rows["resnet50 convention=torch"].endswith(" MB  +")
    assert rows["inception_v3"].endswith(" MB  *")
    assert "* weights='imagenet' builds it trained" in rows
    assert "+ a checkpoint of torchvision, passed as weights=PATH, does" in rows
    assert "+ a checkpoint" not in str(pick(pretrained=True))


@pytest.mark.parametrize("ceiling", [5e6, 12e6, 60e6, 130e6, 1e9])
def test_tables_of_any_networks_fit_a_terminal(ceiling):
    for limit in ("max_size_bytes", "max_mult_adds", "max_parameters"):
        assert max(map(len, str(pick(**{limit: ceiling})).splitlines())) <= 80


def test_the_example_of_the_docs_is_current():
    text = Path(__file__).parents[2].joinpath("docs", "finding.md").read_text("utf-8")
    _, _, example = text.partition("print(found)\n```\n\n```\n")
    example, _, _ = example.partition("```\n")

    found = pick(max_size_bytes=5_000_000, max_mult_adds=300e6, min_top1=65, ios="15")

    assert example == f"{found}\n"


def test_a_limit_that_no_network_keeps_to_is_taken_for_another_unit():
    for dataset in DATASETS:
        for item in pick(dataset=dataset):
            assert min(item.size_bytes, item.mult_adds, item.parameters) > _LEAST


def test_twenty_rows_are_printed_and_the_others_counted():
    everything = pick()

    rows = str(everything).splitlines()
    assert rows[22].startswith(str(everything[19]))
    assert rows[23] == f"... and {len(everything) - 20} more"
    limited = pick(max_size_bytes=5e6)
    assert str(limited).splitlines()[-1] == f"... and {len(limited.misses) - 5} more"


def test_datasets_do_not_mix():
    cifar = pick(dataset="cifar10", max_parameters=1e6)

    assert {item.name for item in cifar} == {"resnet_cifar"}
    assert cifar[0].options == {"depth": 56}
    assert {item.name for item in pick(dataset="mnist")} == {"mnist_mlp", "mnist_cnn"}
    assert "resnet_cifar" not in {item.name for item in pick()}


def test_sizes_are_those_of_the_precision():
    halves, wholes = (
        {str(item): item.size_bytes for item in pick(precision=precision)}
        for precision in ("float16", "float32")
    )

    assert wholes["vgg16"] == pytest.approx(2 * halves["vgg16"], rel=1e-3)


def test_a_candidate_builds_with_its_options_and_yours():
    [candidate] = [item for item in pick() if str(item) == "mobilenet alpha=0.25 at 128 px"]

    model = candidate.build(classes=7)

    assert model.input_shape == (None, 128, 128, 3)
    assert model.output_shape == (None, 7)
    assert candidate.build().count_params() == candidate.parameters


def test_a_pick_is_a_sequence():
    found = pick(max_size_bytes=5e6)

    assert isinstance(found, Pick)
    assert found[0] == next(iter(found)) == found[:1][0]
    assert found[0] in found


@pytest.mark.parametrize(
    ("limits", "match"),
    [
        ({"ios": "14"}, r"iOS 14 cannot run float16: ML programs need iOS 15. Pass ios='15'"),
        ({"ios": 13.4, "precision": "float32"}, "iOS 13.4 cannot run float32"),
        ({"ios": "fifteen"}, "ios='fifteen' must be a version"),
        ({"precision": "fp16"}, "Unknown precision 'fp16'.* Did you mean 'float16'"),
        ({"max_size_bytes": 0}, "max_size_bytes=0 must be a number greater than 0"),
        ({"max_mult_adds": "300M"}, "max_mult_adds='300M' must be a number"),
        ({"max_parameters": math.nan}, "max_parameters=nan must be a number"),
        ({"max_size_bytes": 5}, "max_size_bytes=5 is in bytes, .*: pass 5e6 for 5 MB"),
        ({"max_mult_adds": 300}, "max_mult_adds=300 is in mult-adds, .*: pass 300e6 for 300 M"),
        ({"max_parameters": 1.5}, "max_parameters=1.5 is in parameters, .*: pass 1.5e6 for 1.5 M"),
        ({"min_top1": 0.65}, "min_top1=0.65 is in percent: pass 65 for 65 %"),
        ({"min_top1": 650}, "is in percent"),
        ({"dataset": "coco"}, "dataset='coco': choose imagenet, cifar10, mnist"),
        ({"dataset": "cifar"}, "Did you mean 'cifar10'"),
    ],
)
def test_a_bad_limit_is_refused(limits, match):
    with pytest.raises(InvalidArgumentError, match=match):
        pick(**limits)
