"""How the turns of a repeated stretch hang together: what each operand is, from turn to turn.

A stretch of equations is a table: a row a turn, a column an operand. The numbers of the variables in a column say what the
operand is: the same variable in all turns, what the same turn has computed, or one before, the result of an earlier loop
in the same turn or in one by a constant step away, or something else in each.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from funcgrad.core.program import Literal
from funcgrad.programs.rolling.numbering import LITERAL, Numbering, same_bits
from funcgrad.programs.rolling.periods import LEAST_TURNS, Stretch

__all__ = ["Column", "Rolled", "Turns", "aligned", "analyzed"]

# How far back a turn may read what others have computed.
MOST_LAG = 4


class Column(NamedTuple):
    """What an operand is.

    Attributes:
        kind: "same" variable or literal; "inner", of this turn; "lag", of an earlier one; "stack", of an earlier loop;
            "each", a literal or variable of its own.
        out: of "inner" and "lag", the result, counted from the first of a turn; of "stack", from the first of that loop's.
        lag: how many turns before.
        loop, step: of "stack", which loop, and how many of its turns further each turn reads.
        value: of "same", the number of the variable; of "stack", the turn of that loop that the first turn reads.
    """

    kind: str
    out: int = 0
    lag: int = 0
    loop: int = 0
    step: int = 0
    value: int = 0


class Rolled(NamedTuple):
    """An earlier loop, as later ones see it: the number of the first result, how many a turn has, and of how many turns."""

    first: int
    results: int
    turns: int

    @property
    def end(self) -> int:
        return self.first + self.results * self.turns


class Turns:
    """Turns that are one loop.

    Attributes:
        start, period, turns: the first equation, equations a turn, and how many turns.
        first, results: the number of the first variable of the first turn, and how many variables a turn has.
        columns: of each operand of a turn, in order.
        table: the numbers of the operands, a row a turn.
        still: of each equation of a turn, whether it computes the same in all of them.
    """

    def __init__(self, numbering: Numbering, start: int, period: int, turns: int):
        self.start, self.period, self.turns = start, period, turns
        self.first = int(numbering.first[start])
        self.results = int(numbering.first[start + period]) - self.first
        self.equations = numbering.equations[start : start + period]
        low, high = numbering.at[start], numbering.at[start + period * turns]
        self.table = numbering.operands[low:high].reshape(turns, -1)
        self.slots = np.repeat(np.arange(period), np.diff(numbering.at[start : start + period + 1]))
        self.columns: list[Column] = []
        self.still: list[bool] = []

    @property
    def end(self) -> int:
        return self.start + self.period * self.turns

    def literals(self, numbering: Numbering, slot: int, position: int) -> list[Any]:
        """Return the values of a literal operand of an equation of the turn, one a turn."""
        equations = numbering.equations[self.start + slot : self.end : self.period]
        return [e.inputs[position].value for e in equations]

    def numbers(self, numbering: Numbering, slot: int) -> list[list[Any]]:
        """Return the numbers in the parameters of an equation of the turn that may move: of each, one a turn."""
        rows = numbering.moving[self.start + slot : self.end : self.period]
        return [
            [row[k] for row in rows] for k in range(len(rows[0]))
        ]  # as many as there are: the codes are equal


def aligned(numbering: Numbering, stretch: Stretch) -> Stretch:
    """Return a stretch as whole turns, which begin so that the fewest results go from one into the next."""
    start = stretch.start + _rotation(numbering, stretch)
    turns = (stretch.end - start) // stretch.period
    return Stretch(start, start + turns * stretch.period, stretch.period)


def analyzed(numbering: Numbering, stretch: Stretch, least: int, loops: Sequence[Rolled]) -> Turns | None:
    """Return the longest sequence of turns, around the middle of whole ones, that is one loop; None where none is worth it.

    Args:
        least: how many equations it is to save.
        loops: those before it; without them, what they have computed is another array in each turn.
    """
    start, period, count = stretch.start, stretch.period, stretch.turns
    if count < LEAST_TURNS:
        return None
    whole = Turns(numbering, start, period, count)
    if not whole.results:
        return None
    middle = count // 2
    low, high = 0, count
    lagging = []
    for column in whole.table.T:
        kind, bad = _judged(whole, column, middle, loops)
        whole.columns.append(kind)
        wrong = np.flatnonzero(bad)
        high = min(high, int(wrong[wrong > middle].min(initial=count)))
        before = int(wrong[wrong < middle].max(initial=-1))
        if kind.kind == "lag":
            lagging.append((before, kind.lag))
        else:
            low = max(low, before + 1)
    for before, lag in lagging:
        low = max(low, before - lag + 1)
    low = _with_known_starts(whole, low, high, lagging)
    if high - low < LEAST_TURNS or (high - low - 1) * period < least:
        return None
    turns = Turns(numbering, start + low * period, period, high - low)
    turns.columns = [
        c._replace(value=c.value + (low - middle) * c.step) if c.kind == "stack" else c for c in whole.columns
    ]
    _find_still(numbering, turns)
    return turns


def _rotation(numbering: Numbering, stretch: Stretch) -> int:
    """Return where in a period turns are to begin."""
    start, period = stretch.start, stretch.period
    if stretch.turns <= LEAST_TURNS:
        return 0
    low, high = numbering.at[start + period], numbering.at[start + 2 * period]
    operands = numbering.operands[low:high]
    readers = np.repeat(np.arange(period), np.diff(numbering.at[start + period : start + 2 * period + 1]))
    producers = numbering.producer(operands) - (start + period)
    reach: dict[int, int] = {}  # of each equation of a turn, how far behind it is the last that reads it
    for reader, producer in zip(readers.tolist(), producers.tolist(), strict=True):
        if -MOST_LAG * period <= producer < reader:
            slot = producer % period
            reach[slot] = max(reach.get(slot, 0), reader - producer)
    crossing = np.zeros(2 * period + 1, dtype=np.int64)
    for slot, distance in reach.items():
        crossing[slot + 1] += 1
        crossing[min(slot + distance, slot + period) + 1] -= 1
    total = np.cumsum(crossing)
    return int(np.argmin(total[:period] + total[period : 2 * period]))


def _judged(
    whole: Turns, column: np.ndarray, middle: int, loops: Sequence[Rolled]
) -> tuple[Column, np.ndarray]:
    """Return what an operand is, judged by the middle turn and the next one, and in which turns it is not."""
    turns = np.arange(whole.turns)
    here = int(column[middle])
    if here == LITERAL:
        return Column("each"), np.zeros(whole.turns, bool)
    step = int(column[middle + 1]) - here
    if step == 0:
        return Column("same", value=here), column != here
    if here >= whole.first:
        own = column - whole.first - whole.results * turns
        relative = int(own[middle])
        bad = own != relative
        if relative >= 0:
            return Column("inner", out=relative), bad
        lag = -(relative // whole.results)
        if lag <= MOST_LAG:
            return Column("lag", out=relative + lag * whole.results, lag=lag), bad
        return Column("each"), np.ones(whole.turns, bool)
    for k, loop in enumerate(loops):
        if loop.first <= here < loop.end and not step % loop.results:
            place = here - loop.first
            bad = (column != here + (turns - middle) * step) | (column < loop.first) | (column >= loop.end)
            turn, out = divmod(place, loop.results)
            return Column("stack", out=out, loop=k, step=step // loop.results, value=turn), bad
    return Column("each"), column >= whole.first


def _with_known_starts(whole: Turns, low: int, high: int, lagging: list[tuple[int, int]]) -> int:
    """Return the first turn, from `low` on, before which there is all that it and the next ones read of turns before."""
    lags = [(k, c.lag) for k, c in enumerate(whole.columns) if c.kind == "lag"]
    while low < high:
        begin = whole.first + whole.results * low
        late = [
            k for k, lag in lags for turn in range(low, min(low + lag, high)) if whole.table[turn, k] >= begin
        ]
        each = [k for k, c in enumerate(whole.columns) if c.kind in ("each", "same")]
        if not late and not (whole.table[low:high, each] >= begin).any():
            return low
        low += 1
    return low


def _find_still(numbering: Numbering, turns: Turns) -> None:
    """Find literals that are the same in all turns, and equations that compute the same."""
    outs: list[bool] = []  # of each result of a turn
    at = 0
    for slot, equation in enumerate(turns.equations):
        still = not (equation.primitive.effect or equation.primitive.opaque)
        for position, atom in enumerate(equation.inputs):
            column = turns.columns[at + position]
            if type(atom) is Literal:
                values = turns.literals(numbering, slot, position)
                if same_bits(values):
                    turns.columns[at + position] = Column("same", value=LITERAL)
                else:
                    still = False
            elif column.kind == "inner":
                still = still and outs[column.out]
            elif column.kind != "same":
                still = False
        if not all(map(same_bits, turns.numbers(numbering, slot))):
            still = False
        turns.still.append(still)
        outs += [still] * len(equation.outputs)
        at += len(equation.inputs)
