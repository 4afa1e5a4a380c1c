"""What every function of the namespace does with its arguments: accept arrays, numbers and nested lists."""

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcgrad.core.tracer import FUNCTIONS, Tracer
from funcgrad.core.types import ArrayType, dtype_of, refuse_masked, shape_of, type_of
from funcgrad.errors import DTypeError, ShapeError
from funcgrad.primitives.broadcasting import broadcast_to, reshape
from funcgrad.primitives.shape import concatenate, convert, to_integer

__all__ = [
    "as_array",
    "as_axes",
    "as_axis",
    "as_operand",
    "astype",
    "implements",
    "no_out",
    "promoted",
    "stacked",
]

_OPERANDS = frozenset(
    {np.ndarray, Tracer, float, int, complex, bool, np.float64, np.float32, np.int64, np.bool_}
)


def implements(*functions: Callable) -> Callable:
    """Register what follows as the implementation of these NumPy functions on traced arrays."""

    def register(implementation: Callable) -> Callable:
        for function in functions:
            FUNCTIONS[function] = implementation
        return implementation

    return register


def as_operand(x: Any) -> Any:
    """Return `x` as something an elementwise primitive takes: an array, a tracer or a number."""
    if type(x) in _OPERANDS:
        return x
    if isinstance(x, (np.generic, int, float, complex)):
        return x
    return as_array(x)


def as_array(x: Any) -> Any:
    """Return `x` as an array or tracer; nested lists may hold tracers.

    Raises:
        DTypeError: when `x` holds anything but numbers.
    """
    if type(x) is np.ndarray or type(x) is Tracer:
        return x
    if isinstance(x, (list, tuple)) and _holds_tracer(x):
        return stacked([as_array(item) for item in x], 0)
    refuse_masked("funcgrad.numpy", x)
    y = np.asarray(x)
    if y.dtype.kind not in "biufc":
        raise DTypeError(
            f"funcgrad.numpy: expected numbers, got {type(x).__name__} of dtype {y.dtype}.",
            hint="pass numeric arrays, numbers or nested lists of them.",
        )
    return y


def _holds_tracer(x):
    return any(
        type(item) is Tracer or (isinstance(item, (list, tuple)) and _holds_tracer(item)) for item in x
    )


def stacked(arrays: Sequence[Any], axis: int) -> Any:
    """Join arrays of one shape along a new axis."""
    dtype = np.result_type(*map(dtype_of, arrays))  # as arrays: no number is weak
    shape = shape_of(arrays[0])
    for x in arrays:
        if shape_of(x) != shape:
            raise ShapeError(
                f"stack: expected arrays of one shape, got {ArrayType(shape, dtype)} and {type_of(x)}."
            )
    widened = (*shape[:axis], 1, *shape[axis:])
    return concatenate(*[reshape(astype(x, dtype), shape=widened) for x in arrays], axis=axis)


def astype(x: Any, dtype: Any) -> Any:
    """Return `x` as `dtype`; conversions to integers and bools have zero derivative."""
    dtype = np.dtype(dtype)
    if dtype_of(x) == dtype and not type_of(x).weak:
        return x
    if dtype.kind not in "biufc":
        raise DTypeError(f"astype: expected a numeric dtype, got {dtype}.")
    return convert(x, dtype=dtype) if dtype.kind in "fc" else to_integer(x, dtype=dtype)


def promoted(*arrays: Any) -> list[Any]:
    """Return the arrays converted to their common dtype."""
    dtype = np.result_type(*map(dtype_of, arrays))
    return [astype(x, dtype) for x in arrays]


def as_axis(name: str, axis: Any, ndim: int) -> int:
    """Return a static axis counted from 0.

    Raises:
        ShapeError: when it is out of range.
    """
    try:
        number = operator.index(axis)
    except TypeError:
        raise DTypeError(f"{name}: expected an integer axis, got {axis!r}.") from None
    if not -ndim <= number < ndim:
        raise ShapeError(f"{name}: expected an axis of an array with {ndim} axes, got axis {number}.")
    return number % ndim


_ALL_AXES = [tuple(range(ndim)) for ndim in range(65)]


def as_axes(name: str, axis: Any, ndim: int) -> tuple[int, ...]:
    """Return static axes counted from 0, sorted; None means all of them."""
    if axis is None:
        return _ALL_AXES[ndim]
    if type(axis) is int:
        if -ndim <= axis < ndim:
            return (axis % ndim,)
        return (as_axis(name, axis, ndim),)
    if isinstance(axis, (tuple, list)):
        axes = tuple(sorted(as_axis(name, a, ndim) for a in axis))
        if len(set(axes)) != len(axes):
            raise ShapeError(f"{name}: expected each axis once, got {tuple(axis)}.")
        return axes
    return (as_axis(name, axis, ndim),)


def no_out(name: str, out: Any) -> None:
    """Refuse `out=`, which would write a traced result into a plain array."""
    if out is not None:
        raise DTypeError(
            f"{name}: expected no out= with traced arrays, got out: {type(out).__name__}.",
            hint=f"assign the result instead: y = {name}(...), or y[...] = {name}(...).",
        )


def fit(x: Any, shape: tuple[int, ...]) -> Any:
    """Return `x` broadcast to `shape`."""
    return x if shape_of(x) == shape else broadcast_to(x, shape=shape)
