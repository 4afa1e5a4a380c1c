"""Scalar operations in LLVM: which there are for a dtype, and the instructions of each.

An operation is written by a function of an `Instructions` (what collects the lines), the dtype of its operands,
and their names. Values of bool are `i1` in registers and bytes in memory.
"""

import struct
from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad.compile.kernels.library import LIMITS, available, symbol
from funcgrad.compile.target.status import Status
from funcgrad.compile.target.text import Text
from funcgrad.core.types import identity as identity_of

__all__ = ["Instructions", "constant", "identity", "is_native", "llvm_type", "supports"]

_LLVM = {
    "?": "i1",
    "b": "i8",
    "B": "i8",
    "h": "i16",
    "H": "i16",
    "i": "i32",
    "I": "i32",
    "f": "float",
    "d": "double",
}
_LLVM |= dict.fromkeys("lLqQ", "i64")
# Only moved, never computed with.
_MOVED = {"F": "<2 x float>", "D": "<2 x double>", "e": "i16", "g": "i128", "G": "i256"}


def is_native(dtype: Any) -> bool:
    """Whether values of this dtype are computed natively."""
    return dtype.char in _LLVM if isinstance(dtype, np.dtype) else dtype is not complex


def llvm_type(dtype: np.dtype) -> str:
    """Return the type of a value in a register."""
    return _LLVM.get(dtype.char) or _MOVED[dtype.char]


def constant(value: Any, dtype: np.dtype) -> str:
    """Return a value as LLVM writes it; floats by their bits."""
    if dtype.char in "egG":
        return str(int.from_bytes(np.asarray(value, dtype).tobytes(), "little"))
    if dtype.kind == "f":
        return f"0x{struct.unpack('<Q', struct.pack('<d', float(value)))[0]:016X}"
    if dtype.kind == "c":
        part = "float" if dtype.char == "F" else "double"
        double = np.dtype(float)
        return f"<{part} {constant(value.real, double)}, {part} {constant(value.imag, double)}>"
    if dtype.kind == "b":
        return "true" if value else "false"
    return str(int(value))


def identity(op: str, dtype: np.dtype):
    """Return the value that leaves any other as it is under `op`."""
    return identity_of(getattr(np, op), dtype)


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
        self._careful = careful

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
            if self._careful:
                return self.intrinsic(name, dtype, *args)
            size = self.intrinsic("fabs", dtype, args[0])
            self.flag(self.set(f"fcmp ogt {kind} {size}, {constant(limit, dtype)}"), Status.BEYOND)
        function = symbol(name, dtype.name)
        self.kernels.add(function)
        return self.set(f"call {kind} @{function}({', '.join(f'{kind} {a}' for a in args)})")

    def apply(self, op: str, dtype: np.dtype, args: list[str]) -> str:
        """Write the operation `op` on operands of `dtype`; return the result's name."""
        rule = OPERATIONS.get((op, _kind(dtype)))
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


def _kind(dtype):
    return {"f": "f", "b": "b", "i": "i", "u": "u"}[dtype.kind]


Rule = Callable[..., str]
OPERATIONS: dict[tuple[str, str], Rule] = {}


def _define(name: str, kinds: str, rule: Rule) -> None:
    for kind in kinds:
        OPERATIONS[name, kind] = rule


def _define_as(name: str, kinds: str) -> Callable[[Rule], Rule]:
    def register(rule: Rule) -> Rule:
        _define(name, kinds, rule)
        return rule

    return register


def _binary(instruction: str) -> Rule:
    return lambda at, d, x, y: at.set(f"{instruction} {llvm_type(d)} {x}, {y}")


def _intrinsic(name: str) -> Rule:
    return lambda at, d, *args: at.intrinsic(name, d, *args)


def _zero(d):
    return constant(0, d)


def _same(at, d, x):
    return x


def _truth(at, d, x):
    return at.cast(x, d, np.dtype(bool))


def _times(factor):
    return lambda at, d, x: at.set(f"fmul {llvm_type(d)} {x}, {constant(d.type(factor), d)}")


for _name, _float, _int in (("add", "fadd", "add"), ("subtract", "fsub", "sub"), ("multiply", "fmul", "mul")):
    _define(_name, "f", _binary(_float))
    _define(_name, "iu", _binary(_int))
