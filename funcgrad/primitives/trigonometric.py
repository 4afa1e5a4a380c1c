"""Trigonometric and hyperbolic functions, their inverses, and angles."""

import numpy as np

from funcgrad.core.primitive import Primitive, Sample, box
from funcgrad.core.types import ArrayType, dtype_of, type_of, ufunc_dtype
from funcgrad.primitives import complex_parts
from funcgrad.primitives.arithmetic import absolute, square
from funcgrad.primitives.elementwise import Elementwise, conform_tangent, elementwise, times
from funcgrad.primitives.exponential import inverse, sqrt
from funcgrad.primitives.logic import equal, maximum, select
from funcgrad.primitives.sizes import direction

__all__ = [
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "cos",
    "cosh",
    "deg2rad",
    "hypot",
    "rad2deg",
    "sin",
    "sinc",
    "sinh",
    "tan",
    "tanh",
    "tanh_slope",
]

_any = [box((2, 3)), box((0,)), box(())]
_complex = [box((3,), 0.1, 0.6, complex)]
_inner = [box((2, 3), -0.9, 0.9)]
_SECH_20 = 1 / np.cosh(20.0)
_infinite_at_one = Sample((np.array([1.0, 0.0]),), derivative=(np.array([np.inf, 1.0]),))


def _nonzero(x):
    """x, with 1 in place of 0: a divisor under a numerator that is 0 there."""
    return select(equal(x, 0), 1.0, x)


sin = elementwise(
    "sin",
    np.sin,
    (lambda _, x: cos(x),),
    samples=_any + _complex,
    with_slope=True,
    cost=20,
    parts=complex_parts.sin,
)
cos: Elementwise = elementwise(
    "cos",
    np.cos,
    (lambda _, x: -sin(x),),
    samples=_any + _complex,
    with_slope=True,
    cost=20,
    parts=complex_parts.cos,
)
tan = elementwise(
    "tan",
    np.tan,
    (lambda y, _: 1 + y * y,),
    singular=True,
    samples=_any + _complex,
    cost=25,
    parts=complex_parts.tan,
)
sinh = elementwise(
    "sinh",
    np.sinh,
    (lambda _, x: cosh(x),),
    singular=True,
    samples=_any + _complex,
    cost=25,
    parts=complex_parts.sinh,
)
cosh: Elementwise = elementwise(
    "cosh",
    np.cosh,
    (lambda _, x: sinh(x),),
    singular=True,
    samples=_any + _complex,
    cost=25,
    parts=complex_parts.cosh,
)


def _sech_squared(x):
    return np.square(1 / np.cosh(x))


# 1 - y**2 has no digits left where y is near 1.
tanh_slope: Elementwise = elementwise(
    "tanh_slope",
    _sech_squared,
    (lambda y, x: -2 * tanh(x) * y,),
    loop=np.tanh,
    cost=25,
    samples=[
        *_any,
        Sample((np.array([20.0, 0.0, 800.0]),), derivative=(np.array([-2 * _SECH_20**2, 0.0, 0.0]),)),
    ],
)


def _tanh_partial(y, x):
    # A complex 1 / cosh(x) would be nan beyond its range.
    return 1.0 - y * y if dtype_of(x).kind == "c" else tanh_slope(x)


tanh = elementwise(
    "tanh",
    np.tanh,
    (_tanh_partial,),
    samples=[
        *_any,
        *_complex,
        Sample((np.array([20.0, -20.0, 800.0]),), derivative=(np.array([1, 1, 0]) * _SECH_20**2,)),
    ],
    cost=20,
    parts=complex_parts.tanh,
)

arcsin = elementwise(
    "arcsin",
    np.arcsin,
    (lambda _, x: 1 / sqrt((1 - x) * (1 + x)),),
    singular=True,
    samples=[*_inner, *_complex, _infinite_at_one],
    cost=25,
)
arccos = elementwise(
    "arccos",
    np.arccos,
    (lambda _, x: -1 / sqrt((1 - x) * (1 + x)),),
    singular=True,
    samples=_inner + _complex,
    cost=25,
)
arctan = elementwise(
    "arctan", np.arctan, (lambda _, x: 1 / (1 + x * x),), singular=True, samples=_any + _complex, cost=25
)


def _arcsinh_partial(_y, x):
    # The square of a large x would overflow.
    if dtype_of(x).kind == "c":
        return 1 / (sqrt(1 + 1j * x) * sqrt(1 - 1j * x))
    scale = 1 / maximum(absolute(x), 1.0)
    return scale / sqrt(scale * scale + square(x * scale))


