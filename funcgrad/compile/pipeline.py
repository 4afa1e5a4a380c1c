"""From a Program to machine code, one stage after another; none calls an earlier one.

    optimize   Program -> Program   programs.optimize: roll, decompose, simplify, trace evaluations, complex split, if-conversion, read order
    lower      Program -> Unit      statements on buffers, by each primitive's `lower_rule`
    schedule   Unit -> Plan         fusion, storage folding, scratch memory
    write      Plan -> Module       LLVM text
    load       Module -> Executable machine code, from the disk where it is known, and the addresses it needs

Each goes into the bodies of loops and branches. Equal programs share what is made of them.
"""

from funcgrad.compile.codegen.module import Module
from funcgrad.compile.lower.unit import lower
from funcgrad.compile.runtime.executable import Executable
from funcgrad.compile.runtime.machine import assembly
from funcgrad.compile.schedule.plan import Plan
from funcgrad.compile.schedule.printer import format_loops
from funcgrad.core.program import Program
from funcgrad.garbage import rare_collections
from funcgrad.locks import forkable_lock
from funcgrad.programs.memo import memoized
from funcgrad.programs.optimize import optimized_for_lowering, with_loops

__all__ = ["Executable", "Module", "assembly", "executable_of", "format_loops", "planned"]

_lock = forkable_lock()


def planned(program: Program, *, careful: bool = False) -> Plan:
    """Return the plan of a program that has been optimized."""
    return Plan(lower(program, careful=careful))


@memoized
def _executable(program: Program) -> Executable:
    program = optimized_for_lowering(program)
    careful = lambda: Executable(Module(planned(program, careful=True)), None)
    return Executable(Module(planned(program)), careful)


def executable_of(program: Program) -> Executable:
    """Return the native function of a program; compiled once for equal programs, whatever containers are around."""
    with _lock, rare_collections():
        return _executable(with_loops(program).flat)
