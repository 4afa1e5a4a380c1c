"""sin, cos, tan and sinc.

x = n*(pi/2) + r with three parts of pi/2 (Cody and Waite 1980, ch. 8): with fma the first difference is
exact, and the rest is kept as r + r_low, so that r is precise also where x is close to a multiple of pi/2.
On |r| <= pi/4 sine and cosine are minimax polynomials, and the low bits of n say which of them is wanted.
Right for |x| up to `library.LIMITS`; beyond, the caller asks libm.
"""

from functools import cache

from numba import njit

from funcgrad.compile.kernels.doubled import divide, fast_two_sum, two_product, two_sum
from funcgrad.compile.kernels.formats import Format, kernel
from funcgrad.compile.kernels.intrinsics import bits, cut, fabs, float_of_bits, fma, polynomial, rint, where

__all__ = ["HALF_PI", "PI", "sine_of_pi"]

PI = "3.141592653589793238462643383279502884197169399375105820974944592307816406"
HALF_PI = "1.570796326794896619231321691639751442098584699687552910487472296153908203"
TWO_BY_PI = "0.636619772367581343075535053490057448137838582961825794990669376235587190"


@cache
def quadrant(fmt: Format):
    """Return a function of x giving t and r + r_low: x = n*(pi/2) + r + r_low, n in the low bits of t."""
    magic, (inverse,) = fmt.magic, fmt.split(TWO_BY_PI, 1)
    first, second, third = fmt.split(HALF_PI, 3)

    @njit
    def quadrant(x):
        t = fma(x, inverse, magic)
        n = t - magic
        product = n * second
        error = fma(n, second, -product)
        r, low = two_sum(fma(-n, first, x), -product)
        return t, r, low - fma(n, third, error)

    return quadrant


@cache
def sine_and_cosine(fmt: Format):
    """Return a function of r + r_low giving sin and cos, each as hi + lo."""
    sine, cosine, half, one = fmt.table("SIN"), fmt.table("COS"), fmt(0.5), fmt(1)

    @njit
    def sine_and_cosine(r, low):
        z = r * r
        head = fma(-half, z, one)
        s_low = fma(z * r, polynomial(z, sine), low * head)
        c_low = fma(z * z, polynomial(z, cosine), fma(-r, low, fma(-half, z, one - head)))
        return r, s_low, head, c_low

    return sine_and_cosine


@cache
def turned(fmt: Format):
    """Return a function of (t, x): x with its sign changed if bit 1 of t is set."""
    shift, one = 30 if fmt.fraction == 23 else 62, fmt(1)
    sign = -(1 << (shift + 1))

    @njit
    def turned(t, x):
        return float_of_bits(bits(x) ^ cut((t << shift) & sign, one), one)

    return turned


@kernel()
def sin(fmt: Format):
    """The sine."""
    reduced, both, flipped, one = quadrant(fmt), sine_and_cosine(fmt), turned(fmt), fmt(1)
    tiny = fmt.pick(2.0**-27, 2.0**-13)

    def sin(x):
        t, r, low = reduced(x)
        s, s_low, c, c_low = both(r, low)
        n = bits(t)
        odd = cut(n & 1, one) != 0
        result = flipped(n, where(odd, c, s) + where(odd, c_low, s_low))
        return where(fabs(x) < tiny, x, result)

    return sin


@kernel()
def cos(fmt: Format):
    """The cosine, the sine a quarter turn later."""
    reduced, both, flipped, one = quadrant(fmt), sine_and_cosine(fmt), turned(fmt), fmt(1)

    def cos(x):
        t, r, low = reduced(x)
        s, s_low, c, c_low = both(r, low)
        n = cut(bits(t) + 1, one)
        odd = cut(n & 1, one) != 0
        return flipped(n, where(odd, c, s) + where(odd, c_low, s_low))

    return cos


@kernel()
def tan(fmt: Format):
    """The tangent, sin/cos or -cos/sin, with the quotient's error put right."""
    reduced, both, one, tiny = quadrant(fmt), sine_and_cosine(fmt), fmt(1), fmt.pick(2.0**-27, 2.0**-13)

    def tan(x):
        t, r, low = reduced(x)
        s, s_low, c, c_low = both(r, low)
        odd = cut(bits(t) & 1, one) != 0
        s, s_low = fast_two_sum(s, s_low)
        c, c_low = fast_two_sum(c, c_low)
        top, top_low = where(odd, -c, s), where(odd, -c_low, s_low)
        ratio = divide(top, top_low, where(odd, s, c), where(odd, s_low, c_low))
        return where(fabs(x) < tiny, x, ratio)

    return tan


@cache
def sine_of_pi(fmt: Format):
    """Return a function of f, |f| <= 1/2, giving sin(pi*f)."""
    table, (pi, pi_low) = fmt.table("SINPI"), fmt.split(PI, 2)

    @njit
    def sine_of_pi(f):
        z = f * f
        return fma(f, pi, f * fma(z, polynomial(z, table), pi_low))

    return sine_of_pi


@kernel()
def sinc(fmt: Format):
    """sin(pi*x)/(pi*x), 1 at 0: x less its nearest integer is exact, so that this is right for every x."""
    table, one, zero, half, tiny = fmt.table("SINC"), fmt(1), fmt(0), fmt(0.5), fmt.pick(2.0**-30, 2.0**-15)

    def sinc(x):
        whole = rint(x)
        f = x - whole
        z = f * f
        g, g_low = fast_two_sum(one, z * polynomial(z, table))
        s, s_low = two_product(f, g)
        ratio = divide(s, fma(f, g_low, s_low), x, zero)
        ratio = where(whole * half != rint(whole * half), -ratio, ratio)
        return where(fabs(x) < tiny, one, ratio)

    return sinc
