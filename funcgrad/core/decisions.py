"""Decisions of Python on staged values: what was asked, and the answers a program is staged for."""

from typing import Any

import numpy as np

from funcgrad.core.tracer import Tracer, refresh
from funcgrad.source import Location, user_location

__all__ = ["Decisions", "Undecided", "truth"]

# How often Undecided is raised in one run of a function.
MOST_SWALLOWED = 100


class Undecided(BaseException):
    """Stops staging where a decision has no answer yet. No `except Exception` of the user's catches it.

    Attributes:
        program: gives what has been asked so far, from the arguments, where it is known.
    """

    def __init__(self, program: Any = None):
        super().__init__()
        self.program = program


class Decisions:
    """The answers to `if`, `while`, `and`, `or` and `not` on values of one staging, in the order they are asked.

    Args:
        answers: known from the values of some arguments; a program staged with them holds for all arguments that
            give the same.
    """

    __slots__ = ("_unanswered", "answers", "asked", "places")

    def __init__(self, answers: tuple[bool, ...] = ()):
        self.answers = answers
        self.asked: list[Any] = []
        self.places: list[Location | None] = []
        self._unanswered = 0

    def restart(self) -> None:
        """Forget what has been asked: the function is staged once more."""
        self.asked, self.places, self._unanswered = [], [], 0

    @property
    def complete(self) -> bool:
        """Whether all that was asked had an answer."""
        return not self._unanswered

    def answer(self, atom: Any) -> bool:
        """Note that `atom` decides, and return how."""
        if self._unanswered or len(self.asked) == len(self.answers):
            return self._stop(atom)
        self.asked.append(atom)
        self.places.append(user_location(3))
        return self.answers[len(self.asked) - 1]

    def _stop(self, atom: Any) -> bool:
        """Raise Undecided, once the first decision without an answer is noted.

        A bare `except:`, or a `return` in `finally`, may swallow it, and then what runs on is no way of the function.
        A loop that swallows it every time is answered one way and the other, so that it ends.
        """
        if not self._unanswered:
            self.asked.append(atom)
            self.places.append(user_location(4))
        self._unanswered += 1
        if self._unanswered > MOST_SWALLOWED:
            return self._unanswered % 2 == 0
        raise Undecided


def truth(x: Any) -> bool | None:
    """Return the answer of the staging that a traced value belongs to, which collects decisions; None for others."""
    while type(x) is Tracer:
        if x.alias is not None and x.alias.has_base_or_block:
            refresh(x)
        trace: Any = x.tracing
        decisions = getattr(trace, "decisions", None)
        if decisions is not None and trace.alive and x.size == 1:
            kind = x.dtype.kind
            return decisions.answer(trace.atom(x if kind == "b" and not x.shape else np.reshape(x, ()) != 0))
        if not trace.transparent:
            return None
        x = x.value
    return None
