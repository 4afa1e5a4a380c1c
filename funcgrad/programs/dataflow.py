"""Activity analysis: which results of a program can have a tangent; and which depend on some arguments at all."""

from funcgrad.core.dataflow import Flags, marked
from funcgrad.core.program import Equation, Program
from funcgrad.core.types import is_inexact
from funcgrad.programs.memo import memoized

__all__ = ["activity", "depends_on"]


@memoized
def activity(program: Program, active: Flags) -> Flags:
    """Return which outputs can have a tangent that is not zero, when the `active` inputs have one."""
    return marked(program, active, _active_results)


def _active_results(equation: Equation, active: Flags) -> Flags:
    primitive = equation.primitive
    if not primitive.differentiable:
        return (False,) * len(equation.outputs)
    rule = primitive.activity_rule
    reached = (True,) * len(equation.outputs) if rule is None else rule(active, **equation.params)
    return tuple([r and is_inexact(v.type.dtype) for v, r in zip(equation.outputs, reached, strict=True)])


@memoized
def depends_on(program: Program, given: Flags) -> Flags:
    """Return which outputs can depend on the given inputs."""
    return marked(program, given, lambda equation, flags: (True,) * len(equation.outputs))
