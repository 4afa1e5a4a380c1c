"""custom_linear_solve: the solution of a linear system, differentiated by the system rather than through its solver."""

from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad import tree
from funcgrad.control.bodies import leaves_of, strong
from funcgrad.control.implicit_problem import (
    ImplicitProblem,
    as_float,
    dense_solve,
    for_solvers,
    staged_square,
)
from funcgrad.core.closures import captured_by
from funcgrad.core.interpret import replaced, run
from funcgrad.core.primitive import Primitive, Sample, box
from funcgrad.core.staging import name_of, stage_flat
from funcgrad.core.tracer import bind
from funcgrad.core.types import ArrayType
from funcgrad.errors import DTypeError
from funcgrad.transforms.arguments import as_derivative
from funcgrad.transforms.jvp import jvp
from funcgrad.transforms.vjp import vjp

__all__ = ["custom_linear_solve"]


class LinearSolve(Primitive):
    """The x with matvec(captured, x) = b, for a linear matvec.

    x_dot = A^-1 (b_dot - A_dot x); b_bar = A^-T x_bar, captured_bar = -(A_dot x)^T b_bar.
    """

    name = "linear_solve"
    repeats = True
    multiple = True

    def type_rule(self, *types, equation):
        return tuple(strong(types[equation.captured :]))

    def eval_rule(self, *args, equation):
        captured, b = args[: equation.captured], args[equation.captured :]
        return tuple(np.asarray(x)[()] for x in equation.solved(captured, b))

    def jvp_rule(self, x_dots, xs, *args, equation):
        captured, n = args[: equation.captured], equation.captured
        right = [as_derivative(d, x) for d, x in zip(x_dots[n:], xs, strict=True)]
        places = [i for i, d in enumerate(x_dots[:n]) if d is not None]
        if places:

            def product(*changing):
                given = replaced(captured, places, changing)
                return tuple(run(equation.program, [*given, *xs]))

            _, change = jvp(product, tuple(captured[i] for i in places), tuple(x_dots[i] for i in places))
            right = [r - c for r, c in zip(right, change, strict=True)]
        return bind(self, *captured, *right, equation=equation)

    def linear_rule(self, given, *types, equation):
        return not any(given[: equation.captured])

    def vjp_rule(self, needs, x_bars, xs, *args, equation):
        captured, n = args[: equation.captured], equation.captured
        bars = [as_derivative(b, x) for b, x in zip(x_bars, xs, strict=True)]
        b_bars = bind(self, *captured, *bars, equation=_transposed(equation))
        places = [i for i in range(n) if needs[i]]
        found: dict[int, Any] = {}
        if places:

            def product(*changing):
                given = replaced(captured, places, changing)
                return tuple(run(equation.program, [*given, *xs]))

            pulled = vjp(product, *(captured[i] for i in places))[1](tuple(b_bars))
            found = {i: -c for i, c in zip(places, pulled, strict=True)}
        return [*(found.get(i) for i in range(n)), *b_bars]

    def samples(self):
        multiply = stage_flat(
            lambda a, x: [a @ x], [ArrayType((2, 2), float), ArrayType((2,), float)], "multiply"
        )
        solve = lambda matvec, b: dense_solve(lambda x: (matvec(x[0]),), (b,), (b,))[0]
        equation = ImplicitProblem("battery", multiply, 1, tree.structure(0.0), solve, transposed=solve)
        return [Sample((box((2, 2)).array() + 2 * np.eye(2), box((2,)).array()), {"equation": equation})]


linear_solve_p = LinearSolve()


def _transposed(equation: ImplicitProblem) -> ImplicitProblem:
    """Return the equation with the transposed matrix."""
    if equation.transposed is None:
        raise DTypeError(
            f"{equation.name}: expected transpose_solve for a derivative in reverse, got None.",
            hint="pass transpose_solve=solve where the solver takes any matrix, or symmetric=True.",
        )
    n = equation.captured
    program = equation.program
    types = [*program.in_types[:n], *(t.strong() for t in program.out_types)]

    def pulled(*flat):
        captured, y = flat[:n], flat[n:]
        zeros = [np.zeros(t.shape, t.dtype) for t in program.in_types[n:]]
        return list(vjp(lambda *x: tuple(run(program, [*captured, *x])), *zeros)[1](tuple(y)))

    other = stage_flat(pulled, types, f"transpose of {equation.name}")
    return ImplicitProblem(
        other.name,
        other,
        n,
        equation.treedef,
        equation.transposed,
        transposed=equation.solve,
        standing=equation.standing,
    )


def custom_linear_solve(
    matvec: Callable,
    b: Any,
    solve: Callable,
    *,
    transpose_solve: Callable | None = None,
    symmetric: bool = False,
) -> Any:
    """Return the x with matvec(x) = b, with the derivative the equation has, not the solver.

    Args:
        matvec: a linear function; it may close over traced values.
        b: the right side, arrays in any containers.
        solve: `solve(matvec, b)` gives x, by any means.
        transpose_solve: the same for the transposed matrix; needed in reverse mode, unless `symmetric`.
        symmetric: the matrix is its own transpose, so that `solve` serves for both.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> diagonal = np.array([2.0, 4.0])
    >>> solve = lambda matvec, b: b / matvec(np.ones(2))
    >>> f = lambda d: fg.custom_linear_solve(lambda x: d * x, np.ones(2), solve, symmetric=True).sum()
    >>> fg.grad(f)(diagonal)
    array([-0.25  , -0.0625])
    """
    owner = (
        f"custom_linear_solve of {name_of(matvec)}" if name_of(matvec) != "lambda" else "custom_linear_solve"
    )
    right, types, treedef = leaves_of(b, owner, "b")
    body = staged_square(owner, matvec, types, treedef)
    transposed = solve if symmetric else transpose_solve
    standing = captured_by(solve, transposed)
    captured = [*body.consts, *standing]
    program = for_solvers(body.program, len(body.consts), standing)
    equation = ImplicitProblem(
        owner, program, len(captured), treedef, solve, transposed=transposed, standing=standing
    )
    return tree.unflatten(treedef, bind(linear_solve_p, *captured, *map(as_float, right), equation=equation))
