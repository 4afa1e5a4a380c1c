"""Primitives without a lowering rule, as what their evaluation does: so one written with NumPy's functions is native."""

from typing import Any

from funcgrad.core.interpret import run
from funcgrad.core.program import Equation, Program, Var
from funcgrad.core.staging import stage_flat
from funcgrad.programs.decompose import decomposed, with_rule
from funcgrad.programs.memo import memoized

__all__ = ["evaluations_traced"]


def evaluations_traced(program: Program) -> Program:
    """Return the program with each `traceable` primitive written out by tracing its evaluation.

    This comes after derivatives, which are those that the primitive states.
    """
    return with_rule(program, _rule)


def _rule(equation: Equation) -> Any:
    primitive = equation.primitive
    if not primitive.traceable:
        return None
    inputs = tuple([Var(a.type) for a in equation.inputs])
    outputs = tuple([Var(v.type) for v in equation.outputs])
    alone = Equation(primitive, inputs, equation.params, outputs)
    traced = _traced(Program(inputs, (), (alone,), outputs, name=primitive.name))
    if traced is None:
        return None
    return lambda *args, **params: tuple(run(traced, args)) if primitive.multiple else run(traced, args)[0]


@memoized
def _traced(program: Program) -> Program | None:
    """Return what the evaluation in a program of one equation does; None where it cannot be traced."""
    (equation,) = program.equations
    primitive = equation.primitive

    def evaluate(*xs):
        out = primitive.eval_rule(*xs, **equation.params)
        return list(out) if primitive.multiple else [out]

    try:
        traced = evaluations_traced(decomposed(stage_flat(evaluate, program.in_types, primitive.name)))
    except Exception:  # it needs values: NumPy calls it, then
        return None
    same = [t.strong() for t in traced.out_types] == [t.strong() for t in program.out_types]
    return traced if same else None
