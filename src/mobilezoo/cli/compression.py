"""`mobilezoo compress`: a Core ML package again, in fewer bits."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING, Any

from mobilezoo import _environment
from mobilezoo.benchmark.sizes import size_bytes
from mobilezoo.benchmark.table import megabytes
from mobilezoo.cli import samples
from mobilezoo.errors import InvalidArgumentError

if TYPE_CHECKING:
    from mobilezoo.coreml import W8A8
    from mobilezoo.coreml.precision import Linear, Palette, Sparse

_AS_IT_IS, _WHOLE, _BOTH = "float16", "float32", "w8a8"


def compress(arguments: Namespace) -> None:
    """Write the file, and say what became of its size."""
    _environment.import_quietly()
    from mobilezoo.coreml import W8A8, Budget, compress_coreml
    from mobilezoo.coreml.target import first_release

    limits = _limits(arguments)
    wanted = None if limits else precisions(arguments)
    asked = _asked_of_pictures(arguments)
    pictures = None
    if arguments.data is not None:
        pictures = samples.read_samples(
            arguments.data, arguments.file, arguments.crop, arguments.examples
        )
    measured: dict[str, Any] = {}
    if limits:
        wanted = Budget(
            **limits, data=pictures, examples=arguments.examples, optimize=arguments.optimize,
            repair=arguments.repair is not False, weigh=arguments.weigh,
        )  # fmt: skip
    else:
        wanted = _calibrated(wanted, W8A8(pictures, arguments.examples))
        measured = dict.fromkeys(asked, pictures)
    made = compress_coreml(
        arguments.file,
        arguments.output,
        precision=wanted,
        keep_ends=arguments.keep_ends,
        **measured,
        overwrite=arguments.overwrite,
    )
    before, after = size_bytes(arguments.file), size_bytes(arguments.output)
    oldest = first_release("iOS", made.get_spec().specificationVersion)
    print(
        f"wrote {arguments.output}: {megabytes(after)}, {after / before:.0%} of "
        f"{megabytes(before)}, iOS {oldest.version} and later"
    )
    drift = made.user_defined_metadata.get("com.mobilezoo.drift")
    if isinstance(wanted, Budget):
        print(f"{made.user_defined_metadata['com.mobilezoo.precision']}: {drift}")


def compare(arguments: Namespace) -> None:
    """`mobilezoo compare`: a table of what each precision costs."""
    _environment.import_quietly()
    from mobilezoo.coreml import compare_precisions

    data = samples.read_samples(arguments.data, arguments.file, arguments.crop, arguments.examples)
    table = compare_precisions(
        arguments.file, data, precisions=arguments.precision, examples=arguments.examples
    )
    print(table)
    print(f"\nmeasured on {table.examples} pictures, against {arguments.file}")


def _limits(arguments: Namespace) -> dict[str, Any]:
    """What a mix may cost, as `Budget` takes it; empty where nothing is said of it."""
    limits = {
        "max_size_bytes": arguments.max_size and int(arguments.max_size * 1e6),
        "max_error": arguments.max_error,
        "min_agreement": arguments.min_agreement,
    }
    given = {key: value for key, value in limits.items() if value is not None}
    if not given:
        if arguments.precision is None:
            raise InvalidArgumentError(
                "What shall the file be like? Pass --precision, or --max-size, --max-error or "
                "--min-agreement with --data."
            )
        return {}
    if arguments.precision is not None or arguments.layer or arguments.keep_ends:
        raise InvalidArgumentError(
            "--max-size, --max-error and --min-agreement choose precisions themselves. Leave out "
            "--precision, --layer and --keep-ends."
        )
    if arguments.data is None:
        raise InvalidArgumentError(
            "Pass --data FOLDER with some pictures: what a layer's precision costs is measured by "
            "running the network."
        )
    return given


def _calibrated(wanted: Any, calibrated: W8A8) -> Any:
    """Precisions, "w8a8" with the pictures on which activations are measured."""
    if isinstance(wanted, dict):
        return {key: _calibrated(item, calibrated) for key, item in wanted.items()}
    return calibrated if wanted == _BOTH else wanted


def _asked_of_pictures(arguments: Namespace) -> list[str]:
    """What of precisions is measured on pictures, "repair" and "weigh".

    Raises:
        InvalidArgumentError: pictures and what needs them do not go together.
    """
    asked = [key for key in ("repair", "weigh") if getattr(arguments, key)]
    if arguments.precision is None:  # limits choose
        return asked
    rounds = _BOTH in _names(arguments)
    needing = [f"--{key}" for key in asked] + [f"--precision {_BOTH}"] * rounds
    if arguments.data is None and needing:
        raise InvalidArgumentError(
            f"{needing[0]} runs the network on pictures: pass --data FOLDER with some."
        )
    if arguments.data is not None and not needing:
        raise InvalidArgumentError(
            "--data is for --repair, --weigh, w8a8, and the limits that choose a mix. Pass one of "
            "these, or leave it out."
        )
    return asked


def _names(arguments: Namespace) -> list[str]:
    """Of the precisions that --precision and --layer name."""
    return [arguments.precision, *(given.rpartition("=")[2] for given in arguments.layer)]


def precisions(arguments: Namespace) -> Any:
    """What --precision, --layer, --group-size, --block-size and --density say together."""
    _check_fit(arguments)
    chosen = {}
    for given in arguments.layer:
        pattern, equals, name = given.rpartition("=")
        if not equals or not pattern:
            raise InvalidArgumentError(
                f"--layer {given}: a name or pattern and a precision are required, such as "
                "'block1*=float16'."
            )
        chosen[pattern] = name if name == _AS_IT_IS else _described(arguments, name)
    whole = _described(arguments, arguments.precision)
    return {**chosen, "*": whole} if chosen else whole


def _check_fit(arguments: Namespace) -> None:
    """Refuse options that no precision of the command has a use for."""
    names = _names(arguments)
    if arguments.density is not None and _BOTH in names:
        raise InvalidArgumentError(f"--density is for precisions of weights, not for {_BOTH}.")
    for option, kinds in (("group_size", ("palette",)), ("block_size", ("int",))):
        if getattr(arguments, option) is not None and not any(
            name.startswith(kinds) for name in names
        ):
            raise InvalidArgumentError(
                f"--{option.replace('_', '-')} is for {kinds[0]} precisions, not for "
                f"{' and '.join(dict.fromkeys(names))}. Leave it out."
            )


def _described(arguments: Namespace, name: str) -> str | Palette | Linear | Sparse:
    """A precision with the options that fit it."""
    from mobilezoo.coreml.precision import Linear, Palette, Sparse, precision

    bits = precision(name).bits
    values: Palette | Linear | None = None
    if name.startswith("palette"):
        values = Palette(bits, arguments.group_size)
    elif name.startswith("int"):
        values = Linear(bits, arguments.block_size)
    if arguments.density is not None and name != _WHOLE:
        return Sparse(arguments.density, values)
    return name if values is None else values
