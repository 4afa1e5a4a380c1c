"""Loops and branches of the program itself, as LLVM functions around the functions of their bodies.

Each becomes `i32 @fg_loopN(ptr %frame, ptr %scratch)`: the frame holds the addresses of its arguments, results and
spare buffers; scratch is what the bodies need. A body is a function of the same kind, of the addresses of its
inputs and outputs. A large carry is the result itself, if the body can write it where it reads it (see
`compile.lower.in_place`); else it goes back and forth between two buffers, the result and a spare one: an iteration reads one
and writes the other, and nothing is copied but once at the end. A small one has two places on the stack, always the
same, so that LLVM keeps it in registers once the body is inlined.
"""

from collections.abc import Sequence

from funcgrad.compile.codegen.carry import Carry
from funcgrad.compile.codegen.function_text import FunctionText
from funcgrad.compile.loopir.statement import ControlCall
from funcgrad.compile.target.status import Status

__all__ = ["DECLARATIONS", "write_control"]

LINE_BYTES = 64
# A loop looks for Ctrl-C after this many additions' work, some 10 ms, but at least every so many iterations.
SIGNAL_ADDITIONS = 20_000_000
SIGNAL_ITERATIONS = 1 << 16

DECLARATIONS = {
    "declare void @llvm.memmove.p0.p0.i64(ptr, ptr, i64, i1)",
    "declare ptr @PyMem_RawMalloc(i64)",
    "declare void @PyMem_RawFree(ptr)",
    "declare ptr @PyErr_NoMemory()",
}


def write_control(
    name: str,
    call: ControlCall,
    bodies: Sequence[str],
    in_place: Sequence[frozenset[int]] = (),
    work: int = 1,
) -> str:
    """Return the function of a control statement whose bodies are functions of these names.

    Args:
        in_place: for each body, the parts of the carry that it writes to where it reads them.
        work: what an iteration takes, in additions.
    """
    writer = _Writer(name, call, bodies, in_place, work)
    {"scan": writer.scan, "while": writer.while_, "switch": writer.switch, "while_reverse": writer.reverse}[
        call.kind
    ]()
    return writer.text()


