"""From a Program to statements: each primitive's `lower_rule` says what its result is at an index.

A `Value` is an array given by a function from an index to a scalar expression. Views cost nothing: they are
values that ask another value at another index. A value is computed where it is needed, or stored in a buffer
first; stored it is where that is needed (a result, an operand of a call), or where it would be computed several
times at a cost above `CHEAP`.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from funcgrad.compile.loopir.expression import Buffer, Expression, Expressions
from funcgrad.compile.loopir.index import Counter, Data, Index, flatten_index, split_index
from funcgrad.compile.loopir.statement import Effect, Statement
from funcgrad.compile.lower.calls import control_call, host_call
from funcgrad.compile.lower.comparison import COMPARISONS, compare
from funcgrad.compile.lower.in_place import Updates
from funcgrad.compile.lower.lapack import Lapack
from funcgrad.compile.lower.loop_order import ordered_loops
from funcgrad.compile.lower.matmul import lower_product
from funcgrad.compile.lower.nan_watch import watch, watched
from funcgrad.compile.lower.usage import evaluations
from funcgrad.compile.lower.value import Segment, Value
from funcgrad.compile.target.scalars import identity, is_native, supports
from funcgrad.core.program import Equation, Literal, Program, Var
from funcgrad.core.types import ArrayType

__all__ = ["Lowering"]

# Below this cost (in additions) a value is computed again at each use rather than stored: about what a
# store and a load cost.
CHEAP = 7
# An expression of more nodes is stored, so that no single statement grows without bound.
LARGE = 150
# So is a view of a view of ... a view: asking one asks them all.
DEEP = 40


class Lowering:
    """The lowering of one program; what a `lower_rule` is given as its first argument.

    A rule is `lower_rule(lower, out, *args, **params)`, with `out` the type of the result (a tuple of them for
    several results) and `args` Values. It returns a Value (or a tuple of them), or None where it does not apply:
    then the primitive's evaluation rule is called on the host.

    Args:
        given: inputs whose memory may be written to, each if the output it stands for is then in it.
        careful: what is quick but not right for all arguments is left out.
        whole: it is no body of a loop or branch.

    Attributes:
        lapack: matrices in memory, and the routines of BLAS and LAPACK on them (`Lapack`).
        updates: arrays written where they are (`Updates`).
        position: of the equation that is being lowered.
        values: of the variables so far.
    """

    def __init__(
        self,
        program: Program,
        given: dict[int, int] | None = None,
        *,
        careful: bool = False,
        whole: bool = True,
    ):
        self.program = program
        self.careful = careful
        self._watched = set() if careful else watched(program, whole=whole)
        self.expressions = Expressions()
        self.statements: list[Statement] = []
        self.buffers: list[Buffer] = []
        self.values: dict[Var, Value] = {}
        self._loops: dict[tuple[int, int], Counter] = {}
        self._evaluations = evaluations(program)
        self._outputs: dict[Var, int] = {}
        self.lapack = Lapack(self)
        self.updates = Updates(self, program, given or {})
        self.position = 0
        self._depth: dict[Var, int] = {}

    def run(self) -> "Lowering":
        """Lower every equation, and store the outputs."""
        program = self.program
        for position, var in enumerate(program.inputs):
            buffer = self._buffer("input", var.type, position)
            self.values[var] = self.stored(buffer, var.type)
            self.updates.enter(position, var, buffer)
        for position, (var, _) in enumerate(program.constants):
            self.values[var] = self.stored(self._buffer("constant", var.type, position), var.type)
        for position, atom in enumerate(program.outputs):
            if isinstance(atom, Var) and atom not in self.values:
                self._outputs.setdefault(atom, position)
        for self.position, equation in enumerate(program.equations):
            self._lower(equation)
        for position, atom in enumerate(program.outputs):
            if isinstance(atom, Var) and self.updates.is_in_place(self.values[atom], position):
                continue
            if not isinstance(atom, Var) or self._outputs.get(atom) != position:
                self._write(self._read(atom), self._buffer("output", atom.type, position))
        return self

    # What rules use.

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

    def apply(self, name: str, ufunc: np.ufunc, out: ArrayType, args: Sequence[Value]) -> Value | None:
        """Return the elementwise operation `name`, in the dtypes of NumPy's `ufunc`."""
        if name == "add":
            for x, y in (args, reversed(args)):
                total = self.updates.added(out, x, y)
                if total is not None:
                    return total
        try:
            dtypes = ufunc.resolve_dtypes((*[x.type.promotion for x in args], *(None,) * ufunc.nout))
        except TypeError:
            return None
        if not supports(name, dtypes[0]) or not all(is_native(d) for d in dtypes):
            return None

        if name in COMPARISONS and all(d.kind in "iub" for d in dtypes[:2]):
            x, y = args
            return self.map(out, lambda i: compare(self, name, x.spread(i), y.spread(i), (x.type, y.type)))

        def at(index):
            operands = [self._operand(x, x.spread(index), d) for x, d in zip(args, dtypes, strict=False)]
            return self.cast(self.op(name, dtypes[-1], *operands), out.dtype)

        return self.map(out, at)

    def _operand(self, x: Value, element: Expression, dtype: np.dtype) -> Expression:
        """Return an operand in the dtype of its operation; a Python int must fit there, as NumPy has it."""
        if (
            x.type.weak
            and x.dtype.kind == "i"
            and dtype.kind in "iu"
            and dtype != x.dtype
            and element.op != "const"
        ):
            return self.expressions.make("fitted", (element,), dtype)
        return self.cast(element, dtype)

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
            self.updates.pin(buffer)
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
        if x.buffer is not None:
            return self.stored(x.buffer, ArrayType(shape, x.dtype))
        out = ArrayType(shape, x.dtype)
        value = self.map(out, lambda index: x.at(split_index(flatten_index(index, shape), x.shape)))
        value.pieces = x.pieces or (Segment(x, lambda index: flatten_index(index, x.shape)),)
        return value

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

    def control(self, kind: str, programs: Sequence[Program], outs: Any, args: Any, **details: Any) -> Any:
        """Return the results of a loop or branch of the program itself; None where its bodies cannot be native."""
        return control_call(self, kind, programs, outs, args, **details)

    def product(self, out: ArrayType, x: Value, y: Value, contract: Any, batch: Any) -> Value:
        """Return the sum of products that `dot` is, by loops or by BLAS."""
        return lower_product(self, out, x, y, contract, batch)

    def loops(self, shape: tuple[int, ...]) -> list[Counter]:
        """Return a loop for each axis: the same ones whenever asked for the same shape."""
        return [self._loops.setdefault((d, n), Counter(n)) for d, n in enumerate(shape)]

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

    # The walk over the program.

    def _lower(self, equation: Equation) -> None:
        args = [self._read(a) for a in equation.inputs]
        multiple = equation.primitive.multiple
        types = tuple(v.type for v in equation.outputs)
        mark = len(self.buffers)
        results = None
        rule = equation.primitive.lower_rule
        if rule is not None and all(is_native(t.dtype) for t in (*types, *(x.type for x in args))):
            results = rule(self, types if multiple else types[0], *args, **equation.params)
        if results is None:
            results = host_call(self, equation, args)
        elif not multiple:
            results = (results,)
        depth = 1 + max([self._depth.get(a, 0) for a in equation.inputs if isinstance(a, Var)], default=0)
        for var, value in zip(equation.outputs, results, strict=True):
            value = self.values[var] = self._settled(var, value, mark, depth > DEEP)
            self._depth[var] = depth if value.buffer is None else 0
            self.updates.defined(var, value)
            if var in self._watched:
                watch(self, value)

    def _settled(self, var: Var, value: Value, mark: int, deep: bool) -> Value:
        """Return the value, stored where it must be or where that is cheaper."""
        position = self._outputs.get(var)
        if position is not None:
            if self.updates.is_in_place(value, position):
                return value
            buffer = value.buffer
            if buffer is not None and buffer.kind == "scratch" and buffer in self.buffers[mark:]:
                buffer.kind, buffer.position = "output", position
                return value
            buffer = self._buffer("output", var.type, position)
            self._write(value, buffer)
            return self.stored(buffer, var.type)
        if value.buffer is None and value.size:
            expression = value.at(tuple(map(Index.of, self.loops(value.shape))))
            often = self._evaluations.get(var, 0) > 1.01
            if deep or expression.size > LARGE or (often and not expression.is_cheap(CHEAP)):
                value = self.store(value)
        if value.type != var.type:
            part, pieces = value.part, value.pieces
            value = Value(var.type, value.at, value.buffer)
            value.part, value.pieces = part, pieces
        return value

    def _read(self, atom) -> Value:
        if isinstance(atom, Literal):
            constant = self.expressions.literal(atom.value, atom.type.dtype)
            return Value(atom.type, lambda index: constant)
        return self.values[atom]

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
        if len(value.pieces) > 1 and buffer.kind == "output":
            return True
        return bool(value.pieces) and value.at(tuple(map(Index.of, self.loops(value.shape)))).divides

    def _buffer(self, kind: str, type: ArrayType, position: int = 0) -> Buffer:
        buffer = Buffer(kind, type.shape, type.dtype, position)
        self.buffers.append(buffer)
        return buffer
