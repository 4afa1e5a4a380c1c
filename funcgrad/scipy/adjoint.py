"""The continuous adjoint of a differential equation: its reverse derivative is another one, solved back in time."""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from funcgrad import tree
from funcgrad.control.bodies import stage_body
from funcgrad.control.scanning import scan
from funcgrad.core.interpret import replaced, run
from funcgrad.core.types import ArrayType, dtype_of, is_inexact, shape_of
from funcgrad.errors import DTypeError
from funcgrad.numpy.joining import concatenate
from funcgrad.numpy.selection import where
from funcgrad.scipy.runge_kutta import solve
from funcgrad.transforms.arguments import as_derivative
from funcgrad.transforms.custom import custom_vjp
from funcgrad.transforms.vjp import vjp

__all__ = ["solve_by_adjoint"]


def solve_by_adjoint(solver: Any, f: Callable, t: Any, y: Any, times: Any) -> tuple[Any, Any, Any]:
    """Return what `solve(solver, f, t, y, times)` does, differentiated in reverse by the adjoint equation.

    With a = dL/dy and c what f closes over:

        da/dt = -a df/dy,    dL/dc = integral of a df/dc,

    from the last time to the first, where at each of the times the cotangent of the solution there is added to a. The
    solution is solved back along with them, from its value at each of the times.

    Raises:
        DTypeError: for a complex solution.

    Reference: Chen, Rubanova, Bettencourt and Duvenaud (2018), Neural ordinary differential equations, algorithm 1.
    """
    if dtype_of(y).kind == "c":
        raise DTypeError(
            f"solve_ivp: expected a real solution for the continuous adjoint, got y0 of {dtype_of(y)}.",
            hint='use adjoint="discrete", or solve for the real and the imaginary parts.',
        )
    kinds = [ArrayType((), np.dtype(float)), ArrayType(shape_of(y), dtype_of(y))]
    body = stage_body(f, tree.structure((0.0, 0.0)), kinds, "solve_ivp", chosen=True)

    program, consts = body.program, tuple(body.consts)

    def rate(captured, t, y):  # closes over the program alone: what it captures is an argument
        return run(program, [*captured, t, y])[0]

    @custom_vjp
    def solved(captured, t, y, times):
        return solve(solver, lambda t, y: rate(captured, t, y), t, y, times)

    def forward(captured, t, y, times):
        ys, taken, reached = solve(solver, lambda t, y: rate(captured, t, y), t, y, times)
        return (ys, taken, reached), (captured, t, y, times, ys, reached)

    def backward(residuals, bars):
        captured, t, y, times, ys, reached = residuals
        ys_bar = as_derivative(bars[0], ys)
        found = _pulled_back(solver, rate, captured, t, y, times, ys, ys_bar)
        return tree.map(lambda x: where(reached, x, np.nan), found)

    solved.defvjp(forward, backward)
    return solved(consts, t, y, times)


def _pulled_back(solver, rate, captured, t, y, times, ys, ys_bar):
    """Return the cotangents of what is captured, of the first time, of the start, and of the times."""
    places = [i for i, c in enumerate(captured) if is_inexact(dtype_of(c))]
    shapes = [shape_of(captured[i]) for i in places]
    ends = np.cumsum([0, *(prod(shape) for shape in shapes)])
    size = shape_of(y)[0]

    def by_all(t, y, changing):
        given = replaced(captured, places, changing)
        return rate(given, t, y)

    def back(s, joint):
        """Return the slope of (solution, its cotangent, cotangents of what is captured) in s, which is -t."""
        y, y_bar = joint[:size], joint[size : 2 * size]
        slope, pullback = vjp(lambda y, changing: by_all(-s, y, changing), y, [captured[i] for i in places])
        more, bars = pullback(y_bar)
        return concatenate([-slope, more, *(bar.ravel() for bar in bars)])

    def to(carry, row):
        state, rest = carry
        end, previous, y, y_bar = row
        rest = concatenate([rest[:size] + y_bar, rest[size:]])
        state = solver.moved(back, state, -end, concatenate([y, rest]))
        state = solver.advance(back, state, -previous)
        return (state, state[1][size:]), np.sum(y_bar * rate(captured, end, y))

    rest = np.zeros(size + ends[-1])
    befores = concatenate([np.reshape(t, 1), times[:-1]])
    state = solver.start(back, -times[-1], concatenate([ys[-1], ys_bar[-1], rest[size:]]), -t)
    (_, rest), times_bar = scan(to, (state, rest), (times, befores, ys, ys_bar), reverse=True)
    y_bar = rest[:size]
    bars: list[Any] = [None] * len(captured)
    for i, shape, first, last in zip(places, shapes, ends, ends[1:], strict=False):
        bars[i] = rest[size + first : size + last].reshape(shape)
    return tuple(bars), -np.sum(y_bar * rate(captured, t, y)), y_bar, times_bar
