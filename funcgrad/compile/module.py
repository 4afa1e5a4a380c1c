"""One program as one LLVM module: its nests, the function that runs them in order, and the entry."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from funcgrad.compile.branchless import branchless
from funcgrad.compile.contraction import contracted
from funcgrad.compile.control import DECLARATIONS, carried_in_place, write_control
from funcgrad.compile.emit import NestWriter
from funcgrad.compile.entry import Table, write_entry
from funcgrad.compile.expression import Expressions
from funcgrad.compile.foreign import ONE_THREAD
from funcgrad.compile.fusion import Block, Leaf, fuse, leaves, stands_alone
from funcgrad.compile.kernels.library import definitions
from funcgrad.compile.lowering import Lowering
from funcgrad.compile.memory import lifetimes, placed
from funcgrad.compile.parts import in_parts
from funcgrad.compile.running import SUPPORT, Run
from funcgrad.compile.statement import ControlCall, ForeignCall, HostCall, MatrixProduct
from funcgrad.compile.wide_entry import WIDE, write_wide_entry
from funcgrad.core.program import Program

__all__ = ["Module"]

# Statements without loops that follow one another are one function, up to this many.
STRAIGHT = 64
# and up to this much code.
HEAVY = 1500
# A nest in the body of a loop, of so many points, may become a part of it.
SHORT = 16
# What counts as no operation.
_FREE = {"const", "load", "index", "guard", "cast", "select", "checked", "required"}
# A loop of this many additions' work is shared among threads: less than this, and waking them costs more.
PARALLEL = 6_000_000
# Of more nests than this, equal ones are compiled once, for any numbers in them.
FEW = 16


class Module:
    """The native form of a program, as text.

    Attributes:
        steps: what runs, in order: each a list of nodes that make one function, or one host call.
        local: the buffers that live inside one nest.
        scratch: how many bytes the others take.
        table: the addresses that `text` refers to.
        host_calls: in the order of the table's `host` slots.
    """

    def __init__(
        self,
        program: Program,
        *,
        careful: bool = False,
        root: "Module | None" = None,
        given: dict[int, int] | None = None,
    ):
        self.program = program = branchless(program)
        self.careful = careful
        self.root = self if root is None else root
        if root is None:
            self.table = Table()
            self.constants: list[np.ndarray] = []
            self.host_calls: list[HostCall] = []
            self.parallel: list[int] = []  # the number of iterations of each parallel loop
            self.bodies = 0  # how many functions loops and branches have
        self.first_constant = len(self.root.constants)
        self.root.constants += [
            np.ascontiguousarray(value, np.asarray(value).dtype.newbyteorder("="))
            for _, value in program.constants
        ]
        lowering = _lowered(program, given or {}, careful, root is None)
        self.in_place = frozenset(lowering.updates.in_place)
        self.buffers = lowering.buffers
        self.statements = lowering.statements
        nests = [part for node in fuse(lowering.statements) for part in _shared(node, lowering.expressions)]
        self.steps = list(_steps(nests))
        self.local = contracted(self.steps)
        lives = lifetimes(self.steps)
        self.offsets, self.own_scratch = placed({b: life for b, life in lives.items() if b not in self.local})
        controls = [s.call for s in self.statements if isinstance(s.call, ControlCall)]
        self.children = {
            id(call): [
                Module(p, careful=careful, root=self.root, given=given)
                for p, given in zip(call.programs, carried_in_place(call), strict=True)
            ]
            for call in controls
        }
        inner = [child.scratch for bodies in self.children.values() for child in bodies]
        self.scratch: int = self.own_scratch + max(inner, default=0)

    @cached_property
    def flops(self) -> int:
        """Floating-point operations of a call."""
        total = sum(
            times * sum(child.flops for child in self.children[id(call)]) for call, times in self._controls()
        )
        for s in self.statements:
            if isinstance(s.call, (MatrixProduct, ForeignCall)):
                total += s.points * s.call.flops
            for effect in s.effects:
                nodes = [n for n in effect.value.walk() if n.dtype.kind == "f" and n.op not in _FREE]
                total += s.points * (len(nodes) + (effect.op is not None))
        return total

    @cached_property
    def work(self) -> int:
        """The work of a call, in additions."""
        inner = sum(
            times * sum(child.work for child in self.children[id(call)]) for call, times in self._controls()
        )
        return sum(s.work for s in self.statements) + inner

    def _controls(self) -> Iterator[tuple[ControlCall, int]]:
        """Yield the loops and branches, with how often their bodies run (as far as that is known)."""
        for s in self.statements:
            if isinstance(s.call, ControlCall):
                yield s.call, s.call.params.get("length", 1)

    @property
    def asks_host(self) -> bool:
        """Whether Python is called, so that its lock is needed."""
        own = any(isinstance(s.call, HostCall) for s in self.statements)
        return own or any(
            child.asks_host for call, _ in self._controls() for child in self.children[id(call)]
        )

    def write(self, run: Run, parts: "_Parts") -> None:
        """Write the nests, and the function that runs them."""
        for nodes in self.steps:
            if stands_alone(nodes[0]):
                call = nodes[0].statement.call
                if isinstance(call, ControlCall):
                    run.control(call, self._control(call, parts))
                else:
                    run.host_call(call)
                continue
            chunked = self.root is self and _is_parallel(nodes)
            general = len(self.steps) > FEW
            writer = NestWriter(nodes, self.local, careful=self.careful, general=general, chunked=chunked)
            # Of a short iteration LLVM is to see the whole.
            short = all(leaf.statement.points <= SHORT for node in nodes for leaf in leaves(node))
            name = parts.nest(writer, within=self.root is not self and short)
            if chunked:
                run.parallel(name, writer, nodes[0].extent)
            else:
                run.call(name, writer)

    def _control(self, call: ControlCall, parts: "_Parts") -> str:
        """Write the function of a loop or branch, and those of its bodies; return its name."""
        names = []
        for child in self.children[id(call)]:
            name = f"fg_body{self.root.bodies}"
            self.root.bodies += 1
            run = Run(child, name)
            child.write(run, parts)
            parts.alone = parts.alone or run.alone
            parts.controls.append(run.text())
            names.append(name)
        name = f"fg_loop{self.root.bodies}"
        self.root.bodies += 1
        children = self.children[id(call)]
        work = sum(child.work for child in children)
        parts.controls.append(write_control(name, call, names, [child.in_place for child in children], work))
        parts.declared |= DECLARATIONS
        return name

    @cached_property
    def text(self) -> str:
        """The module as LLVM text."""
        parts = _Parts()
        run = Run(self, "fg_run")
        self.write(run, parts)
        outputs = self.program.out_types
        inputs = self.program.in_types
        write = write_entry if len(inputs) + len(outputs) < WIDE else write_wide_entry
        entry = write(self.table, inputs, outputs, len(outputs) == 1)
        run_text = run.text()
        kernels, declarations = _kernels(parts.symbols)
        known = {line for line in SUPPORT.splitlines() if line.startswith("declare ")}
        known |= {line for line in entry.splitlines() if line.startswith("declare ")}
        declared = (parts.declared | declarations) - known
        return "\n".join(
            [
                f"@fg_table = global [{max(len(self.table.names), 1)} x ptr] zeroinitializer",
                "@fg_scratch = global ptr null",
                "@fg_zero = global i64 0",
                *parts.nests(),
                *parts.controls,
                run_text,
                *run.chunks,
                *([ONE_THREAD] if run.alone or parts.alone else []),
                SUPPORT,
                entry,
                *sorted(declared),
                *kernels,
                "",
            ]
        )


class _Parts:
    """The functions of a module, apart from the one that runs them."""

    def __init__(self) -> None:
        self.functions: dict[str, tuple[str, str]] = {}  # name and signature by body
        self.controls: list[str] = []
        self.symbols: set[str] = set()
        self.declared: set[str] = set()
        self.alone = False

    def nest(self, writer: NestWriter, *, within: bool) -> str:
        """Write a nest; equal ones, as a loop unrolled in Python leaves them, are one function. Return its name."""
        body = writer.write()
        self.declared |= writer.out.intrinsics
        self.symbols |= writer.out.kernels
        if body not in self.functions:
            name = f"fg_nest{len(self.functions)}"
            self.functions[body] = name, writer.signature(name, within=within)
        return self.functions[body][0]

    def nests(self) -> list[str]:
        """Return the text of each nest."""
        return [f"{signature} {{\n{body}\n}}" for body, (_, signature) in self.functions.items()]


def _lowered(program: Program, given: dict[int, int], careful: bool, whole: bool) -> Lowering:
    """Lower a program; inputs that were given, but whose outputs turned out to be elsewhere, are left alone."""
    while True:
        lowering = Lowering(program, given, careful=careful, whole=whole).run()
        spoiled = lowering.updates.spoiled
        if not spoiled:
            return lowering
        given = {position: out for position, out in given.items() if position not in spoiled}


def _shared(node: Block | Leaf, expressions: Expressions) -> list[Block] | list[Leaf]:
    """Return a nest, in parts if that lets threads share its work and it is worth it."""
    if isinstance(node, Leaf):
        return [node]
    worth = sum(leaf.statement.work for leaf in leaves(node)) > PARALLEL
    return in_parts(node, expressions) if worth else [node]


def _is_parallel(nodes: list[Block | Leaf]) -> bool:
    """Whether a nest is worth several threads, and its outermost iterations do not depend on one another."""
    (node, *more) = nodes
    if more or not isinstance(node, Block) or node.extent < 64:
        return False
    work = 0
    for leaf in leaves(node):
        statement = leaf.statement
        if statement.call is not None or leaf.counters[0] in statement.carried:
            return False
        work += statement.work
    return work > PARALLEL


def _kernels(symbols: set[str]) -> tuple[list[str], set[str]]:
    """Return the definitions of kernels, and the declarations these need."""
    lines = definitions(sorted(symbols)).splitlines() if symbols else []
    return (
        [line for line in lines if not line.startswith("declare ")],
        {line for line in lines if line.startswith("declare ")},
    )


def _steps(nodes):
    """Yield what makes one function each: a nest, a host call, or statements without loops."""
    straight: list[Leaf] = []
    weight = 0
    for node in nodes:
        alone = isinstance(node, Block) or stands_alone(node)
        more = 0 if alone else node.statement.weight
        if straight and (alone or len(straight) == STRAIGHT or weight + more > HEAVY):
            yield straight
            straight, weight = [], 0
        if alone:
            yield [node]
        else:
            straight.append(node)
            weight += more
    if straight:
        yield straight
