"""Covariance and correlation of variables, and counts of values: histogram, bincount, digitize."""

import builtins
import operator
from typing import Any

import numpy as np

from funcgrad.core.tracer import concrete, is_concrete
from funcgrad.core.types import dtype_of, is_inexact, shape_of, type_of
from funcgrad.errors import DTypeError, ShapeError
from funcgrad.numpy import averages, reductions
from funcgrad.numpy.arguments import as_array, astype, implements, judged
from funcgrad.numpy.calculus import diff
from funcgrad.numpy.diagonals import diag
from funcgrad.numpy.joining import concatenate
from funcgrad.numpy.products import dot
from funcgrad.numpy.ranges import linspace
from funcgrad.numpy.rearranging import atleast_2d
from funcgrad.numpy.selection import clip
from funcgrad.numpy.shaping import ravel, reshape, squeeze, transpose
from funcgrad.numpy.sorting import searchsorted
from funcgrad.numpy.static_arguments import known
from funcgrad.primitives import logic
from funcgrad.primitives.arithmetic import conjugate, imag, real
from funcgrad.primitives.exponential import sqrt
from funcgrad.primitives.gathering import scatter_add

__all__ = [
    "bincount",
    "corrcoef",
    "cov",
    "digitize",
    "histogram",
    "histogram2d",
    "histogram_bin_edges",
    "histogramdd",
]


@implements(np.cov)
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    """Return the covariance matrix of the variables in the rows of `m` and `y` (columns, without rowvar).

    Derivative: by the observations and by aweights.
    """
    x = _variables("cov", m, rowvar)
    if y is not None:
        x = concatenate([x, _variables("cov", y, rowvar)], 0)
    if dtype is not None and np.dtype(dtype).kind not in "fc":
        raise DTypeError(f"cov: expected a floating or complex dtype, got {np.dtype(dtype)}.")
    dtype = np.result_type(dtype_of(x), np.float64) if dtype is None else np.dtype(dtype)
    x = astype(x, dtype)
    if ddof is not None and ddof != int(ddof):
        raise ShapeError(f"cov: expected ddof to be an integer, got {ddof}.")
    if ddof is None:
        ddof = 0 if bias else 1
    weights = _weights(fweights, aweights, x.shape[1])
    if weights is None:
        mean = averages.mean(x, 1, keepdims=True)
        norm = x.shape[1] - ddof
    else:
        total = reductions.sum(weights)
        mean = reductions.sum(x * weights, 1, keepdims=True) / total
        if aweights is None or ddof == 0:
            norm = total - ddof
        else:
            norm = total - ddof * reductions.sum(weights * as_array(aweights)) / total
    d = x - mean
    right = d if weights is None else d * weights
    right = conjugate(right) if right.dtype.kind == "c" else right
    c = dot(d, transpose(right))
    return squeeze(astype(c / logic.maximum(norm, 0), dtype_of(c)))


def _variables(name, m, rowvar):
    x = as_array(m)
    if x.ndim > 2:
        raise ShapeError(f"{name}: expected at most two axes, got {type_of(x)}.")
    return atleast_2d(x) if rowvar or x.ndim < 2 else transpose(x)


def _weights(fweights, aweights, n):
    weights = None
    for name, w in (("fweights", fweights), ("aweights", aweights)):
        if w is None:
            continue
        w = as_array(w)
        if shape_of(w) != (n,):
            raise ShapeError(
                f"cov: expected one weight for each of {n} observations, got {name}: {type_of(w)}."
            )
        w = astype(w, float)
        weights = w if weights is None else weights * w
    return weights


@implements(np.corrcoef)
def corrcoef(
    x: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: Any = np._NoValue,
    ddof: Any = np._NoValue,
    *,
    dtype: Any = None,
) -> Any:
    """Return the correlation coefficients of the variables in the rows of `x` and `y`.

    `bias` and `ddof` have no effect; NumPy refuses them from 2.4 on.
    """
    without_effect = reductions.given(bias=bias, ddof=ddof)
    if without_effect:
        judged("corrcoef", np.corrcoef, np.ones(2), **without_effect)
    c = cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return astype(c / c, c.dtype)
    variance = diag(c)
    deviation = sqrt(real(variance) if c.dtype.kind == "c" else variance)
    c = c / deviation[:, None] / deviation
    if c.dtype.kind != "c":
        return clip(c, -1, 1)
    return clip(real(c), -1, 1) + clip(imag(c), -1, 1) * c.dtype.type(1j)


