"""What a rolled loop goes through, a slice a turn: tables of numbers, parts of arrays, and what earlier loops have stacked."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from funcgrad.core.program import Atom, Equation, Literal, Var
from funcgrad.core.tracer import Tracer
from funcgrad.core.types import ArrayType
from funcgrad.primitives.broadcasting import reshape
from funcgrad.primitives.indexing import index
from funcgrad.primitives.keys import Key, full_key
from funcgrad.primitives.shape import concatenate, transpose
from funcgrad.programs.rolling.numbering import Numbering, same_bits
from funcgrad.programs.rolling.skeleton import array_dtype
from funcgrad.programs.rolling.turns import Turns
from funcgrad.programs.rolling.writer import Writer

__all__ = ["NotALoop", "Slices", "Variables"]

# An operand that is another array in each turn is copied into one, if it has at most so many bytes.
STACKED_BYTES = 1 << 15
# Of a larger one than it reads, so many times, the parts that it reads are.
MOST_READ = 4


class NotALoop(Exception):
    """Why turns that look alike are no loop."""


class Variables(Protocol):
    """What knows the variables of the program written anew by their numbers in the old one."""

    def variable(self, number: int) -> Atom: ...


class Slices:
    """The arrays whose first axis a loop goes along.

    Attributes:
        reverse: it goes along them from the end.
        apart: how many of them are put together of arrays, one a turn.
    """

    def __init__(self, turns: Turns, numbering: Numbering, writer: Writer, names: Variables, reverse: bool):
        self.turns = turns
        self.numbering = numbering
        self.writer = writer
        self.names = names
        self.reverse = reverse
        self.count = turns.turns
        self.source = turns.equations[0].source
        self.apart = 0
        self._slices: dict[Any, int] = {}
        # What writes the array of each slice, given these slices: bound to them, it would keep them in a circle.
        self._xs: list[Callable[[Slices], Var]] = []

    def written(self) -> list[Var]:
        """Write what the slices are of, and return that."""
        return [write(self) for write in self._xs]

    def kinds(self) -> list[ArrayType]:
        """Return the types of the slices."""
        return [self._kind(k) for k in range(len(self._xs))]

    def strided(self, array: Var, first: int, step: int) -> int:
        """Return the slice that is an element of an array, from `first` on, by steps."""
        return self._slice(("of", array, first, step), lambda own: own._elements(array, first, step))

    def _elements(self, array: Var, first: int, step: int) -> Var:
        if self.reverse:
            first, step = first + step * (self.count - 1), -step
        if (first, step, self.count) == (0, 1, array.type.shape[0]):
            return array
        return self.writer.add(index, (array,), self.source, key=Key((_slice_from(first, step, self.count),)))

    def _slice(self, key: Any, write: Callable[["Slices"], Var], *, apart: int = 0) -> int:
        if key not in self._slices:
            self.apart += apart
            self._slices[key] = len(self._xs)
            self._xs.append(write)
        return self._slices[key]

    def _constant(self, values: np.ndarray) -> int:
        if self.reverse:
            values = values[::-1]
        values = np.ascontiguousarray(values)
        key = ("table", values.dtype.str, values.shape, values.tobytes())
        return self._slice(key, lambda own: own.writer.constant(values))

    def table(self, values: list[Any], equation: Equation, position: int) -> int:
        """Return the slice that is a literal of each turn: in the dtype that a Python number takes from its partners."""
        dtype = array_dtype(equation, position)
        if dtype is None:
            raise NotALoop("a Python number takes another dtype from what it meets than an array")
        return self._constant(np.array(values, dtype))

    def each(self, numbers: np.ndarray) -> int:
        """Return the slice that is another array in each turn, all of them copied into one."""
        atoms = [self.names.variable(n) for n in numbers.tolist()]
        kind = atoms[0].type
        if kind.nbytes > STACKED_BYTES:
            raise NotALoop(f"an operand is another array in each turn, of {kind.nbytes:,} bytes")
        values = [a.value if type(a) is Literal else self.writer.values.get(a) for a in atoms]
        if all(v is not None and type(v) is not Tracer for v in values):
            return self._constant(np.stack([np.asarray(v) for v in values]))
        if self.reverse:
            atoms.reverse()
        return self._slice(("each", *numbers.tolist()), lambda own: own._stack(atoms), apart=1)

    def before(self, slot: int, at: int) -> tuple[str, Any] | None:
        """Return the slice of what is taken before the loop: parts of another array in each turn, rather than the arrays."""
        equation = self.turns.equations[slot]
        if not equation.primitive.view or len(equation.inputs) != 1 or type(equation.inputs[0]) is Literal:
            return None
        if self.turns.columns[at].kind != "each":
            return None
        equations = self.numbering.equations[self.turns.start + slot : self.turns.end : self.turns.period]
        numbers = self.turns.table[:, at].tolist()
        if MOST_READ * self._read_in_parts(at) > equation.inputs[0].type.nbytes:
            return None

        def write(own: Slices) -> Var:
            parts = []
            for each, number in zip(equations, numbers, strict=True):
                atom = own.names.variable(number)
                parts.append(own.writer.add(each.primitive, (atom,), each.source, **each.params))
            return own._stack(parts[::-1] if own.reverse else parts)

        return "slice", self._slice(("before", slot), write, apart=1)

    def _read_in_parts(self, at: int) -> int:
        """Return how many bytes a turn takes of an array, by views of it."""
        turns = self.turns
        total = 0
        for k, slot in enumerate(turns.slots.tolist()):
            equation = turns.equations[slot]
            if (turns.table[:, k] == turns.table[:, at]).all():
                view = equation.primitive.view and len(equation.inputs) == 1
                total += (equation.outputs[0] if view else equation.inputs[0]).type.nbytes
        return total

    def _stack(self, atoms: list[Atom]) -> Var:
        """Write several arrays as one, along a new first axis."""
        shape = (1, *atoms[0].type.shape)
        return self.writer.add(
            concatenate,
            [self.writer.add(reshape, (a,), self.source, shape=shape) for a in atoms],
            self.source,
            axis=0,
        )

    def moving(self, slot: int, at: int) -> tuple[str, Any] | None:
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
                return "slice", self._slice(
                    ("index", array, key, axis), lambda own: own._along(array, *found)
                )
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

    def _kind(self, k: int) -> ArrayType:
        """Return the type of a slice, without writing what it is of."""
        probe = Writer(())
        probe.values = self.writer.values
        writer, self.writer = self.writer, probe
        try:
            kind = self._xs[k](self).type
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
