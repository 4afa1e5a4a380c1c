"""Static keys: basic indices as values, what they select, and where it is."""

from typing import Any

import numpy as np

from funcgrad.core.serialize import register_parameter
from funcgrad.core.types import ArrayType
from funcgrad.errors import ShapeError

__all__ = ["Key", "OutOfRange", "full_key", "indexed_shape", "put_by", "taken_from"]


class Key(tuple):
    """A basic index: ints, slices, None and Ellipsis; hashable, and printed as one types it."""

    __slots__ = ()

    def __hash__(self) -> int:
        return hash(tuple((k.start, k.stop, k.step) if isinstance(k, slice) else k for k in self))

    def __str__(self) -> str:
        return ",".join(map(_key_text, self))

    def __repr__(self) -> str:
        return f"Key({self})"

    def batched(self) -> "Key":
        """The key of the same elements in an array with a leading batch axis."""
        return Key((slice(None), *self))


def _key_text(k: Any) -> str:
    if isinstance(k, slice):
        text = f"{'' if k.start is None else k.start}:{'' if k.stop is None else k.stop}"
        return text if k.step is None else f"{text}:{k.step}"
    return "..." if k is Ellipsis else str(k)


_NOTHING = b"\0"  # all the memory of an array that has a shape only


def indexed_shape(x: ArrayType, key: Key) -> tuple[int, ...]:
    """Return the shape of `x[key]`; raise ShapeError where the key does not fit."""
    dummy = np.ndarray(x.shape, np.bool_, _NOTHING, strides=(0,) * x.ndim)
    try:
        return dummy[key].shape
    except IndexError as error:
        raise OutOfRange(f"indexing: expected a key that fits {x}, got [{Key(key)}]: {error}.") from None


class OutOfRange(ShapeError, IndexError):
    """A ShapeError that code which catches IndexError (iteration, say) sees as one."""


def full_key(key, ndim):
    """Return the key with an item for every axis and new axis, Ellipsis written out."""
    given = sum(k is not None and k is not Ellipsis for k in key)
    missing = [slice(None)] * (ndim - given)
    if not any(k is Ellipsis for k in key):
        return [*key, *missing]
    at = next(i for i, k in enumerate(key) if k is Ellipsis)
    return [*key[:at], *missing, *key[at + 1 :]]


def taken_from(key, shape, index):
    """Return where in x the element of x[key] at `index` is."""
    out, given, axis = [], iter(index), 0
    for k in full_key(key, len(shape)):
        if k is None:
            next(given)
            continue
        if isinstance(k, slice):
            start, _, step = k.indices(shape[axis])
            out.append(next(given) * step + start)
        else:
            out.append(int(k) + shape[axis] * (k < 0))
        axis += 1
    return tuple(out)


def put_by(key, shape, index):
    """Return when `index` of an array of `shape` is within `array[key]`, and where it is in there."""
    conditions, inner, axis = [], [], 0
    for k in full_key(key, len(shape)):
        if k is None:
            inner.append(0)
            continue
        i = index[axis]
        if isinstance(k, slice):
            places = range(*k.indices(shape[axis]))
            first, step = (places[0], places.step) if places else (0, 1)
            last = places[-1] if places else -1
            low, high = min(first, last), max(first, last)
            if not places:
                low, high = 0, -1
            conditions.append((i, low, high + 1))
            stride = abs(step)
            if stride > 1:
                conditions.append(((i + -low % stride) % stride, 0, 1))
            position = (i + -low) // stride
            inner.append(position if step > 0 else position * -1 + (len(places) - 1))
        else:
            k = int(k) + shape[axis] * (k < 0)
            conditions.append((i, k, k + 1))
        axis += 1
    return conditions, tuple(inner)


def _decoded(items: tuple) -> Key:
    """Return a key from a file, where it may hold anything."""
    parts = [p for k in items for p in ((k.start, k.stop, k.step) if isinstance(k, slice) else (k,))]
    if any(p is not None and p is not Ellipsis and type(p) is not int for p in parts):
        raise ShapeError(f"indexing: expected a key of ints, slices, None and Ellipsis, got {items!r}.")
    return Key(items)


register_parameter("key", Key, tuple, _decoded)
