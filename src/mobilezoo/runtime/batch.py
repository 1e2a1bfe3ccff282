"""May a program that is declared for one example run many at once?

It may if the leading axis, declared 1, stays the axis of examples through every operation
that depends on an input, and no operation mixes what lies along it. `batched` proves that
operation by operation, from declared shapes and constants, and loosens the constants that
spell the 1 out. What it cannot prove is run one example at a time: slower, never wrong.
"""

from __future__ import annotations

from dataclasses import replace

from mobilezoo.runtime.batch_rules import LOOSEN, RULES
from mobilezoo.runtime.operation_view import OperationView
from mobilezoo.runtime.operations import Block, Operation

# what a rule raises where a parameter makes no sense, which is told when the program runs
NONSENSE = (TypeError, ValueError, LookupError, ArithmeticError)


def batched(block: Block) -> tuple[Operation, ...] | None:
    """The operations, rewritten for any number of examples, or None where that is unproven."""
    if not block.inputs or any(item.shape[:1] != (1,) for item in block.inputs):
        return None
    shapes = {item.name: item.shape for item in block.inputs}
    moving = frozenset(shapes)
    rewritten = []
    for operation in block.operations:
        shapes |= {output.name: output.shape for output in operation.outputs}
        if moving.isdisjoint(operation.references()):
            rewritten.append(operation)
            continue
        try:
            loose = _loosened(OperationView(operation, shapes, moving))
        except NONSENSE:
            return None
        if loose is None:
            return None
        rewritten.append(loose)
        moving |= {output.name for output in operation.outputs}
    return tuple(rewritten) if _ends_moving(block, moving) else None


def _ends_moving(block: Block, moving: frozenset[str]) -> bool:
    """Whether everything that leaves the program has one row per example."""
    if block.classifier is None:
        return moving.issuperset(block.outputs)
    named = {block.classifier.label_output, block.classifier.probability_output}
    return block.classifier.probabilities in moving and moving.issuperset(
        set(block.outputs) - named
    )


def _loosened(view: OperationView) -> Operation | None:
    """The operation for any number of examples, or None where its rule does not hold."""
    operation = view.operation
    holds = RULES.get(operation.type)
    if holds is None or any(output.shape[:1] != (1,) for output in operation.outputs):
        return None
    if not holds(view):
        return None
    loosen = LOOSEN.get(operation.type)
    changed = {} if loosen is None else loosen(view)
    return replace(
        operation,
        arguments={**operation.arguments, **changed},
        outputs=tuple(
            replace(output, shape=(None, *output.shape[1:])) for output in operation.outputs
        ),
    )
