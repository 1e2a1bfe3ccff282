"""May a network that is declared for one example run many at once?

It may if the leading axis of every value that depends on an input, 1 for one example, stays the
axis of examples, and no layer mixes what lies along it. That is proven layer by layer, from the
ranks of the values and the layers' own parameters. What cannot be proven runs one example at a
time: slower, never wrong.
"""

from __future__ import annotations

from collections.abc import Sequence

from mobilezoo.runtime.batch import NONSENSE
from mobilezoo.runtime.network.batch_rules import LOOSEN, RULES
from mobilezoo.runtime.network.layer_view import LayerView
from mobilezoo.runtime.network.ranks import rank_of
from mobilezoo.runtime.operations import Block, Operation


def many_at_once(block: Block, fetch: Sequence[str]) -> tuple[Operation, ...] | None:
    """The operations for any number of examples, or None where that is unproven."""
    if any(item.shape[:1] != (1,) for item in block.inputs):
        return None
    ranks = {item.name: len(item.shape) for item in block.inputs}
    moving = frozenset(ranks)
    rewritten = []
    for operation in block.operations:
        try:
            rank = rank_of(operation, ranks)
            if rank is None:
                return None
            made = {output.name for output in operation.outputs}
            ranks |= dict.fromkeys(made, rank)
            if moving.isdisjoint(operation.references()):
                rewritten.append(operation)
                moving -= made  # a copy may put a constant in an input's place
                continue
            loose = _loosened(LayerView(operation, ranks, moving, rank))
        except NONSENSE:
            return None
        if loose is None:
            return None
        rewritten.append(loose)
        moving |= made
    return tuple(rewritten) if moving.issuperset(fetch) else None


def _loosened(view: LayerView) -> Operation | None:
    """The layer for any number of examples, or None where its rule does not hold."""
    rule, loosen = RULES.get(view.operation.type), LOOSEN.get(view.operation.type)
    if rule is None or not rule(view):
        return None
    return view.operation if loosen is None else loosen(view)
