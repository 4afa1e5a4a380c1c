"""Decisions of Python on staged values: what was asked, and the answers a program is staged for."""

from collections import Counter
from collections.abc import Iterable, Sequence
from types import CodeType
from typing import Any

import numpy as np

from funcgrad.core.effects import replaced_programs, without_effects
from funcgrad.core.program import Atom, Equation, Literal, Var
from funcgrad.core.tracer import Tracer, bind, refresh
from funcgrad.core.weakness import weaken
from funcgrad.source import Location, user_code, user_location

__all__ = ["Decisions", "Undecided", "Values", "has_value", "truth"]

# How often Undecided is raised in one run of a function.
MOST_SWALLOWED = 100
# Of values in more memory than this, those not read for long are forgotten, and computed again where they are needed.
MOST_BYTES = 1 << 28


class Undecided(BaseException):
    """Stops staging where a decision has no answer yet. No `except Exception` of the user's catches it.

    Attributes:
        program: gives what has been asked so far, from the arguments, where it is known.
    """

    def __init__(self, program: Any = None):
        super().__init__()
        self.program = program


class Values:
    """What is staged, computed for some arguments: each equation once, and only where its result is asked for.

    Args:
        equations: of the staging, which adds to them.
        known: the values of its inputs.
    """

    def __init__(self, equations: Sequence[Equation], known: Iterable[tuple[Var, Any]]):
        self._equations = equations
        self._given = dict(known)
        self._computed: dict[Var, Any] = {}  # those that were read last at the end
        self._made_by: dict[Var, int] = {}
        self._seen = self._constants = 0
        self._bytes = 0

    def of(self, atom: Atom, constants: Sequence[tuple[Var, Any]]) -> Any:
        """Return the value of an atom. What has effects has none here."""
        for i in range(self._seen, len(self._equations)):
            self._made_by.update(dict.fromkeys(self._equations[i].outputs, i))
        self._given.update(constants[self._constants :])
        self._seen, self._constants = len(self._equations), len(constants)
        equations = self._missing(atom)
        reads = Counter(a for e in equations for a in e.inputs if isinstance(a, Var))
        for equation in equations:
            self._compute(equation)
            reads.subtract(a for a in equation.inputs if isinstance(a, Var))
            if self._bytes > MOST_BYTES:
                self._forget({*+reads, *equation.outputs})
        return self._read(atom)

    def _missing(self, atom: Atom) -> list[Equation]:
        """Return the equations to be computed before an atom is known, in order."""
        found: set[int] = set()
        pending = [atom]
        while pending:
            a = pending.pop()
            if isinstance(a, Var) and a not in self._given and a not in self._computed:
                i = self._made_by[a]
                if i not in found:
                    found.add(i)
                    pending += self._equations[i].inputs
        return [self._equations[i] for i in sorted(found)]

    def _forget(self, needed: set[Var]) -> None:
        """Forget what was not read for longest, and is not needed now, down to half of the memory."""
        for var in [v for v in self._computed if v not in needed]:
            if self._bytes <= MOST_BYTES // 2:
                break
            del self._computed[var]
            self._bytes -= var.type.nbytes

    def _read(self, atom: Atom) -> Any:
        if isinstance(atom, Literal):
            return atom.value
        if atom in self._given:
            return self._given[atom]
        value = self._computed[atom] = self._computed.pop(atom)
        return value

    def _compute(self, equation: Equation) -> None:
        params = replaced_programs(equation.params, without_effects)
        with np.errstate(all="ignore"):
            out = bind(equation.primitive, *map(self._read, equation.inputs), **params)
        for var, y in zip(equation.outputs, out if equation.primitive.multiple else (out,), strict=True):
            self._bytes += 0 if var in self._computed else var.type.nbytes
            self._computed[var] = weaken(y) if var.type.weak else y


class Decisions:
    """The answers to `if`, `while`, `and`, `or` and `not` on values of one staging, in the order they are asked.

    Args:
        answers: known from the values of some arguments; a program staged with them holds for all arguments that
            give the same.
        leaves: the values of the staging's arguments, which give the answers behind these; without them there are none.
        most: how many answers they may give.

    Attributes:
        asked, places, codes: what decided, where, and in the code of which functions.
    """

    __slots__ = (
        "_answers",
        "_leaves",
        "_most",
        "_staging",
        "_unanswered",
        "_values",
        "asked",
        "codes",
        "places",
    )

    def __init__(
        self, answers: tuple[bool, ...] = (), leaves: Sequence[Any] | None = None, most: float = float("inf")
    ):
        self._answers = list(answers)
        self._leaves = leaves
        self._most = most
        self._staging: Any = None
        self._values: Values | None = None
        self.asked: list[Any] = []
        self.places: list[Location | None] = []
        self.codes: set[CodeType | None] = set()
        self._unanswered = 0

    def restart(self) -> None:
        """Forget what has been asked: the function is staged once more."""
        self.asked, self.places, self._unanswered, self._staging, self._values = [], [], 0, None, None

    def follow(self, staging: Any, inputs: Sequence[Var]) -> None:
        """Take notice of a staging that begins: what it does is computed for the leaves, where a decision needs it."""
        if self._leaves is not None:
            self._staging = staging
            self._values = Values(staging.equations, zip(inputs, self._leaves, strict=True))

    @property
    def answers(self) -> tuple[bool, ...]:
        return tuple(self._answers)

    @property
    def complete(self) -> bool:
        """Whether all that was asked had an answer."""
        return not self._unanswered

    def answer(self, atom: Any) -> bool:
        """Note that `atom` decides, and return how."""
        known = len(self._answers)
        if not self._unanswered and len(self.asked) == known < self._most and self._values is not None:
            self._answers.append(bool(self._values.of(atom, self._staging.constants)))
        if self._unanswered or len(self.asked) == len(self._answers):
            return self._stop(atom)
        self.asked.append(atom)
        self.places.append(user_location(3))
        self.codes.add(user_code(3))
        return self._answers[len(self.asked) - 1]

    def _stop(self, atom: Any) -> bool:
        """Raise Undecided, once the first decision without an answer is noted.

        A bare `except:`, or a `return` in `finally`, may swallow it, and then what runs on is no way of the function.
        A loop that swallows it every time is answered one way and the other, so that it ends.
        """
        if not self._unanswered:
            self.asked.append(atom)
            self.places.append(user_location(4))
            self.codes.add(user_code(4))
        self._unanswered += 1
        if self._unanswered > MOST_SWALLOWED:
            return self._unanswered % 2 == 0
        raise Undecided


def has_value(x: Any) -> bool:
    """Whether there is one NumPy value behind an argument: it is staged on no level, and batched on none."""
    while type(x) is Tracer:
        if not x.tracing.transparent:
            return False
        x = x.value
    return True


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
