"""Scalar expressions: what is computed at one point of a loop nest.

Expressions are interned by an `Expressions` table, so that equal ones are one object and a shared operand is
computed once. An expression knows its cost, from which it is decided whether to compute a value where it is
needed or to store it.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from funcgrad.compile.loopir.index import Counter, Index, Interval, Remainder
from funcgrad.core.primitive import cost_of

__all__ = ["Buffer", "Expression", "Expressions", "intervals"]

# Operands shared by several nodes count once for each: sizes of deep expressions are cut off here.
_MOST_SIZE = 1_000_000


class Buffer:
    """An array in memory, in C order.

    Args:
        kind: "input", "constant", "output" or "scratch".
        shape, dtype: of the array.
        position: which input, constant or output it is.
    """

    __slots__ = ("dtype", "kind", "position", "shape", "size")

    def __init__(self, kind: str, shape: tuple[int, ...], dtype: np.dtype, position: int = 0):
        self.kind = kind
        self.shape = shape
        self.dtype = dtype
        self.position = position
        self.size = prod(shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    def __repr__(self) -> str:
        return f"{self.kind}: {self.dtype}{list(self.shape)}"


class Expression:
    """`op(args)` of a dtype; made by `Expressions`.

    `detail` is the value of a "const", the `(buffer, offset)` of a "load", the index of an "index", and the
    conditions `(index, low, high)` of a "guard", each meaning low <= index < high: a guard is its first
    argument where all hold (and reads nothing of it elsewhere), else its second.

    Attributes:
        divides: whether a place where it reads is found by dividing a loop's counter.
    """

    __slots__ = ("args", "cost", "detail", "divides", "dtype", "op", "own_cost", "size")

    def __init__(self, op: str, args: tuple["Expression", ...], dtype: np.dtype, detail: Any):
        self.op = op
        self.args = args
        self.dtype = dtype
        self.detail = detail
        self.own_cost = 0 if op in ("const", "cast") else cost_of(op)
        self.cost: int = min(self.own_cost + sum([a.cost for a in args]), _MOST_SIZE)
        self.size: int = min(1 + sum([a.size for a in args]), _MOST_SIZE)
        self.divides: bool = any([a.divides for a in args]) or any([i.is_divided() for i in self.indices()])

    def is_cheap(self, limit: int) -> bool:
        """Whether computing it costs at most `limit`, a node that several share counted once."""
        return self.cost <= limit or sum([node.own_cost for node in self.walk()]) <= limit

    def indices(self) -> list[Index]:
        """Return the indices this node itself holds."""
        if self.op == "load":
            return [self.detail[1]]
        if self.op == "index":
            return [self.detail]
        if self.op == "guard":
            return [condition[0] for condition in self.detail]
        return []

    def walk(self) -> Iterator["Expression"]:
        """Yield each node of the expression once, those inside indices included."""
        seen = set()
        stack = [self]
        while stack:
            node = stack.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            yield node
            stack.extend(node.args)
            for index in node.indices():
                stack.extend(index.data())

    def loops(self) -> Iterator[Counter]:
        """Yield the loops the value depends on."""
        for node in self.walk():
            for index in node.indices():
                yield from (a for a in index.terms if type(a) is Counter)
                for atom in index.terms:
                    if hasattr(atom, "divisor"):
                        yield from atom.index.loops()


class Expressions:
    """The table of one compilation: makes expressions, equal ones once."""

    def __init__(self) -> None:
        self._known: dict[Any, Expression] = {}

    def make(
        self, op: str, args: tuple[Expression, ...], dtype: np.dtype, detail: Any = None, key: Any = None
    ) -> Expression:
        full = (op, tuple([id(a) for a in args]), dtype.char, detail if key is None else key)
        known = self._known.get(full)
        if known is None:
            known = self._known[full] = Expression(op, args, dtype, detail)
        return known

    def const(self, value: Any, dtype: np.dtype) -> Expression:
        with np.errstate(all="ignore"):
            value = np.asarray(value).astype(dtype)[()]
        return self.make("const", (), dtype, value, key=value.tobytes())

    def literal(self, value: Any, dtype: np.dtype) -> Expression:
        """Return a number of a program; a Python int may be larger than any of its dtype until it is converted."""
        if type(value) is int and not -(2**63) <= value < 2**63:
            return self.make("const", (), dtype, value)
        return self.const(value, dtype)

    def load(self, buffer: Buffer, offset: Index) -> Expression:
        return self.make("load", (), buffer.dtype, (buffer, offset))

    def index(self, index: Index) -> Expression:
        if not index.terms:
            return self.const(index.constant, np.dtype(np.int64))
        return self.make("index", (), np.dtype(np.int64), index)

    def cast(self, x: Expression, dtype: np.dtype) -> Expression:
        if x.dtype == dtype:
            return x
        if x.op == "const" and not (x.dtype.kind == "c" and dtype.kind != "c"):
            return self.const(x.detail, dtype)
        return self.make("cast", (x,), dtype)

    def checked(self, position: Expression, extent: int) -> Expression:
        """Return an integer read from an array as the position that it names among `extent` ones; it is checked."""
        position = self.cast(position, np.dtype(np.int64))
        return self.make("checked", (position,), position.dtype, extent)

    def requiring(self, x: Expression, positions: Sequence[tuple[Expression, int]]) -> Expression:
        """Return `x`, for which each position must be within its extent, though `x` may not depend on it."""
        checks = [self.checked(position, n) for position, n in positions if not _is_within(position, n)]
        made = {id(node) for node in x.walk()} if checks else set()
        missing = tuple([check for check in checks if id(check) not in made])
        return self.make("required", (x, *missing), x.dtype) if missing else x

    def guard(self, conditions: Any, inside: Any, outside: Expression) -> Expression:
        """Return `inside()` where every `(index, low, high)` has low <= index < high, else `outside`."""
        open_conditions = []
        for index, low, high in map(_plainer, conditions):
            least, most = index.bounds()
            if most < low or least >= high:
                return outside
            if least < low or most >= high:
                open_conditions.append((index, low, high))
        value = inside()
        if value.divides:
            value = self._narrowed(value, intervals(open_conditions))
        if not open_conditions or value is outside:
            return value
        return self.make("guard", (value, outside), value.dtype, tuple(open_conditions))

    def _narrowed(self, value: Expression, within: dict[Counter, Interval]) -> Expression:
        """Return an expression that is equal where loops' counters are `within` these bounds."""
        known: dict[int, Expression] = {}

        def narrow(x: Expression) -> Expression:
            if not x.divides:
                return x
            if id(x) not in known:
                known[id(x)] = rebuilt(x)
            return known[id(x)]

        def rebuilt(x: Expression) -> Expression:
            if x.op == "load":
                return self.load(x.detail[0], x.detail[1].narrowed(within))
            if x.op == "index":
                return self.index(x.detail.narrowed(within))
            if x.op == "guard":
                conditions = [(index.narrowed(within), low, high) for index, low, high in x.detail]
                return self.guard(conditions, lambda: narrow(x.args[0]), narrow(x.args[1]))
            return self.make(x.op, tuple([narrow(a) for a in x.args]), x.dtype, x.detail)

        return narrow(value) if within else value


def _is_within(position: Expression, extent: int) -> bool:
    return position.op == "const" and -extent <= position.detail < extent


def intervals(conditions: Any, known: Mapping[Counter, Interval] | None = None) -> dict[Counter, Interval]:
    """Return what conditions `(index, low, high)` say of loops' counters, beside what is known."""
    found = dict(known or {})
    for index, low, high in conditions:
        if len(index.terms) == 1:
            ((loop, factor),) = index.terms.items()
            if type(loop) is Counter and factor in (1, -1):
                ends = sorted((factor * (low - index.constant), factor * (high - 1 - index.constant)))
                least, most = found.get(loop, loop).bounds()
                found[loop] = Interval(max(least, ends[0]), min(most, ends[1]))
    return found


def _plainer(condition):
    """Return an equal condition; that a remainder is 0 where the index can be one multiple only, without it."""
    index, low, high = condition
    if (low, high) == (0, 1) and not index.constant and len(index.terms) == 1:
        ((atom, factor),) = index.terms.items()
        if factor == 1 and type(atom) is Remainder:
            least, most = atom.index.bounds()
            multiple = -(-least // atom.divisor) * atom.divisor
            if most < multiple + atom.divisor:
                return atom.index + -multiple, 0, 1
    return condition
