"""Triangles and diagonals of matrices: tri, tril, triu, diag, diagflat, diagonal."""

from typing import Any

import numpy as np

from funcgrad.core.inplace import in_order, own, readonly
from funcgrad.core.tracer import Tracer
from funcgrad.core.types import type_of
from funcgrad.errors import ShapeError
from funcgrad.numpy.arguments import as_array, as_axis, fit, implements
from funcgrad.primitives.broadcasting import reshape
from funcgrad.primitives.indexing import Key, index, place
from funcgrad.primitives.logic import select
from funcgrad.primitives.shape import transpose

__all__ = [
    "diag",
    "diagflat",
    "diagonal",
    "tri",
    "tril",
    "triu",
]


@implements(np.tri)
def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = float, **details: Any) -> np.ndarray:
    """Return an N x M array with ones at and below the diagonal `k`."""
    return np.tri(N, M, k, dtype)


def _triangle(m, mask):
    return select(mask, m, np.zeros((), m.dtype))


@implements(np.tril)
def tril(m: Any, k: int = 0) -> Any:
    """Return `m` with zeros above the diagonal `k` of its last two axes."""
    m = _at_least_two("tril", m)
    return _triangle(m, np.tri(*m.shape[-2:], k, bool))


@implements(np.triu)
def triu(m: Any, k: int = 0) -> Any:
    """Return `m` with zeros below the diagonal `k` of its last two axes."""
    m = _at_least_two("triu", m)
    return _triangle(m, ~np.tri(*m.shape[-2:], k - 1, bool))


def _at_least_two(name, m):
    m = as_array(m)
    if m.ndim == 0:
        raise ShapeError(f"{name}: expected an array with at least one axis, got {type_of(m)}.")
    return m if m.ndim > 1 else fit(m, (m.shape[0], m.shape[0]))


@implements(np.diag)
def diag(v: Any, k: int = 0) -> Any:
    """Return the diagonal `k` of a matrix, or the matrix with the vector `v` there."""
    v = as_array(v)
    if v.ndim == 2:
        return diagonal(v, k)
    if v.ndim != 1:
        raise ShapeError(f"diag: expected an array with one or two axes, got {type_of(v)}.")
    n = len(v) + abs(k)
    if n == 0:
        return np.zeros((0, 0), v.dtype)
    start = k if k >= 0 else -k * n
    flat = place(v, shape=(n * n,), key=Key((slice(start, start + len(v) * (n + 1), n + 1),)))
    return own(reshape(flat, shape=(n, n)))


@implements(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    """Return the matrix with the elements of `v` on the diagonal `k`."""
    v = as_array(v)
    return diag(reshape(v, shape=(type_of(v).size,)), k)


@implements(np.diagonal)
def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Return the diagonal of two axes as a new last axis, a read-only view."""
    a = as_array(a)
    if a.ndim < 2:
        raise ShapeError(f"diagonal: expected an array with at least two axes, got {type_of(a)}.")
    if type(a) is not Tracer:
        return np.diagonal(a, offset, axis1, axis2)
    i, j = as_axis("diagonal", axis1, a.ndim), as_axis("diagonal", axis2, a.ndim)
    if i == j:
        raise ShapeError(f"diagonal: expected two different axes, got {axis1} and {axis2}.")
    return readonly(diagonal_view(a, offset, i, j))


def diagonal_view(a: Any, offset: int, i: int, j: int) -> Any:
    """Return the diagonal of the axes i and j as a new last axis."""
    rest = tuple(d for d in range(a.ndim) if d not in (i, j))
    rows, columns = a.shape[i], a.shape[j]
    count = max(0, min(rows + min(offset, 0), columns - max(offset, 0)))
    start = offset if offset >= 0 else -offset * columns
    lead = tuple(a.shape[d] for d in rest)
    order = (*rest, i, j)
    y = a if order == tuple(range(a.ndim)) else transpose(a, axes=order)
    y = in_order(reshape(y, shape=(*lead, rows * columns)))  # a diagonal is a view whatever the strides
    step = columns + 1
    chosen = slice(start, start + count * step, step) if count else slice(0, 0)
    return index(y, key=Key((*(slice(None),) * len(lead), chosen)))
