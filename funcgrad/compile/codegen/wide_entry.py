"""The native entry of a program of many arguments or results: loops over tables of functions, one for each kind.

What `compile.codegen.entry` writes out for each argument is here a function for each distinct kind (dtype, shape), and the
entry a loop that calls them by a table: parameters by the thousand are of a few kinds, and LLVM's time for one function
that reads them all grows faster than their number.
"""

from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager

from funcgrad.compile.codegen.entry import (
    DECLARED,
    GLUE,
    RECYCLED_BYTES,
    Code,
    Table,
    failures,
    finish,
    make_result,
    read_argument,
    shape_constant,
)
from funcgrad.core.types import ArrayType

__all__ = ["WIDE_ARGUMENTS", "write_wide_entry"]

# From so many arguments and results on.
WIDE_ARGUMENTS = 64


class _Functions:
    """Functions of one signature, made once for each key, and the table of which is whose."""

    def __init__(self, name: str, signature: str, table: Table):
        self.name = name
        self.signature = signature
        self.table = table
        self.known: dict[Hashable, str] = {}
        self.texts: list[str] = []
        self.entries: list[str] = []

    def add(self, key: Hashable) -> Code | None:
        """Take the function of this key for the next place of the table; return its code where it is to be written."""
        name = self.known.get(key)
        if name is not None:
            self.entries.append(name)
            return None
        self.known[key] = f"@{self.name}{len(self.known)}"
        self.entries.append(self.known[key])
        code = Code(self.table)
        code.label("entry")
        return code

    def close(self, code: Code) -> None:
        head = self.signature.format(self.entries[-1])
        self.texts.append("\n".join([f"define internal {head} {GLUE} {{", *code.lines, "}"]))

    def text(self) -> str:
        entries = ", ".join(f"ptr {entry}" for entry in self.entries)
        table = f"@{self.name}s = private constant [{len(self.entries)} x ptr] [{entries}]"
        return "\n".join([*self.texts, table])


def write_wide_entry(
    table: Table, inputs: Sequence[ArrayType], outputs: Sequence[ArrayType], single: bool
) -> str:
    """Return the text of `@fg_entry`, as `compile.entry.write_entry` does."""
    readers, (makers, shapes), finishers = (
        _readers(table, inputs),
        _makers(table, outputs),
        _finishers(table, outputs),
    )
    n, m = len(inputs), len(outputs)
    code = Code(table)
    code.label("entry")
    code.require(code.set(f"icmp eq i64 %count, {n}"), "other")
    frame, ints, owned, numbers = (
        code.set(f"alloca [{max(size, 1)} x {kind}], align 16")
        for size, kind in ((n + m, "ptr"), (n, "i64"), (m, "ptr"), (2 * m, "i64"))
    )
    with _loop(code, "read", n) as k:
        reader = _element(code, "@fg_readers", k)
        places = (code.set(f"getelementptr i64, ptr {x}, i64 {k}") for x in ("%args", frame, ints))
        good = code.set(f"call i1 {reader}({', '.join(f'ptr {x}' for x in places)})")
        code.require(good, "other")
    with _loop(code, "clear", m) as k:
        code.do(f"store ptr null, ptr {code.set(f'getelementptr ptr, ptr {owned}, i64 {k}')}")
    results = code.set(f"getelementptr ptr, ptr {frame}, i64 {n}")
    with _loop(code, "make", m) as k:
        maker = _element(code, "@fg_makers", k)
        places = (
            code.set(f"getelementptr {kind}, ptr {x}, i64 {k}")
            for x, kind in ((results, "ptr"), (owned, "ptr"), (numbers, "[2 x i64]"))
        )
        good = code.set(f"call i1 {maker}({', '.join(f'ptr {x}' for x in places)})")
        code.require(good, "starved")
    status = code.set(f"call i32 @fg_run(ptr {frame})")
    code.do(f"br i1 {code.set(f'icmp eq i32 {status}, 0')}, label %done, label %failed")
    code.label("starved")
    code.do(f"call void @fg_drop(ptr {owned})")
    code.do("br label %raise")
    code.label("done")
    if single:
        code.do(f"ret ptr {_single(code, outputs[0], owned, numbers)}")
    else:
        _return_several(code, m, owned, numbers)
    code.label("failed")
    code.do(f"call void @fg_drop(ptr {owned})")
    failures(code, status)
    code.label("other")
    other = code.address("NotImplemented")
    code.do(f"call void @Py_IncRef(ptr {other})")
    code.do(f"ret ptr {other}")
    head = f"define ptr @fg_entry(ptr %self, ptr %args, i64 %count) {GLUE} {{"
    functions = [f.text() for f in (readers, makers, finishers)]
    return "\n".join([*shapes, *functions, _drop(table, m), head, *code.lines, "}", DECLARED])


