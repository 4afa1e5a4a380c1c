"""Functions of one element at a time: exponentials, angles, rounding, clamping."""

from typing import Any

from funcgrad import numpy as fnp
from funcgrad.primitives import arithmetic, exponential, special, trigonometric
from funcgrad.scipy import special as scipy_special
from funcgrad.torch.attach import computed_by, in_place_too, methods
from funcgrad.torch.layout import Rule, as_arguments, in_order
from funcgrad.torch.messages import not_a_tensor
from funcgrad.torch.operation import Operation, apply
from funcgrad.torch.tensors import Tensor

__all__ = [
    "abs",
    "absolute",
    "acos",
    "acosh",
    "angle",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctanh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "ceil",
    "clamp",
    "clamp_max",
    "clamp_min",
    "clip",
    "conj",
    "cos",
    "cosh",
    "deg2rad",
    "digamma",
    "erf",
    "erfc",
    "erfinv",
    "exp",
    "exp2",
    "expm1",
    "fix",
    "floor",
    "frac",
    "imag",
    "isfinite",
    "isinf",
    "isnan",
    "lgamma",
    "log",
    "log1p",
    "log2",
    "log10",
    "logit",
    "nan_to_num",
    "rad2deg",
    "real",
    "reciprocal",
    "relu",
    "round",
    "rsqrt",
    "sgn",
    "sigmoid",
    "sign",
    "signbit",
    "sin",
    "sinc",
    "sinh",
    "sqrt",
    "square",
    "tan",
    "tanh",
    "trunc",
]


def _rsqrt(x):
    return 1 / fnp.sqrt(x)


def _relu(x):
    return fnp.where(x <= 0, 0, x)  # nan stays


def _direction(x):
    if x.dtype.kind != "c":
        return fnp.sign(x)
    size = fnp.abs(x)  # the core holds the sign constant, which of complex numbers it is not
    zero = size == 0
    return fnp.where(zero, 0, x / fnp.where(zero, 1, size))


def _as_angles(y, arrays, params):
    return (in_order if arrays[0].dtype.kind == "c" else as_arguments)(y, arrays, params)


def _unary(
    name: str, label: str, body: Any, doc: str, promotes: str = "float", layout: Rule = as_arguments
) -> Any:
    op = Operation(label, body, promotes=promotes, layout=layout)

    @computed_by(op)
    def function(input: Tensor) -> Tensor:
        if not isinstance(input, Tensor):
            raise not_a_tensor(name, "input", 1, input)
        return apply(op, (input,))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Return {doc}."
    return function


