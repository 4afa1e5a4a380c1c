"""The laws of the IR: every variable is assigned once, before use, with the type its rule gives."""

from collections.abc import Sequence
from inspect import signature
from typing import Any

import numpy as np

from funcgrad.core.program import Equation, Literal, Program, Var, subprograms
from funcgrad.core.types import ArrayType, type_of
from funcgrad.errors import ProgramError
from funcgrad.tree import TreeDef

__all__ = ["check", "check_body", "check_number"]


def check(program: Program) -> Program:
    """Return `program` if it keeps the IR's laws.

    Raises:
        ProgramError: naming the equation and the law it breaks.
    """
    for what, structure, atoms in (
        ("inputs", program.in_tree, program.inputs),
        ("outputs", program.out_tree, program.outputs),
    ):
        if structure is not None and structure.size != len(atoms):
            raise ProgramError(f"check: expected {structure.size} {what} for {structure}, got {len(atoms)}.")
    if program.in_tree is not None and not _is_call(program.in_tree):
        raise ProgramError(f"check: expected inputs as (arguments, keywords), got {program.in_tree}.")
    known: set[Var] = set()

    def define(var, where):
        if not isinstance(var, Var) or not isinstance(var.type, ArrayType):
            raise ProgramError(f"check: {where} must define variables with types, got {var!r}.")
        if var in known:
            raise ProgramError(f"check: a variable is assigned once, but {where} assigns {var!r} again.")
        known.add(var)

    def use(atom, where):
        if isinstance(atom, Literal):
            if atom.type.shape != ():
                raise ProgramError(f"check: literals are scalars, but {where} has {atom!r}.")
        elif atom not in known:
            raise ProgramError(f"check: {where} uses {atom!r} before it is assigned.")

    for var in program.inputs:
        define(var, "the input list")
    for var, value in program.constants:
        define(var, "the constant list")
        if type_of(value).strong() != var.type.strong():
            raise ProgramError(f"check: constant {var!r} holds a {type_of(value)}.")
    for i, equation in enumerate(program.equations):
        where = f"equation {i} ({equation.primitive.name})"
        for atom in equation.inputs:
            use(atom, where)
        _check_parameters(equation, where)
        types = equation.primitive.type_rule(*(a.type for a in equation.inputs), **equation.params)
        expected = tuple(types) if equation.primitive.multiple else (types,)
        got = tuple(v.type for v in equation.outputs)
        # Python arithmetic on Python numbers may be marked weak beyond what the rule says.
        if [t.strong() for t in expected] != [t.strong() for t in got]:
            raise ProgramError(f"check: {where} has type rule {expected}, but its outputs are {got}.")
        for key, value in equation.params.items():
            try:
                hash(value)
            except TypeError:
                raise ProgramError(f"check: {where} has an unhashable parameter {key}.") from None
        for inner in subprograms(equation.params):
            check(inner)
        for var in equation.outputs:
            define(var, where)
    for atom in program.outputs:
        use(atom, "the output list")
    return program


def _check_parameters(equation: Equation, where: str) -> None:
    """Raise ProgramError unless the rules take these parameters: as many, of these names, and ints as axes."""
    rule = equation.primitive.eval_rule
    if isinstance(
        rule, np.ufunc
    ):  # it has no signature before NumPy 2.4, and one that takes out= and where= since
        if len(equation.inputs) != rule.nin or equation.params:
            raise ProgramError(f"check: {where} has other arguments than {rule.nin}, or parameters.")
        return
    try:
        signature(rule).bind(*equation.inputs, **equation.params)
    except TypeError as error:
        raise ProgramError(
            f"check: {where} has other arguments or parameters than its rules: {error}."
        ) from None
    for key in {"axis", "axes", "kth"} & equation.params.keys():
        axes = equation.params[key]
        given = axes if isinstance(axes, tuple) else (axes,)
        if any(type(axis) is not int for axis in given) and not (key == "kth" and axes is None):
            raise ProgramError(f"check: {where} has {key} that are no ints: {axes!r}.")
        if len({*given}) != len(given):
            raise ProgramError(f"check: {where} has {key} that are named twice: {axes!r}.")


def _is_call(structure: TreeDef) -> bool:
    """Whether a structure is that of `(args, kwargs)`."""
    if structure.kind is not tuple or len(structure.children) != 2:
        return False
    args, kwargs = structure.children
    return args.kind is tuple and kwargs.kind is dict and all(isinstance(key, str) for key in kwargs.meta)


def check_body(
    owner: str, body: Any, given: Sequence[ArrayType], results: Sequence[ArrayType] | None = None
) -> tuple[ArrayType, ...]:
    """Return the types of what a body returns. What runs it, machine code above all, trusts them.

    Args:
        owner: the primitive, in an error.
        body: must be a Program, of arguments of the types `given`.
        results: the types of what it must return, where they are known.

    Raises:
        ProgramError: when they are others.
    """
    if not isinstance(body, Program):
        raise ProgramError(f"{owner}: expected a Program in it, got {type(body).__name__}.")
    out = tuple([t.strong() for t in body.out_types])
    for what, got, want in (("arguments", body.in_types, given), ("results", out, results)):
        if want is not None and [t.strong() for t in got] != [t.strong() for t in want]:
            raise ProgramError(
                f"{owner}: expected a {body.name} with {what} ({_listed(want)}), got ({_listed(got)})."
            )
    return out


def check_number(owner: str, name: str, value: Any, most: int | None = None) -> None:
    """Raise ProgramError unless a parameter is an int from 0 to `most`."""
    if type(value) is not int or value < 0 or (most is not None and value > most):
        upper = "" if most is None else f" to {most}"
        raise ProgramError(f"{owner}: expected {name} to be an int from 0{upper}, got {value!r}.")


def _listed(types):
    return ", ".join(str(t.strong()) for t in types)
