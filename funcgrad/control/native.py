"""Control flow outside of jit: the whole loop as one native call where that pays, by NumPy where it does not."""

import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from funcgrad.compile.compiler import compiler
from funcgrad.compile.layout import verified
from funcgrad.core.primitive import Primitive
from funcgrad.core.program import Program
from funcgrad.core.staging import stage_flat
from funcgrad.core.tracer import bind
from funcgrad.core.types import ArrayType, type_of

__all__ = ["called_natively", "worth_compiling"]

# The number of equations run one by one, each some microseconds, that cost as much as compiling a loop.
MANY = 5000


def worth_compiling(equations: int, iterations: int, args: Sequence[Any]) -> bool:
    """Whether a loop is to be compiled: it runs long enough, and its dtypes are those native code has."""
    return (
        equations * iterations >= MANY
        and os.environ.get("FUNCGRAD_JIT") != "0"
        and verified()
        and all(type_of(x).dtype.kind in "biuf" and type_of(x).dtype.itemsize != 2 for x in args)
    )


@lru_cache(256)
def _program(primitive: Primitive, types: tuple[ArrayType, ...], params: tuple) -> Program:
    return stage_flat(lambda *xs: bind(primitive, *xs, **dict(params)), list(types), primitive.name)


def called_natively(primitive: Primitive, args: Sequence[Any], params: dict[str, Any]) -> tuple:
    """Run one control primitive as compiled code; kept for equal ones."""
    types = tuple(type_of(x).strong() for x in args)
    program = _program(primitive, types, tuple(sorted(params.items(), key=lambda item: item[0])))
    out = compiler().executable_of(program)(*args)
    return (out,) if len(program.outputs) == 1 else out