abs = _unary("abs", "AbsBackward0", arithmetic.absolute, "the absolute value; its derivative at 0 is 0", "")
exp = _unary("exp", "ExpBackward0", exponential.exp, "e to the power of each element")
exp2 = _unary("exp2", "Exp2Backward0", exponential.exp2, "2 to the power of each element")
expm1 = _unary("expm1", "Expm1Backward0", exponential.expm1, "exp(x) - 1, precise near 0")
log = _unary("log", "LogBackward0", exponential.log, "the natural logarithm")
log2 = _unary("log2", "Log2Backward0", exponential.log2, "the logarithm to base 2")
log10 = _unary("log10", "Log10Backward0", exponential.log10, "the logarithm to base 10")
log1p = _unary("log1p", "Log1PBackward0", exponential.log1p, "log(1 + x), precise near 0")
sqrt = _unary("sqrt", "SqrtBackward0", exponential.sqrt, "the square root; its derivative at 0 is infinite")
rsqrt = _unary("rsqrt", "RsqrtBackward0", _rsqrt, "1 over the square root")
reciprocal = _unary("reciprocal", "ReciprocalBackward0", lambda x: 1 / x, "1 over each element")
sin = _unary("sin", "SinBackward0", trigonometric.sin, "the sine")
cos = _unary("cos", "CosBackward0", trigonometric.cos, "the cosine")
tan = _unary("tan", "TanBackward0", trigonometric.tan, "the tangent")
asin = _unary("asin", "AsinBackward0", trigonometric.arcsin, "the inverse sine")
acos = _unary("acos", "AcosBackward0", trigonometric.arccos, "the inverse cosine")
atan = _unary("atan", "AtanBackward0", trigonometric.arctan, "the inverse tangent")
sinh = _unary("sinh", "SinhBackward0", trigonometric.sinh, "the hyperbolic sine")
cosh = _unary("cosh", "CoshBackward0", trigonometric.cosh, "the hyperbolic cosine")
tanh = _unary("tanh", "TanhBackward0", trigonometric.tanh, "the hyperbolic tangent")
asinh = _unary("asinh", "AsinhBackward0", trigonometric.arcsinh, "the inverse hyperbolic sine")
acosh = _unary("acosh", "AcoshBackward0", trigonometric.arccosh, "the inverse hyperbolic cosine")
atanh = _unary("atanh", "AtanhBackward0", trigonometric.arctanh, "the inverse hyperbolic tangent")
sinc = _unary("sinc", "SincBackward0", fnp.sinc, "sin(pi x) / (pi x)")
floor = _unary("floor", "FloorBackward0", fnp.floor, "the next integer below", "")
ceil = _unary("ceil", "CeilBackward0", fnp.ceil, "the next integer above", "")
trunc = _unary("trunc", "TruncBackward0", fnp.trunc, "the next integer toward zero", "")
frac = _unary("frac", "FracBackward0", lambda x: x - fnp.trunc(x), "the part after the point", "")
deg2rad = _unary("deg2rad", "Deg2RadBackward0", fnp.deg2rad, "degrees as radians")
rad2deg = _unary("rad2deg", "Rad2DegBackward0", fnp.rad2deg, "radians as degrees")
angle = _unary("angle", "AngleBackward0", fnp.angle, "the angle of a complex number", layout=_as_angles)
isnan = _unary("isnan", "", fnp.isnan, "whether the elements are nan", "")
isinf = _unary("isinf", "", fnp.isinf, "whether the elements are infinite", "")
isfinite = _unary("isfinite", "", fnp.isfinite, "whether the elements are finite", "")
signbit = _unary("signbit", "", fnp.signbit, "whether the sign bit is set", "")
erf = _unary("erf", "ErfBackward0", special.erf, "the error function")
erfc = _unary("erfc", "ErfcBackward0", special.erfc, "1 - erf(x), precise where x is large")
erfinv = _unary("erfinv", "ErfinvBackward0", special.erfinv, "the inverse of the error function")
lgamma = _unary("lgamma", "LgammaBackward0", special.gammaln, "log(abs(gamma(x)))")
digamma = _unary("digamma", "DigammaBackward0", special.digamma, "the derivative of lgamma")
_SIGMOID = Operation("SigmoidBackward0", special.logistic, promotes="float")
_SIGMOID_COMPLEX = Operation("SigmoidBackward0", lambda x: 1 / (1 + fnp.exp(-x)), layout=as_arguments)
_RELU = Operation("ReluBackward0", _relu, layout=as_arguments)
_SQUARE = Operation("PowBackward0", arithmetic.square, layout=as_arguments)
_SIGN = Operation("SignBackward0", fnp.sign, layout=as_arguments)
_SGN = Operation("SgnBackward0", _direction, layout=as_arguments)
_CONJ = Operation("ConjBackward0", fnp.conj, layout=as_arguments)
_LOGIT = Operation("LogitBackward0", scipy_special.logit, promotes="float")


def sigmoid(input: Tensor) -> Tensor:
    """Return 1 / (1 + exp(-x))."""
    return apply(_SIGMOID_COMPLEX if input._array.dtype.kind == "c" else _SIGMOID, (input,))


def relu(input: Tensor) -> Tensor:
    """Return max(x, 0); its derivative at 0 is 0."""
    if input._array.dtype.kind == "b":
        raise RuntimeError("Boolean inputs not supported for relu")
    return apply(_RELU, (input,))


def square(input: Tensor) -> Tensor:
    """Return the square."""
    return apply(_SQUARE, (input.long() if input._array.dtype.kind == "b" else input,))


def sign(input: Tensor) -> Tensor:
    """Return the sign: -1, 0 or 1."""
    if input._array.dtype.kind == "c":
        raise NotImplementedError(
            "Unlike NumPy, torch.sign is not intended to support complex numbers. Please use torch.sgn instead."
        )
    return input.clone() if input._array.dtype.kind == "b" else apply(_SIGN, (input,))


