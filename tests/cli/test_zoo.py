"""The commands about the zoo: list, describe, pick."""

import subprocess
import sys

import pytest

from tests.cli.run import run

COMMAND = "import sys; from mobilezoo.cli import main; sys.exit(main(sys.argv[1:]))"


def test_list_shows_names_and_costs(capfd):
    code, out, _ = run(capfd, "list")

    assert code == 0
    assert "4,253,864" in out
    assert "568.7 M" in out
    assert max(map(len, out.splitlines())) <= 80


def test_a_reader_that_has_had_enough_is_no_error():
    command = [sys.executable, "-c", COMMAND, "list"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as listing:
        listing.stdout.close()  # as `head` does

        said = listing.stderr.read()

    assert said == b""
    assert listing.returncode == 0


def test_list_can_be_limited_to_published_weights(capfd):
    _, everything, _ = run(capfd, "list", "resnet*")
    code, out, _ = run(capfd, "list", "resnet*", "--pretrained")

    assert code == 0
    assert "resnet200" in everything
    assert "resnet200" not in out
    assert "resnet50" in out


def test_list_shows_what_the_published_weights_reach(capfd):
    _, out, _ = run(capfd, "list")

    rows = {line.split()[0]: line for line in out.splitlines()}
    assert "70.4 %  imagenet" in rows["mobilenet"]
    assert "69.0 %  " in rows["vgg11"]  # torchvision's, not that with batch norm
    assert "78.0 % *" in rows["resnet152_v2"]  # at 299 px, not the paper's at 320
    assert "%" not in rows["resnet200"]


def test_describe_says_what_is_known(capfd):
    code, out, _ = run(
        capfd, "describe", "mobilenet", "--alpha", "0.5", "--input-shape", "160x160x3"
    )

    assert code == 0
    assert "arXiv:1704.04861" in out
    assert "76,524,800" in out
    assert max(map(len, out.splitlines())) <= 80


def test_pick_ranks_what_fits_and_says_why_the_rest_does_not(capfd):
    code, out, _ = run(
        capfd, "pick", "--max-size", "5", "--max-mult-adds", "300", "--min-top1", "65"
    )

    assert code == 0
    assert "mobilenet_v2 alpha=0.5" in out
    assert "is over 5" in out
    assert max(map(len, out.splitlines())) <= 80


def test_pick_takes_a_data_set_and_a_limit_on_parameters(capfd):
    code, out, _ = run(capfd, "pick", "--dataset", "cifar10", "--max-parameters", "0.5")

    assert code == 0
    assert out.startswith("2 fit: at most 0.5 M parameters, iOS 15.")
    assert "resnet_cifar depth=32  92.63 %" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max-size", "5000000"], "--max-size 5,000,000 is in MB: pass 5 for 5 MB."),
        (["--max-size", "0.005"], "--max-size 0.005 is in MB: pass 5 for 5 MB."),
        (["--max-mult-adds", "300e6"], "300,000,000 is in millions: pass 300 for 300 million."),
        (["--max-parameters", "4e6"], "--max-parameters 4,000,000 is in millions"),
        (["--max-size", "0"], "--max-size 0 must be a number greater than 0."),
        (["--max-size", "nan"], "--max-size nan must be a number greater than 0."),
        (["--min-top1", "0.65"], "min_top1=0.65 is in percent: pass 65 for 65 %."),
        (["--dataset", "cifar"], "Did you mean 'cifar10'?"),
    ],
)
def test_pick_says_what_unit_it_takes(capfd, arguments, message):
    code, _, err = run(capfd, "pick", *arguments)

    assert code == 2
    assert message in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["vgg99*"], "No network matches 'vgg99*'. Did you mean 'vgg19' or "),
        (["resnet"], "Did you mean 'resnet*'? `mobilezoo list` shows all."),
        (["goglenet"], "Did you mean 'googlenet'"),
        (["zzz"], "No network matches 'zzz'. `mobilezoo list` shows all."),
        (["mnist_mlp", "--pretrained"], "No weights are published for mnist_mlp. Leave out"),
    ],
)
def test_list_suggests_what_is_near(capfd, arguments, message):
    code, out, err = run(capfd, "list", *arguments)

    assert code == 2
    assert out == ""
    assert message in err


def test_list_knows_the_other_name_of_a_network(capfd):
    code, out, _ = run(capfd, "list", "googlenet")

    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["name", "inception_v1"]


def test_only_a_description_that_must_be_computed_brings_tensorflow_and_quietly(capfd, monkeypatch):
    calls = []
    monkeypatch.setattr("mobilezoo._environment.import_quietly", lambda: calls.append("quietly"))

    run(capfd, "describe", "mobilenet", "--alpha", "0.5")
    assert calls == []

    code, out, err = run(capfd, "describe", "mnist_mlp", "--classes", "7")
    assert calls == ["quietly"]
    assert code == 0
    assert "mnist_mlp classes=7" in out
    assert err == ""
