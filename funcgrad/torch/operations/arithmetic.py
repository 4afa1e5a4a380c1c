"""Arithmetic and the operators: + - * / // % ** and comparisons, on tensors and numbers."""

from typing import Any

import numpy as np

from funcgrad import numpy as fnp
from funcgrad.primitives import arithmetic as p
from funcgrad.torch.inplace import in_place
from funcgrad.torch.operation import Operation, apply
from funcgrad.torch.tensor import Tensor, method

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

_ADD = Operation("AddBackward0", p.add, promotes="same")
_SUB = Operation("SubBackward0", p.subtract, promotes="same")
_RSUB = Operation("RsubBackward1", p.subtract, promotes="same")
_MUL = Operation("MulBackward0", p.multiply, promotes="same")
_DIV = Operation("DivBackward0", p.divide, promotes="float")
_POW = {
    (True, False): Operation("PowBackward0", p.power, promotes="same"),
    (True, True): Operation("PowBackward1", p.power, promotes="same"),
    (False, True): Operation("PowBackward2", p.power, promotes="same"),
}
_NEG = Operation("NegBackward0", p.negative)
_FLOOR = Operation("FloorDivideBackward0", fnp.floor_divide, promotes="same")
_REMAINDER = Operation("RemainderBackward0", fnp.remainder, promotes="same")
_FMOD = Operation("FmodBackward0", fnp.fmod, promotes="same")


def _binary(op: Operation, x: Any, y: Any) -> Any:
    """Apply `op`, or let Python say that the operand is of the wrong type."""
    if not isinstance(y, (Tensor, *_NUMBERS)):
        return NotImplemented
    return apply(op, (x, y))


