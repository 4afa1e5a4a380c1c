"""Rolling: repeated runs of equations become `scan`s, inner loops before outer ones.

What goes from turn to turn is the carry; what is the same in all turns is captured, and computed once before; literals that
differ are a table; what an earlier loop has computed in each turn is read where that stacked it; `x[i]` is a slice of x.
The results are the same to the bit: the same operations are done, in the same order.
"""

from typing import Any, NamedTuple

from funcgrad.core.effects import with_bodies
from funcgrad.core.program import Atom, Equation, Program, Var, pruned
from funcgrad.core.types import ArrayType
from funcgrad.primitives.indexing import index
from funcgrad.primitives.keys import Key
from funcgrad.programs.rolling.loop import Loop
from funcgrad.programs.rolling.numbering import Numbering
from funcgrad.programs.rolling.periods import LEAST_SAVED, LEAST_SAVED_FIRST, Stretch, stretches
from funcgrad.programs.rolling.slices import NotALoop
from funcgrad.programs.rolling.turns import Rolled, Turns, aligned, analyzed
from funcgrad.programs.rolling.writer import Writer

__all__ = ["Report", "report_of", "rolled"]

# Loops within loops within loops: each level is a pass over what is left.
MOST_LEVELS = 6


class Report(NamedTuple):
    """What came of turns that are alike: a loop, or why not."""

    turns: int
    equations: int
    source: Any
    refused: str = ""

    def __str__(self) -> str:
        what = f"{self.turns:,} turns of {self.equations:,} equations"
        place = f", at {self.source}" if self.source else ""
        return f"{what} are {'not one loop: ' + self.refused if self.refused else 'one loop'}{place}"


def report_of(program: Program) -> list[Report]:
    """Return what `rolled` found in making this program."""
    return program.__dict__.get("_report", [])


def rolled(program: Program) -> Program:
    """Return the program with its repeated runs of equations as loops, those in its bodies included.

    Cost: linear in the number of equations, for each level of nesting.
    """
    program = with_bodies(program, rolled)
    report: list[Report] = []
    for least in (LEAST_SAVED_FIRST, LEAST_SAVED):
        for _ in range(MOST_LEVELS):
            after = _rolled_once(program, least, report)
            if after is program:
                break
            program = after
    if report:
        program.__dict__["_report"] = report
    return program


def _rolled_once(program: Program, least: int, report: list[Report]) -> Program:
    """Return the program with the innermost loops rolled; the program itself where there are none."""
    if len(program.equations) < least:
        return program
    numbering = Numbering(program)

    def accepted(stretch: Stretch) -> Stretch | None:
        turns = analyzed(numbering, aligned(numbering, stretch), least, ())
        return None if turns is None else Stretch(turns.start, turns.end, turns.period)

    found = stretches(numbering.codes, least, accepted)
    rewriting = _Rewriting(program, numbering, report)
    for stretch in found:
        turns = analyzed(numbering, stretch, least, rewriting.seen)
        if turns is not None:
            rewriting.take(turns)
    return rewriting.program() if rewriting.loops else program


class _Rewriting:
    """The program as it is written anew, from the first equation on."""

    def __init__(self, program: Program, numbering: Numbering, report: list[Report]):
        self.report = report
        self.old = program
        self.numbering = numbering
        self.writer = Writer(program.constants)
        self.loops: list[Loop] = []
        self.seen: list[Rolled] = []
        self._at = 0  # the equations before are written
        self._elements: dict[tuple[Var, int], Var] = {}

    def take(self, turns: Turns) -> None:
        """Write what is before a loop, and the loop itself if it can be one."""
        if turns.start < self._at:
            return
        self._write(turns.start)
        found = Report(turns.turns, turns.period, turns.equations[0].source)
        try:
            loop = Loop(turns, self.numbering, self.writer, self)
        except NotALoop as why:
            found = found._replace(refused=str(why))
            if str(why) and found not in self.report:
                self.report.append(found)
            return
        self.report.append(found)
        self.loops.append(loop)
        self.seen.append(Rolled(turns.first, turns.results, turns.turns))
        self._at = turns.end

    def program(self) -> Program:
        """Return the whole, after the last loop."""
        self._write(len(self.old.equations))
        outputs = tuple(map(self._atom, self.old.outputs))
        equations, constants = pruned(self.writer.equations, self.writer.constants, outputs)
        return self.old.replaced(outputs=outputs, equations=equations, constants=constants)

    # What loops ask.

    def variable(self, number: int) -> Atom:
        """Return the variable of this number: where a loop has assigned it, an element of what that stacked."""
        if self.seen and number >= self.seen[0].first:
            for seen, loop in zip(self.seen, self.loops, strict=True):
                if seen.first <= number < seen.end:
                    turn, out = divmod(number - seen.first, seen.results)
                    found = loop.result(out, turn)
                    kind = self.numbering.variables[number].type
                    return self._element(*found, kind, loop.source) if isinstance(found, tuple) else found
        return self.numbering.variables[number]

    def stacked(self, loop: int) -> Loop:
        """Return an earlier loop."""
        return self.loops[loop]

    def _element(self, array: Var, position: int, kind: ArrayType, source: Any) -> Var:
        """Return an element along the first axis, taken out once; a Python number where it was one."""
        known = self._elements.get((array, position))
        if known is None:
            known = self.writer.add(index, (array,), source, key=Key((position,)))
            known.type = kind
            self._elements[array, position] = known
        return known

    def _atom(self, atom: Atom) -> Atom:
        return self.variable(self.numbering.number[atom]) if type(atom) is Var else atom

    def _write(self, end: int) -> None:
        for equation in self.old.equations[self._at : end]:
            if self.seen:
                inputs = tuple([self._atom(a) for a in equation.inputs])
                equation = Equation(
                    equation.primitive, inputs, equation.params, equation.outputs, equation.source
                )
            self.writer.equations.append(equation)
        self._at = max(self._at, end)
