"""Programs apart from the numbers in them: so the bodies of inner loops are alike though their numbers move."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from funcgrad.core.program import Equation, Literal, Program, Var
from funcgrad.core.staging import Staging
from funcgrad.core.tracer import bind
from funcgrad.core.types import ArrayType

__all__ = ["Skeleton", "array_dtype", "skeleton", "with_numbers"]


class Skeleton(NamedTuple):
    """A program apart from its numbers.

    Attributes:
        structure: equal for programs that differ in their numbers alone.
        numbers: literals, and whole numbers in parameters (`positions_rule`), in the order of the equations.
    """

    structure: Any
    numbers: tuple[Any, ...]


def skeleton(program: Program) -> Skeleton:
    """Return the structure of a program and its numbers; kept with the program."""
    known = program.__dict__.get("_skeleton")
    if known is None:
        known = program.__dict__["_skeleton"] = _skeleton(program)
    return known


def _skeleton(program):
    names: dict[Var, int] = {}
    for var in (*program.inputs, *(var for var, _ in program.constants)):
        names[var] = len(names)
    if program.constants:  # arrays are told apart by the program itself
        return Skeleton(program.fingerprint, ())
    parts: list[Any] = [program.in_types]
    numbers: list[Any] = []
    for equation in program.equations:
        stays, moving = _numbers_of(equation)
        numbers += moving
        for var in equation.outputs:
            names[var] = len(names)
        operands = tuple(
            [names[a] if type(a) is Var else _of_literal(equation, k) for k, a in enumerate(equation.inputs)]
        )
        parts.append((equation.primitive.name, stays, operands, tuple([v.type for v in equation.outputs])))
    results = tuple([names[a] if type(a) is Var else (type(a.value), repr(a.value)) for a in program.outputs])
    return Skeleton((tuple(parts), results), tuple(numbers))


def _numbers_of(equation: Equation) -> tuple[Any, list[Any]]:
    """Return what stays of an equation's parameters, and its numbers: those in them, then its literals."""
    primitive, params = equation.primitive, equation.params
    stays: Any = tuple(params.items())
    numbers: list[Any] = []
    if primitive.positions_rule is not None:
        stays, given = primitive.positions_rule(*[a.type for a in equation.inputs], **params)
        numbers += given
    for position, atom in enumerate(equation.inputs):
        if type(atom) is Literal:
            dtype = array_dtype(equation, position)
            if dtype is not None:
                numbers.append(dtype.type(atom.value))
    return stays, numbers


def _of_literal(equation: Equation, position: int) -> Any:
    """Return what stays of a literal: its type; or its value, where an array in its place would do something else."""
    atom = equation.inputs[position]
    if array_dtype(equation, position) is not None:
        return atom.type
    return type(atom.value), repr(atom.value)


def array_dtype(equation: Equation, position: int) -> np.dtype | None:
    """Return the dtype of the number that does, as an array, what the literal in its place does; None where none may.

    A Python number takes the dtype of what it meets.
    """
    kind = equation.inputs[position].type
    if not kind.weak:
        return kind.dtype
    types = [a.type for a in equation.inputs]
    others = [t.dtype for t in types if not t.weak]
    dtype = np.result_type(*others, equation.inputs[position].value) if others else kind.dtype
    types[position] = ArrayType((), dtype)
    if equation.primitive.multiple:
        return None
    stated = equation.primitive.type_rule(*types, **equation.params)
    return dtype if stated.strong() == equation.outputs[0].type.strong() else None


def with_numbers(program: Program, moving: Sequence[bool], at: int) -> Program:
    """Return the program with those of its numbers that move as inputs, in front of input `at`."""
    numbers = skeleton(program).numbers
    with Staging(program.name, snapshot=False) as staging:
        given = [staging.input(t.strong()) for t in program.in_types]
        values = [
            staging.input(ArrayType((), np.asarray(x).dtype))
            for x, m in zip(numbers, moving, strict=True)
            if m
        ]
        left = iter(values)
        chosen = iter([next(left) if m else None for m in moving])
        known: dict[Any, Any] = dict(zip(program.inputs, given, strict=True))
        for equation in program.equations:
            out = _evaluated(staging, equation, known, chosen)
            known.update(zip(equation.outputs, out if equation.primitive.multiple else (out,), strict=True))
        outputs = [known[a] if type(a) is Var else a.value for a in program.outputs]
        inputs = [*given[:at], *values, *given[at:]]
        return staging.program(
            [t.node for t in inputs], [staging.atom(x) for x in outputs], name=program.name
        )


def _evaluated(staging, equation, known, chosen):
    """Evaluate an equation on tracers, with its numbers as they are chosen: None for one that stays."""
    primitive, params = equation.primitive, equation.params
    own = []
    if primitive.positions_rule is not None:
        given = primitive.positions_rule(*[a.type for a in equation.inputs], **params)[1]
        own = [(next(chosen), number) for number in given]
    args = []
    for position, atom in enumerate(equation.inputs):
        if type(atom) is Var:
            args.append(known[atom])
            continue
        value = next(chosen) if array_dtype(equation, position) is not None else None
        args.append(atom.value if value is None else value)
    before = len(staging.equations)
    if any(value is not None for value, _ in own):
        places = [number if value is None else value for value, number in own]
        out = primitive.moving_rule(places, *args, **params)
    else:
        out = bind(primitive, *args, **params)
    for new in staging.equations[before:]:
        new.source = equation.source
    return out
