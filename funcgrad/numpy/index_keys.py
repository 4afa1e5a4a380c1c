"""Keys of `x[key]` as users write them, in the terms of the primitives: slices, integers, arrays of them, masks."""

import operator

import numpy as np

from funcgrad.core.tracer import Tracer, concrete, is_concrete
from funcgrad.core.types import dtype_of, shape_of, type_of
from funcgrad.errors import WHEN_STATIC, ConcretizationError, DTypeError, ShapeError
from funcgrad.numpy.arguments import as_array
from funcgrad.primitives.indexing import (
    Key,
)

__all__ = ["basic_key", "is_plain", "is_trivial", "lead_ndim", "parsed_key", "to_position", "whole_mask"]

_FULL = slice(None)


def basic_key(x, key) -> Key | None:
    """Return a key without index arrays and masks; None for one that has them."""
    if type(key) is int or (type(key) is slice and is_plain(key)):
        return Key((key,))
    if whole_mask(x, key) is not None:
        return None
    basic, indices, _, _ = parsed_key(x, key)
    return basic if indices is None else None


def is_plain(key):
    start, stop, step = key.start, key.stop, key.step
    return (
        (start is None or type(start) is int)
        and (stop is None or type(stop) is int)
        and (step is None or type(step) is int)
    )


def is_trivial(basic):
    return all(isinstance(k, slice) and k == _FULL for k in basic)


def parsed_key(x, key):
    """Split a key: a basic key, then index arrays for some axes of its result (None when there are none).

    The last item says whether NumPy puts the indexed axes first because they are separated.
    """
    items = list(key) if type(key) is tuple else [key]
    items = [_item(k) for k in items]
    ndim = len(shape_of(x))
    used = sum(_consumed(k) for k in items)
    if used > ndim:
        raise _too_many(x, used)
    if Ellipsis not in [k for k in items if k is Ellipsis]:
        items.append(Ellipsis)
    if not any(_is_array(k) for k in items):
        if items[-1] is Ellipsis and len(items) > 1 and not _has_ellipsis(key):
            items.pop()
        return Key(items), None, None, False
    at = next(i for i, k in enumerate(items) if k is Ellipsis)
    items[at : at + 1] = [_FULL] * (ndim - used)
    basic, indices, axes, positions = [], [], [], []
    axis = 0  # of the basic result
    for position, k in enumerate(items):
        if k is None or isinstance(k, slice):
            basic.append(k)
            axis += 1
            continue
        arrays = [np.intp(k)] if isinstance(k, int) else _index_arrays(x, k, len(basic) - basic.count(None))
        for array in arrays:
            # A mask without axes chooses along one that is new.
            basic.append(None if _is_array(k) and _consumed(k) == 0 else _FULL)
            indices.append(array)
            axes.append(axis)
            axis += 1
        positions.append(position)
    separated = positions != list(range(positions[0], positions[0] + len(positions)))
    return Key(basic), [as_array(i) for i in indices], tuple(axes), separated


def _has_ellipsis(key):
    return any(k is Ellipsis for k in (key if type(key) is tuple else (key,)))


def _item(k):
    """Return one item of a key as an int, slice, None, Ellipsis, or an index or mask array."""
    if k is None or k is Ellipsis:
        return k
    if isinstance(k, slice):
        return slice(*(None if s is None else _static(s) for s in (k.start, k.stop, k.step)))
    if isinstance(k, (int, np.integer)) and not isinstance(k, (bool, np.bool_)):
        return int(k)
    array = as_array(k) if not isinstance(k, (list, tuple)) or len(k) else np.zeros(0, np.intp)
    kind = dtype_of(array).kind
    if kind not in "biu":
        raise _IndexTypeError(
            f"indexing: expected integers, slices, None, ... or integer or bool arrays, got {type_of(array)}.",
            hint="convert an index with astype(int).",
        )
    return array


class _IndexTypeError(DTypeError, IndexError):
    """What NumPy raises as IndexError."""


def _static(s):
    try:
        return operator.index(s)
    except ConcretizationError as error:
        raise ConcretizationError(
            f"indexing: expected slice bounds that are known while tracing, got {type_of(s)}.",
            hint="the shape of a result must not depend on a value: use x[i + np.arange(n)] for a "
            f"window of fixed length n, or fg.numpy.where with a mask; {WHEN_STATIC}",
        ) from error


def _is_array(k):
    return k is not None and k is not Ellipsis and not isinstance(k, (slice, int))


def _consumed(k):
    if k is None or k is Ellipsis:
        return 0
    if _is_array(k) and dtype_of(k).kind == "b":
        return len(shape_of(k))
    return 1


def _too_many(x, used):
    return ShapeError(f"indexing: expected at most {len(shape_of(x))} indices for {type_of(x)}, got {used}.")


def _index_arrays(x, k, axis):
    """Return the integer arrays an index array or a mask stands for; check a mask's shape."""
    if dtype_of(k).kind != "b":
        return [k]
    shape = shape_of(x)[axis : axis + len(shape_of(k))]
    if shape_of(k) != shape:
        raise ShapeError(f"indexing: expected a mask of shape {shape} for {type_of(x)}, got {type_of(k)}.")
    if not is_concrete(k):
        raise ConcretizationError(
            f"indexing: expected a mask whose values are known while tracing, got {type_of(k)}.",
            hint="the number of chosen elements would be the shape of the result: x[mask] and x[mask, 1:] can be traced "
            "where elementwise functions, sums and x[mask] = f(x[mask]) follow; else use fg.numpy.where(mask, x, other), "
            "which keeps the shape.",
        )
    return list(np.nonzero(np.atleast_1d(concrete(k))))


def lead_ndim(indices):
    return max([len(shape_of(i)) for i in indices])


def to_position(shape, lead, position):
    """The permutation that moves the first `lead` axes behind the `position` axes that follow them."""
    rest = range(lead, len(shape))
    return (*rest[:position], *range(lead), *rest[position:])


def whole_mask(x, key):
    """Return the key if it is one mask over the leading axes of `x`."""
    if type(key) is np.ndarray or type(key) is Tracer:
        if dtype_of(key).kind == "b":
            lead = shape_of(x)[: len(shape_of(key))]
            if shape_of(key) != lead:
                raise ShapeError(
                    f"indexing: expected a mask of shape {lead} for {type_of(x)}, got {type_of(key)}."
                )
            return key
    return None
