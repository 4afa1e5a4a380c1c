"""Polynomials given by their coefficients, the highest power first."""

from typing import Any

import numpy as np

from funcgrad.core.tracer import concrete, is_concrete
from funcgrad.core.types import dtype_of, is_inexact, type_of
from funcgrad.errors import DTypeError, ShapeError
from funcgrad.numpy import linalg, reductions
from funcgrad.numpy.arguments import as_array, astype, implements, promoted
from funcgrad.numpy.calculus import convolve
from funcgrad.numpy.creation import zeros_like
from funcgrad.numpy.joining import concatenate, stack
from funcgrad.numpy.linalg.arguments import floating
from funcgrad.numpy.linalg.factorizations import eigvals_real_where_known
from funcgrad.numpy.products import dot
from funcgrad.numpy.ranges import vander
from funcgrad.numpy.rearranging import atleast_1d
from funcgrad.numpy.shaping import ravel, transpose

__all__ = [
    "poly",
    "polyadd",
    "polyder",
    "polydiv",
    "polyfit",
    "polyint",
    "polymul",
    "polysub",
    "polyval",
    "roots",
]


def _coefficients(name, p):
    p = atleast_1d(p)
    if p.ndim != 1:
        raise ShapeError(f"{name}: expected a vector of coefficients, got {type_of(p)}.")
    return p


@implements(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    """Return p[0] x**(n - 1) + ... + p[n - 1], by Horner's rule."""
    p, x = as_array(p), as_array(x)
    if not p.ndim:
        raise DTypeError(f"polyval: expected a vector of coefficients, got {type_of(p)}.")
    y = zeros_like(x)
    for i in range(len(p)):
        y = y * x + p[i]
    return y


def _padded(a, b):
    a, b = atleast_1d(a), atleast_1d(b)
    n = max(len(a), len(b))
    return [concatenate([np.zeros(n - len(p), p.dtype), p]) if len(p) < n else p for p in (a, b)]


@implements(np.polyadd)
def polyadd(a1: Any, a2: Any) -> Any:
    """Return the sum of two polynomials."""
    a, b = _padded(a1, a2)
    return a + b


@implements(np.polysub)
def polysub(a1: Any, a2: Any) -> Any:
    """Return the difference of two polynomials."""
    a, b = _padded(a1, a2)
    return a - b


@implements(np.polymul)
def polymul(a1: Any, a2: Any) -> Any:
    """Return the product of two polynomials; leading zeros are kept, whatever their values."""
    a, b = _coefficients("polymul", a1), _coefficients("polymul", a2)
    if not len(a) or not len(b):
        return (a if len(a) else b) * np.zeros((), (b if len(a) else a).dtype)
    return convolve(a, b)


@implements(np.polydiv)
def polydiv(u: Any, v: Any) -> tuple[Any, Any]:
    """Return the quotient and the remainder of two polynomials, v[0] being other than zero.

    The remainder has one coefficient less than `v`, whatever their values.
    """
    u, v = (
        astype(p, np.result_type(dtype_of(p), 1.0))
        for p in promoted(_coefficients("polydiv", u), _coefficients("polydiv", v))
    )
    rest = [u[i] for i in range(len(u))]
    count = len(u) - len(v) + 1
    if count < 1:
        return np.zeros(1, u.dtype), u
    quotient = []
    for i in range(count):
        factor = rest[i] / v[0]
        quotient.append(factor)
        for j in range(1, len(v)):
            rest[i + j] = rest[i + j] - factor * v[j]
    left = rest[count:]
    return stack(quotient), stack(left) if left else np.zeros(1, u.dtype)


@implements(np.polyder)
def polyder(p: Any, m: int = 1) -> Any:
    """Return the polynomial's m-th derivative by its variable."""
    if m < 0:
        raise ShapeError(f"polyder: expected m of at least 0, got {m}.")
    p = _coefficients("polyder", p)
    for _ in range(m):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1)
    return p


@implements(np.polyint)
def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    """Return the polynomial's m-th integral, with the constants `k` (0 by default)."""
    if m < 0:
        raise ShapeError(f"polyint: expected m of at least 0, got {m}.")
    p = _coefficients("polyint", p)
    constants = np.zeros(m) if k is None else atleast_1d(k)
    if len(constants) == 1 and m > 1:
        constants = concatenate([constants] * m)
    if len(constants) < m:
        raise ShapeError(f"polyint: expected a constant for each of {m} integrals, got {len(constants)}.")
    for i in range(m):
        p = concatenate([p / np.arange(len(p), 0, -1), constants[i : i + 1]])
    return p


