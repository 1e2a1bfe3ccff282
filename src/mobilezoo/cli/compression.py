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
    from mobilezoo.coreml import Budget
    from mobilezoo.coreml.precision import Linear, Palette, Sparse

_AS_IT_IS, _WHOLE = "float16", "float32"


def compress(arguments: Namespace) -> None:
    """Write the file, and say what became of its size."""
    _environment.import_quietly()
    from mobilezoo.coreml import Budget, compress_coreml
    from mobilezoo.coreml.target import first_release

    wanted = _budget(arguments) or _calibrated(arguments, precisions(arguments))
    measured = {} if isinstance(wanted, Budget) else _measured(arguments)
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


def _budget(arguments: Namespace) -> Budget | None:
    """What the limits say together; None where there are none."""
    from mobilezoo.coreml import Budget

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
        return None
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
    return Budget(
        **given, data=_pictures(arguments), examples=arguments.examples,
        optimize=arguments.optimize, repair=arguments.repair is not False, weigh=arguments.weigh,
    )  # fmt: skip


def _calibrated(arguments: Namespace, wanted: Any) -> Any:
    """Precisions, "w8a8" with the pictures on which activations are measured."""
    from mobilezoo.coreml import W8A8

    if not _rounds_activations(arguments):
        return wanted
    if arguments.data is None:
        raise InvalidArgumentError(
            "--precision w8a8 rounds activations, too, whose ranges are measured by running the "
            "network: pass --data FOLDER with some pictures."
        )
    calibrated = W8A8(_pictures(arguments), arguments.examples)
    if not isinstance(wanted, dict):
        return calibrated
    return {key: calibrated if item == "w8a8" else item for key, item in wanted.items()}


def _measured(arguments: Namespace) -> dict[str, list[Any]]:
    """Pictures on which biases are repaired and weights weighed, as far as that is asked for."""
    wanted = [key for key in ("repair", "weigh") if getattr(arguments, key)]
    if arguments.data is None and wanted:
        raise InvalidArgumentError(f"--{wanted[0]} needs pictures: pass --data FOLDER, too.")
    if arguments.data is not None and not wanted and not _rounds_activations(arguments):
        raise InvalidArgumentError(
            "--data is for --repair, --weigh, w8a8, and the limits that choose a mix. Pass one of "
            "these, or leave it out."
        )
    return dict.fromkeys(wanted, _pictures(arguments)) if wanted else {}


def _rounds_activations(arguments: Namespace) -> bool:
    """Whether any of the precisions does."""
    names = [arguments.precision, *(given.rpartition("=")[2] for given in arguments.layer)]
    return "w8a8" in names


def _pictures(arguments: Namespace) -> list[Any]:
    return samples.read_samples(arguments.data, arguments.file, arguments.crop, arguments.examples)


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
    names = [arguments.precision, *(given.rpartition("=")[2] for given in arguments.layer)]
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
