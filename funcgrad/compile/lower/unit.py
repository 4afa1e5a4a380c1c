"""A program as statements, and the bodies of its loops and branches, each as statements of its own."""

from typing import NamedTuple

from funcgrad.compile.loopir.expression import Buffer, Expressions
from funcgrad.compile.loopir.statement import ControlCall, Statement
from funcgrad.compile.lower.lowering import Lowering
from funcgrad.core.program import Program

__all__ = ["Unit", "lower"]

# Parts of the carry from so many bytes on are written where they are read, if the body allows it.
IN_PLACE_BYTES = 128


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
        wrongly_reused = lowering.updates.wrongly_reused
        if not wrongly_reused:
            break
        given = {position: out for position, out in given.items() if position not in wrongly_reused}
    statements, bodies = [], {}
    for s in lowering.statements:
        if isinstance(s.call, ControlCall):
            units = [
                _lowered(body, own, careful, whole=False)
                for body, own in zip(s.call.programs, _carried_in_place(s.call), strict=True)
            ]
            call = _without_spares(s.call, units[-1].in_place)
            bodies[id(call)] = units
            s = Statement((), call=call)
        statements.append(s)
    in_place = frozenset(lowering.updates.in_place)
    return Unit(program, statements, lowering.buffers, lowering.expressions, in_place, bodies, careful)


def _without_spares(call: ControlCall, in_place: frozenset[int]) -> ControlCall:
    """Return a loop without second buffers for what it writes where it reads it."""
    if call.kind not in ("scan", "while"):
        return call
    spares = [call.results[k] if k in in_place else spare for k, spare in enumerate(call.spares)]
    return call._replace(spares=tuple(spares))


def _carried_in_place(call: ControlCall) -> list[dict[int, int]]:
    """Return, for each body, the inputs that may become outputs in the same memory: large parts of the carry."""
    none: list[dict[int, int]] = [{} for _ in call.programs]
    if call.kind == "switch":
        return none
    body = call.programs[-1]
    first = call.params["consts" if call.kind == "scan" else "body_consts"]
    carries = call.params["carries"] if call.kind == "scan" else len(body.outputs)
    if call.kind == "while_reverse":
        none = [_large(call.programs[0], first, call.params["carries"])]
    return [*none[: len(call.programs) - 1], _large(body, first, carries)]


def _large(body: Program, first: int, carries: int) -> dict[int, int]:
    return {first + k: k for k in range(carries) if body.in_types[first + k].nbytes >= IN_PLACE_BYTES}
