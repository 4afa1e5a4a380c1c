"""Loop nests as LLVM functions.

A nest becomes `i32 @nest(ptr noalias %p0, ...)`, with one parameter for each buffer that outlives it; the result
is a `Status`. Buffers that live inside are on its stack.
"""

from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from math import prod

import numpy as np

from funcgrad.compile.codegen.accumulator import RUN_TERMS, Accumulator
from funcgrad.compile.codegen.blas import CallWriter, as_foreign
from funcgrad.compile.codegen.scalar_writer import CounterValue
from funcgrad.compile.loopir.expression import Buffer
from funcgrad.compile.loopir.nest import Leaf, Loop, leaves
from funcgrad.compile.loopir.statement import Effect, MatrixProduct
from funcgrad.compile.schedule.fusion import SHORT_ITERATIONS
from funcgrad.compile.schedule.parallel_sums import CombineLoop, ThreadShare
from funcgrad.compile.schedule.storage_folding import FoldedBuffer
from funcgrad.compile.target.types import llvm_type

__all__ = ["NestWriter"]

# A loop is split where a guard in it changes, into at most this many parts.
MOST_SPLITS = 5
# A loop of this many iterations at most, that come to this many nodes at most, is written out.
UNROLLED_ITERATIONS = 8
UNROLLED_NODES = 64
# So are all loops, each of `SHORT_ITERATIONS` iterations at most, inside one of `LONG_ITERATIONS`, if they come to this many nodes at most and
# to enough of them for each element stored: then LLVM's vectors hold the same element of several iterations.
LONG_ITERATIONS = 64
STRAIGHT_NODES = 2500
NODES_PER_STORE = 50
# As many nodes as the kernel of a function takes LLVM's time, in a loop with much else.
STRAIGHT_KERNEL_NODES = 150


def _written_out(node: Loop, level: int) -> float:
    """Return how many nodes writing a loop out would take; of a guard, only where it holds."""
    total = 0.0
    for leaf in leaves(node):
        loop = leaf.counters[level]
        times = node.extent
        for inner in leaf.counters[level + 1 :]:
            times *= inner.extent if inner.extent <= SHORT_ITERATIONS else 1
        share = leaf.statement.size * 1.0
        for effect in leaf.statement.effects:
            for x in effect.value.walk():
                if x.op == "guard":
                    inside = min(x.args[0].size, 50)
                    for index, low, high in x.detail:
                        if abs(index.coefficient(loop)) == 1:
                            share -= inside * (1 - (high - low) / node.extent)
                            break
        total += max(share, 1.0) * times
    return total


def _is_straight(node: Loop, level: int, local: Container[Buffer]) -> bool:
    """Whether all loops inside a long one are so short that they can be written out, and it pays to.

    Where several iterations are in one vector, their results are stored one by one unless they lie side by side:
    there has to be enough to compute for each.
    """
    inner = [child for child in node.children if isinstance(child, Loop)]
    if node.extent < LONG_ITERATIONS or not inner or not all(_is_short(child) for child in inner):
        return False
    nodes = sum(
        _written_out(child, level + 1) + STRAIGHT_KERNEL_NODES * _kernels(child, level + 1) for child in inner
    )
    nodes += sum(child.statement.size for child in node.children if isinstance(child, Leaf))
    return NODES_PER_STORE * _scattered(node, level, local) <= nodes <= STRAIGHT_NODES


def _kernels(node: Loop, level: int) -> int:
    """Return how many kernels of functions there are where a loop is written out."""
    return sum(
        leaf.statement.kernels * prod(loop.extent for loop in leaf.counters[level:]) for leaf in leaves(node)
    )


def _scattered(node: Loop, level: int, local: Container[Buffer]) -> int:
    """Return how many elements an iteration stores that the next does not store beside them."""
    found = 0
    for leaf in leaves(node):
        times = prod(loop.extent for loop in leaf.counters[level + 1 :])
        effects = [e for e in leaf.statement.effects if e.buffer not in local]
        found += times * sum(abs(e.offset.coefficient(leaf.counters[level])) > 1 for e in effects)
    return found


def _is_short(node: Loop) -> bool:
    return node.extent <= SHORT_ITERATIONS and all(
        _is_short(child) for child in node.children if isinstance(child, Loop)
    )


class Bounds:
    __slots__ = ("first", "high", "last", "low")

    def __init__(self, first: str, last: str, low: int, high: int):
        self.first = first  # where a loop begins, and where it ends: registers or numbers
        self.last = last
        self.low = low  # the least and the greatest value of its counter
        self.high = high