arcsinh = elementwise(
    "arcsinh",
    np.arcsinh,
    (_arcsinh_partial,),
    singular=True,
    samples=[
        *_any,
        *_complex,
        Sample((np.array([1e170, -1e200]),), derivative=(np.array([1e-170, 1e-200]),)),
    ],
    cost=30,
)
arccosh = elementwise(
    "arccosh",
    np.arccosh,
    (lambda _, x: inverse(sqrt(x - 1) * sqrt(x + 1)),),
    singular=True,
    samples=[box((2, 3), 1.5, 3.0), *_complex],
    cost=30,
)
arctanh = elementwise(
    "arctanh",
    np.arctanh,
    (lambda _, x: inverse((1 - x) * (1 + x)),),
    singular=True,
    samples=_inner + _complex,
    cost=30,
)


def _over_squares(z, y, x):
    """z / (x**2 + y**2), 0 at the origin; the squares themselves may underflow and overflow."""
    size = maximum(absolute(x), absolute(y))
    scale = 1 / maximum(size, np.finfo(dtype_of(size)).tiny)
    a, b = x * scale, y * scale
    return z * scale * (scale / _nonzero(a * a + b * b))


arctan2 = elementwise(
    "arctan2",
    np.arctan2,
    (
        lambda _, y, x: _over_squares(x, y, x),
        lambda _, y, x: -_over_squares(y, y, x),
    ),
    singular=True,
    samples=[
        (box((2, 3), 0.1), box((3,))),
        Sample((0.0, 0.0), derivative=(0.0, 0.0), note="the origin"),
        Sample(
            (np.array([1e-170, 1e160]), np.array([1e-170, 1e160])),
            derivative=(np.array([5e169, 5e-161]), np.array([-5e169, -5e-161])),
            note="squares that underflow, and overflow",
        ),
    ],
    cost=25,
)
hypot = elementwise(
    "hypot",
    np.hypot,
    (lambda z, x, _: direction(x, z), lambda z, _, y: direction(y, z)),
    passes_nan=False,  # hypot(inf, nan) is inf
    singular=True,
    samples=[(box((2, 3), 0.1), box((3,))), Sample((0.0, 0.0), derivative=(0.0, 0.0), note="the origin")],
    cost=50,
)
deg2rad = elementwise("deg2rad", np.deg2rad, (np.pi / 180,), linear_in=((0,),), samples=_any)
rad2deg = elementwise("rad2deg", np.rad2deg, (180 / np.pi,), linear_in=((0,),), samples=_any)


class Sinc(Primitive):
    """y = the derivative of order `order` of sin(pi x) / (pi x).

    Away from 0 by x s_n + n s_{n-1} = pi^{n-1} sin(pi x + n pi / 2); near 0 by the power series, so
    that every derivative is right at 0 as well.
    """

    name = "sinc"
    cost = 25
    pointwise = True

    def type_rule(self, x, *, order):
        return ArrayType(x.shape, ufunc_dtype("sinc", np.sin, (x,)))

    def eval_rule(self, x, *, order):
        if order == 0:
            y = np.sinc(x)
            return y if np.ndim(y) else y[()]
        dtype = ufunc_dtype("sinc", np.sin, (type_of(x),))
        near = np.abs(x) < 0.5 + 0.2 * order
        far_x = np.where(near, 1.0, x)
        far = np.sinc(far_x)
        for n in range(1, order + 1):
            far = (np.pi ** (n - 1) * np.sin(np.pi * far_x + n * np.pi / 2) - n * far) / far_x
        y = np.where(near, _sinc_series(np.where(near, x, 0.0), order), far).astype(dtype)
        return y if y.ndim else y[()]

    def decompose_rule(self, x, *, order):
        return sinc(x, order=0) if order == 0 else self.eval_rule(x, order=order)

    def lower_rule(self, lower, out, x, *, order):
        return lower.apply("sinc", np.sin, out, [x])

    def jvp_rule(self, x_dots, y, x, *, order):
        return conform_tangent(times(x_dots[0], sinc(x, order=order + 1)), y)

    def batch_rule(self, size, batched, x, *, order):
        return sinc(x, order=order), True

    def samples(self):
        return [
            Sample((np.array([-2.3, 0.4, 0.01, 3.0]),), {"order": 0}),
            Sample((np.array([0.0]),), {"order": 0}, derivative=(np.zeros(1),)),
            Sample((np.array([0.0, 0.3, 1.7]),), {"order": 1}),
        ]


def _sinc_series(x, order):
    """Return the sum over k of (-1)^k pi^2k x^(2k - n) / ((2k + 1) (2k - n)!), of order n: from d^n x^2k / (2k + 1)!."""
    k, most = (order + 1) // 2, 0.5 + 0.2 * order
    coefficient, found = (-1.0) ** k * np.pi ** (2 * k), []
    while len(found) < 4 or abs(found[-1]) * most ** (2 * len(found)) > 1e-18 * abs(found[0]):
        found.append(coefficient / (2 * k + 1))
        m = 2 * k - order
        coefficient *= -(np.pi**2) / ((m + 1) * (m + 2))
        k += 1
    first, *rest = reversed(found)
    total, x_squared = np.full(np.shape(x), first), x * x
    for coefficient in rest:
        total = total * x_squared + coefficient
    return total * x if order % 2 else total


sinc = Sinc()
