"""One way that a function with Python's branches goes: its program, and the check that arguments go that way.

A program that only computes is run first and asked afterwards how it was decided: on the wrong way its results are
thrown away. One that prints, may raise or may not end must not run in vain. There the decisions are made first, and in
rounds where one decision allows what another needs.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from funcgrad.compile.jit_call import callable_of, closed, jit_call
from funcgrad.core.decisions import Decisions, Values
from funcgrad.core.effects import is_observable, without_effects
from funcgrad.core.interpret import run
from funcgrad.core.program import Atom, Equation, Program, Var
from funcgrad.core.staging import stage_flat
from funcgrad.core.tracer import Tracer, bind, concrete
from funcgrad.primitives.broadcasting import reshape
from funcgrad.primitives.logic import equal
from funcgrad.primitives.reduction import argmin
from funcgrad.primitives.shape import concatenate

__all__ = ["Answers", "Way"]

Answers = tuple[bool, ...]


class Way:
    """One way a function goes: the program, whose last outputs are what Python decided on."""

    def __init__(self, program: Program, decisions: Decisions, backend: str):
        self.program = program
        self.answers = decisions.answers
        self.places = decisions.places
        self.backend = backend
        self.count = len(program.outputs) - len(self.answers)
        self.checking = _checking(program, self.count, self.answers)
        self.captured = [value for _, value in program.constants if type(value) is Tracer]
        self.call: Callable | None = None
        self._deciding: dict[int, Callable] = {}

    def run(self, leaves: Sequence[Any], *, known: bool = False) -> tuple[list[Any], Answers]:
        """Return the results, and how these arguments decide, up to the first decision that differs.

        Args:
            known: these are the arguments for which the program was staged, so they go this way.
        """
        try:
            for number, (first, last) in enumerate(() if known else self._rounds):
                found = self._decide(number, first, last, leaves)
                if found != self.answers[first:last]:
                    return [], self.answers[:first] + found
            out = self._outputs(leaves)
        except (ArithmeticError, ValueError, LookupError):  # what fails on one way may not be met on another
            found = self._decided_alone(leaves)
            if found == self.answers:
                raise
            return [], found
        if self._rounds or not self.answers:
            return out[: self.count], self.answers
        same = int(concrete(out[self.count]))
        if same == len(self.answers):
            return out[: self.count], self.answers
        return [], (*self.answers[:same], not self.answers[same])

    def _outputs(self, leaves):
        if self.captured or any(type(x) is Tracer for x in leaves):
            program = closed(self.checking) if self.captured else self.checking
            return list(bind(jit_call, *leaves, *self.captured, program=program, backend=self.backend))
        if self.call is None:
            self.call = callable_of(self.checking, self.backend)
        out = self.call(*leaves)
        return [out] if len(self.checking.outputs) == 1 else list(out)

    @cached_property
    def _rounds(self) -> list[tuple[int, int]]:
        """The decisions that can be made together before the program runs, as ranges; none where it may run in vain."""
        if not self.answers or not any(map(is_observable, self.program.equations)):
            return []
        rounds, allowed, first = [], 0, 0
        for i, needs in enumerate(_observed(self.program, self.program.outputs[self.count :])):
            if i > first and needs & ~allowed:
                rounds.append((first, i))
                first = i
            allowed |= needs
        return [*rounds, (first, len(self.answers))]

    def _decide(self, number: int, first: int, last: int, leaves: Sequence[Any]) -> Answers:
        if self.captured or any(type(x) is Tracer for x in leaves):
            with np.errstate(all="ignore"):
                out = run(self._asking(first, last), [concrete(x) for x in leaves])
            return tuple(bool(concrete(x)) for x in out)
        if number not in self._deciding:
            self._deciding[number] = callable_of(self._asking(first, last), self.backend)
        out = self._deciding[number](*leaves)
        return tuple(map(bool, out)) if last - first > 1 else (bool(out),)

    def _decided_alone(self, leaves: Sequence[Any]) -> Answers:
        """Return the decisions, one by one, up to the first that differs."""
        program = self.program.flat
        values = Values(program.equations, zip(program.inputs, map(concrete, leaves), strict=True))
        for i, (atom, answer) in enumerate(zip(program.outputs[self.count :], self.answers, strict=True)):
            if bool(concrete(values.of(atom, program.constants))) is not answer:
                return (*self.answers[:i], not answer)
        return self.answers

    def _asking(self, first: int, last: int) -> Program:
        """Return the program that makes some of the decisions, and does nothing else."""
        asked = self.program.outputs[self.count :][first:last]
        return without_effects(self.program.flat.computing(asked))


def _checking(program: Program, count: int, answers: Answers) -> Program:
    """Return the program that tells, in place of its decisions, how many of them are made as they were, up to the first
    that is not."""
    if not answers:
        return program

    def same(*decisions):
        made = concatenate(*[reshape(d, shape=(1,)) for d in decisions], axis=0)
        alike = concatenate(equal(made, np.array(answers)), np.array([False]), axis=0)
        return [argmin(alike, axis=0)]

    asked = program.outputs[count:]
    tail = stage_flat(same, [a.type for a in asked], program.name)
    atoms: dict[Atom, Atom] = dict(zip(tail.inputs, asked, strict=True))
    equations = [
        Equation(
            e.primitive,
            tuple(atoms.get(a, a) if isinstance(a, Var) else a for a in e.inputs),
            e.params,
            e.outputs,
            e.source,
        )
        for e in tail.equations
    ]
    return program.replaced(
        constants=(*program.constants, *tail.constants),
        equations=(*program.equations, *equations),
        outputs=(*program.outputs[:count], *tail.outputs),
    )


def _observed(program: Program, atoms: Sequence[Atom]) -> list[int]:
    """Return, for each atom, which observable equations it needs: a bit for each."""
    needs: dict[Atom, int] = {}
    bit = 1
    for equation in program.equations:
        mask = 0
        for atom in equation.inputs:
            mask |= needs.get(atom, 0) if type(atom) is Var else 0
        if is_observable(equation):
            mask |= bit
            bit <<= 1
        needs.update(dict.fromkeys(equation.outputs, mask))
    return [needs.get(atom, 0) if type(atom) is Var else 0 for atom in atoms]