class NestWriter(CallWriter):
    """Writes one nest's function.

    Args:
        nodes: what it runs, in order.
        locals_: the buffers that live inside it.
    """

    def __init__(
        self,
        nodes: Sequence[Loop | Leaf],
        locals_: dict[Buffer, FoldedBuffer],
        *,
        careful: bool = False,
        general: bool = False,
        chunked: bool = False,
    ):
        super().__init__(locals_, careful=careful, general=general)
        self.nodes = nodes
        self.chunked = chunked
        self._totals: dict[tuple[Leaf, int], Accumulator] = {}
        self._sizes: dict[Loop, float] = {}
        self._straight: Loop | None = None  # the loop inside which all are written out

    def write(self) -> str:
        """Return the body of the function; `parameters` and the rest are known then."""
        if self.chunked:
            (node,) = self.nodes
            assert isinstance(node, Loop)
            # Said once more for LLVM, which finds out from it that no offset overflows.
            first, last = (self._within(end, 0, node.extent) for end in ("%first", "%last"))
            self._loop(node, 0, [], Bounds(first, last, 0, node.extent - 1))
        else:
            for node in self.nodes:
                self._node(node, 0, [])
        result = "0"
        if self.out.flags:
            result = self.out.set("load i32, ptr %wrong")
            self.entry += ["  %wrong = alloca i32", "  store i32 0, ptr %wrong"]
        self.out.do(f"ret i32 {result}")
        return "\n".join(["entry:", *self.entry, *self.out.lines])

    def signature(self, name: str, *, within: bool = False) -> str:
        """Return the head of the function. Unless it may be taken `within` its caller, as in the body of a loop, it
        stays one: there it would be optimized once more."""
        parameters = [f"ptr noalias nocapture %p{k}" for k in range(len(self.parameters))]
        if self.chunked:
            parameters += ["i64 %first", "i64 %last"]
        parameters += [f"{number.split()[0]} {name}" for number, name in self.numbers.items()]
        parameters += [f"ptr %{routine}" for routine in self.external]
        return f"define internal i32 @{name}({', '.join(parameters)}){'' if within else ' noinline'}"

    def _node(self, node, level, counters):
        if isinstance(node, Leaf):
            self._statement(node, counters)
        else:
            self._known = {}
            self._loop(node, level, counters, self._range(node, counters))
            self._known = {}

    def _range(self, node, counters):
        if not isinstance(node, ThreadShare):
            return Bounds("0", str(node.extent), 0, node.extent - 1)
        first = self.out.set(f"mul nsw i64 {counters[-1].text}, {node.size}")
        last = self._within(self.out.set(f"add nsw i64 {first}, {node.size}"), 0, node.extent)
        return Bounds(first, last, 0, node.extent - 1)

    def _loop(self, node, level, counters, bounds):
        opened = self._open_totals(node, level)
        outermost = self._straight is None
        if outermost and _is_straight(node, level, self._locals):
            self._straight = node
        partial, terms = self._partial_totals(node, level)
        if partial and (node.extent * terms > RUN_TERMS or not all(k in opened for k in partial)):
            self._runs(node, level, counters, bounds, partial, max(RUN_TERMS // terms, 1))
        else:
            small = self._is_small(node, level, node.extent)
            for part in [bounds] if small else self._parts(node, level, bounds):
                self._count(node, level, counters, part)
        for key in opened:
            self._close_total(key, counters)
        if outermost:
            self._straight = None

    def _is_small(self, node, level, times):
        """Whether so many iterations of a loop are written out."""
        if self._straight not in (None, node):
            return True
        if times > UNROLLED_ITERATIONS:
            return False
        if node not in self._sizes:
            self._sizes[node] = _written_out(node, level)
        return self._sizes[node] <= UNROLLED_NODES

    @contextmanager
    def _loop_from(self, bounds: Bounds, step: int = 1) -> Iterator[str]:
        """Write a loop around what is written meanwhile; yield its counter."""
        body, end = self._label("body"), self._label("end")
        counter, following = self.out.name("i"), self.out.name("n")
        before = self.block
        runs = self.out.set(f"icmp slt i64 {bounds.first}, {bounds.last}")
        self.out.do(f"br i1 {runs}, label %{body}, label %{end}")
        self._begin(body)
        patch = len(self.out.lines)
        self.out.lines.append("")
        with self._fresh():
            yield counter
        self.out.lines[patch] = (
            f"  {counter} = phi i64 [ {bounds.first}, %{before} ], [ {following}, %{self.block} ]"
        )
        self.out.do(f"{following} = add nsw nuw i64 {counter}, {step}")
        more = self.out.set(f"icmp slt i64 {following}, {bounds.last}")
        self.out.do(f"br i1 {more}, label %{body}, label %{end}")
        self._begin(end)

    def _count(self, node, level, counters, bounds):
        """Write one counted loop, or its iterations one by one."""
        if bounds.first.isdigit() and bounds.last.isdigit():
            first, last = int(bounds.first), int(bounds.last)
            if last - first <= 1 or self._is_small(node, level, last - first):
                for k in range(first, last):
                    for child in node.children:
                        self._node(child, level + 1, [*counters, CounterValue(str(k), k, k)])
                return
        with self._loop_from(bounds) as counter:
            for child in node.children:
                self._node(child, level + 1, [*counters, CounterValue(counter, bounds.low, bounds.high)])

    def _partial_totals(self, node, level):
        """Return the sums to be taken in runs by this loop, and how many terms of one an iteration has.

        It is the last that is a loop: those inside it, if any, are written out.
        """
        if self._straight not in (None, node):
            return [], 1
        inner = [child for child in node.children if isinstance(child, Loop)]
        if self._straight is None and not all(self._is_flat(child, level + 1) for child in inner):
            return [], 1
        under = set(leaves(node))
        partial = [key for key, total in self._totals.items() if key[0] in under and total.compensated]
        counts = [prod(loop.extent for loop in leaf.counters[level + 1 :]) for leaf, _ in partial]
        return partial, max(counts, default=1)

    def _is_flat(self, node, level):
        """Whether a loop is written out, and all inside it."""
        inner = [child for child in node.children if isinstance(child, Loop)]
        return self._is_small(node, level, node.extent) and all(
            self._is_flat(child, level + 1) for child in inner
        )

    def _runs(self, node, level, counters, bounds, partial, length):
        """Write a loop in runs of this length, each of which has sums of its own."""
        with self._loop_from(bounds, length) as start:
            stop = self.out.set(f"add nsw i64 {start}, {length}")
            over = self.out.set(f"icmp slt i64 {stop}, {bounds.last}")
            stop = self.out.set(f"select i1 {over}, i64 {stop}, i64 {bounds.last}")
            whole = {key: self._totals[key] for key in partial}
            for key, total in whole.items():
                self._totals[key] = total.run(self)
            self._count(node, level, counters, Bounds(start, stop, bounds.low, bounds.high))
            for key, total in whole.items():
                kind = llvm_type(total.dtype)
                total.add(self, self.out.set(f"load {kind}, ptr {self._totals[key].place}"))
                self._totals[key] = total

    def _parts(self, node, level, bounds):
        """Split a loop where guards in it begin or cease to hold."""
        whole = bounds.first.isdigit() and bounds.last.isdigit()
        cuts = set()
        for leaf in leaves(node):
            loop = leaf.counters[level]
            for effect in leaf.statement.effects:
                for inside in effect.value.walk():
                    if inside.op != "guard":
                        continue
                    for index, low, high in inside.detail:
                        rest = index.without(loop)
                        step = index.coefficient(loop)
                        if abs(step) == 1 and rest.terms.keys() <= leaf.zero.keys():
                            for edge in (low, high):
                                cut = (edge - rest.constant) * step + (step < 0)
                                if 0 < cut < node.extent:
                                    cuts.add(cut)
        if not cuts or len(cuts) >= MOST_SPLITS:
            return [bounds]
        edges = [0, *sorted(cuts), node.extent]
        return [
            Bounds(str(a), str(b), a, b - 1)
            if whole
            else Bounds(self._within(bounds.first, a, b), self._within(bounds.last, a, b), a, b - 1)
            for a, b in pairwise(edges)
        ]

    def _within(self, x: str, low: int, high: int) -> str:
        x = self.out.intrinsic("smax", np.dtype(np.int64), x, str(low))
        return self.out.intrinsic("smin", np.dtype(np.int64), x, str(high))

    # Sums and other totals.

    def _open_totals(self, node, level):
        """Hold in registers what the iterations of this loop combine into one element."""
        opened = []
        for leaf in leaves(node):
            for k, effect in enumerate(leaf.statement.effects):
                if effect.op is None or (leaf, k) in self._totals:
                    continue
                inner = leaf.counters[level:]
                held = inner + [loop for loop, counts in leaf.zero.items() if counts in inner]
                if inner[0] not in leaf.statement.sequential or set(effect.offset.loops()) & set(held):
                    continue
                if any(True for _ in effect.offset.data()):
                    continue
                if sum(e.buffer is effect.buffer for e in leaf.statement.effects) > 1:
                    continue
                terms = 1
                for loop in held:
                    terms *= loop.extent
                self._totals[leaf, k] = Accumulator(
                    self, effect, compensated=terms > RUN_TERMS or isinstance(node, CombineLoop)
                )
                opened.append((leaf, k))
        return opened

    def _close_total(self, key, counters):
        leaf, k = key
        total = self._totals.pop(key)
        effect = leaf.statement.effects[k]
        self._enter(leaf, counters)
        address = self._address(effect.buffer, effect.offset)
        value = total.value(self)
        old = self._load(effect.buffer, address)
        self._store(effect.buffer, address, self.out.apply(effect.op, effect.buffer.dtype, [old, value]))

    # Statements.

    def _statement(self, leaf, counters):
        self._enter(leaf, counters)
        call = leaf.statement.call
        if call is not None:
            self._call(as_foreign(call) if isinstance(call, MatrixProduct) else call)
            return
        for k, effect in enumerate(leaf.statement.effects):
            self._effect(leaf, k, effect)

    def _effect(self, leaf, k, effect: Effect):
        value = self._value(effect.value)
        total = self._totals.get((leaf, k))
        if total is not None:
            total.add(self, value)
            return
        address = self._address(effect.buffer, effect.offset)
        if effect.op is not None:
            old = self._load(effect.buffer, address)
            value = self.out.combine(effect.op, effect.buffer.dtype, old, value)
        self._store(effect.buffer, address, value)
        if effect.buffer in self._loaded:
            self._known = {}
            self._loaded = set()
