"""Unevaluated sums hi + lo of two floats, for the places where one float is not precise enough.

Reference: T. J. Dekker, A floating-point technique for extending the available precision, Numerische
Mathematik 18 (1971), with Knuth's two_sum (TAOCP vol. 2, 4.2.2, theorem B) and the product by fma
(J.-M. Muller et al., Handbook of Floating-Point Arithmetic, 2nd ed. 2018).
"""

from numba import njit

from funcgrad.compile.kernels.intrinsics import fma, reciprocal

__all__ = ["divide", "fast_two_sum", "multiply", "quotient", "two_product", "two_sum"]


@njit
def two_sum(a, b):
    """Return a + b and its rounding error, exactly."""
    total = a + b
    b_part = total - a
    return total, (a - (total - b_part)) + (b - b_part)


@njit
def fast_two_sum(a, b):
    """Return a + b and its rounding error where |a| >= |b| or a = 0."""
    total = a + b
    return total, b - (total - a)


@njit
def two_product(a, b):
    """Return a * b and its rounding error, exactly (no underflow)."""
    product = a * b
    return product, fma(a, b, -product)


@njit
def multiply(a, a_low, b, b_low):
    """Return (a + a_low) * (b + b_low) as hi + lo, where lo may be a few ulps of hi."""
    product, error = two_product(a, b)
    return product, fma(a, b_low, fma(a_low, b, error))


@njit
def quotient(a, a_low, b, b_low):
    """Return (a + a_low) / (b + b_low) as hi + lo with one division; lo may be a few ulps of hi."""
    inverse = reciprocal(b)
    ratio = a * inverse
    return ratio, fma(-ratio, b_low, fma(-ratio, b, a) + a_low) * inverse


@njit
def divide(a, a_low, b, b_low):
    """Return (a + a_low) / (b + b_low) as one float; pass -0 for no a_low, which costs nothing."""
    inverse = reciprocal(b)
    ratio = a * inverse
    return fma(fma(-ratio, b_low, fma(-ratio, b, a) + a_low), inverse, ratio)
