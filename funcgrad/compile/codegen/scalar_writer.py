"""Values in LLVM: indices, expressions, and the memory they are read from and written to."""

from contextlib import contextmanager

import numpy as np

from funcgrad.compile.loopir.expression import Buffer, Expression
from funcgrad.compile.loopir.index import Counter, Data, Index, Remainder
from funcgrad.compile.loopir.nest import Leaf
from funcgrad.compile.schedule.storage_folding import FoldedBuffer, inner_offset
from funcgrad.compile.target.scalars import Instructions
from funcgrad.compile.target.status import Status
from funcgrad.compile.target.types import constant, llvm_type

__all__ = ["CounterValue", "ValueWriter"]


def in_memory(dtype: np.dtype) -> str:
    """Return the LLVM type of an element in memory."""
    return "i8" if dtype.kind == "b" else llvm_type(dtype)


class CounterValue:
    """What a loop's counter is in the place being written: a register, or a number."""

    __slots__ = ("high", "low", "text")

    def __init__(self, text: str, low: int, high: int):
        self.text = text
        self.low = low
        self.high = high

    def bounds(self) -> tuple[int, int]:
        """Return the smallest and the largest value it takes here."""
        return self.low, self.high


class ValueWriter:
    """Writes values into one function, at the place where it stands.

    Args:
        locals_: the buffers that live inside the function.
        careful: see Instructions.
        general: take numbers as parameters, so that functions that differ in those alone are one.
    """

    def __init__(self, locals_: dict[Buffer, FoldedBuffer], *, careful: bool, general: bool):
        self.out = Instructions(careful)
        self.numbers: dict[str, str] = {}  # what numbers are passed, as `type value`, and their names
        self._general = general
        self.parameters: dict[Buffer, int] = {}  # each with the offset of the element it points to
        self.entry: list[str] = []
        self.block = "entry"
        self._locals = locals_
        self._stack: dict[Buffer, str] = {}
        self._known: dict = {}
        self._loaded: set[Buffer] = set()
        self._labels = 0
        self._env: dict[Counter, CounterValue] = {}
        self._leaf: Leaf

    # Control.

    def _label(self, stem: str) -> str:
        self._labels += 1
        return f"{stem}{self._labels}"

    def _begin(self, label: str) -> None:
        self.out.lines.append(f"{label}:")
        self.block = label

    def _jump(self, label: str) -> None:
        self.out.do(f"br label %{label}")

    @contextmanager
    def _fresh(self):
        """What is computed in a loop's body or a branch is not known behind it."""
        known, loaded = self._known, self._loaded
        self._known, self._loaded = {}, set()
        yield
        self._known, self._loaded = known, loaded | self._loaded

    def _enter(self, leaf: Leaf, counters: list[CounterValue]) -> None:
        """Stand at a leaf, with the counters of the loops around it."""
        env = dict(zip(leaf.counters, counters, strict=False))
        for loop in leaf.zero:
            env[loop] = _ZERO
        if env != self._env:
            self._env = env
            self._known = {}
        self._leaf = leaf

    def _load(self, buffer, address):
        kind = in_memory(buffer.dtype)
        x = self.out.set(f"load {kind}, ptr {address}")
        return self.out.set(f"icmp ne i8 {x}, 0") if buffer.dtype.kind == "b" else x

    def _store(self, buffer, address, value):
        if buffer.dtype.kind == "b":
            value = self.out.set(f"zext i1 {value} to i8")
        self.out.do(f"store {in_memory(buffer.dtype)} {value}, ptr {address}")

    def _address(self, buffer: Buffer, offset: Index) -> str:
        local = self._locals.get(buffer)
        if local is None:
            if buffer not in self.parameters:
                # A parameter points to where the nest begins to read: equal nests on other parts are equal.
                self.parameters[buffer] = offset.constant
            base = f"%p{list(self.parameters).index(buffer)}"
            offset = offset + -self.parameters[buffer]
        else:
            if buffer not in self._stack:
                base = self._stack[buffer] = f"%s{len(self._stack)}"
                kind = in_memory(buffer.dtype)
                shape = kind if local.size == 1 else f"[{local.size} x {kind}]"
                self.entry.append(f"  {base} = alloca {shape}, align 64")
            base = self._stack[buffer]
            offset = inner_offset(offset, self._leaf, local.shared) + -local.low
        position = self._index(offset)
        if position == "0":
            return base
        return self.out.set(f"getelementptr inbounds {in_memory(buffer.dtype)}, ptr {base}, i64 {position}")

    # Indices.

    def _index(self, index: Index) -> str:
        known = self._known.get(index)
        if known is None:
            known = self._known[index] = self._write_index(index)
        return known

    def _write_index(self, index: Index) -> str:
        total = ""
        constant_part = index.constant
        for atom, coefficient in index.terms.items():
            text = self._atom(atom)
            if text.lstrip("-").isdigit():
                constant_part += coefficient * int(text)
                continue
            if coefficient != 1:
                text = self.out.set(f"mul nsw i64 {text}, {coefficient}")
            total = text if not total else self.out.set(f"add nsw i64 {total}, {text}")
        if not total:
            return str(constant_part)
        return total if not constant_part else self.out.set(f"add nsw i64 {total}, {constant_part}")

    def _atom(self, atom) -> str:
        if type(atom) is Counter:
            return self._env[atom].text
        if type(atom) is Data:
            return self._value(atom.expression)
        low, high = atom.index.bounds(self._env)
        quotient = low // atom.divisor
        if high // atom.divisor == quotient:  # in this part of a split loop
            if type(atom) is Remainder:
                return self._index(atom.index + -quotient * atom.divisor)
            return str(quotient)
        x = self._index(atom.index)
        # Indices of arrays are not negative, so that these are the cheap divisions.
        return self.out.set(f"{'urem' if type(atom) is Remainder else 'udiv'} i64 {x}, {atom.divisor}")

    # Expressions.

    def _value(self, x: Expression) -> str:
        if x.op == "const":
            text = constant(x.detail, x.dtype)
            if self._general and x.dtype.kind == "f" and x.detail not in (0, 1, -1):
                return self.numbers.setdefault(f"{llvm_type(x.dtype)} {text}", f"%k{len(self.numbers)}")
            return text
        known = self._known.get(id(x))
        if known is None:
            known = self._write_value(x)
            self._known[id(x)] = known
        return known

    def _write_value(self, x: Expression) -> str:
        if x.op == "load":
            buffer, offset = x.detail
            self._loaded.add(buffer)
            return self._load(buffer, self._address(buffer, offset))
        if x.op == "index":
            return self._index(x.detail)
        if x.op == "guard":
            return self._guard(x)
        if x.op == "select":
            condition = self._value(x.args[0])
            a, b = (self._chosen(arg) for arg in x.args[1:])
            kind = llvm_type(x.dtype)
            return self.out.set(f"select i1 {condition}, {kind} {a}, {kind} {b}")
        args = [self._value(arg) for arg in x.args]
        if x.op == "cast":
            return self.out.cast(args[0], x.args[0].dtype, x.dtype)
        if x.op == "fitted":
            return self._fitted(args[0], x.dtype)
        if x.op == "checked":
            return self._checked(args[0], x.detail)
        if x.op == "definite":
            self.out.flag(args[0], Status.BEYOND)
            return args[0]
        if x.op == "required":
            return args[0]
        if x.op == "nonzero":
            kind = llvm_type(x.dtype)
            self.out.flag(self.out.set(f"fcmp oeq {kind} {args[0]}, {constant(0, x.dtype)}"), x.detail)
            return args[0]
        return self.out.apply(x.op, x.args[0].dtype, args)

    def _checked(self, position, extent):
        """An index from the end counts from there; one out of bounds reads element 0, and is noted."""
        below = self.out.set(f"icmp slt i64 {position}, 0")
        turned = self.out.set(f"add i64 {position}, {extent}")
        turned = self.out.set(f"select i1 {below}, i64 {turned}, i64 {position}")
        good = self.out.set(f"icmp ult i64 {turned}, {extent}")
        self.out.flag(self.out.set(f"xor i1 {good}, true"), Status.OUT_OF_BOUNDS)
        return self.out.set(f"select i1 {good}, i64 {turned}, i64 0")

    def _fitted(self, number, dtype):
        """A Python int as another integer dtype; one that does not fit is noted."""
        limits = np.iinfo(dtype)
        low = self.out.set(f"icmp slt i64 {number}, {limits.min}")
        high = self.out.set(f"icmp sgt i64 {number}, {min(limits.max, 2**63 - 1)}")
        self.out.flag(self.out.set(f"or i1 {low}, {high}"), Status.TOO_LARGE)
        return self.out.cast(number, np.dtype(np.int64), dtype)

    def _is_innermost(self, index: Index) -> bool:
        """Whether an index varies in the innermost of the loops around this place."""
        around = [loop for loop in self._leaf.counters if not self._env[loop].text.isdigit()]
        return bool(around) and around[-1] in index.loops()

    def _zero(self) -> str:
        """Return 0, in a way that LLVM does not know it.

        LLVM (22.1 was tried) concludes from one guard what a counter must be behind another, and puts the number
        there in place of the counter. Its vectorizer then chooses between the two addresses as the first lane would,
        also where that lane is not in the branch: the others read and add what is beside their elements. What a guard
        says of the counter of a loop that may become vectors must not be known, then every address is the counter's.
        """
        if _HIDE_ZERO not in self.entry:
            self.entry.append(_HIDE_ZERO)
        return "%zero"

    def _chosen(self, x: Expression) -> str:
        """Return what a select may choose; an infinite number in a way that LLVM does not know it.

        It would conclude that such a number leaves a maximum (or minimum) as it is, and choose between that and the
        larger one instead, in which its vectorizer does not see a reduction: the loop took 20 times as long.
        """
        if x.op != "const" or x.dtype.kind != "f" or not np.isinf(x.detail):
            return self._value(x)
        kind = llvm_type(x.dtype)
        name = f"%{'low' if x.detail < 0 else 'high'}{8 * x.dtype.itemsize}"
        if f"  {name} = bitcast i{8 * x.dtype.itemsize} {name}bits to {kind}" not in self.entry:
            bits = int(np.asarray(x.detail, x.dtype).view(f"i{x.dtype.itemsize}"))
            zero = self._zero()
            if x.dtype.itemsize == 4:
                self.entry.append(f"  {name}zero = trunc i64 {zero} to i32")
                zero = f"{name}zero"
            self.entry += [
                f"  {name}bits = add i{8 * x.dtype.itemsize} {bits}, {zero}",
                f"  {name} = bitcast i{8 * x.dtype.itemsize} {name}bits to {kind}",
            ]
        return name

    def _guard(self, x: Expression) -> str:
        inside, outside = x.args
        conditions = []
        for index, low, high in x.detail:
            least, most = index.bounds(self._env)
            if most < low or least >= high:
                return self._value(outside)
            if least >= low and most < high:
                continue
            shifted = self._index(index + -low)
            if self._is_innermost(index):
                shifted = self.out.set(f"add i64 {shifted}, {self._zero()}")
            conditions.append(self.out.set(f"icmp ult i64 {shifted}, {high - low}"))
        if not conditions:
            return self._value(inside)
        other = self._value(outside)
        condition = conditions[0]
        for more in conditions[1:]:
            condition = self.out.set(f"and i1 {condition}, {more}")
        then, end = self._label("in"), self._label("out")
        before = self.block
        self.out.do(f"br i1 {condition}, label %{then}, label %{end}")
        self._begin(then)
        known = dict(self._known)
        value = self._value(inside)
        self._known = known
        after = self.block
        self._jump(end)
        self._begin(end)
        return self.out.set(f"phi {llvm_type(x.dtype)} [ {value}, %{after} ], [ {other}, %{before} ]")


_ZERO = CounterValue("0", 0, 0)
_HIDE_ZERO = "  %zero = load i64, ptr @fg_zero"
