"""Arithmetic and the operators: + - * / // % ** and comparisons, on tensors and numbers."""

from typing import Any

import numpy as np

from funcgrad import numpy as fnp
from funcgrad.primitives import arithmetic as p
from funcgrad.torch import dtypes
from funcgrad.torch.attach import computed_by, in_place_too, operators
from funcgrad.torch.inplace import in_place
from funcgrad.torch.layout import as_arguments, in_order
from funcgrad.torch.messages import not_a_tensor
from funcgrad.torch.operation import Operation, WithoutDerivative, apply
from funcgrad.torch.tensors import Tensor

__all__ = [
    "add",
    "bitwise_and",
    "bitwise_not",
    "bitwise_or",
    "bitwise_xor",
    "div",
    "divide",
    "eq",
    "floor_divide",
    "fmod",
    "ge",
    "gt",
    "le",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "lt",
    "mul",
    "multiply",
    "ne",
    "neg",
    "negative",
    "pow",
    "remainder",
    "rsub",
    "sub",
    "subtract",
    "true_divide",
]

_NUMBERS = (bool, int, float, complex, np.generic)
_OPERANDS = (Tensor, *_NUMBERS)

_ADD = Operation("AddBackward0", p.add, promotes="same")
_SUB = Operation("SubBackward0", p.subtract, promotes="same")
_RSUB = [Operation(f"RsubBackward{n}", p.subtract, promotes="same") for n in range(2)]
_MUL = Operation("MulBackward0", p.multiply, promotes="same")
_DIV = Operation("DivBackward0", p.divide, promotes="float")
_POW = {
    (True, False): Operation("PowBackward0", p.power, promotes="same"),
    (True, True): Operation("PowBackward1", p.power, promotes="same"),
    (False, True): Operation("PowBackward2", p.power, promotes="same", layout=in_order),
}
_NEG = Operation("NegBackward0", p.negative, layout=as_arguments)
_FLOOR = WithoutDerivative("floor_divide", fnp.floor_divide, promotes="same")
_FLOORED = Operation("DivBackward2", fnp.floor_divide, promotes="same")
_TRUNCATED = Operation("DivBackward2", lambda x, y: fnp.trunc(x / y), promotes="same")
_REMAINDER = [Operation(f"RemainderBackward{n}", fnp.remainder, promotes="same") for n in range(2)]
_FMOD = [Operation(f"FmodBackward{n}", fnp.fmod, promotes="same") for n in range(2)]