def sgn(input: Tensor) -> Tensor:
    """Return the sign; of a complex number, the number of the same angle and absolute value 1."""
    return input.clone() if input._array.dtype.kind == "b" else apply(_SGN, (input,))


def conj(input: Tensor) -> Tensor:
    """Return the complex conjugate; of a real tensor, the tensor itself."""
    return apply(_CONJ, (input,)) if input._array.dtype.kind == "c" else input


def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """Return log(x / (1 - x)), of x between `eps` and 1 - `eps` if that is given."""
    return apply(_LOGIT, (input if eps is None else clamp(input, eps, 1 - eps),))


absolute = abs
arcsin, arccos, arctan = asin, acos, atan
arcsinh, arccosh, arctanh = asinh, acosh, atanh
fix = trunc


def _clamped(x, low, high):
    # Where x is at a bound the derivative is 1: the bound is only taken beyond it.
    if low is not None:
        x = fnp.where(x < low, low, x)
    return x if high is None else fnp.where(x > high, high, x)


_CLAMP = [Operation(f"ClampBackward{n}", _clamped, promotes="same") for n in range(2)]
_CLAMP_MIN = Operation("ClampMinBackward0", _clamped, promotes="same")
_CLAMP_MAX = Operation("ClampMaxBackward0", _clamped, promotes="same")
_ROUND = Operation("RoundBackward0", fnp.rint, layout=as_arguments)
_ROUND_TO = Operation("RoundBackward1", lambda x, *, scale: fnp.rint(x * scale) / scale, layout=as_arguments)


def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """Return the elements, none below `min` or above `max`; the derivative at a bound is 1.

    Raises:
        RuntimeError: when neither bound is given.
    """
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    return apply(_CLAMP[not (isinstance(min, Tensor) or isinstance(max, Tensor))], (input, min, max))


def clamp_min(input: Tensor, min: Any) -> Tensor:
    """Return the elements, none below `min`."""
    return apply(_CLAMP_MIN, (input, min, None))


def clamp_max(input: Tensor, max: Any) -> Tensor:
    """Return the elements, none above `max`."""
    return apply(_CLAMP_MAX, (input, None, max))


def clip(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """Return the elements, none below `min` or above `max`, as `clamp`."""
    return clamp(input, min, max)


def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """Return the elements rounded to `decimals` places; halves go to the even neighbour."""
    if input._array.dtype.kind not in "fc":
        return input.clone()
    if not decimals:
        return apply(_ROUND, (input,))
    return apply(_ROUND_TO, (input,), {"scale": 10.0**decimals})


_NAN_TO_NUM = Operation("NanToNumBackward0", fnp.nan_to_num, layout=as_arguments)
_REAL = Operation("SelectBackward0", fnp.real, view=True)
_IMAG = Operation("SelectBackward0", fnp.imag, view=True)


def nan_to_num(
    input: Tensor, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """Return the elements with nan and infinities replaced."""
    return apply(_NAN_TO_NUM, (input,), {"nan": nan, "posinf": posinf, "neginf": neginf})


def real(input: Tensor) -> Tensor:
    """Return the real part; of a real tensor, the tensor itself."""
    return apply(_REAL, (input,)) if input.is_complex() else input


def imag(input: Tensor) -> Tensor:
    """Return the imaginary part.

    Raises:
        RuntimeError: when the tensor is not complex.
    """
    if not input.is_complex():
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return apply(_IMAG, (input,))


in_place_too(
    abs, absolute, acos, acosh, arccos, arccosh, arcsin, arcsinh, arctan, arctanh, asin, asinh,
    atan, atanh, ceil, clamp, clamp_max, clamp_min, clip, cos, cosh, deg2rad, digamma, erf, erfc, erfinv, exp, exp2, expm1, fix,
    floor, frac, lgamma, log, log10, log1p, log2, logit, nan_to_num, rad2deg, reciprocal, relu, round,
    rsqrt, sigmoid, sign, sgn, sin, sinc, sinh, sqrt, square, tan, tanh, trunc, 
)  # fmt: skip
methods(
    angle, conj, isfinite, isinf, isnan, 
    signbit,
)  # fmt: skip
Tensor.real = property(real)  # type: ignore[attr-defined]
Tensor.imag = property(imag)  # type: ignore[attr-defined]
