"""`x[key]`, `x[key] = v` and `x.at[key]`, with every kind of key NumPy takes."""

import operator
from typing import Any

import numpy as np

from funcgrad.core.inplace import overwrite, own, write
from funcgrad.core.tracer import Tracer, concrete, is_concrete
from funcgrad.core.types import dtype_of, shape_of, type_of
from funcgrad.errors import WHEN_STATIC, ConcretizationError, DTypeError, ShapeError
from funcgrad.numpy.arguments import as_array, astype, fit
from funcgrad.numpy.chosen import as_mask, choose, is_unknown_mask, put_back
from funcgrad.numpy.writing import as_written, element_written
from funcgrad.primitives.broadcasting import reshape
from funcgrad.primitives.indexing import (
    Key,
    gather,
    index,
    index_update,
    indexed_shape,
    scatter_add,
    scatter_set,
)
from funcgrad.primitives.logic import select
from funcgrad.primitives.shape import transpose

__all__ = ["At", "getitem", "setitem"]

_FULL = slice(None)


def getitem(x: Any, key: Any) -> Any:
    """Return `x[key]`."""
    if type(key) is int or (type(key) is slice and _plain(key)):
        return index(x, key=Key((key,)))
    masked = _by_unknown_mask(x, key)
    if masked is not None:
        return choose(*masked)
    basic, indices, axes, separated = _parsed(x, key)
    if indices is None:
        return index(x, key=basic)
    if not _trivial(basic):
        x = index(x, key=basic)
    y = gather(x, *indices, axes=axes)
    if separated or axes[0] == 0:
        return y
    return transpose(y, axes=_to_position(shape_of(y), _lead_ndim(indices), axes[0]))


def _by_unknown_mask(x, key):
    """Return an array and a mask over its first axes for a key that is a mask whose values are not known; else None.

    Behind the mask there may be slices and ints.
    """
    mask, *rest = key if type(key) is tuple and key else (key,)
    if type(mask) is not Tracer:
        return None
    if not is_unknown_mask(mask):
        mask, rest = as_mask(x, key), ()
        if mask is None:
            return None
    if not rest:
        return x, mask
    if not all(isinstance(k, (int, slice)) or k is Ellipsis for k in rest):
        return None
    return getitem(x, ((*(_FULL,) * len(shape_of(mask)), *rest))), mask


def setitem(x: Tracer, key: Any, value: Any) -> None:
    """Perform `x[key] = value` on a traced array."""
    if _names_element(x, key):
        value = element_written(x, value)
        key = tuple([int(k) for k in key]) if type(key) is tuple else int(key)
    masked = _by_unknown_mask(x, key)
    if masked is not None:
        target, mask = masked
        new = put_back(target, mask, as_written(x, value))
        if new is not None:
            write(target, new)
            return
    basic = _basic_key(x, key)
    if basic is None:
        write(x, updated(x, key, value))
        return
    value = _fitted(x, basic, as_written(x, value, basic))
    if not overwrite(x, basic, value):
        write(x, index_update(x, value, key=basic))


def _names_element(x, key):
    """Whether a key of plain integers, and nothing else, names one element."""
    items = key if type(key) is tuple else (key,)
    return len(items) == len(shape_of(x)) and all(
        type(k) is int or isinstance(k, np.integer)
        or (type(k) is np.ndarray and not k.ndim and k.dtype.kind in "iu")
        for k in items
    )  # fmt: skip


def _basic_key(x, key) -> Key | None:
    """Return a key without index arrays and masks; None for one that has them."""
    if type(key) is int or (type(key) is slice and _plain(key)):
        return Key((key,))
    if _whole_mask(x, key) is not None:
        return None
    basic, indices, _, _ = _parsed(x, key)
    return basic if indices is None else None


def _fitted(x, basic, value):
    """Return a value for `x[basic]` without the leading axes of size 1 that NumPy ignores."""
    if not shape_of(value):
        return value
    return _without_leading_ones(value, len(indexed_shape(type_of(x), basic)))


def updated(x: Any, key: Any, value: Any) -> Any:
    """Return `x` with `x[key] = value` done."""
    value = as_written(x, value)
    masked = _by_unknown_mask(x, key)
    new = put_back(*masked, value) if masked is not None and masked[0] is x else None
    if new is not None:
        return new
    mask = _whole_mask(x, key)
    if mask is not None and len(shape_of(mask)) == len(shape_of(x)) and len(shape_of(value)) > 1:
        raise DTypeError(f"assignment: expected at most a vector for x[mask], got {type_of(value)}.")
    if mask is not None and shape_of(value) == ():
        return select(_expanded(mask, x), value, x)
    basic, indices, axes, separated = _parsed(x, key)
    if indices is None:
        return index_update(x, _fitted(x, basic, value), key=basic)
    inner = x if _trivial(basic) else index(x, key=basic)
    inner = scatter_set(inner, _scatter_value(inner, value, indices, axes, separated), *indices, axes=axes)
    return inner if _trivial(basic) else index_update(x, inner, key=basic)


