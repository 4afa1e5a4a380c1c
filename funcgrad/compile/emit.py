"""Loop nests as LLVM functions.

A nest becomes `i32 @nest(ptr noalias %p0, ...)`, with one parameter for each buffer that outlives it; the result
is not 0 where an index read from an array was out of bounds. Buffers that live inside are on its stack.
"""

from collections.abc import Sequence
from itertools import pairwise

from funcgrad.compile.contraction import Local
from funcgrad.compile.expression import Buffer
from funcgrad.compile.fusion import Block, Leaf, leaves
from funcgrad.compile.scalars import constant, llvm_type
from funcgrad.compile.statement import Effect, MatrixProduct
from funcgrad.compile.totals import RUN, Total
from funcgrad.compile.values import Counter, ValueWriter

__all__ = ["NestWriter"]

# A loop is split where a guard in it changes, into at most this many parts.
PARTS = 5


class Bounds:
    __slots__ = ("first", "high", "last", "low")

    def __init__(self, first: str, last: str, low: int, high: int):
        self.first = first  # where a loop begins, and where it ends: registers or numbers
        self.last = last
        self.low = low  # the least and the greatest value of its counter
        self.high = high


class NestWriter(ValueWriter):
    """Writes one nest's function.

    Args:
        nodes: what it runs, in order.
        locals_: the buffers that live inside it.
        prefix: of matrix products' pointers in the table of the executable.
    """

    def __init__(
        self,
        nodes: Sequence[Block | Leaf],
        locals_: dict[Buffer, Local],
        *,
        careful: bool = False,
        chunked: bool = False,
    ):
        super().__init__(locals_, careful)
        self.nodes = nodes
        self.chunked = chunked
        self.external: dict[str, None] = {}  # names of foreign functions, in the order of the table
        self._totals: dict[tuple[Leaf, int], Total] = {}

    def write(self) -> str:
        """Return the body of the function; `parameters` and the rest are known then."""
        if self.chunked:
            (node,) = self.nodes
            self._loop(node, 0, [], Bounds("%first", "%last", 0, node.extent - 1))
        else:
            for node in self.nodes:
                self._node(node, 0, [])
        result = "0"
        if self.out.flags:
            result = self.out.set("load i32, ptr %wrong")
            self.entry += ["  %wrong = alloca i32", "  store i32 0, ptr %wrong"]
        self.out.do(f"ret i32 {result}")
        return "\n".join(["entry:", *self.entry, *self.out.lines])

    def signature(self, name: str) -> str:
        parameters = [f"ptr noalias nocapture %p{k}" for k in range(len(self.parameters))]
        if self.chunked:
            parameters += ["i64 %first", "i64 %last"]
        if self.external:
            parameters.append("ptr %table")
        return f"define internal i32 @{name}({', '.join(parameters)})"

    def _node(self, node, level, counters):
        if isinstance(node, Leaf):
            self._statement(node, counters)
        else:
            self._known = {}
            self._loop(node, level, counters, Bounds("0", str(node.extent), 0, node.extent - 1))
            self._known = {}

    def _loop(self, node, level, counters, bounds):
        opened = self._open_totals(node, level)
        innermost = all(isinstance(child, Leaf) for child in node.children)
        partial = innermost and [k for k in self._totals_under(node) if self._totals[k].compensated]
        if partial and (node.extent > RUN or not all(k in opened for k in partial)):
            self._runs(node, level, counters, bounds, partial)
        else:
            for part in self._parts(node, level, bounds):
                self._count(node, level, counters, part)
        for key in opened:
            self._close_total(key, counters)

    def _count(self, node, level, counters, bounds):
        """Write one counted loop."""
        if bounds.first.lstrip("-").isdigit() and bounds.last.isdigit():
            if int(bounds.first) >= int(bounds.last):
                return
            if int(bounds.last) - int(bounds.first) == 1:
                with self._fresh():
                    for child in node.children:
                        self._node(
                            child, level + 1, [*counters, Counter(bounds.first, bounds.low, bounds.high)]
                        )
                return
        head, body, end = self._label("head"), self._label("body"), self._label("end")
        counter, following = self.out.name("i"), self.out.name("n")
        before = self.block
        runs = self.out.set(f"icmp slt i64 {bounds.first}, {bounds.last}")
        self.out.do(f"br i1 {runs}, label %{body}, label %{end}")
        self._begin(body)
        patch = len(self.out.lines)
        self.out.lines.append("")
        with self._fresh():
            for child in node.children:
                self._node(child, level + 1, [*counters, Counter(counter, bounds.low, bounds.high)])
        self.out.lines[patch] = (
            f"  {counter} = phi i64 [ {bounds.first}, %{before} ], [ {following}, %{self.block} ]"
        )
        self.out.do(f"{following} = add nsw nuw i64 {counter}, 1")
        more = self.out.set(f"icmp slt i64 {following}, {bounds.last}")
        self.out.do(f"br i1 {more}, label %{body}, label %{end}")
        self._begin(end)
        del head

    def _runs(self, node, level, counters, bounds, partial):
        """Write an innermost loop in runs, each of which has sums of its own."""
        head, body, end = self._label("run"), self._label("runs"), self._label("ran")
        start, following = self.out.name("r"), self.out.name("n")
        before = self.block
        runs = self.out.set(f"icmp slt i64 {bounds.first}, {bounds.last}")
        self.out.do(f"br i1 {runs}, label %{body}, label %{end}")
        self._begin(body)
        patch = len(self.out.lines)
        self.out.lines.append("")
        stop = self.out.set(f"add nsw i64 {start}, {RUN}")
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
        self.out.lines[patch] = (
            f"  {start} = phi i64 [ {bounds.first}, %{before} ], [ {following}, %{self.block} ]"
        )
        self.out.do(f"{following} = add nsw i64 {start}, {RUN}")
        more = self.out.set(f"icmp slt i64 {following}, {bounds.last}")
        self.out.do(f"br i1 {more}, label %{body}, label %{end}")
        self._begin(end)
        del head

    def _parts(self, node, level, bounds):
        """Split a loop where guards in it begin or cease to hold."""
        if (self.chunked and level == 0) or not bounds.first.isdigit() or not bounds.last.isdigit():
            return [bounds]
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
                        if not rest.terms and abs(step) == 1:
                            for edge in (low, high):
                                cut = (edge - rest.constant) * step + (step < 0)
                                if 0 < cut < node.extent:
                                    cuts.add(cut)
        if not cuts or len(cuts) >= PARTS:
            return [bounds]
        edges = [0, *sorted(cuts), node.extent]
        return [Bounds(str(a), str(b), a, b - 1) for a, b in pairwise(edges)]

    # Sums and other totals.

    def _totals_under(self, node):
        return [key for key in self._totals if any(leaf is key[0] for leaf in node.children)]

    def _open_totals(self, node, level):
        """Hold in registers what the iterations of this loop combine into one element."""
        opened = []
        for leaf in leaves(node):
            for k, effect in enumerate(leaf.statement.effects):
                if effect.op is None or (leaf, k) in self._totals:
                    continue
                inner = leaf.counters[level:]
                held = inner + [loop for loop, counts in leaf.zero.items() if counts in inner]
                if inner[0] not in leaf.statement.carried or set(effect.offset.loops()) & set(held):
                    continue
                if any(True for _ in effect.offset.data()):
                    continue
                if sum(e.buffer is effect.buffer for e in leaf.statement.effects) > 1:
                    continue
                terms = 1
                for loop in held:
                    terms *= loop.extent
                self._totals[leaf, k] = Total(self, effect, compensated=terms > RUN)
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
        if isinstance(call, MatrixProduct):
            self._matrix_product(call)
            self._known = {}
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
            value = self.out.apply(effect.op, effect.buffer.dtype, [old, value])
        self._store(effect.buffer, address, value)
        if effect.buffer in self._loaded:
            self._known = {}
            self._loaded = set()

    def _matrix_product(self, product: MatrixProduct) -> None:
        """z = x y in C order is z^T = y^T x^T in BLAS's own."""
        m, n, k = product.rows.extent, product.columns.extent, product.inner.extent
        name = "dgemm" if product.z[0].dtype.char == "d" else "sgemm"
        slot = self.external.setdefault(name, None) or list(self.external).index(name)
        numbers = {"m": n, "n": m, "k": k}
        operands = []
        for letter, (buffer, offset, row, column), rows in (("a", product.y, k), ("b", product.x, m)):
            pointer = self._address(buffer, offset)
            straight = column == 1 and (row > 0)
            leading = max(row if straight else column, 1)
            del rows
            numbers["ld" + letter] = leading
            operands.append((pointer, "N" if straight else "T"))
        z = self._address(product.z[0], product.z[1])
        numbers["ldc"] = product.z[2]
        kind = llvm_type(product.z[0].dtype)
        places = {}
        for key, value in numbers.items():
            places[key] = self._constant_in_memory("i32", str(value))
        one = self._constant_in_memory(kind, constant(1, product.z[0].dtype))
        zero = self._constant_in_memory(kind, constant(0, product.z[0].dtype))
        flags = [self._constant_in_memory("i8", str(ord(flag))) for _, flag in operands]
        address = self.out.set(f"getelementptr ptr, ptr %table, i64 {slot}")
        function = self.out.set(f"load ptr, ptr {address}")
        args = [
            *flags, places["m"], places["n"], places["k"], one, operands[0][0], places["lda"],
            operands[1][0], places["ldb"], zero, z, places["ldc"],
        ]  # fmt: skip
        self.out.do(f"call void {function}({', '.join('ptr ' + a for a in args)})")
