"""Statements on whole buffers: calls of the host, and loops and branches of the program itself."""

import math
from collections.abc import Sequence
from typing import Any

from funcgrad.compile.loopir.expression import Buffer
from funcgrad.compile.loopir.statement import ControlCall, HostCall, Operand, Statement
from funcgrad.compile.lower.builder import Builder
from funcgrad.compile.lower.value import Value
from funcgrad.compile.target.types import in_memory, is_native
from funcgrad.core.parts import is_pair
from funcgrad.core.program import Equation, Literal, Program
from funcgrad.core.types import ArrayType

__all__ = ["control_call", "host_call"]


def host_call(lower: Builder, equation: Equation, args: Sequence[Value]) -> tuple[Value, ...]:
    """Have NumPy evaluate an equation."""
    operands = [
        atom.value
        if isinstance(atom, Literal)
        else Operand(_in_memory(lower, value), atom.type.shape, atom.type.dtype)
        for atom, value in zip(equation.inputs, args, strict=True)
    ]
    results = _results(lower, [v.type for v in equation.outputs])
    call = HostCall(
        equation.primitive, tuple(operands), equation.params, results, _why(equation), equation.source
    )
    lower.statements.append(Statement((), call=call))
    return _values(lower, results, [v.type for v in equation.outputs])


def _why(equation: Equation) -> str:
    """Return why there is no native code for an equation."""
    dtypes = dict.fromkeys(a.type.dtype for a in (*equation.inputs, *equation.outputs))
    foreign = [d.name for d in dtypes if not is_native(d) and not is_pair(d)]
    if equation.primitive.opaque:
        return "a Python function"
    if foreign:
        return f"{' and '.join(foreign)} are not computed natively"
    if any(map(is_pair, dtypes)):
        return "no native code for complex numbers"
    if equation.primitive.traceable:
        return "its evaluation cannot be traced"
    if equation.primitive.lower_rule is None:
        return "it has no lower_rule"
    return f"no native code for {' and '.join(d.name for d in dtypes)}"


def control_call(
    lower: Builder,
    kind: str,
    programs: Sequence[Program],
    outs: Sequence[ArrayType],
    args: Sequence[Value],
    *,
    spares: Sequence[ArrayType],
    params: dict[str, Any],
) -> tuple[Value, ...] | None:
    """Have a loop or branch run (see `compile.codegen.control`); None where its bodies cannot be native."""
    if not all(is_native(t.dtype) for p in programs for t in (*p.in_types, *p.out_types)):
        return None
    sliced = params["consts"] + params["carries"] if kind == "scan" else len(args)
    operands = tuple(_operand(lower, x, by_steps=k >= sliced) for k, x in enumerate(args))
    results = _results(lower, outs)
    call = ControlCall(kind, tuple(programs), operands, results, _results(lower, spares), params)
    lower.statements.append(Statement((), call=call))
    return _values(lower, results, outs)


def _operand(lower: Builder, x: Value, *, by_steps: bool) -> Operand:
    """Return a value in memory: where it is a part of a buffer, there.

    Args:
        by_steps: its elements along the first axis need not lie one behind the other.
    """
    if x.buffer is None and x.size:
        loops, element = lower.loops(x.shape), lower.element(x)
        if element.op == "load" and element.dtype == x.dtype:
            buffer, place = element.detail
            steps = [place.terms.get(loop, 0) for loop in loops]
            dense = [math.prod(x.shape[d + 1 :]) if n > 1 else 0 for d, n in enumerate(x.shape)]
            first = 1 if by_steps else 0
            if place.terms.keys() <= set(loops) and steps[first:] == dense[first:]:
                size = x.dtype.itemsize
                step = steps[0] * size if steps[:first] != dense[:first] else None
                return Operand(buffer, x.shape, x.dtype, place.constant * size, step)
    return Operand(_in_memory(lower, x), x.shape, x.dtype)


def _in_memory(lower: Builder, x: Value) -> Buffer:
    return lower.store(x).buffer


def _results(lower: Builder, types: Sequence[ArrayType]) -> tuple[Operand, ...]:
    return tuple(Operand(lower.result(t), t.shape, t.dtype) for t in types)


def _values(lower: Builder, operands: Sequence[Operand], types: Sequence[ArrayType]) -> tuple[Value, ...]:
    return tuple(
        lower.stored(operand.buffer, in_memory(t)) for operand, t in zip(operands, types, strict=True)
    )
