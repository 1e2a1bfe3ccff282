"""The commands about the zoo: list, describe, pick."""

from tests.cli.run import run


def test_list_shows_names_and_costs(capfd):
    code, out, _ = run(capfd, "list")

    assert code == 0
    assert "4,253,864" in out
    assert "568.7 M" in out
    assert max(map(len, out.splitlines())) <= 80


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
