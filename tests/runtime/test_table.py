"""The table of ops, coremltools' list of them, and the rules for several examples."""

import inspect

import pytest

from mobilezoo import _environment
from mobilezoo.runtime.batch_rules import LOOSEN, RULES
from mobilezoo.runtime.ops import OPS

_environment.coremltools()

from coremltools.converters.mil.mil.ops.registry import SSAOpRegistry  # noqa: E402

KNOWN = {name: tuple(forms.values()) for name, forms in SSAOpRegistry.core_ops.items()}
# what the parser takes itself, control flow, lists, states, and what draws random numbers
ELSEWHERE = {
    "_const_symbolic", "classify", "cond", "const", "list_gather", "list_length", "list_read",
    "list_scatter", "list_write", "make_list", "random_bernoulli", "random_categorical",
    "random_normal", "random_uniform", "read_state", "while_loop",
}  # fmt: skip


def test_every_op_of_coremltools_is_here_or_accounted_for():
    assert set(OPS) == set(KNOWN) - ELSEWHERE


@pytest.mark.parametrize("name", sorted(OPS))
def test_parameters_are_those_of_every_opset(name):
    mil = {parameter for form in KNOWN[name] for parameter in form.input_spec.input_types}
    mine = set(inspect.signature(OPS[name]).parameters)

    assert mine == mil


@pytest.mark.parametrize("name", sorted(OPS))
def test_what_the_file_may_leave_out_has_a_default(name):
    parameters = inspect.signature(OPS[name]).parameters.values()
    required = {item.name for item in parameters if item.default is item.empty}

    for form in KNOWN[name]:
        optional = {k for k, v in form.input_spec.input_types.items() if v.optional}
        assert required.isdisjoint(optional)
        assert required <= set(form.input_spec.input_types)


@pytest.mark.parametrize("name", sorted(OPS))
def test_every_op_says_what_it_does(name):
    assert inspect.getdoc(OPS[name])


def test_rules_are_for_ops_that_there_are():
    assert RULES.keys() <= OPS.keys()
    assert LOOSEN.keys() <= RULES.keys()
