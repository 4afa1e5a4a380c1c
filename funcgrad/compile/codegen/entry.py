"""The native entry: a Python-callable function in LLVM that takes and returns arrays.

It follows CPython's `METH_FASTCALL`. Each argument is checked against the one type, shape and layout (C order)
the program was compiled for; NotImplemented comes back where one differs, and the caller converts. Large results
are made in arrays the caller has let go of, where there are any: fresh memory costs more than filling it.
"""

from collections.abc import Sequence

import numpy as np

from funcgrad.compile.target.abi import OFFSETS
from funcgrad.compile.target.status import Status
from funcgrad.compile.target.text import Text
from funcgrad.core.types import ArrayType

__all__ = [
    "DECLARED",
    "GLUE",
    "RECYCLED_BYTES",
    "Code",
    "Table",
    "failures",
    "finish",
    "make_result",
    "read_argument",
    "shape_constant",
    "write_entry",
]

# Attributes of what runs once a call: optimizing it would take as long as the loops, and gain nanoseconds.
GLUE = "noinline optnone"
# Results of at least this many bytes are made in the memory of earlier ones.
RECYCLED_BYTES = 1 << 16
# C order and aligned; and, to be written to again, owning its memory and writeable.
_READABLE = 0x1 | 0x100
_REUSABLE = _READABLE | 0x4 | 0x400


class Table:
    """The addresses a module needs, by name; filled in when it is loaded."""

    def __init__(self) -> None:
        self._slots: dict[str, int] = {}

    @property
    def names(self) -> list[str]:
        """The names, in the order of their slots."""
        return list(self._slots)

    def slot(self, name: str) -> int:
        return self._slots.setdefault(name, len(self._slots))


class Code(Text):
    """Instructions of an entry, which finds Python's and NumPy's things by the addresses of a table."""

    def __init__(self, table: Table):
        super().__init__("e")
        self.table = table

    def field(self, thing: str, offset: int, kind: str) -> str:
        return self.set(f"load {kind}, ptr {self.set(f'getelementptr i8, ptr {thing}, i64 {offset}')}")

    def address(self, name: str) -> str:
        """Load an address from the table."""
        return self.set(f"load ptr, ptr {self.element('@fg_table', self.table.slot(name))}")


def write_entry(table: Table, inputs: Sequence[ArrayType], outputs: Sequence[ArrayType], single: bool) -> str:
    """Return the text of `@fg_entry`, which calls `i32 @fg_run(ptr frame)`.

    The frame is an array of addresses: the inputs' data, then the outputs'. The result is a `Status`.
    """
    code = Code(table)
    _count_arguments(code, len(inputs))
    frame = code.set(f"alloca [{max(len(inputs) + len(outputs), 1)} x ptr]")
    for k, kind in enumerate(inputs):
        read_argument(code, frame, k, kind)
    arrays = [make_result(code, frame, len(inputs) + k, k, kind) for k, kind in enumerate(outputs)]
    status = code.set(f"call i32 @fg_run(ptr {frame})")
    failed = code.set(f"icmp ne i32 {status}, 0")
    code.do(f"br i1 {failed}, label %failed, label %done")
    code.label("failed")
    for array, kind in zip(arrays, outputs, strict=True):
        if kind.shape:
            code.do(f"call void @Py_DecRef(ptr {array})")
    failures(code, status)
    _starved(code, arrays, outputs)
    code.label("done")
    if single:
        code.do(f"ret ptr {finish(code, arrays[0], outputs[0])}")
    else:
        _return_several(code, arrays, outputs)
    code.label("other")
    other = code.address("NotImplemented")
    code.do(f"call void @Py_IncRef(ptr {other})")
    code.do(f"ret ptr {other}")
    return "\n".join(
        [
            *(shape_constant(k, kind) for k, kind in enumerate(outputs)),
            f"define ptr @fg_entry(ptr %self, ptr %args, i64 %count) {GLUE} {{",
            *code.lines,
            "}",
            DECLARED,
        ]
    )


def shape_constant(k: int, kind: ArrayType) -> str:
    """Return the global that `make_result` number k reads a shape from."""
    lengths = ", ".join(f"i64 {n}" for n in kind.shape or (1,))
    return f"@fg_shape{k} = private constant [{max(kind.ndim, 1)} x i64] [{lengths}]"


