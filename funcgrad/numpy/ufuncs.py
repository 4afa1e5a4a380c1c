"""The elementwise functions: NumPy's ufuncs, by NumPy's names."""

from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad.core.tracer import UFUNCS, Tracer, bind
from funcgrad.core.types import dtype_of, is_inexact, type_of
from funcgrad.numpy.arguments import as_operand, astype
from funcgrad.numpy.squares import as_now, square_of, squared_magnitude, with_square
from funcgrad.primitives import arithmetic, exponential, logic, trigonometric
from funcgrad.primitives.elementwise import Elementwise

__all__ = [
    "abs",
    "absolute",
    "acos",
    "acosh",
    "add",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "bitwise_and",
    "bitwise_count",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "cbrt",
    "ceil",
    "conj",
    "conjugate",
    "copysign",
    "cos",
    "cosh",
    "deg2rad",
    "degrees",
    "divide",
    "divmod",
    "equal",
    "exp",
    "exp2",
    "expm1",
    "fabs",
    "float_power",
    "floor",
    "floor_divide",
    "fmax",
    "fmin",
    "fmod",
    "frexp",
    "gcd",
    "greater",
    "greater_equal",
    "heaviside",
    "hypot",
    "invert",
    "isfinite",
    "isinf",
    "isnan",
    "lcm",
    "ldexp",
    "left_shift",
    "less",
    "less_equal",
    "log",
    "log1p",
    "log2",
    "log10",
    "logaddexp",
    "logaddexp2",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "mod",
    "modf",
    "multiply",
    "negative",
    "nextafter",
    "not_equal",
    "positive",
    "pow",
    "power",
    "rad2deg",
    "radians",
    "reciprocal",
    "remainder",
    "right_shift",
    "rint",
    "sign",
    "signbit",
    "sin",
    "sinh",
    "spacing",
    "sqrt",
    "square",
    "subtract",
    "tan",
    "tanh",
    "true_divide",
    "trunc",
]


def _ufunc(ufunc: np.ufunc, primitive: Elementwise) -> Callable:
    """Return `ufunc` as a function of plain and traced arrays, and register it for the latter."""

    def function(*args: Any, **kwargs: Any) -> Any:
        if kwargs or len(args) != ufunc.nin:
            return ufunc(*args, **kwargs)  # NumPy checks the call, and comes back for traced arrays
        if len(args) == 1 and type(args[0]) is Tracer:
            return bind(primitive, args[0])
        return bind(primitive, *[as_operand(x) for x in args])

    return _published(ufunc, function)


def _registered(ufunc, implementation):
    def function(*args: Any, **kwargs: Any) -> Any:
        if kwargs or len(args) != ufunc.nin:
            return ufunc(*args, **kwargs)  # NumPy checks the call, and comes back for traced arrays
        return implementation(*args)

    return _published(ufunc, function)


def _published(ufunc, function):
    name = ufunc.__name__
    function.__name__ = function.__qualname__ = name
    summary = (ufunc.__doc__ or f"{name}\n\n{name}").split("\n\n", 2)[1].strip().replace("\n", " ")
    arguments = "x" if ufunc.nin == 1 else "x, y"
    function.__doc__ = f"{summary}\n\n`numpy.{name}({arguments})`, on plain and traced arrays."
    UFUNCS[ufunc] = function
    return function


add = _ufunc(np.add, arithmetic.add)
copysign = _ufunc(np.copysign, arithmetic.copysign)
divide = _ufunc(np.divide, arithmetic.divide)
fabs = _ufunc(np.fabs, arithmetic.fabs)
fmod = _ufunc(np.fmod, arithmetic.fmod)
ldexp = _ufunc(np.ldexp, arithmetic.ldexp)
negative = _ufunc(np.negative, arithmetic.negative)
positive = _ufunc(np.positive, arithmetic.positive)
reciprocal = _ufunc(np.reciprocal, arithmetic.reciprocal)
remainder = _ufunc(np.remainder, arithmetic.remainder)
subtract = _ufunc(np.subtract, arithmetic.subtract)

cbrt = _ufunc(np.cbrt, exponential.cbrt)
exp = _ufunc(np.exp, exponential.exp)
exp2 = _ufunc(np.exp2, exponential.exp2)
expm1 = _ufunc(np.expm1, exponential.expm1)
log = _ufunc(np.log, exponential.log)
log10 = _ufunc(np.log10, exponential.log10)
log1p = _ufunc(np.log1p, exponential.log1p)
log2 = _ufunc(np.log2, exponential.log2)
logaddexp = _ufunc(np.logaddexp, exponential.logaddexp)
logaddexp2 = _ufunc(np.logaddexp2, exponential.logaddexp2)

