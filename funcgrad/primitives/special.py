"""Special functions of one element: the error function, the logistic function, the gamma family.

SciPy evaluates them; compiled programs use the kernels of the same names.
"""

import math

import numpy as np

from funcgrad import heavy
from funcgrad.core.primitive import Primitive, Sample, box
from funcgrad.core.types import ArrayType, ufunc_dtype
from funcgrad.primitives.elementwise import Elementwise, conform_tangent, elementwise, times
from funcgrad.primitives.exponential import exp

__all__ = ["digamma", "erf", "erfc", "erfinv", "gammaln", "logistic", "ndtri", "polygamma"]

_SLOPE = 2 / math.sqrt(math.pi)


def _scipy(name):
    """Return SciPy's ufunc as a function that loads it where first called; integers as float64, as NumPy's exp."""

    def evaluate(x):
        x = np.asarray(x)
        y = getattr(heavy.scipy_special(), name)(x if x.dtype.kind == "f" else x.astype(float))
        return y if y.dtype == x.dtype or x.dtype.kind != "f" else y.astype(x.dtype)

    evaluate.__name__ = name
    return evaluate


def _special(name, ufunc, partial, samples, **options):
    return elementwise(name, _scipy(ufunc), (partial,), loop=np.cbrt, samples=samples, **options)


_any = [box((2, 3), -2, 2), box((0,)), box(())]
_positive = [box((2, 3), 0.5, 3.0)]

erf = _special("erf", "erf", lambda _, x: _SLOPE * exp(-x * x), _any, cost=30)
erfc = _special("erfc", "erfc", lambda _, x: -_SLOPE * exp(-x * x), _any, cost=30)
erfinv = _special(
    "erfinv",
    "erfinv",
    lambda y, _: exp(y * y) / _SLOPE,
    [box((2, 3), -0.9, 0.9), Sample((np.array([1.0, 0.0]),), derivative=(np.array([np.inf, 1 / _SLOPE]),))],
    singular=True,
    cost=50,
)
ndtri = _special(
    "ndtri",
    "ndtri",
    lambda y, _: exp(y * y / 2) * math.sqrt(2 * math.pi),
    [
        box((2, 3), 0.1, 0.9),
        Sample(
            (np.array([1e-17, 0.5, 0.0]),),
            derivative=(np.array([11616468682258413.0, math.sqrt(2 * math.pi), np.inf]),),
        ),
    ],
    singular=True,
    speculative="",
)
logistic: Elementwise = _special(
    "logistic",
    "expit",
    lambda y, x: y * logistic(-x),  # 1 - y has no digits left where y is near 1
    [
        *_any,
        Sample((np.array([800.0, -800.0, 0.0]),), derivative=(np.array([0.0, 0.0, 0.25]),)),
        Sample((np.array([40.0, -40.0]),), derivative=(np.full(2, math.exp(-40)),)),
    ],
    cost=25,
)


class PolyGamma(Primitive):
    """y = the derivative of digamma(x), `order` times; its derivative has order + 1."""

    name = "polygamma"
    pointwise = True

    def type_rule(self, x, *, order):
        return ArrayType(x.shape, ufunc_dtype("polygamma", np.cbrt, (x,)))

    def eval_rule(self, x, *, order):
        x = np.asarray(x)
        y = np.asarray(heavy.scipy_special().polygamma(order, x))
        y = y.astype(self.type_rule(ArrayType(x.shape, x.dtype), order=order).dtype, copy=False)
        return y if y.ndim else y[()]

    def jvp_rule(self, x_dots, y, x, *, order):
        return conform_tangent(times(x_dots[0], polygamma(x, order=order + 1)), y)

    def batch_rule(self, size, batched, x, *, order):
        return polygamma(x, order=order), True

    def samples(self):
        return [Sample((box((2, 3), 0.5, 3.0),), {"order": 1}), Sample((box((), 0.5, 3.0),), {"order": 2})]


polygamma = PolyGamma()
digamma = _special("digamma", "digamma", lambda _, x: polygamma(x, order=1), _positive, cost=50)
gammaln = _special(
    "gammaln", "gammaln", lambda _, x: digamma(x), [*_positive, np.array([-0.5, 30.0])], cost=50
)