class _Writer(FunctionText):
    """The function of one statement: its arguments' places, and a method for each kind."""

    def __init__(
        self,
        name: str,
        call: ControlCall,
        bodies: Sequence[str],
        in_place: Sequence[frozenset[int]],
        work: int,
    ):
        super().__init__(name, bodies)
        self.every = min(1 << (SIGNAL_ADDITIONS // max(work, 1)).bit_length(), SIGNAL_ITERATIONS)
        self.is_long = call.params.get("length", SIGNAL_ADDITIONS) * max(work, 1) >= SIGNAL_ADDITIONS
        self.call = call
        self.params = call.params
        given = (*call.args, *call.results, *call.spares)
        pointers = [self.parameter(k) for k in range(len(given))]
        first, second = len(call.args), len(call.args) + len(call.results)
        self.args = [
            self.set(f"getelementptr i8, ptr {pointer}, i64 {x.offset}") if x.offset else pointer
            for pointer, x in zip(pointers, call.args, strict=False)
        ]
        self.results, self.spares = pointers[first:second], pointers[second:]
        self.sizes = [operand.buffer.nbytes for operand in call.results]
        self.ahead_in_place = in_place[0] if in_place else frozenset()
        self.in_place = {k: self.results[k] for k in (in_place[-1] if in_place else ())}

    def switch(self) -> None:
        """Run the one branch."""
        branches = self.call.programs
        index = self.set(f"load i64, ptr {self.args[0]}")
        last = len(branches) - 1
        cases = " ".join(f"i64 {n}, label %case{n}" for n in range(1, last))
        negative = self.set(f"icmp slt i64 {index}, 1")
        self.do(f"br i1 {negative}, label %case0, label %others")
        self.label("others")
        self.do(f"switch i64 {index}, label %case{last} [{cases}]")
        for n, branch in enumerate(branches):
            self.label(f"case{n}")
            frame = self.frame(branch)
            self.put_all(frame, 0, self.args[1:])
            self.put_all(frame, len(branch.inputs), self.results)
            self.run(n, frame)
            self.do("br label %done")
        self.label("done")

    def scan(self) -> None:
        """Run the body for each slice, which it reads and writes where it lies."""
        (body,) = self.call.programs
        consts, carries, length = (self.params[k] for k in ("consts", "carries", "length"))
        frame = self.frame(body)
        self.put_all(frame, 0, self.args[:consts])
        starts = self.args[consts : consts + carries]
        finals, ys = self.results[:carries], self.results[carries:]
        if length == 0:
            for final, start, size in zip(finals, starts, self.sizes, strict=False):
                self.copy(final, start, size)
            return
        # The last iteration writes the result itself.
        odd = length % 2 == 1
        first = finals if odd else self.spares
        other = self.spares if odd else finals
        inputs = len(body.inputs)

        def step(i, current, target):
            at = self.set(f"sub i64 {length - 1}, {i}") if self.params["reverse"] else i
            self.put_all(frame, consts, current)
            for k in range(consts + carries, len(self.args)):
                step = self.call.args[k].step
                size = body.in_types[k].nbytes if step is None else step
                self.put(frame, k, self.advanced(self.args[k], at, size))
            self.put_all(frame, inputs, target)
            for k, y in enumerate(ys):
                size = body.out_types[carries + k].nbytes
                self.put(frame, inputs + carries + k, self.advanced(y, at, size))
            self.run(0, frame)

        reached = self._counted("loop", str(length), self.sizes, starts, first, other, step, self.in_place)
        for final, last, size in zip(finals, reached, self.sizes, strict=False):
            if size <= Carry.SMALL:
                self.copy(final, last, size)

    def _counted(self, name, length, sizes, starts, first, other, step, in_place) -> list[str]:
        """Run `step(i, current, target)` for i below `length` (at least once); return where the carry is then."""
        before = f"{name}in"
        carry = Carry(self, sizes[: len(starts)], starts, first, other, in_place)
        self.do(f"br label %{before}")
        self.label(before)
        self.do(f"br label %{name}")
        self.label(name)
        i = self.name()
        following = self.name()
        self.lines.append(f"  {i} = phi i64 [ 0, %{before} ], [ {following}, %{name}back ]")
        carry.begin(before, f"{name}back")
        step(i, carry.current, carry.target)
        carry.advance()
        self.lines.append(f"  {following} = add i64 {i}, 1")
        if self.is_long:
            self.look(following, self.every, f"{name}look", f"{name}back")
        else:
            self.do(f"br label %{name}back")
        self.label(f"{name}back")
        more = self.set(f"icmp slt i64 {following}, {length}")
        self.do(f"br i1 {more}, label %{name}, label %{name}out")
        self.label(f"{name}out")
        return carry.reached

    def while_(self) -> None:
        """Run the body as long as the condition gives true."""
        cond, body = self.call.programs
        cond_consts, body_consts = self.params["cond_consts"], self.params["body_consts"]
        starts = self.args[cond_consts + body_consts :]
        asking, frame = self.frame(cond), self.frame(body)
        self.entry.append("  %answer = alloca i64")
        self.put_all(asking, 0, self.args[:cond_consts])
        self.put(asking, len(cond.inputs), "%answer")
        self.put_all(frame, 0, self.args[cond_consts : cond_consts + body_consts])
        carry = Carry(self, self.sizes, starts, self.results, self.spares, self.in_place)
        self.do("br label %before")
        self.label("before")
        self.do("br label %loop")
        self.label("loop")
        i, following = self.name(), self.name()
        self.lines.append(f"  {i} = phi i64 [ 0, %before ], [ {following}, %back ]")
        carry.begin("before", "back")
        self.put_all(asking, cond_consts, carry.current)
        self.run(0, asking)
        answer = self.set("load i8, ptr %answer")
        going = self.set(f"icmp ne i8 {answer}, 0")
        self.do(f"br i1 {going}, label %more, label %finish")
        self.label("more")
        self.put_all(frame, body_consts, carry.current)
        self.put_all(frame, len(body.inputs), carry.target)
        self.run(1, frame)
        carry.advance()
        self.lines.append(f"  {following} = add i64 {i}, 1")
        self.look(following, self.every, "look", "back")
        self.label("back")
        self.do("br label %loop")
        self.label("finish")
        for k, (result, last, size) in enumerate(zip(self.results, carry.current, self.sizes, strict=True)):
            if k not in self.in_place:
                self.copy(result, last, size)

    def reverse(self) -> None:
        """Run a loop again, what it keeps of each step written behind that of the one before; then pull cotangents back
        along it."""
        body, pull = self.call.programs
        consts, carries = self.params["body_consts"], self.params["carries"]
        fixed, init = self.args[1 : 1 + consts], self.args[1 + consts : 1 + consts + carries]
        starts = self.args[1 + consts + carries :]
        sizes = [t.nbytes for t in body.in_types[consts:]]
        places, record = _rows([t.nbytes for t in body.out_types[carries:]])
        buffers, room = _rows([*sizes, *sizes])  # two for each part of the carry, in front of what is kept
        count = self.set(f"load i64, ptr {self.args[0]}")
        self.tape = True
        self.entry += ["  %tapeplace = alloca ptr", "  store ptr null, ptr %tapeplace"]
        none = self.set(f"icmp slt i64 {count}, 1")
        self.do(f"br i1 {none}, label %nothing, label %some")
        self.label("nothing")
        for result, start, size in zip(self.results, starts, self.sizes, strict=True):
            self.copy(result, start, size)
        self.do("br label %stop")
        self.label("some")
        rows = self.set(f"mul i64 {count}, {max(record, 1)}")
        total = self.set(f"add i64 {rows}, {room}")
        memory = self.set(f"call ptr @PyMem_RawMalloc(i64 {total})")
        self.do(f"store ptr {memory}, ptr %tapeplace")
        missing = self.set(f"icmp eq ptr {memory}, null")
        self.do(f"br i1 {missing}, label %starved, label %fed")
        self.label("starved")
        self.do("call ptr @PyErr_NoMemory()")
        self.do(f"store i32 {int(Status.RAISED)}, ptr %why")
        self.do("br label %stop")
        self.label("fed")
        spare = [self.set(f"getelementptr i8, ptr {memory}, i64 {place}") for place in buffers]
        tape = self.set(f"getelementptr i8, ptr {memory}, i64 {room}")
        last = self.set(f"sub i64 {count}, 1")
        frame, pulling = self.frame(body), self.frame(pull)
        self.put_all(frame, 0, fixed)
        self.put_all(pulling, 0, fixed)

        def row_of(i):
            row = self.advanced(tape, i, record)
            return [self.set(f"getelementptr i8, ptr {row}, i64 {place}") for place in places]

        def forward(i, current, target):
            self.put_all(frame, consts, current)
            self.put_all(frame, len(body.inputs), [*target, *row_of(i)])
            self.run(0, frame)

        ahead = {k: spare[k] for k in self.ahead_in_place}
        self._counted("ahead", count, sizes, init, spare[:carries], spare[carries:], forward, ahead)

        def backward(i, current, target):
            at = self.set(f"sub i64 {last}, {i}")
            self.put_all(pulling, consts, [*current, *row_of(at)])
            self.put_all(pulling, len(pull.inputs), target)
            self.run(1, pulling)

        reached = self._counted(
            "home", count, self.sizes, starts, self.results, self.spares, backward, self.in_place
        )
        for result, pointer, size in zip(self.results, reached, self.sizes, strict=True):
            self.copy(result, pointer, size)


def _rows(sizes: Sequence[int]) -> tuple[list[int], int]:
    """Return where parts of these sizes lie, each on lines of its own, and the size of all."""
    places, end = [], 0
    for size in sizes:
        places.append(end)
        end += -(-size // LINE_BYTES) * LINE_BYTES
    return places, end
