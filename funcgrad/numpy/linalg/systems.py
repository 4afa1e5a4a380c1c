"""Systems and inverses: solve, lstsq, inv, pinv, det, slogdet, matrix_power, tensorinv, tensorsolve."""

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad.core.types import ArrayType, dtype_of, shape_of, type_of
from funcgrad.errors import ShapeError
from funcgrad.numpy.arguments import fit, implements, promoted
from funcgrad.numpy.linalg.arguments import floating, known, tolerance
from funcgrad.numpy.products import matmul
from funcgrad.numpy.shaping import reshape, transpose
from funcgrad.numpy.squares import squared_magnitude
from funcgrad.primitives.broadcasting import reduce_sum
from funcgrad.primitives.linalg import determinant, pseudoinverse, spectral
from funcgrad.primitives.linalg import solve as solving
from funcgrad.primitives.linalg.matrices import check_square

__all__ = [
    "det",
    "inv",
    "lstsq",
    "matrix_power",
    "pinv",
    "slogdet",
    "solve",
    "solved",
    "tensorinv",
    "tensorsolve",
]

SlogdetResult = type(np.linalg.slogdet(np.ones((1, 1))))


@implements(np.linalg.solve)
def solve(a: Any, b: Any) -> Any:
    """Solve linear systems: the x with a x = b.

    Args:
        a: float64[..., n, n].
        b: float64[n], one vector, or float64[..., n, k]; leading axes broadcast with those of `a`.

    Raises:
        ShapeError: when matrices are not square or `b` does not fit.
        numpy.linalg.LinAlgError: when a matrix is singular.

    Derivative: a x_dot = b_dot - a_dot x.

    Reference: Giles 2008, section 2.3.1.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> fg.grad(lambda b: np.linalg.solve(np.diag([2.0, 4.0]), b).sum())(np.ones(2))
    array([0.5 , 0.25])
    """
    return solved("solve", solving.solve, a, b)


def solved(name: str, solver: Callable, a: Any, b: Any) -> Any:
    """Return `solver(a, b)` for `b` of one vector or of matrices, leading axes broadcast."""
    a, b = promoted(floating(a), floating(b))
    check_square(name, type_of(a))
    vector = len(b.shape) == 1
    if vector:
        b = b[:, None]
    if len(b.shape) < 2 or b.shape[-2] != a.shape[-1]:
        raise ShapeError(
            f"{name}: expected a right-hand side with {a.shape[-1]} rows, got {type_of(b)} for {type_of(a)}.",
            hint="a 1-d right-hand side is one vector; stacks of vectors are b[..., None].",
        )
    if len(a.shape) == len(b.shape) == 2:
        x = solver(a, b)
        return x[..., 0] if vector else x
    try:
        lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        raise ShapeError(
            f"{name}: expected leading axes that broadcast, got {type_of(a)} and {type_of(b)}."
        ) from None
    x = solver(fit(a, (*lead, *a.shape[-2:])), fit(b, (*lead, *b.shape[-2:])))
    return x[..., 0] if vector else x


@implements(np.linalg.inv)
def inv(a: Any) -> Any:
    """Return the inverses of square matrices.

    Raises:
        ShapeError: when matrices are not square.
        numpy.linalg.LinAlgError: when one is singular.

    Derivative: -a^-1 a_dot a^-1 (Giles 2008, section 2.2.3). `solve` is cheaper and more precise.
    """
    return solving.inv(floating(a))


@implements(np.linalg.pinv)
def pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = np._NoValue) -> Any:
    """Return the Moore-Penrose inverses of matrices.

    Args:
        a: float64[..., m, n].
        rcond, rtol: singular values up to this number times the largest count as zero: 1e-15 by
            default, max(m, n) times the precision with rtol=None.

    Derivative: that along which the rank stays the same (Golub & Pereyra 1973, eq. 4.12).
    """
    a = floating(a)
    if rcond is not None and rtol is not np._NoValue:
        raise ValueError("pinv: expected one of rtol and rcond, got both.")
    given = rcond if rcond is not None else rtol
    if given is np._NoValue:
        given = 1e-15
    elif given is None:
        given = max(a.shape[-2:]) * np.finfo(dtype_of(a)).eps
    return pseudoinverse.pinv(a, rtol=tolerance("pinv", given), hermitian=bool(hermitian))


