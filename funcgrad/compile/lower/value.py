"""Lowered arrays: what an element is, as a function of its index."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from funcgrad.compile.loopir.expression import Buffer, Expression
from funcgrad.compile.loopir.index import Index
from funcgrad.core.types import ArrayType

__all__ = ["Segment", "Sparse", "Value"]


class Sparse(NamedTuple):
    """A sparse array: zeros, and elements at some places.

    Attributes:
        value: the elements. where: the place of one, as a function of its index.
        distinct: whether no two have the same place (else they are added).
        statements: those that made the array of it, which are not needed where it is only added to another.
    """

    value: "Value"
    where: Callable[[tuple[Index, ...]], tuple]
    distinct: bool = True
    statements: tuple[Any, ...] = ()


class Segment(NamedTuple):
    """A part of an array put together of several: `place(index)` is where an element of it lies in that, in C order."""

    value: "Value"
    place: Callable[[tuple[Index, ...]], Index]


class Value:
    """An array whose element at an index is `at(index)`.

    Attributes:
        terms: thin arrays of which it is the sum, if it is known to be (see `thin`).
    """

    __slots__ = ("_at", "_known", "buffer", "part", "pieces", "terms", "type")

    def __init__(
        self,
        type: ArrayType,
        at: Callable[[tuple[Index, ...]], Expression],
        buffer: Buffer | None = None,
    ):
        self.type = type
        self._at = at
        self._known: dict[tuple[Index, ...], Expression] = {}
        self.buffer = buffer
        self.part: Sparse | None = None
        self.pieces: tuple[Segment, ...] = ()
        self.terms: tuple[Value, ...] = ()

    def at(self, index: tuple[Index | int, ...]) -> Expression:
        """Return the element at `index`, one Index (or number) an axis."""
        place = tuple([Index({}, i) if isinstance(i, int) else i for i in index])
        known = self._known.get(place)
        if known is None:
            known = self._known[place] = self._at(place)
        return known

    def spread(self, index: tuple[Index, ...]) -> Expression:
        """Return the element that broadcasting puts at `index`, of at least as many axes."""
        own = index[len(index) - len(self.shape) :]
        return self.at(tuple([Index() if n == 1 else i for n, i in zip(self.shape, own, strict=True)]))

    def become(self, other: "Value") -> None:
        """Take the elements of an equal value, which may be had elsewhere, from now on."""
        self._at, self._known, self.buffer, self.part, self.pieces = other._at, {}, other.buffer, None, ()
        self.terms = ()

    @property
    def is_zero(self) -> bool:
        """Whether every element is known to be 0.0 (or 0)."""
        if self.buffer is not None or not self.size:
            return False
        element = self.at(tuple(Index() for _ in self.shape))
        return element.op == "const" and element.detail == 0

    @property
    def shape(self) -> tuple[int, ...]:
        return self.type.shape

    @property
    def dtype(self) -> np.dtype:
        return self.type.dtype

    @property
    def ndim(self) -> int:
        return self.type.ndim

    @property
    def size(self) -> int:
        return self.type.size
