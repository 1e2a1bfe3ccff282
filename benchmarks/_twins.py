"""The networks of `export.py` in torch: random weights, traced, ready for coremltools."""

from __future__ import annotations

import importlib
import sys
import warnings
from typing import Any, NamedTuple

SIDES = {"inception_v3": 299}  # px, where it is not 224

# What makes each do the same as its Keras twin, and no slow drawing of weights drawn again here.
OPTIONS: dict[str, dict[str, Any]] = {
    "mobilenet_v2": {},
    "resnet50": {},
    "inception_v3": {"transform_input": False, "aux_logits": False, "init_weights": False},
    "densenet121": {},
    "vgg16": {"init_weights": False},
}


class Twin(NamedTuple):
    """A traced network, where it is from, and the shape of its input."""

    traced: Any
    source: str
    shape: tuple[int, int, int, int]


def twin(name: str) -> Twin:
    """The twin of a Keras model in evaluation mode.

    Raises:
        ImportError: torch, or torchvision where the network is from there, cannot be imported.
    """
    torch = importlib.import_module("torch")
    side = SIDES.get(name, 224)
    model, source = _network(name, torch)
    source = f"{source}, torch {torch.__version__}"
    return Twin(_trace(_enliven(model), side), source, (1, 3, side, side))


def tiny() -> Twin:
    """One convolution, to warm up with."""
    torch = importlib.import_module("torch")
    return Twin(_trace(torch.nn.Conv2d(3, 2, 3), 8), "", (1, 3, 8, 8))


def _network(name: str, torch: Any) -> tuple[Any, str]:
    if name != "mobilenet":
        models = _import("torchvision").models
        version = sys.modules["torchvision"].__version__
        return models.get_model(name, **OPTIONS[name]), f"torchvision {version}"
    try:  # torchvision has none
        timm = _import("timm")
    except ImportError:
        return _mobilenet(torch), "written after the paper's table"
    return timm.create_model("mobilenetv1_100"), f"timm {timm.__version__}"


def _trace(model: Any, side: int) -> Any:
    torch = importlib.import_module("torch")
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # torch.jit is old, but what coremltools reads best
        return torch.jit.trace(model.eval(), torch.rand(1, 3, side, side))


def _enliven(model: Any) -> Any:
    """No batch norm may be an identity that a converter leaves out."""
    torch = importlib.import_module("torch")
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if value.ndim > 1:
                value.normal_(0, (2 / value[0].numel()) ** 0.5)
            elif value.is_floating_point():  # not the counter of batches
                low, high = (0.5, 1) if name.endswith(("weight", "var")) else (-0.2, 0.2)
                value.uniform_(low, high)
    return model


def _import(name: str) -> Any:
    """torchvision or timm, which imports torchvision too."""
    try:
        importlib.import_module("torchvision")
    except (RuntimeError, OSError):  # PyPI's is compiled for CUDA and fails beside torch for CPU
        for module in [module for module in sys.modules if module.split(".")[0] == "torchvision"]:
            del sys.modules[module]
        _define_operators()
    return importlib.import_module(name)


def _define_operators() -> None:
    """The compiled operators that `import torchvision` asks for; no network here uses them."""
    operators = importlib.import_module("torch").library.Library("torchvision", "FRAGMENT")
    for operator in ("nms", "qnms"):
        operators.define(f"{operator}(Tensor dets, Tensor scores, float threshold) -> Tensor")
    _define_operators.keep = operators  # type: ignore[attr-defined] # they vanish with it


def _mobilenet(torch: Any) -> Any:
    """MobileNet: Table 1 of arXiv:1704.04861, with the ReLU6 of the released networks."""
    nn = torch.nn
    # fmt: off
    blocks = (  # filters and stride of "Conv dw / s" and the 1x1 "Conv / s1" after it
        (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1),
        (512, 1), (512, 1), (1024, 2), (1024, 1),
    )
    # fmt: on

    def unit(channels: int, filters: int, size: int, stride: int, groups: int = 1) -> list[Any]:
        conv = nn.Conv2d(channels, filters, size, stride, size // 2, groups=groups, bias=False)
        return [conv, nn.BatchNorm2d(filters), nn.ReLU6()]

    channels, layers = 32, unit(3, 32, 3, 2)
    for filters, stride in blocks:
        layers += unit(channels, channels, 3, stride, channels) + unit(channels, filters, 1, 1)
        channels = filters
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 1000)]
    return nn.Sequential(*layers, *head)
