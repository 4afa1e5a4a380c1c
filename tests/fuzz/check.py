"""What must agree: NumPy with interpreted and compiled programs, forward with reverse with differences, vmap with a loop.

Whether a number is right is judged by how far it moves when the inputs, and what is rounded on the way, move by about a
rounding error: what comes of a difference of large numbers, or of a decision near its edge, may be any.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

import funcgrad as fg
from funcgrad.errors import ConcretizationError, DerivativeError, InPlaceError
from tests.fuzz.programs import Program
from tests.guarded_memory import guarded

__all__ = ["CHECKS", "Failure", "assert_agrees", "failure_of"]

# They say that something cannot be traced or differentiated, which is no wrong number.
REFUSALS = (ConcretizationError, InPlaceError, DerivativeError, np.linalg.LinAlgError)
NOISE = {2: 3e-3, 4: 1e-6, 8: 1e-13}


class Failure(Exception):
    """A difference, and which check found it."""


def failure_of(program: Program, seed: int, checks: list[str]) -> str | None:
    """Return what is wrong with a program by the checks named; None where all is well."""
    try:
        with np.errstate(all="ignore"):
            for inputs in (program.inputs, *(_Case(program, seed).moved() for _ in range(4))):
                program.function()(*inputs)
            for _ in range(2):
                _Case(program, seed).near()
    except Exception:  # NumPy refuses what is near: nan as an integer, say
        return None
    for name in checks:
        try:
            with np.errstate(all="ignore"):
                CHECKS[name](_Case(program, seed))
        except REFUSALS:
            continue
        except Failure as found:
            return f"{name}: {found}"
        except Exception as error:
            return f"{name}: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
    return None


def assert_agrees(
    function: Callable, inputs: list[np.ndarray], checks: list[str], *, seed: int, smooth: bool
) -> None:
    """Fail where a program, written out as a function, is wrong by the checks named."""
    failure = failure_of(_Written(function, inputs, smooth), seed, checks)
    assert failure is None, failure


class _Written:
    """A program that is a function: what `check` asks of a `Program`."""

    def __init__(self, function: Callable, inputs: list[np.ndarray], smooth: bool):
        self.inputs, self.smooth = inputs, smooth
        self.function = lambda: function
        self.with_values = self.function
        self.moved = lambda move: function


class _Case:
    """A program with NumPy's results, and what they are where the inputs move by a rounding error."""

    def __init__(self, program: Program, seed: int):
        self.rng = np.random.default_rng(seed)
        self.program = program
        self.function = program.function()
        self.inputs = program.inputs
        self.floats = [k for k, x in enumerate(self.inputs) if x.dtype.char in "fd" and x.size]
        values = [np.asarray(y) for y in (*self.inputs, *program.with_values()(*self.inputs))]
        floats = [x for x in values if x.dtype.kind in "fc"]
        self.noise = max([NOISE[_width(x)] for x in floats], default=1e-13)
        # Squares that overflow or underflow may not on another way to compute a norm, say; and what comes of them is
        # another then. So is what sums with the slopes at such numbers leave of others.
        self.extreme = any(map(_is_extreme, floats))
        # What is left of a difference of large numbers is no slope.
        self.large = any(bool((np.isfinite(x) & (np.abs(x) > 1e6)).any()) for x in floats)

    def near(self) -> list[list]:
        """Return what NumPy gives where inputs, and what is rounded on the way, move by about a rounding error."""
        return [self.program.moved(self.moved)(*map(self.moved, self.inputs)) for _ in range(2)]

    def moved(self, x: Any) -> Any:
        """Return an input, or a value on the way, which may be traced, moved by about a rounding error."""
        x = fg.numpy.asarray(x)
        if x.dtype.kind not in "fc":
            return x
        factors = 1 + self.noise * self.rng.uniform(-1, 1, x.shape)
        return fg.numpy.asarray(x * factors.astype(np.finfo(x.dtype).dtype))

    def moved_pullback(self, xs: tuple, y_bars: list) -> Any:
        """Return what is pulled back where the inputs, and what is rounded on the way, move; in other units: of large
        cotangents that cancel, rounding errors are left, and others in other units."""
        unit = self.rng.uniform(1, 2)
        function = self.of_floats(self.program.moved(self.moved))
        pull = fg.vjp(function, *map(self.moved, xs))[1]
        return [np.asarray(x_bar / unit, x_bar.dtype) for x_bar in pull([_in_unit(y, unit) for y in y_bars])]

    def of_floats(self, program: Callable | None = None) -> Callable:
        """Return the program as a function of its floating inputs, with its floating results."""
        whole = self.function if program is None else program

        def function(*xs):
            args = list(self.inputs)
            for k, x in zip(self.floats, xs, strict=True):
                args[k] = x
            return [y for y in whole(*args) if fg.numpy.asarray(y).dtype.char in "fd"]

        return function

    def compare(self, got: Any, want: list, near: list[list], what: str) -> None:
        """Raise Failure where `got` is farther from `want` than the results for moved inputs are."""
        for k, (g, w) in enumerate(zip(got, want, strict=True)):
            g, w = np.asarray(g), np.asarray(w)
            if g.shape != w.shape or g.dtype != w.dtype:
                raise Failure(f"{what} {k}: {g.dtype}{g.shape} for {w.dtype}{w.shape}")
            others = [np.asarray(n[k]) for n in near]
            if self.extreme:
                continue
            bad = _apart(g, w, others, self.noise)
            if bad.any():
                at = tuple(np.argwhere(bad)[0].tolist())
                raise Failure(f"{what} {k} at {at}: {g[at]!r} for {w[at]!r}")


