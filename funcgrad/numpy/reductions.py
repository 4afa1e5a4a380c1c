"""Reductions along axes: sum, mean, var, std, prod, max, min, ptp, any, all, argmax, cumulative sums."""

import math
from typing import Any

import numpy as np

from funcgrad.core.tracer import bind
from funcgrad.core.types import dtype_of, is_inexact, shape_of
from funcgrad.errors import DTypeError
from funcgrad.numpy.arrays import as_array, as_axes, as_axis, astype, fit, implements, no_out
from funcgrad.primitives import cumulative, reduction
from funcgrad.primitives.arithmetic import absolute
from funcgrad.primitives.broadcasting import reduce_sum, reshape
from funcgrad.primitives.logic import maximum, minimum, select

__all__ = [
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "average",
    "count_nonzero",
    "cumprod",
    "cumsum",
    "cumulative_prod",
    "cumulative_sum",
    "max",
    "mean",
    "min",
    "prod",
    "ptp",
    "std",
    "sum",
    "var",
]


def _axes(name, axis, ndim):
    """Return the axes; like NumPy's ufuncs take axis 0 and -1 of an array that has none."""
    return as_axes(name, axis, ndim) if ndim or axis not in (0, -1) else ()


@implements(np.sum)
def sum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = None,
) -> Any:
    """Return the sum over `axis` (all axes by default), as `numpy.sum`."""
    if out is not None:
        no_out("sum", out)
    a = as_array(a)
    if where is not None:
        a = select(where, a, 0)
    if dtype is not None:
        a = astype(a, dtype)
    y = bind(reduce_sum, a, axes=_axes("sum", axis, a.ndim), keepdims=bool(keepdims))
    return y if initial is None else y + initial


@implements(np.prod)
def prod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    initial: Any = None,
    where: Any = None,
) -> Any:
    """Return the product over `axis`, as `numpy.prod`; the derivative is exact at zeros."""
    no_out("prod", out)
    a = as_array(a)
    if where is not None:
        a = select(where, a, 1)
    if dtype is not None:
        a = astype(a, dtype)
    y = reduction.reduce_prod(a, axes=_axes("prod", axis, a.ndim), keepdims=bool(keepdims))
    return y if initial is None else y * initial


def _extremum(name, primitive, combine):
    def extremum(
        a: Any,
        axis: Any = None,
        out: None = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = None,
    ) -> Any:
        no_out(name, out)
        a = as_array(a)
        if where is not None:
            if initial is None:
                raise DTypeError(f"{name}: expected initial= together with where=, got none.")
            a = select(where, a, initial)
        axes = _axes(name, axis, a.ndim)
        if initial is not None and math.prod(a.shape[i] for i in axes) == 0:
            shape = [1 if i in axes else n for i, n in enumerate(a.shape)]
            a = np.full(shape, initial, a.dtype)
        y = primitive(a, axes=axes, keepdims=bool(keepdims))
        return y if initial is None else combine(y, initial)

    extremum.__name__ = extremum.__qualname__ = name
    extremum.__doc__ = (
        f"Return the {name}imum over `axis`, as `numpy.{name}`; ties share the derivative evenly."
    )
    return extremum


max = amax = implements(np.max, np.amax)(_extremum("max", reduction.reduce_max, maximum))
min = amin = implements(np.min, np.amin)(_extremum("min", reduction.reduce_min, minimum))


@implements(np.ptp)
def ptp(a: Any, axis: Any = None, out: None = None, keepdims: bool = False) -> Any:
    """Return the range, max - min, over `axis`."""
    no_out("ptp", out)
    return max(a, axis, keepdims=keepdims) - min(a, axis, keepdims=keepdims)


@implements(np.any)
def any(a: Any, axis: Any = None, out: None = None, keepdims: bool = False, *, where: Any = None) -> Any:
    """Return whether any element over `axis` is true."""
    no_out("any", out)
    a = as_array(a)
    a = a if where is None else select(where, a, False)
    return reduction.reduce_any(a, axes=_axes("any", axis, a.ndim), keepdims=bool(keepdims))


@implements(np.all)
def all(a: Any, axis: Any = None, out: None = None, keepdims: bool = False, *, where: Any = None) -> Any:
    """Return whether all elements over `axis` are true."""
    no_out("all", out)
    a = as_array(a)
    a = a if where is None else select(where, a, True)
    return reduction.reduce_all(a, axes=_axes("all", axis, a.ndim), keepdims=bool(keepdims))


