"""Python's branches under jit: one program for each way a function goes, staged and compiled when it is first needed."""

from collections.abc import Callable, Sequence
from types import CodeType
from typing import Any

from funcgrad import tree
from funcgrad.compile.advice import advise
from funcgrad.compile.ways import Answers, Way
from funcgrad.core.choosing import choosing
from funcgrad.core.decisions import Decisions, Undecided, has_value
from funcgrad.core.program import Program
from funcgrad.core.tracer import concrete
from funcgrad.errors import ConcretizationError
from funcgrad.locks import forkable_lock
from funcgrad.source import Location, warn_user

__all__ = ["Guarded"]

# A function is traced with branches that are choices where it goes a third way, or decides more often than this on its
# first.
SEEN_WAYS = 2
FEW_DECISIONS = 16
# The most ways a function may go, for arguments of one signature; the most equations of all of them, as each is compiled
# on its own; and the most decisions on one way.
MOST_WAYS = 32
MOST_EQUATIONS = 100_000
MOST_DECISIONS = 10_000


class Guarded:
    """A function of arguments of one signature, by the ways it goes.

    Args:
        owner: for messages.
        function: of Python.
        stage: gives its program for decisions.
        interpret: calls the function itself on flat arguments.
    """

    def __init__(
        self,
        owner: str,
        function: Callable,
        stage: Callable[[Decisions], Program],
        interpret: Callable[[Sequence[Any]], Any],
        backend: str,
    ):
        self.owner = owner
        self.captures = False  # traced values of a transformation around it
        self._function = function
        self._stage = stage
        self._interpret = interpret
        self._backend = backend
        self._ways: dict[Answers, Way] = {}
        self._last: Way | None = None
        self._exhausted = False  # it goes more ways than are compiled
        self._codes: set[CodeType | None] = set()  # of the functions that decide
        self._at_once = False  # whether branches are choices from the first way on
        self._choosing = False  # whether they are
        self._refusal = ""  # why that could not be
        self._lock = forkable_lock()

    def begin(self, program: Program, decisions: Decisions) -> None:
        """Take what was staged first: the first way, or so much of it as has few decisions."""
        self._codes |= decisions.codes
        if decisions.complete:
            self._last = self._added(program, decisions)
        else:
            self._at_once = bool(decisions.answers)

    def __call__(self, leaves: Sequence[Any], *, begun: bool = False) -> Any:
        """Return the function's result.

        Args:
            begun: the first way was staged for these arguments.
        """
        if self._exhausted or not all(map(has_value, leaves)):  # a staging around this one decides
            return self._interpret(leaves)
        way, staged = self._last, begun
        beginning: Answers = ()
        wrong: Way | None = None
        for _ in range(MOST_WAYS + MOST_DECISIONS):
            if way is None:
                way, staged = self._way(leaves, beginning, wrong)
            if way is None or not all(map(has_value, way.captured)):
                return self._interpret(leaves)
            out, found = way.run(leaves, known=staged)
            if found == way.answers:
                self._last = way
                assert way.program.out_tree is not None
                return tree.unflatten(way.program.out_tree, out)
            same = next(i for i, (a, b) in enumerate(zip(found, way.answers, strict=False)) if a != b)
            beginning, wrong, way = found[: same + 1], way, None
        raise ConcretizationError(
            f"{self.owner}: expected decisions that are the same each time, got others."
        )

    def _way(self, leaves: Sequence[Any], beginning: Answers, wrong: Way | None) -> tuple[Way | None, bool]:
        """Return a way that begins so, and whether it was staged for these arguments; None where there are too many.

        Args:
            wrong: the way that is left at the end of this beginning.
        """
        with self._lock:
            if wrong is not None and self._ways.get(wrong.answers) is not wrong:
                beginning = ()  # another thread has made branches choices since, and these are other decisions
            for answers, way in self._ways.items():
                if answers[: len(beginning)] == beginning:
                    return way, False
            refused = False
            if len(self._ways) == SEEN_WAYS or (self._at_once and not self._ways):
                if not (self._choosing or self._refusal):
                    chosen = self._with_choices(leaves)
                    if chosen is not None:
                        return chosen, True
                    refused = True
            size = sum(len(way.program.equations) for way in self._ways.values())
            if len(self._ways) >= MOST_WAYS or size > MOST_EQUATIONS:
                many = f"more than {len(self._ways)} ways"
                self._give_up(many, [p for way in self._ways.values() for p in way.places])
                return None, False
            decisions = Decisions(beginning, [concrete(x) for x in leaves], MOST_DECISIONS)
            try:
                program = self._staged(decisions)
            except Undecided:
                if decisions.complete:  # it is a staging around this one that has no answer
                    raise
                many = f"more than {MOST_DECISIONS} decisions on one way"
                self._give_up(many, decisions.places)
                return None, False
            except Exception as error:
                if refused:  # it is the function that fails: with other arguments its branches may be choices
                    self._refusal = ""
                return self._without_choices(leaves, error), True
            return self._added(program, decisions), True

    def _with_choices(self, leaves: Sequence[Any]) -> Way | None:
        """Return a way on which branches are choices, as it is not seen twice that the function goes the same; None where
        that cannot be, and say why."""
        self._choosing = True
        decisions = Decisions((), [concrete(x) for x in leaves], MOST_DECISIONS)
        try:
            program = self._staged(decisions)
        except (Exception, Undecided) as why:  # whatever is met on a side that is not gone
            self._refuse(str(why) or "more decisions are left than on one way")
            return None
        self._ways.clear()
        return self._added(program, decisions)

    def _without_choices(self, leaves: Sequence[Any], error: Exception) -> Way:
        """Return the way that Python goes, where the error met is not the function's own."""
        if not self._choosing:
            raise error
        decisions = Decisions((), [concrete(x) for x in leaves], MOST_DECISIONS)
        try:
            program = self._stage(decisions)
        except Undecided:
            raise error from None
        self._refuse(str(error))
        self._ways.clear()
        return self._added(program, decisions)

    def _refuse(self, why: str) -> None:
        """Trace branches the way they go from now on."""
        self._choosing, self._refusal = False, why.partition("\n")[0]

    def _staged(self, decisions: Decisions) -> Program:
        if not self._choosing:
            return self._stage(decisions)
        with choosing(self._function, self._codes) as any_branch:
            if not any_branch:
                raise ConcretizationError(
                    "its branches do more than compute, or their source is not at hand."
                )
            return self._stage(decisions)

    def _added(self, program: Program, decisions: Decisions) -> Way:
        self._codes |= decisions.codes
        way = self._ways[decisions.answers] = Way(program, decisions, self._backend)
        advise(way.checking, self.owner)
        self.captures = self.captures or bool(way.captured)
        return way

    def _give_up(self, many: str, places: Sequence[Location | None]) -> None:
        """Leave the function to Python from now on, and say so."""
        self._exhausted = True
        why = f"It is not one program for all, because {self._refusal}\n" if self._refusal else ""
        warn_user(
            f"{self.owner}: goes {many} through its decisions on values, so it runs interpreted from now on.\n{why}"
            "Hint: use fg.while_loop(condition, step, x) in place of `while`, and fg.cond(x > 0, f, g, x) or "
            "fg.numpy.where in place of `if`: they are one program, whichever way it goes.\n"
            f"At {places[-1]}"
        )

    @property
    def program(self) -> Program | None:
        """The program, where it is the same whichever way the function goes."""
        return next((way.program for answers, way in self._ways.items() if not answers), None)

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
        count = f"{len(self._ways)} way{'s' * (len(self._ways) != 1)} through its decisions on values"
        return f"{count}; not one program, because {self._refusal}" if self._refusal else count
