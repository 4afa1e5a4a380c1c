"""Products and parts of matrices in numpy.linalg: matmul, cross, multi_dot, diagonal, trace and others."""

import operator
from typing import Any

import numpy as np

from funcgrad.core.types import shape_of, type_of
from funcgrad.errors import ShapeError
from funcgrad.numpy import products, reductions
from funcgrad.numpy.arguments import as_array, as_axis, implements, no_out, promoted
from funcgrad.numpy.shaping import moveaxis, reshape
from funcgrad.primitives.linalg import matrices
from funcgrad.primitives.shape import concatenate

__all__ = [
    "cross",
    "diagonal",
    "matmul",
    "matrix_transpose",
    "multi_dot",
    "outer",
    "tensordot",
    "trace",
    "vecdot",
]


@implements(np.linalg.matmul)
def matmul(x1: Any, x2: Any, /) -> Any:
    """Return the matrix product; leading axes broadcast."""
    return products.matmul(x1, x2)


@implements(np.linalg.outer)
def outer(x1: Any, x2: Any, /) -> Any:
    """Return y[i, j] = x1[i] x2[j] for two vectors."""
    x1, x2 = as_array(x1), as_array(x2)
    if len(x1.shape) != 1 or len(x2.shape) != 1:
        raise ShapeError(f"outer: expected two vectors, got {type_of(x1)} and {type_of(x2)}.")
    return x1[:, None] * x2[None, :]


@implements(np.linalg.tensordot)
def tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    """Return the sum product over the given axes: the last and first `axes`, or a pair of lists."""
    return products.tensordot(x1, x2, axes)


@implements(np.linalg.vecdot)
def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """Return the dot product of vectors along `axis`, conjugating x1; other axes broadcast."""
    return products.vecdot(x1, x2, axis=axis)


@implements(np.linalg.matrix_transpose)
def matrix_transpose(x: Any, /) -> Any:
    """Return the transposes of matrices."""
    x = as_array(x)
    if len(x.shape) < 2:
        raise ShapeError(f"matrix_transpose: expected matrices, got {type_of(x)}.")
    return matrices.transposed(x)


@implements(np.linalg.cross)
def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """Return the cross product of vectors of three elements along `axis`; other axes broadcast.

    y[i] = x1[i + 1] x2[i + 2] - x1[i + 2] x2[i + 1], indices modulo 3
    """
    x1, x2 = promoted(as_array(x1), as_array(x2))
    n1 = x1.shape[as_axis("cross", axis, len(x1.shape))]
    n2 = x2.shape[as_axis("cross", axis, len(x2.shape))]
    if n1 != 3 or n2 != 3:
        raise ShapeError(f"cross: expected vectors of three elements, got {type_of(x1)} and {type_of(x2)}.")
    x1, x2 = moveaxis(x1, axis, -1), moveaxis(x2, axis, -1)
    y = _turned(x1, 1) * _turned(x2, 2) - _turned(x1, 2) * _turned(x2, 1)
    return moveaxis(y, -1, axis)


def _turned(x, k):
    return concatenate(x[..., k:], x[..., :k], axis=len(shape_of(x)) - 1)


@implements(np.linalg.diagonal)
def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """Return the diagonals of matrices; a positive `offset` is above the main one."""
    x = as_array(x)
    if len(x.shape) < 2:
        raise ShapeError(f"diagonal: expected matrices, got {type_of(x)}.")
    if offset:
        x = x[..., max(-offset, 0) :, max(offset, 0) :]
    return matrices.diagonal(x)


@implements(np.linalg.trace)
def trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    """Return the sums of the diagonals of matrices."""
    d = diagonal(x, offset=operator.index(offset))
    return reductions.sum(d, -1, dtype)


@implements(np.linalg.multi_dot)
def multi_dot(arrays: Any, *, out: None = None) -> Any:
    """Return the product of several matrices, in the order that takes the fewest multiplications.

    Args:
        arrays: at least two; the first may be a row vector, the last a column vector, both 1-d.

    Reference: Cormen et al. 2009, "Introduction to Algorithms", section 15.2.
    """
    if out is not None:
        no_out("multi_dot", out)
    xs = [as_array(x) for x in arrays]
    if len(xs) < 2:
        raise ValueError(f"multi_dot: expected at least two arrays, got {len(xs)}.")
    if len(xs) == 2:
        return products.dot(*xs)
    row, column = len(xs[0].shape) == 1, len(xs[-1].shape) == 1
    if row:
        xs[0] = xs[0][None, :]
    if column:
        xs[-1] = xs[-1][:, None]
    for x, y in zip(xs, [*xs[1:], None], strict=True):
        if len(x.shape) != 2 or (y is not None and x.shape[-1] != y.shape[0]):
            raise ShapeError(
                f"multi_dot: expected matrices whose sizes fit, got {', '.join(str(type_of(z)) for z in xs)}."
            )
    sizes = [xs[0].shape[0], *(x.shape[1] for x in xs)]
    y = _product(xs, _splits(sizes), 0, len(xs) - 1)
    shape = (*(() if row else sizes[:1]), *(() if column else sizes[-1:]))
    return reshape(y, shape) if row or column else y


def _splits(sizes):
    """Return where to split each subchain i..j of matrices of sizes[k] x sizes[k + 1]."""
    count = len(sizes) - 1
    cost = [[0] * count for _ in range(count)]
    split = [[0] * count for _ in range(count)]
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            cost[i][j], split[i][j] = min(
                (cost[i][k] + cost[k + 1][j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)
            )
    return split


def _product(xs, split, i, j):
    if i == j:
        return xs[i]
    k = split[i][j]
    return products.matmul(_product(xs, split, i, k), _product(xs, split, k + 1, j))
