"""Which weight gets which precision."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from mobilezoo.coreml.compress.budget import Budget
from mobilezoo.coreml.compress.codes import is_worthwhile
from mobilezoo.coreml.compress.constants import Constant
from mobilezoo.coreml.precision import MIXED, PRECISIONS, W8A8, Precision, Scheme
from mobilezoo.coreml.precision import precision as find_precision
from mobilezoo.errors import InvalidArgumentError, did_you_mean
from mobilezoo.graph import Graph, Node

_MOST_NAMED = 5  # layers in a message
_WHOLE_FILES = "float32"
_AS_IT_IS = PRECISIONS["float16"]
ITEM_BYTES = {"FLOAT16": 2, "FLOAT32": 4}

Names = Mapping[str, Sequence[str]]  # of an operation in the file -> of the layers it comes from
Chosen = Mapping[str, Precision]  # pattern -> precision, in the order in which they are tried


def find_precisions(given: Any) -> Precision | Chosen | Budget:
    """A precision for all weights, one for each pattern of names, or a budget.

    Raises:
        InvalidArgumentError: unknown precisions, or no patterns.
    """
    if isinstance(given, Budget):
        given.members()  # refuses what no budget can be
        return given
    if not isinstance(given, Mapping):
        return find_precision(given)
    if not given or not all(isinstance(pattern, str) for pattern in given):
        raise InvalidArgumentError(
            f"precision={given!r} must say a precision for each name or pattern of layers, such as "
            '{"block1*": "float16", "*": "palette4"}.'
        )
    found = {pattern: find_precision(item) for pattern, item in given.items()}
    whole = next((pattern for pattern, item in found.items() if item.name == _WHOLE_FILES), None)
    if whole is not None:
        raise InvalidArgumentError(
            f"precision of {whole!r}: float32 is a precision of whole files. Layers that are not "
            "compressed are 'float16'."
        )
    return found


def find_calibration(given: Any) -> W8A8 | None:
    """The examples on which activations are measured; None where none are rounded.

    Args:
        given: as the user gave it.

    Raises:
        InvalidArgumentError: activations are to be rounded and there are no examples, or several.
    """
    items = list(given.values()) if isinstance(given, Mapping) else [given]
    if "w8a8" in [item for item in items if isinstance(item, str)]:
        raise InvalidArgumentError(
            "precision='w8a8' rounds activations, whose ranges are measured by running the "
            "network: pass W8A8(data=pictures), with some examples as the file takes them "
            "(--precision w8a8 --data FOLDER of mobilezoo compress)."
        )
    found = {id(item): item for item in items if isinstance(item, W8A8)}
    if len(found) > 1:
        raise InvalidArgumentError(
            "Activations are measured on one set of examples: make one W8A8 and pass it for each "
            "pattern."
        )
    return next(iter(found.values()), None)


class Examples(NamedTuple):
    """Examples, as `read_data` takes them; None where they are not needed.

    Attributes:
        repair: on which biases are repaired.
        weigh: on which it is measured how the outputs hang on each weight.
        calibration: on which the ranges of activations are measured.
    """

    repair: Any
    weigh: Any
    calibration: W8A8 | None


def check_options(
    wanted: Precision | Chosen | Budget, *, keep_ends: bool, examples: Examples
) -> None:
    """Raise InvalidArgumentError where `keep_ends`, `repair` or `weigh` has no meaning."""
    given = [key for key in ("repair", "weigh") if getattr(examples, key) is not None]
    if isinstance(wanted, Budget) and given:
        raise InvalidArgumentError(
            f"{given[0]}= is for precisions; a Budget does so with its own data. Leave it out."
        )
    known = [item for item in members(wanted) if item.is_compressed]
    if examples.repair is not None and not known:
        raise InvalidArgumentError(
            "repair= makes up for weights in few bits, and there are none. Leave it out."
        )
    if examples.weigh is not None and not any(item.scheme is Scheme.PALETTE for item in known):
        raise InvalidArgumentError(
            "weigh= is for the tables of palettes, and there are none. Leave it out."
        )
    if isinstance(wanted, Budget) and keep_ends:
        raise InvalidArgumentError(
            "keep_ends=True is for precisions; a Budget measures what the first and the last layer "
            "are worth. Leave it out."
        )


def precision_name(wanted: Precision | Chosen | Budget) -> str:
    """What a file says of its precision; of a budget what it may be."""
    if isinstance(wanted, Budget):
        return names_of(wanted.members())
    if isinstance(wanted, Precision):
        return wanted.name
    return names_of(wanted.values())


def names_of(precisions: Iterable[Precision]) -> str:
    """What a file of several precisions says."""
    return MIXED + ", ".join(dict.fromkeys(item.name for item in precisions))


def members(wanted: Precision | Chosen | Budget) -> Sequence[Precision]:
    """The precisions that a file will have, or may have."""
    if isinstance(wanted, Budget):
        return wanted.members()
    return [wanted] if isinstance(wanted, Precision) else list(wanted.values())


def choose(
    constants: Sequence[Constant], wanted: Precision | Chosen, *, keep_ends: bool, names: Names
) -> dict[Constant, Precision]:
    """The precision of each weight that is to be compressed.

    Args:
        constants: all that could be.
        wanted: for all, or by patterns of names, of which the first that fits counts; weights
            that none fits stay as they are.
        keep_ends: whether the first and the last layer stay as they are.
        names: of the layers that operations come from.

    Raises:
        InvalidArgumentError: a pattern that fits no layer.
    """
    if isinstance(wanted, Mapping):
        known = [_names(constant, names) for constant in constants]
        _check_patterns(wanted, known, [constant.places[0].layer for constant in constants])
    kept = _ends(constants) if keep_ends else ()
    chosen = {}
    for constant in constants:
        precision = _precision_of(wanted, _names(constant, names))
        if precision is None or not precision.is_compressed or constant in kept:
            continue
        itemsize = ITEM_BYTES[constant.mil_type]
        if is_worthwhile(constant.shape, constant.axis, precision, itemsize):
            chosen[constant] = precision
    return chosen


def choose_by_names(
    layers: Sequence[Sequence[str]], wanted: Precision | Chosen, *, keep_ends: bool
) -> list[Precision]:
    """The precision of each weight, by the names of its layer; float16 where nothing fits.

    Args:
        layers: names of the layer of each weight, of which the first is its own; several weights
            may be of one layer.
        wanted: for all weights, or by patterns of names.
        keep_ends: whether the weights of the first and the last layer stay as they are.

    Raises:
        InvalidArgumentError: a pattern that fits no layer.
    """
    names = [_with_last(item) for item in layers]
    if isinstance(wanted, Mapping):
        _check_patterns(wanted, names, [item[0] for item in layers])
    kept = {item[0] for item in (*layers[:1], *layers[-1:])} if keep_ends else set()
    return [
        _AS_IT_IS if layer[0] in kept else _precision_of(wanted, item) or _AS_IT_IS
        for layer, item in zip(layers, names, strict=True)
    ]


def choose_for_nodes(
    graph: Graph, wanted: Precision | Chosen, *, keep_ends: bool
) -> Callable[[Node], Precision]:
    """The precision of the kernel of each node of a graph; float16 of those that nothing fits.

    Raises:
        InvalidArgumentError: a pattern that fits no node with a kernel.
    """
    nodes = [node for node in graph.nodes if "kernel" in node.weights]
    if isinstance(wanted, Mapping):
        names = [_with_last([node.name, *node.layers]) for node in nodes]
        _check_patterns(wanted, names, [node.name for node in nodes])
    kept = {node.name for node in (*nodes[:1], *nodes[-1:])} if keep_ends else set()

    def of(node: Node) -> Precision:
        found = _precision_of(wanted, _with_last([node.name, *node.layers]))
        return _AS_IT_IS if found is None or node.name in kept else found

    return of


def _precision_of(wanted: Precision | Chosen, names: Collection[str]) -> Precision | None:
    if not isinstance(wanted, Mapping):
        return wanted
    return next((item for pattern, item in wanted.items() if _fits(pattern, names)), None)


def _names(constant: Constant, names: Names) -> Collection[str]:
    """What users may call it: its own name, that of its operation, and the layers' paths."""
    found = [constant.name]
    for place in constant.places:
        found += [place.layer, *names.get(place.layer, ())]
    return _with_last(found)


def _with_last(paths: Sequence[str]) -> Collection[str]:
    """Paths of layers, and the layers' own names."""
    return dict.fromkeys(name for path in paths for name in (path, path.rpartition("/")[2]))


def _fits(pattern: str, names: Collection[str]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names)


def _check_patterns(
    wanted: Chosen, names: Sequence[Collection[str]], layers: Sequence[str]
) -> None:
    known = {name: None for item in names for name in item}
    lost = next((pattern for pattern in wanted if not _fits(pattern, known)), None)
    if lost is not None:
        listed = ", ".join(dict.fromkeys(layers[:_MOST_NAMED]))
        raise InvalidArgumentError(
            f"{lost!r} fits no layer with weights. There are {len(layers)}, such as {listed}."
            f"{did_you_mean(lost, known)}"
        )


def _ends(constants: Sequence[Constant]) -> Collection[Constant]:
    """The first and the last of each function."""
    first: dict[str, Constant] = {}
    last: dict[str, Constant] = {}
    for constant in constants:
        first.setdefault(constant.function, constant)
        last[constant.function] = constant
    return [*first.values(), *last.values()]
