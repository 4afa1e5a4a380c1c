"""What a `lower_rule` is given: expressions at an index, values, statements, buffers.

A `Value` is an array given by a function from an index to a scalar expression. Views cost nothing: they are
values that ask another value at another index. A value is computed where it is needed, or stored in a buffer
first.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from funcgrad.compile.loopir.expression import Buffer, Expression, Expressions
from funcgrad.compile.loopir.index import Counter, Data, Index, flatten_index, split_index
from funcgrad.compile.loopir.statement import Effect, Statement
from funcgrad.compile.lower.loop_order import ordered_loops
from funcgrad.compile.lower.thin import is_thin, summed_thin
from funcgrad.compile.lower.value import Segment, Value
from funcgrad.compile.target.types import identity, in_memory
from funcgrad.core.program import Program, Var
from funcgrad.core.types import ArrayType

__all__ = ["Builder"]

# An array put together of more than so many is written one after the other: a loop over all asks at each place which it is.
MOST_PIECES = 8


class Builder:
    """Statements on buffers, as the rules of a program's equations add them.

    Args:
        careful: what is quick but not right for all arguments is left out.

    Attributes:
        position: of the equation that is being lowered.
        values: of the variables so far.
        pinned: buffers that values defined before read by now: they must not be written to.
        made_once: results of routines, as long as no memory is written to again (see `Lapack.once`).
    """

    def __init__(self, program: Program, *, careful: bool = False):
        self.program = program
        self.careful = careful
        self.expressions = Expressions()
        self.statements: list[Statement] = []
        self.buffers: list[Buffer] = []
        self.values: dict[Var, Value] = {}
        self.position = 0
        self.pinned: set[Buffer] = set()
        self.made_once: dict[Any, Any] = {}
        self._loops: dict[tuple[int, int], Counter] = {}

    def map(self, out: ArrayType, at: Callable[[tuple[Index, ...]], Expression]) -> Value:
        """Return the value with the shape and dtype of `out` whose element at an index is `at(index)`."""
        return Value(out, at)

    def op(self, name: str, dtype: np.dtype, *args: Expression) -> Expression:
        """Return a scalar operation."""
        if (
            name == "power"
            and args[1].op == "const"
            and args[1].detail in (3, 4)
            and args[0].dtype.kind == "f"
        ):
            # Two multiplications: within 1.5 units in the last place, as the kernel is, and exact where x**n is.
            square = self.op("square", dtype, args[0])
            return self.op("multiply", dtype, square, args[0] if args[1].detail == 3 else square)
        return self.expressions.make(name, args, np.dtype(dtype))

    def const(self, value: Any, dtype: Any) -> Expression:
        return self.expressions.const(value, np.dtype(dtype))

    def cast(self, x: Expression, dtype: Any) -> Expression:
        return self.expressions.cast(x, np.dtype(dtype))

    def converted(self, x: Value, dtype: np.dtype) -> Value:
        """Return `x` as an array of `dtype`."""
        return (
            x
            if x.dtype == dtype
            else self.map(ArrayType(x.shape, dtype), lambda i: self.cast(x.at(i), dtype))
        )

    def guard(self, conditions: Any, inside: Callable, outside: Expression) -> Expression:
        """Return `inside()` where every `(index, low, high)` has low <= index < high, else `outside`."""
        return self.expressions.guard(conditions, inside, outside)

    def checked(self, position: Expression, extent: int) -> Index:
        """Return an integer read from an array as an index; it may count from the end, and is checked."""
        return Index.of(Data(self.expressions.checked(position, extent), extent))

    def requiring(self, x: Expression, positions: Sequence[tuple[Expression, int]]) -> Expression:
        """Return `x`, for which each position must be within its extent, though `x` may not depend on it."""
        return self.expressions.requiring(x, positions)

    def known(self, position: Expression, extent: int) -> Index:
        """Return an integer that is known to be from 0 to `extent - 1` as an index."""
        return Index.of(Data(self.cast(position, np.int64), extent))

    def store(self, value: Value) -> Value:
        """Return `value` in memory, in C order."""
        if value.buffer is not None:
            return value
        return self.stored(self.copied(value), value.type)

    def keep(self, value: Value) -> Value:
        """Put `value` in memory, from where whoever asks for it has it from now on."""
        if value.buffer is None:
            buffer = self.copied(value)
            value.become(self.stored(buffer, value.type))
            self.pinned.add(buffer)
        return value

    def as_if_stored(self, value: Value) -> Value:
        """Return `value` as it would be in memory, to see how its elements would lie there."""
        return self.stored(Buffer("scratch", value.shape, value.dtype), value.type)

    def copied(self, value: Value) -> Buffer:
        """Return a new buffer with the elements of `value`."""
        buffer = self.result(value.type)
        self._write(value, buffer)
        return buffer

    def reduce(self, op: str, out: ArrayType, x: Value, axes: Sequence[int], *, keepdims: bool) -> Value:
        """Return `x` combined by `op` over `axes`."""
        if keepdims:
            squeezed = ArrayType(tuple(n for d, n in enumerate(out.shape) if d not in axes), out.dtype)
            return self.reshape(self.reduce(op, squeezed, x, axes, keepdims=False), out.shape)
        if op == "add":
            total = summed_thin(self, out, x, axes)
            if total is not None:
                return total
        loops, kept, offset = self._reduced(x, axes, out)
        buffer = self.result(out)
        self.emit(kept, [Effect(buffer, offset, self.const(identity(op, out.dtype), out.dtype))])
        if not x.size:
            return self.stored(buffer, out)
        value = self.cast(x.at(tuple(map(Index.of, loops))), out.dtype)
        self.emit(kept, [Effect(buffer, offset, value, op)], [loops[d] for d in sorted(axes)])
        return self.stored(buffer, out)

    def locate(self, op: str, out: ArrayType, x: Value, axis: int) -> Value:
        """Return the first position along `axis` of the extremum by `op`, or of a nan: two passes, both vectorized."""
        best = self.reduce(op, ArrayType(out.shape, x.dtype), x, (axis,), keepdims=False)
        beyond = self.const(x.shape[axis], out.dtype)

        def at(index):
            element = x.at(index)
            found = self.op("equal", bool, element, best.at((*index[:axis], *index[axis + 1 :])))
            if x.dtype.kind == "f":
                found = self.op("logical_or", bool, found, self.op("isnan", bool, element))
            return self.op("select", out.dtype, found, self.expressions.index(index[axis]), beyond)

        places = self.map(ArrayType(x.shape, out.dtype), at)
        return self.reduce("minimum", out, places, (axis,), keepdims=False)

    def _reduced(self, x, axes, out):
        """Return the loops over `x`, those that are kept, and the offset in the result."""
        loops = self.loops(x.shape)
        kept = [loop for d, loop in enumerate(loops) if d not in axes]
        return loops, kept, flatten_index(tuple(map(Index.of, kept)), out.shape)

    def accumulate(self, op: str, out: ArrayType, x: Value, axis: int, *, reverse: bool = False) -> Value:
        """Return the running combination of `x` by `op` along `axis`."""

        def step(previous, index):
            return self.op(op, out.dtype, previous, self.cast(x.at(index), out.dtype))

        # The first of a running sum is the first term itself, -0.0 included.
        initial = -0.0 if op == "add" and out.dtype.kind == "f" else identity(op, out.dtype)
        return self.scan(out, axis, reverse, initial, step)

    def scan(self, out: ArrayType, axis: int, reverse: bool, initial: Any, step: Callable) -> Value:
        """Return y with `y[i] = step(y[i - 1], index)` along `axis`, from `initial` before the first."""
        buffer = self.result(out)
        loops = self.loops(out.shape)
        kept = [loop for d, loop in enumerate(loops) if d != axis]
        carry = self.result(ArrayType(tuple(loop.extent for loop in kept), out.dtype))
        at_carry = flatten_index(tuple(map(Index.of, kept)), carry.shape)
        self.emit(kept, [Effect(carry, at_carry, self.const(initial, out.dtype))])
        index = list(map(Index.of, loops))
        if reverse:
            index[axis] = index[axis] * -1 + (out.shape[axis] - 1)
        value = step(self.expressions.load(carry, at_carry), tuple(index))
        effects = [
            Effect(carry, at_carry, value),
            Effect(buffer, flatten_index(tuple(index), out.shape), self.expressions.load(carry, at_carry)),
        ]
        self.emit(kept, effects, [loops[axis]])
        return self.stored(buffer, out)

    def reshape(self, x: Value, shape: tuple[int, ...]) -> Value:
        """Return the elements of `x`, in C order, in another shape."""
        if x.buffer is not None and not (x.size and is_thin(self.element(x))):
            return self.stored(x.buffer, ArrayType(shape, x.dtype))
        out = ArrayType(shape, x.dtype)
        value = self.map(out, lambda index: x.at(split_index(flatten_index(index, shape), x.shape)))
        value.pieces = x.pieces or (Segment(x, lambda index: flatten_index(index, x.shape)),)
        return value

    def interleaved(self, out: ArrayType, parts: Sequence[Value]) -> Value:
        """Return a complex array, as it lies in memory, of its real and its imaginary part."""
        kind = in_memory(out)
        buffer = self.result(kind)
        loops = self.loops(out.shape)
        index = tuple(map(Index.of, loops))
        self.emit(
            loops,
            [
                Effect(buffer, flatten_index((*index, Index({}, k)), kind.shape), part.at(index))
                for k, part in enumerate(parts)
            ],
        )
        return self.stored(buffer, kind)

    def assemble(
        self, out: ArrayType, at: Callable, xs: Sequence[Value], wheres: Sequence[Callable]
    ) -> Value:
        """Return an array that is put together of `xs`: `at(index)` is an element, and `wheres[k](index)` the index of one
        of `xs[k]`."""
        value = self.map(out, at)
        value.pieces = tuple(
            piece for x, where in zip(xs, wheres, strict=True) for piece in self._pieces(x, where, out.shape)
        )
        return value

    def _pieces(self, x: Value, where: Callable, shape: tuple[int, ...]) -> Iterator[Segment]:
        """Yield the pieces of one piece of an array of `shape`."""

        def placed(place):
            return lambda index: flatten_index(where(split_index(place(index), x.shape)), shape)

        if not x.pieces:
            yield Segment(x, lambda index: flatten_index(where(index), shape))
        for inner, place in x.pieces:
            yield Segment(inner, placed(place))

    def loops(self, shape: tuple[int, ...]) -> list[Counter]:
        """Return a loop for each axis: the same ones whenever asked for the same shape."""
        return [self._loops.setdefault((d, n), Counter(n)) for d, n in enumerate(shape)]

    def element(self, x: Value) -> Expression:
        """Return the element of an array at the counters of the loops over it."""
        return x.at(tuple(map(Index.of, self.loops(x.shape))))

    def emit(
        self, kept: Sequence[Counter], effects: Sequence[Effect], carried: Sequence[Counter] = ()
    ) -> None:
        """Add a statement: `effects` at each point of `kept` and, in order, of `carried`."""
        if any(loop.extent == 0 for loop in (*kept, *carried)):
            return
        loops = ordered_loops(tuple(kept), tuple(carried), tuple(effects))
        self.statements.append(Statement(loops, tuple(effects), frozenset(carried)))

    def call(self, loops: Sequence[Counter], call: Any) -> None:
        """Add a call at each point of `loops`."""
        if not any(loop.extent == 0 for loop in loops):
            self.statements.append(Statement(tuple(loops), call=call))

    def result(self, out: ArrayType) -> Buffer:
        """Return a new buffer."""
        return self._buffer("scratch", out)

    def stored(self, buffer: Buffer, out: ArrayType) -> Value:
        """Return the contents of a buffer as a value of the type `out`."""
        load = self.expressions.load
        return Value(out, lambda index: load(buffer, flatten_index(index, out.shape)), buffer)

    def _write(self, value: Value, buffer: Buffer) -> None:
        if not value.size:
            return
        whole = Segment(value, lambda index: flatten_index(index, value.shape))
        for x, place in value.pieces if self._is_better_in_pieces(value, buffer) else (whole,):
            loops = self.loops(x.shape)
            index = tuple(map(Index.of, loops))
            self.emit(loops, [Effect(buffer, place(index), self.cast(x.at(index), buffer.dtype))])

    def _is_better_in_pieces(self, value: Value, buffer: Buffer) -> bool:
        """Whether to write a value one piece after the other, which can cost what would read it in the same loop."""
        if len(value.pieces) > (1 if buffer.kind == "output" else MOST_PIECES):
            return True
        return bool(value.pieces) and self.element(value).divides

    def _buffer(self, kind: str, type: ArrayType, position: int = 0) -> Buffer:
        type = in_memory(type)
        buffer = Buffer(kind, type.shape, type.dtype, position)
        self.buffers.append(buffer)
        return buffer