bitwise_and = _ufunc(np.bitwise_and, logic.bitwise_and)
bitwise_count = _ufunc(np.bitwise_count, logic.bitwise_count)
bitwise_or = _ufunc(np.bitwise_or, logic.bitwise_or)
bitwise_xor = _ufunc(np.bitwise_xor, logic.bitwise_xor)
ceil = _ufunc(np.ceil, logic.ceil)
equal = _ufunc(np.equal, logic.equal)
floor = _ufunc(np.floor, logic.floor)
floor_divide = _ufunc(np.floor_divide, logic.floor_divide)
fmax = _ufunc(np.fmax, logic.fmax)
fmin = _ufunc(np.fmin, logic.fmin)
gcd = _ufunc(np.gcd, logic.gcd)
greater = _ufunc(np.greater, logic.greater)
greater_equal = _ufunc(np.greater_equal, logic.greater_equal)
heaviside = _ufunc(np.heaviside, logic.heaviside)
invert = _ufunc(np.invert, logic.invert)
isfinite = _ufunc(np.isfinite, logic.isfinite)
isinf = _ufunc(np.isinf, logic.isinf)
isnan = _ufunc(np.isnan, logic.isnan)
lcm = _ufunc(np.lcm, logic.lcm)
left_shift = _ufunc(np.left_shift, logic.left_shift)
less = _ufunc(np.less, logic.less)
less_equal = _ufunc(np.less_equal, logic.less_equal)
logical_and = _ufunc(np.logical_and, logic.logical_and)
logical_not = _ufunc(np.logical_not, logic.logical_not)
logical_or = _ufunc(np.logical_or, logic.logical_or)
logical_xor = _ufunc(np.logical_xor, logic.logical_xor)
maximum = _ufunc(np.maximum, logic.maximum)
minimum = _ufunc(np.minimum, logic.minimum)
nextafter = _ufunc(np.nextafter, logic.nextafter)
not_equal = _ufunc(np.not_equal, logic.not_equal)
right_shift = _ufunc(np.right_shift, logic.right_shift)
rint = _ufunc(np.rint, logic.rint)
signbit = _ufunc(np.signbit, logic.signbit)
spacing = _ufunc(np.spacing, logic.spacing)
trunc = _ufunc(np.trunc, logic.trunc)

arccos = _ufunc(np.arccos, trigonometric.arccos)
arccosh = _ufunc(np.arccosh, trigonometric.arccosh)
arcsin = _ufunc(np.arcsin, trigonometric.arcsin)
arcsinh = _ufunc(np.arcsinh, trigonometric.arcsinh)
arctan = _ufunc(np.arctan, trigonometric.arctan)
arctan2 = _ufunc(np.arctan2, trigonometric.arctan2)
arctanh = _ufunc(np.arctanh, trigonometric.arctanh)
cos = _ufunc(np.cos, trigonometric.cos)
cosh = _ufunc(np.cosh, trigonometric.cosh)
deg2rad = _ufunc(np.deg2rad, trigonometric.deg2rad)
rad2deg = _ufunc(np.rad2deg, trigonometric.rad2deg)
sin = _ufunc(np.sin, trigonometric.sin)
sinh = _ufunc(np.sinh, trigonometric.sinh)
tan = _ufunc(np.tan, trigonometric.tan)
tanh = _ufunc(np.tanh, trigonometric.tanh)


def _absolute(x: Any, /) -> Any:
    x = as_operand(x)
    return absolute_with_square(x, bind(arithmetic.absolute, x))


def absolute_with_square(x: Any, y: Any) -> Any:
    """Return y = |x|, whose square is x**2, or that of both parts of a complex x."""
    if type(y) is not Tracer:
        return y
    x = as_now(x)
    return with_square(y, lambda: squared_magnitude(x))


def _hypot(x: Any, y: Any, /) -> Any:
    x, y = as_operand(x), as_operand(y)
    z = bind(trigonometric.hypot, x, y)
    if type(z) is not Tracer:
        return z
    # Converted first: the squares of integers may not fit.
    x, y = (astype(as_now(a), z.dtype) for a in (x, y))
    return with_square(z, lambda: arithmetic.square(x) + arithmetic.square(y))


def _sqrt(x: Any, /) -> Any:
    x = as_operand(x)
    return sqrt_with_square(x, bind(exponential.sqrt, x))


def sqrt_with_square(x: Any, y: Any) -> Any:
    """Return y = sqrt(x), whose square is x, or nan where x is negative; of -0.0 it is 0.0."""
    if type(y) is not Tracer:
        return y
    x = as_now(x)
    if dtype_of(x).kind != "f":
        zero = complex(0.0, -0.0)  # leaves the sign of the imaginary part
        return with_square(y, lambda: arithmetic.add(x, zero)) if dtype_of(x).kind == "c" else y
    nan = np.array(np.nan, dtype_of(x))
    return with_square(y, lambda: logic.select(logic.less(x, 0), nan, arithmetic.add(x, 0.0)))


def _square(x: Any, /) -> Any:
    smooth = square_of(x)
    return bind(arithmetic.square, as_operand(x)) if smooth is None else smooth


