"""power, cbrt and hypot.

Each works on scaled or reduced arguments, so that only the result can overflow or become subnormal. The
logarithm inside power is a series in s = (m-1)/(m+1) with a minimax remainder, its leading terms hi + lo.
"""

import numpy as np
from numba import njit

from funcgrad.compile.kernels.doubled import fast_two_sum, multiply, quotient, two_product
from funcgrad.compile.kernels.exponential import LOG2_E, scale
from funcgrad.compile.kernels.formats import F32, SHORT, Format, kernel
from funcgrad.compile.kernels.intrinsics import (
    bits,
    copysign,
    fabs,
    float_of_bits,
    fma,
    polynomial,
    rint,
    sqrt,
    where,
)
from funcgrad.compile.kernels.logarithms import lifted, mantissa

__all__ = []

TWO_LOG2_E = "2.885390081777926814719849362003784274853291908305971868270898813862218438"
TWO_THIRDS_LOG2_E = "0.961796693925975604906616454001261424951097302768657289423632937954072812"


def exact_log2(fmt: Format):
    """Return a function giving log2(x) = n + 2*artanh(s)/ln(2), s = (m-1)/(m+1), as hi + lo.

    The first two terms of the series in s are kept as hi + lo: the relative error is below 2^-64, what is
    needed for y*log2(x), up to 1075, to be known to 2^-54.
    """
    reduced, table, one = mantissa(fmt), fmt.table("POWER"), fmt(1)
    (first, first_low), (third, third_low) = fmt.split(TWO_LOG2_E, 2), fmt.split(TWO_THIRDS_LOG2_E, 2)

    @njit
    def exact_log2(x, lift):
        _, n, m = reduced(x)
        f = m - one
        bottom, bottom_low = fast_two_sum(one, m)
        s, s_low = quotient(f, f - f, bottom, bottom_low)
        z, z_low = two_product(s, s)
        z_low = fma(s + s, s_low, z_low)
        c, c_low = fast_two_sum(third, z * polynomial(z, table))
        c, c_low = multiply(z, z_low, c, c_low + third_low)
        total, lost = fast_two_sum(first, c)
        p, p_low = multiply(s, s_low, total, lost + (c_low + first_low))
        whole, rest = fast_two_sum(n + lift, p)
        return whole, rest + p_low

    return exact_log2


def power_checked(fmt: Format):
    """Return a function of (x, y, |x|**y) giving x**y with the signs and special values of C99, F.9.4.4."""
    zero, one, half, inf, nan = fmt(0), fmt(1), fmt(0.5), fmt.inf, fmt.nan

    @njit
    def power_checked(x, y, r):
        a = fabs(x)
        edge = a + a == a  # 0 and inf
        whole, odd = y == rint(y), y * half != rint(y * half)
        invalid = ((x < zero) & (not whole) & (not edge)) | (x != x) | (y != y)
        r = where(edge, where((a == zero) == (y < zero), inf, zero), r)
        r = copysign(r, where(whole & odd, x, one))
        return where((x == one) | (y == zero), one, where(invalid, nan, r))

    return power_checked


@kernel(2)
def power(fmt: Format):
    """x**y = 2^(y*log2|x|) with the logarithm as hi + lo; float32 in float64, where one float suffices.

    The structure is that of Cody and Waite 1980, ch. 7; hi + lo takes the place of their fixed-point parts.
    """
    if fmt is F32:
        return _single_power(fmt)
    lift, logarithm, scaled, checked = lifted(fmt), exact_log2(fmt), scale(fmt), power_checked(fmt)
    magic, table, one, zero = fmt.magic, fmt.table("EXP2"), fmt(1), fmt(0)
    large, high = fmt(2.0**65), fmt(1100)

    def power(x, y):
        base, lift_n = lift(fabs(x))
        whole, rest = logarithm(base, lift_n)
        exponent = where(fabs(y) > large, copysign(large, y), y)
        p, p_low = two_product(exponent, whole)
        p_low = where(fabs(p) > high, zero, fma(exponent, rest, p_low))
        p = where(fabs(p) > high, copysign(high, p), p)
        t = p + magic
        r = (p - (t - magic)) + p_low
        return checked(x, y, scaled(fma(r, polynomial(r, table), one), t))

    return power


