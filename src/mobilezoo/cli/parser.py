"""The command line's grammar, with examples."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from mobilezoo._version import __version__
from mobilezoo.cli import values
from mobilezoo.cli.compression_parser import add_compression_commands
from mobilezoo.cli.options import (
    add_arithmetic,
    add_builder_options,
    add_compression,
    add_crop,
    add_imports,
    add_inputs,
    add_limit,
    add_model,
    add_pixels,
    add_zoo,
)

_EXAMPLES = """examples:
  mobilezoo demo
  mobilezoo list
  mobilezoo pick --max-size 5 --min-top1 65
  mobilezoo describe mobilenet_v2
  mobilezoo export mobilenet --alpha 0.5 --precision float16 -o MobileNet.mlpackage
  mobilezoo export my_model.keras --preprocessing unit --labels labels.txt -o Mine.mlpackage
  mobilezoo compress Mine.mlpackage --precision palette4 -o Small.mlpackage
  mobilezoo compare Mine.mlpackage my_pictures
  mobilezoo verify my_model.keras Mine.mlpackage
  mobilezoo predict MobileNet.mlpackage cat.jpg dog.jpg
  mobilezoo evaluate Float16.mlpackage Palette4.mlpackage my_pictures
  mobilezoo inspect mobilenet

`mobilezoo COMMAND --help` says more about a command.
"""


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, like all others."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"mobilezoo: error: {message} (see `{self.prog} --help`)\n")


def make_parser() -> argparse.ArgumentParser:
    """The parser; each command's namespace carries the function to run as `run`."""
    parser = _Parser(
        prog="mobilezoo",
        description="Pick a vision network, export it to Core ML, run and verify the file here.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mobilezoo {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND")
    _add_demo(subparsers)
    _add_list(subparsers)
    _add_describe(subparsers)
    _add_pick(subparsers)
    _add_export(subparsers)
    add_compression_commands(subparsers, _command)
    _add_verify(subparsers)
    _add_predict(subparsers)
    _add_evaluate(subparsers)
    _add_inspect(subparsers)
    return parser


def _add_demo(subparsers: Any) -> None:
    parser = _command(subparsers, "demo", "demo:run", "train on digits, export, run the files", [])
    parser.add_argument(
        "-o", "--output", default="mobilezoo-demo", metavar="FOLDER",
        help="where everything is written (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--epochs", type=int, default=20, help="of training (default: %(default)s)")


def _add_list(subparsers: Any) -> None:
    examples = ["mobilezoo list", "mobilezoo list 'mobilenet*' --pretrained"]
    parser = _command(subparsers, "list", "zoo:list_zoo", "networks and what they cost", examples)
    parser.add_argument("pattern", nargs="?", default="*", help="with wildcards (default: all)")
    parser.add_argument("--pretrained", action="store_true", help="with published weights only")


def _add_describe(subparsers: Any) -> None:
    examples = ["mobilezoo describe mobilenet", "mobilezoo describe mobilenet --alpha 0.5"]
    parser = _command(
        subparsers, "describe", "zoo:describe", "what is known of one network", examples
    )
    add_zoo(parser, "a name of the zoo")


def _add_pick(subparsers: Any) -> None:
    examples = [
        "mobilezoo pick --max-size 5 --max-mult-adds 300 --min-top1 65",
        "mobilezoo pick --dataset cifar10 --max-parameters 1",
    ]
    parser = _command(subparsers, "pick", "zoo:pick", "networks that keep to limits", examples)
    for option, what in (
        ("--max-size", "of the Core ML package, in MB of 10^6 bytes"),
        ("--max-mult-adds", "for one picture, in millions"),
        ("--max-parameters", "elements of all weights, in millions"),
        ("--min-top1", "published accuracy, in percent"),
    ):
        parser.add_argument(option, type=float, metavar="NUMBER", help=what)
    parser.add_argument(
        "--dataset", default="imagenet",
        help="what it tells apart: imagenet (default), cifar10 or mnist",
    )  # fmt: skip
    parser.add_argument("--ios", default="15", help="lowest version to run on (default: 15)")
    parser.add_argument(
        "--precision", choices=("float16", "float32"), default="float16",
        help="of the package (default: float16)",
    )  # fmt: skip
    parser.add_argument("--pretrained", action="store_true", help="with published weights only")


