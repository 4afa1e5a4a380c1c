"""Ordinary differential equations, as scipy.integrate solves them, differentiable through every step."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from funcgrad.control.debug import error_if
from funcgrad.core.tracer import concrete, is_concrete
from funcgrad.core.types import dtype_of, shape_of, type_of
from funcgrad.errors import DTypeError, ShapeError
from funcgrad.numpy.creation import asarray
from funcgrad.numpy.joining import concatenate
from funcgrad.numpy.selection import where
from funcgrad.scipy.adjoint import solve_by_adjoint
from funcgrad.scipy.runge_kutta import Adaptive, Fixed, solve

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
    max_step: Any = np.inf,
    max_steps: int = 100_000,
    adjoint: str = "discrete",
    throw: bool = True,
) -> Trajectory:
    """Solve dy/dt = fun(t, y, *args) from y0, as `scipy.integrate.solve_ivp`.

    Args:
        fun: the right side, a vector like y.
        t_span: the first and the last time, which may be the earlier one.
        y0: float64[dim]; other real numbers become float64, complex ones complex128.
        method: "RK45", with steps that keep the error within the tolerances; or "RK4", with a fixed number of
            `steps` between neighbouring times.
        t_eval: times at which to give the solution, from the first to the last; the ends of the span when not given.
        args: further arguments of `fun`, by which the solution can be differentiated.
        rtol, atol: the error of a step is kept below atol + rtol * abs(y), in the root mean square.
        steps: of "RK4", between neighbouring times (100 when not given).
        max_step: the longest step of "RK45".
        max_steps: how many steps there are in all.
        adjoint: how the solution is differentiated in reverse: "discrete", back along the steps that were taken; or
            "continuous", by solving another equation back in time, which keeps nothing but the solution at the times.
        throw: raise where the steps do not reach the last time; with False, `success` says so, and y is what was reached.

    Returns:
        a Trajectory.

    Derivative: with the discrete adjoint, of the numbers that were computed; the lengths of the steps are part of it.
    In both directions; inside jit, "RK45" in reverse once, "RK4" to any order. With the continuous adjoint, in reverse,
    as exact as the tolerances: a = dL/dy follows da/dt = -a df/dy, and dL/dargs is the integral of a df/dargs; nan where
    the steps did not suffice.

    Raises:
        ShapeError, DTypeError: for a y0 that is no vector, times that go back and forth, another method or adjoint, a
            complex right side of a real y0, a continuous adjoint of a complex solution.
        CheckError: where the steps do not reach the last time, in compiled code too.

    References: Dormand and Prince (1980), A family of embedded Runge-Kutta formulae; Pontryagin et al. (1962), and Chen
    et al. (2018), Neural ordinary differential equations, for the continuous adjoint.

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
    if adjoint not in ("discrete", "continuous"):
        raise DTypeError(f'solve_ivp: expected adjoint "discrete" or "continuous", got {adjoint!r}.')
    first, last = map(_double, t_span)
    times = np.stack([first, last]) if t_eval is None else _double(t_eval)
    _check_times(first, times, last)
    way = where(last < first, -1.0, 1.0)  # what goes back in time goes forward in minus time

    def f(t, y):
        slope = asarray(fun(way * t, y, *args))
        if dtype_of(slope).kind == "c" and dtype_of(y).kind != "c":
            raise DTypeError(
                f"solve_ivp: expected a complex y0, as fun is complex, got y0: {type_of(y0)}.",
                hint="pass y0.astype(complex).",
            )
        return way * slope + 0.0 * y

    solver = Fixed(steps or 100) if method == "RK4" else Adaptive(rtol, atol, max_steps, max_step)
    solving = solve if adjoint == "discrete" else solve_by_adjoint
    ys, taken, reached = solving(solver, f, way * first, y0, way * times)
    if throw and method == "RK45":
        error_if(
            np.logical_not(reached),
            f"solve_ivp: expected to reach the last time within max_steps={max_steps}, got stuck before it; allow more "
            "steps or a larger error (rtol, atol), or take what was reached with throw=False.",
        )
    return Trajectory(times, ys.T, reached, taken)


def _double(x):
    """Return numbers in double precision, real or complex, as SciPy integrates."""
    x = asarray(x)
    return x.astype(np.result_type(dtype_of(x), np.float64))


def _check_times(first, times, last):
    """Raise ShapeError unless times, as far as they are known, go from the first to the last."""
    known = [np.ravel(concrete(t)) for t in (first, times, last) if is_concrete(t)]
    if len(known) == 3:
        forward = bool(known[0] <= known[2])
        if np.any(np.diff(np.concatenate(known)) * (1 if forward else -1) < 0):
            way = "increase" if forward else "decrease"
            raise ShapeError(f"solve_ivp: expected times that {way} from {first} to {last}, got {times}.")
    steps = np.diff(concrete(times)) if is_concrete(times) else np.ones(1)
    if not (np.all(steps > 0) or np.all(steps < 0)):
        raise ShapeError(f"solve_ivp: expected times that increase, or decrease, got {times}.")


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
