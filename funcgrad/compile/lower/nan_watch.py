"""Where compiled code looks for nan that careful products of derivatives would not have made.

A product in which zero wins against infinity and nan, of numbers or of arrays, is made as any other, and what comes of
it is looked at: where there is a nan, the whole call is made again by code with guards. A nan goes through most
operations into results, and so it is enough to look at results, and before what would hide it. (Products whose factors
are often infinite, by a pole say, have guards of their own: `guarded_multiply`.)
"""

from typing import Any

import numpy as np

from funcgrad.compile.loopir.index import Index, flatten_index
from funcgrad.compile.loopir.statement import Effect
from funcgrad.compile.target.types import is_native
from funcgrad.core.parts import is_pair
from funcgrad.core.program import Atom, Equation, Program, Var, subprograms
from funcgrad.core.types import ArrayType

__all__ = ["watch", "watched"]

# How many times smaller what a result is computed of must be, to be looked at in its place.
TIMES_SMALLER = 2


def watched(program: Program, *, whole: bool) -> set[Var]:
    """Return the variables to be looked at as soon as they are computed.

    Args:
        whole: it is no body of a loop or branch. One reads what an iteration before has computed, and its own results
            are looked at by the program around it.
    """
    if not has_guarded(program):
        return set()
    doubtful: set[Var] = set() if whole else set(filter(_is_float, program.inputs))
    found: set[Var] = set()
    for equation in program.equations:
        read = {a for a in equation.inputs if a in doubtful}
        passes = equation.primitive.passes_nan and all(map(_is_float, equation.outputs))
        if not passes:
            found |= read
        if (read and passes) or _makes_doubtful(equation):
            doubtful.update(filter(_is_float, equation.outputs))
    if whole:
        found.update(a for a in program.outputs if isinstance(a, Var) and a in doubtful)
    return _where_they_are_few(program, found, doubtful)


def _where_they_are_few(program: Program, found: set[Var], doubtful: set[Var]) -> set[Var]:
    """Return what to look at in place of the variables found: what they are computed of, where that is much smaller.

    A nan comes from there, and goes from there into what is computed of it. (Where it is not, results are better: they
    are made in any case.)
    """
    for equation in reversed(program.equations):
        if (
            not found.isdisjoint(equation.outputs)
            and equation.primitive.passes_nan
            and not _makes_doubtful(equation)
        ):
            (y,) = equation.outputs
            read = {a for a in equation.inputs if isinstance(a, Var) and a in doubtful}
            if TIMES_SMALLER * sum(a.type.size for a in read) <= y.type.size:
                found = (found - {y}) | read
    return found


def has_guarded(program: Program) -> bool:
    """Whether a product in the program, or in a program of its parameters, is guarded."""
    return any(map(_makes_doubtful, program.equations))


def _makes_doubtful(equation: Equation) -> bool:
    hasty = equation.primitive.hasty or equation.params.get("guarded")
    return bool(hasty) or any(map(has_guarded, subprograms(equation.params)))


def _is_float(atom: Atom) -> bool:
    """Whether these are numbers that may be nan, and that machine code computes (NumPy's products are careful)."""
    dtype = atom.type.dtype
    return is_pair(dtype) or (dtype.kind == "f" and is_native(dtype))


def watch(lower: Any, value: Any) -> None:
    """Have the call made again, carefully, if there is a nan in a value."""
    loops = lower.loops(value.shape)
    index = tuple(map(Index.of, loops))
    odd = lower.op("isnan", bool, value.at(index))
    # What is looked at is noted in the status of the call; the place for each answer comes to nothing.
    answers = lower.result(ArrayType(value.shape, bool))
    look = lower.expressions.make("definite", (odd,), np.dtype(bool))
    lower.emit(loops, [Effect(answers, flatten_index(index, value.shape), look)])
