"""The papers that the networks come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class Paper(NamedTuple):
    """Where an architecture was published."""

    title: str
    authors: str
    year: int
    arxiv: str | None  # identifier; None where there is no paper

    def __str__(self) -> str:
        where = f", arXiv:{self.arxiv}" if self.arxiv else ""
        return f"{self.authors}, {self.year}{where}"


_VGG = Paper(
    "Very Deep Convolutional Networks for Large-Scale Image Recognition",
    "Simonyan and Zisserman", 2014, "1409.1556",
)  # fmt: skip
_RESNET = Paper(
    "Deep Residual Learning for Image Recognition", "He et al.", 2015, "1512.03385"
)  # fmt: skip
_RESNET_V2 = Paper(
    "Identity Mappings in Deep Residual Networks", "He et al.", 2016, "1603.05027"
)  # fmt: skip
_MOBILENET_V3 = Paper("Searching for MobileNetV3", "Howard et al.", 2019, "1905.02244")
_PAPERS: Mapping[str, Paper] = {
    "mnist_mlp": Paper("mnist_mlp.py, an example of Keras", "Chollet", 2015, None),
    "mnist_cnn": Paper("cifar10_cnn.py, an example of Keras", "Chollet", 2015, None),
    "inception_v1": Paper("Going Deeper with Convolutions", "Szegedy et al.", 2014, "1409.4842"),
    "inception_v3": Paper(
        "Rethinking the Inception Architecture for Computer Vision",
        "Szegedy et al.", 2015, "1512.00567",
    ),
    "mobilenet": Paper(
        "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications",
        "Howard et al.", 2017, "1704.04861",
    ),
    "mobilenet_v2": Paper(
        "MobileNetV2: Inverted Residuals and Linear Bottlenecks",
        "Sandler et al.", 2018, "1801.04381",
    ),
    "mobilenet_v3_large": _MOBILENET_V3,
    "mobilenet_v3_small": _MOBILENET_V3,
}  # fmt: skip


def paper(name: str, options: Mapping[str, Any]) -> Paper:
    """The paper of a builder; of its second version where the options or the depth say so."""
    if name in _PAPERS:
        return _PAPERS[name]
    if name.startswith("vgg"):
        return _VGG
    second = name.endswith("_v2") or options.get("version") == 2 or name == "resnet200"
    return _RESNET_V2 if second else _RESNET