@computed_by(_ADD)
def add(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """Return `input + alpha * other`."""
    return apply(_ADD, (input, other if alpha == 1 else mul(other, alpha)))


@computed_by(_SUB)
def sub(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """Return `input - alpha * other`."""
    if all(isinstance(x, Tensor) and x._array.dtype.kind == "b" for x in (input, other)):
        raise RuntimeError(
            "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` "
            "operator instead."
        )
    for x in (input, other):
        if isinstance(x, bool) or (isinstance(x, Tensor) and x._array.dtype.kind == "b"):
            raise RuntimeError(
                "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a "
                "mask, use the `~` or `logical_not()` operator instead."
            )
    return apply(_SUB, (input, other if alpha == 1 else mul(other, alpha)))


def rsub(input: Any, other: Any) -> Tensor:
    """Return `other - input`."""
    return apply(_RSUB[not isinstance(other, Tensor)], (other, input))


@computed_by(_MUL)
def mul(input: Any, other: Any) -> Tensor:
    """Return `input * other`."""
    return apply(_MUL, (input, other))


@computed_by(_DIV)
def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """Return `input / other`, rounded down ("floor") or toward zero ("trunc") if asked for."""
    if rounding_mode is None:
        return apply(_DIV, (input, other))
    if rounding_mode == "floor":
        return apply(_FLOORED, (input, other))
    if rounding_mode != "trunc":
        raise RuntimeError(
            "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '"
            + str(rounding_mode)
            + "'"
        )
    out = apply(_TRUNCATED, (input, other))
    kind = dtypes.result_type(input, other)
    return out if out.dtype is kind else out.to(kind)


def floor_divide(input: Any, other: Any) -> Tensor:
    """Return `input / other` rounded down."""
    return apply(_FLOOR, (input, other))


def remainder(input: Any, other: Any) -> Tensor:
    """Return what division leaves, with the sign of `other`."""
    return apply(_REMAINDER[isinstance(other, Tensor)], (input, other))


def fmod(input: Any, other: Any) -> Tensor:
    """Return what division leaves, with the sign of `input`."""
    return apply(_FMOD[isinstance(other, Tensor)], (input, other))


def pow(input: Any, exponent: Any) -> Tensor:
    """Return `input ** exponent`."""
    if (
        isinstance(exponent, int)
        and exponent < 0
        and isinstance(input, Tensor)
        and input._array.dtype.kind in "iu"
    ):
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    return apply(_POW[isinstance(input, Tensor), isinstance(exponent, Tensor)], (input, exponent))


@computed_by(_NEG)
def neg(input: Tensor) -> Tensor:
    """Return `-input`."""
    if input._array.dtype.kind == "b":
        raise RuntimeError(
            "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use "
            "the `~` or `logical_not()` operator instead."
        )
    return apply(_NEG, (input,))


multiply, divide, true_divide, subtract, negative = mul, div, div, sub, neg


def _compare(name: str, ufunc: Any, doc: str, numbers: bool = True) -> Any:
    op = Operation("", ufunc, promotes="same")

    def function(input: Any, other: Any) -> Tensor:
        if not numbers and not isinstance(other, Tensor):
            raise not_a_tensor(name, "other", 2, other)
        return apply(op, (input, other))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Return {doc}, one by one."
    return function


eq = _compare("eq", fnp.equal, "whether the elements are equal")
ne = _compare("ne", fnp.not_equal, "whether the elements differ")
lt = _compare("lt", fnp.less, "whether `input < other`")
le = _compare("le", fnp.less_equal, "whether `input <= other`")
gt = _compare("gt", fnp.greater, "whether `input > other`")
ge = _compare("ge", fnp.greater_equal, "whether `input >= other`")
logical_and = _compare("logical_and", fnp.logical_and, "whether both elements are true", numbers=False)
logical_or = _compare("logical_or", fnp.logical_or, "whether one of the elements is true", numbers=False)
logical_xor = _compare(
    "logical_xor", fnp.logical_xor, "whether just one of the elements is true", numbers=False
)
bitwise_and = _compare("bitwise_and", fnp.bitwise_and, "the bits set in both elements")
bitwise_or = _compare("bitwise_or", fnp.bitwise_or, "the bits set in one of the elements")
bitwise_xor = _compare("bitwise_xor", fnp.bitwise_xor, "the bits set in just one of the elements")
_NOT = Operation("", fnp.logical_not, layout=as_arguments)
_INVERT = Operation("", fnp.invert, layout=as_arguments)


def logical_not(input: Tensor) -> Tensor:
    """Return whether the elements are zero."""
    return apply(_NOT, (input,))


def bitwise_not(input: Tensor) -> Tensor:
    """Return the bits inverted; `not` of booleans."""
    return apply(_INVERT, (input,))


in_place_too(
    add, bitwise_and, bitwise_not, bitwise_or, bitwise_xor, div, divide, eq, floor_divide, fmod, ge, gt, le,
    logical_and, logical_not, logical_or, logical_xor, lt, mul, multiply, ne, neg, negative, pow, remainder, sub,
    subtract, true_divide,
)  # fmt: skip


def _operator(function: Any) -> Any:
    """Return the operator `x ? y`: Python tries the other operand where `y` is neither tensor nor number."""

    def operator(x, y):
        return function(x, y) if isinstance(y, _OPERANDS) else NotImplemented

    return operator


def _reflected(function: Any) -> Any:
    """Return the operator `y ? x` of a number and a tensor."""

    def operator(x, y):
        return function(y, x) if isinstance(y, _NUMBERS) else NotImplemented

    return operator


def _augmented(function: Any) -> Any:
    """Return the operator `x ?= y`."""

    def operator(x, y):
        return in_place(x, function, y) if isinstance(y, _OPERANDS) else NotImplemented

    return operator


def _divided_by(y: Any, x: Tensor) -> Tensor:
    """Return `y / x` as PyTorch does: the reciprocal, times the number."""
    return mul(x.reciprocal(), y)


def _subtracted_from(y: Any, x: Tensor) -> Tensor:
    return sub(y, x) if isinstance(y, bool) else rsub(x, y)


_OPERATORS = {
    "add": _ADD, "sub": sub, "mul": _MUL, "truediv": _DIV, "floordiv": _FLOOR, "mod": remainder, "pow": pow,
    "and": bitwise_and, "or": bitwise_or, "xor": bitwise_xor,
}  # fmt: skip
for _name, _function in _OPERATORS.items():
    operators(
        **{
            _name: _operator(_function),
            f"r{_name}": _reflected(_function),
            f"i{_name}": _augmented(_function),
        }
    )
operators(rsub=_reflected(_subtracted_from), rtruediv=_reflected(_divided_by), neg=neg, invert=bitwise_not)
operators(pos=lambda x: x, abs=lambda x: x.abs())
operators(
    eq=_operator(eq), ne=_operator(ne), lt=_operator(lt), le=_operator(le), gt=_operator(gt), ge=_operator(ge)
)
