"""Networks of torchvision and timm with random weights, to compare ours with.

`torch_layouts.json` holds what their checkpoints are made of, so that our names are checked where
neither is installed.

    python -m tests.models.torch_models        # writes it anew, needs both
"""

import hashlib
import importlib
import json
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

LAYOUTS = Path(__file__).parent / "torch_layouts.json"


class Twin(NamedTuple):
    """A network of ours and the same one of another library."""

    builder: str
    options: dict[str, Any]
    library: str
    model: str

    def __str__(self):
        return f"{self.library}/{self.model}"


FAMILIES = {"resnet": "resnet_v1"}  # file, where its name is another
VGG = [f"vgg{layers}{bn}" for layers in (11, 13, 16, 19) for bn in ("", "_bn")]
RESNET = [f"resnet{layers}" for layers in (18, 34, 50, 101, 152)]
V2 = ["035", "050", "075", "100", "140"]
V3 = ["small_050", "small_075", "small_100", "large_075", "large_100"]
TF_V3 = ["small_075", "small_100", "small_minimal_100", "large_075", "large_100",
         "large_minimal_100"]  # fmt: skip


def v3(model):
    """timm's "tf_mobilenetv3_small_minimal_100" and ours."""
    name, *minimal, width = model.rpartition("mobilenetv3_")[2].split("_")
    options = {"alpha": int(width) / 100, "minimalistic": minimal == ["minimal"]}
    if model.startswith("tf_"):
        options["convention"] = "keras"
    return Twin(f"mobilenet_v3_{name}", options, "timm", model)


TWINS = [
    *(
        Twin(name.removesuffix("_bn"), {"batch_norm": "_bn" in name}, library, name)
        for name in VGG
        for library in ("torchvision", "timm")
    ),
    *(Twin(name, {}, library, name) for name in RESNET for library in ("torchvision", "timm")),
    Twin("mobilenet_v2", {}, "torchvision", "mobilenet_v2"),
    *(Twin("mobilenet_v2", {"alpha": int(w) / 100}, "timm", f"mobilenetv2_{w}") for w in V2),
    Twin("mobilenet_v3_small", {}, "torchvision", "mobilenet_v3_small"),
    Twin("mobilenet_v3_large", {}, "torchvision", "mobilenet_v3_large"),
    *(v3(f"mobilenetv3_{name}") for name in V3),
    *(v3(f"tf_mobilenetv3_{name}") for name in TF_V3),
]


def build(builder, **options):
    """Our network."""
    family = re.match(r"vgg|resnet|mobilenet_v\d", builder)[0]
    module = importlib.import_module(f"mobilezoo.models.{FAMILIES.get(family, family)}")
    return getattr(module, builder)(**options)


def library(name):
    """torchvision.models or timm, or skip the test."""
    torch = pytest.importorskip("torch", reason="the networks to compare with are torch's")
    try:
        return _imported(name)
    except ImportError as error:
        pytest.skip(f"{name} cannot be imported: {error}")
    except (RuntimeError, OSError):  # torchvision's wheel is of another CUDA than torch's
        for module in [module for module in sys.modules if module.split(".")[0] == "torchvision"]:
            del sys.modules[module]
        _define_operators(torch)
        return _imported(name)


def _imported(name):
    importlib.import_module("torchvision")  # timm imports it too
    return importlib.import_module({"torchvision": "torchvision.models", "timm": "timm"}[name])


def _define_operators(torch):
    """The compiled operators that `import torchvision` asks for; no network here uses them."""
    operators = torch.library.Library("torchvision", "FRAGMENT")
    for operator in ("nms", "qnms"):
        operators.define(f"{operator}(Tensor dets, Tensor scores, float threshold) -> Tensor")
    _define_operators.keep = operators  # they vanish with it


def make(twin, **options):
    """The network of the other library, in evaluation mode."""
    models = library(twin.library)
    create = models.get_model if twin.library == "torchvision" else models.create_model
    return create(twin.model, **options).eval()


def enliven(model, seed=0):
    """Random weights with which every channel counts and the output depends on the input."""
    torch = importlib.import_module("torch")
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in model.state_dict().items():
            if name.endswith("num_batches_tracked"):
                continue
            if value.ndim > 1:
                value.normal_(0, (2 / value[0].numel()) ** 0.5, generator=generator)
            elif name.endswith("running_var"):
                value.uniform_(0.25, 1, generator=generator)
            elif name.endswith("weight"):
                value.uniform_(0.5, 1, generator=generator)
            else:
                value.normal_(0, 0.2, generator=generator)
    return model


def layout(entries):
    """What names and sizes come to, in any order of entries and axes.

    Args:
        entries: (name, number of elements).
    """
    lines = sorted(f"{name} {size}" for name, size in entries if "num_batches" not in name)
    return {
        "entries": len(lines),
        "numbers": sum(int(line.split()[1]) for line in lines),
        "sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16],
    }


def layout_of(twin):
    """That of the other library's network, which needs no memory."""
    torch = pytest.importorskip("torch")
    with torch.device("meta"):
        state = make(twin).state_dict()
    return layout((name, tensor.numel()) for name, tensor in state.items())


def main():
    layouts = {str(twin): layout_of(twin) for twin in TWINS}
    lines = [f"  {json.dumps(name)}: {json.dumps(what)}" for name, what in layouts.items()]
    LAYOUTS.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


if __name__ == "__main__":
    main()
