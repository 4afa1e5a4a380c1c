"""Exponentials, logarithms and roots."""

import numpy as np

from funcgrad.core.primitive import Sample, box
from funcgrad.primitives import complex_parts
from funcgrad.primitives.elementwise import elementwise
from funcgrad.primitives.logic import equal, select

__all__ = [
    "cbrt",
    "exp",
    "exp2",
    "expm1",
    "inverse",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logaddexp2",
    "sqrt",
    "unless_infinite",
]

_LN2 = float(np.log(2.0))
_LN10 = float(np.log(10.0))
_any = [box((2, 3)), box((0,)), box(())]
_positive = [box((2, 3), 0.5, 2.0)]
_complex = [box((3,), 0.3, 1.0, complex)]


def inverse(x):
    """1 / x, infinite at 0 also where x is a Python number."""
    return np.true_divide(1.0, x)


def unless_infinite(p, x):
    """`p`, but nan where `x` is infinite: there a logarithm or a root is flat, but of what has overflowed it is not.

    The slope of log(1 + exp(x)) is 1 for a large x; 1 / inf, which is 0, would win against exp(x).
    """
    return p + (x - x)


def _share(z, x, y, power):
    """power(x - z), the share of x in z = log(power x + power y); 1 where x is all of it, or 1/2 with y.

    It is all of it where it is infinite, or so large that log 2 is not seen beside it.
    """
    whole = equal(x, z)
    return select(whole, select(equal(x, y), 0.5, 1.0), power(x - select(whole, 0.0, z)))


_dominant = (np.array([1000.0, 1.0]), np.array([0.0, 1.0]))
_equal = (np.array([np.inf, -np.inf, 1e17, 0.0]), np.array([np.inf, -np.inf, 1e17, 0.0]))
_halves = (np.full(4, 0.5), np.full(4, 0.5))
_shares = (np.array([1.0, 0.5]), np.array([0.0, 0.5]))

exp = elementwise(
    "exp", np.exp, (lambda y, _: y,), singular=True, samples=_any + _complex, cost=20, parts=complex_parts.exp
)
exp2 = elementwise("exp2", np.exp2, (lambda y, _: y * _LN2,), singular=True, samples=_any, cost=20)
expm1 = elementwise(
    "expm1",
    np.expm1,
    (lambda y, _: y + 1,),
    singular=True,
    samples=_any + _complex,
    cost=20,
    parts=complex_parts.expm1,
)
log = elementwise(
    "log",
    np.log,
    (lambda _, x: unless_infinite(inverse(x), x),),
    singular=True,
    samples=_positive + _complex,
    cost=20,
    parts=complex_parts.log,
)
log2 = elementwise(
    "log2",
    np.log2,
    (lambda _, x: unless_infinite(inverse(x * _LN2), x),),
    singular=True,
    samples=_positive,
    cost=20,
)
log10 = elementwise(
    "log10",
    np.log10,
    (lambda _, x: unless_infinite(inverse(x * _LN10), x),),
    singular=True,
    samples=_positive,
    cost=20,
)
log1p = elementwise(
    "log1p",
    np.log1p,
    (lambda _, x: unless_infinite(inverse(1 + x), x),),
    singular=True,
    samples=_positive + _complex,
    cost=20,
    parts=complex_parts.log1p,
)
sqrt = elementwise(
    "sqrt",
    np.sqrt,
    (lambda y, _: unless_infinite(0.5 / y, y),),
    singular=True,
    samples=[*_positive, *_complex, Sample((np.array([0.0, 4.0]),), derivative=(np.array([np.inf, 0.25]),))],
    cost=12,
    exact=True,
    parts=complex_parts.sqrt,
)
cbrt = elementwise(
    "cbrt",
    np.cbrt,
    (lambda y, _: unless_infinite(1 / (3 * y * y), y),),
    singular=True,
    samples=[np.array([-8.0, 0.5]), Sample((np.array([0.0]),), derivative=(np.array([np.inf]),))],
    cost=30,
)
logaddexp = elementwise(
    "logaddexp",
    np.logaddexp,
    (lambda z, x, y: _share(z, x, y, exp), lambda z, x, y: _share(z, y, x, exp)),
    singular=True,
    samples=[
        (box((2, 3)), box((3,))),
        Sample(_dominant, derivative=_shares),
        Sample(_equal, derivative=_halves),
    ],
    cost=30,
)
logaddexp2 = elementwise(
    "logaddexp2",
    np.logaddexp2,
    (lambda z, x, y: _share(z, x, y, exp2), lambda z, x, y: _share(z, y, x, exp2)),
    singular=True,
    samples=[(box((2, 3)), box((3,))), Sample(_equal, derivative=_halves)],
    cost=30,
)
