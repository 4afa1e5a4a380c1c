"""Whether programs are linear, equation by equation: what can be transposed."""

from collections.abc import Sequence

from funcgrad.core.dataflow import Flags, marked
from funcgrad.core.primitive import Primitive
from funcgrad.core.program import Equation, Program
from funcgrad.core.types import ArrayType

__all__ = ["is_linear", "is_linear_step", "results_reached"]


def is_linear(program: Program, given: Sequence[bool]) -> bool:
    """Whether the results that depend on the given inputs are linear in them together."""
    linear = True

    def step(equation: Equation, own: Flags) -> Sequence[bool]:
        nonlocal linear
        types = [a.type for a in equation.inputs]
        linear = linear and is_linear_step(equation.primitive, own, types, equation.params)
        if not linear:
            return (False,) * len(equation.outputs)
        return results_reached(equation.primitive, own, len(equation.outputs), equation.params)

    marked(program, given, step)
    return linear


def is_linear_step(
    primitive: Primitive, given: Sequence[bool], types: Sequence[ArrayType], params: dict
) -> bool:
    """Whether a primitive is linear in the given arguments together."""
    if primitive.linear_rule is not None:
        return primitive.linear_rule(tuple(given), *types, **params)
    return primitive.linear_together([i for i, g in enumerate(given) if g], len(given))


def results_reached(primitive: Primitive, given: Sequence[bool], count: int, params: dict) -> Sequence[bool]:
    """Return which results of a linear step depend on the given arguments."""
    if primitive.activity_rule is None:
        return (True,) * count
    return primitive.activity_rule(tuple(given), **params)
