"""Static keys whose numbers move: `x[i]`, `x[i-1:i+2]` and `y[i] = v` for positions that are values.

A key is split into its pattern, which stays, and its positions: of each axis that is not taken whole, the number, or where
the slice begins.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from funcgrad.core.types import dtype_of, shape_of
from funcgrad.primitives.broadcasting import broadcast_to, reshape
from funcgrad.primitives.gathering import gather, scatter_add, scatter_set
from funcgrad.primitives.keys import Key, full_key
from funcgrad.primitives.shape import transpose

__all__ = ["Pattern", "index_at", "place_at", "split_key", "update_at"]

NUMBER, WHOLE, NEW = "number", "whole", "new"


class Pattern(NamedTuple):
    """What stays of a key.

    Attributes:
        items: for each axis, and new one, `NUMBER`, `WHOLE`, `NEW`, or the step and the length of a slice.
    """

    items: tuple[Any, ...]

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes that are not taken whole."""
        old = [item for item in self.items if item != NEW]
        return tuple(d for d, item in enumerate(old) if item != WHOLE)

    @property
    def slices(self) -> list[tuple[int, int]]:
        return [item for item in self.items if type(item) is tuple]


@lru_cache(1 << 14)
def split_key(key: Key, shape: tuple[int, ...]) -> tuple[Pattern, tuple[int, ...]]:
    """Return the pattern of a key for an array of `shape`, and its positions."""
    items: list[Any] = []
    positions: list[int] = []
    axis = 0
    for k in full_key(key, len(shape)):
        if k is None:
            items.append(NEW)
            continue
        n = shape[axis]
        axis += 1
        if isinstance(k, slice):
            places = range(*k.indices(n))
            if places == range(n):
                items.append(WHOLE)
            else:
                items.append((places.step, len(places)))
                positions.append(places[0] if places else 0)
        else:
            items.append(NUMBER)
            positions.append(k + n * (k < 0))
    return Pattern(tuple(items)), tuple(positions)


def _indices(pattern: Pattern, positions: Sequence[Any]) -> list[Any]:
    """Return the index of each axis that is not taken whole; slices are axes of their own, in order."""
    count = len(pattern.slices)
    found, at = [], 0
    for item, position in zip([i for i in pattern.items if i not in (NEW, WHOLE)], positions, strict=True):
        if item == NUMBER:
            found.append(position)
            continue
        step, length = item
        steps = (step * np.arange(length)).reshape(length, *(1,) * (count - at - 1))
        found.append(position + steps)
        at += 1
    return found


def _order(pattern: Pattern) -> tuple[int, ...]:
    """Return where the axes of x[key], without new ones, come from: the slices first, then the whole axes."""
    kept = [item for item in pattern.items if item not in (NEW, NUMBER)]
    slices, whole = iter(range(len(pattern.slices))), iter(range(len(pattern.slices), len(kept)))
    return tuple(next(whole) if item == WHOLE else next(slices) for item in kept)


def index_at(pattern: Pattern, positions: Sequence[Any], x: Any, shape: tuple[int, ...]) -> Any:
    """Return x[key], whose shape is `shape`."""
    y = gather(x, *_indices(pattern, positions), axes=pattern.axes)
    order = _order(pattern)
    if order != tuple(range(len(order))):
        y = transpose(y, axes=order)
    return y if shape_of(y) == shape else reshape(y, shape=shape)


def _as_gathered(pattern: Pattern, v: Any) -> Any:
    """Return an array of the shape of x[key] as `gather` has its axes."""
    new = [item == NEW for item in pattern.items if item != NUMBER]
    shape = tuple(n for n, drop in zip(shape_of(v), new, strict=True) if not drop)
    if shape != shape_of(v):
        v = reshape(v, shape=shape)
    order = _order(pattern)
    if order == tuple(range(len(order))):
        return v
    return transpose(v, axes=tuple(order.index(d) for d in range(len(order))))


def place_at(pattern: Pattern, positions: Sequence[Any], v: Any, shape: tuple[int, ...]) -> Any:
    """Return zeros of `shape`, with `v` at the key."""
    zeros = np.broadcast_to(np.zeros((), dtype_of(v)), shape)
    return scatter_add(zeros, _as_gathered(pattern, v), *_indices(pattern, positions), axes=pattern.axes)


def update_at(pattern: Pattern, positions: Sequence[Any], x: Any, v: Any, part: tuple[int, ...]) -> Any:
    """Return `x` with `v`, spread to the shape `part` of x[key], at the key."""
    if shape_of(v) != part:
        v = broadcast_to(v, shape=part)
    return scatter_set(x, _as_gathered(pattern, v), *_indices(pattern, positions), axes=pattern.axes)