@implements(np.poly)
def poly(seq_of_zeros: Any) -> Any:
    """Return the coefficients of the polynomial with these zeros."""
    zeros = as_array(seq_of_zeros)
    if zeros.ndim > 2 or (zeros.ndim == 2 and zeros.shape[0] != zeros.shape[1]):
        raise ShapeError(f"poly: expected a vector of zeros, or a square matrix, got {type_of(zeros)}.")
    zeros = eigvals_real_where_known(floating(zeros)) if zeros.ndim == 2 else ravel(zeros)
    zeros = astype(zeros, np.mintypecode(dtype_of(zeros).char))
    y = np.ones(1, zeros.dtype)
    for i in range(len(zeros)):
        y = convolve(y, stack([np.ones((), zeros.dtype), -zeros[i]]))
    return y


@implements(np.roots)
def roots(p: Any) -> Any:
    """Return the zeros of a polynomial: the eigenvalues of its companion matrix.

    Zeros among the first and last coefficients are left out where the values are known.

    Derivative: by the coefficients, infinite at a repeated zero.
    """
    p = _coefficients("roots", p)
    p = p if is_inexact(p.dtype) else astype(p, float)
    at_zero = 0
    if is_concrete(p):
        places = np.flatnonzero(concrete(p))
        if not len(places):
            return np.zeros(0)
        at_zero = len(p) - 1 - int(places[-1])
        p = p[int(places[0]) : int(places[-1]) + 1]
    n = len(p) - 1
    if n < 1:
        return np.zeros(at_zero, p.dtype)
    companion = concatenate([(-p[1:] / p[0])[None], np.eye(n - 1, n, dtype=p.dtype)])
    found = eigvals_real_where_known(companion)
    return concatenate([found, np.zeros(at_zero, dtype_of(found))]) if at_zero else found


@implements(np.polyfit)
def polyfit(
    x: Any, y: Any, deg: int, rcond: Any = None, full: bool = False, w: Any = None, cov: Any = False
) -> Any:
    """Return the coefficients of the polynomial of degree `deg` nearest to the points (x, y).

    Args:
        x: float[n].
        y: float[n] or [n, k].
        deg: the degree.
        rcond: smaller singular values, relative to the largest, count as zero.
        full: return also the residuals, rank and singular values of the scaled matrix, and rcond.
        w: float[n], weights of the differences.
        cov: return also the covariance of the coefficients ("unscaled" as it is for weights 1 / sigma).

    Derivative: by x, y and w.
    """
    x, y = (a if is_inexact(a.dtype) else astype(a, float) for a in (as_array(x), as_array(y)))
    if x.ndim != 1 or not len(x) or y.ndim not in (1, 2) or len(y) != len(x) or deg < 0:
        raise ShapeError(
            f"polyfit: expected points x[n], y[n] or y[n, k] and deg of at least 0, "
            f"got {type_of(x)}, {type_of(y)} and {deg}."
        )
    n = deg + 1
    rcond = len(x) * np.finfo(x.dtype).eps if rcond is None else rcond
    matrix, target = vander(x, n), y
    if w is not None:
        w = as_array(w)
        if w.shape != x.shape:
            raise ShapeError(f"polyfit: expected a weight for each point, got {type_of(w)} for {type_of(x)}.")
        matrix = matrix * w[:, None]
        target = target * (w[:, None] if y.ndim == 2 else w)
    scale = reductions.sum(matrix * matrix, 0) ** 0.5
    matrix = matrix / scale
    c, residuals, rank, singular = linalg.lstsq(matrix, target, rcond)
    c = c / (scale[:, None] if y.ndim == 2 else scale)
    if full:
        return c, residuals, rank, singular, rcond
    if not cov:
        return c
    base = linalg.inv(dot(transpose(matrix), matrix)) / (scale[:, None] * scale)
    if cov == "unscaled":
        return c, base if y.ndim == 1 else base[:, :, None] * np.ones(y.shape[1])
    if len(x) <= n:
        raise ShapeError(f"polyfit: expected more than {n} points to scale the covariance, got {len(x)}.")
    factor = residuals / (len(x) - n)
    return c, base * factor if y.ndim == 1 else base[:, :, None] * factor