def failures(code: Code, status: str) -> None:
    """Write what follows a Status other than 0, with the label `raise`: null is returned, and an exception set."""
    for bit, label in (
        (Status.RAISED, "raise"),
        (Status.OUT_OF_BOUNDS, "bounds"),
        (Status.BEYOND, "other"),
        (Status.TOO_LARGE, "large"),
        (Status.INDEFINITE, "indefinite"),
        (Status.SINGULAR, "singular"),
    ):
        code.require(code.set(f"icmp eq i32 {code.set(f'and i32 {status}, {bit}')}, 0"), label)
    code.do("br label %raise")
    for label in ("indefinite", "singular"):
        code.label(label)
        code.do(f"call void @PyErr_SetString(ptr {code.address('LinAlgError')}, ptr @fg_{label})")
        code.do("br label %raise")
    for label, name in (("bounds", "out of bounds"), ("large", "too large")):
        code.label(label)
        code.do(f"call void @PyErr_SetNone(ptr {code.address(name)})")
        code.do("br label %raise")
    code.label("raise")
    code.do("ret ptr null")


def _count_arguments(code, count):
    code.label("entry")
    code.require(code.set(f"icmp eq i64 %count, {count}"), "other")


def read_argument(code: Code, frame: str, k: int, kind: ArrayType, room: str = "") -> None:
    """Check argument k of `%args` and put its data's address into slot k of the frame; go to `other` where it is not of
    this kind. A Python int is put into 8 bytes of `room`, of the stack by default."""
    thing = code.set(f"load ptr, ptr {code.element('%args', k)}")
    own = code.field(thing, OFFSETS["type"], "ptr")
    read = f"read{k}"
    if not kind.shape:
        _read_scalar(code, frame, k, kind, thing, own, read, room)
        if kind.weak:
            return
    is_array = code.set(f"icmp eq ptr {own}, {code.address('ndarray')}")
    code.require(is_array, "other")
    descr = code.field(thing, OFFSETS["descr"], "ptr")
    code.require(code.set(f"icmp eq ptr {descr}, {code.address(f'dtype {kind.dtype.str}')}"), "other")
    ndim = code.field(thing, OFFSETS["ndim"], "i32")
    code.require(code.set(f"icmp eq i32 {ndim}, {kind.ndim}"), "other")
    flags = code.field(thing, OFFSETS["flags"], "i32")
    good = code.set(f"and i32 {flags}, {_READABLE}")
    code.require(code.set(f"icmp eq i32 {good}, {_READABLE}"), "other")
    if kind.shape:
        shape = code.field(thing, OFFSETS["shape"], "ptr")
        for d, n in enumerate(kind.shape):
            size = code.field(shape, 8 * d, "i64")
            code.require(code.set(f"icmp eq i64 {size}, {n}"), "other")
    code.put(frame, k, code.field(thing, OFFSETS["data"], "ptr"))
    code.do(f"br label %{read}")
    code.label(read)


def _read_scalar(code, frame, k, kind, thing, own, read, room):
    """Read a Python number where one is expected; else a NumPy scalar of the dtype, or go on for an array."""
    if kind.weak and kind.dtype.kind == "i":
        integer = code.set(f"icmp eq ptr {own}, {code.address('int')}")
        code.do(f"br i1 {integer}, label %int{k}, label %other")
        code.label(f"int{k}")
        value = code.set(f"call i64 @PyLong_AsLongLong(ptr {thing})")
        wrong = code.set("call ptr @PyErr_Occurred()")
        code.do(f"br i1 {code.set(f'icmp eq ptr {wrong}, null')}, label %fits{k}, label %large{k}")
        code.label(f"large{k}")
        code.do("call void @PyErr_Clear()")
        code.do("br label %other")
        code.label(f"fits{k}")
        place = room or code.set("alloca i64")
        code.do(f"store i64 {value}, ptr {place}")
        code.put(frame, k, place)
    else:
        python = "complex" if kind.dtype.kind == "c" else "float"
        name = python if kind.weak else f"scalar {kind.dtype.str}"
        scalar = code.set(f"icmp eq ptr {own}, {code.address(name)}")
        code.do(f"br i1 {scalar}, label %number{k}, label %{'other' if kind.weak else f'array{k}'}")
        code.label(f"number{k}")
        code.put(frame, k, code.set(f"getelementptr i8, ptr {thing}, i64 {OFFSETS['scalar']}"))
    code.do(f"br label %{read}")
    code.label(read if kind.weak else f"array{k}")


