"""Polynomials given by their coefficients, the highest power first."""

from typing import Any

import numpy as np

from funcgrad.core.types import dtype_of, type_of
from funcgrad.errors import ShapeError
from funcgrad.numpy.arrays import as_array, astype, implements, promoted
from funcgrad.numpy.calculus import convolve
from funcgrad.numpy.creation import zeros_like
from funcgrad.numpy.joining import concatenate, stack
from funcgrad.numpy.rearranging import atleast_1d
from funcgrad.numpy.shaping import ravel

__all__ = ["poly", "polyadd", "polyder", "polydiv", "polyint", "polymul", "polysub", "polyval"]


def _coefficients(name, p):
    p = atleast_1d(p)
    if p.ndim != 1:
        raise ShapeError(f"{name}: expected a vector of coefficients, got {type_of(p)}.")
    return p


@implements(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    """Return p[0] x**(n - 1) + ... + p[n - 1], by Horner's rule."""
    p, x = _coefficients("polyval", p), as_array(x)
    y = zeros_like(x)
    for i in range(len(p)):
        y = y * x + p[i]
    return y


def _padded(a, b):
    a, b = _coefficients("polyadd", a), _coefficients("polyadd", b)
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
    return convolve(_coefficients("polymul", a1), _coefficients("polymul", a2))


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
    zeros = ravel(seq_of_zeros)
    if as_array(seq_of_zeros).ndim > 1:
        raise ShapeError(f"poly: expected a vector of zeros, got {type_of(as_array(seq_of_zeros))}.")
    zeros = astype(zeros, np.result_type(dtype_of(zeros), 1.0))
    y = np.ones(1, zeros.dtype)
    for i in range(len(zeros)):
        y = convolve(y, stack([np.ones((), zeros.dtype), -zeros[i]]))
    return y
