"""docs/backbones.md: its table says what the backbones give."""

import re
from pathlib import Path

import pytest

from mobilezoo import build, list_models
from mobilezoo.graph.abstract import without_weights

PAGE = Path(__file__).parents[2].joinpath("docs", "backbones.md").read_text("utf-8")
TABLE = {
    tuple(re.findall(r"`(\w+)`", names)): tuple(map(int, channels.split("|")))
    for names, channels in re.findall(r"^\| (`.*?) \| ([\d |]+) \|$", PAGE, re.MULTILINE)
}


@pytest.mark.parametrize(("names", "channels"), TABLE.items(), ids=lambda item: str(item[0]))
def test_the_table_has_the_channels_of_each_stride(names, channels):
    with without_weights():
        outputs = build(names[0], features_only=True, input_shape=(128, 192, 3)).outputs

    assert tuple(output.shape[-1] for output in outputs) == channels
    if names[0] != "inception_v3":  # which does not pad
        strides = [(128 // o.shape[1], 192 // o.shape[2]) for o in outputs]
        assert strides == [(n, n) for n in (2, 4, 8, 16, 32)]


def test_the_page_speaks_of_every_network():
    names = {name.removesuffix("_v2") if "resnet" in name else name for name in list_models()}

    assert [name for name in names if f"`{name}`" not in PAGE] == []
