"""Turns as one `scan`: its body, what it captures and carries, and the tables and slices that it goes through."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from funcgrad.core.primitive import primitive_named
from funcgrad.core.program import Atom, Equation, Literal, Program, Var
from funcgrad.core.staging import Staging
from funcgrad.core.tracer import Tracer, bind
from funcgrad.core.types import ArrayType, type_of
from funcgrad.primitives.broadcasting import broadcast_to, reshape
from funcgrad.primitives.indexing import index
from funcgrad.primitives.keys import Key, full_key
from funcgrad.primitives.shape import concatenate, transpose
from funcgrad.programs.rolling.numbering import Numbering, same_bits
from funcgrad.programs.rolling.skeleton import array_dtype
from funcgrad.programs.rolling.turns import Column, Turns
from funcgrad.programs.rolling.writer import Writer

__all__ = ["Loop", "NotALoop"]

# An operand that is another array in each turn is copied into one, if it has at most so many bytes.
STACKED_BYTES = 1 << 15
# A result that is read after the last turn alone is carried rather than stacked from so many bytes on, of all turns.
CARRIED_BYTES = 1 << 12


class NotALoop(Exception):
    """Why turns that look alike are no loop."""


class Resolving(Protocol):
    """What knows the variables of the program written anew by their numbers in the old one."""

    def variable(self, number: int) -> Atom: ...

    def stacked(self, loop: int) -> "Loop": ...


class Loop:
    """Turns as one equation, and where their results are afterwards.

    Attributes:
        reverse: the loop goes from the last element of what it stacks to the first.
        final, stacked: by the result of a turn: that of the last turn, and those of all of them.
    """

    def __init__(self, turns: Turns, numbering: Numbering, writer: Writer, names: Resolving):
        """Write a loop.

        Raises:
            NotALoop: where it cannot be one; nothing is written then.
        """
        self.turns = turns
        self.numbering = numbering
        self.writer = writer
        self.names = names
        self.count = turns.turns
        self.source = turns.equations[0].source
        self.final: dict[int, Var] = {}
        self.stacked: dict[int, Var] = {}
        self._still = [s for s, e in zip(turns.still, turns.equations, strict=True) for _ in e.outputs]
        self._kinds = [v.type for e in turns.equations for v in e.outputs]
        self.reverse = self._goes_back()
        self._captured: dict[Atom, int] = {}
        self._registers: dict[
            tuple, int
        ] = {}  # of a result, how far back and from which beginning: the place in the carry
        self._carry: list[
            tuple[int, int, Atom]
        ] = []  # result, register that it is shifted from (-1: none), beginning
        self._slices: dict[Any, int] = {}
        self._xs: list[Any] = []  # what each slice is of: an array, or a function that writes it
        self._plan: list[tuple] = []
        self._apart = 0  # operands that are put together, an array a turn
        self._write()

    def result(self, out: int, turn: int) -> Atom | tuple[Var, int]:
        """Return a result of a turn: a variable, or the array that it is in and where."""
        if self._still[out]:
            return self._still_variable(out)
        if turn == self.count - 1 and out in self.final:
            return self.final[out]
        return self.stacked[out], self.count - 1 - turn if self.reverse else turn

    def _still_variable(self, out: int) -> Var:
        return self.numbering.variables[self.turns.first + out]

    def is_still(self, out: int) -> bool:
        return self._still[out]

    # What the operands are.

    def _goes_back(self) -> bool:
        """Whether most of what earlier loops have stacked is read from its end."""
        total = 0
        for c in self.turns.columns:
            if c.kind == "stack":
                earlier = self.names.stacked(c.loop)
                if not earlier.is_still(c.out):
                    sign = -1 if earlier.reverse else 1
                    total += int(np.sign(c.step)) * sign * max(earlier._kinds[c.out].nbytes, 1)
        return total < 0

    def _operand(self, slot: int, position: int, at: int) -> tuple[str, Any]:
        """Return where the body has an operand from: its own "literal", "inner" result, "captured", "carry" or "slice"."""
        column, equation = self.turns.columns[at], self.turns.equations[slot]
        atom = equation.inputs[position]
        if column.kind == "same":
            return self._fixed(atom.value if type(atom) is Literal else column.value, type(atom) is Literal)
        if column.kind == "inner":
            if self._still[column.out]:
                return "captured", self._capture(self._still_variable(column.out))
            return "inner", column.out
        if column.kind == "lag":
            return "carry", self._register(column, at)
        if column.kind == "stack":
            return self._of_earlier(column)
        if type(atom) is Literal:
            return "slice", self._table(
                self.turns.literals(self.numbering, slot, position), equation, position
            )
        return "slice", self._each(self.turns.table[:, at])

    def _fixed(self, value: Any, is_literal: bool) -> tuple[str, Any]:
        if is_literal:
            return "literal", value
        atom = self.names.variable(value)
        return ("literal", atom.value) if type(atom) is Literal else ("captured", self._capture(atom))

    def _capture(self, var: Var) -> int:
        return self._captured.setdefault(var, len(self._captured))

    def _register(self, column: Column, at: int) -> int:
        """Return the place in the carry of what a turn some turns before has computed."""
        begins = tuple(self.turns.table[: column.lag, at].tolist())
        key = (column.out, column.lag, begins)
        if key not in self._registers:
            if self._still[column.out]:
                self._capture(self._still_variable(column.out))
            for k in range(column.lag):  # the newest first; the oldest is what the first turn reads
                begin = self.names.variable(begins[column.lag - 1 - k])
                self._carry.append((column.out, len(self._carry) - 1 if k else -1, begin))
            self._registers[key] = len(self._carry) - 1
        return self._registers[key]

    def _of_earlier(self, column: Column) -> tuple[str, Any]:
        earlier = self.names.stacked(column.loop)
        if earlier.is_still(column.out):
            return "captured", self._capture(earlier._still_variable(column.out))
        if column.out not in earlier.stacked:
            raise NotALoop("an earlier loop has not kept what this one reads")
        first, step = column.value, column.step
        if earlier.reverse:
            first, step = earlier.count - 1 - first, -step
        array = earlier.stacked[column.out]
        return "slice", self._slice(("of", array, first, step), lambda: self._strided(array, first, step))

    def _strided(self, array: Var, first: int, step: int) -> Var:
        """Write the elements of `array` that the turns read, in the order in which they are stacked."""
        if self.reverse:
            first, step = first + step * (self.count - 1), -step
        if (first, step, self.count) == (0, 1, array.type.shape[0]):
            return array
        return self.writer.add(index, (array,), self.source, key=Key((_slice_from(first, step, self.count),)))

    def _slice(self, key: Any, write: Callable[[], Var]) -> int:
        if key not in self._slices:
            self._slices[key] = len(self._xs)
            self._xs.append(write)
        return self._slices[key]

    def _constant(self, values: np.ndarray) -> int:
        if self.reverse:
            values = values[::-1]
        values = np.ascontiguousarray(values)
        key = ("table", values.dtype.str, values.shape, values.tobytes())
        return self._slice(key, lambda: self.writer.constant(values))

    def _table(self, values: list[Any], equation: Equation, position: int) -> int:
        """Return the slice that is a literal of each turn: in the dtype that a Python number takes from its partners."""
        dtype = array_dtype(equation, position)
        if dtype is None:
            raise NotALoop("a Python number takes another dtype from what it meets than an array")
        return self._constant(np.array(values, dtype))

    def _each(self, numbers: np.ndarray) -> int:
        """Return the slice that is another array in each turn, all of them copied into one."""
        atoms = [self.names.variable(n) for n in numbers.tolist()]
        kind = atoms[0].type
        if kind.nbytes > STACKED_BYTES:
            raise NotALoop(f"an operand is another array in each turn, of {kind.nbytes:,} bytes")
        values = [a.value if type(a) is Literal else self.writer.values.get(a) for a in atoms]
        if all(v is not None and type(v) is not Tracer for v in values):
            return self._constant(np.stack([np.asarray(v) for v in values]))
        self._apart += 1
        if self.reverse:
            atoms.reverse()
        return self._slice(("each", *numbers.tolist()), lambda: self._stack(atoms))

    def _before(self, slot: int, at: int) -> tuple[str, Any] | None:
        """Return the slice of what is taken before the loop: parts of another array in each turn, rather than the arrays."""
        equation, column = self.turns.equations[slot], self.turns.columns[at] if self.turns.columns else None
        if (
            not equation.primitive.view
            or len(equation.inputs) != 1
            or column is None
            or column.kind != "each"
        ):
            return None
        if type(equation.inputs[0]) is Literal:
            return None
        equations = self.numbering.equations[self.turns.start + slot : self.turns.end : self.turns.period]
        numbers = self.turns.table[:, at].tolist()

        def write():
            parts = []
            for each, number in zip(equations, numbers, strict=True):
                atom = self.names.variable(number)
                parts.append(self.writer.add(each.primitive, (atom,), each.source, **each.params))
            return self._stack(parts[::-1] if self.reverse else parts)

        self._apart += 1
        return "slice", self._slice(("before", slot), write)

    def _stack(self, atoms: list[Atom]) -> Var:
        """Write several arrays as one, along a new first axis."""
        shape = (1, *atoms[0].type.shape)
        return self.writer.add(
            concatenate,
            [self.writer.add(reshape, (a,), self.source, shape=shape) for a in atoms],
            self.source,
            axis=0,
        )

    def _moving(self, slot: int, at: int) -> tuple[str, Any] | None:
        """Return how an equation is done whose parameters have numbers that move; None where none do.

        An element of an array that does not change is a "slice" of it; else the positions are "moving".
        """
        equation = self.turns.equations[slot]
        numbers = self.turns.numbers(self.numbering, slot)
        still = list(map(same_bits, numbers))
        if all(still):
            return None
        column = self.turns.columns[at]
        if equation.primitive is index and column.kind == "same":
            array = self.names.variable(column.value)
            found = _as_slices(equation, np.array(numbers).T)
            if found is not None and type(array) is Var:
                key, axis = found
                return "slice", self._slice(("index", array, key, axis), lambda: self._along(array, *found))
        return "moving", [
            (True, column[0]) if same else (False, self._constant(np.array(column)))
            for column, same in zip(numbers, still, strict=True)
        ]

    def _along(self, array: Var, key: Key, axis: int) -> Var:
        """Write an array with the axis along which turns go first."""
        items = list(key)
        if self.reverse:
            at = next(k for k, item in enumerate(items) if isinstance(item, _Along))
            items[at] = items[at].reversed()
        plain = Key(tuple(item.slice if isinstance(item, _Along) else item for item in items))
        out = self.writer.add(index, (array,), self.source, key=plain)
        if axis:
            order = (axis, *(d for d in range(out.type.ndim) if d != axis))
            out = self.writer.add(transpose, (out,), self.source, axes=order)
        return out

    # Writing.

    def _write(self) -> None:
        turns = self.turns
        at = 0
        for slot, equation in enumerate(turns.equations):
            count = len(equation.inputs)
            if not turns.still[slot]:
                _check_weak(equation)
                moving = self._before(slot, at) or self._moving(slot, at)
                if moving is not None and moving[0] == "slice":
                    operands: list[Any] = []
                else:
                    operands = [self._operand(slot, position, at + position) for position in range(count)]
                self._plan.append((slot, moving, operands))
            at += count
        self._check_worth()
        kept, last = self._read_behind()
        for out in last:
            zeros = ("zeros", self._kinds[out].strong())
            self._carry.append((out, -1, zeros))
        before = [atom if not isinstance(atom, tuple) else None for _, _, atom in self._carry]
        if any(a is not None and a.type.weak and type(a) is Var for a in before):
            raise NotALoop("a Python number goes from turn to turn")
        carry_kinds = [self._kinds[out].strong() for out, _, _ in self._carry]
        body = self._body(carry_kinds, kept)
        # From here on it is written.
        for slot, equation in enumerate(turns.equations):
            if turns.still[slot]:
                inputs = tuple(
                    [
                        a if type(a) is Literal else self.names.variable(self.numbering.number[a])
                        for a in equation.inputs
                    ]
                )
                self.writer.equations.append(
                    Equation(equation.primitive, inputs, equation.params, equation.outputs, equation.source)
                )
        begins = [
            self._begin(atom, kind) for (_, _, atom), kind in zip(self._carry, carry_kinds, strict=True)
        ]
        xs = [write() for write in self._xs]
        inputs = (*self._captured, *begins, *xs)
        outs = [Var(t) for t in carry_kinds] + [
            Var(ArrayType((self.count, *self._kinds[out].shape), self._kinds[out].dtype)) for out in kept
        ]
        params = {
            "body": body,
            "consts": len(self._captured),
            "carries": len(begins),
            "length": self.count,
            "reverse": self.reverse,
        }
        self.writer.equations.append(
            Equation(primitive_named("scan"), inputs, params, tuple(outs), self.source)
        )
        for (out, shifted, _), var in zip(self._carry, outs, strict=False):
            if shifted < 0:
                self.final.setdefault(out, var)
        self.stacked = dict(zip(kept, outs[len(begins) :], strict=True))

    def _check_worth(self) -> None:
        """Refuse what would write, before and behind the loop, about as much for each turn as it saves."""
        turns = self.turns
        work = sum(
            not still and not e.primitive.view for still, e in zip(turns.still, turns.equations, strict=True)
        )
        end = turns.first + turns.results * turns.turns
        written = self._apart * self.count + self.numbering.results_from(turns.first, end)
        if 2 * written > work * self.count or not work:
            raise NotALoop(
                f"what goes in and out, {written:,} arrays, is about as much as what {self.count:,} turns compute"
            )

    def _begin(self, atom: Any, kind: ArrayType) -> Atom:
        if not isinstance(atom, tuple):
            return Literal(kind.dtype.type(atom.value)) if type(atom) is Literal else atom
        zero = Literal(kind.dtype.type(0))
        return self.writer.add(broadcast_to, (zero,), self.source, shape=kind.shape) if kind.shape else zero

    def _read_behind(self) -> tuple[list[int], list[int]]:
        """Return which results are stacked, as turns before the last are read; and which are carried for the last one."""
        turns = self.turns
        end = turns.first + turns.results * turns.turns
        read = self.numbering.read_behind(turns.first, end, turns.end) - turns.first
        by_out: dict[int, list[int]] = {}
        for number in read.tolist():
            by_out.setdefault(number % turns.results, []).append(number // turns.results)
        carried = {out for out, shifted, _ in self._carry if shifted < 0}
        kept, last = [], []
        for out, found in sorted(by_out.items()):
            if self._still[out] or (found == [self.count - 1] and out in carried):
                continue
            if self._kinds[out].weak:
                raise NotALoop("a Python number is read after the loop")
            if found == [self.count - 1] and self._kinds[out].nbytes * self.count > CARRIED_BYTES:
                last.append(out)
            else:
                kept.append(out)
        return kept, last

    def _body(self, carry_kinds: list[ArrayType], kept: list[int]) -> Program:
        """Return the body: the equations of a turn, of what is captured, carried and sliced."""
        slice_kinds = [self._slice_kind(k) for k in range(len(self._xs))]
        captured_kinds = [v.type.strong() for v in self._captured]
        with Staging("loop", snapshot=False) as staging:
            groups = [
                [staging.input(t) for t in kinds] for kinds in (captured_kinds, carry_kinds, slice_kinds)
            ]
            captured, carry, slices = groups
            values: dict[int, Any] = {}
            sources = {
                "literal": None,
                "captured": captured,
                "inner": values,
                "carry": carry,
                "slice": slices,
            }

            def read(kind, value):
                return value if kind == "literal" else sources[kind][value]  # type: ignore[index]

            first = np.cumsum([0, *(len(e.outputs) for e in self.turns.equations)]).tolist()
            for slot, moving, operands in self._plan:
                equation = self.turns.equations[slot]
                before = len(staging.equations)
                args = [read(*operand) for operand in operands]
                if moving is None:
                    out = bind(equation.primitive, *args, **equation.params)
                elif moving[0] == "slice":
                    out = slices[moving[1]]
                else:
                    places = [p if fixed else slices[p] for fixed, p in moving[1]]
                    out = equation.primitive.moving_rule(places, *args, **equation.params)
                for new in staging.equations[before:]:
                    new.source = equation.source
                outs = out if equation.primitive.multiple else (out,)
                for k, (var, y) in enumerate(zip(equation.outputs, outs, strict=True)):
                    if type_of(y).strong() != var.type.strong():
                        raise NotALoop(f"{equation.primitive.name} gives {type_of(y)} in place of {var.type}")
                    values[first[slot] + k] = y
            for out, still in enumerate(self._still):
                if still and (var := self._still_variable(out)) in self._captured:
                    values[out] = captured[self._captured[var]]
            results = [carry[shifted] if shifted >= 0 else values[out] for out, shifted, _ in self._carry]
            results += [values[out] for out in kept]
            inputs = [t.node for group in groups for t in group]
            return staging.program(inputs, [staging.atom(x) for x in results], name="loop")

    def _slice_kind(self, k: int) -> ArrayType:
        """Return the type of a slice, without writing what it is of."""
        probe = Writer(())
        probe.values = self.writer.values
        writer, self.writer = self.writer, probe
        try:
            kind = self._xs[k]().type
        finally:
            self.writer = writer
        return ArrayType(kind.shape[1:], kind.dtype)


class _Along:
    """The item of a key along which turns go: so many positions from `first`, by steps."""

    def __init__(self, first: int, step: int, count: int):
        self.first, self.step, self.count = first, step, count

    @property
    def slice(self) -> slice:
        return _slice_from(self.first, self.step, self.count)

    def reversed(self) -> "_Along":
        return _Along(self.first + self.step * (self.count - 1), -self.step, self.count)

    def __hash__(self) -> int:
        return hash((self.first, self.step, self.count))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Along) and hash(self) == hash(other)


def _slice_from(first: int, step: int, count: int) -> slice:
    stop = first + step * count
    return slice(first, stop if stop >= 0 else None, step)


def _as_slices(equation: Equation, positions: np.ndarray) -> tuple[Any, int] | None:
    """Return a key that takes what all turns take by one number that moves, and the axis along which it does."""
    moving = np.flatnonzero((positions != positions[0]).any(axis=0))
    if len(moving) != 1:
        return None
    steps = np.diff(positions[:, moving[0]])
    if (steps != steps[0]).any():
        return None
    (x,) = equation.inputs
    items: list[Any] = []
    place, axis, old = 0, 0, 0  # among the positions, the axes of the result, those of the array
    found = None
    for item in full_key(equation.params["key"], x.type.ndim):
        if item is None:
            items.append(None)
            axis += found is None
            continue
        n = x.type.shape[old]
        old += 1
        whole = isinstance(item, slice) and range(*item.indices(n)) == range(n)
        if whole:
            items.append(slice(None))
            axis += found is None
            continue
        if place == moving[0]:
            if isinstance(item, slice):
                return None
            found = axis
            items.append(_Along(int(positions[0, place]), int(steps[0]), len(positions)))
        else:
            items.append(item)
            axis += found is None and isinstance(item, slice)
        place += 1
    return (Key(items), found) if found is not None else None


def _check_weak(equation: Equation) -> None:
    """Refuse a Python number that is traced and may take another dtype from what it meets than an array would."""
    weak = [a for a in equation.inputs if type(a) is Var and a.type.weak]
    if weak and len({a.type.dtype for a in (*equation.inputs, *equation.outputs) if type(a) is Var}) > 1:
        raise NotALoop(f"{equation.primitive.name} of a Python number and an array of another dtype")
