"""Scalar operations in LLVM: what writes them, and which there are for a dtype."""

from typing import Any

import numpy as np

from funcgrad.compile.kernels.library import LIMITS, available, symbol
from funcgrad.compile.target import division  # noqa: F401 (adds to the table)
from funcgrad.compile.target.operations import OPERATIONS, kind_of
from funcgrad.compile.target.status import Status
from funcgrad.compile.target.text import Text
from funcgrad.compile.target.types import constant, llvm_type

__all__ = ["Instructions", "supports"]


class Instructions(Text):
    """The instructions of a function as they are written, and the functions they call.

    Args:
        careful: call the C library in place of kernels that are right for a part of all arguments only.

    Attributes:
        kernels: the kernels called.
        flags: whether the variable `%wrong`, a `Status`, is written to.
    """

    def __init__(self, careful: bool = False) -> None:
        super().__init__("t")
        self.kernels: set[str] = set()
        self.intrinsics: set[str] = set()
        self.flags = False
        self.careful = careful

    def intrinsic(self, name: str, dtype: np.dtype, *args: str) -> str:
        """Call `llvm.name` on operands of one type."""
        kind = llvm_type(dtype)
        suffix = {"float": "f32", "double": "f64"}.get(kind, kind)
        full = f"@llvm.{name}.{suffix}"
        self.intrinsics.add(f"declare {kind} {full}({', '.join([kind] * len(args))})")
        return self.set(f"call {kind} {full}({', '.join(f'{kind} {a}' for a in args)})")

    def flag(self, condition: str, bit: Status) -> None:
        """Note in `%wrong` where a condition holds."""
        self.flags = True
        mark = self.set(f"select i1 {condition}, i32 {bit}, i32 0")
        old = self.set("load i32, ptr %wrong")
        self.do(f"store i32 {self.set(f'or i32 {old}, {mark}')}, ptr %wrong")

    def kernel(self, name: str, dtype: np.dtype, *args: str) -> str:
        """Call the kernel `name`."""
        kind = llvm_type(dtype)
        limit = LIMITS.get((name, dtype.name))
        if limit is not None:
            if self.careful:
                return self.intrinsic(name, dtype, *args)
            size = self.intrinsic("fabs", dtype, args[0])
            self.flag(self.set(f"fcmp ogt {kind} {size}, {constant(limit, dtype)}"), Status.BEYOND)
        function = symbol(name, dtype.name)
        self.kernels.add(function)
        return self.set(f"call {kind} @{function}({', '.join(f'{kind} {a}' for a in args)})")

    def apply(self, op: str, dtype: np.dtype, args: list[str]) -> str:
        """Write the operation `op` on operands of `dtype`; return the result's name."""
        rule = OPERATIONS.get((op, kind_of(dtype)))
        if rule is not None:
            return rule(self, dtype, *args)
        return self.kernel(op, dtype, *args)

    def combine(self, op: str, dtype: np.dtype, total: str, value: str) -> str:
        """Write one step of a total, of which the order of the terms is free."""
        if op in ("add", "multiply") and dtype.kind == "f":
            instruction = "fadd" if op == "add" else "fmul"
            return self.set(f"{instruction} reassoc {llvm_type(dtype)} {total}, {value}")
        return self.apply(op, dtype, [total, value])

    def cast(self, x: str, source: np.dtype, target: np.dtype) -> str:
        """Convert as NumPy's astype does (floats beyond an integer's range give its smallest value)."""
        a, b = llvm_type(source), llvm_type(target)
        if target.kind == "b":
            if source.kind == "b":
                return x
            if source.kind == "f":
                return self.set(f"fcmp une {a} {x}, {constant(0, source)}")
            return self.set(f"icmp ne {a} {x}, 0")
        if source.kind == "f" and target.kind == "f":
            if a == b:
                return x
            return self.set(f"{'fpext' if a == 'float' else 'fptrunc'} {a} {x} to {b}")
        if source.kind == "f":
            return self._to_integer(x, source, target)
        signed = source.kind == "i"
        if target.kind == "f":
            return self.set(f"{'sitofp' if signed else 'uitofp'} {a} {x} to {b}")
        if a == b:
            return x
        if int(b[1:]) < int(a[1:]):
            return self.set(f"trunc {a} {x} to {b}")
        return self.set(f"{'sext' if signed else 'zext'} {a} {x} to {b}")

    def _to_integer(self, x, source, target):
        # What x86 does: through the wider signed integer, whose smallest value stands for all that does not fit.
        a, b = llvm_type(source), llvm_type(target)
        if b == "i64" and target.kind == "u":
            return self._to_uint64(x, source)
        wide = "i64" if b == "i64" or target.kind == "u" else "i32"
        limit = float(2 ** (int(wide[1:]) - 1))
        low = self.set(f"fcmp oge {a} {x}, {constant(-limit, source)}")
        high = self.set(f"fcmp olt {a} {x}, {constant(limit, source)}")
        fits = self.set(f"and i1 {low}, {high}")
        safe = self.set(f"select i1 {fits}, {a} {x}, {a} {constant(0, source)}")
        whole = self.set(f"fptosi {a} {safe} to {wide}")
        out = self.set(f"select i1 {fits}, {wide} {whole}, {wide} {-int(limit)}")
        return out if wide == b else self.set(f"trunc {wide} {out} to {b}")

    def _to_uint64(self, x, source):
        # The upper half is what lies beyond 2**63, as a signed integer, with the highest bit turned over.
        a, half = llvm_type(source), constant(2.0**63, source)
        upper = self.set(f"fcmp oge {a} {x}, {half}")
        beyond = self.set(f"fsub {a} {x}, {half}")
        lower = self.set(f"select i1 {upper}, {a} {beyond}, {a} {x}")
        whole = self._to_integer(lower, source, np.dtype(np.int64))
        turned = self.set(f"xor i64 {whole}, {-(2**63)}")
        return self.set(f"select i1 {upper}, i64 {turned}, i64 {whole}")


def supports(name: str, dtype: Any) -> bool:
    """Whether the operation `name` on operands of `dtype` has instructions."""
    if not isinstance(dtype, np.dtype):
        dtype = np.dtype(dtype)
    return dtype.kind in "fiub" and (
        (name, kind_of(dtype)) in OPERATIONS or (name, dtype.name) in available()
    )
