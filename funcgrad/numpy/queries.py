"""Questions about arrays: shape, size, dtype, closeness, kinds of number. Their answers are not traced
where they follow from the shape and dtype."""

import math
from typing import Any

import numpy as np

from funcgrad.core.tracer import Tracer
from funcgrad.core.types import dtype_of, shape_of, type_of
from funcgrad.errors import DTypeError
from funcgrad.numpy import reductions
from funcgrad.numpy.arguments import as_array, as_axes, as_operand, fit, implements, judged, no_out
from funcgrad.numpy.arguments import astype as converted
from funcgrad.primitives import logic
from funcgrad.primitives.arithmetic import absolute, imag

__all__ = [
    "allclose",
    "array_equal",
    "array_equiv",
    "astype",
    "can_cast",
    "common_type",
    "isclose",
    "iscomplex",
    "iscomplexobj",
    "isneginf",
    "isposinf",
    "isreal",
    "isrealobj",
    "min_scalar_type",
    "ndim",
    "result_type",
    "shape",
    "size",
]


@implements(np.ndim)
def ndim(a: Any) -> int:
    """Return the number of axes."""
    return len(shape(a))


@implements(np.shape)
def shape(a: Any) -> tuple[int, ...]:
    """Return the shape."""
    return shape_of(as_array(a))


@implements(np.size)
def size(a: Any, axis: int | tuple[int, ...] | None = None) -> int:
    """Return the number of elements, or the size along `axis`."""
    sizes = shape(a)
    judged("size", np.size, np.broadcast_to(False, sizes), axis)  # before 2.4, no several axes
    return math.prod(sizes[i] for i in as_axes("size", axis, len(sizes)))


def _dtype_or_number(x):
    """Return what NumPy's promotion takes for `x`: a Python number where it is a weak one."""
    if type(x) is not Tracer:
        return x
    kind = type_of(x)
    return kind.promotion(0) if kind.weak else kind.dtype


@implements(np.result_type)
def result_type(*arrays_and_dtypes: Any) -> np.dtype:
    """Return the dtype that NumPy's promotion gives for these arrays, numbers and dtypes."""
    return np.result_type(*map(_dtype_or_number, arrays_and_dtypes))


@implements(np.can_cast)
def can_cast(from_: Any, to: Any, casting: Any = "safe") -> bool:
    """Return whether a dtype, or that of an array, can be cast to another."""
    return np.can_cast(dtype_of(from_) if type(from_) is Tracer else from_, to, casting)


@implements(np.min_scalar_type)
def min_scalar_type(a: Any, /) -> np.dtype:
    """Return the smallest dtype for a plain number; the dtype of a traced array."""
    return dtype_of(a) if type(a) is Tracer else np.min_scalar_type(a)


@implements(np.common_type)
def common_type(*arrays: Any) -> type:
    """Return the floating or complex type common to the arrays."""
    return np.common_type(*[np.empty(0, dtype_of(as_array(x))) for x in arrays])


@implements(np.astype)
def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: str | None = None) -> Any:
    """Return `x` as `dtype`; conversions to ints and bools have zero derivative."""
    y = converted(as_array(x), dtype)
    return y.copy() if y is x and copy else y


@implements(np.iscomplexobj)
def iscomplexobj(x: Any) -> bool:
    """Return whether the dtype is complex."""
    return dtype_of(as_array(x)).kind == "c"


@implements(np.isrealobj)
def isrealobj(x: Any) -> bool:
    """Return whether the dtype is not complex."""
    return not iscomplexobj(x)


@implements(np.iscomplex)
def iscomplex(x: Any) -> Any:
    """Return, for each element, whether its imaginary part is not zero."""
    x = as_array(x)
    return logic.not_equal(imag(x), 0) if dtype_of(x).kind == "c" else np.zeros(x.shape, bool)[()]


@implements(np.isreal)
def isreal(x: Any) -> Any:
    """Return, for each element, whether its imaginary part is zero."""
    return logic.logical_not(iscomplex(x))


@implements(np.isposinf)
def isposinf(x: Any, out: None = None) -> Any:
    """Return, for each element, whether it is positive infinity."""
    return logic.equal(_ordered("isposinf", x, out), np.inf)


@implements(np.isneginf)
def isneginf(x: Any, out: None = None) -> Any:
    """Return, for each element, whether it is negative infinity."""
    return logic.equal(_ordered("isneginf", x, out), -np.inf)


def _ordered(name, x, out):
    no_out(name, out)
    x = as_array(x)
    if x.dtype.kind == "c":
        raise DTypeError(
            f"{name}: expected real numbers, which have one infinity of a sign, got {type_of(x)}."
        )
    return x


@implements(np.isclose)
def isclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Any:
    """Return, for each element, whether |a - b| <= atol + rtol |b|."""
    a, b = as_operand(a), as_operand(b)
    if dtype_of(b).kind == "b":
        b = converted(as_array(b), float)  # NumPy compares as it promotes with a float tolerance
    within = logic.less_equal(absolute(a - b), atol + rtol * absolute(b))
    close = logic.logical_or(logic.logical_and(within, logic.isfinite(b)), logic.equal(a, b))
    if equal_nan:
        close = logic.logical_or(close, logic.logical_and(logic.isnan(a), logic.isnan(b)))
    return close


def _plain_bool(x):
    """Return a Python bool where the value is known, as NumPy does, and else a traced one."""
    return x if type(x) is Tracer else bool(x)


@implements(np.allclose)
def allclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Any:
    """Return whether all elements are close; see `isclose`."""
    return _plain_bool(reductions.all(isclose(a, b, rtol, atol, equal_nan)))


@implements(np.array_equal)
def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    """Return whether two arrays have the same shape and elements."""
    a1, a2 = as_array(a1), as_array(a2)
    if a1.shape != a2.shape:
        return False
    same = logic.equal(a1, a2)
    if equal_nan:
        same = logic.logical_or(same, logic.logical_and(logic.isnan(a1), logic.isnan(a2)))
    return _plain_bool(reductions.all(same))


@implements(np.array_equiv)
def array_equiv(a1: Any, a2: Any) -> Any:
    """Return whether two arrays, broadcast to one shape, have the same elements."""
    a1, a2 = as_array(a1), as_array(a2)
    try:
        full = np.broadcast_shapes(a1.shape, a2.shape)
    except ValueError:
        return False
    return _plain_bool(reductions.all(logic.equal(fit(a1, full), fit(a2, full))))
