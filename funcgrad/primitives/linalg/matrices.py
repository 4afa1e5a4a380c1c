"""What the matrix primitives share: shape checks, adjoints, diagonals, triangles, and batching.

Matrices are the last two axes. Every primitive broadcasts over the leading ones, as numpy.linalg
does, so that a batch is one more leading axis.
"""

from typing import Any

import numpy as np

from funcgrad.core.primitive import Primitive
from funcgrad.core.types import ArrayType, dtype_of, promote, shape_of
from funcgrad.errors import DTypeError, ShapeError
from funcgrad.primitives.arithmetic import conjugate
from funcgrad.primitives.broadcasting import stretch
from funcgrad.primitives.gathering import gather
from funcgrad.primitives.shape import transpose

__all__ = [
    "MatrixPrimitive",
    "adjoint",
    "check_matrix",
    "check_square",
    "columns",
    "conj",
    "diagonal",
    "half_lower",
    "matrix_dtype",
    "positive_definite",
    "real_dtype",
    "refuse_infinite",
    "rows",
    "sample_matrix",
    "total",
    "transposed",
]


class MatrixPrimitive(Primitive):
    """A primitive of matrices along the last two axes, equal in their leading axes.

    A matrix whose cotangents (or tangents) are all zero gets zeros, whatever its rules would make of it: see
    `primitives.silence`.
    """

    fails = True
    by_matrix = True

    def batch_rule(self, size, batched, *args, **params):
        full = [x if b else stretch(x, size) for x, b in zip(args, batched, strict=True)]
        return self(*full, **params), True


def refuse_infinite(x: np.ndarray) -> None:
    """Raise LinAlgError, as for nan, where LAPACK's singular value decomposition would not come to an end."""
    if np.isinf(x).any():
        raise np.linalg.LinAlgError("SVD did not converge")


def check_matrix(name: str, x: ArrayType) -> None:
    """Raise ShapeError unless `x` has at least two axes."""
    if x.ndim < 2:
        raise ShapeError(
            f"{name}: expected matrices, got {x}.", hint="matrices are the last two axes of an array."
        )


def check_square(name: str, x: ArrayType) -> None:
    """Raise ShapeError unless the last two axes of `x` are square matrices."""
    if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
        raise ShapeError(
            f"{name}: expected square matrices, got {x}.", hint="matrices are the last two axes of an array."
        )


def matrix_dtype(name: str, *types: ArrayType) -> np.dtype:
    """Return the dtype in which numpy.linalg computes: single or double, real or complex."""
    dtype = promote(*types)
    if dtype.kind in "biu":
        return np.dtype(float)
    if dtype.char not in "fdFD":
        raise DTypeError(
            f"{name}: expected single or double precision, got {' and '.join(map(str, types))}.",
            hint="convert with astype(np.float64) first.",
        )
    return dtype


def real_dtype(dtype: np.dtype) -> np.dtype:
    """Return the dtype of the real part."""
    return np.empty(0, dtype).real.dtype


def transposed(x: Any) -> Any:
    """Return the transposes of matrices."""
    if type(x) is np.ndarray:
        return x.swapaxes(-1, -2)
    ndim = len(shape_of(x))
    return transpose(x, axes=(*range(ndim - 2), ndim - 1, ndim - 2))


def conj(x: Any) -> Any:
    """Return the complex conjugate; `x` itself where it is real."""
    return conjugate(x) if dtype_of(x).kind == "c" else x


def adjoint(x: Any) -> Any:
    """Return the conjugate transposes of matrices."""
    return conj(transposed(x))


def columns(d: Any) -> Any:
    """Return `d` as rows of weights, so that `a * columns(d)` is a @ diag(d)."""
    return d[..., None, :]


def rows(d: Any) -> Any:
    """Return `d` as columns of weights, so that `a * rows(d)` is diag(d) @ a."""
    return d[..., :, None]


def diagonal(x: Any) -> Any:
    """Return the main diagonals of matrices."""
    if type(x) is np.ndarray:
        return np.diagonal(x, axis1=-2, axis2=-1)
    *lead, m, n = shape_of(x)
    where = np.arange(min(m, n))
    d = gather(x, where, where, axes=(len(lead), len(lead) + 1))
    return transpose(d, axes=(*range(1, len(lead) + 1), 0)) if lead else d


def half_lower(n: int, dtype: np.dtype) -> np.ndarray:
    """Return the n-by-n matrix with 1 below the diagonal and 1/2 on it."""
    mask = np.tri(n, dtype=real_dtype(dtype))
    np.fill_diagonal(mask, 0.5)
    return mask


def total(*terms: Any) -> Any:
    """Return the sum of those terms that are not None; None when there are none."""
    result = None
    for term in terms:
        if term is not None:
            result = term if result is None else result + term
    return result


def sample_matrix(*shape: int, dtype: Any = float, seed: int = 0) -> np.ndarray:
    """Return a random array of normal numbers, the same every time, for samples."""
    rng = np.random.default_rng([seed, *shape])
    x = rng.normal(size=shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * rng.normal(size=shape)
    return x.astype(dtype)


def positive_definite(*shape: int, dtype: Any = float, seed: int = 0) -> np.ndarray:
    """Return Hermitian positive definite matrices with distinct eigenvalues, for samples."""
    x = sample_matrix(*shape, dtype=dtype, seed=seed)
    n = shape[-1]
    return (x @ x.swapaxes(-1, -2).conj() / max(n, 1) + np.diag(np.arange(1, n + 1))).astype(dtype)
