"""Arrays written where they are: what a `lower_rule` has as `lower.updates`.

An operation that changes few elements of an array writes them into the memory of its operand, if nothing that is
lowered later reads what was there. That is so for the scratch of this program, and for inputs that were given to it.
"""

import collections
from collections.abc import Callable, Sequence

from funcgrad.compile.loopir.expression import Buffer, Expression
from funcgrad.compile.loopir.index import Index, flatten_index
from funcgrad.compile.loopir.statement import Effect, Statement
from funcgrad.compile.lower.builder import Builder
from funcgrad.compile.lower.usage import last_uses
from funcgrad.compile.lower.value import Sparse, Value
from funcgrad.core.program import Program, Var
from funcgrad.core.types import ArrayType

__all__ = ["Updates"]

# Later readers of an array may need a part of it of this size at most: that is stored elsewhere first.
SMALL_PART = 1 / 8


class Updates:
    """Writes into existing memory within one lowering.

    Args:
        given: inputs whose memory may be written to, each if the output it stands for is then in it.

    Attributes:
        in_place: of the outputs that `given` names, those that are written in the memory of their input.
    """

    def __init__(self, lower: Builder, program: Program, given: dict[int, int]):
        self.in_place: set[int] = set()
        self._lower = lower
        self._positions = given
        self._given: dict[Buffer, int] = {}
        self._users: dict[Buffer, list[Var]] = {}
        self._last_use = last_uses(program)
        self._reads = collections.Counter(
            a for e in program.equations for a in e.inputs if isinstance(a, Var)
        )

    # What rules use.

    def place(self, out: ArrayType, x: Value, at: Callable, where: Callable) -> Value:
        """Return zeros but for `x`: `at(index)` is an element, and `where(index)` the place of one of `x`."""
        value = self._lower.map(out, at)
        value.part = Sparse(x, where)
        return value

    def update(
        self, out: ArrayType, x: Value, v: Value, shape: tuple[int, ...], at: Callable, where: Callable
    ) -> Value:
        """Return `x` with `v`, spread to `shape`, at `where(index)`: in the memory of `x` if nobody needs that."""
        buffer = self._own(x, shape, where)
        if buffer is None:
            return self._lower.map(out, at)
        spread = Value(ArrayType(shape, v.dtype), v.spread)
        self._write(buffer, x.shape, spread, where)
        return self._lower.stored(buffer, x.type)

    def scatter(self, x: Value, v: Value, lead: tuple[int, ...], target: Callable, op: str | None) -> Value:
        """Return `x` with each element of `v` written (or combined by `op`) at `target(index)`."""
        lower = self._lower
        first = len(lower.statements)
        buffer = self._own(x, lead, target) or lower.copied(x)
        spread = Value(ArrayType(lead, v.dtype), v.spread)
        self._write(buffer, x.shape, spread, target, op, distinct=False)
        out = lower.stored(buffer, x.type)
        if op == "add" and x.is_zero and self._is_read_once():
            out.part = Sparse(spread, target, False, tuple(lower.statements[first:]))
        return out

    def apart(self, x: Value, places: Sequence[Value]) -> list[Value]:
        """Return places in `x` with those stored elsewhere that are few, and read from the memory of `x`."""
        return [
            self._lower.stored(self._lower.copied(i), i.type)
            if i.size <= SMALL_PART * x.size and x.buffer in self._read_by(i) and i.buffer is None
            else i
            for i in places
        ]

    def added(self, out: ArrayType, x: Value, y: Value) -> Value | None:
        """Return `x + y` in the memory of `x`, where `y` is zero but for a part; None where that cannot be."""
        part = y.part
        if part is None or not x.type == y.type == out:
            return None
        buffer = self._own(x, part.value.shape, part.where)
        if buffer is None:
            return None
        self._withdraw(part.statements)
        self._write(buffer, x.shape, part.value, part.where, "add", distinct=part.distinct)
        return self._lower.stored(buffer, x.type)

    # What the lowering tells and asks.

    def enter(self, position: int, var: Var, buffer: Buffer) -> None:
        """Take notice of an input."""
        if position in self._positions:
            self._given[buffer] = self._positions[position]
            self._users[buffer] = [var]

    def defined(self, var: Var, value: Value) -> None:
        """Take notice of a value that later equations may read."""
        for buffer in self._read_by(value):
            self._users.setdefault(buffer, []).append(var)

    def is_in_place(self, value: Value, position: int) -> bool:
        """Whether an output is in the memory of the input that was given for it."""
        if value.buffer is None or self._given.get(value.buffer) != position:
            return False
        self.in_place.add(position)
        return True

    @property
    def wrongly_reused(self) -> set[int]:
        """The inputs written to whose outputs are elsewhere: they must not be given."""
        written = {b for s in self._lower.statements for b in s.written if b.kind == "input"}
        return {b.position for b in written if self._given[b] not in self.in_place}

    def _write(
        self,
        buffer: Buffer,
        shape: tuple[int, ...],
        v: Value,
        where: Callable,
        op: str | None = None,
        *,
        distinct: bool = True,
    ) -> None:
        """Write `v` into a buffer of `shape`, what it is computed from being read before."""
        lower = self._lower
        lower.made_once.clear()
        if not v.size:
            return
        loops = lower.loops(v.shape)
        index = tuple(map(Index.of, loops))
        if _reads(buffer, [v.at(index)]):
            v = lower.stored(lower.copied(v), v.type)
        places = tuple([Index({}, i) if isinstance(i, int) else i for i in where(index)])
        effect = Effect(buffer, flatten_index(places, shape), lower.cast(v.at(index), buffer.dtype), op)
        lower.emit(loops if distinct else [], [effect], [] if distinct else loops)

    def _own(self, x: Value, shape: tuple[int, ...], where: Callable) -> Buffer | None:
        """Return the memory of `x` if it can be written to, at `where(index)` for each index in `shape`.

        Nothing lowered later may ask for what is in it, but for few elements, which are stored elsewhere first; nor
        may the places be read from it.
        """
        buffer, lower = x.buffer, self._lower
        if (
            buffer is None
            or buffer in lower.pinned
            or (buffer.kind != "scratch" and buffer not in self._given)
        ):
            return None
        users = self._users.get(buffer, [])
        users[:] = [var for var in users if self._last_use.get(var, -1) > lower.position]
        late = [(var, value) for var in users if (value := lower.values[var]).buffer in (None, buffer)]
        if any(value.buffer is buffer for _, value in late):
            return None
        if sum(v.size for _, v in late) > SMALL_PART * x.size or _reads(buffer, self._data(where, shape)):
            return None
        for var in users:  # made already; not to be made once more from what is overwritten now
            part = lower.values[var].part
            if part is not None and part.statements:
                lower.values[var].part = None
        for var, value in late:
            elsewhere = lower.copied(value)
            value.become(lower.stored(elsewhere, value.type))
            self._users.setdefault(elsewhere, []).append(var)
        return buffer

    def _is_read_once(self) -> bool:
        """Whether one later equation reads the result of the present one, once."""
        lower = self._lower
        (var,) = lower.program.equations[lower.position].outputs
        return self._reads[var] == 1 and self._last_use[var] != float("inf")

    def _withdraw(self, statements: Sequence[Statement]) -> None:
        """Take back statements that made an array which is not needed."""
        lower = self._lower
        made = {id(s) for s in statements}
        written = {b for s in statements for b in s.written}
        lower.statements = [s for s in lower.statements if id(s) not in made]
        lower.buffers = [b for b in lower.buffers if b not in written]

    def _read_by(self, value: Value) -> set[Buffer]:
        """Return the buffers that are read where `value` is asked for."""
        part = value.part
        found = set() if value.buffer is None else {value.buffer}
        roots: list[Expression] = []
        if part is not None and part.statements:
            found |= self._read_by(part.value)
            roots = self._data(part.where, part.value.shape)
        elif value.buffer is None and value.size:
            roots = [value.at(tuple(map(Index.of, self._lower.loops(value.shape))))]
        return found | {n.detail[0] for root in roots for n in root.walk() if n.op == "load"}

    def _data(self, where: Callable, shape: tuple[int, ...]) -> list[Expression]:
        """Return the numbers read from arrays that `where(index)` depends on, for an index in `shape`."""
        places = where(tuple(map(Index.of, self._lower.loops(shape)))) if 0 not in shape else ()
        return [root for i in places if isinstance(i, Index) for root in i.data()]


def _reads(buffer: Buffer, expressions: Sequence[Expression]) -> bool:
    return any(n.op == "load" and n.detail[0] is buffer for root in expressions for n in root.walk())
