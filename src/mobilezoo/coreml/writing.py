"""What is to be written where, and the function that writes it."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from mobilezoo.coreml.compress.budget import Budget
from mobilezoo.coreml.compress.choice import (
    Chosen,
    Examples,
    check_options,
    choose_for_nodes,
    find_calibration,
    find_precisions,
    members,
    precision_name,
)
from mobilezoo.coreml.compress.compressing import write_in
from mobilezoo.coreml.emit import emit
from mobilezoo.coreml.interface import Interface
from mobilezoo.coreml.names import HELPERS, helper, program_names
from mobilezoo.coreml.neural_network import (
    Precisions,
    emit_network,
    make_updatable,
    write_network,
)
from mobilezoo.coreml.package import check_packages, write_package
from mobilezoo.coreml.precision import Precision
from mobilezoo.coreml.save import check_output
from mobilezoo.coreml.saved import Writer
from mobilezoo.coreml.target import Format, Target, choose_format, find_target, version_in
from mobilezoo.coreml.training import Candidates, OnDeviceTraining
from mobilezoo.errors import InvalidArgumentError
from mobilezoo.graph import Graph
from mobilezoo.runtime.package import read_model

Learning = tuple[OnDeviceTraining, Candidates]

_mil = threading.Lock()  # coremltools' builder keeps what it is building in globals


class File(NamedTuple):
    """What is to be written where.

    Attributes:
        path: None for a temporary folder.
        form: ML program or neural network.
        wanted: precision of all kernels, of each by patterns of names, or what they may cost.
        keep_ends: whether the first and the last layer stay in float16.
        examples: on which something is measured.
        system: the oldest that must run it; None: what it needs.
    """

    path: Path | None
    form: Format
    wanted: Precision | Chosen | Budget
    keep_ends: bool
    examples: Examples
    system: Target | None

    @property
    def precision(self) -> Precision:
        """That of activations, and of weights that are not in few bits."""
        return members(self.wanted)[0]

    @property
    def precision_name(self) -> str:
        """What the file says of its precision."""
        return precision_name(self.wanted)


def find_file(
    path: Any,
    precision: Any,
    minimum_deployment_target: Any,
    *,
    keep_ends: bool,
    repair: Any,
    weigh: Any,
    overwrite: bool,
) -> File:
    """Check the arguments that concern the file, before any work.

    Raises:
        InvalidArgumentError: one that cannot be used, or that do not go together.
        OutputExistsError: something is at `path` and `overwrite` is false.
    """
    wanted = find_precisions(precision)
    target = None if path is None else check_output(path, overwrite)
    system = None if minimum_deployment_target is None else find_target(minimum_deployment_target)
    examples = Examples(repair, weigh, find_calibration(precision))
    check_options(wanted, keep_ends=keep_ends, examples=examples)
    form, *_ = [choose_format(target, system, item) for item in members(wanted)]
    if form is Format.ML_PROGRAM:
        check_packages()
    elif isinstance(wanted, Budget) or repair is not None or weigh is not None:
        what = "A Budget" if isinstance(wanted, Budget) else "repair= or weigh="
        raise InvalidArgumentError(
            f"{what} is for ML programs. Choose a path that ends in .mlpackage, or leave it out."
        )
    return File(target, form, wanted, keep_ends, examples, system)


def find_writer(
    graph: Graph, features: Interface, file: File, description: Any, learning: Learning | None
) -> Writer:
    """The function that emits and writes the file, and returns its specification.

    Raises:
        InvalidArgumentError: a pattern of the precision that fits no layer.
    """
    if file.form is Format.NEURAL_NETWORK:
        return _network_writer(graph, features, file, description, learning)
    emitted = partial(emit, graph, features, file.precision)

    def write_whole(folder: Path) -> Any:
        with _mil:
            return write_package(emitted, description, folder)

    if not any(item.is_compressed for item in members(file.wanted)):
        return write_whole

    def write(fresh: Path) -> Any:
        with tempfile.TemporaryDirectory(prefix=".whole-", dir=fresh.parent) as folder:
            whole = Path(folder) / fresh.name
            write_whole(whole)
            return write_in(
                read_model(whole), fresh, file.wanted, file.examples,
                keep_ends=file.keep_ends, names=_names(graph),
            )  # fmt: skip

    return write


def _network_writer(
    graph: Graph, features: Interface, file: File, description: Any, learning: Learning | None
) -> Writer:
    assert not isinstance(file.wanted, Budget)
    precisions = Precisions(
        file.precision.dtype,
        max(version_in(file.form, item) or 0 for item in members(file.wanted)),
        choose_for_nodes(graph, file.wanted, keep_ends=file.keep_ends),
    )

    def write(fresh: Path) -> Any:
        network = emit_network(graph, features, precisions, description)
        if learning is not None:
            make_updatable(network, *learning)
        write_network(network, fresh)
        return network

    return write


def _names(graph: Graph) -> Mapping[str, tuple[str, ...]]:
    """The Keras layers that each operation of the program comes from."""
    found = {}
    names = program_names(graph)
    for node in graph.nodes:
        own = names[node.name]
        for name in (own, *(helper(own, suffix) for suffix in HELPERS)):
            found[name] = (node.name, *node.layers)
    return found
