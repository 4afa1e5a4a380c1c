"""Implicit functions: solutions of equations, differentiated by the equation rather than through its solver."""

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
    newton,
    staged_square,
)
from funcgrad.control.linear_systems import custom_linear_solve
from funcgrad.control.looping import while_loop
from funcgrad.core.closures import captured_by
from funcgrad.core.interpret import replaced, run
from funcgrad.core.primitive import Primitive, Sample, box
from funcgrad.core.staging import name_of, stage_flat
from funcgrad.core.tracer import Tracer, bind
from funcgrad.core.types import ArrayType, shape_of, type_of
from funcgrad.transforms.arguments import as_derivative
from funcgrad.transforms.jvp import jvp
from funcgrad.transforms.vmap import vmap

__all__ = ["custom_fixed_point", "custom_root"]


class Root(Primitive):
    """The x with f(captured, x) = 0, from a first guess, on which it does not depend.

    x_dot = -(df/dx)^-1 (df/dcaptured) captured_dot (the implicit function theorem).

    `batched` has a size, and which arguments are batched, for each axis of examples in front, the outermost first.
    """

    name = "root"
    repeats = True
    multiple = True

    def type_rule(self, *types, equation, batched=()):
        types = list(types)
        for size, flags in reversed(batched):
            types = [
                t if b else ArrayType((size, *t.shape), t.dtype) for t, b in zip(types, flags, strict=True)
            ]
        return tuple(strong(types[equation.captured :]))

    def eval_rule(self, *args, equation, batched=()):
        if not batched:
            captured, guess = args[: equation.captured], args[equation.captured :]
            out = equation.solved(captured, guess)
            return tuple(map(_like, out, guess))
        (size, flags), *inner = batched

        def one(*xs):
            return self.eval_rule(*xs, equation=equation, batched=tuple(inner))

        if equation.traceable:
            return vmap(one, in_axes=tuple(0 if b else None for b in flags), axis_size=size)(*args)
        rows = [one(*(x[i] if b else x for x, b in zip(args, flags, strict=True))) for i in range(size)]
        types = self.type_rule(*map(type_of, args), equation=equation, batched=batched)
        return tuple(
            np.stack(column) if rows else np.empty(t.shape, t.dtype)
            for column, t in zip(zip(*rows, strict=True) if rows else types, types, strict=True)
        )

    def decompose_rule(self, *args, equation, batched=()):
        if equation.traceable:
            return self.eval_rule(*args, equation=equation, batched=batched)
        return bind(self, *args, equation=equation, batched=batched)

    def batch_rule(self, size, flags, *args, equation, batched=()):
        outer = (size, tuple(map(bool, flags)))
        return bind(self, *args, equation=equation, batched=(outer, *batched)), True

    def jvp_rule(self, x_dots, xs, *args, equation, batched=()):
        if not batched:
            return _root_tangents(equation, x_dots, xs, args)
        (size, flags), *inner = batched
        axes = tuple(0 if b else None for b in flags)
        given = [i for i, d in enumerate(x_dots[: equation.captured]) if d is not None]

        def one(dots, xs, args):
            each = [None] * len(args)
            for i, dot in zip(given, dots, strict=True):
                each[i] = dot
            return self.jvp_rule(each, xs, *args, equation=equation, batched=tuple(inner))

        dots = tuple(x_dots[i] for i in given)
        return vmap(one, in_axes=(tuple(axes[i] for i in given), 0, axes), axis_size=size)(
            dots, tuple(xs), args
        )

    def samples(self):
        cube = stage_flat(lambda a, x: [x * x * x + x - a], [ArrayType((2,), float)] * 2, "cube")
        equation = ImplicitProblem("battery", cube, 1, tree.structure(0.0), newton)
        return [Sample((box((2,)).array(), np.zeros(2)), {"equation": equation, "batched": ()})]


def _like(x: Any, guess: Any) -> Any:
    """Return a solution in the dtype and shape of the guess."""
    if type(x) is Tracer or type(guess) is Tracer:
        return x
    return np.asarray(x, type_of(guess).dtype).reshape(shape_of(guess))[()]


def _root_tangents(equation, x_dots, xs, args):
    """Return the tangents of a solution, from those of what the equation captures."""
    captured = args[: equation.captured]
    places = [i for i, d in enumerate(x_dots[: equation.captured]) if d is not None]
    if not places:
        return tuple(as_derivative(None, x) for x in xs)

    def residual(*changing):
        given = replaced(captured, places, changing)
        return tuple(run(equation.program, [*given, *xs]))

    def by_x(x):
        return tuple(run(equation.program, [*captured, *x]))

    _, r = jvp(residual, tuple(captured[i] for i in places), tuple(x_dots[i] for i in places))
    if equation.tangent_solve is None:
        return tuple(-v for v in dense_solve(by_x, xs, r))

    def matvec(v):
        pushed = jvp(lambda *x: by_x(x), tuple(xs), tuple(tree.leaves(v)))[1]
        return tree.unflatten(equation.treedef, list(pushed))

    right = tree.unflatten(equation.treedef, list(r))
    solve = equation.tangent_solve
    with equation.stand_ins(captured):
        solved = custom_linear_solve(matvec, right, solve, transpose_solve=solve)
    return tuple(-v for v in tree.leaves(solved))


