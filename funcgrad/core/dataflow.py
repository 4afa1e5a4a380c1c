"""What some inputs of a program pass on to its results: one walk forward, and the fixpoint of it for a loop's carry."""

from collections.abc import Callable, Sequence

from funcgrad.core.program import Equation, Program, Var

__all__ = ["Flags", "carried", "marked"]

Flags = tuple[bool, ...]


def marked(
    program: Program, given: Sequence[bool], transfer: Callable[[Equation, Flags], Sequence[bool]]
) -> Flags:
    """Return which outputs of a program have a mark that the given inputs have.

    Args:
        given: which inputs have it.
        transfer: `transfer(equation, flags)` says which results have it, of an equation of which those arguments do
            that are flagged, at least one.
    """
    known = {v for v, g in zip(program.inputs, given, strict=True) if g}
    for equation in program.equations:
        flags = tuple([isinstance(a, Var) and a in known for a in equation.inputs])
        if any(flags):
            reached = transfer(equation, flags)
            known.update(v for v, r in zip(equation.outputs, reached, strict=True) if r)
    return tuple([isinstance(a, Var) and a in known for a in program.outputs])


def carried(
    reach: Callable[[Program, Flags], Flags], body: Program, consts: int, carries: int, given: Sequence[bool]
) -> tuple[Flags, Flags]:
    """Return which arguments of a loop have the mark that the given ones have once it has gone round, and which results
    of its body do; `reach(body, given)` says which have it after one step."""
    flags = tuple(map(bool, given))
    while True:
        out = reach(body, flags)
        carry = tuple(a or b for a, b in zip(flags[consts : consts + carries], out[:carries], strict=True))
        after = (*flags[:consts], *carry, *flags[consts + carries :])
        if after == flags:
            return flags, out
        flags = after