def _add_export(subparsers: Any) -> None:
    examples = [
        "mobilezoo export mobilenet --alpha 0.5 -o MobileNet.mlpackage",
        "mobilezoo export mobilenet --weights random --verify -o Try.mlpackage",
        "mobilezoo export my_model.keras --preprocessing unit -o Mine.mlpackage",
        "mobilezoo export mobilenet --precision float32 -o ForiOS11.mlmodel",
        "mobilezoo export mobilenet --precision palette8 -o Small.mlmodel",
        "mobilezoo export mobilenet --flexible 224x224,192x256 -o Sizes.mlpackage",
        "mobilezoo export my_model.keras --import my_layers.py --mean 120 --std 60 -o Own.mlmodel",
    ]
    parser = _command(subparsers, "export", "commands:export", "write a Core ML file", examples)
    add_model(parser)
    parser.add_argument("-o", "--output", required=True, metavar="FILE",
                        help="ends in .mlpackage (iOS 15) or .mlmodel (iOS 11)")  # fmt: skip
    parser.add_argument(
        "--precision", default="float16",
        help="float16 (default), float32, int8, palette1 ... palette8 (.mlmodel: iOS 12, "
        ".mlpackage: iOS 16), int4 (.mlpackage, iOS 18)",
    )  # fmt: skip
    add_compression(parser)
    parser.add_argument(
        "--labels", help="imagenet, cifar10, digits, none or a text file with one label a line "
        "(default: the zoo's own labels, none for other models)",
    )  # fmt: skip
    parser.add_argument(
        "--updatable", action="append", default=[], metavar="LAYER",
        help="a Dense or Conv2D layer that learns on the device (.mlmodel in float32, iOS 13); may "
        "be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--minimum-deployment-target", metavar="SYSTEM",
        help="the oldest system that must run the file, such as iOS13 or macOS12",
    )  # fmt: skip
    parser.add_argument("--overwrite", action="store_true", help="replace an existing file")
    parser.add_argument("--verify", action="store_true", help="run the file and compare with Keras")
    add_limit(parser, "for --verify: ")
    add_inputs(parser)
    group = parser.add_argument_group("shown by Xcode")
    for option in ("--author", "--license", "--description", "--model-version"):
        group.add_argument(option, default="", metavar="TEXT", help="of the model")


def _add_verify(subparsers: Any) -> None:
    examples = [
        "mobilezoo verify my_model.keras Mine.mlpackage",
        "mobilezoo verify mobilenet --weights trained.weights.h5 MobileNet.mlpackage",
    ]
    parser = _command(
        subparsers, "verify", "commands:verify", "compare a file with its Keras model", examples
    )
    add_model(parser)
    parser.add_argument("file", metavar="FILE", help="the .mlpackage or .mlmodel")
    add_limit(parser)


def _add_predict(subparsers: Any) -> None:
    examples = ["mobilezoo predict MobileNet.mlpackage cat.jpg --top 3"]
    parser = _command(subparsers, "predict", "prediction:predict", "classify pictures", examples)
    parser.add_argument("file", metavar="FILE", help="a .mlpackage or .mlmodel that takes pictures")
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="picture files")
    parser.add_argument("--top", type=int, default=5, help="answers to print (default: 5)")
    add_crop(parser)
    add_arithmetic(parser)


def _add_evaluate(subparsers: Any) -> None:
    examples = [
        "mobilezoo evaluate Mine.mlpackage my_pictures",
        "mobilezoo evaluate Float16.mlpackage Palette4.mlmodel my_pictures --keras my_model.keras",
        "mobilezoo evaluate Mine.mlpackage my_pictures --confusion confusion.csv",
    ]
    parser = _command(
        subparsers, "evaluate", "evaluating:evaluate", "accuracy of files on your own pictures",
        examples,
    )  # fmt: skip
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="a .mlpackage or .mlmodel that classifies pictures"
    )
    parser.add_argument(
        "data", metavar="DATA_FOLDER",
        help="with a folder of pictures for each class, named exactly as the file's label; for "
        "files without labels the sorted names are the classes, as Keras reads them",
    )  # fmt: skip
    add_crop(parser)
    parser.add_argument(
        "--size", type=values.size, metavar="HEIGHTxWIDTH",
        help="of the pictures for files that take several sizes (default: each one's own default)",
    )  # fmt: skip
    add_arithmetic(parser)
    parser.add_argument(
        "--labels", help="of files that have none: imagenet, cifar10, digits or a text file with "
        "one label a line",
    )  # fmt: skip
    parser.add_argument(
        "--batch-size", type=int, default=32, metavar="NUMBER",
        help="pictures in memory at once (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--confusion", metavar="FILE.csv", help="write the confusion tables")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing FILE.csv")
    parser.add_argument("--json", action="store_true", help="everything, for machines")
    add_pixels(parser.add_argument_group("for files that take an array instead of an image"))
    parser.add_argument(
        "--keras", dest="model", metavar="MODEL",
        help="what the files were made from, to compare with: a name of the zoo or a .keras file",
    )  # fmt: skip
    add_imports(parser)
    add_builder_options(parser)


def _add_inspect(subparsers: Any) -> None:
    examples = [
        "mobilezoo inspect MobileNet.mlpackage",
        "mobilezoo inspect Theirs.mlmodel --layers",
        "mobilezoo inspect MobileNet.mlpackage --json",
        "mobilezoo inspect mobilenet",
    ]
    parser = _command(
        subparsers, "inspect", "inspecting:inspect", "what a Core ML file or a model consists of",
        examples,
    )  # fmt: skip
    add_model(parser, "a .mlpackage or .mlmodel, a name of the zoo, or a .keras file")
    group = parser.add_argument_group("for Core ML files")
    group.add_argument(
        "--layers", action="store_true",
        help="all operations or layers in their order, not only the heaviest",
    )  # fmt: skip
    group.add_argument("--json", action="store_true", help="everything, for machines")


def _command(subparsers: Any, name: str, run: str, summary: str, examples: list[str]) -> Any:
    parser = subparsers.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.",
        epilog="examples:\n  " + "\n  ".join(examples) if examples else None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parser.set_defaults(run=f"mobilezoo.cli.{run}")  # imported when it runs, not for --help
    return parser
