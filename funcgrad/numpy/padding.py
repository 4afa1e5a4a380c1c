"""pad: more elements around an array, in every mode of NumPy's."""

from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad.core.tracer import Tracer
from funcgrad.core.types import dtype_of, is_inexact, type_of
from funcgrad.errors import DTypeError, ShapeError
from funcgrad.numpy import averages, reductions
from funcgrad.numpy.arguments import as_array, as_axis, astype, fit, implements, judged
from funcgrad.numpy.joining import concatenate
from funcgrad.numpy.products import tensordot
from funcgrad.numpy.quantiles import median
from funcgrad.numpy.ranges import linspace
from funcgrad.numpy.shaping import moveaxis
from funcgrad.numpy.static_arguments import known
from funcgrad.primitives import logic
from funcgrad.primitives.indexing import Key, place

__all__ = ["pad"]

_OPTIONS = {
    "constant": ("constant_values",),
    "empty": (),
    "edge": (),
    "wrap": (),
    "reflect": ("reflect_type",),
    "symmetric": ("reflect_type",),
    "linear_ramp": ("end_values",),
    "maximum": ("stat_length",),
    "minimum": ("stat_length",),
    "mean": ("stat_length",),
    "median": ("stat_length",),
}
_STATISTICS: dict[str, Callable] = {
    "maximum": reductions.max,
    "minimum": reductions.min,
    "mean": averages.mean,
    "median": median,
}


@implements(np.pad)
def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> Any:
    """Return `array` with elements added before and after each axis, as `numpy.pad`.

    Args:
        array: any dtype[...].
        pad_width: one int, a pair, a pair for each axis, or a dict from axes to them.
        mode: 'constant', 'edge', 'reflect', 'symmetric', 'wrap', 'linear_ramp', 'maximum', 'mean',
            'median', 'minimum' or 'empty' (zeros).
        kwargs: constant_values, end_values, stat_length, reflect_type, by the mode.

    Derivative: by the array, and by constant_values and end_values.
    """
    x = as_array(array)
    if mode not in _OPTIONS:
        raise DTypeError(f"pad: expected mode {', '.join(_OPTIONS)}, got {mode!r}.")
    strange = set(kwargs) - set(_OPTIONS[mode])
    if strange:
        raise DTypeError(
            f"pad: expected options of the mode {mode!r} {_OPTIONS[mode]}, got {sorted(strange)}."
        )
    widths = _widths(pad_width, x.ndim)
    if mode == "empty" or (mode == "constant" and _is_zero(kwargs.get("constant_values", 0))):
        return _among_zeros(x, widths)
    option = next((kwargs[name] for name in _OPTIONS[mode] if name in kwargs), None)
    for axis, (before, after) in enumerate(widths):
        if before or after:
            x = _padded(x, axis, before, after, mode, option, len(widths))
    return x if any(map(any, widths)) else x.copy()


def _widths(pad_width, ndim):
    if isinstance(pad_width, dict):
        judged("pad", np.pad, np.ones((1,) * ndim), pad_width)  # no dicts in 2.2
        widths = [(0, 0)] * ndim
        for axis, width in pad_width.items():
            pair = np.broadcast_to(np.asarray(width), (2,)).tolist()
            widths[as_axis("pad", axis, ndim)] = (pair[0], pair[1])
    else:
        table = np.asarray(known("pad", "pad_width", pad_width))
        if table.dtype.kind not in "iu":
            raise DTypeError(f"pad: expected pad_width of ints, got {type_of(table)}.")
        widths = [(pair[0], pair[1]) for pair in _pairs(table, ndim).tolist()]
    if any(n < 0 for pair in widths for n in pair):
        raise ShapeError(f"pad: expected pad_width of at least 0, got {widths}.")
    return widths


def _pairs(table, ndim):
    try:
        return np.broadcast_to(table, (ndim, 2))
    except ValueError:
        raise ShapeError(
            f"pad: expected one number, a pair, or a pair for each of {ndim} axes, got {table.tolist()}."
        ) from None


def _is_zero(value):
    return type(value) in (int, float) and value == 0


def _among_zeros(x, widths):
    shape = tuple([a + n + b for (a, b), n in zip(widths, x.shape, strict=True)])
    key = Key([slice(a, a + n) for (a, _), n in zip(widths, x.shape, strict=True)])
    return place(x, shape=shape, key=key)


def _padded(x, axis, before, after, mode, option, ndim):
    """Return `x` padded along one axis."""
    n = x.shape[axis]
    if n == 0 and mode != "constant":
        raise ShapeError(f"pad: expected elements along axis {axis} for mode {mode!r}, got {type_of(x)}.")
    if mode in ("constant", "linear_ramp"):
        ends = _pair_of_values(0 if option is None else option, axis, ndim)
        make = _constant if mode == "constant" else _ramp
        return concatenate([make(x, axis, 0, ends[0], before), x, make(x, axis, -1, ends[1], after)], axis)
    if mode in _STATISTICS:
        lengths = (n, n) if option is None else _pairs(np.asarray(option), ndim)[axis].tolist()
        parts = [_statistic(x, axis, length, end, mode) for length, end in zip(lengths, (0, -1), strict=True)]
        sizes = [(*x.shape[:axis], width, *x.shape[axis + 1 :]) for width in (before, after)]
        return concatenate([fit(parts[0], sizes[0]), x, fit(parts[1], sizes[1])], axis)
    if option == "odd":
        # Linear in x: what NumPy does to unit vectors is the matrix of the map.
        table = np.pad(np.eye(n, dtype=x.dtype), ((before, after), (0, 0)), mode, reflect_type="odd")
        return moveaxis(tensordot(table, x, (1, axis)), 0, axis)
    sources = np.pad(np.arange(n), (before, after), mode)
    y = x[(*(slice(None),) * axis, sources)]
    return y.copy() if type(y) is Tracer else y


def _pair_of_values(values, axis, ndim):
    values = as_array(values)
    pairs = (
        fit(values, (ndim, 2)) if values.ndim != 1 or values.shape == (2,) else _pairs_of_rows(values, ndim)
    )
    return pairs[axis, 0], pairs[axis, 1]


def _pairs_of_rows(values, ndim):
    if values.shape != (1,):
        raise ShapeError(f"pad: expected values as one number, a pair, or pairs, got {type_of(values)}.")
    return fit(values, (ndim, 2))


def _constant(x, axis, end, value, width):
    return fit(astype(value, x.dtype), (*x.shape[:axis], width, *x.shape[axis + 1 :]))


def _ramp(x, axis, end, value, width):
    """Return the steps from `value` towards the edge of `x` at `end`, the edge left out."""
    edge = x[(*(slice(None),) * axis, end)]
    dtype = dtype_of(x)
    steps = linspace(
        value, edge, width, endpoint=False, axis=axis, dtype=None if is_inexact(dtype) else dtype
    )
    steps = astype(steps, dtype)
    return steps if end == 0 else steps[(*(slice(None),) * axis, slice(None, None, -1))]


def _statistic(x, axis, length, end, mode):
    n = x.shape[axis]
    length = min(int(length), n)
    if length < 1:
        raise ShapeError(f"pad: expected stat_length of at least 1, got {length}.")
    part = slice(0, length) if end == 0 else slice(n - length, n)
    y = _STATISTICS[mode](x[(*(slice(None),) * axis, part)], axis, keepdims=True)
    if not is_inexact(x.dtype) and is_inexact(dtype_of(y)):
        y = logic.rint(y)
    return astype(y, x.dtype)
