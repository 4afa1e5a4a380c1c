"""What `check` looks at: every program and loop, its counts, and the ratios of its times."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import funcgrad as fg
from bench import namespaces
from bench.control import loop_of
from bench.loops import LOOPS
from bench.measure import Budget, interleaved
from bench.programs import PROGRAMS
from bench.systems import asked
from funcgrad.compile.stages import Lowered

__all__ = ["COUNTS", "EXECUTED", "RATIOS", "Subject", "counts", "ratios", "subjects"]

EXECUTED = "executed instructions"
COUNTS = ("loops", "LLVM instructions", "scratch bytes", EXECUTED)
RATIOS = ("compiled / interpreted", "derivative / function")

_BUDGET = Budget(0.1, 9, 1)
_SMALL = 50_000  # flops


@dataclass(frozen=True)
class Subject:
    """A function and its derivative.

    Attributes:
        name: as recorded.
        function, derivative: of `args()`, to be compiled.
        args: makes the arguments, or has made them.
        loops: whether it is a loop, which takes seconds where it is interpreted.
    """

    name: str
    function: Callable
    derivative: Callable
    args: Callable[[], tuple[Any, ...]]
    loops: bool = False

    @cached_property
    def lowered(self) -> Lowered:
        return fg.jit(self.derivative).lower(*self.args())

    @property
    def small(self) -> bool:
        """Whether a call takes microseconds, so that it can be followed instruction by instruction."""
        return self.lowered.cost().flops < _SMALL

    def call(self, function: Callable, backend: str = "native") -> Callable[[], Any]:
        """Return a call of the function, compiled."""
        compiled, args = fg.jit(function, backend=backend), self.args()
        return lambda: compiled(*args)


def subjects() -> list[Subject]:
    xp = namespaces.of_numpy()
    found = [
        Subject(
            f"{p.derivative} of {p.name}, {p.size}",
            asked(fg, p, "function", xp),
            asked(fg, p, p.derivative, xp),
            partial(getattr, p, "args"),
        )
        for p in PROGRAMS
    ]
    for loop in LOOPS:
        function, args = loop_of(loop), loop.args
        name = f"gradient of {loop.name}, {loop.steps:,} steps"
        found.append(Subject(name, function, fg.grad(function), lambda args=args: args, loops=True))
    return found


def counts(subject: Subject) -> dict[str, float]:
    """Return what is exact about the compiled derivative."""
    lowered = subject.lowered
    return {
        "loops": len(re.findall(r"^ *(?:for|while) ", lowered.loops, re.MULTILINE)),
        "LLVM instructions": len(re.findall(r"^  \S", lowered.llvm, re.MULTILINE)),
        "scratch bytes": lowered.cost().peak_scratch,
    }


def ratios(subject: Subject) -> dict[str, float]:
    """Return ratios of times that were taken in turns."""
    calls = {name: subject.call(getattr(subject, name)) for name in ("function", "derivative")}
    if not subject.loops:
        calls["interpreted"] = subject.call(subject.derivative, backend="numpy")
    for call in calls.values():
        call()  # compiles
    best = {name: min(rounds) for name, rounds in interleaved(calls, _BUDGET).items()}
    found = {"derivative / function": best["derivative"] / best["function"]}
    if not subject.loops:
        found["compiled / interpreted"] = best["derivative"] / best["interpreted"]
    return found
