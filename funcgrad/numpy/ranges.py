"""Sequences of numbers: arange, linspace, logspace, geomspace; their powers (vander) and grids (meshgrid)."""

import operator
from typing import Any

import numpy as np

from funcgrad.core.inplace import own, readonly
from funcgrad.core.tracer import Tracer, concrete, is_concrete
from funcgrad.core.types import broadcast_shapes, dtype_of, is_inexact, promote, shape_of, type_of
from funcgrad.errors import DTypeError, ShapeError
from funcgrad.numpy.arguments import as_array, as_operand, astype, fit, implements
from funcgrad.numpy.creation import array
from funcgrad.numpy.shaping import moveaxis
from funcgrad.numpy.static_arguments import known
from funcgrad.primitives.arithmetic import absolute, power
from funcgrad.primitives.broadcasting import reshape
from funcgrad.primitives.cumulative import cumprod
from funcgrad.primitives.exponential import log10
from funcgrad.primitives.indexing import Key, index_update
from funcgrad.primitives.logic import floor, sign
from funcgrad.primitives.shape import concatenate

__all__ = [
    "arange",
    "geomspace",
    "linspace",
    "logspace",
    "meshgrid",
    "vander",
]


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
    start, stop = _ends(start, stop)
    shape = broadcast_shapes("linspace", type_of(start), type_of(stop))
    parts = num - 1 if endpoint else num
    step = (stop - start) / parts if parts > 0 else (stop - start) * np.nan
    y = _steps(start, stop, step, shape, num, parts, endpoint)
    if dtype is not None:
        y = astype(floor(y) if np.dtype(dtype).kind in "iu" else y, dtype)
    y = own(moveaxis(y, 0, axis)) if axis else y
    return (y, step) if retstep else y


def _ends(*ends):
    """Return the endpoints in their common inexact dtype; Python numbers adapt to arrays."""
    dtype = promote(*[type_of(as_operand(x)) for x in ends], type_of(1.0))
    return [astype(as_array(x), dtype) for x in ends]


def _steps(start, stop, step, shape, num, parts, endpoint):
    """Return start + i step for i below num, along a new first axis, ending in stop exactly."""
    dtype = dtype_of(start)
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
    start, stop = _ends(start, stop)
    base = as_operand(base)
    shape = broadcast_shapes("logspace", type_of(start), type_of(stop), type_of(base))
    if shape_of(base):
        start, stop, base = fit(start, shape), fit(stop, shape), fit(base, shape)
    y = power(base, linspace(start, stop, num, endpoint))
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
    start, stop = (astype(x, np.result_type(dtype_of(x), float)) for x in _ends(start, stop))
    for x in (start, stop):
        if is_concrete(x) and np.any(np.equal(concrete(x), 0)):
            raise ShapeError("geomspace: expected endpoints other than zero, got zero.")
    direction = start / absolute(start) if dtype_of(start).kind == "c" else sign(start)
    y = logspace(log10(start / direction), log10(stop / direction), num, endpoint) * direction
    shape = shape_of(y)[1:]
    if num > 0:
        y = index_update(y, fit(start, shape), key=Key((0,)))
    if num > 1 and endpoint:
        y = index_update(y, fit(stop, shape), key=Key((-1,)))
    y = own(moveaxis(y, 0, axis)) if axis else y
    return astype(y, dtype_of(start) if dtype is None else dtype)


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
