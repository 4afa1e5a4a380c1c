"""Loops outside of jit: the whole loop as one native call where that pays, by NumPy where it does not.

Loops are control flow, and primitives that NumPy has no function for.
"""

import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from funcgrad.compile.compiler import compiler
from funcgrad.compile.target.abi import verified
from funcgrad.core.looped import Looped, compiled_by
from funcgrad.core.primitive import Primitive
from funcgrad.core.program import Program
from funcgrad.core.staging import stage_flat
from funcgrad.core.tracer import bind
from funcgrad.core.types import ArrayType, type_of

__all__ = ["called_natively", "worth_compiling"]

# The number of equations run one by one, each some microseconds, that cost as much as compiling a loop.
COMPILING_EQUATIONS = 5000


def worth_compiling(equations: int, iterations: int, args: Sequence[Any]) -> bool:
    """Whether a loop is to be compiled: it runs long enough, and its dtypes are those native code has."""
    return (
        equations * iterations >= COMPILING_EQUATIONS
        and os.environ.get("FUNCGRAD_JIT") != "0"
        and verified()
        and all(type_of(x).dtype.kind in "biuf" and type_of(x).dtype.itemsize != 2 for x in args)
    )


@lru_cache(256)
def _program(primitive: Primitive, types: tuple[ArrayType, ...], params: tuple) -> Program:
    def run(*xs):
        out = bind(primitive, *xs, **dict(params))
        return out if primitive.multiple else [out]

    return stage_flat(run, list(types), primitive.name)


def called_natively(primitive: Primitive, args: Sequence[Any], params: dict[str, Any]) -> tuple:
    """Return the results of one primitive, run as compiled code; kept for equal ones."""
    types = tuple(type_of(x).strong() for x in args)
    program = _program(primitive, types, tuple(sorted(params.items(), key=lambda item: item[0])))
    out = compiler().executable_of(program)(*args)
    return (out,) if len(program.outputs) == 1 else out


# Iterations of a primitive's own loop that cost, in Python, as much as a look at whether they were many.
LEAST_ITERATIONS = 16
_gone_round: dict[tuple, int] = {}  # iterations in Python, by the primitive, the types and the parameters
_KEPT = 1024


def _looped(primitive: Looped, iterations: int, args: tuple, params: dict[str, Any]) -> Any:
    """Run a primitive natively if calls like this one have gone round often enough in Python to have been worth it: so one
    that comes once, or with another shape each time, costs at most twice what the better way would have."""
    if iterations < LEAST_ITERATIONS:
        return NotImplemented
    types = tuple([type_of(x) for x in args])
    if not all(t.dtype.kind in "iuf" and t.dtype.itemsize in (4, 8) for t in types):
        return NotImplemented
    key = (primitive, types, *sorted(params.items()))
    total = _gone_round.get(key, 0) + iterations
    if not worth_compiling(1, total, args):
        if len(_gone_round) >= _KEPT:
            _gone_round.clear()
        _gone_round[key] = total
        return NotImplemented
    _gone_round[key] = COMPILING_EQUATIONS
    out = called_natively(primitive, args, params)
    return out if primitive.multiple else out[0]


compiled_by(_looped)
