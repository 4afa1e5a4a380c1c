"""Making arrays: array and asarray, zeros, ones, full and what is like another array, eye."""

import operator
from typing import Any

import numpy as np

from funcgrad.core.staging import Staging
from funcgrad.core.tracer import Tracer
from funcgrad.core.types import dtype_of, shape_of
from funcgrad.numpy.arguments import as_array, astype, fit, implements, judged
from funcgrad.numpy.static_arguments import as_shape
from funcgrad.primitives.broadcasting import reshape

__all__ = [
    "array",
    "asanyarray",
    "asarray",
    "ascontiguousarray",
    "copy",
    "empty",
    "empty_like",
    "eye",
    "full",
    "full_like",
    "identity",
    "ones",
    "ones_like",
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
    if order != "K" or copy is False:
        judged("array", np.array, x, dtype, copy=copy, order=order, ndmin=ndmin)
    y: Any = x if dtype is None else astype(x, dtype)
    if y.ndim < operator.index(ndmin):
        y = reshape(y, shape=(1,) * (ndmin - y.ndim) + y.shape)
    return y.copy("K") if copy and type(y) is Tracer and (y is x or y.alias is not None) else y


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
    """Return an array of zeros; within a traced function, traced values can be written into it."""
    return np.zeros(as_shape(shape), dtype, order)


@implements(np.ones)
def ones(shape: Any, dtype: Any = None, order: str = "C", **details: Any) -> np.ndarray:
    """Return an array of ones; see `zeros`."""
    return np.ones(as_shape(shape), dtype, order)


@implements(np.empty)
def empty(shape: Any, dtype: Any = float, order: str = "C", **details: Any) -> np.ndarray:
    """Return an array to be filled; it holds zeros. See `zeros`."""
    return np.zeros(as_shape(shape), dtype, order)


@implements(np.full)
def full(shape: Any, fill_value: Any, dtype: Any = None, order: str = "C", **details: Any) -> Any:
    """Return `fill_value` (which may be traced) repeated over `shape`."""
    x = _filling(fill_value, dtype)
    if order != "C":
        judged("full", np.full, (), x, dtype, order)
    x = x if dtype is None else astype(x, dtype)
    return _filled(x, as_shape(shape))


def _filling(value, dtype):
    """Return what an array is filled with; a Python int must fit its dtype."""
    return as_array(value if dtype is None or type(value) is not int else np.full((), value, dtype))


def _filled(x, shape):
    if type(x) is not Tracer:
        return np.full(shape, x, x.dtype)
    return fit(x, shape).copy()


def _like(a, value, dtype, shape, order):
    """Return `value` over the shape of `a` (or `shape`), traced where `a` is, so that it can be written to."""
    if order != "K":
        judged("zeros_like", np.zeros_like, a, dtype, order)
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
    return _like(as_array(a), 0, dtype, shape, order)


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
    return _like(as_array(a), 1, dtype, shape, order)


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
    return _like(as_array(prototype), 0, dtype, shape, order)


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
    a = as_array(a)
    dtype = dtype_of(a) if dtype is None else np.dtype(dtype)
    x = _filling(fill_value, dtype)
    shape = shape_of(a) if shape is None else as_shape(shape)
    if order != "K":
        judged("full_like", np.full_like, a, 0, dtype, order)
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
