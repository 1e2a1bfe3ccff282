"""The grammar of `mobilezoo compress` and `mobilezoo compare`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, TypeAlias

from mobilezoo.cli.options import add_compression, add_crop, add_examples

Command: TypeAlias = Callable[[Any, str, str, str, list[str]], Any]  # makes a command's parser


def add_compression_commands(subparsers: Any, command: Command) -> None:
    """Both of them."""
    _add_compress(subparsers, command)
    _add_compare(subparsers, command)


def _add_compress(subparsers: Any, command: Command) -> None:
    examples = [
        "mobilezoo compress Mine.mlpackage --precision palette6 -o Small.mlpackage",
        "mobilezoo compress Mine.mlpackage --precision int8 --keep-ends -o Small.mlpackage",
        "mobilezoo compress Mine.mlpackage --precision palette4 --layer 'block1*=int8' "
        "-o Small.mlpackage",
        "mobilezoo compress Mine.mlpackage --precision w8a8 --data my_pictures -o Fast.mlpackage",
        "mobilezoo compress Mine.mlpackage --max-size 5 --data my_pictures -o FiveMB.mlpackage",
        "mobilezoo compress Mine.mlpackage --max-error 0.02 --data my_pictures -o Near.mlpackage",
    ]
    parser = command(
        subparsers, "compress", "compression:compress", "a Core ML file in fewer bits", examples
    )
    parser.add_argument("file", metavar="FILE", help="a .mlpackage or .mlmodel, whoever made it")
    parser.add_argument("-o", "--output", required=True, metavar="FILE",
                        help="ends as FILE does")  # fmt: skip
    parser.add_argument(
        "--precision",
        help="int8, palette1, 2, 4, 6, 8 (iOS 16), w8a8 (iOS 17, with --data), palette3, int4 "
        "(iOS 18), or float16 with --layer or --density",
    )  # fmt: skip
    add_compression(parser)
    parser.add_argument("--overwrite", action="store_true", help="replace an existing file")
    group = parser.add_argument_group("the best mix of precisions, in place of --precision")
    group.add_argument("--max-size", type=float, metavar="MB", help="of the package (10^6 bytes)")
    group.add_argument(
        "--max-error", type=float, metavar="SHARE",
        help="of the outputs (before a softmax): root mean square of the difference, over that of "
        "the outputs",
    )  # fmt: skip
    group.add_argument(
        "--min-agreement", type=float, metavar="SHARE",
        help="of the pictures whose first class must stay the same, up to 1",
    )  # fmt: skip
    group.add_argument(
        "--optimize", choices=("error", "agreement"), default="error",
        help="what is made small (default: %(default)s)",
    )  # fmt: skip
    pictures = parser.add_argument_group("pictures on which the file is run")
    pictures.add_argument("--data", metavar="FOLDER", help="with pictures, at any depth")
    add_examples(pictures, 16)
    add_crop(pictures)
    pictures.add_argument(
        "--repair", action=argparse.BooleanOptionalAction,
        help="whether biases make up for what rounding shifts (default: for mixes)",
    )  # fmt: skip
    pictures.add_argument(
        "--weigh", action="store_true",
        help="make tables of palettes best for the weights that the outputs hang on",
    )  # fmt: skip


def _add_compare(subparsers: Any, command: Command) -> None:
    examples = [
        "mobilezoo compare Mine.mlpackage my_pictures",
        "mobilezoo compare Mine.mlpackage my_pictures --precision palette4 int4",
    ]
    parser = command(
        subparsers, "compare", "compression:compare", "what each precision costs", examples
    )
    parser.add_argument("file", metavar="FILE", help="a .mlpackage in float16 or float32")
    parser.add_argument("data", metavar="FOLDER", help="with pictures, at any depth")
    parser.add_argument(
        "--precision", nargs="+", metavar="NAME",
        default=["float16", "int8", "palette8", "palette6", "palette4", "palette2"],
        help="which (default: %(default)s)",
    )  # fmt: skip
    add_examples(parser, 32)
    add_crop(parser)
