"""Golden files: what every builder builds, layer by layer.

One file per network in `tests/golden/`: name, type, output shape and parameters of each layer,
and the totals. A change of them is a change of what users' weight files fit.

    python -m tests.models.golden        # writes them anew; read the difference before you commit
"""

from pathlib import Path

import keras

from mobilezoo import build, list_models
from mobilezoo.benchmark import count

FOLDER = Path(__file__).parent.parent / "golden"

# options -> file; every network at its defaults, and what changes the layers of a family
VARIANTS = {name: (name, {}) for name in list_models()}


def describe(name, options):
    """The text of a golden file."""
    with keras.StatelessScope(initialize_variables=False):  # shapes need no weights
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