def _is_extreme(x):
    size = np.abs(x)
    limit = np.sqrt(np.finfo(x.dtype).max) / 1e3
    return bool((np.isfinite(size) & (size != 0) & ((size > limit) | (size < 1 / limit))).any())


def _width(x):
    return x.dtype.itemsize // (2 if x.dtype.kind == "c" else 1)


def _apart(got, want, others, noise):
    """Return where `got` is another number than `want`, beyond what `others` (for moved inputs) leave open."""
    if got.dtype.kind in "biu":
        open_ = np.zeros(want.shape, bool)
        for other in others:
            open_ |= other != want
        return (got != want) & ~open_
    wide = np.result_type(want.dtype, np.complex128 if want.dtype.kind == "c" else np.float64)
    got, want = got.astype(wide), want.astype(wide)
    room = np.zeros(want.shape)
    settled = np.ones(want.shape, bool)
    scale = np.max(np.abs(want[np.isfinite(want)]), initial=0.0)
    for other in others:
        other = other.astype(wide)
        finite = np.isfinite(other) & np.isfinite(want)
        settled &= finite | (other == want) | (np.isnan(other) & np.isnan(want))
        room = np.maximum(room, np.where(finite, np.abs(other - want), 0))
    room = (
        100 * room
        + 1e3 * noise * np.abs(np.where(np.isfinite(want), want, 0))
        + 30 * noise * min(scale, 1e300)
        + 100 * noise
    )
    odd = ~np.isfinite(got) & ~np.isfinite(want)  # a sum in another order may be nan where it was infinite
    same = (got == want) | odd | (np.abs(got - want) <= room)
    if want.dtype.kind == "c":
        settled &= np.isfinite(want)  # which part of an infinite number is nan is nobody's concern
    # What overflows or underflows in between on one way of computing may not on another.
    return ~same & settled & ((np.abs(want) < 1e150) | np.isnan(want))


# The checks.


def interpreted(case: _Case) -> None:
    """The traced program, run by the interpreter."""
    want = case.function(*case.inputs)
    got = fg.trace(case.function)(*case.inputs)(*case.inputs)
    case.compare(got, want, case.near(), "interpreted")


def compiled(case: _Case) -> None:
    """Machine code, between protected pages."""
    want = case.function(*case.inputs)
    near = case.near()
    run = fg.jit(case.function)
    for at_end in (True, False):
        with guarded(at_end=at_end):
            got = run(*(np.array(x, order="K") for x in case.inputs))
        case.compare(got, want, near, "compiled")
    case.compare(run(*case.inputs), want, near, "compiled, as laid out")


def derivatives(case: _Case) -> None:
    """Forward against reverse, against compiled, against differences."""
    function, xs = case.of_floats(), tuple(case.inputs[k] for k in case.floats)
    if not xs:
        return
    ys = function(*xs)
    x_dots = tuple(_direction(case.rng, x) for x in xs)
    y_bars = [_direction(case.rng, y) for y in ys]
    _, y_dots = fg.jvp(function, xs, x_dots)
    x_bars = fg.vjp(function, *xs)[1](y_bars)
    _same_total(case, (x_bars, x_dots), (y_bars, y_dots), case.moved_pullback(xs, y_bars))
    near = [case.moved_pullback(xs, y_bars) for _ in range(2)]
    staged = fg.trace(lambda *xs: fg.vjp(function, *xs)[1](y_bars))(*xs)(*xs)
    case.compare(staged, list(x_bars), near, "staged gradient")
    tame = all(x.dtype == float and np.max(np.abs(x), initial=0) < 100 for x in xs)
    if case.program.smooth and tame and case.noise == 1e-13 and not case.large:
        _differences(case, function, xs, x_dots, y_dots)


