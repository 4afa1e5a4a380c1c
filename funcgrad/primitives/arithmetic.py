"""Arithmetic: sums, products, powers, remainders, and the parts of complex numbers."""

import numpy as np

from funcgrad.core.linear import JointlyLinear, Linear
from funcgrad.core.parts import Parts
from funcgrad.core.primitive import Bad, Sample, box
from funcgrad.core.tracer import Tracer
from funcgrad.core.types import ArrayType, dtype_of
from funcgrad.errors import DTypeError
from funcgrad.primitives import complex_parts
from funcgrad.primitives.broadcasting import stretch
from funcgrad.primitives.elementwise import Elementwise, elementwise, times
from funcgrad.primitives.exponential import inverse, log, unless_infinite
from funcgrad.primitives.logic import equal, floor_divide, select, sign, trunc
from funcgrad.primitives.shape import convert
from funcgrad.primitives.sizes import direction

__all__ = [
    "absolute",
    "add",
    "conjugate",
    "copysign",
    "divide",
    "fabs",
    "fmod",
    "imag",
    "ldexp",
    "make_complex",
    "multiply",
    "negative",
    "positive",
    "power",
    "real",
    "reciprocal",
    "remainder",
    "square",
    "subtract",
]

_pair = (box((2, 3)), box((3,)))
_positive = box((2, 3), 0.5, 2.0)
_complex = box((3,), dtype=complex)
_bad_shapes = Bad((box((2,)), box((3,))), {}, r"expected shapes that broadcast, got .*\[2\] and .*\[3\]")


def _abs_partial(y, x):
    if dtype_of(x).kind == "c":
        return direction(conjugate(x), y)
    return sign(x)


def _power_by_base(y, x, n):
    if type(n) is not Tracer and np.ndim(n) == 0:
        if n in (0, 1, 2):
            return 0.0 if n == 0 else 1.0 if n == 1 else n * x
        slope = times(n, power(x, n - 1))
        return unless_infinite(slope, x) if np.isreal(n) and 0 < np.real(n) < 1 else slope
    zero = equal(n, 0)
    return times(n, power(x, select(zero, 1, n - 1)))


def _power_by_exponent(y, x, n):
    zero = equal(x, 0)
    return select(zero, 0.0, times(y, log(select(zero, 1, x))))


def _power(x, n):
    # A floating array's own ** knows the cheap exponents (2, 0.5, -1, ...); np.power does not.
    return x**n if isinstance(x, np.ndarray) and x.dtype.kind in "fc" else np.power(x, n)


