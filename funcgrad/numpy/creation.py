"""Making arrays: array, zeros and its kin, ranges, triangles, diagonals, grids."""

import operator
from typing import Any

import numpy as np

from funcgrad.core.inplace import own, readonly
from funcgrad.core.staging import Staging
from funcgrad.core.tracer import Tracer, concrete, is_concrete
from funcgrad.core.types import dtype_of, is_inexact, shape_of, type_of
from funcgrad.errors import DTypeError, ShapeError
from funcgrad.numpy.arrays import as_array, as_axis, astype, fit, implements
from funcgrad.numpy.shaping import moveaxis
from funcgrad.numpy.static import as_shape, known
from funcgrad.primitives.arithmetic import absolute, power
from funcgrad.primitives.broadcasting import reshape
from funcgrad.primitives.cumulative import cumprod
from funcgrad.primitives.exponential import log10
from funcgrad.primitives.indexing import Key, index, index_update, place
from funcgrad.primitives.logic import floor, select, sign
from funcgrad.primitives.shape import concatenate, transpose

__all__ = [
    "arange",
    "array",
    "asanyarray",
    "asarray",
    "ascontiguousarray",
    "copy",
    "diag",
    "diagflat",
    "diagonal",
    "empty",
    "empty_like",
    "eye",
    "full",
    "full_like",
    "geomspace",
    "identity",
    "linspace",
    "logspace",
    "meshgrid",
    "ones",
    "ones_like",
    "tri",
    "tril",
    "triu",
    "vander",
    "zeros",
    "zeros_like",
]


@implements(np.array)
def array(
    object: Any,
    dtype: Any = None,
    *,
    copy: bool | None = True,
    order: str = "K",
    subok: bool = False,
    ndmin: int = 0,
    ndmax: int = 0,
    like: Any = None,
) -> Any:
    """Return an array of the numbers in `object`: an array, a number, or nested lists of both."""
    x = as_array(object)
    if type(x) is not Tracer:
        return np.array(object, dtype, copy=copy, order=order, ndmin=ndmin)
    y: Any = x if dtype is None else astype(x, dtype)
    if y.ndim < ndmin:
        y = reshape(y, shape=(1,) * (ndmin - y.ndim) + y.shape)
    return y.copy() if copy and (y is x or y.alias is not None) else y


@implements(np.asarray)
def asarray(
    a: Any,
    dtype: Any = None,
    order: str | None = None,
    *,
    device: str | None = None,
    copy: bool | None = None,
    like: Any = None,
) -> Any:
    """Return `a` as an array; the same one where it is an array of that dtype already."""
    return array(a, dtype, copy=copy, order=order or "K")


@implements(np.asanyarray)
def asanyarray(a: Any, dtype: Any = None, order: str | None = None, **details: Any) -> Any:
    """Return `a` as an array; see `asarray`."""
    return asarray(a, dtype, order, **details)


@implements(np.ascontiguousarray)
def ascontiguousarray(a: Any, dtype: Any = None, *, like: Any = None) -> Any:
    """Return `a` as an array with at least one axis, in C order where it is plain."""
    x = asarray(a, dtype)
    if type(x) is not Tracer:
        return np.ascontiguousarray(x)
    return x if x.ndim else reshape(x, shape=(1,))


@implements(np.copy)
def copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    """Return a copy of `a`."""
    return array(a, order=order)


@implements(np.zeros)
def zeros(shape: Any, dtype: Any = float, order: str = "C", **details: Any) -> np.ndarray:
    """Return a plain array of zeros; `zeros_like(x)` makes one that traced values can be written into."""
    return np.zeros(as_shape(shape), dtype, order)


@implements(np.ones)
def ones(shape: Any, dtype: Any = None, order: str = "C", **details: Any) -> np.ndarray:
    """Return a plain array of ones; `ones_like(x)` makes one that traced values can be written into."""
    return np.ones(as_shape(shape), dtype, order)


@implements(np.empty)
def empty(shape: Any, dtype: Any = float, order: str = "C", **details: Any) -> np.ndarray:
    """Return a plain array to be filled; it holds zeros."""
    return np.zeros(as_shape(shape), dtype, order)


