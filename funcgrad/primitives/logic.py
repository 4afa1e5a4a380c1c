"""Primitives whose derivative is zero (comparison, rounding, bits), selection, and extrema of two."""

import numpy as np

from funcgrad.core.linear import JointlyLinear
from funcgrad.core.primitive import Bad, Sample, box
from funcgrad.core.types import ArrayType, broadcast_shapes, promote, shape_of
from funcgrad.primitives import complex_parts
from funcgrad.primitives.elementwise import align, conform, conform_tangent, elementwise

__all__ = [
    "bitwise_and",
    "bitwise_count",
    "bitwise_or",
    "bitwise_xor",
    "ceil",
    "equal",
    "floor",
    "floor_divide",
    "fmax",
    "fmin",
    "gcd",
    "greater",
    "greater_equal",
    "heaviside",
    "invert",
    "isfinite",
    "isinf",
    "isnan",
    "lcm",
    "left_shift",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "nextafter",
    "not_equal",
    "right_shift",
    "rint",
    "select",
    "sign",
    "signbit",
    "spacing",
    "trunc",
]

_reals = (np.array([1.0, 2.0, 2.0, np.nan]), np.array([2.0, 2.0, 1.0, 0.0]))
_whole = (np.array([[6, 3], [0, 5]]), np.array([3, 2]))
_special = np.array([-1.5, -0.0, 0.0, 0.5, 2.5, np.inf, -np.inf, np.nan])
_bools = (np.array([True, False, True]), np.array([True, True, False]))


def _constant(name, ufunc, *samples, **traits):
    """Register an elementwise primitive whose derivative is zero."""
    return elementwise(name, ufunc, None, samples=samples, exact=True, **traits)


equal = _constant("equal", np.equal, _reals, _whole, commutative=True, parts=complex_parts.equal)
not_equal = _constant(
    "not_equal", np.not_equal, _reals, _whole, commutative=True, parts=complex_parts.not_equal
)
less = _constant("less", np.less, _reals, _whole)
less_equal = _constant("less_equal", np.less_equal, _reals)
greater = _constant("greater", np.greater, _reals, (_special, 0.0))
greater_equal = _constant("greater_equal", np.greater_equal, _reals)

logical_and = _constant(
    "logical_and",
    np.logical_and,
    _bools,
    _reals,
    commutative=True,
    parts=complex_parts.of_truth(np.logical_and),
)
logical_or = _constant(
    "logical_or", np.logical_or, _bools, commutative=True, parts=complex_parts.of_truth(np.logical_or)
)
logical_xor = _constant(
    "logical_xor", np.logical_xor, _bools, commutative=True, parts=complex_parts.of_truth(np.logical_xor)
)
logical_not = _constant(
    "logical_not", np.logical_not, _bools[0], _special, parts=complex_parts.of_truth(np.logical_not)
)

isnan = _constant("isnan", np.isnan, _special, parts=complex_parts.true_if(np.logical_or, np.isnan))
isinf = _constant("isinf", np.isinf, _special, parts=complex_parts.true_if(np.logical_or, np.isinf))
isfinite = _constant(
    "isfinite", np.isfinite, _special, parts=complex_parts.true_if(np.logical_and, np.isfinite)
)
signbit = _constant("signbit", np.signbit, _special)

bitwise_and = _constant("bitwise_and", np.bitwise_and, _whole, _bools, commutative=True)
bitwise_or = _constant("bitwise_or", np.bitwise_or, _whole, commutative=True)
bitwise_xor = _constant("bitwise_xor", np.bitwise_xor, _whole, commutative=True)
bitwise_count = _constant("bitwise_count", np.bitwise_count, _whole[0], speculative="")
invert = _constant("invert", np.invert, _whole[0], _bools[0])
left_shift = _constant("left_shift", np.left_shift, _whole)
right_shift = _constant("right_shift", np.right_shift, _whole)
gcd = _constant("gcd", np.gcd, _whole, speculative="")
lcm = _constant("lcm", np.lcm, _whole, speculative="")

