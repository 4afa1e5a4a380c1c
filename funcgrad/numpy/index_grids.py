"""Indices as values: between flat and multi-dimensional ones, open grids, triangles and diagonals."""

import math
from typing import Any

import numpy as np

from funcgrad.core.tracer import concrete, is_concrete
from funcgrad.core.types import dtype_of, shape_of, type_of
from funcgrad.errors import DTypeError, ShapeError
from funcgrad.numpy.arguments import as_array, implements
from funcgrad.numpy.static_arguments import as_shape
from funcgrad.primitives import logic
from funcgrad.primitives.arithmetic import remainder
from funcgrad.primitives.broadcasting import reshape

__all__ = [
    "diag_indices_from",
    "ix_",
    "ravel_multi_index",
    "tril_indices_from",
    "triu_indices_from",
    "unravel_index",
]


def _integers(name, x):
    x = as_array(x)
    if dtype_of(x).kind not in "iu":
        raise DTypeError(f"{name}: expected integers, got {type_of(x)}.")
    return x


@implements(np.unravel_index)
def unravel_index(indices: Any, shape: Any, order: str = "C") -> tuple[Any, ...]:
    """Return, for indices into the flattened array, the index along each axis."""
    rest = _integers("unravel_index", indices)
    places = []
    sizes = as_shape(shape)
    if order not in ("C", "F"):
        raise ShapeError(f"unravel_index: expected order 'C' or 'F', got {order!r}.")
    if (0 in sizes or not sizes) and type_of(rest).size:
        raise ShapeError(f"unravel_index: expected a shape that has places, got {sizes}.")
    if is_concrete(rest):
        np.unravel_index(concrete(rest), sizes)  # refuses what is out of bounds
    for n in sizes if order == "F" else reversed(sizes):
        places.append(remainder(rest, n))
        rest = logic.floor_divide(rest, n)
    return tuple(places if order == "F" else reversed(places))


@implements(np.ravel_multi_index)
def ravel_multi_index(multi_index: Any, dims: Any, mode: Any = "raise", order: str = "C") -> Any:
    """Return, for an index along each axis, the index into the flattened array."""
    sizes = as_shape(dims)
    places = [_integers("ravel_multi_index", i) for i in multi_index]
    modes = (mode,) * len(sizes) if isinstance(mode, str) else tuple(mode)
    if len(places) != len(sizes) or len(modes) != len(sizes):
        raise ShapeError(f"ravel_multi_index: expected an index for each of {sizes}, got {len(places)}.")
    if all(map(is_concrete, places)):
        np.ravel_multi_index([concrete(i) for i in places], sizes, mode, order)  # refuses what NumPy does
    total: Any = 0
    for d, (i, how) in enumerate(zip(places, modes, strict=True)):
        if how == "wrap":
            i = remainder(i, sizes[d])
        elif how == "clip":
            i = logic.minimum(logic.maximum(i, 0), sizes[d] - 1)
        total = total + i * math.prod(sizes[:d] if order == "F" else sizes[d + 1 :])
    return total


@implements(np.ix_)
def ix_(*args: Any) -> tuple[Any, ...]:
    """Return index vectors, or plain masks, laid along an axis each: a key for their open grid."""
    n = len(args)
    vectors = []
    for d, x in enumerate(args):
        x = as_array(x)
        if len(shape_of(x)) != 1:
            raise ShapeError(f"ix_: expected vectors, got {type_of(x)}.")
        if dtype_of(x).kind == "b":
            x = np.flatnonzero(x)
        if x.dtype.kind == "f" and not len(x):
            x = x.astype(np.intp)
        vectors.append(reshape(x, shape=tuple([len(x) if i == d else 1 for i in range(n)])))
    return tuple(vectors)


def _matrix_shape(name, x):
    shape = shape_of(as_array(x))
    if len(shape) != 2:
        raise ShapeError(f"{name}: expected a matrix, got {type_of(as_array(x))}.")
    return shape


@implements(np.tril_indices_from)
def tril_indices_from(arr: Any, k: int = 0) -> tuple[np.ndarray, ...]:
    """Return the indices of the elements of a matrix at and below its diagonal `k`."""
    rows, columns = _matrix_shape("tril_indices_from", arr)
    return np.tril_indices(rows, k, columns)


@implements(np.triu_indices_from)
def triu_indices_from(arr: Any, k: int = 0) -> tuple[np.ndarray, ...]:
    """Return the indices of the elements of a matrix at and above its diagonal `k`."""
    rows, columns = _matrix_shape("triu_indices_from", arr)
    return np.triu_indices(rows, k, columns)


@implements(np.diag_indices_from)
def diag_indices_from(arr: Any) -> tuple[np.ndarray, ...]:
    """Return the indices of the elements of an array with all indices equal."""
    shape = shape_of(as_array(arr))
    if len(shape) < 2 or len(set(shape)) != 1:
        raise ShapeError(f"diag_indices_from: expected all axes of one size, got {type_of(as_array(arr))}.")
    return np.diag_indices(shape[0], len(shape))