@implements(np.full)
def full(shape: Any, fill_value: Any, dtype: Any = None, order: str = "C", **details: Any) -> Any:
    """Return `fill_value` (which may be traced) repeated over `shape`."""
    x = as_array(fill_value)
    x = x if dtype is None else astype(x, dtype)
    return _filled(x, as_shape(shape))


def _filled(x, shape):
    if type(x) is not Tracer:
        return np.full(shape, x, x.dtype)
    return fit(x, shape).copy()


def _like(a, value, dtype, shape):
    """Return `value` over the shape of `a` (or `shape`), traced where `a` is, so that it can be written to."""
    dtype = dtype_of(a) if dtype is None else np.dtype(dtype)
    shape = shape_of(a) if shape is None else as_shape(shape)
    if type(a) is not Tracer:
        return np.full(shape, value, dtype)
    constant = np.asarray(value, dtype)
    return a.tracing.lift(
        np.broadcast_to(constant, shape) if isinstance(a.tracing, Staging) else np.full(shape, constant)
    )


@implements(np.zeros_like)
def zeros_like(
    a: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: str | None = None,
) -> Any:
    """Return zeros of the shape and dtype of `a`; traced, if `a` is, so that traced values can be written in."""
    return _like(as_array(a), 0, dtype, shape)


@implements(np.ones_like)
def ones_like(
    a: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: str | None = None,
) -> Any:
    """Return ones of the shape and dtype of `a`; see `zeros_like`."""
    return _like(as_array(a), 1, dtype, shape)


@implements(np.empty_like)
def empty_like(
    prototype: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: str | None = None,
) -> Any:
    """Return an array of the shape and dtype of `prototype` to be filled; it holds zeros."""
    return _like(as_array(prototype), 0, dtype, shape)


@implements(np.full_like)
def full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: str | None = None,
) -> Any:
    """Return `fill_value`, converted to the dtype of `a`, over its shape; it carries the derivative."""
    a, x = as_array(a), as_array(fill_value)
    dtype = dtype_of(a) if dtype is None else np.dtype(dtype)
    shape = shape_of(a) if shape is None else as_shape(shape)
    y = _filled(astype(x, dtype), shape)
    return a.tracing.lift(y) if type(a) is Tracer and type(y) is not Tracer else y


@implements(np.eye)
def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = float, **details: Any) -> np.ndarray:
    """Return an N x M array with ones on the diagonal `k`."""
    return np.eye(N, M, k, dtype)


@implements(np.identity)
def identity(n: int, dtype: Any = None, **details: Any) -> np.ndarray:
    """Return the n x n identity matrix."""
    return np.eye(n, dtype=float if dtype is None else dtype)


@implements(np.tri)
def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = float, **details: Any) -> np.ndarray:
    """Return an N x M array with ones at and below the diagonal `k`."""
    return np.tri(N, M, k, dtype)


@implements(np.arange)
def arange(
    *bounds: Any, step: Any = None, dtype: Any = None, start: Any = None, stop: Any = None, **details: Any
) -> Any:
    """Return start, start + step, ... below stop, as `numpy.arange(start, stop, step)`.

    Derivative: by start and step, whose values must be known, since they decide the shape.
    """
    bounds = (*bounds, *(b for b in (start, stop) if b is not None)) if stop is not None else bounds
    first, last, step = {1: (0, *bounds), 2: bounds}.get(len(bounds), bounds)[:2] + (
        (bounds[2] if len(bounds) > 2 else 1 if step is None else step),
    )
    values = [known("arange", name, x) for name, x in (("start", first), ("stop", last), ("step", step))]
    plain = np.arange(*values, dtype=dtype)
    if (type(first) is not Tracer and type(step) is not Tracer) or not is_inexact(plain.dtype):
        return plain
    return astype(first + step * np.arange(len(plain)), plain.dtype)


@implements(np.linspace)
def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: str | None = None,
) -> Any:
    """Return `num` evenly spaced numbers from start to stop, differentiable in both."""
    num = operator.index(num)
    if num < 0:
        raise ShapeError(f"linspace: expected num of at least 0, got {num}.")
    start, stop = _inexact(start), _inexact(stop)
    parts = num - 1 if endpoint else num
    step = (stop - start) / parts if parts > 0 else (stop - start) * np.nan
    y = _steps(start, stop, step, num, parts, endpoint)
    if dtype is not None:
        y = astype(floor(y) if np.dtype(dtype).kind in "iu" else y, dtype)
    y = own(moveaxis(y, 0, axis)) if axis else y
    return (y, step) if retstep else y


