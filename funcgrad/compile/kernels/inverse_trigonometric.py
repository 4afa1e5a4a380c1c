"""arcsin, arccos, arctan and arctan2.

arcsin is an odd polynomial for |x| <= 1/2, and pi/2 - 2*arcsin(sqrt((1-|x|)/2)) above (Cody and Waite 1980,
ch. 10). arctan(y/x) = a + arctan(t), with a one of 0, pi/4, pi/2 and t = y/x, (y-x)/(y+x), -x/y such that
|t| <= tan(pi/8) (ch. 11, with one division for quotient and reduction together); the error of t is added
back.
"""

from functools import cache

from numba import njit

from funcgrad.compile.kernels.doubled import fast_two_sum, quotient, two_sum
from funcgrad.compile.kernels.formats import Format, kernel
from funcgrad.compile.kernels.intrinsics import copysign, fabs, fma, polynomial, sqrt, where
from funcgrad.compile.kernels.trigonometric import HALF_PI, PI

__all__ = []

QUARTER_PI = "0.785398163397448309615660845819875721049292349843776455243736148076954101"


@cache
def half_angle(fmt: Format):
    """Return a function of |x| giving s = |x| up to 1/2, sqrt((1-|x|)/2) above, and w = arcsin(s) - s."""
    table, half = fmt.table("ARCSIN"), fmt(0.5)

    @njit
    def half_angle(a):
        near = a <= half
        z = where(near, a * a, fma(-half, a, half))
        s = where(near, a, sqrt(z))
        return s, s * z * polynomial(z, table)

    return half_angle


@kernel()
def arcsin(fmt: Format):
    """The angle in [-pi/2, pi/2] whose sine is x; nan for |x| > 1, from the root of a negative number."""
    angle, (half_pi, half_pi_low), half, two = half_angle(fmt), fmt.split(HALF_PI, 2), fmt(0.5), fmt(2)

    def arcsin(x):
        a = fabs(x)
        s, w = angle(a)
        head, lost = fast_two_sum(half_pi, -(s + s))
        far = head + (lost + fma(-two, w, half_pi_low))
        return copysign(where(a <= half, s + w, far), x)

    return arcsin


@kernel()
def arccos(fmt: Format):
    """The angle in [0, pi] whose cosine is x."""
    angle, (half_pi, half_pi_low), half = half_angle(fmt), fmt.split(HALF_PI, 2), fmt(0.5)
    (pi, pi_low), two, zero = fmt.split(PI, 2), fmt(2), fmt(0)

    def arccos(x):
        a = fabs(x)
        s, w = angle(a)
        signed, signed_low = copysign(s, x), copysign(w, x)
        near, near_low = two_sum(half_pi, -signed)
        near = near + (near_low + (half_pi_low - signed_low))
        above = two * (s + w)
        below = fma(-two, s, pi) + fma(-two, w, pi_low)
        return where(a <= half, near, where(x > zero, above, below))

    return arccos


@cache
def angle_of(fmt: Format):
    """Return a function of y, x >= 0 (not both 0) giving arctan(y/x) as hi + lo."""
    table, zero, (half_pi, half_pi_low) = fmt.table("ARCTAN"), fmt(0), fmt.split(HALF_PI, 2)
    (quarter_pi, quarter_pi_low), low, high = fmt.split(QUARTER_PI, 2), fmt(0.41421356), fmt(2.4142135)

    @njit
    def angle_of(y, x):
        steep, middle = y > high * x, y > low * x
        above, above_low = two_sum(y, -x)
        below, below_low = two_sum(y, x)
        top = where(steep, -x, where(middle, above, y))
        bottom = where(steep, y, where(middle, below, x))
        mixed = middle & (y <= high * x)
        t, t_low = quotient(top, where(mixed, above_low, zero), bottom, where(mixed, below_low, zero))
        base = where(steep, half_pi, where(middle, quarter_pi, zero))
        base_low = where(steep, half_pi_low, where(middle, quarter_pi_low, zero))
        z = t * t
        total, lost = two_sum(base, t)
        return total, lost + (fma(t * z, polynomial(z, table), t_low) + base_low)

    return angle_of


@kernel()
def arctan(fmt: Format):
    """The angle in [-pi/2, pi/2] whose tangent is x."""
    angle, one, large, tiny = angle_of(fmt), fmt(1), fmt.pick(2.0**60, 2.0**30), fmt.pick(2.0**-27, 2.0**-13)

    def arctan(x):
        a = fabs(x)
        high, low = angle(where(a > large, large, a), one)
        return where(a < tiny, x, copysign(high + low, x))

    return arctan


@kernel(2)
def arctan2(fmt: Format):
    """The angle of the point (x, y) in [-pi, pi], in all quadrants of zeros and infinities."""
    angle, one, zero, inf, (pi, pi_low) = angle_of(fmt), fmt(1), fmt(0), fmt.inf, fmt.split(PI, 2)
    large, small = fmt.pick(2.0**900, 2.0**90), fmt.pick(2.0**-900, 2.0**-90)
    down, up = fmt.pick(2.0**-200, 2.0**-60), fmt.pick(2.0**200, 2.0**60)

    def arctan2(y, x):
        a, b = fabs(y), fabs(x)
        largest = where(a > b, a, b)
        factor = where(largest > large, down, where(largest < small, up, one))
        top, bottom = a * factor, b * factor
        top = where(largest == inf, where(a == inf, one, zero), top)
        bottom = where(largest == inf, where(b == inf, one, zero), bottom)
        bottom = where(largest == zero, one, bottom)
        high, low = angle(top, bottom)
        flipped, lost = two_sum(pi, -high)
        left = copysign(one, x) < zero
        result = where(left, flipped + (lost + (pi_low - low)), high + low)
        return where((x == x) & (y == y), copysign(result, y), x + y)

    return arctan2
