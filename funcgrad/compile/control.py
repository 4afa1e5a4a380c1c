"""Loops and branches of the program itself, as LLVM functions around the functions of their bodies.

Each becomes `i32 @fg_loopN(ptr %frame, ptr %scratch)`: the frame holds the addresses of its arguments, results and
spare buffers; scratch is what the bodies need. A body is a function of the same kind, of the addresses of its
inputs and outputs. A large carry goes back and forth between two buffers, the result and a spare one: an iteration
reads one and writes the other, and nothing is copied but once at the end. A small one has two places on the stack,
always the same, so that LLVM keeps it in registers once the body is inlined.
"""

from collections.abc import Sequence

from funcgrad.compile.expression import Buffer
from funcgrad.compile.statement import ControlCall
from funcgrad.compile.status import Status
from funcgrad.core.program import Program
from funcgrad.core.types import ArrayType

__all__ = ["DECLARATIONS", "write_control"]

LINE = 64
# A carry of up to so many bytes is kept on the stack, or in registers.
SMALL = 64
# A loop that may not end looks for Ctrl-C every so many iterations.
PATIENCE = 1 << 16

DECLARATIONS = {
    "declare void @llvm.memmove.p0.p0.i64(ptr, ptr, i64, i1)",
    "declare i32 @PyErr_CheckSignals()",
    "declare ptr @PyMem_RawMalloc(i64)",
    "declare void @PyMem_RawFree(ptr)",
    "declare ptr @PyErr_NoMemory()",
}


def write_control(name: str, call: ControlCall, bodies: Sequence[str]) -> str:
    """Return the function of a control statement whose bodies are functions of these names."""
    writer = _Writer(name, call, bodies)
    {"scan": writer.scan, "while": writer.while_, "switch": writer.switch, "while_reverse": writer.reverse}[
        call.kind
    ]()
    return writer.text()


def _bytes(t: ArrayType | Buffer) -> int:
    size = 1
    for n in t.shape:
        size *= n
    return size * t.dtype.itemsize