def compiled_derivatives(case: _Case) -> None:
    """The compiled pullback and pushforward."""
    function, xs = case.of_floats(), tuple(case.inputs[k] for k in case.floats)
    if not xs:
        return
    y_bars = [_direction(case.rng, y) for y in function(*xs)]
    x_dots = tuple(_direction(case.rng, x) for x in xs)

    def both(*xs):
        return [*fg.vjp(function, *xs)[1](y_bars), *fg.jvp(function, xs, x_dots)[1]]

    near = []
    for _ in range(2):
        moved = case.of_floats(case.program.moved(case.moved))
        pushed = fg.jvp(moved, tuple(map(case.moved, xs)), x_dots)[1]
        near.append([*case.moved_pullback(xs, y_bars), *pushed])
    with guarded(at_end=bool(case.rng.integers(2))):
        got = fg.jit(both)(*(np.array(x, order="K") for x in xs))
    case.compare(got, both(*xs), near, "compiled derivative")


def batched(case: _Case) -> None:
    """vmap over the first input against a loop."""
    x, *rest = case.inputs
    rows = np.stack([x, case.moved(x), np.flip(x)])
    try:
        want = _one_by_one(case.function, rows, rest)
    except Exception:  # NumPy refuses a row, which may be a number where an array has no axes
        return
    got = fg.vmap(lambda x: case.function(x, *rest))(rows)
    near = [_one_by_one(case.program.moved(case.moved), map(case.moved, rows), rest) for _ in range(2)]
    case.compare(got, want, near, "batched")


def _one_by_one(function: Callable, rows: Iterable, rest: list) -> list[np.ndarray]:
    return [np.stack(column) for column in zip(*(function(row, *rest) for row in rows), strict=True)]


CHECKS: dict[str, Callable[[_Case], None]] = {
    "interpreted": interpreted,
    "derivatives": derivatives,
    "batched": batched,
    "compiled": compiled,
    "compiled derivatives": compiled_derivatives,
}


def _in_unit(y_bar: np.ndarray, unit: float) -> np.ndarray:
    return np.asarray(y_bar * unit, y_bar.dtype)


def _direction(rng, y):
    y = np.asarray(y)
    return np.asarray(rng.uniform(0.5, 1.5, y.shape) * rng.choice([-1, 1], y.shape), y.dtype)


def _same_total(case: _Case, left: tuple, right: tuple, moved: Any) -> None:
    totals, sizes = [], []
    for a_s, b_s in (left, right, (moved, left[1])):
        terms = [np.asarray(a, float) * np.asarray(b, float) for a, b in zip(a_s, b_s, strict=True)]
        totals.append(sum(float(np.sum(t)) for t in terms))
        sizes.append(sum(float(np.sum(np.abs(t))) for t in terms))
    if not all(np.isfinite([*totals, *sizes])) or max(sizes) > 1e150 or case.extreme:
        return
    passed = sum(float(np.sum(np.abs(y_bar))) for y_bar in right[0])  # which may cancel on the way back
    room = 1e4 * case.noise * max(sizes) + 1e3 * abs(totals[2] - totals[0]) + 10 * case.noise * passed + 1e-12
    if abs(totals[0] - totals[1]) > room:
        raise Failure(f"reverse {totals[0]!r}, forward {totals[1]!r}")


def _differences(case, function, xs, x_dots, y_dots):
    estimates = []
    heights = [np.max(np.abs(np.asarray(y)), initial=0.0) for y in function(*xs)]
    for h in (1e-4, 5e-5):
        sides = [function(*[x + s * h * d for x, d in zip(xs, x_dots, strict=True)]) for s in (1, -1)]
        estimates.append([(np.asarray(a) - np.asarray(b)) / (2 * h) for a, b in zip(*sides, strict=True)])
    for k, (coarse, fine, y_dot) in enumerate(zip(*estimates, y_dots, strict=True)):
        y_dot = np.asarray(y_dot)
        trusted = np.isfinite(coarse) & np.isfinite(fine) & np.isfinite(y_dot)
        size = np.max(np.abs(fine[trusted]), initial=1.0)
        settled = np.abs(coarse - fine) <= 1e-2 * size  # else the result turns within a step: sin(1e6 * x)
        if not (trusted & settled).all() or size > 1e6:
            continue
        room = 10 * np.abs(coarse - fine) + 1e-5 * size + 1e-10 * heights[k]  # what the difference has lost
        if (np.abs(y_dot - fine) > room).any():
            raise Failure(f"derivative of result {k}: {y_dot!r} where differences are {fine!r}")
