"""Python's branches under jit: one program for each way a function goes, staged and compiled when it is first needed."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from funcgrad import tree
from funcgrad.compile.advice import advise
from funcgrad.compile.ways import Answers, Way
from funcgrad.core.decisions import Decisions, Undecided, has_value
from funcgrad.core.program import Program
from funcgrad.core.tracer import concrete
from funcgrad.errors import ConcretizationError
from funcgrad.locks import forkable_lock
from funcgrad.source import Location

__all__ = ["Guarded"]

# The most ways a function may go, for arguments of one signature; the most equations of all of them, as each is compiled
# on its own; and the most decisions on one way.
MOST_WAYS = 32
MOST_EQUATIONS = 100_000
MOST_DECISIONS = 10_000


class Guarded:
    """A function of arguments of one signature, by the ways it goes.

    Args:
        owner: for messages.
        stage: gives the program for decisions.
        interpret: calls the function itself on flat arguments.
    """

    def __init__(
        self,
        owner: str,
        stage: Callable[[Decisions], Program],
        interpret: Callable[[Sequence[Any]], Any],
        backend: str,
    ):
        self.owner = owner
        self.captures = False  # traced values of a transformation around it
        self._stage = stage
        self._interpret = interpret
        self._backend = backend
        self._ways: dict[Answers, Way] = {}
        self._last: Way | None = None
        self._exhausted = False  # it goes more ways than are compiled
        self._lock = forkable_lock()

    def __call__(self, leaves: Sequence[Any]) -> Any:
        """Return the function's result."""
        if self._exhausted or not all(map(has_value, leaves)):  # a staging around this one decides
            return self._interpret(leaves)
        way, staged = self._last, False
        beginning: Answers = ()
        for _ in range(MOST_WAYS + MOST_DECISIONS):
            if way is None:
                way, staged = self._way(leaves, beginning)
            if way is None or not all(map(has_value, way.captured)):
                return self._interpret(leaves)
            out, found = way.run(leaves, known=staged)
            if found == way.answers:
                self._last = way
                assert way.program.out_tree is not None
                return tree.unflatten(way.program.out_tree, out)
            same = next(i for i, (a, b) in enumerate(zip(found, way.answers, strict=False)) if a != b)
            beginning, way = found[: same + 1], None
        raise ConcretizationError(
            f"{self.owner}: expected decisions that are the same each time, got others."
        )

    def _way(self, leaves: Sequence[Any], beginning: Answers) -> tuple[Way | None, bool]:
        """Return a way that begins so, and whether it was staged for these arguments; None where there are too many."""
        with self._lock:
            for answers, way in self._ways.items():
                if answers[: len(beginning)] == beginning:
                    return way, False
            size = sum(len(way.program.equations) for way in self._ways.values())
            if len(self._ways) >= MOST_WAYS or size > MOST_EQUATIONS:
                many = f"more than {len(self._ways)} ways"
                self._give_up(many, [p for way in self._ways.values() for p in way.places])
                return None, False
            decisions = Decisions(beginning, [concrete(x) for x in leaves], MOST_DECISIONS)
            try:
                program = self._stage(decisions)
            except Undecided:
                if decisions.complete:  # it is a staging around this one that has no answer
                    raise
                many = f"more than {MOST_DECISIONS} decisions on one way"
                self._give_up(many, decisions.places)
                return None, False
            way = self._ways[decisions.answers] = Way(program, decisions, self._backend)
            advise(way.checking, self.owner)
            self.captures = self.captures or bool(way.captured)
            return way, True

    def _give_up(self, many: str, places: Sequence[Location | None]) -> None:
        """Leave the function to Python from now on, and say so."""
        self._exhausted = True
        warnings.warn(
            f"{self.owner}: goes {many} through its decisions on values, so it runs interpreted from now on.\n"
            "Hint: use fg.while_loop(condition, step, x) in place of `while`, and fg.cond(x > 0, f, g, x) or "
            "fg.numpy.where in place of `if`: they are one program, whichever way it goes.\n"
            f"At {places[-1]}",
            stacklevel=5,
        )

    @property
    def calls(self) -> list[Callable]:
        """What is called for the ways gone so far."""
        return [way.call for way in list(self._ways.values()) if way.call is not None]

    @property
    def programs(self) -> list[Program]:
        """The programs of the ways gone so far."""
        return [way.program for way in list(self._ways.values())]

    def __str__(self) -> str:
        if self._exhausted:
            return "interpreted, for it goes too many ways, or too long ones, through its decisions on values"
        return f"{len(self._ways)} way{'s' * (len(self._ways) != 1)} through its decisions on values"
