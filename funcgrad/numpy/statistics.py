"""Covariance and correlation of variables, and counts of values: histogram, bincount, digitize."""

import operator
from typing import Any

import numpy as np

from funcgrad.core.tracer import concrete, is_concrete
from funcgrad.core.types import dtype_of, shape_of, type_of
from funcgrad.errors import DTypeError, ShapeError
from funcgrad.numpy import reductions
from funcgrad.numpy.arrays import as_array, astype, implements
from funcgrad.numpy.calculus import diff
from funcgrad.numpy.diagonals import diag
from funcgrad.numpy.joining import concatenate
from funcgrad.numpy.products import dot
from funcgrad.numpy.rearranging import atleast_2d
from funcgrad.numpy.selection import clip
from funcgrad.numpy.shaping import ravel, squeeze, transpose
from funcgrad.numpy.sorting import searchsorted
from funcgrad.numpy.static import known
from funcgrad.primitives import logic
from funcgrad.primitives.arithmetic import conjugate, imag, real
from funcgrad.primitives.exponential import sqrt
from funcgrad.primitives.indexing import scatter_add

__all__ = ["bincount", "corrcoef", "cov", "digitize", "histogram", "histogram_bin_edges"]


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
    dtype = np.result_type(dtype_of(x), np.float64) if dtype is None else np.dtype(dtype)
    x = astype(x, dtype)
    if ddof is None:
        ddof = 0 if bias else 1
    weights = _weights(fweights, aweights, x.shape[1])
    if weights is None:
        mean = reductions.mean(x, 1, keepdims=True)
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
    return squeeze(dot(d, transpose(right)) / logic.maximum(norm, 0))


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
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    """Return the correlation coefficients of the variables in the rows of `x` and `y`."""
    c = cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
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
def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> np.ndarray:
    """Return the edges of the bins of `histogram`, which are constants."""
    if np.ndim(bins):
        return as_array(bins)
    if range is not None and not isinstance(bins, str):
        return np.histogram_bin_edges(np.zeros(0, dtype_of(as_array(a))), bins, range)
    return np.histogram_bin_edges(known("histogram", "an array, or range=,", as_array(a)), bins, range)


@implements(np.histogram)
def histogram(
    a: Any, bins: Any = 10, range: Any = None, density: bool | None = None, weights: Any = None
) -> tuple[Any, Any]:
    """Return how many elements fall into each bin, or the sum of their weights, and the bins' edges.

    Derivative: by the weights; counts are constants.
    """
    a = as_array(a)
    edges = as_array(histogram_bin_edges(a, bins, range))
    if edges.ndim != 1:
        raise ShapeError(f"histogram: expected a number of bins or a vector of edges, got {type_of(edges)}.")
    n = len(edges) - 1
    flat = ravel(a)
    place = searchsorted(edges, flat, "right") - 1
    place = logic.select(logic.equal(flat, edges[-1]), n - 1, place)
    outside = logic.logical_or(logic.less(place, 0), logic.greater_equal(place, n))
    place = logic.select(outside, n, place)  # one more bin, which is dropped
    if weights is None:
        w = np.ones(flat.shape, np.intp)
    else:
        w = ravel(weights)
        if w.shape != flat.shape:
            raise ShapeError(
                f"histogram: expected a weight for each element, got {type_of(w)} for {type_of(flat)}."
            )
    counts = +scatter_add(np.zeros(n + 1, w.dtype), w, place, axes=(0,))[:-1]
    if density:
        counts = counts / astype(diff(edges), float) / reductions.sum(counts)
    return counts, edges