def added(x: Any, key: Any, value: Any) -> Any:
    """Return `x` with `value` added at `key`; repeated indices add repeatedly, as in `np.add.at`."""
    value = as_array(value)
    basic, indices, axes, separated = _parsed(x, key)
    if indices is None:
        return index_update(x, astype(index(x, key=basic) + value, dtype_of(x)), key=basic)
    value = astype(value, dtype_of(x))
    inner = x if _trivial(basic) else index(x, key=basic)
    inner = scatter_add(inner, _scatter_value(inner, value, indices, axes, separated), *indices, axes=axes)
    return inner if _trivial(basic) else index_update(x, inner, key=basic)


def _plain(key):
    start, stop, step = key.start, key.stop, key.step
    return (
        (start is None or type(start) is int)
        and (stop is None or type(stop) is int)
        and (step is None or type(step) is int)
    )


def _trivial(basic):
    return all(isinstance(k, slice) and k == _FULL for k in basic)


def _parsed(x, key):
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


def _lead_ndim(indices):
    return max([len(shape_of(i)) for i in indices])


def _to_position(shape, lead, position):
    """The permutation that moves the first `lead` axes behind the `position` axes that follow them."""
    rest = range(lead, len(shape))
    return (*rest[:position], *range(lead), *rest[position:])


def _without_leading_ones(value, ndim):
    shape = shape_of(value)
    extra = len(shape) - ndim
    if extra > 0 and all(n == 1 for n in shape[:extra]):
        return reshape(value, shape=shape[extra:])
    return value


def _scatter_value(inner, value, indices, axes, separated):
    """Return a value as scatter wants it: with the indexed axes first."""
    rest = tuple(n for d, n in enumerate(shape_of(inner)) if d not in axes)
    if separated or axes[0] == 0:
        return _without_leading_ones(value, _lead_ndim(indices) + len(rest))
    lead = np.broadcast_shapes(*map(shape_of, indices))
    position = axes[0]
    value = fit(
        _without_leading_ones(value, len(lead) + len(rest)), (*rest[:position], *lead, *rest[position:])
    )
    order = (
        *range(position, position + len(lead)),
        *range(position),
        *range(position + len(lead), value.ndim),
    )
    return transpose(value, axes=order)


def _whole_mask(x, key):
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


def _expanded(mask, x):
    missing = len(shape_of(x)) - len(shape_of(mask))
    return reshape(mask, shape=(*shape_of(mask), *(1,) * missing)) if missing else mask


class At:
    """`x.at[key].set(v)` and its kin: an updated copy, `x` unchanged.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> fg.grad(lambda x: np.sum(x.at[0].multiply(3.0)))(np.ones(2))
    array([3., 1.])
    """

    __slots__ = ("_x",)

    def __init__(self, x: Any):
        self._x = x

    def __getitem__(self, key: Any) -> "_Place":
        return _Place(self._x, key)


class _Place:
    __slots__ = ("_key", "_x")

    def __init__(self, x, key):
        self._x = x
        self._key = key

    def get(self) -> Any:
        """Return `x[key]`."""
        return own(getitem(self._x, self._key))

    def set(self, value: Any) -> Any:
        """Return `x` with `x[key] = value`."""
        return updated(self._x, self._key, value)

    def add(self, value: Any) -> Any:
        """Return `x` with `value` added at `key`; repeated indices add repeatedly."""
        return added(self._x, self._key, value)

    def subtract(self, value: Any) -> Any:
        """Return `x` with `value` subtracted at `key`; repeated indices subtract repeatedly."""
        return added(self._x, self._key, -as_array(value))

    def multiply(self, value: Any) -> Any:
        """Return `x` with the elements at `key`, each named once, multiplied by `value`."""
        return self._combined(np.multiply, value)

    def divide(self, value: Any) -> Any:
        """Return `x` with the elements at `key`, each named once, divided by `value`."""
        return self._combined(np.divide, value)

    def power(self, value: Any) -> Any:
        """Return `x` with the elements at `key`, each named once, raised to `value`."""
        return self._combined(np.power, value)

    def min(self, value: Any) -> Any:
        """Return `x` with the smaller of each element at `key` and `value`."""
        return self._combined(np.minimum, value)

    def max(self, value: Any) -> Any:
        """Return `x` with the larger of each element at `key` and `value`."""
        return self._combined(np.maximum, value)

    def apply(self, function: Any) -> Any:
        """Return `x` with `function` applied to the elements at `key`, each named once."""
        self._check_once()
        return updated(self._x, self._key, function(getitem(self._x, self._key)))

    def _combined(self, ufunc, value):
        return self.apply(lambda y: ufunc(y, as_array(value)))

    def _check_once(self):
        _, indices, _, _ = _parsed(self._x, self._key)
        if indices is None or not all(map(is_concrete, indices)):
            return
        rows = np.stack([np.ravel(i) for i in np.broadcast_arrays(*map(concrete, indices))])
        if len(np.unique(rows, axis=1).T) != rows.shape[1]:
            raise ShapeError(
                "at: expected each element once, got repeated indices.",
                hint="only add and subtract take repeated indices.",
            )
