"""The stages of compilation, for those who want to see them or compile ahead of time."""

from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

from funcgrad import tree
from funcgrad.compile.compiler import compiler
from funcgrad.compile.jit_call import callable_of, restored
from funcgrad.core.interpret import check_types
from funcgrad.core.program import Program
from funcgrad.core.types import type_of
from funcgrad.errors import TreeError
from funcgrad.programs.optimize import optimized, optimized_for_lowering, passed, with_loops

__all__ = ["Cost", "Lowered", "Stage"]


class Cost(NamedTuple):
    """What one call does.

    Attributes:
        flops: floating-point operations, a transcendental function counted as one.
        bytes_read, bytes_written: of arguments, constants and results.
        peak_scratch: bytes of memory beside them.
    """

    flops: int
    bytes_read: int
    bytes_written: int
    peak_scratch: int

    def __str__(self) -> str:
        return (
            f"{self.flops:,} flops, {self.bytes_read:,} bytes read, {self.bytes_written:,} bytes written, "
            f"{self.peak_scratch:,} bytes of scratch"
        )


class Stage(NamedTuple):
    """What there is after a stage of compilation."""

    name: str
    text: str


class Lowered:
    """A function lowered for one signature.

    Attributes:
        program: what is computed, simplified.
        loops: how: the loop nests, as text.
        llvm: the machine-independent code, as text.
    """

    def __init__(self, program: Program):
        self._program = program

    @cached_property
    def program(self) -> Program:
        return optimized(with_loops(self._program))

    @cached_property
    def _plan(self) -> Any:
        return compiler().planned(optimized_for_lowering(with_loops(self._program)))

    @cached_property
    def loops(self) -> str:
        return compiler().format_loops(self._plan)

    @cached_property
    def llvm(self) -> str:
        return compiler().Module(self._plan).text

    @cached_property
    def assembly(self) -> str:
        """The machine code for this CPU, as text."""
        return compiler().assembly(self.llvm)

    @property
    def stages(self) -> list[Stage]:
        """What there is after each stage of compilation, in order: its name, and the text.

        The passes over the Program one by one, then the loops that it is lowered to and in which order they run, then LLVM's
        language and the machine's.

        >>> import numpy as np
        >>> import funcgrad as fg
        >>> [stage.name for stage in fg.jit(np.tanh).lower(1.0).stages]
        ['trace', 'roll', 'decompose', 'simplify', 'trace evaluations', 'complex split', 'if-conversion', 'read order', 'schedule', 'write', 'load']
        """
        stages = [Stage("trace", str(self._program))]
        stages += [Stage(name, str(program)) for name, program in passed(self._program)]
        return [
            *stages,
            Stage("schedule", self.loops),
            Stage("write", self.llvm),
            Stage("load", self.assembly),
        ]

    def cost(self) -> Cost:
        """Return what one call does: operations, memory traffic, scratch."""
        types = [*self.program.in_types, *(v.type for v, _ in self.program.constants)]
        return Cost(
            self._plan.flops,
            sum(t.nbytes for t in types),
            sum(t.nbytes for t in self.program.out_types),
            self._plan.scratch,
        )

    def compile(self) -> Callable:
        """Return the compiled function, of arguments like those it was lowered for."""
        program = self._program
        call = callable_of(program, "native")

        def compiled(*args: Any, **kwargs: Any) -> Any:
            leaves, in_tree = tree.flatten((args, kwargs))
            if in_tree != program.in_tree:
                raise TreeError(
                    f"{program.name}: expected arguments of the structure {program.in_tree}, got {in_tree}."
                )
            check_types(program, [*map(type_of, leaves)])
            return restored(program, call(*leaves))

        return compiled