def make_result(code: Code, frame: str, slot: int, k: int, kind: ArrayType, room: str = "") -> str:
    """Return the array of a result, or the place of a number, and put its address in the frame; go to `starved{k}`
    where there is no memory. A number has 16 bytes of `room`, of the stack by default."""
    if not kind.shape:
        place = room or code.set(f"alloca [{kind.dtype.itemsize} x i8], align 16")
        code.put(frame, slot, place)
        return place
    descr = code.address(f"dtype {kind.dtype.str}")
    new = code.address("PyArray_NewFromDescr")
    owner = code.address("ndarray")
    if kind.nbytes < RECYCLED_BYTES:
        code.do(f"call void @Py_IncRef(ptr {descr})")
        array = code.set(
            f"call ptr {new}(ptr {owner}, ptr {descr}, i32 {kind.ndim}, ptr @fg_shape{k}, ptr null, "
            "ptr null, i32 0, ptr null)"
        )
    else:
        table_slot = code.table.slot(f"kept {k} 0")
        code.table.slot(f"kept {k} 1")
        place = code.element("@fg_table", table_slot)
        array = code.set(
            f"call ptr @fg_reuse(ptr {place}, ptr {new}, ptr {owner}, ptr {descr}, i32 {kind.ndim}, "
            f"ptr @fg_shape{k})"
        )
    code.require(code.set(f"icmp ne ptr {array}, null"), f"starved{k}")
    code.put(frame, slot, code.field(array, OFFSETS["data"], "ptr"))
    return array


def _starved(code, arrays, outputs):
    """Where there is no memory for a result: let those before it go. NumPy has set the exception."""
    before = "raise"
    for k, (array, kind) in enumerate(zip(arrays, outputs, strict=True)):
        if kind.shape:
            code.label(f"starved{k}")
            code.do(f"br label %{before}")
            code.label(f"drop{k}")
            code.do(f"call void @Py_DecRef(ptr {array})")
            code.do(f"br label %starved{k}")
            before = f"drop{k}"


def _return_several(code, arrays, outputs):
    """Return the results in a tuple. It is given the arrays first: where there is no memory for it, they go as after
    any failure; and where there is none for a number, with it."""
    whole = code.set(f"call ptr @PyTuple_New(i64 {len(outputs)})")
    code.require(code.set(f"icmp ne ptr {whole}, null"), "failed")
    for k, kind in sorted(enumerate(outputs), key=lambda item: not item[1].shape):
        result = finish(code, arrays[k], kind)
        if not kind.shape:
            code.require(code.set(f"icmp ne ptr {result}, null"), "torn")
        code.do(f"call i32 @PyTuple_SetItem(ptr {whole}, i64 {k}, ptr {result})")
    code.do(f"ret ptr {whole}")
    if not all(kind.shape for kind in outputs):
        code.label("torn")
        code.do(f"call void @Py_DecRef(ptr {whole})")
        code.do("br label %raise")


def finish(code: Code, array: str, kind: ArrayType) -> str:
    """Return a result as Python has it; null, with an exception set, where there is no memory for a number."""
    if kind.shape:
        return array
    descr = code.address(f"dtype {kind.dtype.str}")
    scalar = code.address("PyArray_Scalar")
    return code.set(f"call ptr {scalar}(ptr {array}, ptr {descr}, ptr null)")


