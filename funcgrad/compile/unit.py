"""A program as statements, and the bodies of its loops and branches, each as statements of its own."""

from typing import NamedTuple

from funcgrad.compile.control import carried_in_place
from funcgrad.compile.expression import Buffer, Expressions
from funcgrad.compile.lowering import Lowering
from funcgrad.compile.statement import ControlCall, Statement
from funcgrad.core.program import Program

__all__ = ["Unit", "lower"]


class Unit(NamedTuple):
    """A program that is lowered: the whole one, or a body.

    Attributes:
        in_place: the outputs that are written in the memory of the inputs given for them.
        bodies: by the id of a call, the units of its programs.
        careful: nothing is left out that is right for some arguments only (see `Lowering`).
    """

    program: Program
    statements: list[Statement]
    buffers: list[Buffer]
    expressions: Expressions
    in_place: frozenset[int]
    bodies: dict[int, list["Unit"]]
    careful: bool


def lower(program: Program, *, careful: bool = False) -> Unit:
    """Lower a program that has been optimized, and the bodies in it."""
    return _lowered(program, {}, careful, whole=True)


def _lowered(program: Program, given: dict[int, int], careful: bool, *, whole: bool) -> Unit:
    """Lower one; inputs that were given, but whose outputs turned out to be elsewhere, are left alone."""
    while True:
        lowering = Lowering(program, given, careful=careful, whole=whole).run()
        spoiled = lowering.updates.spoiled
        if not spoiled:
            break
        given = {position: out for position, out in given.items() if position not in spoiled}
    calls = [s.call for s in lowering.statements if isinstance(s.call, ControlCall)]
    bodies = {
        id(call): [
            _lowered(body, own, careful, whole=False)
            for body, own in zip(call.programs, carried_in_place(call), strict=True)
        ]
        for call in calls
    }
    in_place = frozenset(lowering.updates.in_place)
    return Unit(
        program, lowering.statements, lowering.buffers, lowering.expressions, in_place, bodies, careful
    )
