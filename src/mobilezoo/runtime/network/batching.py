"""May a network that is declared for one example run many at once?

It may if the leading axis of every value that depends on an input, 1 for one example, stays the
axis of examples, and no layer mixes what lies along it. That is proven layer by layer, from the
ranks of the values and the layers' own parameters. What cannot be proven runs one example at a
time: slower, never wrong.
"""

from __future__ import annotations

from collections.abc import Sequence

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
        rank = rank_of(operation, ranks)
        if rank is None:
            return None
        made = {output.name for output in operation.outputs}
        ranks |= dict.fromkeys(made, rank)
        if moving.isdisjoint(operation.references()):
            rewritten.append(operation)
            moving -= made  # a copy may put a constant in an input's place
            continue
        view = LayerView(operation, ranks, moving, rank)
        if not _holds(view):
            return None
        loosen = LOOSEN.get(operation.type)
        rewritten.append(operation if loosen is None else loosen(view))
        moving |= made
    return tuple(rewritten) if moving.issuperset(fetch) else None


def _holds(view: LayerView) -> bool:
    rule = RULES.get(view.operation.type)
    return rule is not None and rule(view)
