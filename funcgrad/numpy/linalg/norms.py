"""Norms and what follows from singular values: norm, vector_norm, matrix_norm, cond, matrix_rank."""

from typing import Any

import numpy as np

from funcgrad.core.types import dtype_of, shape_of, type_of
from funcgrad.errors import ShapeError
from funcgrad.numpy.arguments import as_array, as_axes, as_axis, astype, fit, implements, judged
from funcgrad.numpy.linalg.arguments import floating
from funcgrad.numpy.linalg.systems import inv
from funcgrad.numpy.reductions import sum_of_squares
from funcgrad.numpy.shaping import expand_dims, moveaxis, reshape
from funcgrad.numpy.squares import as_now, with_square
from funcgrad.primitives.arithmetic import absolute
from funcgrad.primitives.broadcasting import reduce_sum
from funcgrad.primitives.linalg import spectral
from funcgrad.primitives.linalg.matrices import check_square, real_dtype
from funcgrad.primitives.logic import equal, not_equal, select
from funcgrad.primitives.reduction import reduce_any, reduce_max, reduce_min, reduce_norm

__all__ = ["cond", "matrix_norm", "matrix_rank", "norm", "vector_norm"]


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the norm of vectors or matrices, as `numpy.linalg.norm`.

    Args:
        x: any array.
        ord: for vectors a number or inf; for matrices 1, -1, 2, -2, inf, -inf, 'fro' or 'nuc'.
        axis: an axis for vectors, two for matrices; by default all of `x`.
        keepdims: keep the axes, with size 1.

    Derivative: 0 at zero vectors, and of elements equal to zero; ties of inf are split evenly. Even powers of a
    norm are smooth, and have the second derivative of the sum of squares; otherwise there is none at zero
    vectors: reverse mode refuses it, forward mode and compiled code give nan, which a factor of zero wins against.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> fg.grad(np.linalg.norm)(np.zeros(2)), fg.grad(np.linalg.norm)(np.array([3.0, 4.0]))
    (array([0., 0.]), array([0.6, 0.8]))
    """
    x = floating(x)
    ndim = len(x.shape)
    if axis is None:
        everything = ord is None or (ord in ("f", "fro") and ndim == 2) or (ord == 2 and ndim == 1)
        if everything:
            return _euclidean(x, tuple(range(ndim)), bool(keepdims))
        axis = tuple(range(ndim))
    elif not isinstance(axis, tuple):
        axis = (axis,)
    axes = tuple(as_axis("norm", a, ndim) for a in axis)
    if len(axes) == 1:
        return _vector(x, ord, axes, bool(keepdims))
    if len(axes) != 2:
        raise ShapeError(
            f"norm: expected one axis or two, got {len(axes)} for {type_of(x)}.",
            hint="vector_norm takes any number of axes.",
        )
    if axes[0] == axes[1]:
        raise ShapeError(f"norm: expected two different axes, got {axis}.")
    y = _matrix(x, ord, *axes)
    return expand_dims(y, axes) if keepdims else y


def _euclidean(x, axes, keepdims):
    x = as_now(x)
    y = reduce_norm(x, axes=axes, keepdims=keepdims)
    return with_square(y, lambda: sum_of_squares(x, axes, keepdims))


def _vector(x, ord, axes, keepdims):
    if isinstance(ord, str):
        raise ValueError(f"norm: expected a number as the order of a vector's norm, got {ord!r}.")
    if ord is None or ord == 2:
        return _euclidean(x, axes, keepdims)
    if ord == 0:
        count = astype(not_equal(x, 0), real_dtype(dtype_of(x)))
        return reduce_sum(count, axes=axes, keepdims=keepdims)
    size = absolute(x)
    if ord == np.inf:
        return _largest(size, axes, keepdims)
    if ord == -np.inf:
        return reduce_min(size, axes=axes, keepdims=keepdims)
    if ord == 1:
        return reduce_sum(size, axes=axes, keepdims=keepdims)
    if ord < 0:
        return reduce_sum(size**ord, axes=axes, keepdims=keepdims) ** (1 / ord)
    # A zero element adds nothing, whatever the slope of the power there.
    total = reduce_sum(_power_but_at_zero(size, ord), axes=axes, keepdims=keepdims)
    return _power_but_at_zero(total, 1 / ord)


def _power_but_at_zero(x, n):
    zero = equal(x, 0)
    return select(zero, 0, select(zero, 1, x) ** n)


def _largest(size, axes, keepdims):
    if any(shape_of(size)[a] == 0 for a in axes):
        return reduce_sum(size, axes=axes, keepdims=keepdims)
    return reduce_max(size, axes=axes, keepdims=keepdims)


def _matrix(x, ord, row, column):
    if ord in (None, "fro", "f"):
        return _euclidean(x, tuple(sorted((row, column))), False)
    if ord in (2, -2, "nuc"):
        s = spectral.svdvals(moveaxis(x, (row, column), (-2, -1)))
        if ord == "nuc":
            return reduce_sum(s, axes=(len(s.shape) - 1,), keepdims=False)
        return s[..., 0] if ord == 2 else s[..., -1]
    if ord not in (1, -1, np.inf, -np.inf):
        raise ValueError(f"norm: expected an order of a matrix norm, got {ord!r}.")
    over, along = (row, column) if ord in (1, -1) else (column, row)
    sums = reduce_sum(absolute(x), axes=(over,), keepdims=False)
    along = (along - (along > over),)
    return _largest(sums, along, False) if ord > 0 else reduce_min(sums, axes=along, keepdims=False)


@implements(np.linalg.vector_norm)
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """Return the norm of vectors along any number of axes (all by default); see `norm`."""
    x = floating(x)
    axes = as_axes("vector_norm", axis, len(x.shape))
    if len(axes) == 1:
        return _vector(x, ord, axes, bool(keepdims))
    rest = [n for i, n in enumerate(x.shape) if i not in axes]
    flat = reshape(moveaxis(x, axes, range(len(axes))), (-1, *rest)) if type_of(x).size else None
    if flat is None:
        flat = np.zeros((int(np.prod([x.shape[a] for a in axes])), *rest), dtype_of(x))
    y = _vector(flat, ord, (0,), False)
    return expand_dims(y, axes) if keepdims else y


@implements(np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """Return the norm of matrices, the last two axes; see `norm`."""
    return norm(x, ord, (-2, -1), keepdims)


@implements(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    """Return the condition numbers of matrices: |x| |x^-1| in the norm `p`, by default s_max / s_min.

    Singular matrices have the condition number inf; a stack that holds one raises LinAlgError unless `p` is 2.
    """
    x = floating(x)
    if 0 in shape_of(x)[-2:]:
        raise np.linalg.LinAlgError("cond is not defined on empty arrays")
    if p in (None, 2, -2):
        s = spectral.svdvals(x)
        above, below = (s[..., -1], s[..., 0]) if p == -2 else (s[..., 0], s[..., -1])
        zero = equal(below, 0)
        return select(zero, np.array(np.inf, dtype_of(s)), above / select(zero, 1, below))
    check_square("cond", type_of(x))
    want = judged(
        "cond", np.linalg.cond, np.ones((1, 1), dtype_of(x)), p
    ).dtype  # complex of a complex one in 2.2
    try:
        inverse = inv(x)
    except np.linalg.LinAlgError:
        if len(x.shape) > 2:
            raise
        return want.type(np.inf)
    return astype(norm(x, p, (-2, -1)) * norm(inverse, p, (-2, -1)), want)


@implements(np.linalg.matrix_rank)
def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """Return the number of singular values above a tolerance; its derivative is zero.

    Args:
        A: float64[..., m, n].
        tol: the tolerance itself.
        rtol: the tolerance as a multiple of the largest singular value: by default max(m, n) times
            the precision.
    """
    A = as_array(A)
    if tol is not None and rtol is not None:
        raise ValueError("matrix_rank: expected one of tol and rtol, got both.")
    if len(A.shape) < 2:
        return reduce_any(fit(not_equal(A, 0), A.shape), axes=tuple(range(len(A.shape))), keepdims=False) * 1
    A = floating(A)
    s = absolute(spectral.eigvalsh(A, lower=True)) if hermitian else spectral.svdvals(A)
    axes = (len(s.shape) - 1,)
    if tol is None:
        rtol = max(A.shape[-2:]) * np.finfo(dtype_of(s)).eps if rtol is None else np.asarray(rtol)[..., None]
        tol = _largest(s, axes, True) * rtol
    else:
        tol = np.asarray(tol)[..., None]
    above = s > tol
    return reduce_sum(above, axes=(len(above.shape) - 1,), keepdims=False)
