"""sinh, cosh, tanh and their inverses.

The functions are built on e^|x| = 2^n * (1 + q) with q = e^r - 1, scaled so that nothing overflows early;
the inverses are logarithms of a sum hi + lo, whose error would otherwise be that of its last addition
(J.-M. Muller, Elementary Functions, 3rd ed. 2016).
"""

from functools import cache

from numba import njit

from funcgrad.compile.kernels.doubled import divide, fast_two_sum, quotient, two_product, two_sum
from funcgrad.compile.kernels.exponential import exponential_parts, scale
from funcgrad.compile.kernels.formats import Format, kernel
from funcgrad.compile.kernels.intrinsics import (
    bits,
    copysign,
    fabs,
    float_of_bits,
    fma,
    polynomial,
    reciprocal,
    sqrt,
    where,
)
from funcgrad.compile.kernels.logarithms import natural_log

__all__ = []


@cache
def quarter_exponential(fmt: Format):
    """Return a function of x >= 0 giving e^x / 4, infinite only where e^x / 2 is."""
    parts, one_bits, shift = exponential_parts(fmt), (fmt.bias - 2) << fmt.fraction, fmt.fraction
    high, one = fmt.pick(711, 90), fmt(1)

    @njit
    def quarter_exponential(x):
        t, r, q = parts(where(x > high, high, x))
        return (one + (r + q)) * float_of_bits((bits(t) << shift) + one_bits, one)

    return quarter_exponential


@kernel()
def cosh(fmt: Format):
    """(e^x + e^-x) / 2 = 2*h + 1/(8*h) with h = e^|x|/4."""
    quarter, eighth = quarter_exponential(fmt), fmt(0.125)

    def cosh(x):
        h = quarter(fabs(x))
        return h + h + eighth / h

    return cosh


@kernel()
def sinh(fmt: Format):
    """(e^x - e^-x) / 2 for |x| >= 1, an odd polynomial below."""
    quarter, eighth, one, table = quarter_exponential(fmt), fmt(0.125), fmt(1), fmt.table("SINH")
    tiny = fmt.pick(2.0**-27, 2.0**-13)

    def sinh(x):
        a = fabs(x)
        h = quarter(a)
        z = x * x
        near = fma(x * z, polynomial(z, table), x)
        near = where(a < tiny, x, near)
        return where(a < one, near, copysign(h + (h - eighth / h), x))

    return sinh


@cache
def negative_exponential(fmt: Format):
    """Return a function of x giving 2^n, r and q: e^(-2|x|) = 2^n * (1 + r + q).

    tanh and its slope are both made of it: where a loop has both, it is computed once.
    """
    parts, scaled, low, one = exponential_parts(fmt), scale(fmt), fmt.pick(-746, -104.5), fmt(1)

    @njit
    def negative_exponential(x):
        a = fabs(x)
        y = -(a + a)
        t, r, q = parts(where(y < low, low, y))
        return scaled(one, t), r, q

    return negative_exponential


@kernel()
def tanh(fmt: Format):
    """-M / (2 + M) with M = e^(-2|x|) - 1 summed with care, as its error is that of the result."""
    exponential, one, two = negative_exponential(fmt), fmt(1), fmt(2)
    absent, tiny = fmt(-0.0), fmt.pick(2.0**-27, 2.0**-13)

    def tanh(x):
        power, r, q = exponential(x)
        head, low = fast_two_sum(power - one, power * r)
        m = head + fma(power, q, low)
        bottom, bottom_low = fast_two_sum(two, m)
        return where(fabs(x) < tiny, x, copysign(divide(-m, absent, bottom, bottom_low), x))

    return tanh


@kernel()
def tanh_slope(fmt: Format):
    """1 / cosh(x)^2 = 4 E / (1 + E)^2 with E = e^(-2|x|)."""
    exponential, one, four = negative_exponential(fmt), fmt(1), fmt(4)

    def tanh_slope(x):
        power, r, q = exponential(x)
        e = power * (one + (r + q))
        share = one / (one + e)
        return four * (e * share) * share

    return tanh_slope


@cache
def doubled_root(fmt: Format):
    """Return a function of hi + lo >= 0 giving its square root as hi + lo."""
    half, zero = fmt(0.5), fmt(0)

    @njit
    def doubled_root(x, x_low):
        root = sqrt(x)
        rest = (fma(-root, root, x) + x_low) * (half * root * reciprocal(x))
        return root, where(x == zero, zero, rest)

    return doubled_root


@kernel()
def arcsinh(fmt: Format):
    """log(|x| + sqrt(x^2 + 1)) with the sum as hi + lo; log(2*|x|) where x^2 would overflow."""
    logarithm, root, one, zero = natural_log(fmt), doubled_root(fmt), fmt(1), fmt(0)
    tiny, large = fmt.pick(2.0**-27, 2.0**-13), fmt.pick(2.0**400, 2.0**50)
    ln2, inf = fmt(0.6931471805599453), fmt.inf

    def arcsinh(x):
        a = fabs(x)
        small = where(a > large, zero, a)
        square, low = two_product(small, small)
        square, lost = two_sum(square, one)
        s, s_low = root(square, low + lost)
        total, lost = two_sum(small, s)
        high, rest = logarithm(where(a > large, a, total), where(a > large, zero, lost + s_low))
        result = high + (rest + where(a > large, ln2, zero))
        result = where(a < tiny, a, where(a < inf, result, a))
        return copysign(result, x)

    return arcsinh


@kernel()
def arccosh(fmt: Format):
    """log(x + sqrt(x^2 - 1)) with the sum as hi + lo; log(2*x) where x^2 would overflow; nan below 1."""
    logarithm, root, one, zero, nan = natural_log(fmt), doubled_root(fmt), fmt(1), fmt(0), fmt.nan
    large, ln2, inf = fmt.pick(2.0**400, 2.0**50), fmt(0.6931471805599453), fmt.inf

    def arccosh(x):
        small = where(x > large, one, x)
        square, low = two_product(small, small)
        square, lost = two_sum(square, -one)
        square, lost = fast_two_sum(square, low + lost)
        s, s_low = root(square, lost)
        total, lost = two_sum(small, s)
        high, rest = logarithm(where(x > large, x, total), where(x > large, zero, lost + s_low))
        result = high + (rest + where(x > large, ln2, zero))
        return where(x < one, nan, where(x < inf, result, x))

    return arccosh


@kernel()
def arctanh(fmt: Format):
    """log(1 + 2|x|/(1 - |x|)) / 2 with the quotient and the sum as hi + lo."""
    logarithm, one, half, inf, nan = natural_log(fmt), fmt(1), fmt(0.5), fmt.inf, fmt.nan
    tiny = fmt.pick(2.0**-27, 2.0**-13)

    def arctanh(x):
        a = fabs(x)
        bottom, bottom_low = two_sum(one, -a)
        ratio, rest = quotient(a + a, a - a, bottom, bottom_low)
        total, lost = two_sum(one, ratio)
        high, rest = logarithm(total, lost + rest)
        result = half * (high + rest)
        result = where(a < tiny, a, where(a < one, result, where(a == one, inf, nan)))
        return copysign(result, x)

    return arctanh
