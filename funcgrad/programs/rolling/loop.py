"""Turns as one `scan`: its body, what it captures and carries, and the tables and slices that it goes through."""

from typing import Any, Protocol

import numpy as np

from funcgrad.core.primitive import primitive_named
from funcgrad.core.program import Atom, Equation, Literal, Program, Var, subprograms
from funcgrad.core.staging import Staging
from funcgrad.core.tracer import bind
from funcgrad.core.types import ArrayType, type_of
from funcgrad.primitives.broadcasting import broadcast_to
from funcgrad.programs.rolling.numbering import Numbering
from funcgrad.programs.rolling.slices import NotALoop, Slices, Variables
from funcgrad.programs.rolling.turns import Column, Turns
from funcgrad.programs.rolling.writer import Writer

__all__ = ["Loop"]

# A result that is read after the last turn alone is carried rather than stacked from so many bytes on, of all turns.
CARRIED_BYTES = 1 << 12
# Elementwise turns, of so large arrays and in all of so many equations, are written out: an element goes through several
# of them in registers, and a loop would take the arrays through memory in each.
MOST_LOOPED_BYTES = 1 << 14
MOST_WRITTEN_OUT = 3000


class Rewritten(Variables, Protocol):
    """The program written anew, as far as a loop asks it."""

    def stacked(self, loop: int) -> "Loop": ...


class Loop:
    """Turns as one equation, and where their results are afterwards.

    Attributes:
        reverse: the loop goes from the last element of what it stacks to the first.
        final, stacked: by the result of a turn: that of the last turn, and those of all of them.
    """

    def __init__(self, turns: Turns, numbering: Numbering, writer: Writer, names: Rewritten):
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
        # By the result, how many turns before, and what is there at first: the place in the carry.
        self._registers: dict[tuple, int] = {}
        # The result, the place in the carry that it is shifted from (-1: it is the result itself), and what is there at first.
        self._carry: list[tuple[int, int, Any]] = []
        self.slices = Slices(turns, numbering, writer, names, self.reverse)
        # Of each equation of the body, how its parameters move, and where its operands are from.
        self._plan: list[tuple] = []
        self._write()
        # Which hold this loop: a circle would keep the whole program until the collector comes.
        del self.names, self.slices

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
            values = self.turns.literals(self.numbering, slot, position)
            return "slice", self.slices.table(values, equation, position)
        return "slice", self.slices.each(self.turns.table[:, at])

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
        return "slice", self.slices.strided(array, first, step)

    # Writing.

    def _write(self) -> None:
        turns = self.turns
        at = 0
        for slot, equation in enumerate(turns.equations):
            count = len(equation.inputs)
            if not turns.still[slot]:
                self._check_weak(equation)
                moving = self.slices.before(slot, at) or self.slices.moving(slot, at)
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
        traced = [a.type for a in before if type(a) is Var]
        if self.numbering.weakness_matters and any(t.weak for t in traced):
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
        inputs = (*self._captured, *begins, *self.slices.written())
        outs = [Var(self._kinds[out]) for out, _, _ in self._carry] + [
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
            1 + sum(len(body.equations) for body in subprograms(e.params))
            for still, e in zip(turns.still, turns.equations, strict=True)
            if not (still or e.primitive.view)
        )
        elementwise = all(e.primitive.pointwise or e.primitive.view for e in turns.equations)
        largest = max(kind.nbytes for kind in self._kinds)
        if elementwise and largest > MOST_LOOPED_BYTES and turns.end - turns.start <= MOST_WRITTEN_OUT:
            raise NotALoop(
                f"they are elementwise, of arrays of {largest:,} bytes, which is faster written out"
            )
        end = turns.first + turns.results * turns.turns
        written = self.slices.apart * self.count + self.numbering.results_from(turns.first, end)
        if not work:  # but views
            raise NotALoop
        if 2 * written > work * self.count:
            raise NotALoop(
                f"what goes in and out, {written:,} arrays, is about as much as what {self.count:,} turns compute"
            )

    def _check_weak(self, equation: Equation) -> None:
        """Refuse a Python number that is traced and may take another dtype from what it meets than an array would."""
        if not self.numbering.weakness_matters:
            return
        kinds = [a.type for a in (*equation.inputs, *equation.outputs) if type(a) is Var]
        if any(t.weak for t in kinds) and len({t.dtype for t in kinds if t.dtype.kind != "b"}) > 1:
            raise NotALoop(f"{equation.primitive.name} of a Python number and an array of another dtype")

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
            if self._kinds[out].weak and self.numbering.weakness_matters:
                raise NotALoop("a Python number is read after the loop")
            if found == [self.count - 1] and self._kinds[out].nbytes * self.count > CARRIED_BYTES:
                last.append(out)
            else:
                kept.append(out)
        return kept, last

    def _body(self, carry_kinds: list[ArrayType], kept: list[int]) -> Program:
        """Return the body: the equations of a turn, of what is captured, carried and sliced."""
        captured_kinds = [v.type.strong() for v in self._captured]
        with Staging("loop", snapshot=False) as staging:
            kinds = (captured_kinds, carry_kinds, self.slices.kinds())
            groups = [[staging.input(t) for t in own] for own in kinds]
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
