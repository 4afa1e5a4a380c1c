"""Averages along axes and the spread around them: mean, var, std, average."""

import math
from typing import Any

import numpy as np

from funcgrad.core.types import dtype_of, is_inexact, shape_of, type_of
from funcgrad.errors import ShapeError
from funcgrad.numpy import reductions
from funcgrad.numpy.arguments import as_array, as_axes, astype, fit, implements, judged, no_out
from funcgrad.numpy.reductions import given, reduced_axes, sum_of_squares
from funcgrad.numpy.squares import squared_magnitude, with_square
from funcgrad.primitives import reduction
from funcgrad.primitives.broadcasting import reshape
from funcgrad.primitives.logic import maximum, select

__all__ = ["average", "mean", "std", "var"]


@implements(np.mean)
def mean(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    keepdims: bool = False,
    *,
    where: Any = True,
) -> Any:
    """Return the arithmetic mean over `axis`, as `numpy.mean`."""
    no_out("mean", out)
    a, want, where = _inexact("mean", np.mean, a, axis, dtype, where, {})
    axes = reduced_axes("mean", axis, a.ndim)
    if dtype is None and a.dtype == np.float16:  # whose sums would overflow; NumPy's are float32, too
        want, a = a.dtype, astype(a, np.float32)
    total = reductions.sum(a, axes, None if dtype is None else want, keepdims=keepdims, where=where)
    return _as(want, total / _count(a, axes, keepdims, where))


def _as(want, y):
    return y if want is None else astype(y, want)


def _inexact(name, original, a, axis, dtype, where, details, keepdims=False):
    """Return an array that has a mean, the dtype of the answer (None: as it comes), and a mask or True."""
    a = as_array(a)
    if dtype is None and where is True and not details:
        return _floating(a), None, True
    options = given(dtype=dtype, where=where)
    want = judged(name, original, a, axis, keepdims=keepdims, **options, **details).dtype
    where = options.get("where", True)
    if dtype is not None:
        return astype(a, dtype), want, where
    return _floating(a), want, where


def _floating(a):
    return a if is_inexact(dtype_of(a)) else astype(a, float)


def _count(a, axes, keepdims, where):
    if where is True:
        count = math.prod(shape_of(a)[i] for i in axes)
        if isinstance(count, int):
            return count  # and not of what a mask chooses, a traced number
    else:
        count = reductions.sum(fit(as_array(where), shape_of(a)), axes, keepdims=keepdims)
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
    where: Any = True,
    mean: Any = None,
    correction: Any = np._NoValue,
) -> Any:
    """Return the variance over `axis`, as `numpy.var`: the mean squared deviation."""
    no_out("var", out)
    details = _spread(ddof, mean, correction)
    a, want, where = _inexact("var", np.var, a, axis, dtype, where, details)
    axes = reduced_axes("var", axis, a.ndim)
    d = _deviations(a, axes, details.get("mean"), where)
    axes = as_axes("var", axis, len(shape_of(d)))  # a mean given may have more axes
    divisor = _divisor(_count(a, axes, keepdims, where), details.get("correction", ddof))
    total = reductions.sum(
        squared_magnitude(d), axes, None if dtype is None else want, keepdims=keepdims, where=where
    )
    return _as(want, total / divisor)


def _spread(ddof, mean, correction):
    """Return the arguments of var and std that need NumPy's judgement; ddof alone needs none."""
    details = {}
    if mean is not None and mean is not np._NoValue:
        details["mean"] = mean
    if correction is not np._NoValue:
        details["correction"] = correction
    if ddof != 0 and (details or not isinstance(ddof, (int, float))):
        details["ddof"] = ddof
    return details


@implements(np.std)
def std(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: None = None,
    ddof: float = 0,
    keepdims: bool = False,
    *,
    where: Any = True,
    mean: Any = None,
    correction: Any = np._NoValue,
) -> Any:
    """Return the standard deviation over `axis`, as `numpy.std`.

    Derivative: 0 where all elements are equal; there the second derivative is that of the variance for even
    powers, and otherwise refused or nan, as that of a norm.
    """
    no_out("std", out)
    details = _spread(ddof, mean, correction)
    a, want, where = _inexact("std", np.std, a, axis, dtype, where, details, keepdims)
    axes = reduced_axes("std", axis, a.ndim)
    d = _deviations(a, axes, details.get("mean"), where)
    if where is not True:
        d = select(where, d, 0)
    divisor = _divisor(_count(a, axes, keepdims, where), details.get("correction", ddof))
    axes = as_axes("std", axis, len(shape_of(d)))
    if want is not None and want.kind not in "fc":  # NumPy roots what it has rounded
        spread = var(a, axis, want, None, ddof, keepdims, where=where, **details)
        return astype(np.sqrt(spread), want)
    root = math.sqrt(divisor) if isinstance(divisor, (int, float)) else np.sqrt(divisor)
    y = _as(want, reduction.reduce_norm(d, axes=axes, keepdims=bool(keepdims)) / root)
    return with_square(y, lambda: _as(want, sum_of_squares(d, axes, bool(keepdims)) / divisor))


@implements(np.average)
def average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    """Return the weighted mean over `axis`, as `numpy.average`."""
    a = as_array(a)
    if weights is None:
        y = mean(a, as_axes("average", axis, a.ndim), keepdims=keepdims)
        if not y.size:
            raise ShapeError(
                f"average: expected an average of something, got {type_of(a)} along axis {axis}."
            )
        total = np.asarray(a.size // np.maximum(np.prod(shape_of(y), dtype=int), 1), dtype_of(y))
    else:
        weights = as_array(weights)
        if shape_of(weights) != shape_of(a):
            axes = as_axes("average", axis, a.ndim)
            shape = [n if i in axes else 1 for i, n in enumerate(shape_of(a))]
            weights = fit(reshape(weights, shape=tuple(shape)), shape_of(a))
        total = reductions.sum(weights, axis, keepdims=keepdims)
        y = reductions.sum(a * weights, axis, keepdims=keepdims) / total
    return (y, fit(as_array(total), shape_of(y))) if returned else y
