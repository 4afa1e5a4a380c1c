"""Statements: what a loop nest does at each point of its loops."""

from collections.abc import Iterator
from functools import cached_property
from math import prod
from typing import Any, NamedTuple

from funcgrad.compile.loopir.expression import Buffer, Expression, intervals
from funcgrad.compile.loopir.index import Counter, Index, Interval
from funcgrad.compile.target.status import Status

__all__ = [
    "Access",
    "ControlCall",
    "Effect",
    "ForeignCall",
    "HostCall",
    "Info",
    "MatrixProduct",
    "Operand",
    "Place",
    "Statement",
    "Strided",
]

# The code of a function's kernel, in nodes: LLVM's time grows faster than the code of one function.
KERNEL_NODES = 30


class Access(NamedTuple):
    """One place where a statement reads or writes a buffer; the whole of it where `offset` is None.

    Attributes:
        within: loops whose counters are known to have narrower bounds there than their own.
    """

    buffer: Buffer
    offset: Index | None
    writes: bool
    within: frozenset[tuple[Counter, Interval]] = frozenset()

    def bounds(self, offset: Index) -> tuple[int, int]:
        """Return the smallest and the largest value of (a part of) the offset there."""
        return offset.bounds(dict(self.within)) if self.within else offset.bounds()


class Effect(NamedTuple):
    """`buffer[offset] = value`, or with an `op`, `buffer[offset] = op(buffer[offset], value)`."""

    buffer: Buffer
    offset: Index
    value: Expression
    op: str | None = None


class MatrixProduct(NamedTuple):
    """`z = x @ y` by BLAS at the point of its loops; each operand as (buffer, offset, row and column step).

    `rows`, `columns` and `inner` are loops that BLAS runs: they say which elements are touched.
    """

    x: tuple[Buffer, Index, int, int]
    y: tuple[Buffer, Index, int, int]
    z: tuple[Buffer, Index, int, int]
    rows: Counter
    columns: Counter
    inner: Counter

    @property
    def flops(self) -> int:
        return 2 * self.rows.extent * self.columns.extent * self.inner.extent


class Place(NamedTuple):
    """Memory that a foreign function is given, from `offset` on.

    `touched` is the offset with further loops in it, the function's own: they say which elements it touches.
    """

    buffer: Buffer
    offset: Index
    touched: Index
    writes: bool = False
    reads: bool = True


class Info(NamedTuple):
    """Where a foreign function says how it went; a positive number sets this bit of the status (if any)."""

    bit: Status


class Strided(NamedTuple):
    """What a loop of a ufunc is called with besides its arguments: how many calls and points, and the steps in bytes."""

    sizes: tuple[int, ...]
    steps: tuple[int, ...]


class ForeignCall(NamedTuple):
    """A routine of BLAS or LAPACK at the point of its loops: characters, integers and numbers, places, info.

    `strided`: it is the loop of a ufunc, whose arguments are places and numbers.
    """

    routine: str
    arguments: tuple[Any, ...]
    flops: int
    strided: Strided | None = None


class Operand(NamedTuple):
    """A whole buffer, or a part of one, as an array of some shape and dtype.

    Attributes:
        offset: how many bytes into the buffer it begins.
        step: how many bytes from one element along the first axis to the next; None where they lie one behind the other, as
            what is in an element always does.
    """

    buffer: Buffer
    shape: tuple[int, ...]
    dtype: Any
    offset: int = 0
    step: int | None = None


class HostCall(NamedTuple):
    """A primitive evaluated by its own NumPy rule, on whole buffers and Python numbers.

    Attributes:
        why: there is no native code for it. source: the user's line.
    """

    primitive: Any
    args: tuple[Any, ...]  # operands and numbers
    params: dict[str, Any]
    results: tuple[Operand, ...]
    why: str
    source: Any

    def __str__(self) -> str:
        return f"{self.primitive.name}: {self.why}" + (f", at {self.source}" if self.source else "")


class ControlCall(NamedTuple):
    """A loop or branch whose bodies are programs, on whole buffers (see `compile.codegen.control`).

    Attributes:
        kind: "scan", "while", "while_reverse" or "switch".
        spares: as large as the results, or the carries among them: what an iteration writes while it reads those.
        params: numbers that say which argument is what.
    """

    kind: str
    programs: tuple[Any, ...]
    args: tuple[Operand, ...]
    results: tuple[Operand, ...]
    spares: tuple[Operand, ...]
    params: dict[str, Any]


