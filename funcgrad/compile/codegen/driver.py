"""The function that runs a program: it calls its nests, loops and the host in order.

LLVM's time for one function grows with the square of it (each address in it is alive to its end), and a program of
thousands of small arrays has as many calls. So a long one is written in parts, functions of bounded size that are called
one after another, each with the addresses it needs.
"""

from typing import Any

from funcgrad.compile.codegen.entry import GLUE
from funcgrad.compile.codegen.nest import NestWriter
from funcgrad.compile.loopir.expression import Buffer
from funcgrad.compile.loopir.statement import ControlCall, HostCall
from funcgrad.compile.schedule.memory import LINE_BYTES
from funcgrad.compile.target.status import Status
from funcgrad.compile.target.text import Text

__all__ = ["SUPPORT", "Driver"]

# Scratch of up to this many bytes is on the stack.
STACK_BYTES = 16384
# A call that does more than this many additions' work gives up Python's lock meanwhile.
UNLOCKED_ADDITIONS = 100_000
# A call of BLAS of fewer operations has one thread: OpenBLAS's threads wait for each other by turning in circles,
# and where another process has one of the cores, that makes a call of 0.2 ms one of 20 ms.
ONE_THREAD_FLOPS = 2e6
# From so many lines on, what comes next is another function.
FUNCTION_LINES = 1000


