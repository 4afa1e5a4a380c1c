"""Calls of BLAS and LAPACK, written in LLVM: every argument by reference, as Fortran has it; and of loops of ufuncs."""

from collections.abc import Sequence

import numpy as np

from funcgrad.compile.codegen.scalar_writer import ValueWriter
from funcgrad.compile.loopir.expression import Buffer
from funcgrad.compile.loopir.statement import ForeignCall, Info, MatrixProduct, Place, Strided
from funcgrad.compile.schedule.storage_folding import FoldedBuffer
from funcgrad.compile.target.types import constant, llvm_type
from funcgrad.heavy import blas_integer

__all__ = ["ONE_THREAD", "CallWriter", "as_foreign"]


_INTEGER = llvm_type(np.dtype(blas_integer()))


class CallWriter(ValueWriter):
    """Writes foreign calls into one function, at the place where it stands."""

    def __init__(self, locals_: dict[Buffer, FoldedBuffer], *, careful: bool, general: bool):
        super().__init__(locals_, careful=careful, general=general)
        self.external: dict[str, None] = {}  # the routines called, each a parameter of the function
        self.largest_call = 0  # of BLAS or LAPACK, in floating-point operations
        self._constants: dict[tuple[str, str], str] = {}

    def _call(self, call: ForeignCall) -> None:
        self.external.setdefault(call.routine)
        if call.strided is not None:
            self._call_loop(call, call.strided)
            return
        self.largest_call = max(self.largest_call, call.flops)
        arguments = ", ".join(f"ptr {self._argument(x)}" for x in call.arguments)
        self.out.do(f"call void %{call.routine}({arguments})")
        for x in call.arguments:
            if isinstance(x, Info) and x.bit:
                info = self.out.set(f"load {_INTEGER}, ptr %info")
                self.out.flag(self.out.set(f"icmp sgt {_INTEGER} {info}, 0"), x.bit)
        self._known = {}

    def _call_loop(self, call: ForeignCall, strided: Strided) -> None:
        """Call the loop of a ufunc: with an array of addresses, the sizes, the steps, and data of its own."""
        data = f"{call.routine}.data"
        self.external.setdefault(data)
        given = f"%given{len(call.arguments)}"
        if f"  {given} = alloca [{len(call.arguments)} x ptr]" not in self.entry:
            self.entry.append(f"  {given} = alloca [{len(call.arguments)} x ptr]")
        for k, x in enumerate(call.arguments):
            address = self._argument(x)
            place = self.out.set(f"getelementptr ptr, ptr {given}, i64 {k}")
            self.out.do(f"store ptr {address}, ptr {place}")
        sizes, steps = map(self._integers_in_memory, strided)
        self.out.do(f"call void %{call.routine}(ptr {given}, ptr {sizes}, ptr {steps}, ptr %{data})")
        self._known = {}

    def _integers_in_memory(self, values: Sequence[int]) -> str:
        kind = f"[{len(values)} x i64]"
        return self._constant_in_memory(kind, f"[{', '.join(f'i64 {v}' for v in values)}]")

    def _argument(self, x) -> str:
        if isinstance(x, Place):
            return self._address(x.buffer, x.offset)
        if isinstance(x, Info):
            if f"  %info = alloca {_INTEGER}" not in self.entry:
                self.entry.append(f"  %info = alloca {_INTEGER}")
            return "%info"
        if isinstance(x, str):
            return self._constant_in_memory("i8", str(ord(x)))
        if isinstance(x, int):
            return self._constant_in_memory(_INTEGER, str(x))
        return self._constant_in_memory(llvm_type(x.dtype), constant(x, x.dtype))

    def _constant_in_memory(self, kind: str, value: str) -> str:
        known = self._constants.get((kind, value))
        if known is None:
            known = self._constants[kind, value] = f"%c{len(self._constants)}"
            self.entry += [f"  {known} = alloca {kind}", f"  store {kind} {value}, ptr {known}"]
        return known


def as_foreign(product: MatrixProduct) -> ForeignCall:
    """Return a matrix product as BLAS takes it: z = x y in C order is z^T = y^T x^T in its own."""
    m, n, k = product.rows.extent, product.columns.extent, product.inner.extent
    number = product.z[0].dtype.type
    sides = []
    for buffer, offset, row, column in (product.y, product.x):
        straight = column == 1 and row > 0
        sides.append(
            ("N" if straight else "T", Place(buffer, offset, offset), max(row if straight else column, 1))
        )
    (y_flag, y, y_step), (x_flag, x, x_step) = sides
    z = Place(product.z[0], product.z[1], product.z[1])
    arguments = (y_flag, x_flag, n, m, k, number(1), y, y_step, x, x_step, number(0), z, product.z[2])
    routine = "dgemm" if number is np.float64 else "sgemm"
    return ForeignCall(routine, arguments, product.flops)


# OpenBLAS is told to use one thread, and as many as before. Where that was one already, nothing is set back: so two
# calls at a time do not leave it so.
ONE_THREAD = """
define internal i32 @fg_one_thread(i64 %getslot, i64 %setslot) {
  %getplace = getelementptr ptr, ptr @fg_table, i64 %getslot
  %get = load ptr, ptr %getplace
  %none = icmp eq ptr %get, null
  br i1 %none, label %done, label %known
known:
  %old = call i32 %get()
  call void @fg_set_threads(i64 %setslot, i32 %old, i32 1)
  ret i32 %old
done:
  ret i32 1
}
define internal void @fg_restore_threads(i64 %setslot, i32 %old) {
  call void @fg_set_threads(i64 %setslot, i32 %old, i32 %old)
  ret void
}
define internal void @fg_set_threads(i64 %setslot, i32 %old, i32 %new) {
  %several = icmp sgt i32 %old, 1
  br i1 %several, label %change, label %done
change:
  %place = getelementptr ptr, ptr @fg_table, i64 %setslot
  %set = load ptr, ptr %place
  call void %set(i32 %new)
  br label %done
done:
  ret void
}"""