# An array for a result: one of the two kept ones if nobody else refers to it any more and it is as it was made;
# else a new one, kept in the place of the older. Two, because `y = f(y)` still holds the last while the next is made.
_REUSE = f"""
define internal ptr @fg_reuse(ptr %kept, ptr %new, ptr %type, ptr %descr, i32 %ndim, ptr %shape) {GLUE} {{
entry:
  br label %try
try:
  %k = phi i64 [ 0, %entry ], [ %next, %no ]
  %place = getelementptr ptr, ptr %kept, i64 %k
  %array = load ptr, ptr %place
  %none = icmp eq ptr %array, null
  br i1 %none, label %no, label %counted
counted:
  %count = load i64, ptr %array
  %sole = icmp eq i64 %count, 1
  br i1 %sole, label %same, label %no
same:
  %weakplace = getelementptr i8, ptr %array, i64 {OFFSETS["weakrefs"]}
  %weak = load ptr, ptr %weakplace
  %baseplace = getelementptr i8, ptr %array, i64 {OFFSETS["base"]}
  %base = load ptr, ptr %baseplace
  %flagplace = getelementptr i8, ptr %array, i64 {OFFSETS["flags"]}
  %flags = load i32, ptr %flagplace
  %bits = and i32 %flags, {_REUSABLE}
  %good = icmp eq i32 %bits, {_REUSABLE}
  %noweak = icmp eq ptr %weak, null
  %nobase = icmp eq ptr %base, null
  %a = and i1 %good, %noweak
  %b = and i1 %a, %nobase
  %descrplace = getelementptr i8, ptr %array, i64 {OFFSETS["descr"]}
  %owndescr = load ptr, ptr %descrplace
  %samedescr = icmp eq ptr %owndescr, %descr
  %ndimplace = getelementptr i8, ptr %array, i64 {OFFSETS["ndim"]}
  %ownndim = load i32, ptr %ndimplace
  %samendim = icmp eq i32 %ownndim, %ndim
  %c = and i1 %samedescr, %samendim
  %d = and i1 %b, %c
  br i1 %d, label %sizes, label %no
sizes:
  %dimplace = getelementptr i8, ptr %array, i64 {OFFSETS["shape"]}
  %dims = load ptr, ptr %dimplace
  %length = zext i32 %ndim to i64
  %bytes = mul i64 %length, 8
  %differ = call i32 @memcmp(ptr %dims, ptr %shape, i64 %bytes)
  %equal = icmp eq i32 %differ, 0
  br i1 %equal, label %take, label %no
take:
  call void @Py_IncRef(ptr %array)
  ret ptr %array
no:
  %next = add i64 %k, 1
  %more = icmp ult i64 %next, 2
  br i1 %more, label %try, label %make
make:
  call void @Py_IncRef(ptr %descr)
  %made = call ptr %new(ptr %type, ptr %descr, i32 %ndim, ptr %shape, ptr null, ptr null, i32 0, ptr null)
  %failed = icmp eq ptr %made, null
  br i1 %failed, label %out, label %keep
keep:
  %older = load ptr, ptr %kept
  %secondplace = getelementptr ptr, ptr %kept, i64 1
  %second = load ptr, ptr %secondplace
  store ptr %second, ptr %kept
  call void @Py_IncRef(ptr %made)
  store ptr %made, ptr %secondplace
  %was = icmp eq ptr %older, null
  br i1 %was, label %out, label %drop
drop:
  call void @Py_DecRef(ptr %older)
  br label %out
out:
  ret ptr %made
}}
declare i32 @memcmp(ptr, ptr, i64)"""


# What NumPy says; and all that an entry calls.
DECLARED = rf"""{_REUSE}
@fg_indefinite = private constant [32 x i8] c"Matrix is not positive definite\00"
@fg_singular = private constant [16 x i8] c"Singular matrix\00"
declare void @Py_IncRef(ptr)
declare void @Py_DecRef(ptr)
declare ptr @PyTuple_New(i64)
declare i32 @PyTuple_SetItem(ptr, i64, ptr)
declare i64 @PyLong_AsLongLong(ptr)
declare ptr @PyErr_Occurred()
declare void @PyErr_Clear()
declare void @PyErr_SetNone(ptr)
declare void @PyErr_SetString(ptr, ptr)"""


def type_slots() -> dict[str, object]:
    """Return the Python objects that an entry's table may name, beside dtypes and scalars."""
    return {
        "NotImplemented": NotImplemented,
        "LinAlgError": np.linalg.LinAlgError,
        "ndarray": np.ndarray,
        "complex": complex,
        "float": float,
        "int": int,
    }
