"""Totals in registers: what the iterations of a loop combine into one element."""

from funcgrad.compile.codegen.scalar_writer import ValueWriter
from funcgrad.compile.loopir.statement import Effect
from funcgrad.compile.target.types import constant, identity, llvm_type

__all__ = ["RUN_TERMS", "Accumulator"]

# A sum is taken in runs of this many terms, in vector registers; the runs' sums are added with compensation
# (Neumaier 1974). The error is that of 512 terms over the lanes, however many terms there are.
RUN_TERMS = 512


class Accumulator:
    """A total in a register, with the rounding errors of its additions beside it where it is a float's sum."""

    def __init__(self, writer: ValueWriter, effect: Effect, compensated: bool = True):
        assert effect.op is not None
        self.op = effect.op
        self.dtype = effect.buffer.dtype
        self.compensated = compensated and effect.op == "add" and self.dtype.kind == "f"
        self.effect = effect
        kind = llvm_type(self.dtype)
        self.place = self._variable(writer, kind, constant(identity(effect.op, self.dtype), self.dtype))
        if self.compensated:
            self.error = self._variable(writer, kind, constant(0, self.dtype))

    @staticmethod
    def _variable(writer, kind, value):
        place = writer.out.name("v")
        writer.entry.append(f"  {place} = alloca {kind}")
        writer.out.do(f"store {kind} {value}, ptr {place}")
        return place

    def run(self, writer: ValueWriter) -> "Accumulator":
        """Return the total of a run of terms: plain, for vector registers."""
        return Accumulator(writer, self.effect, compensated=False)

    def add(self, writer: ValueWriter, value: str) -> None:
        out, kind = writer.out, llvm_type(self.dtype)
        old = out.set(f"load {kind}, ptr {self.place}")
        if not self.compensated:
            new = out.combine(self.op, self.dtype, old, value)
            out.do(f"store {kind} {new}, ptr {self.place}")
            return
        new = out.set(f"fadd {kind} {old}, {value}")
        larger = out.set(f"fcmp oge {kind} {out.intrinsic('fabs', self.dtype, old)}, "
                         f"{out.intrinsic('fabs', self.dtype, value)}")  # fmt: skip
        big = out.set(f"select i1 {larger}, {kind} {old}, {kind} {value}")
        small = out.set(f"select i1 {larger}, {kind} {value}, {kind} {old}")
        lost = out.set(f"fadd {kind} {out.set(f'fsub {kind} {big}, {new}')}, {small}")
        error = out.set(f"load {kind}, ptr {self.error}")
        out.do(f"store {kind} {out.set(f'fadd {kind} {error}, {lost}')}, ptr {self.error}")
        out.do(f"store {kind} {new}, ptr {self.place}")

    def value(self, writer: ValueWriter) -> str:
        out, kind = writer.out, llvm_type(self.dtype)
        total = out.set(f"load {kind}, ptr {self.place}")
        if not self.compensated:
            return total
        error = out.set(f"load {kind}, ptr {self.error}")
        better = out.set(f"fadd {kind} {total}, {error}")
        # An infinite sum has lost nan.
        finite = out.set(f"fcmp ord {kind} {error}, {error}")
        return out.set(f"select i1 {finite}, {kind} {better}, {kind} {total}")
