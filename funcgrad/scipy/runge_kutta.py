"""Runge-Kutta methods, each a table of numbers, as differentiable loops: with steps of fixed length, or by tolerances."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from funcgrad.control.looping import while_loop
from funcgrad.control.scanning import scan
from funcgrad.core.types import dtype_of
from funcgrad.numpy.selection import where

__all__ = ["CLASSICAL", "DORMAND_PRINCE", "Adaptive", "Fixed", "Tableau", "solve"]


class Tableau(NamedTuple):
    """A Runge-Kutta method (Butcher 1964): k[i] = f(t + c[i] h, y + h sum a[i][j] k[j]); y moves by h sum b[i] k[i].

    Attributes:
        error: the weights of the difference from a solution of lower order, the slope at the new y the last; empty where
            there is none.
    """

    c: tuple[float, ...]
    a: tuple[tuple[float, ...], ...]
    b: tuple[float, ...]
    error: tuple[float, ...] = ()

    def step(self, f: Callable, t: Any, y: Any, h: Any, first: Any) -> tuple[Any, list]:
        """Return y after a step of the length h, and the slopes met, of which the first is given."""
        slopes = [first]
        for c, weights in zip(self.c[1:], self.a[1:], strict=True):
            slopes.append(f(t + c * h, y + h * _combined(weights, slopes)))
        return y + h * _combined(self.b, slopes), slopes


def _combined(weights, slopes):
    total = None
    for w, k in zip(weights, slopes, strict=True):
        if w:
            total = w * k if total is None else total + w * k
    return total


# Kutta (1901): the classical method of order 4.
CLASSICAL = Tableau(
    c=(0, 1 / 2, 1 / 2, 1.0),
    a=((), (1 / 2,), (0, 1 / 2), (0, 0, 1.0)),
    b=(1 / 6, 1 / 3, 1 / 3, 1 / 6),
)
# Dormand and Prince (1980), Table 2: the solution of order 5, and its difference from that of order 4.
DORMAND_PRINCE = Tableau(
    c=(0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0),
    a=(
        (),
        (1 / 5,),
        (3 / 40, 9 / 40),
        (44 / 45, -56 / 15, 32 / 9),
        (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
        (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    ),
    b=(35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
    error=(-71 / 57600, 0.0, 71 / 16695, -71 / 1920, 17253 / 339200, -22 / 525, 1 / 40),
)


def _size(x):
    """The root mean square; its derivative at 0 is 0."""
    square = np.mean(x * x if dtype_of(x).kind == "f" else x.real * x.real + x.imag * x.imag)
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


class Adaptive(NamedTuple):
    """Steps whose error, in the root mean square, is below `atol + rtol * abs(y)`; `max_steps` in all, none of them longer
    than `max_step`. The state is (t, y, slope, the length of the next step, the number of steps so far)."""

    rtol: float
    atol: Any
    max_steps: int
    max_step: Any = np.inf
    method: Tableau = DORMAND_PRINCE

    def start(self, f: Callable, t: Any, y: Any, end: Any) -> tuple:
        """Return the state at a time: what `advance` goes on from."""
        slope = f(t, y)
        longest = end - t if self.max_step is np.inf else np.minimum(end - t, self.max_step)
        return t, y, slope, _first_step(f, t, y, slope, self.rtol, self.atol, longest), 0

    def moved(self, f: Callable, state: tuple, t: Any, y: Any) -> tuple:
        """Return the state at another place, with the length of the step and the number of steps so far."""
        return t, y, f(t, y), *state[3:]

    def advance(self, f: Callable, state: tuple, end: Any) -> tuple:
        """Return the state at the time `end`, or where the steps were used up."""

        def going(s):
            t, _, _, h, steps = s
            return (t < end) & (steps < self.max_steps) & (h > 0)

        def again(s):
            t, y, slope, h, steps = s
            taken = np.minimum(h, end - t)
            new, slopes = self.method.step(f, t, y, taken, slope)
            last = f(t + taken, new)
            error = taken * _combined(self.method.error, [*slopes, last])
            scale = self.atol + self.rtol * np.maximum(np.abs(y), np.abs(new))
            worst = _size(error / scale)
            good = worst < 1
            safe = where(worst == 0, 1.0, worst)
            factor = where(worst == 0, 10.0, 0.9 * safe**-0.2)
            grown = np.minimum(np.maximum(factor, 0.2), where(good, 10.0, 1.0))
            # A step cut short to end on time says little of how long the next may be.
            following = where(good & (taken < h), np.maximum(h, taken * grown), taken * grown)
            if self.max_step is not np.inf:
                following = np.minimum(following, self.max_step)
            reached = where(taken == end - t, end, t + taken)
            return (
                where(good, reached, t),
                where(good, new, y),
                where(good, last, slope),
                following,
                steps + 1,
            )

        return while_loop(going, again, state)


class Fixed(NamedTuple):
    """So many steps between neighbouring times. The state is (t, y, the number of steps so far)."""

    steps: int
    method: Tableau = CLASSICAL

    def start(self, f: Callable, t: Any, y: Any, end: Any) -> tuple:
        """Return the state at a time: what `advance` goes on from."""
        return t, y, 0

    def moved(self, f: Callable, state: tuple, t: Any, y: Any) -> tuple:
        """Return the state at another place."""
        return t, y, state[2]

    def advance(self, f: Callable, state: tuple, end: Any) -> tuple:
        """Return the state at the time `end`."""
        t, y, steps = state
        h = (end - t) / self.steps

        def one(y, i):
            s = t + i * h
            return self.method.step(f, s, y, h, f(s, y))[0], None

        return end, scan(one, y, np.arange(self.steps))[0], steps + self.steps


def solve(solver: Adaptive | Fixed, f: Callable, t: Any, y: Any, times: Any) -> tuple[Any, Any, Any]:
    """Return the solution at the times, a row each, how many steps were taken, and whether they sufficed."""

    def to(state, end):
        state = solver.advance(f, state, end)
        return state, (state[1], state[0] >= end)

    (*_, steps), (ys, reached) = scan(to, solver.start(f, t, y, times[-1]), times)
    return ys, steps, np.all(reached)
