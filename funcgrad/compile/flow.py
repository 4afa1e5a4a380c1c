"""Which results of a program have a tangent, when some of its arguments have one."""

from funcgrad.compile.kept import kept
from funcgrad.core.program import Program, Var
from funcgrad.core.types import is_inexact

__all__ = ["flow"]


@kept
def flow(program: Program, active: tuple[bool, ...]) -> tuple[bool, ...]:
    """Return which outputs can have a tangent that is not zero, when the `active` inputs have one."""
    known = {v for v, a in zip(program.inputs, active, strict=True) if a}
    for equation in program.equations:
        given = tuple([isinstance(a, Var) and a in known for a in equation.inputs])
        if not any(given) or not equation.primitive.differentiable:
            continue
        rule = equation.primitive.flow_rule
        reached = rule(given, **equation.params) if rule is not None else (True,) * len(equation.outputs)
        known.update(
            v for v, r in zip(equation.outputs, reached, strict=True) if r and is_inexact(v.type.dtype)
        )
    return tuple(isinstance(a, Var) and a in known for a in program.outputs)
