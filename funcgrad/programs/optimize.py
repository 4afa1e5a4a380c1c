"""The passes over a Program before it is lowered or interpreted, in order; each goes into bodies of loops and branches."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from funcgrad.core.effects import with_bodies
from funcgrad.core.program import Program
from funcgrad.programs.complex_split import complex_split
from funcgrad.programs.decompose import decomposed
from funcgrad.programs.if_conversion import if_converted
from funcgrad.programs.memo import memoized
from funcgrad.programs.read_order import with_reads_first
from funcgrad.programs.rolling.roll import rolled
from funcgrad.programs.simplify.simplify import simplify
from funcgrad.programs.trace_evaluations import evaluations_traced

__all__ = [
    "NATIVE",
    "PASSES",
    "PORTABLE",
    "ROLLING",
    "Pass",
    "optimized",
    "optimized_for_lowering",
    "passed",
    "with_loops",
]


class Pass(NamedTuple):
    """A step of optimization: a function from Program to Program."""

    name: str
    run: Callable[[Program], Program]


def _in_bodies(change: Callable[[Program], Program]) -> Callable[[Program], Program]:
    """Return a function that makes a change to a program, and to the bodies of its loops and branches."""

    def changed(program: Program) -> Program:
        return with_bodies(change(program), changed)

    return changed


_decompose = _in_bodies(decomposed)
# A Python loop that was traced step by step; what NumPy runs one by one gains nothing from it.
ROLLING = (Pass("roll", rolled),)
# What runs on any backend; simplify goes into bodies by itself, and sees what is outside of them.
PORTABLE = (Pass("decompose", _decompose), Pass("simplify", simplify))
# What pays for machine code only: a branch that is chosen costs NumPy nothing else.
NATIVE = (
    Pass("trace evaluations", _in_bodies(evaluations_traced)),
    Pass("complex split", _in_bodies(complex_split)),
    Pass("if-conversion", _in_bodies(if_converted)),
    Pass("read order", _in_bodies(with_reads_first)),
)
PASSES = ROLLING + PORTABLE + NATIVE


@memoized
def optimized(program: Program, *, differentiable: bool = False) -> Program:
    """Return the program as it is interpreted: decomposed and simplified.

    Args:
        differentiable: it is still to be differentiated, and keeps custom derivatives and `stop_gradient`.
    """
    if differentiable:
        return simplify(_decompose(program), differentiable=True)
    for each in PORTABLE:
        program = each.run(program)
    return program


@memoized
def optimized_for_lowering(program: Program) -> Program:
    """Return the program as it is lowered, after all passes but rolling, which comes first."""
    program = optimized(program)
    for each in NATIVE:
        program = each.run(program)
    return program


# Where a program keeps itself with its loops rolled.
_LOOPS = "_with_loops"


def with_loops(program: Program) -> Program:
    """Return the program with the Python loops in it rolled.

    It is kept with the program itself: to tell whether another is equal takes as long, of one written out.
    """
    kept = program.__dict__
    if _LOOPS not in kept:
        after = program
        for each in ROLLING:
            after = each.run(after)
        # None stands for the program itself: a reference to itself would need the garbage collector.
        kept[_LOOPS] = None if after is program else after
        after.__dict__[_LOOPS] = None
    return kept[_LOOPS] or program


def passed(program: Program) -> Iterator[tuple[str, Program]]:
    """Yield the program after each pass, with the pass's name."""
    for each in PASSES:
        program = each.run(program)
        yield each.name, program