sign = _constant("sign", np.sign, _special, _whole[0])
floor = _constant("floor", np.floor, _special)
ceil = _constant("ceil", np.ceil, _special)
trunc = _constant("trunc", np.trunc, _special)
rint = _constant("rint", np.rint, _special)
floor_divide = _constant(
    "floor_divide", np.floor_divide, (box((3,)), box((3,), 0.5, 2.0)), cost=15, speculative=""
)
heaviside = elementwise(
    "heaviside",
    np.heaviside,
    (None, lambda _z, x, _y: select(equal(x, 0), 1.0, 0.0)),
    samples=[
        Sample((_special, 0.5), smooth=False),
        Sample((np.array([-1.0, 0.0, 1.0]), np.ones(3)), derivative=(np.zeros(3), np.array([0.0, 1.0, 0.0]))),
    ],
)
nextafter = elementwise(
    "nextafter",
    np.nextafter,
    (1, None),
    speculative="",
    samples=[(box((3,)), 2.0), Sample((np.ones(2), 1.0), derivative=(np.ones(2), 0.0), note="there already")],
)
spacing = _constant("spacing", np.spacing, box((3,)), speculative="")


class Select(JointlyLinear):
    """z = x where condition, else y. The branch not taken receives a cotangent of exactly zero."""

    name = "select"
    by_parts = True
    pointwise = True
    exact = True
    speculative = "fciub"
    magnitude_of = (1, 2)
    positions = (1, 2)

    def type_rule(self, condition, x, y):
        return ArrayType(broadcast_shapes("where", condition, x, y), promote(x, y))

    def eval_rule(self, condition, x, y):
        z = np.where(condition, x, y)
        return z if z.ndim else z[()]

    def jvp_rule(self, x_dots, z, condition, x, y):
        _, x_dot, y_dot = x_dots
        z_dot = select(condition, 0.0 if x_dot is None else x_dot, 0.0 if y_dot is None else y_dot)
        return conform_tangent(z_dot, z)

    def transpose_rule(self, needs, z_bar, condition, x, y):
        return (
            None,
            conform(select(condition, z_bar, 0.0), x) if needs[1] else None,
            conform(select(condition, 0.0, z_bar), y) if needs[2] else None,
        )

    def lower_rule(self, lower, out, condition, x, y):
        def at(index):
            return lower.op(
                "select",
                out.dtype,
                lower.cast(condition.spread(index), bool),
                lower.cast(x.spread(index), out.dtype),
                lower.cast(y.spread(index), out.dtype),
            )

        return lower.map(out, at)

    def batch_rule(self, size, batched, *args):
        ndim = max([len(shape_of(x)) - b for x, b in zip(args, batched, strict=True)])
        aligned = [align(x, ndim) if b else x for x, b in zip(args, batched, strict=True)]
        return self(*aligned), True

    def samples(self):
        condition = np.array([True, False, True])
        return [
            Sample((condition, box((2, 3)), box((3,)))),
            Sample((condition, box((3,)), 0.0)),
            Sample((condition[:, None], box((3,), dtype=complex), box((3, 1)))),
            Bad((condition, box((2,)), 0.0), {}, "where: expected shapes that broadcast"),
        ]


select = Select()


def _wins(z, x, y):
    """The derivative of an extremum z of x and y by x: 1 where x is it, 1/2 at a tie."""
    return select(equal(x, z), select(equal(x, y), 0.5, 1.0), 0.0)


def _extremum(name, ufunc, passes_nan=True):
    return elementwise(
        name,
        ufunc,
        (lambda z, x, y: _wins(z, x, y), lambda z, x, y: _wins(z, y, x)),
        passes_nan=passes_nan,
        exact=True,
        magnitude_of=(0, 1),
        samples=[
            (box((2, 3)), np.array([0.1, -0.2, 0.3])),
            Sample((np.array([1.0, 2.0]), 1.0), derivative=None, smooth=False),
            Sample((np.zeros(2), np.zeros(2)), derivative=(np.full(2, 0.5), np.full(2, 0.5)), note="tie"),
        ],
    )


maximum = _extremum("maximum", np.maximum)
minimum = _extremum("minimum", np.minimum)
fmax = _extremum("fmax", np.fmax, passes_nan=False)
fmin = _extremum("fmin", np.fmin, passes_nan=False)
