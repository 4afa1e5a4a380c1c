"""The text of one LLVM function around the functions of a program's bodies: `i32 @name(ptr %frame, ptr %scratch)`.

A frame holds the addresses of inputs and outputs; scratch is memory for what is computed in between.
"""

from collections.abc import Sequence

from funcgrad.compile.target.text import Text
from funcgrad.core.program import Program

__all__ = ["FunctionText"]


class FunctionText(Text):
    """Instructions written one behind the other; what is at the entry comes first.

    Attributes:
        tape: whether the function has a tape (`%tapeplace`) to free at the end.
        looks: whether it looks for signals meanwhile; Python's lock is given up from the first look on, and taken back
            at the end.
    """

    def __init__(self, name: str, bodies: Sequence[str]):
        super().__init__("v")
        self.function = name
        self.bodies = bodies
        self.entry: list[str] = []
        self.tape = False
        self.looks = False

    def text(self) -> str:
        free = (
            ["  %tape = load ptr, ptr %tapeplace", "  call void @PyMem_RawFree(ptr %tape)"]
            if self.tape
            else []
        )
        return "\n".join(
            [
                f"define internal i32 @{self.function}(ptr %frame, ptr %scratch) noinline {{",
                "entry:",
                "  %why = alloca i32",
                "  store i32 0, ptr %why",
                *self.entry,
                *self.lines,
                "  br label %stop",
                "stop:",
                *free,
                *(_TAKEN_BACK if self.looks else []),
                "  %status = load i32, ptr %why",
                "  ret i32 %status",
                "}",
            ]
        )

    def parameter(self, position: int) -> str:
        name = self.name()
        self.entry += [
            f"  {name}a = getelementptr ptr, ptr %frame, i64 {position}",
            f"  {name} = load ptr, ptr {name}a",
        ]
        return name

    def frame(self, program: Program) -> str:
        name = self.name()
        self.entry.append(f"  {name} = alloca [{max(len(program.inputs) + len(program.outputs), 1)} x ptr]")
        return name

    def put_all(self, frame: str, first: int, pointers: Sequence[str]) -> None:
        for k, pointer in enumerate(pointers):
            self.put(frame, first + k, pointer)

    def run(self, body: int, frame: str) -> None:
        """Call a body, and stop where it fails."""
        status = self.set(f"call i32 @{self.bodies[body]}(ptr {frame}, ptr %scratch)")
        self.do(f"store i32 {status}, ptr %why")
        self.require(self.set(f"icmp eq i32 {status}, 0"), "stop")

    def look(self, count: str, every: int, name: str, following: str) -> None:
        """After each `every` iterations, a power of two, look for signals; go on at the label `following`."""
        if not self.looks:
            self.looks = True
            self.entry += ["  %lock = alloca ptr", "  store ptr null, ptr %lock"]
        rest = self.set(f"and i64 {count}, {every - 1}")
        due = self.set(f"icmp eq i64 {rest}, 0")
        self.do(f"br i1 {due}, label %{name}, label %{following}")
        self.label(name)
        status = self.set("call i32 @fg_look(ptr %lock)")
        self.do(f"store i32 {status}, ptr %why")
        bad = self.set(f"icmp ne i32 {status}, 0")
        self.do(f"br i1 {bad}, label %stop, label %{following}")

    def advanced(self, pointer: str, index: str, size: int) -> str:
        if not size:
            return pointer
        offset = self.set(f"mul i64 {index}, {size}")
        return self.set(f"getelementptr i8, ptr {pointer}, i64 {offset}")

    def copy(self, target: str, source: str, size: int) -> None:
        if size:
            self.do(f"call void @llvm.memmove.p0.p0.i64(ptr {target}, ptr {source}, i64 {size}, i1 false)")

    def stack(self, size: int) -> str:
        name = self.name()
        self.entry.append(f"  {name} = alloca [{size} x i8], align 16")
        return name


_TAKEN_BACK = (
    "  %given = load ptr, ptr %lock",
    "  %kept = icmp eq ptr %given, null",
    "  br i1 %kept, label %end, label %take",
    "take:",
    "  call void @PyEval_RestoreThread(ptr %given)",
    "  br label %end",
    "end:",
)