def add(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """Return `input + alpha * other`."""
    return apply(_ADD, (input, other if alpha == 1 else mul(other, alpha)))


def sub(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """Return `input - alpha * other`."""
    for x in (input, other):
        if isinstance(x, Tensor) and x._array.dtype.kind == "b":
            raise RuntimeError(
                "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a "
                "mask, use the `~` or `logical_not()` operator instead."
            )
    return apply(_SUB, (input, other if alpha == 1 else mul(other, alpha)))


def rsub(input: Any, other: Any) -> Tensor:
    """Return `other - input`."""
    return apply(_RSUB, (other, input))


def mul(input: Any, other: Any) -> Tensor:
    """Return `input * other`."""
    return apply(_MUL, (input, other))


def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """Return `input / other`, rounded down ("floor") or toward zero ("trunc") if asked for."""
    if rounding_mode == "floor":
        return floor_divide(input, other)
    quotient = apply(_DIV, (input, other))
    if rounding_mode is None:
        return quotient
    if rounding_mode != "trunc":
        raise RuntimeError(
            "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '" + str(rounding_mode) + "'"
        )
    out = quotient.trunc()
    whole = all(not isinstance(x, float) and (not isinstance(x, Tensor) or x.dtype.numpy.kind in "iu") for x in (input, other))
    return out.to(add(input, other).dtype) if whole else out


def floor_divide(input: Any, other: Any) -> Tensor:
    """Return `input / other` rounded down."""
    return apply(_FLOOR, (input, other))


def remainder(input: Any, other: Any) -> Tensor:
    """Return what division leaves, with the sign of `other`."""
    return apply(_REMAINDER, (input, other))


def fmod(input: Any, other: Any) -> Tensor:
    """Return what division leaves, with the sign of `input`."""
    return apply(_FMOD, (input, other))


def pow(input: Any, exponent: Any) -> Tensor:
    """Return `input ** exponent`."""
    if isinstance(exponent, int) and exponent < 0 and isinstance(input, Tensor) and input._array.dtype.kind in "iu":
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    return apply(_POW[isinstance(input, Tensor), isinstance(exponent, Tensor)], (input, exponent))


def neg(input: Tensor) -> Tensor:
    """Return `-input`."""
    return apply(_NEG, (input,))


multiply, divide, true_divide, subtract, negative = mul, div, div, sub, neg


def _comparison(name: str, doc: str) -> Any:
    body = getattr(fnp, name)
    op = Operation("", body, promotes="same")

    def compare(input: Any, other: Any) -> Tensor:
        return apply(op, (input, other))

    compare.__doc__ = doc
    return compare


def _named(name, function):
    function.__name__ = function.__qualname__ = name
    return function


eq = _named("eq", _comparison("equal", "Return whether the elements are equal, one by one."))
ne = _named("ne", _comparison("not_equal", "Return whether the elements differ, one by one."))
lt = _named("lt", _comparison("less", "Return whether `input < other`, one by one."))
le = _named("le", _comparison("less_equal", "Return whether `input <= other`, one by one."))
gt = _named("gt", _comparison("greater", "Return whether `input > other`, one by one."))
ge = _named("ge", _comparison("greater_equal", "Return whether `input >= other`, one by one."))
logical_and = _named("logical_and", _comparison("logical_and", "Return whether both are true."))
logical_or = _named("logical_or", _comparison("logical_or", "Return whether one of the two is true."))
logical_xor = _named("logical_xor", _comparison("logical_xor", "Return whether just one of the two is true."))
bitwise_and = _named("bitwise_and", _comparison("bitwise_and", "Return the bits set in both."))
bitwise_or = _named("bitwise_or", _comparison("bitwise_or", "Return the bits set in one of the two."))
bitwise_xor = _named("bitwise_xor", _comparison("bitwise_xor", "Return the bits set in just one of the two."))
_NOT = Operation("", fnp.logical_not)
_INVERT = Operation("", fnp.invert)


def logical_not(input: Tensor) -> Tensor:
    """Return whether the elements are zero."""
    return apply(_NOT, (input,))


def bitwise_not(input: Tensor) -> Tensor:
    """Return the bits inverted; `not` of booleans."""
    return apply(_INVERT, (input,))


for _function in (add, sub, mul, div, floor_divide, remainder, fmod, pow, neg, multiply, divide, subtract, true_divide,
                  negative, eq, ne, lt, le, gt, ge, logical_and, logical_or, logical_xor, logical_not, bitwise_and,
                  bitwise_or, bitwise_xor, bitwise_not):
    method(_function)


def _operators() -> None:
    """Attach Python's operators to Tensor."""
    plain = {"add": _ADD, "mul": _MUL, "truediv": _DIV, "floordiv": _FLOOR, "mod": _REMAINDER}
    for name, op in plain.items():

        def forward(x, y, op=op):
            return _binary(op, x, y)

        def reflected(x, y, op=op):
            return NotImplemented if not isinstance(y, _NUMBERS) else apply(op, (y, x))

        setattr(Tensor, f"__{name}__", forward)
        setattr(Tensor, f"__r{name}__", reflected)
    functions = {"and": bitwise_and, "or": bitwise_or, "xor": bitwise_xor, "sub": sub, "pow": pow, "eq": eq, "ne": ne,
                 "lt": lt, "le": le, "gt": gt, "ge": ge}
    for name, function in functions.items():

        def called(x, y, function=function):
            return function(x, y) if isinstance(y, (Tensor, *_NUMBERS)) else NotImplemented

        setattr(Tensor, f"__{name}__", called)
    for name, function in {"rsub": rsub, "rpow": lambda x, y: pow(y, x), "rand": bitwise_and, "ror": bitwise_or,
                           "rxor": bitwise_xor}.items():

        def flipped(x, y, function=function):
            return function(x, y) if isinstance(y, _NUMBERS) else NotImplemented

        setattr(Tensor, f"__{name}__", flipped)
    Tensor.__neg__ = neg  # type: ignore[attr-defined]
    Tensor.__pos__ = lambda x: x  # type: ignore[attr-defined]
    Tensor.__abs__ = lambda x: x.abs()  # type: ignore[attr-defined]
    Tensor.__invert__ = bitwise_not  # type: ignore[attr-defined]


_operators()


def _reciprocal_of(x, y):
    """Return `y / x` as PyTorch does: the reciprocal, times the number."""
    return mul(x.reciprocal(), y) if isinstance(y, _NUMBERS) else NotImplemented


Tensor.__rtruediv__ = _reciprocal_of  # type: ignore[attr-defined]


# In place. The functions are the same; `in_place` sees to memory and history.

_WRITTEN = {"add": add, "sub": sub, "mul": mul, "div": div, "floor_divide": floor_divide, "remainder": remainder,
            "fmod": fmod, "pow": pow, "neg": neg, "multiply": mul, "divide": div, "subtract": sub, "true_divide": div}
for _name, _function in _WRITTEN.items():

    def _in_place(x, *args, function=_function, **kwargs):
        return in_place(x, function, *args, **kwargs)

    _in_place.__doc__ = f"Do as `{_name}`, in the memory of this tensor."
    setattr(Tensor, f"{_name}_", _named(f"{_name}_", _in_place))
for _name, _function in {"iadd": add, "isub": sub, "imul": mul, "itruediv": div, "ifloordiv": floor_divide,
                         "imod": remainder, "ipow": pow, "iand": bitwise_and, "ior": bitwise_or,
                         "ixor": bitwise_xor}.items():

    def _augmented(x, y, function=_function):
        return in_place(x, function, y) if isinstance(y, (Tensor, *_NUMBERS)) else NotImplemented

    setattr(Tensor, f"__{_name}__", _augmented)
