"""The functions that write into their first argument: put, place, putmask, copyto, fill_diagonal, ..."""

from typing import Any

import numpy as np

from funcgrad.core.inplace import write
from funcgrad.core.tracer import Tracer
from funcgrad.core.types import shape_of, type_of
from funcgrad.errors import DTypeError, InPlaceError, ShapeError
from funcgrad.numpy.arguments import as_array, astype, fit, implements, judged
from funcgrad.numpy.indexing import setitem, updated
from funcgrad.numpy.rearranging import resize
from funcgrad.numpy.selection import along_axis, take
from funcgrad.numpy.shaping import flat, ravel
from funcgrad.numpy.writing import as_written
from funcgrad.primitives import logic
from funcgrad.primitives.arithmetic import remainder
from funcgrad.primitives.broadcasting import reshape
from funcgrad.primitives.cumulative import cumsum

__all__ = ["copyto", "fill_diagonal", "place", "put", "put_along_axis", "putmask"]


def _target(name, x, *values):
    """Return whether `x` is traced; refuse traced values for a plain array."""
    if type(x) is Tracer:
        return True
    for value in values:
        if type(as_array(value)) is Tracer:
            raise InPlaceError(
                f"{name}: a traced value must not be written into a plain array, got {type_of(x)}.",
                hint="make the array by funcgrad.numpy within the function (fg.numpy.zeros(n), fg.numpy.array(plain)), or from a "
                "traced one (np.zeros_like(x), x.copy()).",
            )
    return False


@implements(np.copyto)
def copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    """Write `src` into `dst` where `where` holds."""
    if not _target("copyto", dst, src, where):
        return np.copyto(dst, src, casting, where)
    value = src if isinstance(src, (Tracer, np.ndarray)) else np.asarray(as_written(dst, src))
    judged("copyto", np.copyto, dst, value, casting, where)
    value = astype(value, dst.dtype)
    _check_fits("copyto", value, dst)
    write(dst, fit(value if where is True else logic.select(as_array(where), value, dst), dst.shape))
    return None


def _check_fits(name, value, x):
    try:
        fits = np.broadcast_shapes(shape_of(value), x.shape) == x.shape
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError(f"{name}: expected values that broadcast to {type_of(x)}, got {type_of(value)}.")


@implements(np.put)
def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    """Write `v`, repeated as needed, at the places `ind` of the flattened `a`."""
    if not _target("put", a, ind, v):
        return np.put(a, ind, v, mode)
    places = ravel(as_array(ind))
    if isinstance(mode, int) and 0 <= mode < 3:
        mode = ("clip", "wrap", "raise")[mode]  # NumPy's numbers for them
    if mode not in ("raise", "wrap", "clip"):
        raise ShapeError(f"put: expected mode 'raise', 'wrap' or 'clip', got {mode!r}.")
    if mode != "raise":
        n = a.size
        places = remainder(places, n) if mode == "wrap" else logic.minimum(logic.maximum(places, 0), n - 1)
    if len(places):
        v = as_array(as_written(a, v))
        if type_of(v).size:
            setitem(flat(a), places, resize(v, len(places)))
    return None


def _check_count(count, values):
    """Ask NumPy, which refuses values of another number than the indices from some version on."""
    try:
        np.put_along_axis(np.zeros(1), np.zeros(count, int), np.zeros(shape_of(values)), None)
    except ValueError:
        raise ShapeError(
            f"put_along_axis: expected a value for each of {count} indices, got {type_of(values)}."
        ) from None


@implements(np.place)
def place(arr: Any, mask: Any, vals: Any) -> None:
    """Write the first of `vals`, repeated as needed, into the places of `arr` where `mask` holds."""
    if not _target("place", arr, mask, vals):
        return np.place(arr, mask, vals)
    mask, vals = astype(as_array(mask), bool), ravel(as_array(vals))
    if not np.can_cast(vals.dtype, arr.dtype, "safe"):
        raise DTypeError(f"place: expected values that cast safely to {type_of(arr)}, got {type_of(vals)}.")
    if shape_of(mask) != arr.shape:
        raise ShapeError(f"place: expected a mask of shape {arr.shape}, got {type_of(mask)}.")
    if not len(vals):
        raise ShapeError("place: expected at least one value, got none.")
    count = cumsum(astype(reshape(mask, shape=(arr.size,)), int), axis=0, reverse=False)
    number = reshape(remainder(count - 1, len(vals)), shape=arr.shape)
    write(arr, logic.select(mask, astype(take(vals, number), arr.dtype), arr))
    return None


@implements(np.putmask)
def putmask(a: Any, mask: Any, values: Any) -> None:
    """Write into `a` where `mask` holds the elements of `values`, repeated, at the same places."""
    if not _target("putmask", a, mask, values):
        return np.putmask(a, mask, values)
    mask = astype(as_array(mask), bool)
    if shape_of(mask) != a.shape:
        raise ShapeError(f"putmask: expected a mask of shape {a.shape}, got {type_of(mask)}.")
    values = (
        as_array(values) if isinstance(values, (Tracer, np.ndarray)) else np.asarray(as_written(a, values))
    )
    if not np.can_cast(values.dtype, a.dtype, "safe"):
        raise DTypeError(f"putmask: expected values that cast safely to {type_of(a)}, got {type_of(values)}.")
    if not type_of(values).size:
        return None
    write(a, logic.select(mask, astype(resize(values, a.shape), a.dtype), a))
    return None


@implements(np.put_along_axis)
def put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None) -> None:
    """Write `values` into `arr` along `axis`, each row at the row of `indices` that matches it."""
    if not _target("put_along_axis", arr, indices, values):
        return np.put_along_axis(arr, indices, values, axis)
    if axis is None:
        places, values = ravel(as_array(indices)), as_array(values)
        if shape_of(values) not in ((), (len(places),)):
            _check_count(len(places), values)
        setitem(flat(arr), places, resize(values, len(places)))
    else:
        key = along_axis("put_along_axis", arr, as_array(indices), axis)
        write(arr, updated(arr, key, values))
    return None


@implements(np.fill_diagonal)
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    """Write `val`, repeated as needed, on the diagonal of `a`: the elements with all indices equal."""
    if not _target("fill_diagonal", a, val):
        return np.fill_diagonal(a, val, wrap)
    if a.ndim < 2 or (a.ndim > 2 and len(set(a.shape)) != 1):
        raise ShapeError(
            f"fill_diagonal: expected a matrix, or an array with all axes of one size, got {type_of(a)}."
        )
    step = 1 + sum(int(np.prod(a.shape[d + 1 :])) for d in range(a.ndim - 1))
    end = a.size if wrap or a.ndim > 2 else min(a.size, a.shape[1] * a.shape[1])
    count = len(range(0, end, step))
    if count and type_of(as_array(val)).size:
        setitem(flat(a), slice(0, end, step), resize(as_array(as_written(a, val)), count))
    return None