class Statement:
    """Effects, or one call, at every point of `loops` (outermost first).

    Args:
        loops: in the order in which they run.
        effects: performed in order at each point.
        sequential: the loops whose iterations depend on those before (sums, scans, scatters).
        call: in place of effects, a matrix product, a foreign or a host call, or a loop of the program itself.
    """

    def __init__(
        self,
        loops: tuple[Counter, ...],
        effects: tuple[Effect, ...] = (),
        sequential: frozenset[Counter] = frozenset(),
        call: MatrixProduct | ForeignCall | HostCall | ControlCall | None = None,
    ):
        self.loops = tuple(loop for loop in loops if loop.extent != 1)
        self.effects = effects
        self.sequential = sequential
        self.call = call

    @cached_property
    def accesses(self) -> list[Access]:
        """Every read and write, each once."""
        return list(dict.fromkeys(self._find_accesses()))

    @cached_property
    def touched(self) -> frozenset[Buffer]:
        """The buffers it reads or writes."""
        return frozenset(access.buffer for access in self.accesses)

    @cached_property
    def written(self) -> frozenset[Buffer]:
        """The buffers it writes."""
        return frozenset(access.buffer for access in self.accesses if access.writes)

    def _find_accesses(self) -> Iterator[Access]:
        if isinstance(self.call, (HostCall, ControlCall)):
            for x in self.call.args:
                if isinstance(x, Operand):
                    yield Access(x.buffer, None, False)
            spares = self.call.spares if isinstance(self.call, ControlCall) else ()
            for y in (*self.call.results, *spares):
                yield Access(y.buffer, None, True)
            return
        if isinstance(self.call, ForeignCall):
            for x in self.call.arguments:
                if isinstance(x, Place):
                    if x.reads:
                        yield Access(x.buffer, x.touched, False)
                    if x.writes:
                        yield Access(x.buffer, x.touched, True)
            return
        if self.call is not None:
            product = self.call
            sides = (
                (product.x, product.rows, product.inner, False),
                (product.y, product.inner, product.columns, False),
                (product.z, product.rows, product.columns, True),
            )
            for (buffer, offset, row, column), rows, columns, writes in sides:
                yield Access(buffer, offset + Index.of(rows) * row + Index.of(columns) * column, writes)
            return
        for effect in self.effects:
            yield from _reads(effect.value)
            for root in effect.offset.data():
                yield from _reads(root)
            if effect.op is not None:
                yield Access(effect.buffer, effect.offset, False)
            yield Access(effect.buffer, effect.offset, True)

    @cached_property
    def size(self) -> int:
        """How many nodes its expressions have, shared ones counted once."""
        return sum(sum(1 for _ in effect.value.walk()) for effect in self.effects) + 1

    @cached_property
    def weight(self) -> int:
        """How much code it is, in nodes: a function's kernel, written out at its place, counts as many."""
        return self.size + KERNEL_NODES * self.kernels

    @cached_property
    def kernels(self) -> int:
        """How many kernels of functions it has."""
        return sum(x.own_cost >= 20 for effect in self.effects for x in effect.value.walk())

    @property
    def work(self) -> int:
        """What all its points come to, in additions; what a point computes is counted once."""
        if self.call is not None:
            if isinstance(self.call, (HostCall, ControlCall)):
                return 0
            return self.points * self.call.flops
        return self.points * max(sum([x.own_cost for effect in self.effects for x in effect.value.walk()]), 1)

    @property
    def points(self) -> int:
        """How often it runs."""
        return prod(loop.extent for loop in self.loops)


def _reads(root: Expression, within: frozenset[tuple[Counter, Interval]] = frozenset()) -> Iterator[Access]:
    """Yield what an expression reads, with the bounds that guards set to it."""
    seen = set()
    stack = [(root, within)]
    while stack:
        node, within = stack.pop()
        if (id(node), within) in seen:
            continue
        seen.add((id(node), within))
        if node.op == "load":
            buffer, offset = node.detail
            yield Access(buffer, offset, False, within)
        elif node.op == "guard":
            inside, outside = node.args
            stack.append((inside, frozenset(intervals(node.detail, dict(within)).items())))
            stack.append((outside, within))
        else:
            stack.extend((arg, within) for arg in node.args)
        for index in node.indices():
            stack.extend((data, within) for data in index.data())
