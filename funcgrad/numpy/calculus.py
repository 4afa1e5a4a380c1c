"""Differences, slopes, areas and interpolation along an axis; convolution of vectors."""

from typing import Any

import numpy as np

from funcgrad.core.tracer import Tracer
from funcgrad.core.types import dtype_of, is_inexact, shape_of, type_of
from funcgrad.errors import DTypeError, ShapeError
from funcgrad.numpy import reductions
from funcgrad.numpy.arguments import as_array, as_axes, as_axis, as_operand, astype, fit, implements
from funcgrad.numpy.joining import concatenate
from funcgrad.numpy.selection import clip, take
from funcgrad.numpy.shaping import ravel
from funcgrad.numpy.sorting import argsort, searchsorted
from funcgrad.primitives import convolution, logic
from funcgrad.primitives.arithmetic import absolute, conjugate, remainder
from funcgrad.primitives.broadcasting import reshape
from funcgrad.primitives.cumulative import cumsum

__all__ = ["convolve", "correlate", "diff", "ediff1d", "gradient", "interp", "trapezoid", "unwrap"]


def _part(x, axis, start, stop):
    return x[(*(slice(None),) * axis, slice(start, stop))]


@implements(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = np._NoValue, append: Any = np._NoValue) -> Any:
    """Return the differences of neighbours along `axis`, taken `n` times."""
    x = as_array(a)
    if n < 0 or x.ndim == 0:
        raise ShapeError(
            f"diff: expected n >= 0 and an array with at least one axis, got n={n}, {type_of(x)}."
        )
    if n == 0:
        return x
    axis = as_axis("diff", axis, x.ndim)
    ends: list[list[Any]] = []
    for end in (prepend, append):
        if end is np._NoValue or end is None:
            ends.append([])
            continue
        end = as_array(end)
        ends.append([end if end.ndim else fit(end, (*x.shape[:axis], 1, *x.shape[axis + 1 :]))])
    if ends[0] or ends[1]:
        x = concatenate([*ends[0], x, *ends[1]], axis)
    for _ in range(n):
        after, before = _part(x, axis, 1, None), _part(x, axis, None, -1)
        x = logic.not_equal(after, before) if x.dtype.kind == "b" else after - before
    return x


