"""erf, erfc and erfinv, to 4 ulp.

erf(x) = -expm1(x*Q(x)), where x*Q(x) = log(erfc(x)) is smooth on [0, 6] and a minimax polynomial is
weighted with erfc(x): one formula from the smallest x to where erf is 1. erfc(x) = e^(-x^2) * (1 + s*P(s))
/ (1 + 2x) with s = x/(x+4) (M. M. Shepherd and J. G. Laframboise, Math. Comp. 36 (1981), there
(x-c)/(x+c)), and x^2 as hi + lo. erfinv(x) = x*P(w), w = -log(1 - x^2), in two ranges of w (M. Giles,
Approximating the erfinv function, GPU Computing Gems, Jade ed. 2012; the polynomials are our own).
"""

from funcgrad.compile.kernels.doubled import two_product
from funcgrad.compile.kernels.exponential import exp_of_sum, expm1
from funcgrad.compile.kernels.formats import Format, function, kernel
from funcgrad.compile.kernels.intrinsics import copysign, fabs, fma, polynomial, sqrt, where
from funcgrad.compile.kernels.logarithms import log

__all__ = []

# The derivative of log(erfc) at 0: -2/sqrt(pi).
SLOPE = "-1.128379167095512573896158903121545171688101258657997713688171443421284936882"
# The derivative of erfinv at 0: sqrt(pi)/2.
INVERSE_SLOPE = "0.886226925452758013649083741670572591398774728061193564106903894926455642295516"


@kernel()
def erf(fmt: Format):
    """2/sqrt(pi) times the integral of e^(-t^2) from 0 to x."""
    less_one, table, high = function(expm1, fmt), fmt.table("ERF"), fmt.pick(6, 4)
    slope, slope_low = fmt.split(SLOPE, 2)

    def erf(x):
        a = fabs(x)
        a = where(a > high, high, a)
        w = fma(a, slope, a * fma(a, polynomial(a, table), slope_low))
        return copysign(less_one(w), x)

    return erf


@kernel()
def erfc(fmt: Format):
    """1 - erf(x), with its full relative precision for large x."""
    exponential, table, high = exp_of_sum(fmt), fmt.table("ERFC"), fmt.pick(28, 11)
    one, two, four, zero, centre = fmt(1), fmt(2), fmt(4), fmt(0), fmt(7 / 16)

    def erfc(x):
        a = fabs(x)
        a = where(a > high, high, a)
        square, low = two_product(a, a)
        s = a / (a + four)
        scaled = fma(s, polynomial(s - centre, table), one) / fma(a, two, one)
        tail = exponential(-square, -low) * scaled
        return where(x < zero, two - tail, tail)

    return erfc


@kernel(in_double=True)
def erfinv(fmt: Format):
    """The x with erf(x) = y; infinite at -1 and 1, nan beyond."""
    logarithm, one, inf = function(log, fmt), fmt(1), fmt.inf
    centre, tail = fmt.table("ERFINV_CENTRE"), fmt.table("ERFINV_TAIL")
    slope, slope_low = fmt.split(INVERSE_SLOPE, 2)
    first, second, bound = fmt(1.5), fmt(4.2), fmt(6.25)

    def erfinv(y):
        w = -logarithm(fma(-y, y, one))
        near = fma(y, slope, y * fma(w, polynomial(w - first, centre), slope_low))
        result = where(w < bound, near, y * polynomial(sqrt(w) - second, tail))
        return copysign(where(fabs(y) == one, inf, result), y)

    return erfinv
