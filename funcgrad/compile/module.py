"""One program as one LLVM module: its nests, the function that runs them in order, and the entry."""

from functools import cached_property

from funcgrad.compile.contraction import contracted
from funcgrad.compile.emit import NestWriter
from funcgrad.compile.entry import GLUE, Table, write_entry
from funcgrad.compile.expression import Buffer, Expressions
from funcgrad.compile.foreign import ONE_THREAD
from funcgrad.compile.fusion import Block, Leaf, fuse, is_host_call, leaves
from funcgrad.compile.kernels.library import definitions
from funcgrad.compile.lowering import Lowering
from funcgrad.compile.memory import LINE, lifetimes, placed
from funcgrad.compile.parts import in_parts
from funcgrad.compile.statement import ForeignCall, HostCall, MatrixProduct
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

    def __init__(self, program: Program, *, careful: bool = False):
        self.program = program
        self.careful = careful
        lowering = Lowering(program).run()
        self.buffers = lowering.buffers
        self.statements = lowering.statements
        nests = [part for node in fuse(lowering.statements) for part in _shared(node, lowering.expressions)]
        self.steps = list(_steps(nests))
        self.local = contracted(self.steps)
        lives = lifetimes(self.steps)
        self.offsets, self.scratch = placed({b: life for b, life in lives.items() if b not in self.local})
        self.table = Table()
        self.host_calls: list[HostCall] = []
        self.parallel: list[int] = []  # the number of iterations of each parallel loop

    @cached_property
    def flops(self) -> int:
        """Floating-point operations of a call."""
        total = 0
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
        return sum(s.work for s in self.statements)

    @cached_property
    def text(self) -> str:
        """The module as LLVM text."""
        symbols: set[str] = set()
        functions: dict[str, tuple[str, str]] = {}  # name and signature by body
        declared: set[str] = set()
        run = _Run(self)
        for nodes in self.steps:
            if is_host_call(nodes[0]):
                run.host_call(nodes[0].statement.call)
                continue
            chunked = _is_parallel(nodes)
            general = len(self.steps) > FEW
            writer = NestWriter(nodes, self.local, careful=self.careful, general=general, chunked=chunked)
            body = writer.write()
            declared |= writer.out.intrinsics
            symbols |= writer.out.kernels
            # Equal nests, as a loop unrolled in Python leaves them, are one function.
            if body not in functions:
                name = f"fg_nest{len(functions)}"
                functions[body] = name, writer.signature(name)
            name, _ = functions[body]
            if chunked:
                run.parallel(name, writer, nodes[0].extent)
            else:
                run.call(name, writer)
        nests = [f"{signature} {{\n{body}\n}}" for body, (_, signature) in functions.items()]
        outputs = self.program.out_types
        entry = write_entry(self.table, self.program.in_types, outputs, len(outputs) == 1)
        run_text = run.text()
        kernels, declarations = _kernels(symbols)
        declared |= declarations
        return "\n".join(
            [
                f"@fg_table = global [{max(len(self.table.names), 1)} x ptr] zeroinitializer",
                "@fg_scratch = global ptr null",
                *nests,
                run_text,
                entry,
                *sorted(declared),
                *kernels,
                "",
            ]
        )


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
        alone = isinstance(node, Block) or is_host_call(node)
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
    """Writes `@fg_run`, which sets memory up and calls the nests in order."""

    def __init__(self, module: Module):
        self.module = module
        self.lines: list[str] = []
        self.count = 0
        self.pointers: dict[Buffer, str] = {}
        self.setup: list[str] = []
        self.chunks: list[str] = []
        self.released = False
        self.alone = False
        self.hosts = 0
        self.long = module.work > LONG

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
            slot = self.module.table.slot(f"constant {buffer.position}")
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
            get, put = (self.module.table.slot(f"threads {way}") for way in ("get", "set"))
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
            place = f"getelementptr (ptr, ptr @fg_table, i64 {self.module.table.slot(f'blas {name}')})"
            self.setup.append(f"  {register} = load ptr, ptr {place}")
        return register

    def parallel(self, name: str, writer: NestWriter, extent: int) -> None:
        """Have the iterations of a nest shared among threads, by a Python function that calls it in chunks."""
        self._acquire()
        self.hosts += 1
        number = len(self.module.parallel)
        self.module.parallel.append(extent)
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
        slot = self.module.table.slot(slot_name)
        place, function, status = self._name(), self._name(), self._name()
        self.lines += [
            f"  {place} = getelementptr ptr, ptr @fg_table, i64 {slot}",
            f"  {function} = load ptr, ptr {place}",
            f"  {status} = call i32 @fg_host(ptr {function}, ptr {frame})",
        ]
        return status

    def host_call(self, call: HostCall) -> None:
        self._acquire()
        number = len(self.module.host_calls)
        self.module.host_calls.append(call)
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

    def text(self) -> str:
        self._acquire()
        size = self.module.scratch
        setup, finish = [], []
        if size and size <= STACK:
            setup = [f"  %scratch = alloca [{size} x i8], align 64"]
        elif size:
            setup = [f"  %block = call ptr @fg_take(i64 {size + LINE - 1})", *_SUPPLIED]
            finish = ["  call void @fg_give(ptr %block)"]
        return "\n".join(
            [
                "define internal i32 @fg_run(ptr %frame) noinline {",
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
                *self.chunks,
                *([ONE_THREAD] if self.alone else []),
                _SUPPORT,
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
