"""Joining and splitting: concatenate, the stacks, block, the splits, append, insert, delete."""

import itertools
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core.tracer import Tracer
from funcgrad.core.types import dtype_of, shape_of, type_of
from funcgrad.errors import ShapeError
from funcgrad.numpy.arguments import as_array, as_axis, astype, fit, implements, judged, no_out, single_axis
from funcgrad.numpy.creation import array
from funcgrad.numpy.rearranging import atleast_1d, atleast_2d, atleast_3d
from funcgrad.numpy.shaping import moveaxis, ravel
from funcgrad.numpy.static_arguments import known
from funcgrad.numpy.writing import as_written
from funcgrad.primitives import shape as rearranging
from funcgrad.primitives.broadcasting import reshape

__all__ = [
    "append",
    "array_split",
    "block",
    "column_stack",
    "concat",
    "concatenate",
    "delete",
    "dsplit",
    "dstack",
    "hsplit",
    "hstack",
    "insert",
    "split",
    "stack",
    "unstack",
    "vsplit",
    "vstack",
]


def _items(name, arrays):
    """Return the arrays of a sequence, or the rows of an array."""
    items = [as_array(x) for x in arrays]
    if not items:
        raise ShapeError(f"{name}: expected at least one array, got none.")
    return items


@implements(np.concatenate)
def concatenate(
    arrays: Any, /, axis: int | None = 0, out: None = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    """Join arrays along an existing axis (flattened, if `axis` is None)."""
    no_out("concatenate", out)
    items = _items("concatenate", arrays)
    if axis is None:
        if dtype is None:
            dtype = np.result_type(
                *[x if type(x) in (int, float, complex) else dtype_of(as_array(x)) for x in arrays]
            )
        items, axis = [ravel(x) for x in items], 0
    if items[0].ndim == 0:
        raise ShapeError(
            f"concatenate: expected arrays with at least one axis, got {type_of(items[0])}.",
            hint="use stack to join numbers.",
        )
    axis = single_axis("concatenate", axis, items[0].ndim)
    if dtype is None and casting == "same_kind":
        dtype = np.result_type(*map(dtype_of, items))
    else:
        flat = [np.empty(0, dtype_of(x)) for x in items]
        dtype = judged("concatenate", np.concatenate, flat, dtype=dtype, casting=casting).dtype
    return rearranging.concatenate(*[astype(x, dtype) for x in items], axis=axis)


concat = concatenate


@implements(np.stack)
def stack(
    arrays: Any, axis: int = 0, out: None = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    """Join arrays of one shape along a new axis."""
    items = _items("stack", arrays)
    shape = items[0].shape
    for x in items:
        if x.shape != shape:
            raise ShapeError(
                f"stack: expected arrays of one shape, got {type_of(items[0])} and {type_of(x)}."
            )
    axis = as_axis("stack", axis, len(shape) + 1)
    widened = (*shape[:axis], 1, *shape[axis:])
    return concatenate([reshape(x, shape=widened) for x in items], axis, out, dtype=dtype, casting=casting)


@implements(np.vstack)
def vstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    """Join arrays along axis 0; vectors are rows."""
    return concatenate([atleast_2d(x) for x in _items("vstack", tup)], 0, dtype=dtype, casting=casting)


@implements(np.hstack)
def hstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    """Join arrays along axis 1, and vectors along their only axis."""
    items = [atleast_1d(x) for x in _items("hstack", tup)]
    return concatenate(items, 0 if items[0].ndim == 1 else 1, dtype=dtype, casting=casting)


@implements(np.dstack)
def dstack(tup: Any) -> Any:
    """Join arrays along axis 2."""
    return concatenate([atleast_3d(x) for x in _items("dstack", tup)], 2)


@implements(np.column_stack)
def column_stack(tup: Any) -> Any:
    """Join vectors as the columns of a matrix."""
    items = [x if x.ndim > 1 else reshape(x, shape=(type_of(x).size, 1)) for x in _items("column_stack", tup)]
    return concatenate(items, 1)


@implements(np.block)
def block(arrays: Any) -> Any:
    """Join blocks given as nested lists: the innermost along the last axis, and so on outwards."""
    depth = _depth(arrays)
    ndim = max(depth, *(len(shape_of(as_array(x))) for x in _blocks(arrays)))

    def build(item, level):
        if level < depth:
            return concatenate([build(i, level + 1) for i in item], ndim - depth + level)
        x = as_array(item)
        return reshape(x, shape=(1,) * (ndim - x.ndim) + x.shape)

    return build(arrays, 0) if depth else array(arrays)


def _depth(arrays):
    if not isinstance(arrays, list):
        return 0
    depths = {_depth(item) for item in arrays}
    if len(depths) != 1:
        raise ShapeError("block: expected lists of one depth, none of them empty, got a mixture.")
    return depths.pop() + 1


def _blocks(arrays):
    return [x for item in arrays for x in _blocks(item)] if isinstance(arrays, list) else [arrays]


@implements(np.append)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    """Return `arr` with `values` at the end of `axis` (both flattened, if it is None)."""
    return concatenate((as_array(arr), as_array(values)), axis)


@implements(np.array_split)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Return views of the parts of `ary`: so many of nearly equal size, or cut at the given places."""
    return _parts("array_split", ary, indices_or_sections, axis)


def _parts(name, ary, where, axis, even=False):
    x = as_array(ary)
    axis = as_axis(name, axis, x.ndim)
    n = x.shape[axis]
    if isinstance(where, (Sequence, np.ndarray, Tracer)) and np.ndim(where):
        cuts = [operator.index(i) for i in np.asarray(known(name, "places", where)).tolist()]
    else:
        count = operator.index(where)
        if count < 1 or (even and n % count):
            raise ShapeError(
                f"{name}: expected a number of sections that divides axis {axis} of {type_of(x)}, got {count}."
            )
        size, extra = divmod(n, count)
        cuts = [i * size + min(i, extra) for i in range(1, count)]
    lead = (slice(None),) * axis
    bounds = [0, *cuts, n]
    return [x[(*lead, slice(a, b))] for a, b in itertools.pairwise(bounds)]


@implements(np.split)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """Return views of the parts of `ary`: so many of equal size, or cut at the given places."""
    return _parts("split", ary, indices_or_sections, axis, even=True)


def _split_along(name, ary, where, axis, least):
    x = as_array(ary)
    if x.ndim < least:
        raise ShapeError(f"{name}: expected an array with at least {least} axes, got {type_of(x)}.")
    return _parts(name, x, where, axis, even=True)


@implements(np.vsplit)
def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Return views of the parts of `ary` along axis 0."""
    return _split_along("vsplit", ary, indices_or_sections, 0, 2)


@implements(np.hsplit)
def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Return views of the parts of `ary` along axis 1, or along the only axis of a vector."""
    return _split_along("hsplit", ary, indices_or_sections, 1 if np.ndim(ary) > 1 else 0, 1)


@implements(np.dsplit)
def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    """Return views of the parts of `ary` along axis 2."""
    return _split_along("dsplit", ary, indices_or_sections, 2, 3)


@implements(np.unstack)
def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    """Return the slices of `x` along `axis`, views without that axis."""
    x = as_array(x)
    if x.ndim == 0:
        raise ShapeError(f"unstack: expected an array with at least one axis, got {type_of(x)}.")
    axis = as_axis("unstack", axis, x.ndim)
    return tuple([x[(*(slice(None),) * axis, i)] for i in range(x.shape[axis])])


@implements(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """Return `arr` with `values` inserted before the places `obj`: an int, a slice, ints or a mask."""
    x = as_array(arr)
    if axis is None:
        x, axis = ravel(x), 0
    axis = as_axis("insert", axis, x.ndim)
    n = x.shape[axis]
    places, single = _places(known("insert", "obj", obj), n)
    if np.any((places < -n) | (places > n)):
        raise ShapeError(f"insert: expected places within {n}, got {places.tolist()}.")
    v = array(as_written(x, values), ndmin=x.ndim)
    if single:
        v = moveaxis(v, 0, axis)
    count = v.shape[axis] if len(places) == 1 else len(places)
    v = fit(v, (*x.shape[:axis], count, *x.shape[axis + 1 :]))
    places = np.where(places < 0, places + n, places)
    if len(places) == 1:
        places = np.repeat(places, count)
    order = np.argsort(places, stable=True)
    targets = np.empty(count, np.intp)
    targets[order] = places[order] + np.arange(count)
    sources = np.empty(n + count, np.intp)  # where each element of the result comes from
    old = np.ones(n + count, bool)
    old[targets] = False
    sources[old] = np.arange(n)
    sources[targets] = n + np.arange(count)
    return _taken(rearranging.concatenate(x, v, axis=axis), sources, axis)


def _places(obj, n):
    """Return the ints that a slice, mask, int or sequence of ints stands for, and whether it is an int."""
    if isinstance(obj, slice):
        return np.arange(*obj.indices(n)), False
    places = np.asarray(obj)
    if places.dtype == bool:
        places = np.flatnonzero(places)
    if places.size == 0:
        places = places.astype(np.intp)
    if places.dtype.kind not in "iu" or places.ndim > 1:
        raise ShapeError(f"insert: expected places as an int, a slice or 1-D ints, got {type_of(places)}.")
    return places.reshape(-1).astype(np.intp), places.ndim == 0


def _taken(x, sources, axis):
    y = x[(*(slice(None),) * axis, sources)]
    return y.copy() if type(y) is Tracer else y


@implements(np.delete)
def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    """Return `arr` without the places `obj`: an int, a slice, ints or a mask."""
    x = as_array(arr)
    if axis is None:
        x, axis = ravel(x), 0
    axis = as_axis("delete", axis, x.ndim)
    return _taken(x, np.delete(np.arange(x.shape[axis]), known("delete", "obj", obj)), axis)
