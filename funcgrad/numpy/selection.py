"""Choosing elements: where, select, choose, clip, take, compress, piecewise, the places of nonzeros."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcgrad.core.inplace import own
from funcgrad.core.tracer import UFUNCS, Tracer, concrete, is_concrete
from funcgrad.core.types import broadcast_shapes, dtype_of, promote, shape_of, type_of
from funcgrad.errors import DTypeError, ShapeError
from funcgrad.numpy import reductions
from funcgrad.numpy.arguments import as_array, as_axis, as_operand, astype, fit, implements, no_out
from funcgrad.numpy.chosen import places
from funcgrad.numpy.creation import zeros_like
from funcgrad.numpy.diagonals import diagonal
from funcgrad.numpy.indexing import getitem
from funcgrad.numpy.joining import stack
from funcgrad.numpy.shaping import broadcast_arrays, ravel
from funcgrad.numpy.static_arguments import known
from funcgrad.primitives import logic
from funcgrad.primitives.arithmetic import remainder

__all__ = [
    "argwhere",
    "choose",
    "clip",
    "compress",
    "extract",
    "flatnonzero",
    "nonzero",
    "piecewise",
    "select",
    "take",
    "take_along_axis",
    "trace",
    "where",
]

_NONE = object()  # an argument that was not given


@implements(np.where)
def where(condition: Any, x: Any = _NONE, y: Any = _NONE, /) -> Any:
    """Return x where `condition`, else y; with one argument, the places where it is true.

    Derivative: the branch not taken gets exactly 0, even where its own derivative is infinite.
    """
    if x is _NONE and y is _NONE:
        return nonzero(condition)
    if x is _NONE or y is _NONE:
        raise DTypeError("where: expected both x and y, or neither, got one.")
    return logic.select(as_operand(condition), as_operand(x), as_operand(y))


@implements(np.nonzero)
def nonzero(a: Any) -> tuple[np.ndarray, ...]:
    """Return the places of the elements that are not zero, one array an axis.

    Where values are not known while tracing, how many places there are is not known either: x[places], elementwise
    functions, sums and x[places] = f(x[places]) can be traced, what needs their number is an error.
    """
    a = as_array(a)
    if type(a) is Tracer and a.ndim and not is_concrete(a):
        return places(astype(a, bool))
    return np.nonzero(known("nonzero", "an array", a))


@implements(np.flatnonzero)
def flatnonzero(a: Any) -> np.ndarray:
    """Return the places in the flattened array of the elements that are not zero; see `nonzero`."""
    a = as_array(a)
    return nonzero(a if a.ndim == 1 else ravel(a))[0]


@implements(np.argwhere)
def argwhere(a: Any) -> np.ndarray:
    """Return the places of the elements that are not zero, one row each; values must be known."""
    return np.argwhere(known("argwhere", "an array", as_array(a)))


@implements(np.select)
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Any:
    """Return, for each element, the choice of the first condition that holds, else `default`."""
    if len(condlist) != len(choicelist) or not condlist:
        raise ShapeError(
            f"select: expected as many choices as conditions, at least one, "
            f"got {len(choicelist)} and {len(condlist)}."
        )
    conditions = [as_array(c) for c in condlist]
    for c in conditions:
        if dtype_of(c).kind != "b":
            raise DTypeError(f"select: expected conditions of dtype bool, got {type_of(c)}.")
    choices = [as_operand(x) for x in (*choicelist, default)]
    dtype = promote(*map(type_of, choices))
    shape = broadcast_shapes("select", *map(type_of, (*conditions, *choices)))
    y = astype(choices.pop(), dtype)
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        y = logic.select(condition, astype(choice, dtype), y)
    return fit(y, shape)


@implements(np.choose)
def choose(a: Any, choices: Any, out: None = None, mode: str = "raise") -> Any:
    """Return, for each element of the integers `a`, the element there of the choice of that number."""
    no_out("choose", out)
    a = as_array(a)
    a = astype(a, np.intp) if a.dtype.kind == "b" else a
    if not len(choices):
        raise ShapeError("choose: expected at least one choice, got none.")
    arrays = broadcast_arrays(a, *choices)[1:]
    numbers = _wrapped("choose", a, len(arrays), mode)
    return take_along_axis(stack(arrays), fit(numbers, arrays[0].shape)[None], 0)[0]


def _wrapped(name, indices, n, mode):
    """Return indices below n: as they are, counted modulo n, or moved to the nearest one."""
    if isinstance(mode, int) and 0 <= mode < 3:
        mode = ("clip", "wrap", "raise")[mode]  # NumPy's numbers for them
    if mode == "wrap":
        return remainder(indices, n)
    if mode == "clip":
        return logic.minimum(logic.maximum(indices, 0), n - 1)
    if mode != "raise":
        raise DTypeError(f"{name}: expected mode 'raise', 'wrap' or 'clip', got {mode!r}.")
    least = 0 if name == "choose" else -n
    if is_concrete(indices) and np.any((concrete(indices) < least) | (concrete(indices) >= n)):
        raise _OutOfRange(
            f"{name}: expected indices within {n}, got {np.asarray(concrete(indices)).tolist()}."
        )
    if name == "choose" and not is_concrete(indices) and indices.dtype.kind == "i":
        return logic.select(logic.less(indices, 0), n, indices)  # which is found out of range when it runs
    return indices


class _OutOfRange(ShapeError, IndexError):
    """What NumPy raises as IndexError, or as ValueError."""


@implements(np.clip)
def clip(
    a: Any,
    a_min: Any = np._NoValue,
    a_max: Any = np._NoValue,
    out: None = None,
    *,
    min: Any = np._NoValue,
    max: Any = np._NoValue,
    **details: Any,
) -> Any:
    """Return `a` limited to the interval from a_min to a_max, either of which may be None.

    Derivative: 1 within, 0 outside, 1/2 on a bound.
    """
    no_out("clip", out)
    low, high = _bounds(a_min, a_max, min, max)
    y = as_array(a)
    if low is None and high is None and y.dtype.kind == "b":
        raise DTypeError(f"clip: expected bounds for {type_of(y)}, got none.")
    if y.dtype.kind in "iu":  # a Python int that bounds nothing need not fit
        limits = np.iinfo(y.dtype)
        low = None if type(low) is int and low <= limits.min else low
        high = None if type(high) is int and high >= limits.max else high
    if low is not None:
        y = logic.maximum(as_operand(low), y)
    if high is not None:
        y = logic.minimum(as_operand(high), y)
    return y.copy() if low is None and high is None else y


def _bounds(a_min, a_max, low, high):
    """Return the bounds by either pair of names; NumPy wants both of the first, and no name twice."""
    missing = np._NoValue
    if a_min is missing and a_max is missing:
        return (None if low is missing else low), (None if high is missing else high)
    if a_min is missing or a_max is missing:
        raise DTypeError("clip: expected both a_min and a_max, got one.", hint="None stands for no bound.")
    if low is not missing or high is not missing:
        raise ShapeError("clip: expected a_min and a_max, or min and max, got some of both.")
    return a_min, a_max


UFUNCS["clip"] = clip  # which a plain array's method clip calls


@implements(np.take)
def take(a: Any, indices: Any, axis: int | None = None, out: None = None, mode: str = "raise") -> Any:
    """Return the elements of `a` at `indices` along `axis` (of the flattened array, if it is None)."""
    no_out("take", out)
    a = as_array(a)
    if axis is None:
        a, axis = ravel(a), 0
    axis = as_axis("take", axis, a.ndim)
    indices = as_array(indices)
    if indices.dtype.kind not in "iu":
        if type_of(indices).size or indices.dtype.kind == "b":
            raise DTypeError(f"take: expected integer indices, got {type_of(indices)}.")
        indices = astype(indices, np.intp)
    indices = _wrapped("take", indices, a.shape[axis], mode)
    return own(getitem(a, (*(slice(None),) * axis, indices)))


@implements(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """Return elements of `arr` along `axis`, each row by the row of `indices` that matches it."""
    if not isinstance(indices, (Tracer, np.ndarray)):
        raise DTypeError(f"take_along_axis: expected an array of integers, got {type(indices).__name__}.")
    arr, indices = as_array(arr), as_array(indices)
    if axis is None:
        arr, axis = ravel(arr), 0
    return getitem(arr, along_axis("take_along_axis", arr, indices, axis))


def along_axis(name: str, arr: Any, indices: Any, axis: int) -> tuple:
    """Return the key of `arr` that names, for each row along `axis`, the elements at its row of indices."""
    axis = as_axis(name, axis, arr.ndim)
    if indices.ndim != arr.ndim:
        raise ShapeError(
            f"{name}: expected indices with as many axes as the array, got {type_of(arr)} and {type_of(indices)}."
        )
    grids = np.ogrid[tuple([slice(n) for n in arr.shape])]
    return tuple([indices if d == axis else grids[d] for d in range(arr.ndim)])


@implements(np.compress)
def compress(condition: Any, a: Any, axis: int | None = None, out: None = None) -> Any:
    """Return the slices of `a` along `axis` for which the condition holds; see `nonzero`."""
    condition = as_array(condition)
    if condition.ndim != 1:
        raise ShapeError(f"compress: expected a vector of conditions, got {type_of(condition)}.")
    return take(a, flatnonzero(condition), axis, out)


@implements(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    """Return the elements of `arr`, flattened, for which `condition` holds; see `nonzero`."""
    return getitem(ravel(as_array(arr)), flatnonzero(condition))


@implements(np.trace)
def trace(
    a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: None = None
) -> Any:
    """Return the sum of the elements on a diagonal."""
    return reductions.sum(diagonal(a, offset, axis1, axis2), -1, dtype, out)


@implements(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Sequence[Callable | float], *args: Any, **kw: Any) -> Any:
    """Return f(x) where its condition holds, with the last f that fits, or 0 where none does.

    Where the conditions are known each function sees only its own elements; under jit and vmap it
    sees all of them, and `where` chooses.
    """
    x = as_array(x)
    conditions = [as_array(c) for c in _condition_list(condlist, x)]
    if len(funclist) not in (len(conditions), len(conditions) + 1):
        raise ShapeError(
            f"piecewise: expected a function for each of {len(conditions)} conditions, and perhaps one more, "
            f"got {len(funclist)}."
        )
    if len(funclist) == len(conditions) + 1:
        conditions.append(logic.logical_not(reductions.any(stack(conditions), 0)))
    y = zeros_like(x)
    for condition, f in zip(conditions, funclist, strict=True):
        if not callable(f):
            y = logic.select(condition, astype(as_array(f), x.dtype), y)
        elif not is_concrete(condition):
            y = logic.select(condition, astype(as_array(f(x, *args, **kw)), x.dtype), y)
        elif np.any(concrete(condition)):
            y = _piece(y, x, np.asarray(concrete(condition)), lambda x, f=f: f(x, *args, **kw))
    return y


def _condition_list(condlist, x):
    single = np.isscalar(condlist) or type(condlist) is Tracer or isinstance(condlist, np.ndarray)
    if single:
        return [condlist] if len(shape_of(condlist)) <= x.ndim else list(condlist)
    if condlist and isinstance(condlist[0], (bool, np.bool_)) and x.ndim:
        return [condlist]
    return condlist


def _piece(y, x, condition, f):
    if x.ndim == 0:
        return astype(as_array(f(x)), x.dtype)
    value = as_array(f(x[condition]))
    if type(value) is not Tracer and type(y) is not Tracer:
        y = np.array(y)
        y[condition] = value
        return y
    from_place = np.cumsum(condition).reshape(condition.shape) - 1
    spread = take(value, np.maximum(from_place, 0)) if value.ndim else value
    return logic.select(condition, astype(spread, x.dtype), y)
