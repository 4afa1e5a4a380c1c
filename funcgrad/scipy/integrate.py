"""Ordinary differential equations, as scipy.integrate solves them, differentiable through every step."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from funcgrad.control.looping import while_loop
from funcgrad.control.scanning import scan
from funcgrad.core.tracer import concrete, is_concrete
from funcgrad.core.types import dtype_of, shape_of
from funcgrad.errors import DTypeError, ShapeError
from funcgrad.numpy.creation import asarray
from funcgrad.numpy.joining import concatenate
from funcgrad.numpy.selection import where

__all__ = ["Trajectory", "odeint", "solve_ivp"]


class Trajectory(NamedTuple):
    """The solution of an initial value problem.

    Attributes:
        t: times, float64[n]. y: the solution there, float64[dim, n].
        success: whether the steps reached the end. steps: how many were taken, the refused ones included.
    """

    t: Any
    y: Any
    success: Any
    steps: Any


# Dormand and Prince (1980), Table 2: the stages, the solution of order 5, and its difference from that of order 4.
_C = np.array([0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0])
_A = [
    [],
    [1 / 5],
    [3 / 40, 9 / 40],
    [44 / 45, -56 / 15, 32 / 9],
    [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
    [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
]
_B = [35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84]
_E = [-71 / 57600, 0.0, 71 / 16695, -71 / 1920, 17253 / 339200, -22 / 525, 1 / 40]


def _combined(weights, stages):
    total = None
    for w, k in zip(weights, stages, strict=True):
        if w:
            total = w * k if total is None else total + w * k
    return total


def _step(f, t, y, h, first):
    """Take one step of Dormand and Prince; return the new y, the estimated error, and f there."""
    stages = [first]
    for c, weights in zip(_C[1:], _A[1:], strict=True):
        stages.append(f(t + c * h, y + h * _combined(weights, stages)))
    new = y + h * _combined(_B, stages)
    last = f(t + h, new)
    return new, h * _combined(_E, [*stages, last]), last


def _size(x):
    """The root mean square; its derivative at 0 is 0."""
    square = np.mean(x * x)
    nothing = square == 0
    return where(nothing, 0.0, np.sqrt(where(nothing, 1.0, square)))


def _first_step(f, t, y, slope, rtol, atol, span):
    """Return a length for the first step (Hairer, Norsett and Wanner, 1993, section II.4)."""
    scale = atol + np.abs(y) * rtol
    d0, d1 = _size(y / scale), _size(slope / scale)
    small = (d0 < 1e-5) | (d1 < 1e-5)
    h0 = where(small, 1e-6, 0.01 * d0 / where(small, 1.0, d1))
    h0 = np.minimum(h0, span)
    ahead = f(t + h0, y + h0 * slope)
    d2 = _size((ahead - slope) / scale) / h0
    worst = np.maximum(d1, d2)
    flat = worst <= 1e-15
    h1 = where(flat, np.maximum(1e-6, h0 * 1e-3), (0.01 / where(flat, 1.0, worst)) ** 0.2)
    return np.minimum(np.minimum(100 * h0, h1), span)


def _advance(f, state, end, rtol, atol, max_steps):
    """Go on from `(t, y, slope, h, steps)` to the time `end`, by steps as long as the tolerances let them be."""

    def going(s):
        t, _, _, h, steps = s
        return (t < end) & (steps < max_steps) & (h > 0)

    def again(s):
        t, y, slope, h, steps = s
        taken = np.minimum(h, end - t)
        new, error, last = _step(f, t, y, taken, slope)
        scale = atol + rtol * np.maximum(np.abs(y), np.abs(new))
        worst = _size(error / scale)
        good = worst < 1
        safe = where(worst == 0, 1.0, worst)
        factor = where(worst == 0, 10.0, 0.9 * safe**-0.2)
        grown = np.minimum(np.maximum(factor, 0.2), where(good, 10.0, 1.0))
        # A step cut short to end on time says little of how long the next may be.
        following = where(good & (taken < h), np.maximum(h, taken * grown), taken * grown)
        reached = where(taken == end - t, end, t + taken)
        return where(good, reached, t), where(good, new, y), where(good, last, slope), following, steps + 1

    return while_loop(going, again, state)


def solve_ivp(
    fun: Callable,
    t_span: tuple[Any, Any],
    y0: Any,
    method: str = "RK45",
    t_eval: Any = None,
    args: tuple = (),
    *,
    rtol: float = 1e-3,
    atol: Any = 1e-6,
    steps: int | None = None,
    max_steps: int = 100_000,
) -> Trajectory:
    """Solve dy/dt = fun(t, y, *args) from y0, as `scipy.integrate.solve_ivp`.

    Args:
        fun: the right side, a vector like y.
        t_span: the first and the last time, forward.
        y0: float64[dim]; other real numbers become float64, complex ones complex128.
        method: "RK45", with steps that keep the error within the tolerances; or "RK4", with a fixed number of
            `steps` between neighbouring times.
        t_eval: increasing times at which to give the solution, within the span; its ends when not given.
        args: further arguments of `fun`, by which the solution can be differentiated.
        rtol, atol: the error of a step is kept below atol + rtol * abs(y), in the root mean square.
        steps: of "RK4", between neighbouring times (100 when not given).
        max_steps: in all; where they do not suffice, `success` is False.

    Returns:
        a Trajectory.

    Derivative: of the numbers that were computed, step by step (the discrete adjoint); the lengths of the steps are
    part of it. In both directions; inside jit, "RK45" in reverse once, "RK4" to any order.

    Raises:
        ShapeError, DTypeError: for a y0 that is no vector, times that do not increase, another method.

    Reference: Dormand and Prince (1980), A family of embedded Runge-Kutta formulae.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> final = lambda k: fg.scipy.integrate.solve_ivp(lambda t, y: -k * y, (0.0, 1.0), np.ones(1), rtol=1e-8).y[0, -1]
    >>> round(float(fg.grad(final)(0.5)), 5)
    -0.60653
    """
    y0 = _double(y0)
    if len(shape_of(y0)) != 1:
        raise ShapeError(
            f"solve_ivp: expected y0 with one axis, got shape {shape_of(y0)}.", hint="use y0.ravel()."
        )
    if method not in ("RK45", "RK4"):
        raise DTypeError(f'solve_ivp: expected method "RK45" or "RK4", got {method!r}.')
    first, last = map(_double, t_span)
    times = np.stack([first, last]) if t_eval is None else _double(t_eval)
    _check_times(first, times, last)

    def f(t, y):
        return asarray(fun(t, y, *args)) + 0.0 * y

    if method == "RK4":
        ys, taken, ok = _fixed(f, first, y0, times, steps or 100)
    else:
        ys, taken, ok = _adaptive(f, first, y0, times, rtol, atol, max_steps)
    return Trajectory(times, ys.T, ok, taken)


def _double(x):
    """Return numbers in double precision, real or complex, as SciPy integrates."""
    x = asarray(x)
    return x.astype(np.result_type(dtype_of(x), np.float64))


def _check_times(first, times, last):
    """Raise ShapeError unless times, as far as they are known, increase within the span."""
    known = [np.asarray(concrete(t)) for t in (first, times, last) if is_concrete(t)]
    if len(known) == 3 and np.any(np.diff(np.concatenate([np.ravel(t) for t in known])) < 0):
        raise ShapeError(
            f"solve_ivp: expected times that increase from {first} to {last}, got {times}.",
            hint="to go back in time, integrate -fun(-t, y) forward.",
        )
    if is_concrete(times) and np.any(np.diff(concrete(times)) <= 0):
        raise ShapeError(f"solve_ivp: expected times that increase, got {times}.")


def _adaptive(f, t, y, times, rtol, atol, max_steps):
    slope = f(t, y)
    span = times[-1] - t
    state = (t, y, slope, _first_step(f, t, y, slope, rtol, atol, span), 0)

    def to(state, end):
        state = _advance(f, state, end, rtol, atol, max_steps)
        return state, (state[1], state[0] >= end)

    (_, _, _, _, steps), (ys, reached) = scan(to, state, times)
    return ys, steps, np.all(reached)


def _fixed(f, t, y, times, count):
    def to(state, end):
        t, y = state
        h = (end - t) / count

        def one(y, i):
            s = t + i * h
            k1 = f(s, y)
            k2 = f(s + h / 2, y + h / 2 * k1)
            k3 = f(s + h / 2, y + h / 2 * k2)
            k4 = f(s + h, y + h * k3)
            return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), None

        y = scan(one, y, np.arange(count))[0]
        return (end, y), y

    ys = scan(to, (t, y), times)[1]
    return ys, count * shape_of(times)[0], True


def odeint(
    func: Callable, y0: Any, t: Any, args: tuple = (), *, rtol: float = 1.49e-8, atol: float = 1.49e-8
) -> Any:
    """Solve dy/dt = func(y, t, *args) from y0 at t[0]; return the solution at each of the times, a row each.

    Args:
        func: the right side, a vector like y.
        y0: float64[dim].
        t: increasing times, float64[n].
        args: further arguments of `func`.
        rtol, atol: as in `solve_ivp`, whose "RK45" is used.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> np.round(fg.scipy.integrate.odeint(lambda y, t: -y, np.ones(1), np.array([0.0, 1.0]))[:, 0], 6)
    array([1.      , 0.367879])
    """
    y0, t = _double(y0), _double(t)
    rows = solve_ivp(
        lambda s, y: func(y, s, *args), (t[0], t[-1]), y0, t_eval=t[1:], rtol=rtol, atol=atol
    ).y.T
    return concatenate([y0[None], rows], axis=0)
