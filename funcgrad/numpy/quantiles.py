"""Quantiles: median, quantile, percentile, and those that leave out nan."""

from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad.core.inplace import own
from funcgrad.core.tracer import concrete, is_concrete
from funcgrad.core.types import dtype_of, is_inexact, shape_of, type_of
from funcgrad.errors import DTypeError, ShapeError
from funcgrad.numpy import averages, reductions
from funcgrad.numpy.arguments import as_array, as_axes, astype, fit, implements, no_out
from funcgrad.numpy.indexing import getitem
from funcgrad.numpy.shaping import transpose
from funcgrad.numpy.sorting import sort
from funcgrad.primitives import logic, sorting
from funcgrad.primitives.arithmetic import remainder
from funcgrad.primitives.broadcasting import reshape
from funcgrad.primitives.elementwise import guarded_multiply

__all__ = ["median", "nanmedian", "nanpercentile", "nanquantile", "percentile", "quantile"]


def _rows(name: str, a: Any, axis: Any) -> tuple[Any, tuple[int, ...], int]:
    """Return `a` with `axes` joined as the last axis, the axes, and the number of axes of `a`."""
    a = as_array(a)
    axes = as_axes(name, axis, a.ndim)
    rest = tuple([d for d in range(a.ndim) if d not in axes])
    moved = transpose(a, (*rest, *axes)) if rest else a
    count = int(np.prod([a.shape[d] for d in axes], dtype=int))
    return reshape(moved, shape=(*(a.shape[d] for d in rest), count)), axes, a.ndim


def _kept(y: Any, axes: tuple[int, ...], ndim: int, lead: int = 0) -> Any:
    """Give the result back the reduced axes with size 1; `lead` axes come before all others."""
    rest = iter(shape_of(y)[lead:])
    shape = tuple([1 if d in axes else next(rest) for d in range(ndim)])
    return own(reshape(y, shape=(*shape_of(y)[:lead], *shape)))


