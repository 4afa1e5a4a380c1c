"""Values on their way into an array: converted, or refused, as NumPy converts what is assigned."""

from typing import Any

import numpy as np

from funcgrad.core.reach import holds_tracer
from funcgrad.core.tracer import Tracer
from funcgrad.core.types import dtype_of, shape_of, type_of
from funcgrad.core.weakness import is_weak
from funcgrad.errors import DTypeError, ShapeError
from funcgrad.numpy.arguments import as_array, astype
from funcgrad.primitives.indexing import Key, indexed_shape

__all__ = ["as_written", "element_written"]


def as_written(x: Any, value: Any, basic: Key | None = None) -> Any:
    """Return a value as it is written into `x`, at a basic key or at an array of places.

    NumPy converts numbers and lists by other rules than arrays: nan is no integer, 300 no int8 and 1j
    no float. So it converts them here as well.
    """
    dtype = dtype_of(x)
    if type(value) is np.ndarray or type(value) is Tracer:
        if is_weak(value) and value.dtype.kind == "c" and dtype.kind not in "cb":
            raise DTypeError(f"assignment: expected a real number for {type_of(x)}, got {type_of(value)}.")
        return value if value.dtype == dtype else astype(value, dtype)
    if type(value) is float and dtype == np.float64:
        return value
    if isinstance(value, (list, tuple)) and holds_tracer(value):
        return astype(as_array(value), dtype)
    try:
        if basic is None:
            return (
                np.asarray(value).astype(dtype) if isinstance(value, np.generic) else np.array(value, dtype)
            )
        held = np.empty(indexed_shape(type_of(x), basic) if np.ndim(value) else (1,), dtype)
        held[...] = value
    except (TypeError, ValueError, OverflowError) as error:
        raise _refused(x, value, error) from None
    return held if np.ndim(value) else held[0]


def element_written(x: Any, value: Any) -> Any:
    """Return a value as it is written into one element of `x`, by NumPy's rules for that."""
    held = np.zeros(1, dtype_of(x))
    traced = type(value) is Tracer
    if traced and not shape_of(value):
        return value
    if isinstance(value, (list, tuple)) and holds_tracer(value):
        value, traced = as_array(value), True
    try:
        held[0] = np.zeros(shape_of(value), dtype_of(value)) if traced else value
    except (TypeError, ValueError, OverflowError) as error:
        raise _refused(x, value, error) from None
    return value if traced or (type(value) is float and held.dtype == np.float64) else held[0]


def _refused(x, value, error):
    """Return the error for a value that NumPy does not convert, of the class NumPy raises."""
    kind = DTypeError if isinstance(error, TypeError) else ShapeError
    return (_Overflow if isinstance(error, OverflowError) else kind)(
        f"assignment: expected a value for {type_of(x)}, got {value!r}: {str(error).rstrip('.')}.",
        hint=f"convert it first: np.asarray(value).astype(np.{dtype_of(x).name}).",
    )


class _Overflow(ShapeError, OverflowError):
    """What NumPy raises as OverflowError."""
