"""From a Program to machine code, one stage after another; none calls an earlier one.

    optimize   Program -> Program   PASSES: decompose, simplify, if-conversion, read order
    lower      Program -> Unit      statements on buffers, by each primitive's `lower_rule`
    schedule   Unit -> Plan         fusion, storage folding, scratch memory
    write      Plan -> Module       LLVM text
    load       Module -> Executable machine code, from the disk where it is known, and the addresses it needs

Each goes into the bodies of loops and branches. Equal programs share what is made of them.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from funcgrad.compile.branchless import branchless
from funcgrad.compile.executable import Executable
from funcgrad.compile.expand import expanded
from funcgrad.compile.kept import kept
from funcgrad.compile.loops import format_loops
from funcgrad.compile.module import Module
from funcgrad.compile.native import assembly
from funcgrad.compile.plan import Plan
from funcgrad.compile.reads import reads_first
from funcgrad.compile.simplify import simplify
from funcgrad.compile.unit import lower
from funcgrad.core.effects import with_bodies
from funcgrad.core.program import Program
from funcgrad.locks import forkable_lock

__all__ = [
    "PASSES",
    "Executable",
    "Module",
    "assembly",
    "executable_of",
    "format_loops",
    "optimized",
    "passed",
    "planned",
    "prepared",
    "tidied",
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


# What runs on any backend; simplify goes into bodies by itself, and sees what is outside of them.
PORTABLE = (Pass("decompose", _in_bodies(expanded)), Pass("simplify", simplify))
# What pays for machine code only: a branch that is chosen costs NumPy nothing else.
NATIVE = (Pass("if-conversion", _in_bodies(branchless)), Pass("read order", _in_bodies(reads_first)))
PASSES = PORTABLE + NATIVE

_lock = forkable_lock()


@kept
def prepared(program: Program) -> Program:
    """Return the program as it is interpreted: decomposed and simplified."""
    for each in PORTABLE:
        program = each.run(program)
    return program


@kept
def optimized(program: Program) -> Program:
    """Return the program as it is lowered, after all passes."""
    program = prepared(program)
    for each in NATIVE:
        program = each.run(program)
    return program


def tidied(program: Program) -> Program:
    """Return the program decomposed and simplified, but still to be differentiated."""
    return simplify(expanded(program), differentiable=True)


def passed(program: Program) -> Iterator[tuple[str, Program]]:
    """Yield the program after each pass, with the pass's name."""
    for each in PASSES:
        program = each.run(program)
        yield each.name, program


def planned(program: Program, *, careful: bool = False) -> Plan:
    """Return the plan of a program that has been optimized."""
    return Plan(lower(program, careful=careful))


@kept
def _executable(program: Program) -> Executable:
    program = optimized(program)
    careful = lambda: Executable(Module(planned(program, careful=True)), None)
    return Executable(Module(planned(program)), careful)


def executable_of(program: Program) -> Executable:
    """Return the native function of a program; compiled once for equal programs, whatever containers are around."""
    with _lock:
        return _executable(program.flat)