@implements(np.median)
def median(
    a: Any, axis: Any = None, out: None = None, overwrite_input: bool = False, keepdims: bool = False
) -> Any:
    """Return the median over `axis`: the middle of the sorted elements, or the mean of the middle two.

    Derivative: that of the middle elements; ties by position.
    """
    no_out("median", out)
    rows, axes, ndim = _rows("median", a, axis)
    n = rows.shape[-1]
    if n == 0:
        y = averages.mean(rows, -1)  # nan
        return _kept(y, axes, ndim) if keepdims else y
    places = tuple(sorted({(n - 1) // 2, n // 2, n - 1}))  # a nan would be the last
    ordered = sorting.sort(rows, axis=rows.ndim - 1, kth=places)
    middle = ordered[..., (n - 1) // 2 : n // 2 + 1]
    y = averages.mean(middle, -1)
    if is_inexact(rows.dtype):
        y = logic.select(logic.isnan(ordered[..., -1]), np.nan, y)
    return _kept(y, axes, ndim) if keepdims else y


# Hyndman and Fan, Sample Quantiles in Statistical Packages (1996): the place of the quantile q among
# n sorted elements, counted from 0, is n q + alpha + q (1 - alpha - beta) - 1.
_PLOTTING_POSITIONS = {
    "interpolated_inverted_cdf": (0.0, 1.0),
    "hazen": (0.5, 0.5),
    "weibull": (0.0, 0.0),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
}


def _discrete(place, keep_low):
    low = logic.floor(place)
    return logic.select(keep_low(place, low), low, low + 1)


_STEPS: dict[str, Callable] = {
    "inverted_cdf": lambda n, q: _discrete(n * q - 1, lambda place, low: place == low),
    "closest_observation": lambda n, q: _discrete(
        n * q - 1.5, lambda place, low: (place == low) & (remainder(low, 2) == 1)
    ),
    "lower": lambda n, q: logic.floor((n - 1) * q),
    "higher": lambda n, q: logic.ceil((n - 1) * q),
    "nearest": lambda n, q: logic.rint((n - 1) * q),
}


def _place(method, n, q):
    """Return the integer place below the quantile, and how far the quantile lies towards the next."""
    if method in _STEPS:
        return _STEPS[method](n, q), None
    if method == "linear":
        place = (n - 1) * q
    elif method == "averaged_inverted_cdf":
        place = n * q - 1
    elif method == "midpoint":
        place = 0.5 * (logic.floor((n - 1) * q) + logic.ceil((n - 1) * q))
    elif method in _PLOTTING_POSITIONS:
        alpha, beta = _PLOTTING_POSITIONS[method]
        place = n * q + (alpha + q * (1 - alpha - beta)) - 1
    else:
        known_methods = _listed([*_STEPS, *_PLOTTING_POSITIONS, "linear", "midpoint"])
        raise DTypeError(f"quantile: expected a method among {known_methods}, got {method!r}.")
    low = logic.floor(place)
    fraction = place - low
    if method == "averaged_inverted_cdf":
        fraction = logic.select(logic.equal(fraction, 0), 0.5, 1.0)
    return low, fraction


def _listed(names):
    """Return names in order, for a message."""
    return ", ".join(np.sort(names).tolist())


def _quantiles_of_sorted(ordered: Any, n: Any, q: Any, method: str) -> Any:
    """Return the quantiles q of the first `n` of the sorted elements along the last axis.

    `n` is a number, or one number a row; the result has the axes of q, then those of the rows.
    """
    rows = shape_of(ordered)[:-1]
    q = reshape(q, shape=(*shape_of(q), *(1,) * len(rows)))
    low, fraction = _place(method, n, q)
    full = (*shape_of(q)[: len(shape_of(q)) - len(rows)], *rows)
    top = logic.maximum(n - 1, 0)
    picked = []
    for offset in (0, 1):
        place = astype(logic.minimum(logic.maximum(low + offset, 0), top), np.intp)
        picked.append(_gathered(ordered, fit(place, full)))
        if fraction is None:
            return picked[0]
    below, above = picked
    return below + guarded_multiply(fit(fraction, full), above - below)  # 0 times infinity is 0


def _gathered(ordered, places):
    """Return ordered[row, places[..., row]], where the last axes of `places` are those of the rows."""
    grids = np.ogrid[tuple([slice(n) for n in shape_of(ordered)[:-1]])]
    return getitem(ordered, (*grids, places))


def _quantiles(name, a, q, axis, out, method, keepdims, weights):
    no_out(name, out)
    if weights is not None:
        raise DTypeError(f"{name}: expected no weights=, got {type(weights).__name__}.")
    if is_concrete(q) and np.any((concrete(q) < 0) | (concrete(q) > 1)):
        what = "percentiles between 0 and 100" if "percentile" in name else "quantiles between 0 and 1"
        raise ShapeError(f"{name}: expected {what}, got others.")
    rows, axes, ndim = _rows(name, a, axis)
    if rows.dtype.kind == "c":
        raise DTypeError(f"{name}: expected real numbers, got {type_of(rows)}.")
    if rows.shape[-1] == 0:
        raise ShapeError(f"{name}: expected at least one element along axes {axes}, got {type_of(rows)}.")
    ordered = sort(rows)
    if name.startswith("nan"):
        y = _quantiles_of_numbers(ordered, q, method)
    else:
        y = _quantiles_of_sorted(ordered, rows.shape[-1], q, method)
        if is_inexact(rows.dtype):
            y = logic.select(logic.isnan(ordered[..., -1]), np.nan, y)
    return _kept(y, axes, ndim, q.ndim) if keepdims else y


def _fractions(a, q):
    """Return q as an inexact array; a Python number adapts to the dtype of `a`."""
    a = as_array(a)
    if type(q) in (int, float):
        return np.asarray(q, a.dtype if is_inexact(a.dtype) else float)
    q = as_array(q)
    return q if is_inexact(q.dtype) else astype(q, float)


def _quantiles_of_numbers(ordered: Any, q: Any, method: str) -> Any:
    """Return the quantiles of the elements of each sorted row that are not nan; nan where all are."""
    is_number = logic.logical_not(logic.isnan(ordered))
    n = astype(reductions.sum(is_number, -1), dtype_of(q))
    y = _quantiles_of_sorted(ordered, n, q, method)
    return logic.select(logic.equal(n, 0), np.nan, y)


@implements(np.quantile)
def quantile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    """Return the quantiles `q` (between 0 and 1) of `a` over `axis`, as `numpy.quantile`.

    Derivative: by the elements between which the quantile lies (ties by position), and by q.

    Reference: Hyndman and Fan (1996), Sample Quantiles in Statistical Packages.
    """
    return _quantiles("quantile", a, _fractions(a, q), axis, out, method, keepdims, weights)


@implements(np.percentile)
def percentile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    """Return the percentiles `q` (between 0 and 100) of `a` over `axis`; see `quantile`."""
    return _quantiles("percentile", a, _fractions(a, q) / 100, axis, out, method, keepdims, weights)


@implements(np.nanquantile)
def nanquantile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    """Return the quantiles `q` of the elements that are not nan; see `quantile`."""
    return _quantiles("nanquantile", a, _fractions(a, q), axis, out, method, keepdims, weights)


@implements(np.nanpercentile)
def nanpercentile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: None = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    weights: Any = None,
) -> Any:
    """Return the percentiles `q` of the elements that are not nan; see `quantile`."""
    return _quantiles("nanpercentile", a, _fractions(a, q) / 100, axis, out, method, keepdims, weights)


@implements(np.nanmedian)
def nanmedian(
    a: Any, axis: Any = None, out: None = None, overwrite_input: bool = False, keepdims: Any = False
) -> Any:
    """Return the median of the elements that are not nan; nan where all are."""
    keepdims = keepdims is True
    a = as_array(a)
    if not is_inexact(a.dtype):
        return median(a, axis, out, keepdims=keepdims)
    return nanquantile(a, 0.5, axis, out, keepdims=keepdims)
