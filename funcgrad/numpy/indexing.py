"""`x[key]`, `x[key] = v` and `x.at[key]`, with every kind of key NumPy takes."""

from typing import Any

import numpy as np

from funcgrad.core.inplace import overwrite, own, write
from funcgrad.core.tracer import Tracer, concrete, is_concrete
from funcgrad.core.types import dtype_of, shape_of, type_of
from funcgrad.errors import DTypeError, ShapeError
from funcgrad.numpy.arguments import as_array, astype, fit
from funcgrad.numpy.chosen import as_mask, choose, is_unknown_mask, put_back
from funcgrad.numpy.index_keys import (
    basic_key,
    is_plain,
    is_trivial,
    lead_ndim,
    parsed_key,
    to_position,
    whole_mask,
)
from funcgrad.numpy.writing import as_written, element_written
from funcgrad.primitives.broadcasting import reshape
from funcgrad.primitives.gathering import gather, scatter_add, scatter_set
from funcgrad.primitives.indexing import Key, index, index_update, indexed_shape
from funcgrad.primitives.logic import select
from funcgrad.primitives.shape import transpose

__all__ = ["At", "getitem", "setitem"]

_FULL = slice(None)


def getitem(x: Any, key: Any) -> Any:
    """Return `x[key]`."""
    if type(key) is int or (type(key) is slice and is_plain(key)):
        return index(x, key=Key((key,)))
    masked = _by_unknown_mask(x, key)
    if masked is not None:
        return choose(*masked)
    basic, indices, axes, separated = parsed_key(x, key)
    if indices is None:
        return index(x, key=basic)
    if not is_trivial(basic):
        x = index(x, key=basic)
    y = gather(x, *indices, axes=axes)
    if separated or axes[0] == 0:
        return y
    return transpose(y, axes=to_position(shape_of(y), lead_ndim(indices), axes[0]))


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
    basic = basic_key(x, key)
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
    mask = whole_mask(x, key)
    if mask is not None and len(shape_of(mask)) == len(shape_of(x)) and len(shape_of(value)) > 1:
        raise DTypeError(f"assignment: expected at most a vector for x[mask], got {type_of(value)}.")
    if mask is not None and shape_of(value) == ():
        return select(_expanded(mask, x), value, x)
    basic, indices, axes, separated = parsed_key(x, key)
    if indices is None:
        return index_update(x, _fitted(x, basic, value), key=basic)
    inner = x if is_trivial(basic) else index(x, key=basic)
    inner = scatter_set(inner, _scatter_value(inner, value, indices, axes, separated), *indices, axes=axes)
    return inner if is_trivial(basic) else index_update(x, inner, key=basic)


def added(x: Any, key: Any, value: Any) -> Any:
    """Return `x` with `value` added at `key`; repeated indices add repeatedly, as in `np.add.at`."""
    value = as_array(value)
    basic, indices, axes, separated = parsed_key(x, key)
    if indices is None:
        return index_update(x, astype(index(x, key=basic) + value, dtype_of(x)), key=basic)
    value = astype(value, dtype_of(x))
    inner = x if is_trivial(basic) else index(x, key=basic)
    inner = scatter_add(inner, _scatter_value(inner, value, indices, axes, separated), *indices, axes=axes)
    return inner if is_trivial(basic) else index_update(x, inner, key=basic)


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
        return _without_leading_ones(value, lead_ndim(indices) + len(rest))
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
        _, indices, _, _ = parsed_key(self._x, self._key)
        if indices is None or not all(map(is_concrete, indices)):
            return
        rows = np.stack([np.ravel(i) for i in np.broadcast_arrays(*map(concrete, indices))])
        if len(np.unique(rows, axis=1).T) != rows.shape[1]:
            raise ShapeError(
                "at: expected each element once, got repeated indices.",
                hint="only add and subtract take repeated indices.",
            )
