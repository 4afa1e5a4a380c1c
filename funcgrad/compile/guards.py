"""Python's branches under jit: one program for each way a function goes, and the check that arguments go that way.

A function is pure, so it can be run for arguments that go another way: its results are thrown away, and the program
for the right way is run instead, which is staged and compiled when it is first needed.
"""

from collections.abc import Callable, Sequence
from threading import RLock
from typing import Any

import numpy as np

from funcgrad import tree
from funcgrad.compile.called import callable_of, jit_call
from funcgrad.core.decisions import Decisions, Undecided
from funcgrad.core.interpret import run
from funcgrad.core.program import Program, pruned
from funcgrad.core.tracer import Tracer, bind, concrete
from funcgrad.errors import ConcretizationError

__all__ = ["Guarded"]

# The most ways a function may go, for arguments of one signature; and the most decisions on one way.
WAYS = 32
DECISIONS = 1000


class _Way:
    """One way a function goes: the program, whose last outputs are what Python decided on."""

    def __init__(self, program: Program, decisions: Decisions, backend: str):
        self.program = program
        self.answers = decisions.answers
        self.places = decisions.places
        self.backend = backend
        self.count = len(program.outputs) - len(self.answers)
        self.captured = [value for _, value in program.constants if type(value) is Tracer]
        self.call: Callable | None = None

    def run(self, leaves: Sequence[Any]) -> tuple[list[Any], tuple[bool, ...]]:
        """Return the results, and how these arguments decide (only true up to the first that differs)."""
        try:
            out = self._outputs(leaves)
        except Exception:
            found = self.decided(leaves)  # on another way the program may fail where the function does not
            if found == self.answers:
                raise
            return [], found
        return out[: self.count], tuple(bool(concrete(x)) for x in out[self.count :])

    def _outputs(self, leaves):
        if self.captured or any(type(x) is Tracer for x in leaves):
            program = self.program
            if self.captured:
                inner = [var for var, value in program.constants if type(value) is Tracer]
                plain = tuple(pair for pair in program.constants if type(pair[1]) is not Tracer)
                program = Program(
                    (*program.inputs, *inner), plain, program.equations, program.outputs, name=program.name
                )
            return list(bind(jit_call, *leaves, *self.captured, program=program, backend=self.backend))
        if self.call is None:
            self.call = callable_of(self.program, self.backend)
        out = self.call(*leaves)
        return [out] if len(self.program.outputs) == 1 else list(out)

    def decided(self, leaves: Sequence[Any]) -> tuple[bool, ...]:
        """Return how these arguments decide, by what the decisions need alone."""
        asked = self.program.outputs[self.count :]
        equations, constants = pruned(self.program.equations, self.program.constants, asked)
        return _decided(Program(self.program.inputs, constants, equations, asked), leaves)


def _decided(program: Program, leaves: Sequence[Any]) -> tuple[bool, ...]:
    with np.errstate(all="ignore"):
        return tuple(bool(concrete(x)) for x in run(program, [concrete(x) for x in leaves]))


class Guarded:
    """A function of arguments of one signature, by the ways it goes.

    Args:
        owner: for messages.
        stage: gives the program for decisions.
        first: gives the first of them.
    """

    def __init__(self, owner: str, stage: Callable[[Decisions], Program], first: Program, backend: str):
        self.owner = owner
        self._first = first
        self.captures = False  # traced values of a transformation around it
        self._stage = stage
        self._backend = backend
        self._ways: dict[tuple[bool, ...], _Way] = {}
        self._last: _Way | None = None
        self._lock = RLock()

    def __call__(self, leaves: Sequence[Any]) -> Any:
        """Return the function's result."""
        way = self._last or self._way(leaves, ())
        for _ in range(WAYS + DECISIONS):
            out, found = way.run(leaves)
            if found == way.answers:
                self._last = way
                assert way.program.out_tree is not None
                return tree.unflatten(way.program.out_tree, out)
            same = next(i for i, (a, b) in enumerate(zip(found, way.answers, strict=True)) if a != b)
            way = self._way(leaves, found[: same + 1])
        raise ConcretizationError(
            f"{self.owner}: expected decisions that are the same each time, got others."
        )

    def _way(self, leaves: Sequence[Any], beginning: tuple[bool, ...]) -> _Way:
        """Return a way that begins so: a known one, or else that of these arguments."""
        with self._lock:
            for answers, way in self._ways.items():
                if answers[: len(beginning)] == beginning:
                    return way
            decisions = Decisions(beginning or _decided(self._first, leaves))
            while True:
                try:
                    program = self._stage(decisions)
                    break
                except Undecided as stop:
                    answers = _decided(stop.program, leaves)
                    if len(answers) > DECISIONS or len(self._ways) >= WAYS:
                        raise self._too_many(decisions, len(answers) > DECISIONS) from None
                    decisions = Decisions(answers)
            if len(self._ways) >= WAYS:
                raise self._too_many(decisions, False)
            way = self._ways[decisions.answers] = _Way(program, decisions, self._backend)
            self.captures = self.captures or bool(way.captured)
            return way

    def _too_many(self, decisions: Decisions, long: bool) -> ConcretizationError:
        what = f"a way of up to {DECISIONS} decisions" if long else f"up to {WAYS} ways through its decisions"
        return ConcretizationError(
            f"{self.owner}: expected {what} on values, got more.",
            hint="use fg.while_loop(condition, step, x) in place of `while`, and fg.cond(x > 0, f, g, x) or "
            "fg.numpy.where in place of `if`: they are one program, whichever way it goes.",
            at=decisions.places[-1] if decisions.places else None,
        )

    def __str__(self) -> str:
        return f"{len(self._ways)} way{'s' * (len(self._ways) != 1)} through its decisions on values"
