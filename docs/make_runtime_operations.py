"""Write docs/runtime-operations.md from the runtime's table and coremltools' list of ops.

    python docs/make_runtime_operations.py

A test compares the file with what this script makes.
"""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from types import ModuleType

from mobilezoo import _environment
from mobilezoo.runtime import ops
from mobilezoo.runtime.batch_rules import RULES

_environment.coremltools()  # silences what the next import would print
from coremltools.converters.mil.mil.ops.registry import SSAOpRegistry  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent))
from page_tables import first_line, group  # noqa: E402

TARGET = Path(__file__).with_name("runtime-operations.md")
_FIRST = 6  # the specification version of ML programs, iOS 15
_SYSTEMS = {6: "iOS 15", 7: "iOS 16", 8: "iOS 17", 9: "iOS 18"}


def text() -> str:
    """The page."""
    modules = sorted({_module(name).__name__: _module(name) for name in ops.OPS}.items())
    return f"""# What each op of an ML program computes

Made by `python docs/make_runtime_operations.py` from the runtime's functions: one for each of
{len(ops.OPS)} ops, with MIL's own name and parameters, whose docstring this is. `classify` names
the classes of an output. *At once*: several examples run at once where the leading axis stays
theirs; elsewhere one after the other, with the same results.

Axes are MIL's, (n, c, h, w) where an op knows about channels. Everything is computed in float32
(or [rounded further](float16-arithmetic.md)), whole numbers keep their type. Places beyond an axis
are an error, whatever `validate_indices` says; negative ones count from the end. Control flow
(`cond`, `while_loop`), lists, states and random numbers are not supported: a file that has any is
refused when it is opened. Neural networks (`.mlmodel`) have [layers](network-layers.md) instead of
ops.

{chr(10).join(_table(module) for _, module in modules)}"""


def _table(module: ModuleType) -> str:
    """One group: the ops of one module."""
    rows = [
        (f"`{name}`", first_line(ops.OPS[name]), _remarks(name), "yes" if name in RULES else "")
        for name in sorted(ops.OPS)
        if _module(name) is module
    ]
    return group(module, ("op", "computes", "op sets", "at once"), rows)


def _remarks(name: str) -> str:
    """Since when there is the op, and its later parameters; empty for those of iOS 15."""
    forms = {
        max(int(version), _FIRST): set(form.input_spec.input_types)
        for version, form in sorted(SSAOpRegistry.core_ops[name].items(), key=_version)
    }
    first = min(forms)
    remarks = [f"from {_SYSTEMS[first]}"] if first > _FIRST else []
    for parameter in inspect.signature(ops.OPS[name]).parameters:
        taken = [version for version, known in sorted(forms.items()) if parameter in known]
        if taken[0] > first:
            remarks.append(f"`{parameter}` from {_SYSTEMS[taken[0]]}")
        elif taken[-1] < max(forms):
            remarks.append(f"`{parameter}` to {_SYSTEMS[taken[-1]]}")
    return ", ".join(remarks)


def _version(item: tuple[object, object]) -> int:
    return int(item[0])  # type: ignore[call-overload]


def _module(name: str) -> ModuleType:
    module = inspect.getmodule(ops.OPS[name])
    assert module is not None
    return module


if __name__ == "__main__":
    TARGET.write_text(text(), "utf-8")
