"""The table of scalar operations: the instructions of each, for each kind of dtype.

An operation is written by a function of an `Instructions` (what collects the lines), the dtype of its operands, and their
names. Values of bool are `i1` in registers and bytes in memory.
"""

from collections.abc import Callable

import numpy as np

from funcgrad.compile.target.types import constant, llvm_type

__all__ = ["OPERATIONS", "Rule", "define", "define_as", "kind_of", "zero_of"]


def kind_of(dtype):
    return {"f": "f", "b": "b", "i": "i", "u": "u"}[dtype.kind]


Rule = Callable[..., str]
OPERATIONS: dict[tuple[str, str], Rule] = {}


def define(name: str, kinds: str, rule: Rule) -> None:
    for kind in kinds:
        OPERATIONS[name, kind] = rule


def define_as(name: str, kinds: str) -> Callable[[Rule], Rule]:
    def register(rule: Rule) -> Rule:
        define(name, kinds, rule)
        return rule

    return register


def _binary(instruction: str) -> Rule:
    return lambda at, d, x, y: at.set(f"{instruction} {llvm_type(d)} {x}, {y}")


def _intrinsic(name: str) -> Rule:
    return lambda at, d, *args: at.intrinsic(name, d, *args)


def zero_of(d):
    return constant(0, d)


def _same(at, d, x):
    return x


def _truth(at, d, x):
    return at.cast(x, d, np.dtype(bool))


def _times(factor):
    return lambda at, d, x: at.set(f"fmul {llvm_type(d)} {x}, {constant(d.type(factor), d)}")


for _name, _float, _int in (("add", "fadd", "add"), ("subtract", "fsub", "sub"), ("multiply", "fmul", "mul")):
    define(_name, "f", _binary(_float))
    define(_name, "iu", _binary(_int))
define("add", "b", _binary("or"))
define("multiply", "b", _binary("and"))
define("divide", "f", _binary("fdiv"))
define("negative", "f", lambda at, d, x: at.set(f"fneg {llvm_type(d)} {x}"))
define("negative", "iu", lambda at, d, x: at.set(f"sub {llvm_type(d)} 0, {x}"))
define("positive", "fiu", _same)
define("square", "f", lambda at, d, x: at.set(f"fmul {llvm_type(d)} {x}, {x}"))
define("square", "iu", lambda at, d, x: at.set(f"mul {llvm_type(d)} {x}, {x}"))
define("reciprocal", "f", lambda at, d, x: at.set(f"fdiv {llvm_type(d)} {constant(1, d)}, {x}"))
define("absolute", "f", _intrinsic("fabs"))
define("fabs", "f", _intrinsic("fabs"))
define("absolute", "ub", _same)
define("sqrt", "f", _intrinsic("sqrt"))
for _name in ("floor", "ceil", "trunc", "rint"):
    define(_name, "f", _intrinsic(_name))
    define(_name, "iub", _same)
define("copysign", "f", _intrinsic("copysign"))
define("deg2rad", "f", _times(np.pi / 180))
define("rad2deg", "f", _times(180 / np.pi))
define("maximum", "f", _intrinsic("maximum"))
define("minimum", "f", _intrinsic("minimum"))
define("fmax", "f", lambda at, d, x, y: _favoring(at, d, x, y, "oge"))
define("fmin", "f", lambda at, d, x, y: _favoring(at, d, x, y, "ole"))
for _name, _letter in (("maximum", "max"), ("minimum", "min")):
    for _op in (_name, "f" + _letter):
        define(_op, "i", _intrinsic("s" + _letter))
        define(_op, "u", _intrinsic("u" + _letter))
define("maximum", "b", _binary("or"))
define("minimum", "b", _binary("and"))


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
    define(_name, "fiub", _compare(*_orders))


def _logical(instruction: str) -> Rule:
    def rule(at, d, x, y):
        return at.set(f"{instruction} i1 {_truth(at, d, x)}, {_truth(at, d, y)}")

    return rule


for _name, _instruction in (("and", "and"), ("or", "or"), ("xor", "xor")):
    define(f"logical_{_name}", "fiub", _logical(_instruction))
    define(f"bitwise_{_name}", "iub", _binary(_instruction))
define("logical_not", "fiub", lambda at, d, x: at.set(f"xor i1 {_truth(at, d, x)}, true"))
define("invert", "iu", lambda at, d, x: at.set(f"xor {llvm_type(d)} {x}, -1"))
define("invert", "b", lambda at, d, x: at.set(f"xor i1 {x}, true"))
define("isnan", "f", lambda at, d, x: at.set(f"fcmp uno {llvm_type(d)} {x}, {zero_of(d)}"))


def _magnitude_test(order):
    def rule(at, d, x):
        size = at.intrinsic("fabs", d, x)
        return at.set(f"fcmp {order} {llvm_type(d)} {size}, {constant(np.inf, d)}")

    return rule


define("isinf", "f", _magnitude_test("oeq"))
define("isfinite", "f", _magnitude_test("one"))
for _name, _value in (("isnan", "false"), ("isinf", "false"), ("isfinite", "true")):
    define(_name, "iub", lambda at, d, x, value=_value: at.set(f"or i1 {value}, false"))


@define_as("signbit", "f")
def _signbit(at, d, x):
    bits = "i64" if d.char == "d" else "i32"
    whole = at.set(f"bitcast {llvm_type(d)} {x} to {bits}")
    return at.set(f"icmp slt {bits} {whole}, 0")


def _by_sign(at, d, x, **cases):
    """The first of the cases whose comparison of x with 0 holds; else 0."""
    kind, out = llvm_type(d), zero_of(d)
    for order, value in reversed(cases.items()):
        holds = at.set(f"fcmp {order} {kind} {x}, {zero_of(d)}")
        out = at.set(f"select i1 {holds}, {kind} {value}, {kind} {out}")
    return out


@define_as("sign", "f")
def _sign(at, d, x):
    return _by_sign(at, d, x, ogt=constant(1, d), olt=constant(-1, d), uno=x)


@define_as("sign", "i")
def _sign_of_integer(at, d, x):
    low = at.intrinsic("smax", d, x, "-1")
    return at.intrinsic("smin", d, low, "1")


@define_as("absolute", "i")
def _absolute_integer(at, d, x):
    kind = llvm_type(d)
    minus = at.set(f"sub {kind} 0, {x}")
    below = at.set(f"icmp slt {kind} {x}, 0")
    return at.set(f"select i1 {below}, {kind} {minus}, {kind} {x}")


@define_as("guarded_multiply", "f")
def _guarded_multiply(at, d, c, p):
    kind = llvm_type(d)
    product = at.set(f"fmul {kind} {c}, {p}")
    none, nothing = (at.set(f"fcmp oeq {kind} {x}, {zero_of(d)}") for x in (c, p))
    zero = at.set(f"or i1 {none}, {nothing}")
    # As the interpreter has it: the product itself where it is finite, so that the sign of 0 is the same.
    odd = at.set(f"fcmp uno {kind} {product}, {product}")
    both = at.set(f"and i1 {zero}, {odd}")
    return at.set(f"select i1 {both}, {kind} {zero_of(d)}, {kind} {product}")


@define_as("heaviside", "f")
def _heaviside(at, d, x, h):
    return _by_sign(at, d, x, uno=x, oeq=h, ogt=constant(1, d))
