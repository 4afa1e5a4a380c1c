"""One program as one LLVM module: its nests, the function that runs them in order, and the entry."""

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from funcgrad.compile.contraction import contracted
from funcgrad.compile.control import DECLARATIONS, write_control
from funcgrad.compile.emit import NestWriter
from funcgrad.compile.entry import GLUE, Table, write_entry
from funcgrad.compile.expression import Buffer, Expressions
from funcgrad.compile.foreign import ONE_THREAD
from funcgrad.compile.fusion import Block, Leaf, fuse, stands_alone, leaves
from funcgrad.compile.kernels.library import definitions
from funcgrad.compile.lowering import Lowering
from funcgrad.compile.memory import LINE, lifetimes, placed
from funcgrad.compile.parts import in_parts
from funcgrad.compile.statement import ControlCall, ForeignCall, HostCall, MatrixProduct
from funcgrad.compile.status import Status
from funcgrad.core.program import Program

__all__ = ["Module"]

# Statements without loops that follow one another are one function, up to this many.
STRAIGHT = 64
# Scratch of up to this many bytes is on the stack.
STACK = 16384
# What counts as no operation.
_FREE = {"const", "load", "index", "guard", "cast", "select", "checked"}
# A call that does more than this many additions' work gives up Python's lock meanwhile.
LONG = 100_000
# A loop of this many additions' work is shared among threads: less than this, and waking them costs more.
PARALLEL = 6_000_000
# A call of BLAS of fewer operations has one thread: OpenBLAS's threads wait for each other by turning in circles,
# and where another process has one of the cores, that makes a call of 0.2 ms one of 20 ms.
ALONE = 2e6
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

    def __init__(self, program: Program, *, careful: bool = False, root: "Module | None" = None):
        self.program = program
        self.careful = careful
        self.root = self if root is None else root
        if root is None:
            self.table = Table()
            self.constants: list[np.ndarray] = []
            self.host_calls: list[HostCall] = []
            self.parallel: list[int] = []  # the number of iterations of each parallel loop
            self.bodies = 0  # how many functions loops and branches have
        self.first_constant = len(self.root.constants)
        self.root.constants += [np.ascontiguousarray(value) for _, value in program.constants]
        lowering = Lowering(program).run()
        self.buffers = lowering.buffers
        self.statements = lowering.statements
        nests = [part for node in fuse(lowering.statements) for part in _shared(node, lowering.expressions)]
        self.steps = list(_steps(nests))
        self.local = contracted(self.steps)
        lives = lifetimes(self.steps)
        self.offsets, self.own_scratch = placed({b: life for b, life in lives.items() if b not in self.local})
        controls = [s.call for s in self.statements if isinstance(s.call, ControlCall)]
        self.children = {
            id(call): [Module(p, careful=careful, root=self.root) for p in call.programs] for call in controls
        }
        inner = [child.scratch for bodies in self.children.values() for child in bodies]
        self.scratch = self.own_scratch + max(inner, default=0)

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
        inner = sum(times * sum(child.work for child in self.children[id(call)]) for call, times in self._controls())
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
            call.kind.startswith("while") or any(child.asks_host for child in self.children[id(call)])
            for call, _ in self._controls()
        )

    def write(self, run: "_Run", parts: "_Parts") -> None:
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
            name = parts.nest(writer)
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
            run = _Run(child, name)
            child.write(run, parts)
            parts.alone = parts.alone or run.alone
            parts.controls.append(run.text())
            names.append(name)
        name = f"fg_loop{self.root.bodies}"
        self.root.bodies += 1
        parts.controls.append(write_control(name, call, names))
        parts.declared |= DECLARATIONS
        return name

    @cached_property
    def text(self) -> str:
        """The module as LLVM text."""
        parts = _Parts()
        run = _Run(self, "fg_run")
        self.write(run, parts)
        outputs = self.program.out_types
        entry = write_entry(self.table, self.program.in_types, outputs, len(outputs) == 1)
        run_text = run.text()
        kernels, declarations = _kernels(parts.symbols)
        known = {line for line in _SUPPORT.splitlines() if line.startswith("declare ")}
        known |= {line for line in entry.splitlines() if line.startswith("declare ")}
        declared = (parts.declared | declarations) - known
        return "\n".join(
            [
                f"@fg_table = global [{max(len(self.table.names), 1)} x ptr] zeroinitializer",
                "@fg_scratch = global ptr null",
                *parts.nests(),
                *parts.controls,
                run_text,
                *run.chunks,
                *([ONE_THREAD] if run.alone or parts.alone else []),
                _SUPPORT,
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

    def nest(self, writer: NestWriter) -> str:
        """Write a nest; equal ones, as a loop unrolled in Python leaves them, are one function. Return its name."""
        body = writer.write()
        self.declared |= writer.out.intrinsics
        self.symbols |= writer.out.kernels
        if body not in self.functions:
            name = f"fg_nest{len(self.functions)}"
            self.functions[body] = name, writer.signature(name)
        return self.functions[body][0]

    def nests(self) -> list[str]:
        """Return the text of each nest."""
        return [f"{signature} {{\n{body}\n}}" for body, (_, signature) in self.functions.items()]


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
    straight: list[Block | Leaf] = []
    for node in nodes:
        alone = isinstance(node, Block) or stands_alone(node)
        if straight and (alone or len(straight) == STRAIGHT):
            yield straight
            straight = []
        if alone:
            yield [node]
        else:
            straight.append(node)
    if straight:
        yield straight


class _Run:
    """Writes the function that calls the nests in order: `@fg_run`, which sets memory up, or that of a body."""

    def __init__(self, module: Module, name: str):
        self.module = module
        self.name = name
        self.whole = module.root is module
        self.lines: list[str] = []
        self.count = 0
        self.pointers: dict[Buffer, str] = {}
        self.setup: list[str] = []
        self.chunks: list[str] = []
        self.released = False
        self.alone = False
        self.hosts = 0
        self.long = self.whole and module.work > LONG  # what runs inside leaves Python's lock as it is

    def _name(self) -> str:
        self.count += 1
        return f"%r{self.count}"

    def _pointer(self, buffer: Buffer) -> str:
        known = self.pointers.get(buffer)
        if known is not None:
            return known
        name = self.pointers[buffer] = f"%b{len(self.pointers)}"
        inputs = len(self.module.program.inputs)
        if buffer.kind == "scratch":
            offset = self.module.offsets.get(buffer, 0)
            self.setup.append(f"  {name} = getelementptr i8, ptr %scratch, i64 {offset}")
            return name
        if buffer.kind == "constant":
            position = self.module.first_constant + buffer.position
            slot = self.module.root.table.slot(f"constant {position}")
            source = f"@fg_table, i64 {slot}"
        else:
            slot = buffer.position + (inputs if buffer.kind == "output" else 0)
            source = f"%frame, i64 {slot}"
        self.setup += [f"  {name}a = getelementptr ptr, ptr {source}", f"  {name} = load ptr, ptr {name}a"]
        return name

    def _pointer_to(self, buffer: Buffer, element: int) -> str:
        pointer = self._pointer(buffer)
        if not element:
            return pointer
        name = self._name()
        self.lines.append(
            f"  {name} = getelementptr i8, ptr {pointer}, i64 {element * buffer.dtype.itemsize}"
        )
        return name

    def _release(self) -> None:
        if self.long and not self.released:
            self.lines.append(f"  %saved{self.hosts} = call ptr @PyEval_SaveThread()")
            self.released = True

    def _acquire(self) -> None:
        if self.released:
            self.lines.append(f"  call void @PyEval_RestoreThread(ptr %saved{self.hosts})")
            self.released = False

    def _check(self, status: str) -> None:
        label = f"go{self.count}"
        bad = self._name()
        self.lines += [
            f"  {bad} = icmp ne i32 {status}, 0",
            f"  br i1 {bad}, label %stop, label %{label}",
            f"{label}:",
        ]

    def call(self, name: str, writer: NestWriter) -> None:
        args = [f"ptr {self._pointer_to(b, element)}" for b, element in writer.parameters.items()]
        args += [*writer.numbers, *(f"ptr {self._routine(name)}" for name in writer.external)]
        self._release()
        status, threads = self._name(), self._name()
        alone = bool(writer.external) and writer.largest_call < ALONE
        if alone:
            self.alone = True
            get, put = (self.module.root.table.slot(f"threads {way}") for way in ("get", "set"))
            self.lines.append(f"  {threads} = call i32 @fg_alone(i64 {get}, i64 {put})")
        self.lines.append(f"  {status} = call i32 @{name}({', '.join(args)})")
        if alone:
            self.lines.append(f"  call void @fg_together(i64 {put}, i32 {threads})")
        if writer.out.flags:
            self._acquire()
            self.hosts += 1
            self.lines.append(f"  store i32 {status}, ptr %status")
            self._check(status)

    def _routine(self, name: str) -> str:
        """Return the address of a routine of BLAS or LAPACK; loaded once."""
        register = f"%f_{name}"
        if not any(line.startswith(f"  {register} =") for line in self.setup):
            place = f"getelementptr (ptr, ptr @fg_table, i64 {self.module.root.table.slot(f'blas {name}')})"
            self.setup.append(f"  {register} = load ptr, ptr {place}")
        return register

    def parallel(self, name: str, writer: NestWriter, extent: int) -> None:
        """Have the iterations of a nest shared among threads, by a Python function that calls it in chunks."""
        self._acquire()
        self.hosts += 1
        number = len(self.module.root.parallel)
        self.module.root.parallel.append(extent)
        frame = f"%p{number}"
        self.setup.append(f"  {frame} = alloca [{max(len(writer.parameters), 1)} x ptr]")
        chunk = [f"define i32 @fg_chunk{number}(ptr %frame, i64 %first, i64 %last) {{"]
        for k, (buffer, element) in enumerate(writer.parameters.items()):
            pointer, place = self._pointer_to(buffer, element), self._name()
            self.lines += [
                f"  {place} = getelementptr ptr, ptr {frame}, i64 {k}",
                f"  store ptr {pointer}, ptr {place}",
            ]
            chunk += [f"  %a{k} = getelementptr ptr, ptr %frame, i64 {k}", f"  %p{k} = load ptr, ptr %a{k}"]
        args = [
            *(f"ptr %p{k}" for k in range(len(writer.parameters))),
            "i64 %first",
            "i64 %last",
            *writer.numbers,
        ]
        self.chunks += [*chunk, f"  %r = call i32 @{name}({', '.join(args)})", "  ret i32 %r", "}"]
        status = self._host(f"parallel {number}", frame)
        self.lines.append(f"  store i32 {status}, ptr %status")
        self._check(status)

    def _host(self, slot_name: str, frame: str) -> str:
        slot = self.module.root.table.slot(slot_name)
        place, function, status = self._name(), self._name(), self._name()
        self.lines += [
            f"  {place} = getelementptr ptr, ptr @fg_table, i64 {slot}",
            f"  {function} = load ptr, ptr {place}",
            f"  {status} = call i32 @fg_host(ptr {function}, ptr {frame})",
        ]
        return status

    def host_call(self, call: HostCall) -> None:
        self._acquire()
        number = len(self.module.root.host_calls)
        self.module.root.host_calls.append(call)
        operands = [x for x in (*call.args, *call.results) if hasattr(x, "buffer")]
        frame = f"%h{number}"
        self.setup.append(f"  {frame} = alloca [{max(len(operands), 1)} x ptr]")
        for k, operand in enumerate(operands):
            pointer, place = self._pointer(operand.buffer), self._name()
            self.lines += [
                f"  {place} = getelementptr ptr, ptr {frame}, i64 {k}",
                f"  store ptr {pointer}, ptr {place}",
            ]
        status = self._host(f"host {number}", frame)
        self.lines.append(f"  store i32 {status}, ptr %status")
        self._check(status)
        self.hosts += 1

    def control(self, call: ControlCall, function: str) -> None:
        """Call the function of a loop or branch."""
        children = self.module.children[id(call)]
        if call.kind.startswith("while") or any(child.asks_host for child in children):
            self._acquire()
        else:
            self._release()
        operands = (*call.args, *call.results, *call.spares)
        frame = f"%c{self.count}"
        self.setup.append(f"  {frame} = alloca [{max(len(operands), 1)} x ptr]")
        for k, operand in enumerate(operands):
            pointer, place = self._pointer(operand.buffer), self._name()
            self.lines += [
                f"  {place} = getelementptr ptr, ptr {frame}, i64 {k}",
                f"  store ptr {pointer}, ptr {place}",
            ]
        status = self._name()
        scratch = "null"
        if any(child.scratch for child in children):
            scratch = self._name()
            self.lines.append(f"  {scratch} = getelementptr i8, ptr %scratch, i64 {self.module.own_scratch}")
        self.lines.append(f"  {status} = call i32 @{function}(ptr {frame}, ptr {scratch})")
        self._acquire()
        self.hosts += 1
        self.lines.append(f"  store i32 {status}, ptr %status")
        self._check(status)

    def text(self) -> str:
        self._acquire()
        size = self.module.scratch if self.whole else 0
        setup, finish = [], []
        if size and size <= STACK:
            setup = [f"  %scratch = alloca [{size} x i8], align 64"]
        elif size:
            setup = [f"  %block = call ptr @fg_take(i64 {size + LINE - 1})", *_SUPPLIED]
            finish = ["  call void @fg_give(ptr %block)"]
        return "\n".join(
            [
                f"define internal i32 @{self.name}(ptr %frame{'' if self.whole else ', ptr %scratch'}) noinline {{",
                "entry:",
                "  %status = alloca i32",
                f"  store i32 {Status.RAISED}, ptr %status",
                *setup,
                *self.setup,
                *self.lines,
                *finish,
                "  ret i32 0",
                *(
                    ["stop:", *finish, "  %why = load i32, ptr %status", "  ret i32 %why"]
                    if any("label %stop" in line for line in self.lines)
                    else []
                ),
                *(_STARVED if finish else []),
                "}",
            ]
        )


# Scratch memory begins on a cache line; and what happens where there is none to be had.
_SUPPLIED = (
    "  %missing = icmp eq ptr %block, null",
    "  br i1 %missing, label %starved, label %supplied",
    "supplied:",
    f"  %edge = getelementptr i8, ptr %block, i64 {LINE - 1}",
    f"  %scratch = call ptr @llvm.ptrmask.p0.i64(ptr %edge, i64 {-LINE})",
)
_STARVED = ("starved:", "  call ptr @PyErr_NoMemory()", f"  ret i32 {Status.RAISED}")

# Scratch memory: what the last call left behind, if no other thread has taken it; else a new block.
_SUPPORT = f"""
define internal ptr @fg_take(i64 %size) {GLUE} {{
  %old = atomicrmw xchg ptr @fg_scratch, ptr null acq_rel
  %none = icmp eq ptr %old, null
  br i1 %none, label %make, label %have
have:
  ret ptr %old
make:
  %new = call ptr @PyMem_RawMalloc(i64 %size)
  ret ptr %new
}}
define internal void @fg_give(ptr %block) {GLUE} {{
  %old = atomicrmw xchg ptr @fg_scratch, ptr %block acq_rel
  call void @PyMem_RawFree(ptr %old)
  ret void
}}
define internal i32 @fg_host(ptr %function, ptr %frame) {GLUE} {{
  %address = call ptr @PyLong_FromVoidPtr(ptr %frame)
  %none = icmp eq ptr %address, null
  br i1 %none, label %bad, label %call
call:
  %result = call ptr @PyObject_CallOneArg(ptr %function, ptr %address)
  call void @Py_DecRef(ptr %address)
  %failed = icmp eq ptr %result, null
  br i1 %failed, label %bad, label %good
bad:
  ret i32 {Status.RAISED}
good:
  %status = call i64 @PyLong_AsLong(ptr %result)
  call void @Py_DecRef(ptr %result)
  %short = trunc i64 %status to i32
  ret i32 %short
}}
declare i64 @PyLong_AsLong(ptr)
declare ptr @PyErr_NoMemory()
declare ptr @PyMem_RawMalloc(i64)
declare void @PyMem_RawFree(ptr)
declare ptr @llvm.ptrmask.p0.i64(ptr, i64)
declare ptr @PyLong_FromVoidPtr(ptr)
declare ptr @PyObject_CallOneArg(ptr, ptr)
declare ptr @PyEval_SaveThread()
declare void @PyEval_RestoreThread(ptr)"""