@implements(np.count_nonzero)
def count_nonzero(a: Any, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Return how many elements over `axis` are not zero."""
    return sum(np.not_equal(as_array(a), 0), axis, keepdims=keepdims)


@implements(np.mean)
def mean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    *,
    where: Any = None,
) -> Any:
    """Return the arithmetic mean over `axis`, as `numpy.mean`."""
    no_out("mean", out)
    a = as_array(a)
    a = astype(a, dtype) if dtype is not None else _floating(a)
    axes = as_axes("mean", axis, a.ndim)
    total = sum(a, axes, keepdims=keepdims, where=where)
    return total / _count(a, axes, keepdims, where)


def _floating(a):
    return a if is_inexact(dtype_of(a)) else astype(a, float)


def _count(a, axes, keepdims, where):
    if where is None:
        return math.prod(shape_of(a)[i] for i in axes)
    count = sum(fit(as_array(where), shape_of(a)), axes, keepdims=keepdims)
    return astype(count, np.empty(0, dtype_of(a)).real.dtype)


def _divisor(count, ddof):
    """Return count - ddof, but at least 0; a Python number where it can be, so that dtypes are kept."""
    if isinstance(count, int) and isinstance(ddof, (int, float)):
        return count - ddof if count > ddof else 0
    return maximum(count - ddof, 0)


def _deviations(a, axes, mean_value, where):
    if mean_value is None:
        mean_value = mean(a, axes, keepdims=True, where=where)
    return a - mean_value


@implements(np.var)
def var(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = None,
    mean: Any = None,
    correction: Any = None,
) -> Any:
    """Return the variance over `axis`, as `numpy.var`: the mean squared deviation."""
    no_out("var", out)
    a = as_array(a)
    a = astype(a, dtype) if dtype is not None else _floating(a)
    axes = as_axes("var", axis, a.ndim)
    d = _deviations(a, axes, mean, where)
    squares = absolute(d) ** 2 if dtype_of(d).kind == "c" else d * d
    ddof = ddof if correction is None else correction
    divisor = _divisor(_count(a, axes, keepdims, where), ddof)
    return sum(squares, axes, keepdims=keepdims, where=where) / divisor


@implements(np.std)
def std(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = None,
    mean: Any = None,
    correction: Any = None,
) -> Any:
    """Return the standard deviation over `axis`, as `numpy.std`.

    Derivative: 0 where all elements are equal.
    """
    no_out("std", out)
    a = as_array(a)
    a = astype(a, dtype) if dtype is not None else _floating(a)
    axes = as_axes("std", axis, a.ndim)
    d = _deviations(a, axes, mean, where)
    if where is not None:
        d = select(where, d, 0)
    ddof = ddof if correction is None else correction
    divisor = _divisor(_count(a, axes, keepdims, where), ddof)
    root = math.sqrt(divisor) if isinstance(divisor, (int, float)) else np.sqrt(divisor)
    return reduction.reduce_norm(d, axes=axes, keepdims=bool(keepdims)) / root


@implements(np.average)
def average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    """Return the weighted mean over `axis`, as `numpy.average`."""
    a = as_array(a)
    if weights is None:
        y = mean(a, axis, keepdims=keepdims)
        total = np.asarray(a.size // np.maximum(np.prod(shape_of(y), dtype=int), 1), dtype_of(y))
    else:
        weights = as_array(weights)
        if shape_of(weights) != shape_of(a):
            axes = as_axes("average", axis, a.ndim)
            shape = [n if i in axes else 1 for i, n in enumerate(shape_of(a))]
            weights = fit(reshape(weights, shape=tuple(shape)), shape_of(a))
        total = sum(weights, axis, keepdims=keepdims)
        y = sum(a * weights, axis, keepdims=keepdims) / total
    return (y, fit(as_array(total), shape_of(y))) if returned else y


def _arg(name, primitive):
    def position(a: Any, axis: Any = None, out: None = None, *, keepdims: bool = False) -> Any:
        no_out(name, out)
        a = as_array(a)
        flat = reshape(a, shape=(a.size,)) if axis is None else a
        number = 0 if axis is None else as_axis(name, axis, a.ndim)
        y = primitive(flat, axis=number)
        if not keepdims:
            return y
        shape = (1,) * a.ndim if axis is None else (*a.shape[:number], 1, *a.shape[number + 1 :])
        return reshape(y, shape=shape)

    position.__name__ = position.__qualname__ = name
    position.__doc__ = f"Return the position of the first extremum along `axis`, as `numpy.{name}`."
    return position


argmax = implements(np.argmax)(_arg("argmax", reduction.argmax))
argmin = implements(np.argmin)(_arg("argmin", reduction.argmin))


def _running(name, a, axis, dtype, out):
    no_out(name, out)
    a = as_array(a)
    if axis is None:
        a, axis = reshape(a, shape=(a.size,)), 0
    return (a if dtype is None else astype(a, dtype)), as_axis(name, axis, a.ndim)


@implements(np.cumsum)
def cumsum(a: Any, axis: Any = None, dtype: Any = None, out: None = None) -> Any:
    """Return the running sum along `axis` (of the flattened array by default)."""
    a, axis = _running("cumsum", a, axis, dtype, out)
    return cumulative.cumsum(a, axis=axis, reverse=False)


@implements(np.cumprod)
def cumprod(a: Any, axis: Any = None, dtype: Any = None, out: None = None) -> Any:
    """Return the running product along `axis`; the derivative is exact at zeros."""
    a, axis = _running("cumprod", a, axis, dtype, out)
    return cumulative.cumprod(a, axis=axis)


def _with_initial(y, x, axis, start, include_initial):
    if not include_initial:
        return y
    shape = list(shape_of(x))
    shape[axis] = 1
    return np.concatenate([np.full(shape, start, dtype_of(y)), y], axis)


@implements(np.cumulative_sum)
def cumulative_sum(
    x: Any, /, *, axis: Any = None, dtype: Any = None, out: None = None, include_initial: bool = False
) -> Any:
    """Return the running sum along `axis`, with a leading 0 if `include_initial`."""
    x = as_array(x)
    axis = 0 if axis is None and x.ndim == 1 else axis
    return _with_initial(cumsum(x, axis, dtype, out), x, axis, 0, include_initial)


@implements(np.cumulative_prod)
def cumulative_prod(
    x: Any, /, *, axis: Any = None, dtype: Any = None, out: None = None, include_initial: bool = False
) -> Any:
    """Return the running product along `axis`, with a leading 1 if `include_initial`."""
    x = as_array(x)
    axis = 0 if axis is None and x.ndim == 1 else axis
    return _with_initial(cumprod(x, axis, dtype, out), x, axis, 1, include_initial)