def _inexact(x):
    x = as_array(x)
    return x if is_inexact(dtype_of(x)) else astype(x, float)


def _steps(start, stop, step, num, parts, endpoint):
    """Return start + i step for i below num, along a new first axis, ending in stop exactly."""
    dtype = np.result_type(dtype_of(start), dtype_of(stop), 1.0)
    shape = np.broadcast_shapes(shape_of(start), shape_of(stop))
    counts = np.arange(num, dtype=dtype).reshape(-1, *(1,) * len(shape))
    y = astype(fit(start + counts * (step if parts > 0 else 0), (num, *shape)), dtype)
    if not endpoint or num < 2:
        return y
    last = fit(reshape(astype(stop, dtype), shape=(1, *shape_of(stop))), (1, *shape))
    return concatenate(y[:-1], last, axis=0)


@implements(np.logspace)
def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """Return base ** (numbers evenly spaced from start to stop), differentiable in all three."""
    base = as_array(base)
    shape = np.broadcast_shapes(shape_of(as_array(start)), shape_of(as_array(stop)), shape_of(base))
    if base.ndim:
        start, stop = fit(as_array(start), shape), fit(as_array(stop), shape)
    y = power(fit(base, shape) if base.ndim else base, linspace(start, stop, num, endpoint))
    y = own(moveaxis(y, 0, axis)) if axis else y
    return y if dtype is None else astype(y, dtype)


@implements(np.geomspace)
def geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Any:
    """Return `num` numbers in geometric progression from start to stop, differentiable in both.

    Raises:
        ShapeError: when an endpoint is known to be zero.
    """
    start, stop = _inexact(start), _inexact(stop)
    for x in (start, stop):
        if is_concrete(x) and np.any(np.equal(concrete(x), 0)):
            raise ShapeError("geomspace: expected endpoints other than zero, got zero.")
    direction = start / absolute(start) if dtype_of(start).kind == "c" else sign(start)
    result = np.result_type(dtype_of(start), dtype_of(stop), 1.0)
    y = logspace(log10(start / direction), log10(stop / direction), num, endpoint) * direction
    shape = shape_of(y)[1:]
    if num > 0:
        y = index_update(y, fit(start, shape), key=Key((0,)))
    if num > 1 and endpoint:
        y = index_update(y, fit(stop, shape), key=Key((-1,)))
    y = own(moveaxis(y, 0, axis)) if axis else y
    return astype(y, result if dtype is None else dtype)


@implements(np.vander)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """Return the matrix with columns x ** (N - 1), ..., x, 1 (in the other order if `increasing`)."""
    x = as_array(x)
    if x.ndim != 1:
        raise ShapeError(f"vander: expected a 1-D array, got {type_of(x)}.")
    n = len(x) if N is None else operator.index(N)
    dtype = np.promote_types(x.dtype, int)
    columns = [np.ones((len(x), min(n, 1)), dtype)]
    if n > 1:
        columns.append(fit(reshape(astype(x, dtype), shape=(len(x), 1)), (len(x), n - 1)))
    y = cumprod(concatenate(*columns, axis=1), axis=1)
    return y if increasing else own(y[:, ::-1])


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


@implements(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Any, ...]:
    """Return coordinate arrays of a grid from coordinate vectors, as `numpy.meshgrid`."""
    if indexing not in ("xy", "ij"):
        raise DTypeError(f"meshgrid: expected indexing 'xy' or 'ij', got {indexing!r}.")
    vectors = [as_array(x) for x in xi]
    n = len(vectors)
    order = [1, 0, *range(2, n)] if indexing == "xy" and n > 1 else list(range(n))
    sizes = [type_of(x).size for x in vectors]
    shape = tuple(sizes[i] for i in order)
    grids = []
    for i, x in enumerate(vectors):
        y = reshape(x, shape=tuple(sizes[i] if order[d] == i else 1 for d in range(n)))
        if not sparse:
            y = fit(y, shape)
        grids.append(array(y) if copy else readonly(y))
    return tuple(grids)


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
    y = reshape(y, shape=(*lead, rows * columns))
    step = columns + 1
    chosen = slice(start, start + count * step, step) if count else slice(0, 0)
    return index(y, key=Key((*(slice(None),) * len(lead), chosen)))