add = elementwise(
    "add",
    np.add,
    (1, 1),
    linear_in=((0, 1),),
    samples=[_pair, (box((2, 1)), box((1, 3))), (_complex, box((3,))), (box(()), box((0,))), _bad_shapes],
    commutative=True,
    exact=True,
    parts=True,
)
subtract = elementwise(
    "subtract",
    np.subtract,
    (1, -1),
    linear_in=((0, 1),),
    samples=[_pair, (_complex, box(())), _bad_shapes],
    exact=True,
    parts=True,
)
negative = elementwise(
    "negative",
    np.negative,
    (-1,),
    linear_in=((0,),),
    samples=[box((2, 3)), _complex, box((0,))],
    exact=True,
    magnitude_of=(0,),
    parts=True,
)
positive = elementwise(
    "positive",
    np.positive,
    (1,),
    linear_in=((0,),),
    samples=[box((2, 3)), _complex],
    magnitude_of=(0,),
    parts=True,
)
multiply = elementwise(
    "multiply",
    np.multiply,
    (lambda _z, _x, y: y, lambda _z, x, _y: x),
    linear_in=((0,), (1,)),
    samples=[_pair, (box((2, 1)), box((1, 3))), (_complex, box((3,))), (box((2,)), 3.0), _bad_shapes],
    commutative=True,
    exact=True,
    parts=complex_parts.multiply,
)
reciprocal = elementwise(
    "reciprocal",
    np.reciprocal,
    (lambda y, _: -y * y,),
    singular=True,
    samples=[_positive, _complex],
    cost=10,
    exact=True,
    parts=complex_parts.reciprocal,
)
divide = elementwise(
    "divide",
    np.true_divide,
    (lambda z, x, y: inverse(y), lambda z, x, y: np.true_divide(-z, y)),
    linear_in=((0,),),
    singular=True,
    samples=[
        (box((2, 3)), _positive),
        (_complex, box((3,), 0.5, 2.0)),
        (box(()), box((2,), 1, 2)),
        (box((3,)), 4),
        (box((2,)), np.array([4, 2])),
        _bad_shapes,
    ],
    cost=10,
    exact=True,
    parts=complex_parts.divide,
)
square = elementwise(
    "square",
    np.square,
    (lambda _, x: x + x,),
    samples=[box((2, 3)), _complex, box(())],
    exact=True,
    parts=complex_parts.square,
)
power = elementwise(
    "power",
    _power,
    (_power_by_base, _power_by_exponent),
    passes_nan=False,  # nan**0 and 1**nan are 1
    loop=np.power,
    singular=True,
    samples=[
        (_positive, box((3,))),
        (_positive, 3.0),
        (box((3,)), 2),
        (box((3,), 0.5, 2.0, complex), box((3,), dtype=complex)),
        Sample((np.array([0.0, 2.0]), 0.0), derivative=(np.zeros(2),), note="x**0"),
        Sample((np.array([0.0, 2.0]), 1), derivative=(np.ones(2),)),
        Sample((np.array([0.0, -3.0]), 2), derivative=(np.array([0.0, -6.0]),)),
        Sample(
            (np.array([0.0, 0.0]), np.array([0.0, 2.0])),
            derivative=(np.zeros(2), np.zeros(2)),
            note="0**0 and 0**2",
        ),
        Sample(
            (np.array([np.inf, -np.inf, np.inf]), np.array([0.0, 0.0, -2.0])),
            derivative=(np.zeros(3), np.array([np.inf, np.nan, 0.0])),
            note="inf**0, whose slope is 0, and inf**-2",
        ),
        Sample((-np.inf, -np.inf), derivative=(0.0, 0.0), note="0, and n is infinite: a zero wins"),
    ],
    cost=50,
    speculative="fc",  # NumPy raises for integers to negative ones,
    parts=complex_parts.power,
)
remainder = elementwise(
    "remainder",
    np.remainder,
    (1, lambda _, x, y: -floor_divide(x, y)),
    singular=True,
    samples=[(box((2, 3), 0.1, 0.9), box((3,), 1.0, 2.0)), (np.array([5.3, -5.3]), 2.0)],
    cost=15,
    speculative="",
)
fmod = elementwise(
    "fmod",
    np.fmod,
    (1, lambda _, x, y: -trunc(x / y)),
    singular=True,
    samples=[(box((2, 3), 0.1, 0.9), box((3,), 1.0, 2.0)), (np.array([5.3, -5.3]), 2.0)],
    cost=15,
    speculative="",
)
copysign: Elementwise = elementwise(
    "copysign",
    np.copysign,
    (lambda _, x, y: sign(x) * copysign(1.0, y), 0),
    passes_nan=False,
    samples=[
        (np.array([1.0, -2.0]), np.array([-3.0, -0.5])),
        Sample((0.0, -1.0), derivative=(0.0, 0.0), note="kink: 0, as for abs"),
    ],
    exact=True,
    magnitude_of=(0,),
)
ldexp: Elementwise = elementwise(
    "ldexp",
    np.ldexp,
    (lambda _z, _x, n: ldexp(1.0, n), None),
    speculative="",
    linear_in=((0,),),
    samples=[(box((3,)), np.array([1, -2, 3])), (box((2, 1)), np.array([0, 4]))],
)
absolute = elementwise(
    "absolute",
    np.absolute,
    (_abs_partial,),
    samples=[
        np.array([[0.5, -2.0]]),
        box((3,), 0.3, 1.0, complex),
        Sample((np.array([0.0]),), derivative=(np.zeros(1),)),
        Sample((np.array([0j]),), derivative=(np.zeros(1),)),
    ],
    exact=True,
    magnitude_of=(0,),
    parts=complex_parts.absolute,
)
fabs = elementwise(
    "fabs",
    np.fabs,
    (lambda _, x: sign(x),),
    samples=[np.array([0.5, -2.0]), Sample((0.0,), derivative=(0.0,))],
    exact=True,
    magnitude_of=(0,),
)


