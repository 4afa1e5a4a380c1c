"""What every function of the namespace does with its arguments: accept arrays, numbers and nested lists."""

import functools
import operator
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcgrad.core.reach import holds_tracer
from funcgrad.core.tracer import FUNCTIONS, Tracer
from funcgrad.core.types import ArrayType, dtype_of, refuse_subclass, shape_of, type_of
from funcgrad.errors import DTypeError, FuncgradError, ShapeError
from funcgrad.primitives.broadcasting import broadcast_to, reshape
from funcgrad.primitives.shape import concatenate, convert, to_integer

__all__ = [
    "as_array",
    "as_axes",
    "as_axis",
    "as_operand",
    "astype",
    "fit",
    "implements",
    "judged",
    "no_out",
    "promoted",
    "single_axis",
    "stacked",
]

_OPERANDS = frozenset(
    {np.ndarray, Tracer, float, int, complex, bool, np.float64, np.float32, np.int64, np.bool_}
)


def implements(original: Callable, *others: Callable) -> Callable:
    """Register what follows as these functions of NumPy on traced arrays; plain ones go to `original`.

    So a call without a traced value has NumPy's answer by construction, and is refused where NumPy
    refuses it, in the implementation's words where it has any.
    """

    def register(implementation: Callable) -> Callable:
        for function in (original, *others):
            FUNCTIONS[function] = implementation

        @functools.wraps(implementation)
        def public(*args: Any, **kwargs: Any) -> Any:
            if args and type(args[0]) is Tracer:  # by far the most frequent call
                return implementation(*args, **kwargs)
            if holds_tracer(args) or holds_tracer(kwargs.values()):
                return implementation(*args, **kwargs)
            try:
                return original(*args, **kwargs)
            except np.linalg.LinAlgError:
                raise
            except (TypeError, ValueError, IndexError, RuntimeError) as error:
                raise _in_our_words(implementation, args, kwargs, error) from None

        return public

    return register


def _in_our_words(implementation, args, kwargs, error):
    """Return the implementation's error for a call that NumPy refuses, or else NumPy's own."""
    try:
        implementation(*args, **kwargs)
    except FuncgradError as ours:
        return ours
    except Exception:  # it knows no better than NumPy did
        return error
    return error


def judged(name: str, original: Callable, *args: Any, **kwargs: Any) -> Any:
    """Return what NumPy's `original` gives for arrays of the same axes and dtypes with at most one element.

    NumPy is the judge of what may be asked (an axis, a dtype, a casting, an order, a mask), and of the
    dtype of the answer; a sample of the arguments shows it without the work.

    Raises:
        DTypeError: where NumPy raises a TypeError.
        ShapeError: where NumPy raises a ValueError or an IndexError.
    """
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return original(*[_sample(x) for x in args], **{k: _sample(x) for k, x in kwargs.items()})
    except (TypeError, ValueError, IndexError, OverflowError) as error:
        kind = DTypeError if isinstance(error, TypeError) else ShapeError
        shown = ", ".join(
            [_shown(x) for x in args if _shown(x)] + [f"{k}={_shown(x) or x!r}" for k, x in kwargs.items()]
        )
        reason = str(error).splitlines()[0].rstrip(".")
        raise kind(f"{name}: expected what NumPy takes ({reason}), got {shown}.") from None


def _sample(x):
    if isinstance(x, (Tracer, np.ndarray)):
        # (A size that is not known while tracing is no int, and not known to be 0.)
        return np.ones([min(n, 1) if type(n) is int else 1 for n in x.shape], x.dtype)
    if isinstance(x, (list, tuple)) and any(isinstance(item, (Tracer, np.ndarray)) for item in x):
        return type(x)([_sample(item) for item in x])
    return x


def _shown(x):
    return str(type_of(x)) if isinstance(x, (Tracer, np.ndarray, np.generic)) else ""


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
    if isinstance(x, (list, tuple)) and holds_tracer(x):
        return stacked([as_array(item) for item in x], 0)
    refuse_subclass("funcgrad.numpy", x)
    y = np.asarray(x)
    if y.dtype.kind not in "biufc":
        raise DTypeError(
            f"funcgrad.numpy: expected numbers, got {type(x).__name__} of dtype {y.dtype}.",
            hint="pass numeric arrays, numbers or nested lists of them.",
        )
    return y


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


def single_axis(name: str, axis: Any, ndim: int) -> int:
    """Return a static axis counted from 0, where NumPy takes no bool for one."""
    if isinstance(axis, bool):
        raise DTypeError(f"{name}: expected an integer axis, got {axis!r}.")
    return as_axis(name, axis, ndim)


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
