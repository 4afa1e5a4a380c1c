"""Branches that cost less than choosing one: both are computed, and their results selected."""

import numpy as np

from funcgrad.compile.expression import COSTS
from funcgrad.core.primitive import primitive_named
from funcgrad.core.program import Atom, Equation, Literal, Program, Var
from funcgrad.core.types import ArrayType

__all__ = ["branchless"]

# About what calling a branch and passing its arguments through memory costs, in additions.
CALL = 100
# Operations that can be done in vain: they give a number for all arguments, and nothing else.
_HARMLESS = frozenset(
    {
        "absolute", "add", "bitwise_and", "bitwise_or", "bitwise_xor", "broadcast_to", "convert", "copysign", "cos", "divide", "equal", "exp", "expm1", "flip",
        "greater", "greater_equal", "guarded_multiply", "index", "invert", "isfinite", "isinf", "isnan", "less",
        "less_equal", "log", "log1p", "logical_and", "logical_not", "logical_or", "logical_xor", "logistic", "max", "maximum", "min",
        "minimum", "multiply", "negative", "not_equal", "place", "reciprocal", "reshape", "select", "sign", "sin",
        "sqrt", "square", "subtract", "sum", "tanh", "times", "to_integer", "transpose",
    }
)  # fmt: skip


def branchless(program: Program) -> Program:
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
    return equation.primitive.name == "switch" and _cost(equation) <= CALL


def _cost(equation: Equation) -> float:
    """Return what an equation costs, in additions; infinite if it cannot be computed in vain."""
    name = equation.primitive.name
    if name == "switch":
        branches = equation.params["branches"]
        if len(branches) < 2 or any(branch.constants for branch in branches):
            return np.inf
        return sum(v.type.size for v in equation.outputs) + sum(
            _cost(e) for b in branches for e in b.equations
        )
    if name not in _HARMLESS:
        return np.inf
    (out,) = [v.type for v in equation.outputs]
    if name == "divide" and out.dtype.kind not in "fc":
        return np.inf
    points = max([out.size, *(a.type.size for a in equation.inputs)])
    return 0 if equation.primitive.view else points * COSTS.get(name, 1)


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
