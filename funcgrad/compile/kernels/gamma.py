"""gammaln and digamma, to 4 ulp for x > 0; float32 is computed in float64.

From 6 on, Stirling's series with a minimax polynomial in 1/x^2 (Abramowitz and Stegun 1964, 6.1.40 and
6.3.18). Below, the recurrence Gamma(x+1) = x*Gamma(x) leads to an interval of length one with a minimax
polynomial that has the function's zero as a factor, so that the result is relatively precise near the zeros
1, 2 and 1.4616... Negative x go by the reflection formula (6.1.17, 6.3.7): a sum of terms that may cancel,
so that near the function's zeros the error is relative to the largest term, not to the result. At a pole
gammaln is inf and digamma nan.
"""

from functools import cache

from numba import njit

from funcgrad.compile.kernels.doubled import fast_two_sum, multiply, two_product, two_sum
from funcgrad.compile.kernels.exponential import LN2
from funcgrad.compile.kernels.formats import Format, function, kernel
from funcgrad.compile.kernels.intrinsics import copysign, fabs, fma, polynomial, reciprocal, rint, where
from funcgrad.compile.kernels.logarithms import lifted, log, natural_log
from funcgrad.compile.kernels.trigonometric import PI, sine_of_pi

__all__ = []

HALF_LOG_TWO_PI_LESS_HALF = "0.418938533204672741780329736405617639861397473637783412817151540482765695"
# The derivative of gammaln at 2: 1 less Euler's constant.
GAMMALN_SLOPE = "0.422784335098467139393487909917597568957840664060076401194232765115130276"
DIGAMMA_ROOT = "1.461632144968362341262659542325721328468196204006446351295988408598786440"


@cache
def gammaln_positive(fmt: Format):
    """Return a function of a > 0 giving log(Gamma(a))."""
    logarithm, lift, table, stirling = (
        natural_log(fmt),
        lifted(fmt),
        fmt.table("GAMMALN"),
        fmt.table("STIRLING"),
    )
    zero, half, one, two, six, inf = fmt(0), fmt(0.5), fmt(1), fmt(2), fmt(6), fmt.inf
    low, middle = fmt(1.5), fmt(2.5)
    slope, slope_low = fmt.split(GAMMALN_SLOPE, 2)
    (ln2,), (constant,) = fmt.split(LN2, 1), fmt.split(HALF_LOG_TWO_PI_LESS_HALF, 1)

    @njit
    def gammaln_positive(a):
        z, product = a, one
        for _ in range(4):
            above = z > middle
            z = where(above, z - one, z)
            product = where(above, product * z, product)
        large, small, least = a >= six, a < low, a < half
        t = where(least, a, where(small, a - one, z - two))
        product = where(least, a * (a + one), where(small, a, product))
        base, lift_n = lift(where(large, a, product))
        high, rest = logarithm(base, zero)
        rest = fma(lift_n, ln2, rest)
        near, near_low = two_product(t, slope)
        near_low = fma(t * t, polynomial(t, table), fma(t, slope_low, near_low))
        near, lost = two_sum(near, where(small, -high, high))
        near = near + (lost + (near_low + where(small, -rest, rest)))
        inverse = reciprocal(a)
        less, lost = two_sum(high, -one)
        total, error = two_product(a - half, less)
        correction = fma(inverse, polynomial(inverse * inverse, stirling), constant)
        far = total + (fma(a - half, rest + lost, error) + correction)
        far = where(total < inf, far, total)
        return where(large, far, near)

    return gammaln_positive


@kernel(in_double=True)
def gammaln(fmt: Format):
    """log(|Gamma(x)|); for x < 0, -log(a*|sin(pi*a)/pi|) - gammaln(a) with a = -x."""
    positive, logarithm, table = gammaln_positive(fmt), natural_log(fmt), fmt.table("SINC")
    tiny, zero, one, inf = fmt(2.0**-60), fmt(0), fmt(1), fmt.inf

    def gammaln(x):
        a = fabs(x)
        result = positive(a)
        f = fabs(a - rint(a))
        z = f * f
        g, g_low = fast_two_sum(one, z * polynomial(z, table))
        product, low = two_product(a, f)
        high, rest = logarithm(*multiply(product, low, g, g_low))
        reflected = where(f == zero, inf, -(high + (rest + result)))
        result = where((x < -tiny) & (a < inf), reflected, result)
        return where(a == zero, inf, result)

    return gammaln


@cache
def digamma_positive(fmt: Format):
    """Return a function of a > 0 giving the derivative of gammaln."""
    logarithm, table, large_table = function(log, fmt), fmt.table("DIGAMMA"), fmt.table("DIGAMMA_LARGE")
    zero, half, one, two, six, middle = fmt(0), fmt(0.5), fmt(1), fmt(2), fmt(6), fmt(1.5)
    root, root_low = fmt.split(DIGAMMA_ROOT, 2)

    @njit
    def digamma_positive(a):
        z, top, bottom = a, zero, one
        for _ in range(4):
            above = z > two
            z = where(above, z - one, z)
            top = where(above, fma(top, z, bottom), top)
            bottom = where(above, bottom * z, bottom)
        small, large = a < one, a >= six
        top, bottom = where(small, -one, top), where(small, a, bottom)
        u = where(small, a - half, z - middle)
        ratio = where(large, one, top) / where(large, a, bottom)
        near = fma(((u + middle) - root) - root_low, polynomial(u, table), ratio)
        square = ratio * ratio
        far = logarithm(a) - fma(square, polynomial(square, large_table), half * ratio)
        return where(large, far, near)

    return digamma_positive


@kernel(in_double=True)
def digamma(fmt: Format):
    """The derivative of gammaln; for x < 0, digamma(a) + 1/a + pi*cot(pi*a) with a = -x."""
    positive, sine, (pi,) = digamma_positive(fmt), sine_of_pi(fmt), fmt.split(PI, 1)
    zero, half, tiny, inf, nan = fmt(0), fmt(0.5), fmt(2.0**-60), fmt.inf, fmt.nan

    def digamma(x):
        a = fabs(x)
        f = a - rint(a)
        result = positive(a)
        cotangent = copysign(sine(half - fabs(f)) / sine(fabs(f)), f)
        reflected = where(f == zero, nan, result + fma(pi, cotangent, reciprocal(a)))
        result = where(x < zero, reflected, result)
        result = where(a < tiny, -reciprocal(x), result)
        return where(x == inf, inf, result)

    return digamma