class Driver(Text):
    """Writes the function that calls the nests in order: `@fg_run`, which sets memory up, or that of a body."""

    def __init__(self, module: Any, plan: Any, name: str):
        super().__init__("r")
        self.module = module
        self.plan = plan
        self.function = name
        self.whole = plan.whole
        self.pointers: dict[Buffer, str] = {}
        self.setup: list[str] = []
        self.routines: set[str] = set()
        self.chunks: list[str] = []
        self.parts: list[str] = []
        self.released = False
        self.alone = False
        self.hosts = 0
        self.long = (
            self.whole and plan.work > UNLOCKED_ADDITIONS
        )  # what runs inside leaves Python's lock as it is

    def _pointer(self, buffer: Buffer) -> str:
        known = self.pointers.get(buffer)
        if known is not None:
            return known
        name = self.pointers[buffer] = f"%b{len(self.pointers)}"
        inputs = len(self.plan.program.inputs)
        if buffer.kind == "scratch":
            offset = self.plan.offsets.get(buffer, 0)
            self.setup.append(f"  {name} = getelementptr i8, ptr %scratch, i64 {offset}")
            return name
        if buffer.kind == "constant":
            position = self.module.constant(self.plan, buffer.position)
            slot = self.module.table.slot(f"constant {position}")
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
        return self.set(f"getelementptr i8, ptr {pointer}, i64 {element * buffer.dtype.itemsize}")

    def _release(self) -> None:
        if self.long and not self.released:
            self.do(f"%saved{self.hosts} = call ptr @PyEval_SaveThread()")
            self.released = True

    def _acquire(self) -> None:
        if self.released:
            self.do(f"call void @PyEval_RestoreThread(ptr %saved{self.hosts})")
            self.released = False

    def _check(self, status: str) -> None:
        self.do(f"store i32 {status}, ptr %status")
        self.require(self.set(f"icmp eq i32 {status}, 0"), "stop")

    def _bound(self) -> None:
        """Begin another part, if this one is long enough. Python's lock stays as it is."""
        if len(self.setup) + len(self.lines) < FUNCTION_LINES:
            return
        if self.released:
            self.do(f"store ptr %saved{self.hosts}, ptr %thread")
        self._close_part()
        if self.released:
            self.hosts += 1
            self.do(f"%saved{self.hosts} = load ptr, ptr %thread")

    def _close_part(self) -> None:
        # What runs once a call is not worth optimizing; into the body of a loop, nests may go.
        attributes = GLUE if self.whole else "noinline"
        head = f"@{self.function}_part{len(self.parts)}(ptr %frame, ptr %scratch, ptr %thread) {attributes}"
        self.parts.append(_function(head, [], [*self.setup, *self.lines], []))
        self.pointers, self.routines, self.setup, self.lines = {}, set(), [], []

    def call(self, name: str, writer: NestWriter) -> None:
        self._bound()
        args = [f"ptr {self._pointer_to(b, element)}" for b, element in writer.parameters.items()]
        args += [*writer.numbers, *(f"ptr {self._routine(name)}" for name in writer.external)]
        self._release()
        alone = 0 < writer.largest_call < ONE_THREAD_FLOPS
        if alone:
            self.alone = True
            get, put = (self.module.table.slot(f"threads {way}") for way in ("get", "set"))
            threads = self.set(f"call i32 @fg_one_thread(i64 {get}, i64 {put})")
        status = self.set(f"call i32 @{name}({', '.join(args)})")
        if alone:
            self.do(f"call void @fg_restore_threads(i64 {put}, i32 {threads})")
        if writer.out.flags:
            self._acquire()
            self.hosts += 1
            self._check(status)

    def _routine(self, name: str) -> str:
        """Return the address of a routine; loaded once."""
        register = f"%f_{name}"
        if name not in self.routines:
            self.routines.add(name)
            place = f"getelementptr (ptr, ptr @fg_table, i64 {self.module.table.slot(f'routine {name}')})"
            self.setup.append(f"  {register} = load ptr, ptr {place}")
        return register

    def parallel(self, name: str, writer: NestWriter, extent: int) -> None:
        """Have the iterations of a nest shared among threads, by a Python function that calls it in chunks."""
        self._bound()
        self._acquire()
        self.hosts += 1
        number = len(self.module.parallel)
        self.module.parallel.append(extent)
        frame = f"%p{number}"
        self.setup.append(f"  {frame} = alloca [{max(len(writer.parameters), 1)} x ptr]")
        chunk = [f"define i32 @fg_chunk{number}(ptr %frame, i64 %first, i64 %last) {{"]
        for k, (buffer, element) in enumerate(writer.parameters.items()):
            self.put(frame, k, self._pointer_to(buffer, element))
            chunk += [f"  %a{k} = getelementptr ptr, ptr %frame, i64 {k}", f"  %p{k} = load ptr, ptr %a{k}"]
        args = [
            *(f"ptr %p{k}" for k in range(len(writer.parameters))),
            "i64 %first",
            "i64 %last",
            *writer.numbers,
        ]
        self.chunks += [*chunk, f"  %r = call i32 @{name}({', '.join(args)})", "  ret i32 %r", "}"]
        status = self._host(f"parallel {number}", frame)
        self._check(status)

    def _host(self, slot_name: str, frame: str) -> str:
        function = self.set(f"load ptr, ptr {self.element('@fg_table', self.module.table.slot(slot_name))}")
        return self.set(f"call i32 @fg_host(ptr {function}, ptr {frame})")

    def host_call(self, call: HostCall) -> None:
        self._bound()
        self._acquire()
        number = len(self.module.host_calls)
        self.module.host_calls.append(call)
        operands = [x for x in (*call.args, *call.results) if hasattr(x, "buffer")]
        frame = f"%h{number}"
        self.setup.append(f"  {frame} = alloca [{max(len(operands), 1)} x ptr]")
        for k, operand in enumerate(operands):
            self.put(frame, k, self._pointer(operand.buffer))
        status = self._host(f"host {number}", frame)
        self._check(status)
        self.hosts += 1

    def control(self, call: ControlCall, function: str) -> None:
        """Call the function of a loop or branch."""
        self._bound()
        children = self.plan.children[id(call)]
        if any(child.asks_host for child in children):
            self._acquire()
        else:
            self._release()
        operands = (*call.args, *call.results, *call.spares)
        frame = self.name("c")
        self.setup.append(f"  {frame} = alloca [{max(len(operands), 1)} x ptr]")
        for k, operand in enumerate(operands):
            self.put(frame, k, self._pointer(operand.buffer))
        scratch = "null"
        if any(child.scratch for child in children):
            scratch = self.set(f"getelementptr i8, ptr %scratch, i64 {self.plan.own_scratch}")
        status = self.set(f"call i32 @{function}(ptr {frame}, ptr {scratch})")
        self._acquire()
        self.hosts += 1
        self._check(status)

    def text(self) -> str:
        self._acquire()
        if self.parts:
            self._close_part()
            self._call_parts()
        size = self.plan.scratch if self.whole else 0
        setup, finish = [], []
        if size and size <= STACK_BYTES:
            setup = [f"  %scratch = alloca [{size} x i8], align 64"]
        elif size:
            setup = [f"  %block = call ptr @fg_take(i64 {size + LINE_BYTES - 1})", *_SUPPLIED]
            finish = ["  call void @fg_give(ptr %block)"]
        # The body of a loop becomes a part of the loop.
        signature = "(ptr %frame) noinline" if self.whole else "(ptr %frame, ptr %scratch)"
        own = _function(f"@{self.function}{signature}", setup, [*self.setup, *self.lines], finish)
        return "\n".join([*self.parts, own])

    def _call_parts(self) -> None:
        self.setup.append("  %thread = alloca ptr")
        scratch = "null" if self.whole and not self.plan.scratch else "%scratch"
        for k in range(len(self.parts)):
            self._check(
                self.set(f"call i32 @{self.function}_part{k}(ptr %frame, ptr {scratch}, ptr %thread)")
            )


