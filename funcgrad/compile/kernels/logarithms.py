"""log, log2, log10, log1p, logaddexp and logaddexp2.

x = 2^n * m with m in [sqrt(1/2), sqrt(2)), taken from the bits of x, and log(m) = f - f^2/2 + f^3*P(f) with
f = m - 1 (Cody and Waite 1980, ch. 5, with a minimax polynomial in place of their rational function: no
division). Where one float is not enough, the leading sum is kept as hi + lo (J.-M. Muller, Elementary
Functions, 3rd ed. 2016).
"""

from functools import cache

from numba import njit

from funcgrad.compile.kernels.doubled import fast_two_sum, two_product, two_sum
from funcgrad.compile.kernels.exponential import LN2, LOG2_E, exp2, exp_of_sum
from funcgrad.compile.kernels.formats import Format, function, kernel
from funcgrad.compile.kernels.intrinsics import bits, cut, fabs, float_of_bits, fma, polynomial, where

__all__ = ["log_checked", "log_doubled", "mantissa"]

LOG10_E = "0.434294481903251827651128918916605082294397005803666566114453783165864649"
LOG10_2 = "0.301029995663981195213738894724493026768189881462108541310427461127108189"


@cache
def mantissa(fmt: Format):
    """Return a function of a normal x > 0 giving k, n and m: x = 2^n * m and k the integer n."""
    shift, magic, magic_bits = fmt.fraction, fmt.magic, fmt.magic_bits
    root = fmt.bits_of(0.5**0.5)

    @njit
    def mantissa(x):
        k = cut(cut(bits(x) - root, magic) >> shift, magic)
        m = float_of_bits(bits(x) - (k << shift), magic)
        return k, float_of_bits(k + magic_bits, magic) - magic, m

    return mantissa


@cache
def lifted(fmt: Format):
    """Return a function of x giving y and n: x = y * 2^n, where y is normal if x is subnormal."""
    smallest, steps = fmt(2.0 ** (1 - fmt.bias)), fmt(fmt.fraction + 2)
    factor, zero = fmt(2.0 ** (fmt.fraction + 2)), fmt(0)

    @njit
    def lifted(x):
        small = x < smallest
        return where(small, x * factor, x), where(small, -steps, zero)

    return lifted


@cache
def log_checked(fmt: Format):
    """Return a function of (x, r): r where 0 < x < inf, else the logarithm's special value."""
    zero, inf, nan = fmt(0), fmt.inf, fmt.nan

    @njit
    def log_checked(x, r):
        return where(x > zero, where(x < inf, r, x), where(x == zero, -inf, nan))

    return log_checked


@cache
def log_doubled(fmt: Format):
    """Return a function of x + x_low (normal, > 0) giving n, and log(m) as hi + lo."""
    reduced, shift = mantissa(fmt), fmt.fraction
    table, half, one, bias = fmt.table("LOG"), fmt(0.5), fmt(1), fmt.bias + 1

    @njit
    def log_doubled(x, x_low):
        k, n, m = reduced(x)
        f, low = fast_two_sum(m - one, half * x_low * float_of_bits((bias - k) << shift, one))
        low = low * fma(f, f, one - f)
        head, rest = fast_two_sum(f, f * f * fma(f, polynomial(f, table), -half))
        return n, head, rest + low

    return log_doubled


@cache
def natural_log(fmt: Format):
    """Return a function of x + x_low (normal, > 0) giving log(x + x_low) as hi + lo."""
    doubled, (ln2, ln2_low) = log_doubled(fmt), fmt.split(LN2, 2)

    @njit
    def natural_log(x, x_low):
        n, head, rest = doubled(x, x_low)
        product, error = two_product(n, ln2)
        total, lost = fast_two_sum(product, head)
        return fast_two_sum(total, lost + (rest + fma(n, ln2_low, error)))

    return natural_log


@kernel()
def log(fmt: Format):
    """The natural logarithm."""
    lift, reduced, checked = lifted(fmt), mantissa(fmt), log_checked(fmt)
    table, half, one, (ln2, ln2_low) = fmt.table("LOG"), fmt(0.5), fmt(1), fmt.split(LN2, 2)

    def log(x):
        y, lift_n = lift(x)
        _, n, m = reduced(y)
        n = n + lift_n
        f = m - one
        r = fma(f * f, fma(f, polynomial(f, table), -half), f)
        return checked(x, fma(n, ln2, fma(n, ln2_low, r)))

    return log