class Conjugate(Linear):
    """y = conj(x); linear over the reals, and its own transpose."""

    name = "conjugate"
    magnitude_of = (0,)
    pointwise = True

    def type_rule(self, x):
        return x.strong()

    def eval_rule(self, x):
        return np.conjugate(x)

    def transpose_rule(self, y_bar, x):
        return conjugate(y_bar)

    def parts_rule(self, x):
        return Parts(x.re, -x.im)

    def lower_rule(self, lower, out, x):
        return x

    def batch_rule(self, size, batched, x):
        return conjugate(x), True

    def samples(self):
        return [Sample((_complex,)), Sample((box((2,)),))]


class Real(Linear):
    """y = the real part of a complex x."""

    name = "real"
    pointwise = True
    view = True

    def type_rule(self, x):
        return ArrayType(x.shape, np.empty(0, x.dtype).real.dtype)

    complex_in_memory = True

    def eval_rule(self, x):
        return np.real(x)

    def parts_rule(self, x):
        return x.re

    def lower_rule(self, lower, out, x):
        return x if x.shape == out.shape else lower.map(out, lambda index: x.at((*index, 0)))

    def transpose_rule(self, y_bar, x):
        return convert(y_bar, dtype=dtype_of(x))

    def batch_rule(self, size, batched, x):
        return real(x), True

    def write_rule(self, x, new):
        return convert(new, dtype=dtype_of(x)) + imag(x) * 1j

    def samples(self):
        return [Sample((_complex,)), Sample((box((), dtype=complex),))]


class Imag(Linear):
    """y = the imaginary part of a complex x; a cotangent c becomes -i c, so that Re(-i c x) = c y."""

    name = "imag"
    pointwise = True
    view = True

    def type_rule(self, x):
        return ArrayType(x.shape, np.empty(0, x.dtype).real.dtype)

    complex_in_memory = True

    def eval_rule(self, x):
        return np.imag(x)

    def parts_rule(self, x):
        return x.im

    def lower_rule(self, lower, out, x):
        if x.shape == out.shape:
            return lower.map(out, lambda index: lower.const(0, out.dtype))
        return lower.map(out, lambda index: x.at((*index, 1)))

    def transpose_rule(self, y_bar, x):
        return convert(y_bar, dtype=dtype_of(x)) * -1j

    def batch_rule(self, size, batched, x):
        return imag(x), True

    def write_rule(self, x, new):
        return real(x) + convert(new, dtype=dtype_of(x)) * 1j

    def samples(self):
        return [Sample((_complex,)), Sample((box((), dtype=complex),))]


class Complex(JointlyLinear):
    """z = x + i y, for real x and y of one shape and dtype."""

    name = "complex"
    pointwise = True
    complex_in_memory = True

    def type_rule(self, x, y):
        if x.shape != y.shape or x.dtype != y.dtype or x.dtype.char not in "fd":
            raise DTypeError(f"complex: expected two float arrays of one shape and dtype, got {x} and {y}.")
        return ArrayType(x.shape, np.dtype(x.dtype.char.upper()))

    def eval_rule(self, x, y):
        z = np.empty(np.shape(x), dtype_of(x).char.upper())
        z.real, z.imag = x, y
        return z if z.ndim else z[()]

    def lower_rule(self, lower, out, x, y):
        return lower.interleaved(out, (x, y))

    def parts_rule(self, x, y):
        return Parts(x, y)

    def transpose_rule(self, needs, z_bar, x, y):
        return real(z_bar) if needs[0] else None, -imag(z_bar) if needs[1] else None

    def batch_rule(self, size, batched, *args):
        return self(*[x if b else stretch(x, size) for x, b in zip(args, batched, strict=True)]), True

    def samples(self):
        return [
            Sample((box((2, 3)), box((2, 3)))),
            Sample((box(()), box(()))),
            Bad((box((2,)), box((3,))), {}, "expected two float arrays of one shape and dtype"),
        ]


conjugate = Conjugate()
real = Real()
imag = Imag()
make_complex = Complex()
