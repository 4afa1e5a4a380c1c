"""Quotients, remainders and shifts, as NumPy has them: of integers, and of floats to the bit."""

import numpy as np

from funcgrad.compile.target.operations import define, define_as, zero_of
from funcgrad.compile.target.status import Status
from funcgrad.compile.target.types import constant, llvm_type

__all__: list[str] = []


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


define("floor_divide", "iu", lambda at, d, x, y: _whole_division(at, d, x, y)[0])
define("remainder", "iu", lambda at, d, x, y: _whole_division(at, d, x, y)[1])


@define_as("fmod", "f")
def _fmod(at, d, x, y):
    """x - trunc(x / y) y, exactly, with the sign of x: the quotient is at most one too large, and then r is off by y."""
    kind = llvm_type(d)
    if at.careful:
        return at.set(f"frem {kind} {x}, {y}")
    q = at.intrinsic("trunc", d, at.set(f"fdiv {kind} {x}, {y}"))
    size, most = at.intrinsic("fabs", d, q), constant(2.0 ** np.finfo(d).nmant, d)
    finite = at.set(f"fcmp one {kind} {at.intrinsic('fabs', d, x)}, {constant(np.inf, d)}")
    some = at.set(f"and i1 {finite}, {at.set(f'fcmp une {kind} {y}, {zero_of(d)}')}")
    large = at.set(f"fcmp oge {kind} {size}, {most}")
    at.flag(at.set(f"and i1 {some}, {large}"), Status.BEYOND)  # else it is nan
    r = at.intrinsic("fma", d, at.set(f"fneg {kind} {q}"), y, x)
    step = at.intrinsic("copysign", d, y, x)
    sign = at.intrinsic("copysign", d, constant(1, d), x)
    beyond = at.set(f"fcmp olt {kind} {at.set(f'fmul {kind} {sign}, {r}')}, {zero_of(d)}")
    r = at.set(f"select i1 {beyond}, {kind} {at.set(f'fadd {kind} {r}, {step}')}, {kind} {r}")
    infinite = at.set(f"fcmp oeq {kind} {at.intrinsic('fabs', d, y)}, {constant(np.inf, d)}")
    whole = at.set(f"and i1 {infinite}, {finite}")
    r = at.set(f"select i1 {whole}, {kind} {x}, {kind} {r}")
    return at.intrinsic("copysign", d, r, x)


def _floored(at, d, x, y):
    """Return what fmod leaves, whether it has another sign than y, and that with the sign of y, as NumPy's divmod."""
    kind = llvm_type(d)
    r = _fmod(at, d, x, y)
    some = at.set(f"fcmp une {kind} {r}, {zero_of(d)}")
    apart = at.set(
        f"xor i1 {at.set(f'fcmp olt {kind} {y}, {zero_of(d)}')}, {at.set(f'fcmp olt {kind} {r}, {zero_of(d)}')}"
    )
    turned = at.set(f"and i1 {some}, {apart}")
    moved = at.set(f"select i1 {turned}, {kind} {at.set(f'fadd {kind} {r}, {y}')}, {kind} {r}")
    none = at.intrinsic("copysign", d, zero_of(d), y)
    return r, turned, at.set(f"select i1 {some}, {kind} {moved}, {kind} {none}")


@define_as("remainder", "f")
def _remainder(at, d, x, y):
    return _floored(at, d, x, y)[2]


@define_as("floor_divide", "f")
def _floor_divide(at, d, x, y):
    kind = llvm_type(d)
    ratio = at.set(f"fdiv {kind} {x}, {y}")
    r, turned, _ = _floored(at, d, x, y)
    q = at.set(f"fdiv {kind} {at.set(f'fsub {kind} {x}, {r}')}, {y}")
    q = at.set(f"select i1 {turned}, {kind} {at.set(f'fsub {kind} {q}, {constant(1, d)}')}, {kind} {q}")
    low = at.intrinsic("floor", d, q)
    up = at.set(f"fcmp ogt {kind} {at.set(f'fsub {kind} {q}, {low}')}, {constant(0.5, d)}")
    whole = at.set(f"select i1 {up}, {kind} {at.set(f'fadd {kind} {low}, {constant(1, d)}')}, {kind} {low}")
    none = at.set(f"fcmp oeq {kind} {q}, {zero_of(d)}")
    whole = at.set(
        f"select i1 {none}, {kind} {at.intrinsic('copysign', d, zero_of(d), ratio)}, {kind} {whole}"
    )
    by_zero = at.set(f"fcmp oeq {kind} {y}, {zero_of(d)}")
    return at.set(f"select i1 {by_zero}, {kind} {ratio}, {kind} {whole}")


def _shift(instruction):
    def rule(at, d, x, y):
        kind, bits = llvm_type(d), 8 * d.itemsize
        fits = at.set(f"icmp ult {kind} {y}, {bits}")
        safe = at.set(f"select i1 {fits}, {kind} {y}, {kind} {bits - 1}")
        out = at.set(f"{instruction} {kind} {x}, {safe}")
        # What is shifted out of sight is 0, or the sign.
        return out if instruction == "ashr" else at.set(f"select i1 {fits}, {kind} {out}, {kind} 0")

    return rule


define("left_shift", "iu", _shift("shl"))
define("right_shift", "i", _shift("ashr"))
define("right_shift", "u", _shift("lshr"))
