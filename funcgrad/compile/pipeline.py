"""The stages of compilation, one after another, each kept for equal programs."""

from funcgrad.compile.executable import Executable
from funcgrad.compile.expand import expanded
from funcgrad.compile.kept import kept
from funcgrad.compile.loops import format_loops
from funcgrad.compile.module import Module
from funcgrad.compile.native import assembly
from funcgrad.compile.simplify import simplify
from funcgrad.core.program import Program
from funcgrad.locks import forkable_lock

__all__ = ["Executable", "Module", "assembly", "executable_of", "format_loops", "prepared", "tidied"]

_lock = forkable_lock()


@kept
def prepared(program: Program) -> Program:
    """Return the program as it is compiled: expanded and simplified."""
    return simplify(expanded(program))


def tidied(program: Program) -> Program:
    """Return the program expanded and simplified, but still to be differentiated."""
    return simplify(expanded(program), differentiable=True)


@kept
def _executable(program: Program) -> Executable:
    return Executable(prepared(program))


def executable_of(program: Program) -> Executable:
    """Return the native function of a program; compiled once for equal programs, whatever containers are around."""
    with _lock:
        return _executable(program.flat)