@implements(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    """Return the differences of neighbours in the flattened array, between the given ends."""
    x = ravel(ary)
    y = x[1:] - x[:-1]
    for end in (to_begin, to_end):
        if end is not None and not np.can_cast(dtype_of(as_array(end)), x.dtype, "same_kind"):
            raise DTypeError(
                f"ediff1d: expected ends of the kind of {type_of(x)}, got {type_of(as_array(end))}."
            )
    parts = [y if end is None else astype(ravel(end), x.dtype) for end in (to_begin, to_end)]
    before = [] if to_begin is None else [parts[0]]
    after = [] if to_end is None else [parts[1]]
    return concatenate([*before, y, *after]) if before or after else y


@implements(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """Return the area under y by the trapezoidal rule, at the places x or at distance dx.

    Derivative: by y, and by x or dx.
    """
    y = as_array(y)
    place = as_axis("trapezoid", axis, y.ndim)
    if x is None:
        d = as_operand(dx)
    else:
        x = as_array(x)
        d = _column(diff(x), place, y.ndim) if x.ndim == 1 else diff(x, axis=axis)
    middle = (_part(y, place, 1, None) + _part(y, place, None, -1)) / 2.0
    return reductions.sum(d * middle, axis)


def _column(x, axis, ndim):
    """Lay a vector along `axis` of an array with `ndim` axes."""
    return reshape(x, shape=tuple([len(x) if d == axis else 1 for d in range(ndim)]))


@implements(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Return the slope of `f` along each axis by central differences, as `numpy.gradient`.

    Args:
        f: float[...], at least edge_order + 1 elements along each axis.
        varargs: nothing, one distance, or for each axis a distance or the vector of places.
        axis: the axes (all by default).
        edge_order: 1 or 2, the order of the one-sided differences at the ends.

    Returns:
        one array an axis, in a tuple; the array itself for one axis.
    """
    f = as_array(f)
    f = f if is_inexact(f.dtype) else astype(f, float)
    axes = tuple(range(f.ndim)) if axis is None else _in_order(axis, f.ndim)
    spacings = list(varargs) or [1.0]
    if len(spacings) == 1 and len(axes) > 1 and not shape_of(as_array(spacings[0])):
        spacings = spacings * len(axes)
    if len(spacings) != len(axes):
        raise ShapeError(
            f"gradient: expected one spacing, or one for each of {len(axes)} axes, got {len(spacings)}."
        )
    if edge_order not in (1, 2):
        raise DTypeError(f"gradient: expected edge_order 1 or 2, got {edge_order}.")
    slopes = []
    for i, spacing in zip(axes, spacings, strict=True):
        n = f.shape[i]
        if n < edge_order + 1:
            raise ShapeError(
                f"gradient: expected at least {edge_order + 1} elements along axis {i}, got {type_of(f)}."
            )
        spacing = as_array(spacing)
        if spacing.ndim == 0:
            slopes.append(_uniform_slope(f, i, spacing, edge_order))
            continue
        if shape_of(spacing) != (n,):
            raise ShapeError(f"gradient: expected {n} places along axis {i}, got {type_of(spacing)}.")
        slopes.append(_slope(f, i, _column(diff(spacing), i, f.ndim), edge_order))
    slopes = [astype(slope, f.dtype) for slope in slopes]
    return slopes[0] if len(slopes) == 1 else tuple(slopes)


def _in_order(axis, ndim):
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    as_axes("gradient", axes, ndim)
    return tuple([as_axis("gradient", i, ndim) for i in axes])


def _uniform_slope(f, axis, h, edge_order):
    def at(i):
        return _part(f, axis, i, i + 1 or None)

    inner = (_part(f, axis, 2, None) - _part(f, axis, None, -2)) / (2 * h)
    if edge_order == 1:
        first, last = (at(1) - at(0)) / h, (at(-1) - at(-2)) / h
    else:
        first = (-1.5 * at(0) + 2.0 * at(1) - 0.5 * at(2)) / h
        last = (1.5 * at(-1) - 2.0 * at(-2) + 0.5 * at(-3)) / h
    return concatenate([first, inner, last], axis)


def _slope(f, axis, d, edge_order):
    """The slope at each place, from the distances d of neighbours: the parabola through three places."""

    def at(x, i):
        return _part(x, axis, i, i + 1 or None)

    a, b = _part(d, axis, None, -1), _part(d, axis, 1, None)
    inner = (
        -b / (a * (a + b)) * _part(f, axis, None, -2)
        + (b - a) / (a * b) * _part(f, axis, 1, -1)
        + a / (b * (a + b)) * _part(f, axis, 2, None)
    )
    if edge_order == 1:
        first, last = (at(f, 1) - at(f, 0)) / at(d, 0), (at(f, -1) - at(f, -2)) / at(d, -1)
    else:
        a, b = at(d, 0), at(d, 1)
        first = (
            -(2.0 * a + b) / (a * (a + b)) * at(f, 0)
            + (a + b) / (a * b) * at(f, 1)
            - a / (b * (a + b)) * at(f, 2)
        )
        a, b = at(d, -2), at(d, -1)
        last = (
            b / (a * (a + b)) * at(f, -3)
            - (a + b) / (a * b) * at(f, -2)
            + (2.0 * b + a) / (b * (a + b)) * at(f, -1)
        )
    return concatenate([first, inner, last], axis)


@implements(np.unwrap)
def unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * np.pi) -> Any:
    """Return angles along `axis` moved by whole periods so that neighbours are near each other.

    Derivative: 1 by each angle, for the whole periods are constant.
    """
    p = as_array(p)
    axis = as_axis("unwrap", axis, p.ndim)
    steps = diff(p, axis=axis)
    discont = period / 2 if discont is None else discont
    whole = (
        np.result_type(dtype_of(steps), period if type(period) is not Tracer else dtype_of(period)).kind
        in "iu"
    )
    half = period // 2 if whole else period / 2
    wrapped = remainder(steps + half, period) - half
    if not whole or period % 2 == 0:
        ambiguous = logic.logical_and(logic.equal(wrapped, -half), logic.greater(steps, 0))
        wrapped = logic.select(ambiguous, half, wrapped)
    correction = logic.select(logic.less(absolute(steps), discont), 0, wrapped - steps)
    moved = _part(p, axis, 1, None) + cumsum(correction, axis=axis, reverse=False)
    return concatenate([_part(p, axis, None, 1), moved], axis)


@implements(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    """Return the values at x of the piecewise linear function through the points (xp, fp).

    Args:
        x: float[...].
        xp: float[n], increasing (in any order, with `period`).
        fp: float or complex[n].
        left, right: the values before xp[0] and after xp[-1]; fp[0] and fp[-1] by default.
        period: with which x and xp repeat.

    Derivative: by x, xp and fp; at a point of xp by x from the right, at the last from the left.
    """
    x, xp, fp = as_array(x), as_array(xp), as_array(fp)
    for value in (x, xp):
        if value.dtype.kind == "c":
            raise DTypeError(f"interp: expected real places, got {type_of(value)}.")
    for end in (left, right):
        if end is not None and (shape_of(end) or (dtype_of(end).kind == "c" and fp.dtype.kind != "c")):
            raise DTypeError(f"interp: expected a number of the kind of {type_of(fp)}, got {end!r}.")
    if xp.ndim != 1 or xp.shape != fp.shape or not len(xp):
        raise ShapeError(
            f"interp: expected xp and fp to be vectors of one size, got {type_of(xp)} and {type_of(fp)}."
        )
    x, xp = astype(x, float), astype(xp, float)
    fp = astype(fp, complex if fp.dtype.kind == "c" else float)
    if period is not None:
        period = absolute(as_operand(period))
        x, xp = remainder(x, period), remainder(xp, period)
        order = argsort(xp)
        xp, fp = take(xp, order), take(fp, order)
        xp = concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp = concatenate([fp[-1:], fp, fp[:1]])
    left = fp[0] if left is None or period is not None else astype(as_array(left), fp.dtype)
    right = fp[-1] if right is None or period is not None else astype(as_array(right), fp.dtype)
    if len(xp) == 1:
        y = fit(fp[0], x.shape)
    else:
        above = clip(searchsorted(xp, x, "right"), 1, len(xp) - 1)
        x0, x1, y0, y1 = take(xp, above - 1), take(xp, above), take(fp, above - 1), take(fp, above)
        width = x1 - x0
        y = y0 + (y1 - y0) / logic.select(logic.equal(width, 0), 1.0, width) * (x - x0)
    y = logic.select(logic.less(x, xp[0]), left, y)
    return logic.select(logic.greater(x, xp[-1]), right, y)


@implements(np.convolve)
def convolve(a: Any, v: Any, mode: str = "full") -> Any:
    """Return the convolution of two vectors, in the mode 'full', 'same' or 'valid'."""
    a, v = _vector("convolve", a), _vector("convolve", v)
    shorter = min(len(a), len(v))
    return _convolved("convolve", a, v, mode, (shorter - 1) // 2)


@implements(np.correlate)
def correlate(a: Any, v: Any, mode: str = "valid") -> Any:
    """Return the correlation of two vectors: sum over n of a[n + k] conj(v[n])."""
    a, v = _vector("correlate", a, least=1), _vector("correlate", v, least=1)
    start = (len(v) - 1) // 2 if len(a) >= len(v) else len(a) // 2
    return _convolved("correlate", a, (conjugate(v) if v.dtype.kind == "c" else v)[::-1], mode, start)


def _vector(name, x, least=0):
    x = as_array(x)
    if not least <= x.ndim <= 1 or 0 in x.shape:
        raise ShapeError(f"{name}: expected a vector with at least one element, got {type_of(x)}.")
    return x if x.ndim else reshape(x, shape=(1,))


_MODES = ["valid", "same", "full"]  # in the order of NumPy's numbers for them


def _convolved(name, a, v, mode, start):
    """Return the part of a convolution that a mode names; `start` is where 'same' begins."""
    if isinstance(mode, int) and 0 <= mode < 3:
        mode = _MODES[mode]
    shorter, longer = sorted((len(a), len(v)))
    modes = {
        "full": (0, longer + shorter - 1),
        "same": (start, longer),
        "valid": (shorter - 1, longer - shorter + 1),
    }
    if mode not in modes:
        raise DTypeError(f"{name}: expected mode 'full', 'same' or 'valid', got {mode!r}.")
    start, count = modes[mode]
    return convolution.convolve(a, v, start=start, count=count)