def _single_power(fmt: Format):
    """Return the float32 power, 2^(y*log2|x|) in float64 with polynomials precise to 2^-38."""
    reduced, checked, (log2_e,) = mantissa(SHORT), power_checked(fmt), SHORT.split(LOG2_E, 1)
    logarithm, exponential, magic, one = SHORT.table("LOG2"), SHORT.table("EXP2"), SHORT.magic, SHORT(1)
    inf, large = fmt.inf, fmt(2.0**100)
    low, high, double, single, shift, one_bits = (
        SHORT(-200),
        SHORT(200),
        np.float64,
        np.float32,
        52,
        1023 << 52,
    )

    def power(x, y):
        _, n, m = reduced(double(fabs(x)))
        f = m - one
        exponent = where(fabs(y) < inf, y, copysign(large, y))
        p = double(exponent) * (n + fma(f, log2_e, f * f * polynomial(f, logarithm)))
        p = where(p < low, low, where(p > high, high, p))
        t = p + magic
        r = p - (t - magic)
        result = fma(r, polynomial(r, exponential), one) * float_of_bits((bits(t) << shift) + one_bits, one)
        return checked(x, y, single(result))

    return power


@kernel()
def cbrt(fmt: Format):
    """The cube root: x = m * 8^k, r = m^(-1/3) by a polynomial and a fourth-order step, then m*r^2 corrected.

    The step is r*(1 + h/3 + 2*h^2/9 + 14*h^3/81), h = 1 - m*r^3, the binomial series of (1-h)^(-1/3); the
    last correction is Newton's for y^3 = m with r^2/3 in place of the division by 3*y^2.
    """
    lift, reduced, table = lifted(fmt), mantissa(fmt), fmt.table("CBRT")
    magic, one_bits, shift, zero, one, inf = (
        fmt.magic,
        fmt.bias << fmt.fraction,
        fmt.fraction,
        fmt(0),
        fmt(1),
        fmt.inf,
    )
    third, second, cubic, three, double, half = fmt(1 / 3), fmt(2 / 9), fmt(14 / 81), fmt(3), fmt(2), fmt(0.5)
    root, inverse_root = fmt(2.0 ** (1 / 3)), fmt(2.0 ** (-1 / 3))

    def cbrt(x):
        y, lift_n = lift(fabs(x))
        _, n, m = reduced(y)
        n = n + lift_n
        t = fma(n, third, magic)
        left = fma(-three, t - magic, n)
        r = polynomial(m, table) * where(left > zero, inverse_root, where(left < zero, root, one))
        m = m * where(left > zero, double, where(left < zero, half, one))
        h = fma(-m * r, r * r, one)
        r = fma(r * h, fma(h, fma(h, cubic, second), third), r)
        y = m * r * r
        y = fma(fma(y * y, -y, m), r * r * third, y)
        y = y * float_of_bits((bits(t) << shift) + one_bits, one)
        return where(x == zero, x, where(fabs(x) < inf, copysign(y, x), x))

    return cbrt


@kernel(2)
def hypot(fmt: Format):
    """sqrt(x^2 + y^2), scaled where a square would overflow or lose bits; float32 in float64."""
    if fmt is F32:
        return _single_hypot(fmt)
    large, small, down, up = fmt(2.0**500), fmt(2.0**-450), fmt(2.0**-600), fmt(2.0**600)
    one, inf = fmt(1), fmt.inf

    def hypot(x, y):
        a, b = fabs(x), fabs(y)
        largest = where(a > b, a, b)
        huge, minute = largest > large, largest < small
        factor = where(huge, down, where(minute, up, one))
        back = where(huge, up, where(minute, down, one))
        p, q = a * factor, b * factor
        result = sqrt(fma(p, p, q * q)) * back
        return where(a == inf, a, where(b == inf, b, result))

    return hypot


def _single_hypot(fmt: Format):
    """Return the float32 hypot: no square of a float32 overflows in float64."""
    double, single, inf = np.float64, np.float32, fmt.inf

    def hypot(x, y):
        a, b = double(x), double(y)
        result = single(sqrt(fma(a, a, b * b)))
        return where(fabs(x) == inf, fabs(x), where(fabs(y) == inf, fabs(y), result))

    return hypot