def _function(head: str, setup: list[str], lines: list[str], finish: list[str]) -> str:
    """Return the text of a function whose result is a Status; `finish` is done at its end, whatever that is."""
    return "\n".join(
        [
            f"define internal i32 {head} {{",
            "entry:",
            "  %status = alloca i32",
            f"  store i32 {Status.RAISED}, ptr %status",
            *setup,
            *lines,
            *finish,
            "  ret i32 0",
            *(
                ["stop:", *finish, "  %why = load i32, ptr %status", "  ret i32 %why"]
                if any("label %stop" in line for line in lines)
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
    f"  %edge = getelementptr i8, ptr %block, i64 {LINE_BYTES - 1}",
    f"  %scratch = call ptr @llvm.ptrmask.p0.i64(ptr %edge, i64 {-LINE_BYTES})",
)
_STARVED = ("starved:", "  call ptr @PyErr_NoMemory()", f"  ret i32 {Status.RAISED}")

# Scratch memory: what the last call left behind, if no other thread has taken it; else a new block.
SUPPORT = f"""
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
define internal i32 @fg_look(ptr %lock) {GLUE} {{
  %held = call i32 @PyGILState_Check()
  %free = icmp eq i32 %held, 0
  br i1 %free, label %borrow, label %give
borrow:
  %state = call i32 @PyGILState_Ensure()
  %signal = call i32 @PyErr_CheckSignals()
  call void @PyGILState_Release(i32 %state)
  br label %end
give:
  %other = call i32 @PyErr_CheckSignals()
  %thread = call ptr @PyEval_SaveThread()
  store ptr %thread, ptr %lock
  br label %end
end:
  %found = phi i32 [ %signal, %borrow ], [ %other, %give ]
  %bad = icmp ne i32 %found, 0
  %status = select i1 %bad, i32 {Status.RAISED}, i32 0
  ret i32 %status
}}
declare i32 @PyGILState_Check()
declare i32 @PyGILState_Ensure()
declare void @PyGILState_Release(i32)
declare i32 @PyErr_CheckSignals()
declare i64 @PyLong_AsLong(ptr)
declare ptr @PyErr_NoMemory()
declare ptr @PyMem_RawMalloc(i64)
declare void @PyMem_RawFree(ptr)
declare ptr @llvm.ptrmask.p0.i64(ptr, i64)
declare ptr @PyLong_FromVoidPtr(ptr)
declare ptr @PyObject_CallOneArg(ptr, ptr)
declare ptr @PyEval_SaveThread()
declare void @PyEval_RestoreThread(ptr)"""
