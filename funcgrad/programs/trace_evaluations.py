"""Primitives without a lowering rule, as what their evaluation does: so one written with NumPy's functions is native."""

from functools import lru_cache
from typing import Any

from funcgrad.core.interpret import run
from funcgrad.core.primitive import Primitive
from funcgrad.core.program import Equation, Program
from funcgrad.core.staging import stage_flat
from funcgrad.core.types import ArrayType
from funcgrad.programs.decompose import decomposed, with_rule

__all__ = ["evaluations_traced"]


def evaluations_traced(program: Program) -> Program:
    """Return the program with each `traceable` primitive written out by tracing its evaluation.

    This comes after derivatives, which are those that the primitive states.
    """
    return with_rule(program, _rule)


def _rule(equation: Equation) -> Any:
    primitive, params = equation.primitive, equation.params
    if not primitive.traceable:
        return None
    traced = _traced(primitive, tuple([a.type for a in equation.inputs]), tuple(sorted(params.items())))
    if traced is None:
        return None
    return lambda *args, **params: tuple(run(traced, args)) if primitive.multiple else run(traced, args)[0]


@lru_cache(256)
def _traced(primitive: Primitive, types: tuple[ArrayType, ...], params: tuple) -> Program | None:
    """Return what the evaluation of arguments of these types does; None where it cannot be traced."""
    named = dict(params)

    def evaluate(*xs):
        out = primitive.eval_rule(*xs, **named)
        return list(out) if primitive.multiple else [out]

    try:
        program = evaluations_traced(decomposed(stage_flat(evaluate, list(types), primitive.name)))
        stated = primitive.type_rule(*types, **named)
    except Exception:  # it needs values: NumPy calls it, then
        return None
    wanted = stated if primitive.multiple else (stated,)
    return program if [t.strong() for t in program.out_types] == [t.strong() for t in wanted] else None
