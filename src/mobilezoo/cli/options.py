"""Options that several commands have."""

from __future__ import annotations

import argparse

from mobilezoo.cli import values
from mobilezoo.data.images import CROPS


def add_model(
    parser: argparse.ArgumentParser, what: str = "a name from `mobilezoo list`, or a .keras file"
) -> None:
    """MODEL: of the zoo or saved."""
    add_zoo(parser, what)
    add_imports(parser)


def add_imports(parser: argparse.ArgumentParser) -> None:
    """--import, for saved models of one's own layers."""
    parser.add_argument(
        "--import", dest="imports", action="append", default=[], metavar="MODULE",
        help="a module or a .py file that registers layers of a .keras file, with "
        "keras.saving.register_keras_serializable; may be repeated",
    )  # fmt: skip


def add_zoo(parser: argparse.ArgumentParser, what: str) -> None:
    """MODEL: of the zoo."""
    parser.add_argument("model", metavar="MODEL", help=what)
    add_builder_options(parser)


def add_builder_options(parser: argparse.ArgumentParser) -> None:
    """What networks of the zoo are built with."""
    group = parser.add_argument_group("for networks of the zoo")
    group.add_argument(
        "--weights", default="none",
        help="none (default: untrained), random (lively and the same every time, to try things "
        "out), imagenet (published weights, downloaded once), or a weight file",
    )  # fmt: skip
    group.add_argument("--alpha", type=float, help="width multiplier")
    group.add_argument(
        "--input-shape", type=values.shape, metavar="H,W,C",
        help="such as 160,96,3; also for a .keras file",
    )  # fmt: skip
    group.add_argument("--classes", type=int, help="outputs of the classifier")
    group.add_argument(
        "--option", action="append", default=[], metavar="NAME=VALUE",
        help="any other argument of the builder, such as dropout=0.1; may be repeated",
    )  # fmt: skip


def add_arithmetic(parser: argparse.ArgumentParser) -> None:
    """--arithmetic, of commands that run files."""
    parser.add_argument(
        "--arithmetic", choices=("float32", "float16"), default="float32",
        help="float16 also rounds what is computed between layers, as a device of float16 stores "
        "it (default: float32)",
    )  # fmt: skip


def add_inputs(parser: argparse.ArgumentParser) -> None:
    """What the exported file takes."""
    group = parser.add_argument_group("inputs")
    group.add_argument("--inputs", choices=("image", "array"), help="default: image if it can be")
    group.add_argument(
        "--flexible", type=values.flexible, metavar="SIZES",
        help="what the app chooses among: HEIGHTxWIDTH sizes such as 224x224,192x256 (the first is "
        "the default), all of 160x160..512x512, or numbers of examples such as 1,4,8 or 1..16",
    )  # fmt: skip
    add_pixels(group)


def add_pixels(group: argparse._ArgumentGroup) -> None:
    """How pixels are prepared."""
    group.add_argument("--preprocessing", help="of the pixels: none, unit, tf, caffe or torch")
    group.add_argument(
        "--mean", type=values.channels, metavar="NUMBERS",
        help="of one's own preprocessing, (pixel - mean) / std or (pixel - mean) * scale, of "
        "pixels 0..255: a number for all channels or three, in the order that the model takes",
    )  # fmt: skip
    group.add_argument("--std", type=values.deviations, metavar="NUMBERS", help="see --mean")
    group.add_argument(
        "--scale", type=values.channels, metavar="NUMBERS", help="see --mean; such as 1/255"
    )
    group.add_argument("--bgr", action="store_true", help="the model takes blue first")


def add_crop(parser: argparse._ActionsContainer) -> None:
    """--crop, of pictures."""
    parser.add_argument(
        "--crop", choices=CROPS, default="center",
        help="how pictures are brought to the file's size, as Vision's imageCropAndScaleOption: "
        "center (centerCrop, default) keeps proportions and cuts what is over, scale-fill "
        "stretches, scale-fit puts all of the picture in the middle of black",
    )  # fmt: skip


def add_limit(parser: argparse.ArgumentParser, what: str = "") -> None:
    """--limit, of a comparison."""
    parser.add_argument(
        "--limit", type=values.fraction, metavar="FRACTION",
        help=f"{what}largest difference allowed, relative to the largest value (default: by the "
        "precision); of weights in few bits, what rounding them may cost",
    )  # fmt: skip


def add_compression(parser: argparse.ArgumentParser) -> None:
    """What goes with a precision of few bits."""
    parser.add_argument(
        "--layer", action="append", default=[], metavar="PATTERN=PRECISION",
        help="the precision of some layers, such as 'block1*=float16'; may be repeated, and the "
        "first that fits counts",
    )  # fmt: skip
    parser.add_argument(
        "--keep-ends", action="store_true", help="leave the first and the last layer as they are"
    )
    parser.add_argument(
        "--group-size", type=int, metavar="CHANNELS",
        help="output channels that share a table (package, iOS 18; default: all)",
    )  # fmt: skip
    parser.add_argument(
        "--block-size", type=int, metavar="CHANNELS",
        help="input channels that share a scale (package, iOS 18; default: all, of int4 32)",
    )  # fmt: skip
    parser.add_argument(
        "--density", type=float, metavar="SHARE",
        help="of the weights that are kept, the largest, such as 0.5 (package; iOS 16, in few bits "
        "iOS 18)",
    )  # fmt: skip


def add_examples(parser: argparse._ActionsContainer, default: int) -> None:
    """--examples, of a measurement."""
    parser.add_argument(
        "--examples", type=int, default=default, metavar="NUMBER",
        help="pictures that are used (default: %(default)s)",
    )  # fmt: skip
