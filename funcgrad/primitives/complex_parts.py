"""Functions of complex numbers by their real and imaginary parts: what machine code is made of.

Written with NumPy's functions, on arrays or traced ones. Where NumPy's own operation is a formula, the formula is the
same, to the bit; functions have the special values of C99 (annex G), which NumPy's have.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad.core.parts import Parts
from funcgrad.core.types import dtype_of, shape_of

__all__ = [
    "absolute",
    "cos",
    "cosh",
    "divide",
    "equal",
    "exp",
    "expm1",
    "log",
    "log1p",
    "multiply",
    "not_equal",
    "of_truth",
    "power",
    "reciprocal",
    "sin",
    "sinh",
    "sqrt",
    "square",
    "tan",
    "tanh",
    "true_if",
]

# Powers of whole numbers below this are made by multiplications, as NumPy makes them.
_MOST_MULTIPLIED = 100
# From here on exp(x) may be infinite where exp(x) cos(y) is not.
_LARGE = {"d": 700.0, "f": 80.0}
# From here on tanh(x) is 1 in every digit, and its square would overflow a little later.
_FLAT = {"d": 350.0, "f": 40.0}
# Numbers whose squares overflow or vanish are scaled before a root: from where on, by which power of 4, and what undoes it.
_HUGE = {"d": (2.0**1020, 2.0**-4, 2.0**2), "f": (2.0**120, 2.0**-4, 2.0**2)}
_TINY = {"d": (2.0**-960, 2.0**120, 2.0**-60), "f": (2.0**-100, 2.0**48, 2.0**-24)}


def multiply(x: Parts, y: Parts) -> Parts:
    return Parts(x.re * y.re - x.im * y.im, x.re * y.im + x.im * y.re)


def square(x: Parts) -> Parts:
    product = x.re * x.im
    return Parts(x.re * x.re - x.im * x.im, product + product)


def divide(x: Parts, y: Parts) -> Parts:
    """Return x / y by the method of Smith (1962), as NumPy does."""
    flat = np.abs(y.re) >= np.abs(y.im)
    large, small = np.where(flat, y.re, y.im), np.where(flat, y.im, y.re)
    nothing = (y.re == 0) & (y.im == 0)
    ratio = small / np.where(nothing, 1.0, large)
    scale = 1.0 / (large + small * ratio)
    re = np.where(flat, x.re + x.im * ratio, x.re * ratio + x.im) * scale
    im = np.where(flat, x.im - x.re * ratio, x.im * ratio - x.re) * scale
    size = np.abs(y.re)
    return Parts(np.where(nothing, x.re / size, re), np.where(nothing, x.im / size, im))


def reciprocal(x: Parts) -> Parts:
    flat = np.abs(x.im) <= np.abs(x.re)
    large, small = np.where(flat, x.re, x.im), np.where(flat, x.im, x.re)
    ratio = small / large
    divisor = large + small * ratio
    one = np.ones((), dtype_of(divisor))
    return Parts(np.where(flat, one, ratio) / divisor, -np.where(flat, ratio, one) / divisor)


def absolute(x: Parts) -> Any:
    return np.hypot(x.re, x.im)


def equal(x: Parts, y: Parts) -> Any:
    return (x.re == y.re) & (x.im == y.im)


def not_equal(x: Parts, y: Parts) -> Any:
    return (x.re != y.re) | (x.im != y.im)


def true_if(combine: Callable, test: Callable) -> Callable:
    """Return the predicate that combines a test of both parts."""
    return lambda x: combine(test(x.re), test(x.im))


def of_truth(function: Callable) -> Callable:
    """Return the function of truth values that asks which numbers are not zero."""
    return lambda *xs: function(*[(x.re != 0) | (x.im != 0) for x in xs])


def exp(z: Parts) -> Parts:
    x, y = z.re, z.im
    large = x > _LARGE[dtype_of(x).char]
    root = np.exp(np.where(large, x / 2, x))  # where its square may overflow though the product does not
    again = np.where(large, root, 1.0)
    re, im = root * (again * np.cos(y)), root * (again * np.sin(y))
    lost = np.isinf(x) & ~np.isfinite(y)  # an angle that is not known
    return Parts(
        np.where(lost, np.where(x > 0, x, 0.0), re),
        np.where(y == 0, y, np.where(lost & (x < 0), np.copysign(0.0, y), im)),
    )


def expm1(z: Parts) -> Parts:
    half = np.sin(z.im / 2)
    return Parts(np.expm1(z.re) * np.cos(z.im) - 2 * half * half, np.exp(z.re) * np.sin(z.im))


def log(z: Parts) -> Parts:
    x, y = np.abs(z.re), np.abs(z.im)
    large, small = np.maximum(x, y), np.minimum(x, y)
    before, _ = _within_range(large)
    size = np.hypot(x * before, y * before)
    # Near the unit circle the logarithm of the size would have lost its digits.
    near = (size > 0.5) & (size < 2.0) & (before == 1)
    square = np.where(near, (large - 1.0) * (large + 1.0) + small * small, 0.0)
    return Parts(np.where(near, np.log1p(square) / 2, np.log(size) - np.log(before)), np.arctan2(z.im, z.re))


def log1p(z: Parts) -> Parts:
    x = z.re + 1
    return Parts(np.log(np.hypot(x, z.im)), np.arctan2(z.im, x))


def sqrt(z: Parts) -> Parts:
    x, y = z.re, z.im
    before, after = _within_range(np.maximum(np.abs(x), np.abs(y)))
    x, y = x * before, y * before
    root = np.sqrt((np.hypot(x, y) + np.abs(x)) / 2)
    other = np.where(root == 0, 0.0, np.abs(y) / (2 * np.where(root == 0, 1.0, root)))
    right = x >= 0
    re, im = np.where(right, root, other) * after, np.where(right, other, root) * after
    endless = np.isinf(z.im)
    left = z.re == -np.inf
    re = np.where(
        endless, np.inf, np.where(left & ~np.isnan(z.im), 0.0, np.where(z.re == np.inf, np.inf, re))
    )
    im = np.where(
        endless, np.inf, np.where(left, np.inf, np.where((z.re == np.inf) & ~np.isnan(z.im), 0.0, im))
    )
    return Parts(np.where(left & np.isnan(z.im), np.nan, re), np.copysign(im, z.im))


def sinh(z: Parts) -> Parts:
    x, y = z.re, z.im
    odd, even = _of_half(x)
    c, s = np.cos(y), np.sin(y)
    re, im = even * (2 * odd * c), s + 2 * odd * (odd * s)
    known = np.isfinite(y)
    re = np.where(np.isinf(x) & ~known, np.abs(x), np.where((x == 0) & ~known, x, re))
    return Parts(re, np.where(y == 0, y, im))


def cosh(z: Parts) -> Parts:
    x, y = z.re, z.im
    odd, even = _of_half(x)
    c, s = np.cos(y), np.sin(y)
    re, im = c + 2 * odd * (odd * c), even * (2 * odd * s)
    known = np.isfinite(y)
    zero = np.copysign(np.where(known, s, 1.0) * 0.0, s * np.copysign(1.0, x))
    return Parts(np.where(np.isinf(x) & ~known, np.inf, re), np.where((x == 0) | (y == 0), zero, im))


def tanh(z: Parts) -> Parts:
    x, y = z.re, z.im
    limit = _FLAT[dtype_of(x).char]
    flat = np.abs(x) > limit
    half, other = _of_half(np.where(flat, limit, x))
    even, odd, c, s = 1 + 2 * half * half, 2 * half * other, np.cos(y), np.sin(y)
    below = odd * odd + c * c
    known = np.isfinite(y)
    end = np.copysign(y * 0.0, np.where(known, s * c, y))  # nan where the angle is not known
    re = np.where(flat & (known | np.isinf(x)), np.copysign(1.0, x), even * odd / below)
    zero = np.copysign(np.where(known, y, 0.0) * 0.0, end)
    im = np.where(np.isinf(x), zero, np.where(flat, end, s * c / below))
    return Parts(np.where((x == 0) & ~known, x, re), np.where(y == 0, y, im))


def sin(z: Parts) -> Parts:
    turned = sinh(Parts(-z.im, z.re))
    lost = np.isinf(z.im) & ~np.isfinite(z.re)
    return Parts(turned.im, np.where(lost, np.inf, -turned.re))


def cos(z: Parts) -> Parts:
    return cosh(Parts(-z.im, z.re))


def tan(z: Parts) -> Parts:
    turned = tanh(Parts(-z.im, z.re))
    return Parts(turned.im, -turned.re)


def power(x: Parts, n: Parts) -> Parts:
    """Return x**n: by multiplications for a whole number below 100, else by exp(n log(x))."""
    if _is_number(n.re) and _is_number(n.im):
        if n.im == 0 and n.re == 0.5:
            return sqrt(x)
        if n.im == 0 and abs(n.re) < _MOST_MULTIPLIED and n.re == int(n.re):
            return _by_multiplications(x, int(n.re))
        return _by_logarithm(x, n)
    size = np.abs(n.re)
    whole = (n.im == 0) & (size < _MOST_MULTIPLIED) & (np.floor(size) == size)
    made, other = _by_bits(x, n.re, np.where(whole, size, 1)), _by_logarithm(x, n)
    return Parts(np.where(whole, made.re, other.re), np.where(whole, made.im, other.im))


def _is_number(x):
    return isinstance(x, (int, float, np.generic))


def _by_logarithm(x, n):
    y = exp(multiply(n, log(x)))
    none = (n.re == 0) & (n.im == 0)
    zero = (x.re == 0) & (x.im == 0)
    end = np.where(n.re > 0, np.abs(x.re), np.nan)
    re = np.where(none, 1.0, np.where(zero, end, y.re))
    return Parts(re, np.where(none, 0.0, np.where(zero, end, y.im)))


def _by_multiplications(x, n):
    """Return the power of a whole number that is known."""
    if n == -1:
        return reciprocal(x)
    y, factor, left = None, x, abs(n)
    while left:
        if left & 1:
            y = factor if y is None else multiply(y, factor)
        left >>= 1
        if left:
            factor = square(factor)
    if y is None:
        one = np.ones(shape_of(x.re), dtype_of(x.re))
        return Parts(one, one * 0)
    return y if n > 0 else _one_over(x, y)


def _by_bits(x, n, size):
    """Return the powers of whole numbers n of this size, by the same multiplications."""
    left = np.asarray(size) if _is_number(size) else size
    y, factor, begun = Parts(x.re * 0 + 1, x.im * 0), x, left < 0
    for bit in range(_MOST_MULTIPLIED.bit_length()):
        factor = square(factor) if bit else factor
        half = np.floor(left / 2)
        taken = left > 2 * half
        product = multiply(y, factor)
        new = [np.where(begun, p, f) for p, f in zip(product[:2], factor[:2], strict=True)]
        y = Parts(*[np.where(taken, a, b) for a, b in zip(new, y[:2], strict=True)])
        begun, left = begun | taken, half
    inverse = _one_over(x, y)
    y = Parts(np.where(n < 0, inverse.re, y.re), np.where(n < 0, inverse.im, y.im))
    return Parts(np.where(begun, y.re, 1.0), np.where(begun, y.im, 0.0))


def _one_over(x, y):
    """Return 1 / y, the power of an x; of zero it is not known."""
    one = np.ones((), dtype_of(y.re))
    inverse = divide(Parts(one, one * 0), y)
    zero = (x.re == 0) & (x.im == 0)
    return Parts(np.where(zero, np.nan, inverse.re), np.where(zero, np.nan, inverse.im))


def _within_range(size):
    """Return what numbers of a size are multiplied with so that their squares are in range, and the inverse root of it."""
    dtype = dtype_of(size)
    (huge, down, up), (tiny, enlarge, shrink) = _HUGE[dtype.char], _TINY[dtype.char]
    number = dtype.type
    before = np.where(size >= huge, number(down), np.where(size < tiny, number(enlarge), number(1)))
    return before, np.where(size >= huge, number(up), np.where(size < tiny, number(shrink), number(1)))


def _of_half(x):
    """Return sinh(x / 2) and cosh(x / 2), of which sinh(x) and cosh(x) are products that overflow no sooner than they must:
    sinh(x) = 2 sinh(x / 2) cosh(x / 2), cosh(x) = 1 + 2 sinh(x / 2)**2."""
    growth = np.expm1(np.abs(x) / 2)
    decay = 1 / (growth + 1)
    odd = (growth + np.where(growth > 1e30, 1.0, growth * decay)) / 2
    return np.copysign(odd, x), odd + decay