_define("add", "b", _binary("or"))
_define("multiply", "b", _binary("and"))
_define("divide", "f", _binary("fdiv"))
_define("negative", "f", lambda at, d, x: at.set(f"fneg {llvm_type(d)} {x}"))
_define("negative", "iu", lambda at, d, x: at.set(f"sub {llvm_type(d)} 0, {x}"))
_define("positive", "fiu", _same)
_define("square", "f", lambda at, d, x: at.set(f"fmul {llvm_type(d)} {x}, {x}"))
_define("square", "iu", lambda at, d, x: at.set(f"mul {llvm_type(d)} {x}, {x}"))
_define("reciprocal", "f", lambda at, d, x: at.set(f"fdiv {llvm_type(d)} {constant(1, d)}, {x}"))
_define("absolute", "f", _intrinsic("fabs"))
_define("fabs", "f", _intrinsic("fabs"))
_define("absolute", "ub", _same)
_define("sqrt", "f", _intrinsic("sqrt"))
for _name in ("floor", "ceil", "trunc", "rint"):
    _define(_name, "f", _intrinsic(_name))
    _define(_name, "iub", _same)
_define("copysign", "f", _intrinsic("copysign"))
_define("deg2rad", "f", _times(np.pi / 180))
_define("rad2deg", "f", _times(180 / np.pi))
_define("maximum", "f", _intrinsic("maximum"))
_define("minimum", "f", _intrinsic("minimum"))
_define("fmax", "f", lambda at, d, x, y: _favoring(at, d, x, y, "oge"))
_define("fmin", "f", lambda at, d, x, y: _favoring(at, d, x, y, "ole"))
for _name, _letter in (("maximum", "max"), ("minimum", "min")):
    for _op in (_name, "f" + _letter):
        _define(_op, "i", _intrinsic("s" + _letter))
        _define(_op, "u", _intrinsic("u" + _letter))
_define("maximum", "b", _binary("or"))
_define("minimum", "b", _binary("and"))


def _favoring(at, d, x, y, order):
    """The number where one operand is nan; x where both are equal, as NumPy has it."""
    kind = llvm_type(d)
    wins = at.set(f"fcmp {order} {kind} {x}, {y}")
    alone = at.set(f"fcmp uno {kind} {y}, {y}")
    keep = at.set(f"or i1 {wins}, {alone}")
    return at.set(f"select i1 {keep}, {kind} {x}, {kind} {y}")


def _compare(ordered: str, signed: str, unsigned: str) -> Rule:
    def rule(at, d, x, y):
        if d.kind == "f":
            return at.set(f"fcmp {ordered} {llvm_type(d)} {x}, {y}")
        return at.set(f"icmp {signed if d.kind == 'i' else unsigned} {llvm_type(d)} {x}, {y}")

    return rule


for _name, *_orders in (
    ("equal", "oeq", "eq", "eq"),
    ("not_equal", "une", "ne", "ne"),
    ("less", "olt", "slt", "ult"),
    ("less_equal", "ole", "sle", "ule"),
    ("greater", "ogt", "sgt", "ugt"),
    ("greater_equal", "oge", "sge", "uge"),
):
    _define(_name, "fiub", _compare(*_orders))


def _logical(instruction: str) -> Rule:
    def rule(at, d, x, y):
        return at.set(f"{instruction} i1 {_truth(at, d, x)}, {_truth(at, d, y)}")

    return rule


for _name, _instruction in (("and", "and"), ("or", "or"), ("xor", "xor")):
    _define(f"logical_{_name}", "fiub", _logical(_instruction))
    _define(f"bitwise_{_name}", "iub", _binary(_instruction))
_define("logical_not", "fiub", lambda at, d, x: at.set(f"xor i1 {_truth(at, d, x)}, true"))
_define("invert", "iu", lambda at, d, x: at.set(f"xor {llvm_type(d)} {x}, -1"))
_define("invert", "b", lambda at, d, x: at.set(f"xor i1 {x}, true"))
_define("isnan", "f", lambda at, d, x: at.set(f"fcmp uno {llvm_type(d)} {x}, {_zero(d)}"))


def _magnitude_test(order):
    def rule(at, d, x):
        size = at.intrinsic("fabs", d, x)
        return at.set(f"fcmp {order} {llvm_type(d)} {size}, {constant(np.inf, d)}")

    return rule


