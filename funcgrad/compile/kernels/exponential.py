"""exp, exp2, expm1 and the logistic function.

The argument is reduced to x = n*ln(2) + r with |r| <= ln(2)/2 by two fused steps (W. J. Cody and W. Waite,
Software Manual for the Elementary Functions, 1980, ch. 6; the fma makes the first step exact), n comes from
adding a large constant whose low bits then hold it, and e^r - 1 = r + r^2*Q(r) with a minimax Q. The result
is scaled by 2^n in two steps, so that it overflows and becomes subnormal only in the last multiplication. Where it comes
to 0, as of masked elements, 0 is scaled: a product that underflows takes a processor a hundred times as long.
"""

from functools import cache

from numba import njit

from funcgrad.compile.kernels.doubled import divide, fast_two_sum
from funcgrad.compile.kernels.formats import Format, kernel
from funcgrad.compile.kernels.intrinsics import bits, cut, fabs, float_of_bits, fma, polynomial, where

__all__ = ["LN2", "LOG2_E", "exp_of_sum", "exponential_parts", "scale"]

LN2 = "0.693147180559945309417232121458176568075500134360255254120680009493393621"
LOG2_E = "1.442695040888963407359924681001892137426645954152985934135449406931109219"


@cache
def scale(fmt: Format):
    """Return a function of (p, t), p * 2**n for the integer n that t = magic + n holds in its low bits."""
    one, shift = fmt(1), fmt.fraction
    one_bits, high = fmt.bias << shift, -(1 << shift)

    @njit
    def scale(p, t):
        both = cut(bits(t) << shift, one)
        first = cut((bits(t) << (shift - 1)) & high, one)
        return p * float_of_bits(first + one_bits, one) * float_of_bits(both - first + one_bits, one)

    return scale


@cache
def exponential_parts(fmt: Format):
    """Return a function of x giving t, r and q: e^x = 2^n * (1 + r + q), n in the low bits of t."""
    magic, table = fmt.magic, fmt.table("EXP")
    (log2_e,), (ln2, ln2_low) = fmt.split(LOG2_E, 1), fmt.split(LN2, 2)

    @njit
    def exponential_parts(x):
        t = fma(x, log2_e, magic)
        n = t - magic
        r = fma(-n, ln2_low, fma(-n, ln2, x))
        return t, r, r * r * polynomial(r, table)

    return exponential_parts


@kernel()
def exp(fmt: Format):
    """e^x; beyond the clamp above the scaled result is inf by itself, and nan passes through r."""
    parts, scaled = exponential_parts(fmt), scale(fmt)
    low, high, zero, one = fmt.pick(-746, -104.5), fmt.pick(710, 89), fmt(0), fmt(1)

    def exp(x):
        y = where(x < low, low, x)
        y = where(y > high, high, y)
        t, r, q = parts(y)
        return scaled(where(x < low, zero, one + (r + q)), t)

    return exp


@cache
def exp_of_sum(fmt: Format):
    """Return a function of x + x_low <= 0 giving e^(x + x_low)."""
    scaled, table, magic, one = scale(fmt), fmt.table("EXP"), fmt.magic, fmt(1)
    (log2_e,), (ln2, ln2_low), low = fmt.split(LOG2_E, 1), fmt.split(LN2, 2), fmt.pick(-746, -104.5)
    zero = fmt(0)

    @njit
    def exp_of_sum(x, x_low):
        y = where(x < low, low, x)
        t = fma(y, log2_e, magic)
        n = t - magic
        r = fma(-n, ln2, y) + fma(-n, ln2_low, x_low)
        return scaled(where(x < low, zero, one + fma(r * r, polynomial(r, table), r)), t)

    return exp_of_sum


@kernel()
def exp2(fmt: Format):
    """2^x with x = n + r, |r| <= 1/2, and 2^r = 1 + r*P(r): the reduction is exact."""
    magic, table, scaled = fmt.magic, fmt.table("EXP2"), scale(fmt)
    low, high, zero, one = fmt.pick(-1076, -151), fmt.pick(1025, 129), fmt(0), fmt(1)

    def exp2(x):
        y = where(x < low, low, x)
        y = where(y > high, high, y)
        t = y + magic
        r = y - (t - magic)
        return scaled(where(x < low, zero, fma(r, polynomial(r, table), one)), t)

    return exp2


@kernel()
def expm1(fmt: Format):
    """e^x - 1 = (2^n - 1) + 2^n*(e^r - 1), at half size since 2^1024 is no float."""
    parts, one_bits = exponential_parts(fmt), (fmt.bias - 1) << fmt.fraction
    low, high, half, one = fmt.pick(-38, -18), fmt.pick(710, 89), fmt(0.5), fmt(1)
    tiny, shift = fmt.pick(2.0**-54, 2.0**-25), fmt.fraction

    def expm1(x):
        y = where(x < low, low, x)
        y = where(y > high, high, y)
        t, r, q = parts(y)
        power = float_of_bits((bits(t) << shift) + one_bits, one)
        head, rest = fast_two_sum(power - half, power * r)
        result = head + fma(power, q, rest)
        return where(fabs(x) < tiny, x, result + result)

    return expm1


@kernel()
def logistic(fmt: Format):
    """1 / (1 + e^-x), computed from e^-|x| so that nothing overflows and small results stay exact."""
    parts, scaled = exponential_parts(fmt), scale(fmt)
    low, zero, one, absent = fmt.pick(-746, -104.5), fmt(0), fmt(1), fmt(-0.0)

    def logistic(x):
        y = -fabs(x)
        t, r, q = parts(where(y < low, low, y))
        e = scaled(where(y < low, zero, one + (r + q)), t)
        bottom, bottom_low = fast_two_sum(one, e)
        return divide(where(x < zero, e, one), absent, bottom, bottom_low)

    return logistic