def _readers(table: Table, inputs: Sequence[ArrayType]) -> _Functions:
    """Return the functions that check an argument, and put its data's address into the frame."""
    readers = _Functions("fg_reader", "i1 {}(ptr %args, ptr %frame, ptr %int)", table)
    for kind in inputs:
        if code := readers.add(kind):
            read_argument(code, "%frame", 0, kind, "%int")
            code.do("ret i1 true")
            code.label("other")
            code.do("ret i1 false")
            readers.close(code)
    return readers


def _makers(table: Table, outputs: Sequence[ArrayType]) -> tuple[_Functions, list[str]]:
    """Return the functions that make the array of a result, or take the place of a number; and the shapes they need."""
    makers = _Functions("fg_maker", "i1 {}(ptr %frame, ptr %owned, ptr %number)", table)
    shapes = []
    for k, kind in enumerate(outputs):
        kept = kind.nbytes >= RECYCLED_BYTES  # each of these has memory of its own
        if code := makers.add((kind, k if kept else None)):
            result = make_result(code, "%frame", 0, k, kind, "%number")
            if kind.shape:
                code.do(f"store ptr {result}, ptr %owned")
            code.do("ret i1 true")
            if kind.shape:
                shapes.append(shape_constant(k, kind))
                code.label(f"starved{k}")
                code.do("ret i1 false")
            makers.close(code)
    return makers, shapes


def _finishers(table: Table, outputs: Sequence[ArrayType]) -> _Functions:
    """Return the functions that make a number what Python has."""
    finishers = _Functions("fg_finisher", "ptr {}(ptr %number)", table)
    for kind in outputs:
        if code := finishers.add(kind.dtype if not kind.shape else None):
            code.do(f"ret ptr {'null' if kind.shape else finish(code, '%number', kind)}")
            finishers.close(code)
    return finishers


def _drop(table: Table, count: int) -> str:
    """Return the function that lets the results go that there are."""
    code = Code(table)
    code.label("entry")
    with _loop(code, "drop", count) as k:
        code.do(f"call void @Py_DecRef(ptr {_element(code, '%owned', k)})")  # of null, nothing
    code.do("ret void")
    return "\n".join([f"define internal void @fg_drop(ptr %owned) {GLUE} {{", *code.lines, "}"])


def _single(code: Code, kind: ArrayType, owned: str, numbers: str) -> str:
    return code.set(f"load ptr, ptr {owned}") if kind.shape else finish(code, numbers, kind)


def _return_several(code: Code, count: int, owned: str, numbers: str) -> None:
    """Return the results in a tuple, arrays first: where there is no memory for a number, they go with the tuple."""
    whole = code.set(f"call ptr @PyTuple_New(i64 {count})")
    code.require(code.set(f"icmp ne ptr {whole}, null"), "failed")
    with _loop(code, "give", count) as k:
        code.do(f"call i32 @PyTuple_SetItem(ptr {whole}, i64 {k}, ptr {_element(code, owned, k)})")
    with _loop(code, "number", count) as k:
        array = code.set(f"icmp eq ptr {_element(code, owned, k)}, null")
        code.do(f"br i1 {array}, label %finish, label %numberback")
        code.label("finish")
        place = code.set(f"getelementptr [2 x i64], ptr {numbers}, i64 {k}")
        result = code.set(f"call ptr {_element(code, '@fg_finishers', k)}(ptr {place})")
        code.require(code.set(f"icmp ne ptr {result}, null"), "torn")
        code.do(f"call i32 @PyTuple_SetItem(ptr {whole}, i64 {k}, ptr {result})")
    code.do(f"ret ptr {whole}")
    if count:
        code.label("torn")
        code.do(f"call void @Py_DecRef(ptr {whole})")
        code.do("br label %raise")


def _element(code: Code, array: str, k: str) -> str:
    return code.set(f"load ptr, ptr {code.set(f'getelementptr ptr, ptr {array}, i64 {k}')}")


@contextmanager
def _loop(code: Code, name: str, count: int) -> Iterator[str]:
    """Write a loop around what is written meanwhile; yield its counter. Its end has the label `{name}back`."""
    counter, following = f"%{name}k", f"%{name}n"
    code.do(f"br label %{name}in")
    code.label(f"{name}in")
    code.do(f"br label %{name}")
    code.label(name)
    code.do(f"{counter} = phi i64 [ 0, %{name}in ], [ {following}, %{name}back ]")
    code.do(f"br i1 {code.set(f'icmp ult i64 {counter}, {count}')}, label %{name}do, label %{name}out")
    code.label(f"{name}do")
    yield counter
    code.do(f"br label %{name}back")
    code.label(f"{name}back")
    code.do(f"{following} = add i64 {counter}, 1")
    code.do(f"br label %{name}")
    code.label(f"{name}out")
