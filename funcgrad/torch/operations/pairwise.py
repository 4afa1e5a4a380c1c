"""Functions of two elements, or three, at a time: extrema, angles, what is between."""

from typing import Any

import numpy as np

from funcgrad import numpy as fnp
from funcgrad.scipy import special as scipy_special
from funcgrad.torch.attach import in_place_too, methods
from funcgrad.torch.layout import as_arguments
from funcgrad.torch.messages import not_a_tensor
from funcgrad.torch.operation import Operation, WithoutDerivative, apply
from funcgrad.torch.tensors import Tensor

__all__ = [
    "addcdiv",
    "addcmul",
    "arctan2",
    "atan2",
    "copysign",
    "float_power",
    "fmax",
    "fmin",
    "heaviside",
    "hypot",
    "isclose",
    "lerp",
    "logaddexp",
    "logaddexp2",
    "maximum",
    "minimum",
    "xlogy",
]


def _binary(name: str, label: str, body: Any, doc: str, promotes: str = "same", numbers: bool = False) -> Any:
    op = Operation(label, body, promotes=promotes, layout=as_arguments)

    def function(input: Any, other: Any) -> Tensor:
        if not numbers and not isinstance(other, Tensor):
            raise not_a_tensor(name, "other", 2, other)
        return apply(op, (input, other))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Return {doc}."
    return function


def _fmax(x, y):
    return fnp.where((x >= y) | fnp.isnan(y), x, y)  # where both are equal, the first takes the gradient


def _fmin(x, y):
    return fnp.where((x <= y) | fnp.isnan(y), x, y)


maximum = _binary(
    "maximum", "MaximumBackward0", fnp.maximum, "the larger of the two; ties share the gradient"
)


minimum = _binary(
    "minimum", "MinimumBackward0", fnp.minimum, "the smaller of the two; ties share the gradient"
)


fmax = _binary("fmax", "FmaxBackward0", _fmax, "the larger of the two, ignoring nan")


fmin = _binary("fmin", "FminBackward0", _fmin, "the smaller of the two, ignoring nan")


atan2 = _binary("atan2", "Atan2Backward0", fnp.arctan2, "the angle of the point (other, input)", "float")


hypot = _binary("hypot", "HypotBackward0", fnp.hypot, "sqrt(input**2 + other**2)", "float")


logaddexp = _binary("logaddexp", "LogaddexpBackward0", fnp.logaddexp, "log(exp(input) + exp(other))", "float")


logaddexp2 = _binary(
    "logaddexp2", "Logaddexp2Backward0", fnp.logaddexp2, "log2(2**input + 2**other)", "float"
)


copysign = _binary(
    "copysign", "CopysignBackward0", fnp.copysign, "`input` with the sign of `other`", "float", True
)


arctan2 = _binary("arctan2", "Atan2Backward0", fnp.arctan2, "the angle of the point (other, input)", "float")


_HEAVISIDE = WithoutDerivative(
    "heaviside", lambda x, y: fnp.where(x == 0, y, (x > 0).astype(x.dtype)), layout=as_arguments
)


def heaviside(input: Tensor, values: Tensor) -> Tensor:
    """Return 0, `values` or 1 as `input` is below, at or above 0."""
    if not isinstance(values, Tensor):
        raise not_a_tensor("heaviside", "values", 2, values)
    if input.dtype is not values.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
    return apply(_HEAVISIDE, (input, values))


xlogy = _binary(
    "xlogy", "XlogyBackward0", scipy_special.xlogy, "input * log(other), 0 where `input` is 0", "float", True
)


def float_power(input: Any, exponent: Any) -> Tensor:
    """Return `input ** exponent` in double precision."""
    return input.double() ** (exponent.double() if isinstance(exponent, Tensor) else exponent)


_LERP = [
    Operation(f"LerpBackward{n}", lambda x, y, weight: x + weight * (y - x), promotes="same")
    for n in range(2)
]


_ADDCMUL = Operation("AddcmulBackward0", lambda x, a, b, value: x + value * a * b, promotes="same")


_ADDCDIV = Operation("AddcdivBackward0", lambda x, a, b, value: x + value * a / b, promotes="float")


def lerp(input: Tensor, end: Tensor, weight: Any) -> Tensor:
    """Return `input + weight * (end - input)`."""
    return apply(_LERP[isinstance(weight, Tensor)], (input, end, weight))


def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> Tensor:
    """Return `input + value * tensor1 * tensor2`."""
    return apply(_ADDCMUL, (input, tensor1, tensor2, value))


def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Any = 1) -> Tensor:
    """Return `input + value * tensor1 / tensor2`."""
    return apply(_ADDCDIV, (input, tensor1, tensor2, value))


def isclose(
    input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> Tensor:
    """Return whether the elements differ by no more than `atol + rtol * abs(other)`."""
    if not isinstance(other, Tensor):
        raise not_a_tensor("isclose", "other", 2, other)
    if input.dtype is not other.dtype:
        raise RuntimeError(f"{input.dtype.scalar} did not match {other.dtype.scalar}")
    op = Operation("", lambda x, y: np.isclose(x, y, rtol, atol, equal_nan), promotes="same")
    return apply(op, (input, other))


in_place_too(addcdiv, addcmul, atan2, copysign, float_power, hypot, lerp, xlogy)
methods(arctan2, fmax, fmin, heaviside, isclose, logaddexp, logaddexp2, maximum, minimum)