class _Writer:
    def __init__(self, name: str, call: ControlCall, bodies: Sequence[str]):
        self.name = name
        self.call = call
        self.bodies = bodies
        self.params = call.params
        self.entry: list[str] = []
        self.lines: list[str] = []
        self.count = 0
        self.tape = False
        given = (*call.args, *call.results, *call.spares)
        pointers = [self._parameter(k) for k in range(len(given))]
        first, second = len(call.args), len(call.args) + len(call.results)
        self.args, self.results, self.spares = pointers[:first], pointers[first:second], pointers[second:]
        self.sizes = [_bytes(operand.buffer) for operand in call.results]

    def text(self) -> str:
        free = (
            ["  %tape = load ptr, ptr %tapeplace", "  call void @PyMem_RawFree(ptr %tape)"]
            if self.tape
            else []
        )
        return "\n".join(
            [
                f"define internal i32 @{self.name}(ptr %frame, ptr %scratch) noinline {{",
                "entry:",
                "  %why = alloca i32",
                "  store i32 0, ptr %why",
                *self.entry,
                *self.lines,
                "  br label %stop",
                "stop:",
                *free,
                "  %status = load i32, ptr %why",
                "  ret i32 %status",
                "}",
            ]
        )

    # Pieces

    def _new(self) -> str:
        self.count += 1
        return f"%v{self.count}"

    def _set(self, text: str) -> str:
        name = self._new()
        self.lines.append(f"  {name} = {text}")
        return name

    def _do(self, text: str) -> None:
        self.lines.append(f"  {text}")

    def _label(self, label: str) -> None:
        self.lines.append(f"{label}:")

    def _parameter(self, position: int) -> str:
        name = self._new()
        self.entry += [
            f"  {name}a = getelementptr ptr, ptr %frame, i64 {position}",
            f"  {name} = load ptr, ptr {name}a",
        ]
        return name

    def _frame(self, program: Program) -> str:
        name = self._new()
        self.entry.append(f"  {name} = alloca [{max(len(program.inputs) + len(program.outputs), 1)} x ptr]")
        return name

    def _put(self, frame: str, position: int, pointer: str) -> None:
        place = self._set(f"getelementptr ptr, ptr {frame}, i64 {position}")
        self._do(f"store ptr {pointer}, ptr {place}")

    def _put_all(self, frame: str, first: int, pointers: Sequence[str]) -> None:
        for k, pointer in enumerate(pointers):
            self._put(frame, first + k, pointer)

    def _run(self, body: int, frame: str) -> None:
        """Call a body, and stop where it fails."""
        status = self._set(f"call i32 @{self.bodies[body]}(ptr {frame}, ptr %scratch)")
        self._do(f"store i32 {status}, ptr %why")
        bad = self._set(f"icmp ne i32 {status}, 0")
        label = f"go{self.count}"
        self._do(f"br i1 {bad}, label %stop, label %{label}")
        self._label(label)

    def _advanced(self, pointer: str, index: str, size: int) -> str:
        if not size:
            return pointer
        offset = self._set(f"mul i64 {index}, {size}")
        return self._set(f"getelementptr i8, ptr {pointer}, i64 {offset}")

    def _copy(self, target: str, source: str, size: int) -> None:
        if size:
            self._do(f"call void @llvm.memmove.p0.p0.i64(ptr {target}, ptr {source}, i64 {size}, i1 false)")

    def _stack(self, size: int) -> str:
        name = self._new()
        self.entry.append(f"  {name} = alloca [{size} x i8], align 16")
        return name

    # Kinds

    def switch(self) -> None:
        """Run the one branch."""
        branches = self.call.programs
        index = self._set(f"load i64, ptr {self.args[0]}")
        last = len(branches) - 1
        cases = " ".join(f"i64 {n}, label %case{n}" for n in range(1, last))
        negative = self._set(f"icmp slt i64 {index}, 1")
        self._do(f"br i1 {negative}, label %case0, label %others")
        self._label("others")
        self._do(f"switch i64 {index}, label %case{last} [{cases}]")
        for n, branch in enumerate(branches):
            self._label(f"case{n}")
            frame = self._frame(branch)
            self._put_all(frame, 0, self.args[1:])
            self._put_all(frame, len(branch.inputs), self.results)
            self._run(n, frame)
            self._do("br label %done")
        self._label("done")

    def scan(self) -> None:
        """Run the body for each slice, which it reads and writes where it lies."""
        (body,) = self.call.programs
        consts, carries, length = (self.params[k] for k in ("consts", "carries", "length"))
        frame = self._frame(body)
        self._put_all(frame, 0, self.args[:consts])
        starts = self.args[consts : consts + carries]
        finals, ys = self.results[:carries], self.results[carries:]
        if length == 0:
            for final, start, size in zip(finals, starts, self.sizes, strict=False):
                self._copy(final, start, size)
            return
        # The last iteration writes the result itself.
        odd = length % 2 == 1
        first = finals if odd else self.spares
        other = self.spares if odd else finals
        inputs = len(body.inputs)

        def step(i, current, target):
            at = self._set(f"sub i64 {length - 1}, {i}") if self.params["reverse"] else i
            self._put_all(frame, consts, current)
            for k, x in enumerate(self.args[consts + carries :]):
                size = _bytes(body.in_types[consts + carries + k])
                self._put(frame, consts + carries + k, self._advanced(x, at, size))
            self._put_all(frame, inputs, target)
            for k, y in enumerate(ys):
                size = _bytes(body.out_types[carries + k])
                self._put(frame, inputs + carries + k, self._advanced(y, at, size))
            self._run(0, frame)

        reached = self._counted("loop", str(length), starts, first, other, step)
        for final, last, size in zip(finals, reached, self.sizes, strict=False):
            if size <= SMALL:
                self._copy(final, last, size)

    def _counted(self, name, length, starts, first, other, step) -> list[str]:
        """Run `step(i, current, target)` for i below `length` (at least once); return where the carry is then."""
        before = f"{name}in"
        carry = _Carry(self, starts, first, other)
        self._do(f"br label %{before}")
        self._label(before)
        self._do(f"br label %{name}")
        self._label(name)
        i = self._new()
        following = self._new()
        self.lines.append(f"  {i} = phi i64 [ 0, %{before} ], [ {following}, %{name}back ]")
        carry.begin(before, f"{name}back")
        step(i, carry.current, carry.target)
        carry.advance()
        self._do(f"br label %{name}back")
        self._label(f"{name}back")
        self.lines.append(f"  {following} = add i64 {i}, 1")
        more = self._set(f"icmp slt i64 {following}, {length}")
        self._do(f"br i1 {more}, label %{name}, label %{name}out")
        self._label(f"{name}out")
        return carry.reached

    def while_(self) -> None:
        """Run the body as long as the condition gives true."""
        cond, body = self.call.programs
        cond_consts, body_consts = self.params["cond_consts"], self.params["body_consts"]
        starts = self.args[cond_consts + body_consts :]
        asking, frame = self._frame(cond), self._frame(body)
        self.entry.append("  %answer = alloca i64")
        self._put_all(asking, 0, self.args[:cond_consts])
        self._put(asking, len(cond.inputs), "%answer")
        self._put_all(frame, 0, self.args[cond_consts : cond_consts + body_consts])
        carry = _Carry(self, starts, self.results, self.spares)
        self._do("br label %before")
        self._label("before")
        self._do("br label %loop")
        self._label("loop")
        i, following = self._new(), self._new()
        self.lines.append(f"  {i} = phi i64 [ 0, %before ], [ {following}, %back ]")
        carry.begin("before", "back")
        self._put_all(asking, cond_consts, carry.current)
        self._run(0, asking)
        answer = self._set("load i8, ptr %answer")
        going = self._set(f"icmp ne i8 {answer}, 0")
        self._do(f"br i1 {going}, label %more, label %finish")
        self._label("more")
        self._put_all(frame, body_consts, carry.current)
        self._put_all(frame, len(body.inputs), carry.target)
        self._run(1, frame)
        carry.advance()
        self.lines.append(f"  {following} = add i64 {i}, 1")
        rest = self._set(f"and i64 {following}, {PATIENCE - 1}")
        due = self._set(f"icmp eq i64 {rest}, 0")
        self._do(f"br i1 {due}, label %look, label %back")
        self._label("look")
        signal = self._set("call i32 @PyErr_CheckSignals()")
        wrong = self._set(f"icmp ne i32 {signal}, 0")
        kind = self._set(f"select i1 {wrong}, i32 {int(Status.RAISED)}, i32 0")
        self._do(f"store i32 {kind}, ptr %why")
        self._do(f"br i1 {wrong}, label %stop, label %back")
        self._label("back")
        self._do("br label %loop")
        self._label("finish")
        for result, last, size in zip(self.results, carry.current, self.sizes, strict=True):
            self._copy(result, last, size)

    def reverse(self) -> None:
        """Run a loop again, each carry written behind the one before; then pull cotangents back along them."""
        body, pull = self.call.programs
        consts, carries = self.params["body_consts"], self.params["carries"]
        fixed, init = self.args[1 : 1 + consts], self.args[1 + consts : 1 + consts + carries]
        starts = self.args[1 + consts + carries :]
        sizes = [_bytes(t) for t in body.in_types[consts:]]
        places, record = [], 0
        for size in sizes:
            places.append(record)
            record += -(-size // LINE) * LINE
        count = self._set(f"load i64, ptr {self.args[0]}")
        self.tape = True
        self.entry += ["  %tapeplace = alloca ptr", "  store ptr null, ptr %tapeplace"]
        none = self._set(f"icmp slt i64 {count}, 1")
        self._do(f"br i1 {none}, label %nothing, label %some")
        self._label("nothing")
        for result, start, size in zip(self.results, starts, self.sizes, strict=True):
            self._copy(result, start, size)
        self._do("br label %stop")
        self._label("some")
        total = self._set(f"mul i64 {count}, {max(record, 1)}")
        tape = self._set(f"call ptr @PyMem_RawMalloc(i64 {total})")
        self._do(f"store ptr {tape}, ptr %tapeplace")
        missing = self._set(f"icmp eq ptr {tape}, null")
        self._do(f"br i1 {missing}, label %starved, label %fed")
        self._label("starved")
        self._do("call ptr @PyErr_NoMemory()")
        self._do(f"store i32 {int(Status.RAISED)}, ptr %why")
        self._do("br label %stop")
        self._label("fed")
        for place, start, size in zip(places, init, sizes, strict=True):
            self._copy(self._set(f"getelementptr i8, ptr {tape}, i64 {place}"), start, size)
        last = self._set(f"sub i64 {count}, 1")
        single = self._set(f"icmp eq i64 {last}, 0")
        frame, pulling = self._frame(body), self._frame(pull)
        self._put_all(frame, 0, fixed)
        self._put_all(pulling, 0, fixed)
        self._do(f"br i1 {single}, label %turn, label %again")
        self._label("again")

        def forward(i, current, target):
            row = self._advanced(tape, i, record)
            for k, place in enumerate(places):
                self._put(frame, consts + k, self._set(f"getelementptr i8, ptr {row}, i64 {place}"))
                following = self._set(f"getelementptr i8, ptr {row}, i64 {place + record}")
                self._put(frame, len(body.inputs) + k, following)
            self._run(0, frame)

        self._counted("ahead", last, [], [], [], forward)
        self._do("br label %turn")
        self._label("turn")

        def backward(i, current, target):
            at = self._set(f"sub i64 {last}, {i}")
            row = self._advanced(tape, at, record)
            for k, place in enumerate(places):
                self._put(pulling, consts + k, self._set(f"getelementptr i8, ptr {row}, i64 {place}"))
            self._put_all(pulling, consts + carries, current)
            self._put_all(pulling, len(pull.inputs), target)
            self._run(1, pulling)

        reached = self._counted("home", count, starts, self.results, self.spares, backward)
        for result, pointer, size in zip(self.results, reached, self.sizes, strict=True):
            self._copy(result, pointer, size)


class _Carry:
    """Where a loop's carry is read and written.

    Attributes:
        current, target: where an iteration reads the carry, and where it writes the next.
        reached: where the carry is when the loop ends behind an iteration.
    """

    def __init__(self, writer: _Writer, starts: Sequence[str], first: Sequence[str], other: Sequence[str]):
        self.writer = writer
        sizes = writer.sizes[: len(starts)]
        self.small = [k for k, size in enumerate(sizes) if size <= SMALL]
        self.large = [k for k, size in enumerate(sizes) if size > SMALL]
        self.sizes, self.starts, self.first, self.other = sizes, starts, first, other
        self.current = [writer._stack(max(s, 1)) if s <= SMALL else writer._new() for s in sizes]
        self.target = [writer._stack(max(s, 1)) if s <= SMALL else writer._new() for s in sizes]
        for k in self.small:
            writer._copy(self.current[k], starts[k], sizes[k])

    def begin(self, entry: str, back: str) -> None:
        """Write what the head of the loop begins with."""
        for k in self.large:
            spare = self.writer._new()
            rows = [
                (self.current[k], self.starts[k], self.target[k]),
                (self.target[k], self.first[k], spare),
                (spare, self.other[k], self.target[k]),
            ]
            for name, start, following in rows:
                self.writer.lines.append(
                    f"  {name} = phi ptr [ {start}, %{entry} ], [ {following}, %{back} ]"
                )

    def advance(self) -> None:
        """Let what was written be what the next iteration reads."""
        for k in self.small:
            self.writer._copy(self.current[k], self.target[k], self.sizes[k])

    @property
    def reached(self) -> list[str]:
        return [
            current if size <= SMALL else target
            for current, target, size in zip(self.current, self.target, self.sizes, strict=True)
        ]