root_p = Root()


def custom_root(
    f: Callable,
    initial_guess: Any,
    solve: Callable | None = None,
    tangent_solve: Callable | None = None,
    *,
    also: Callable | None = None,
    compiled: bool = False,
    traceable: bool = False,
) -> Any:
    """Return the x with f(x) = 0, with the derivative the equation has, not the solver.

        x_dot = -(df/dx)^-1 f_dot

    Args:
        f: a function of x, of the same containers and shapes; it may close over traced values, by which the
            solution is differentiated.
        initial_guess: where the solver begins; the solution does not depend on it.
        solve: `solve(f, initial_guess)` gives the solution, by any means (SciPy, or a while_loop); Newton's method
            with the whole Jacobian when it is not given.
        tangent_solve: `tangent_solve(matvec, b)` solves the linear equation of the derivative; by the whole Jacobian
            when it is not given.
        also: another function of x, of one array, that the solver is given as a third argument: an objective, say,
            where f is its gradient. Like f it is given with the values of what it closes over.
        compiled: give the solver compiled functions.
        traceable: the solver is made of array functions and funcgrad's loops alone, so that it can be batched, and
            compiled as part of the program around it; another one is called back, one example after another.

    Raises:
        TreeError, ShapeError: when f or the solver return other containers or shapes.

    Derivative: in both directions, to any order.

    Reference: Blondel et al. (2022), Efficient and modular implicit differentiation.

    >>> import funcgrad as fg
    >>> fg.grad(lambda a: fg.custom_root(lambda x: x**3 + x - a, 1.0))(2.0)
    np.float64(0.25)
    """
    owner = f"custom_root of {name_of(f)}" if name_of(f) != "lambda" else "custom_root"
    guess, types, treedef = leaves_of(initial_guess, owner, "initial_guess")
    body = staged_square(
        owner, f if also is None else lambda x: (f(x), also(x)), types, treedef, also is not None
    )
    program, more = body.program, None
    if also is not None:
        *outputs, extra = program.outputs
        program, more = program.computing(outputs), program.computing([extra])
    standing = captured_by(solve, tangent_solve)
    captured = [*body.consts, *standing]
    equation = ImplicitProblem(
        owner,
        for_solvers(program, len(body.consts), standing),
        len(captured),
        treedef,
        solve or newton,
        tangent_solve=tangent_solve,
        also=None if more is None else for_solvers(more, len(body.consts), standing),
        compiled=compiled,
        traceable=traceable,
        standing=standing,
    )
    out = bind(root_p, *captured, *map(as_float, guess), equation=equation, batched=())
    return tree.unflatten(treedef, out)


def custom_fixed_point(
    f: Callable, initial_guess: Any, *, tolerance: float = 1e-12, max_steps: int = 10_000
) -> Any:
    """Return the x with x = f(x), by iteration, with the derivative the equation has.

    Args:
        f: a contraction; it may close over traced values, by which the solution is differentiated.
        initial_guess: where the iteration begins.
        tolerance: the iteration ends when no element changes by more, relative to 1 + abs(x).
        max_steps: or after so many steps.

    >>> import funcgrad as fg
    >>> import numpy as np
    >>> round(float(fg.grad(lambda a: fg.custom_fixed_point(lambda x: a * np.cos(x), 1.0))(1.0)), 6)
    0.441611
    """

    def solve(residual, x):
        def again(state):
            x, _, n = state
            change = residual(x)
            new = tree.map(lambda a, c: a - c, x, change)
            gaps = [
                np.max(np.abs(c) / (1 + np.abs(a)))
                for a, c in zip(tree.leaves(new), tree.leaves(change), strict=True)
            ]
            worst = gaps[0]
            for gap in gaps[1:]:
                worst = np.maximum(worst, gap)
            return new, worst, n + 1

        start = (tree.map(lambda a: a + 0.0, x), np.inf, 0)
        return while_loop(lambda s: (s[1] > tolerance) & (s[2] < max_steps), again, start)[0]

    residual = lambda x: tree.map(lambda a, b: a - b, x, f(x))
    return custom_root(residual, initial_guess, solve, traceable=True)