@implements(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: Any = None) -> tuple[Any, Any, Any, Any]:
    """Return the shortest x that minimizes the norm of b - a x, as `numpy.linalg.lstsq`.

    Args:
        a: float64[m, n].
        b: float64[m] or float64[m, k].
        rcond: singular values up to this number times the largest count as zero; by default max(m, n)
            times the precision.

    Returns:
        `(x, residuals, rank, s)`: the residuals are the sums of squares where m > n = rank, else
        empty (while values are unknown, inside `jit`, full rank is assumed); s has no use for a derivative of
        x, which is that of `pinv(a) @ b`.
    """
    a, b = promoted(floating(a), floating(b))
    if len(a.shape) != 2 or len(b.shape) not in (1, 2) or a.shape[0] != b.shape[0]:
        raise ShapeError(
            f"lstsq: expected a matrix, and a right-hand side with as many rows, got {type_of(a)} and {type_of(b)}."
        )
    m, n = a.shape
    if rcond is None:
        rcond = max(m, n) * np.finfo(dtype_of(a)).eps
    rcond = tolerance("lstsq", rcond if rcond >= 0 else np.finfo(dtype_of(a)).eps)
    x = matmul(pseudoinverse.pinv(a, rtol=rcond, hermitian=False), b)
    s = spectral.svdvals(a)
    rank = reduce_sum(s > rcond * s[:1], axes=(0,), keepdims=False)
    value = known(rank)
    if (min(m, n) if value is None else value) == n and m > n:
        rest = b - matmul(a, x)
        rest = rest if len(b.shape) == 2 else rest[:, None]
        residuals = reduce_sum(squared_magnitude(rest), axes=(0,), keepdims=False)
    else:
        residuals = np.zeros(0, dtype_of(s))
    return x, residuals, rank if value is None else int(value), s


@implements(np.linalg.det)
def det(a: Any) -> Any:
    """Return the determinants of square matrices.

    Derivative: tr(adj(a) a_dot), also where `a` is singular (Jacobi's formula).

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> fg.grad(np.linalg.det)(np.array([[1.0, 2.0], [2.0, 4.0]])).round(12)
    array([[ 4., -2.],
           [-2.,  1.]])
    """
    return determinant.det(floating(a))


@implements(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    """Return the sign and the logarithm of the absolute value of determinants.

        det(a) = sign exp(logabsdet)

    Raises:
        ShapeError: when matrices are not square.
        numpy.linalg.LinAlgError: for the derivative of one singular matrix.

    Derivative: d logabsdet = Re tr(a^-1 da); the sign's is 0 for real matrices. Of a stack, nan by the matrices
    that are singular.
    """
    sign, logabsdet = determinant.slogdet(floating(a))
    return SlogdetResult(sign, logabsdet)


@implements(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    """Return square matrices to the power of an integer, by repeated squaring; n < 0 inverts first."""
    n = operator.index(n)
    check_square("matrix_power", type_of(a))
    if n == 0:
        return np.broadcast_to(np.eye(a.shape[-1], dtype=dtype_of(a)), a.shape).copy()
    if n < 0:
        a, n = inv(a), -n
    result = None
    while n:
        n, bit = divmod(n, 2)
        if bit:
            result = a if result is None else matmul(result, a)
        if n:
            a = matmul(a, a)
    return result


@implements(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Any:
    """Return the inverse of the linear map that `a` is from its axes `ind`, ... to those before."""
    a = floating(a)
    if ind <= 0:
        raise ValueError(f"tensorinv: expected a positive ind, got {ind}.")
    shape = a.shape
    matrix = reshape(a, (math.prod(shape[ind:]), -1))
    return reshape(inv(matrix), (*shape[ind:], *shape[:ind]))


@implements(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """Return the x with tensordot(a, x, x.ndim) = b; `axes` of `a` are moved to the end first."""
    a, b = floating(a), floating(b)
    ndim = len(a.shape)
    if axes is not None:
        order = [k for k in range(ndim) if k not in axes] + list(axes)
        a = transpose(a, order)
    shape = a.shape[len(shape_of(b)) :]
    size = math.prod(shape)
    if type_of(a).size != size**2:
        raise ShapeError(
            f"tensorsolve: expected an array with as many elements in the axes of b as in the others, "
            f"got {ArrayType(a.shape, dtype_of(a))} and {type_of(b)}."
        )
    return reshape(solve(reshape(a, (size, size)), reshape(b, -1)), shape)