def _multiply(x: Any, y: Any, /) -> Any:
    smooth = square_of(x) if x is y else None
    return bind(arithmetic.multiply, as_operand(x), as_operand(y)) if smooth is None else smooth


def _power(x: Any, n: Any, /) -> Any:
    smooth = square_of(x) if type(x) is Tracer and is_even(n) else None
    if smooth is None:
        return bind(arithmetic.power, as_operand(x), as_operand(n))
    return smooth if n == 2 else bind(arithmetic.power, smooth, n // 2)


def is_even(n: Any) -> bool:
    """Whether an exponent is a plain even number above 0."""
    return type(n) in (int, float) and n > 0 and n % 2 == 0


absolute = _registered(np.absolute, _absolute)
hypot = _registered(np.hypot, _hypot)
multiply = _registered(np.multiply, _multiply)
power = _registered(np.power, _power)
sqrt = _registered(np.sqrt, _sqrt)
square = _registered(np.square, _square)

abs = absolute
acos = arccos
acosh = arccosh
asin = arcsin
asinh = arcsinh
atan = arctan
atan2 = arctan2
atanh = arctanh
bitwise_invert = invert
bitwise_left_shift = left_shift
bitwise_not = invert
bitwise_right_shift = right_shift
degrees = _ufunc(np.degrees, trigonometric.rad2deg)
radians = _ufunc(np.radians, trigonometric.deg2rad)
mod = remainder
pow = power
true_divide = divide


def _conjugate(x: Any, /) -> Any:
    x = as_operand(x)
    kind = dtype_of(x).kind
    if kind == "c":
        return arithmetic.conjugate(x)
    return positive(astype(x, np.int8) if kind == "b" else x)


def _float_power(x: Any, y: Any, /) -> Any:
    x, y = as_operand(x), as_operand(y)
    dtype = np.result_type(np.float64, dtype_of(x), dtype_of(y))
    return power(astype(x, dtype), y if is_even(y) else astype(y, dtype))


def _divmod(x: Any, y: Any, /) -> tuple[Any, Any]:
    return floor_divide(x, y), remainder(x, y)


def _modf(x: Any, /) -> tuple[Any, Any]:
    x = as_operand(x)
    x = x if is_inexact(dtype_of(x)) else astype(x, type_of(np.modf(np.ones((), dtype_of(x)))[0]).dtype)
    whole = trunc(x)
    return copysign(select_finite(x, whole), x), whole


def select_finite(x: Any, whole: Any) -> Any:
    """Return the fractional part of x, which is 0 where x is infinite."""
    return logic.select(logic.isinf(x), 0.0, x - whole)


def _frexp(x: Any, /) -> tuple[Any, Any]:
    x = as_operand(x)
    x = x if is_inexact(dtype_of(x)) else astype(x, np.frexp(np.ones((), dtype_of(x)))[0].dtype)
    size = logic.select(logic.logical_and(logic.isfinite(x), logic.not_equal(x, 0)), absolute(x), 1.0)
    exponent = astype(floor(log2(size)), np.int32) + np.int32(1)
    # log2 may round up to the next whole number, or down from one.
    fraction = ldexp(size, -exponent)
    exponent = exponent + astype(greater_equal(fraction, 1), np.int32) - astype(less(fraction, 0.5), np.int32)
    plain = logic.select(logic.logical_and(logic.isfinite(x), logic.not_equal(x, 0)), exponent, np.int32(0))
    return ldexp(x, -plain), plain


def _within_bounds(x: Any) -> tuple[Any, Any]:
    """Return the parts of a complex x, or ±1 and 0 for them where one of them is infinite: of the same direction."""
    parts = arithmetic.real(x), arithmetic.imag(x)
    infinite = [logic.isinf(part) for part in parts]
    either, both = (op(*infinite) for op in (logic.logical_or, logic.logical_and))
    u, v = (
        logic.select(i, logic.sign(p), logic.select(either, 0.0, p))
        for i, p in zip(infinite, parts, strict=True)
    )
    return logic.select(both, np.nan, u), logic.select(both, np.nan, v)


def _sign(x: Any, /) -> Any:
    x = as_operand(x)
    if dtype_of(x).kind != "c" or type(x) is not Tracer:
        return bind(logic.sign, x)
    u, v = _within_bounds(x)
    size = hypot(u, v)
    zero = equal(size, 0)
    size = logic.select(zero, 1.0, size)
    return logic.select(zero, 0.0, u / size + (v / size) * 1j)  # by parts, as 1 / size may be infinite


conj = conjugate = _registered(np.conjugate, _conjugate)
float_power = _registered(np.float_power, _float_power)
divmod = _registered(np.divmod, _divmod)
modf = _registered(np.modf, _modf)
sign = _registered(np.sign, _sign)
frexp = _registered(np.frexp, _frexp)