@kernel()
def log2(fmt: Format):
    """The logarithm to base 2, exact for powers of two: log2(m) = f*log2(e) + f^2*Q(f)."""
    lift, reduced, checked, table = lifted(fmt), mantissa(fmt), log_checked(fmt), fmt.table("LOG2")
    one, (scale, scale_low) = fmt(1), fmt.split(LOG2_E, 2)

    def log2(x):
        y, lift_n = lift(x)
        _, n, m = reduced(y)
        f = m - one
        r = fma(f, scale, fma(f, scale_low, f * f * polynomial(f, table)))
        return checked(x, (n + lift_n) + r)

    return log2


@kernel()
def log10(fmt: Format):
    """The logarithm to base 10; exact for powers of ten: an eighth of an ulp is lost before rounding."""
    lift, reduced, checked, table = lifted(fmt), mantissa(fmt), log_checked(fmt), fmt.table("LOG10")
    one, (scale, scale_low), (two, two_low) = fmt(1), fmt.split(LOG10_E, 2), fmt.split(LOG10_2, 2)

    def log10(x):
        y, lift_n = lift(x)
        _, n, m = reduced(y)
        n = n + lift_n
        f = m - one
        r = fma(f, scale, fma(f, scale_low, f * f * polynomial(f, table)))
        return checked(x, fma(n, two, fma(n, two_low, r)))

    return log10


@kernel()
def log1p(fmt: Format):
    """log(1 + x), where 1 + x is kept as an exact sum of two floats."""
    reduced, checked, table, shift = mantissa(fmt), log_checked(fmt), fmt.table("LOG"), fmt.fraction
    half, one, bias, tiny = fmt(0.5), fmt(1), fmt.bias + 1, fmt.pick(2.0**-54, 2.0**-25)
    ln2, ln2_low = fmt.split(LN2, 2)

    def log1p(x):
        total, low = two_sum(one, x)
        k, n, m = reduced(total)
        f, low = fast_two_sum(m - one, half * low * float_of_bits((bias - k) << shift, one))
        r = f + fma(f * f, fma(f, polynomial(f, table), -half), low * (one - f))
        return where(fabs(x) < tiny, x, checked(total, fma(n, ln2, fma(n, ln2_low, r))))

    return log1p


def _log_of_sum(fmt: Format, power, logarithm):
    """Return max + logarithm(1 + power(min - max)), the sum and the difference both as hi + lo."""
    low, one, zero, inf = fmt.pick(-1076, -151), fmt(1), fmt(0), fmt.inf

    def log_of_sum(a, b):
        top, bottom = where(a > b, a, b), where(a > b, b, a)
        gap, gap_low = two_sum(bottom, -top)
        gap, gap_low = where(a == b, zero, gap), where((gap > low) & (a != b), gap_low, zero)
        e = power(gap, gap_low)
        total, total_low = two_sum(one, e)
        high, rest = logarithm(total, total_low)
        total, lost = two_sum(top, high)
        finite = (fabs(top) < inf) & (e == e)
        return where(finite, total + (lost + rest), where(a == a, where(b == b, top, b), a))

    return log_of_sum


@kernel(2)
def logaddexp(fmt: Format):
    """log(e^a + e^b); where a and b cancel, the error is relative to max(|a|, |b|)."""
    return _log_of_sum(fmt, exp_of_sum(fmt), natural_log(fmt))


@kernel(2)
def logaddexp2(fmt: Format):
    """log2(2^a + 2^b); where a and b cancel, the error is relative to max(|a|, |b|)."""
    binary, doubled, (scale, scale_low) = function(exp2, fmt), log_doubled(fmt), fmt.split(LOG2_E, 2)
    (ln2,) = fmt.split(LN2, 1)

    @njit
    def power(x, low):
        e = binary(x)
        return fma(e, low * ln2, e)

    @njit
    def logarithm(x, low):
        n, head, rest = doubled(x, low)
        product, error = two_product(head, scale)
        total, lost = fast_two_sum(n, product)
        return fast_two_sum(total, lost + fma(head, scale_low, fma(rest, scale, error)))

    return _log_of_sum(fmt, power, logarithm)