_define("isinf", "f", _magnitude_test("oeq"))
_define("isfinite", "f", _magnitude_test("one"))
for _name, _value in (("isnan", "false"), ("isinf", "false"), ("isfinite", "true")):
    _define(_name, "iub", lambda at, d, x, value=_value: at.set(f"or i1 {value}, false"))


@_define_as("signbit", "f")
def _signbit(at, d, x):
    bits = "i64" if d.char == "d" else "i32"
    whole = at.set(f"bitcast {llvm_type(d)} {x} to {bits}")
    return at.set(f"icmp slt {bits} {whole}, 0")


def _by_sign(at, d, x, **cases):
    """The first of the cases whose comparison of x with 0 holds; else 0."""
    kind, out = llvm_type(d), _zero(d)
    for order, value in reversed(cases.items()):
        holds = at.set(f"fcmp {order} {kind} {x}, {_zero(d)}")
        out = at.set(f"select i1 {holds}, {kind} {value}, {kind} {out}")
    return out


@_define_as("sign", "f")
def _sign(at, d, x):
    return _by_sign(at, d, x, ogt=constant(1, d), olt=constant(-1, d), uno=x)


@_define_as("sign", "i")
def _sign_of_integer(at, d, x):
    low = at.intrinsic("smax", d, x, "-1")
    return at.intrinsic("smin", d, low, "1")


@_define_as("absolute", "i")
def _absolute_integer(at, d, x):
    kind = llvm_type(d)
    minus = at.set(f"sub {kind} 0, {x}")
    below = at.set(f"icmp slt {kind} {x}, 0")
    return at.set(f"select i1 {below}, {kind} {minus}, {kind} {x}")


def _whole_division(at, d, x, y):
    """Return quotient and remainder, the latter of the sign of y, as NumPy has them; both 0 where y is 0."""
    kind, signed = llvm_type(d), d.kind == "i"
    zero, last = at.set(f"icmp eq {kind} {y}, 0"), at.set(f"icmp eq {kind} {y}, -1") if signed else "false"
    safe = at.set(f"select i1 {at.set(f'or i1 {zero}, {last}')}, {kind} 1, {kind} {y}")
    q, r = (at.set(f"{'s' if signed else 'u'}{op} {kind} {x}, {safe}") for op in ("div", "rem"))
    apart = at.set(f"icmp slt {kind} {at.set(f'xor {kind} {r}, {y}')}, 0") if signed else "false"
    odd = at.set(f"and i1 {apart}, {at.set(f'icmp ne {kind} {r}, 0')}")
    q = at.set(f"select i1 {odd}, {kind} {at.set(f'sub {kind} {q}, 1')}, {kind} {q}")
    q = at.set(f"select i1 {last}, {kind} {at.set(f'sub {kind} 0, {x}')}, {kind} {q}")
    r = at.set(f"select i1 {odd}, {kind} {at.set(f'add {kind} {r}, {y}')}, {kind} {r}")
    return at.set(f"select i1 {zero}, {kind} 0, {kind} {q}"), r


_define("floor_divide", "iu", lambda at, d, x, y: _whole_division(at, d, x, y)[0])
_define("remainder", "iu", lambda at, d, x, y: _whole_division(at, d, x, y)[1])


@_define_as("guarded_multiply", "f")
def _guarded_multiply(at, d, c, p):
    kind = llvm_type(d)
    product = at.set(f"fmul {kind} {c}, {p}")
    none, nothing = (at.set(f"fcmp oeq {kind} {x}, {_zero(d)}") for x in (c, p))
    zero = at.set(f"or i1 {none}, {nothing}")
    # As the interpreter has it: the product itself where it is finite, so that the sign of 0 is the same.
    odd = at.set(f"fcmp uno {kind} {product}, {product}")
    both = at.set(f"and i1 {zero}, {odd}")
    return at.set(f"select i1 {both}, {kind} {_zero(d)}, {kind} {product}")


@_define_as("heaviside", "f")
def _heaviside(at, d, x, h):
    return _by_sign(at, d, x, uno=x, oeq=h, ogt=constant(1, d))


def supports(name: str, dtype: Any) -> bool:
    """Whether the operation `name` on operands of `dtype` has instructions."""
    if not isinstance(dtype, np.dtype):
        dtype = np.dtype(dtype)
    return dtype.kind in "fiub" and ((name, _kind(dtype)) in OPERATIONS or (name, dtype.name) in available())