@implements(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """Return how often each int occurs in the vector `x`, or the sum of the weights at each.

    The largest value decides the shape, so it must be known. Derivative: by the weights.
    """
    x = as_array(x)
    if x.ndim != 1 or x.dtype.kind not in "iub":
        raise DTypeError(f"bincount: expected a vector of ints, got {type_of(x)}.")
    plain = np.asarray(known("bincount", "ints", x))
    size = max(operator.index(minlength), int(plain.max()) + 1 if plain.size else 0)
    if plain.size and plain.min() < 0:
        raise ShapeError(f"bincount: expected ints of at least 0, got {int(plain.min())}.")
    if weights is None:
        return np.bincount(plain, minlength=size)
    weights = astype(as_array(weights), float)
    if weights.shape != x.shape:
        raise ShapeError(
            f"bincount: expected a weight for each int, got {type_of(weights)} for {type_of(x)}."
        )
    return scatter_add(np.zeros(size), weights, x, axes=(0,))


@implements(np.digitize)
def digitize(x: Any, bins: Any, right: bool = False) -> Any:
    """Return the number of the bin of each `x`, for increasing or decreasing edges."""
    x, bins = as_array(x), as_array(bins)
    if dtype_of(x).kind == "c":
        raise DTypeError(f"digitize: expected real numbers, got {type_of(x)}.")
    if bins.ndim != 1:
        raise ShapeError(f"digitize: expected a vector of edges, got {type_of(bins)}.")
    side = "left" if right else "right"
    if is_concrete(bins):
        steps = np.diff(np.asarray(concrete(bins)))
        if not ((steps >= 0).all() or (steps <= 0).all()):
            raise ShapeError("digitize: expected edges that increase or decrease, got neither.")
        if (steps >= 0).all():
            return searchsorted(bins, x, side)
        return len(bins) - searchsorted(bins[::-1], x, side)
    up = searchsorted(bins, x, side)
    down = len(bins) - searchsorted(bins[::-1], x, side)
    return logic.select(logic.less_equal(bins[0], bins[-1]), up, down)


@implements(np.histogram_bin_edges)
def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    """Return the edges of the bins of `histogram`.

    Derivative: by the smallest and the largest element, or by range and bins where these are given.
    """
    a = as_array(a)
    if weights is not None and shape_of(as_array(weights)) != a.shape:
        raise ShapeError(f"histogram: expected a weight for each element of {type_of(a)}.")
    if np.ndim(bins):
        edges = as_array(bins)
        if is_concrete(edges):
            np.histogram_bin_edges(np.zeros(0), concrete(edges))  # refuses edges that do not increase
        return edges
    if isinstance(bins, str):
        plain = known("histogram", "an array, or a number of bins,", a)
        bins = len(np.histogram_bin_edges(plain, bins, range, weights)) - 1
    count = operator.index(bins)
    if count < 1:
        raise ShapeError(f"histogram: expected at least one bin, got {count}.")
    first, last = _outer_edges(astype(a, np.uint8) if dtype_of(a).kind == "b" else a, range)
    dtype = np.result_type(dtype_of(first), dtype_of(last), dtype_of(a))
    return linspace(first, last, count + 1, dtype=dtype if is_inexact(dtype) else float)


def _outer_edges(a, range):
    """Return the first and the last edge: those of range, or else of the elements, a unit apart where equal."""
    if range is not None:
        first, last = range
        if is_concrete(first) and is_concrete(last) and concrete(first) > concrete(last):
            raise ShapeError(f"histogram: expected a range that increases, got {range}.")
    elif type_of(a).size:
        first, last = reductions.min(a), reductions.max(a)
    else:
        first, last = 0, 1
    if (
        all(is_concrete(x) for x in (first, last))
        and not np.isfinite([concrete(first), concrete(last)]).all()
    ):
        raise ShapeError("histogram: expected finite numbers, or a finite range=, got others.")
    same = logic.equal(first, last)
    if is_concrete(same) and not concrete(same):
        return first, last
    kinds = [dtype_of(x) for x in (first, last) if is_inexact(dtype_of(x))]
    apart = logic.select(same, *np.array([0.5, 0.0], kinds[0] if kinds else float))
    return first - apart, last + apart


@implements(np.histogram)
def histogram(
    a: Any, bins: Any = 10, range: Any = None, density: bool | None = None, weights: Any = None
) -> tuple[Any, Any]:
    """Return how many elements fall into each bin, or the sum of their weights, and the bins' edges.

    Derivative: by the weights and, of the edges and of a density, as of `histogram_bin_edges`; counts are
    constants.
    """
    a = as_array(a)
    if dtype_of(a).kind == "c":
        raise DTypeError(f"histogram: expected real numbers, got {type_of(a)}.")
    edges = as_array(histogram_bin_edges(a, bins, range, weights))
    counts = _counted("histogram", [ravel(a)], [edges], weights)
    if density:
        counts = counts / astype(diff(edges), float) / reductions.sum(counts)
    return counts, edges


@implements(np.histogram2d)
def histogram2d(
    x: Any, y: Any, bins: Any = 10, range: Any = None, density: bool | None = None, weights: Any = None
) -> tuple[Any, Any, Any]:
    """Return how many points (x, y) fall into each cell, and the edges along x and y; see `histogram`."""
    for z in (x, y):
        if len(shape_of(as_array(z))) != 1:
            raise DTypeError(f"histogram2d: expected vectors, got {type_of(as_array(z))}.")
    if np.ndim(bins) == 1 and len(bins) not in (1, 2):
        bins = [as_array(bins)] * 2
    counts, edges = histogramdd([x, y], bins, range, density, weights)
    return counts, *edges


@implements(np.histogramdd)
def histogramdd(
    sample: Any, bins: Any = 10, range: Any = None, density: bool | None = None, weights: Any = None
) -> tuple[Any, tuple[Any, ...]]:
    """Return how many points fall into each cell of a grid, and the edges along each axis.

    Args:
        sample: float[n, d], or d vectors float[n].
        bins: a number of bins or a vector of edges, the same for all axes or one for each.
        range: a pair of bounds (or None) for each axis.
        density: divide by the number of points and the volume of each cell.
        weights: float[n].

    Derivative: by the weights and, of the edges and of a density, as of `histogram_bin_edges`; counts are
    constants.
    """
    if not isinstance(sample, (list, tuple)) and len(shape_of(sample)) == 1:
        columns = [as_array(sample)]
    elif isinstance(sample, (list, tuple)):
        columns = [ravel(x) for x in sample]
    else:
        points = atleast_2d(sample)
        if points.ndim != 2:
            raise ShapeError(f"histogramdd: expected points as the rows of a matrix, got {type_of(points)}.")
        columns = [points[:, d] for d in builtins.range(points.shape[1])]
    count = len(columns)
    each = [bins] * count if isinstance(bins, int) else list(bins)
    bounds = [None] * count if range is None else list(range)
    if len(each) != count or len(bounds) != count:
        raise ShapeError(
            f"histogramdd: expected bins and range for each of {count} axes, got {len(each)} and {len(bounds)}."
        )
    edges = [
        as_array(histogram_bin_edges(x, b if isinstance(b, int) else as_array(b), r))
        for x, b, r in zip(columns, each, bounds, strict=True)
    ]
    counts = astype(_counted("histogramdd", columns, edges, weights), float)
    if density:
        counts = counts / reductions.sum(counts)
        for d, e in enumerate(edges):
            counts = counts / reshape(diff(e), [-1 if i == d else 1 for i in builtins.range(count)])
    return counts, tuple(edges)


def _counted(name, columns, edges, weights):
    """Return the sum of the weights (the number, without them) of the points in each cell."""
    places = []
    for x, e in zip(columns, edges, strict=True):
        if e.ndim != 1:
            raise ShapeError(f"{name}: expected a number of bins or a vector of edges, got {type_of(e)}.")
        n = len(e) - 1
        place = searchsorted(e, x, "right") - 1
        place = logic.select(logic.equal(x, e[-1]), n - 1, place)
        outside = logic.logical_or(logic.less(place, 0), logic.greater_equal(place, n))
        places.append(logic.select(outside, n, place))  # one more bin, which is dropped
    w = np.ones(columns[0].shape, np.intp) if weights is None else ravel(weights)
    if w.shape != columns[0].shape:
        raise ShapeError(
            f"{name}: expected a weight for each element, got {type_of(w)} for {type_of(columns[0])}."
        )
    full = scatter_add(
        np.zeros([len(e) for e in edges], w.dtype), w, *places, axes=tuple(builtins.range(len(edges)))
    )
    return +full[(slice(None, -1),) * len(edges)]
