"""If-conversion: of branches that cost less than choosing one, all are computed and their results selected."""

import numpy as np

from funcgrad.core.primitive import primitive_named
from funcgrad.core.program import Atom, Equation, Literal, Program, Var
from funcgrad.core.types import ArrayType

__all__ = ["if_converted"]

# About what calling a branch and passing its arguments through memory costs, in additions.
BRANCH_ADDITIONS = 100


def if_converted(program: Program) -> Program:
    """Return the program with every choice among cheap branches made by selecting results."""
    if not any(_is_cheap(e) for e in program.equations):
        return program
    equations: list[Equation] = []
    for equation in program.equations:
        if _is_cheap(equation):
            _select(equation, equations)
        else:
            equations.append(equation)
    return program.replaced(equations=equations)


def _is_cheap(equation: Equation) -> bool:
    return equation.primitive.name == "switch" and _cost(equation) <= BRANCH_ADDITIONS


def _cost(equation: Equation) -> float:
    """Return what an equation costs, in additions; infinite if it cannot be computed in vain."""
    primitive = equation.primitive
    if primitive.name == "switch":
        branches = equation.params["branches"]
        if len(branches) < 2 or any(branch.constants for branch in branches):
            return np.inf
        return sum(v.type.size for v in equation.outputs) + sum(
            _cost(e) for b in branches for e in b.equations
        )
    if any(v.type.dtype.kind not in primitive.speculative for v in equation.outputs):
        return np.inf
    points = max([x.type.size for x in (*equation.outputs, *equation.inputs)])
    return 0 if primitive.view else points * primitive.cost


def _select(choice: Equation, equations: list[Equation]) -> None:
    """Append the equations of all branches, and those that select one's results."""
    index, *operands = choice.inputs
    results = [_spliced(branch, operands, equations) for branch in choice.params["branches"]]
    chosen = results[-1]
    less_equal, select = primitive_named("less_equal"), primitive_named("select")
    for n in reversed(range(len(results) - 1)):
        mine = Var(ArrayType((), bool))
        equations.append(Equation(less_equal, (index, Literal(np.int64(n))), {}, (mine,), choice.source))
        outputs = choice.outputs if n == 0 else tuple(Var(v.type) for v in choice.outputs)
        for x, y, out in zip(results[n], chosen, outputs, strict=True):
            equations.append(Equation(select, (mine, x, y), {}, (out,), choice.source))
        chosen = list(outputs)


def _spliced(branch: Program, operands: list[Atom], equations: list[Equation]) -> list[Atom]:
    """Append a branch's equations, with variables of their own; return its results."""
    known: dict[Var, Atom] = dict(zip(branch.inputs, operands, strict=True))

    def read(atom: Atom) -> Atom:
        return known[atom] if isinstance(atom, Var) else atom

    for inner in branch.equations:
        outputs = tuple(Var(v.type) for v in inner.outputs)
        equation = Equation(
            inner.primitive, tuple(map(read, inner.inputs)), inner.params, outputs, inner.source
        )
        if inner.primitive.name == "switch":
            _select(equation, equations)
        else:
            equations.append(equation)
        known.update(zip(inner.outputs, outputs, strict=True))
    return [read(a) for a in branch.outputs]
