"""Golden files: what every builder builds, layer by layer.

One file per network in `tests/golden/`: name, type, output shape and parameters of each layer,
and the totals. A change of them is a change of what users' weight files fit.

    python -m tests.models.golden        # writes them anew; read the difference before you commit
"""

from pathlib import Path

from mobilezoo import build, list_models
from mobilezoo.benchmark import count
from mobilezoo.graph.abstract import without_weights

FOLDER = Path(__file__).parent.parent / "golden"

# options -> file; every network at its defaults, and what changes the layers of a family
VARIANTS = {
    **{name: (name, {}) for name in list_models()},
    "vgg11_batch_norm": ("vgg11", {"batch_norm": True}),
    "inception_v1_naive": ("inception_v1", {"reduce": False}),
    "inception_v1_batch_norm": ("inception_v1", {"batch_norm": True}),
    "inception_v1_auxiliary": ("inception_v1", {"auxiliary": True}),
    "resnet50_torch": ("resnet50", {"convention": "torch"}),
    "resnet110_cifar": ("resnet_cifar", {"depth": 110}),
    "resnet164_v2_cifar": ("resnet_cifar", {"depth": 164, "version": 2}),
    "mobilenet_half": ("mobilenet", {"alpha": 0.5, "input_shape": (160, 192, 3)}),
    "mobilenet_v2_torch": ("mobilenet_v2", {"alpha": 0.35, "convention": "torch"}),
    "mobilenet_v3_small_minimalistic": ("mobilenet_v3_small", {"minimalistic": True}),
}


def describe(name, options):
    """The text of a golden file."""
    with without_weights():  # shapes need no weights
        model = build(name, **options)
        counts = count(model)
    lines = [
        "\t".join((layer.name, type(layer).__name__, _shape(layer), str(layer.count_params())))
        for layer in model.layers
    ]
    total = f"total\t{counts.parameters} parameters\t{counts.mult_adds} mult-adds"
    return "\n".join(["layer\ttype\toutput shape\tparameters", *lines, total]) + "\n"


def _shape(layer):
    return "x".join("?" if size is None else str(size) for size in layer.output.shape)


def main():
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.tsv"):
        old.unlink()
    for file, (name, options) in VARIANTS.items():
        (FOLDER / f"{file}.tsv").write_text(describe(name, options), "utf-8")


if __name__ == "__main__":
    main()
