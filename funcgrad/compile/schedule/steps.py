"""Where a long program repeats itself, as a Python loop does that is compiled as written out.

Loops are shared within a step only: then equal steps give equal nests, which are compiled once.
"""

from collections.abc import Sequence

import numpy as np

from funcgrad.compile.loopir.statement import Statement
from funcgrad.programs.rolling.periods import stretches

__all__ = ["LONG_STATEMENTS", "steps"]

# Programs of fewer statements are compiled fast enough, whatever they are.
LONG_STATEMENTS = 150
# Steps are looked for where they leave so many statements that are not compiled once more.
LEAST_SAVED = 64


def steps(statements: Sequence[Statement]) -> list[int]:
    """Return the number of the step that each statement belongs to; what is between repeated steps is a step itself."""
    if len(statements) <= LONG_STATEMENTS:
        return [0] * len(statements)
    known: dict[tuple, int] = {}
    codes = np.array([known.setdefault(_form(s), len(known)) for s in statements])
    numbers, number, at = [], 0, 0
    for stretch in stretches(codes, LEAST_SAVED, lambda stretch: stretch):
        numbers += [number] * (stretch.start - at)
        turns = np.arange(stretch.end - stretch.start) // stretch.period
        numbers += (number + 1 + turns).tolist()
        number, at = numbers[-1] + 1, stretch.end
    return numbers + [number] * (len(statements) - at)


def _form(statement: Statement) -> tuple:
    """Return what is equal for statements that do the same to other buffers, and for few others."""
    extents = tuple([loop.extent for loop in statement.loops])
    nodes = [tuple([node.op for node in effect.value.walk()]) for effect in statement.effects]
    return extents, tuple(nodes), None if statement.call is None else type(statement.call).__name__
