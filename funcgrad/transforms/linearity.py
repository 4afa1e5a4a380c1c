"""Whether programs are linear, equation by equation: what can be transposed."""

from collections.abc import Sequence

from funcgrad.core.primitive import Primitive
from funcgrad.core.program import Program, Var
from funcgrad.core.types import ArrayType

__all__ = ["is_linear", "is_linear_step", "results_reached"]


def is_linear(program: Program, given: Sequence[bool]) -> bool:
    """Whether the results that depend on the given inputs are linear in them together."""
    linear = {v for v, g in zip(program.inputs, given, strict=True) if g}
    for equation in program.equations:
        own = tuple([isinstance(a, Var) and a in linear for a in equation.inputs])
        if not any(own):
            continue
        types = [a.type for a in equation.inputs]
        if not is_linear_step(equation.primitive, own, types, equation.params):
            return False
        flags = results_reached(equation.primitive, own, len(equation.outputs), equation.params)
        linear.update(v for v, r in zip(equation.outputs, flags, strict=True) if r)
    return True


def is_linear_step(
    primitive: Primitive, given: Sequence[bool], types: Sequence[ArrayType], params: dict
) -> bool:
    """Whether a primitive is linear in the given arguments together."""
    if primitive.linear_rule is not None:
        return primitive.linear_rule(tuple(given), *types, **params)
    return primitive.linear_together([i for i, g in enumerate(given) if g], len(given))


def results_reached(primitive: Primitive, given: Sequence[bool], count: int, params: dict) -> Sequence[bool]:
    """Return which results of a linear step depend on the given arguments."""
    if primitive.flow_rule is None:
        return (True,) * count
    return primitive.flow_rule(tuple(given), **params)
