"""Matrices in memory, and routines of BLAS and LAPACK on them: what a `lower_rule` has as `lower.lapack`.

Matrices are the last two axes, row by row. The routines count column by column: what they are given is the
transpose, so that a lower triangle is an upper one to them.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad.compile.loopir.index import Counter, Index, flatten_index
from funcgrad.compile.loopir.statement import Effect, ForeignCall, Info, Place
from funcgrad.compile.lower.builder import Builder
from funcgrad.compile.lower.value import Value
from funcgrad.compile.target.status import Status
from funcgrad.core.types import ArrayType
from funcgrad.heavy import blas_integer

__all__ = ["Lapack"]


class Lapack:
    """Calls of routines within one lowering.

    Attributes:
        indefinite: in the place of a routine's `info`: raise LinAlgError where it is positive.
        ignored: in that place: go on.
    """

    indefinite = Info(Status.INDEFINITE)
    ignored = Info(Status(0))

    def __init__(self, lower: Builder):
        self._lower = lower

    def serves(self, out: ArrayType) -> bool:
        """Whether there are routines for the dtype."""
        return out.dtype.char in "fd"

    def transposed(self, x: Value) -> Value:
        """Return the transposes: a view."""
        *lead, m, n = x.shape

        def at(index):
            *outer, i, j = index
            return x.at((*outer, j, i))

        return self._in_place(self._lower.map(ArrayType((*lead, n, m), x.dtype), at))

    def oriented(self, x: Value) -> tuple[Value, bool]:
        """Return `x`, or its transpose and True, whichever reads memory along its rows."""
        loops = self._lower.loops(x.shape)
        element = x.at(tuple(map(Index.of, loops)))
        loads = [node.detail[1] for node in element.walk() if node.op == "load"]
        row, column = (sum(offset.coefficient(loop) == 1 for offset in loads) for loop in loops[-2:])
        if row > column:
            return self.transposed(x), True
        return x, False

    def stored(self, x: Value, dtype: np.dtype) -> Value:
        """Return `x` in memory as `dtype`, to be read."""
        return self._lower.store(self._in_place(self._lower.converted(x, dtype)))

    def copied(self, x: Value, dtype: np.dtype) -> Value:
        """Return `x` in memory of its own as `dtype`, to be worked on in place."""
        x = self._lower.converted(x, dtype)
        return self._lower.store(self._lower.map(x.type, x.at))

    def new(self, shape: tuple[int, ...], dtype: Any) -> Value:
        """Return memory."""
        out = ArrayType(shape, dtype)
        return self._lower.stored(self._lower.result(out), out)

    def once(self, name: str, x: Value, make: Callable[[], Any]) -> Any:
        """Return `make()`, made once for equal `x`."""
        key = name, x.shape, self._lower.element(x) if x.size else None
        made = self._lower.made_once
        if key not in made:
            made[key] = make()
        return made[key]

    def lower_triangle(self, x: Value) -> Value:
        """Return `x` with zeros above its diagonals."""
        lower = self._lower
        zero = lower.const(0, x.dtype)

        def at(index):
            i, j = (lower.expressions.index(k) for k in index[-2:])
            return lower.op("select", x.dtype, lower.op("less_equal", bool, j, i), x.at(index), zero)

        return lower.map(x.type, at)

    def diagonal(self, x: Value) -> Value:
        """Return the diagonals: a view."""
        return self._lower.map(ArrayType(x.shape[:-1], x.dtype), lambda index: x.at((*index, index[-1])))

    def check_regular(self, triangle: Value) -> None:
        """Raise LinAlgError where a diagonal of triangles has a zero."""
        lower = self._lower

        def check():
            diagonal = self.diagonal(triangle)
            loops = lower.loops(diagonal.shape)
            index = tuple(map(Index.of, loops))
            checked = lower.expressions.make(
                "nonzero", (diagonal.at(index),), diagonal.dtype, Status.SINGULAR
            )
            offset = flatten_index(index, diagonal.shape)
            lower.emit(loops, [Effect(lower.result(diagonal.type), offset, checked)])

        if triangle.size:
            self.once("regular", triangle, check)

    def lu(self, a: Value, dtype: np.dtype) -> tuple[Value, Value, bool]:
        """Return what getrf makes of matrices, its pivots, and whether it was given `a` itself, not the transpose."""
        a, turned = self.oriented(a)
        *lead, n, _ = a.shape

        def make():
            factors, pivots = self.copied(a, dtype), self.new((*lead, n), np.dtype(blas_integer()))
            self.call(
                "getrf",
                lead,
                n,
                n,
                factors,
                n,
                pivots,
                self.ignored,
                writes=(factors, pivots),
                flops=2 * n**3 // 3,
            )
            return factors, pivots

        return (*self.once(f"lu {dtype}", a, make), turned)

    def call(self, routine: str, lead: Any, *arguments: Any, writes: Any, flops: int) -> None:
        """Call a routine, named without its s or d, for each point of the leading axes `lead`.

        Args:
            arguments: characters, integers, numbers, `indefinite` or `ignored`, and values in memory: of these,
                the part at the point.
            writes: those of the values that it writes to.
        """
        lower = self._lower
        loops = lower.loops(tuple(lead))
        index = tuple(map(Index.of, loops))
        values = [x for x in arguments if hasattr(x, "buffer")]
        if not all(x.size for x in values):
            return
        dtype = next(x.dtype for x in values if x.dtype.kind == "f")

        def place(x):
            size = x.size // int(np.prod(x.shape[: len(loops)], dtype=int))
            offset = flatten_index(index, x.shape[: len(loops)]) * size
            return Place(x.buffer, offset, offset + Index.of(Counter(size)), any(x is y for y in writes))

        given = [
            place(x) if hasattr(x, "buffer") else dtype.type(x) if isinstance(x, float) else x
            for x in arguments
        ]
        prefix = "d" if dtype.itemsize == 8 else "s"
        lower.call(loops, ForeignCall(prefix + routine, tuple(given), max(flops, 1)))

    def _in_place(self, x):
        """Return `x` as the contents of a buffer if its elements lie there in order."""
        if x.buffer is not None or not x.size:
            return x
        index = tuple(map(Index.of, self._lower.loops(x.shape)))
        element = x.at(index)
        if element.op != "load":
            return x
        buffer, offset = element.detail
        if buffer.size != x.size or offset != flatten_index(index, x.shape):
            return x
        return self._lower.stored(buffer, x.type)
