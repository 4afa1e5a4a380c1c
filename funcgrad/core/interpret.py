"""Run a Program: each equation is bound again, so whatever traces its arguments sees them."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from funcgrad import tree
from funcgrad.core.program import Literal, Program
from funcgrad.core.tracer import bind
from funcgrad.core.types import ArrayType, type_of
from funcgrad.core.weakness import weaken
from funcgrad.errors import DTypeError, ShapeError, TreeError

__all__ = ["check_types", "owned", "owned_tree", "replaced", "run"]


def run(program: Program, args: Sequence[Any], *, check: bool = False) -> list[Any]:
    """Return the flat outputs of `program` on flat `args`; free each value after its last use.

    With `check`, the types of the arguments are checked, and the outputs are no part of them.
    """
    if check:
        check_types(program, [*map(type_of, args)])
    env: dict[Any, Any] = dict(zip(program.inputs, args, strict=True))
    env.update(program.constants)

    def read(atom):
        return atom.value if type(atom) is Literal else env[atom]

    for equation, dying in zip(program.equations, program.last_uses, strict=True):
        out = bind(equation.primitive, *map(read, equation.inputs), **equation.params)
        if equation.primitive.multiple:
            env.update(zip(equation.outputs, out, strict=True))
        else:
            var = equation.outputs[0]
            env[var] = weaken(out) if var.type.weak else out
        for var in dying:
            del env[var]
    constants = {var for var, _ in program.constants}
    out = [
        read(atom).copy() if atom in constants and atom.type.shape else read(atom) for atom in program.outputs
    ]
    return owned(out, args) if check else out


def owned(results: Iterable[Any], given: Iterable[Any]) -> list[Any]:
    """Return results that can be written to: those that are part of what was given, or that are read-only, copied.

    Functions may return their arguments; what transforms them gives arrays that are the caller's alone.
    """
    roots: set[int] | None = None
    out = []
    for y in results:
        if isinstance(y, np.ndarray):
            if roots is None:
                roots = {id(_root(x)) for x in given if isinstance(x, np.ndarray)}
            if id(_root(y)) in roots or not y.flags.writeable:
                y = y.copy()
        out.append(y)
    return out


def owned_tree(results: Any, given: Iterable[Any]) -> Any:
    """Return `owned` results in containers."""
    leaves, treedef = tree.flatten(results)
    return tree.unflatten(treedef, owned(leaves, given))


def _root(x: np.ndarray) -> Any:
    """Return the array whose memory an array is a view of."""
    while isinstance(x.base, np.ndarray):
        x = x.base
    return x if x.base is None else x.base


def check_types(program: Program, types: Sequence[ArrayType]) -> None:
    """Raise ShapeError, DTypeError or TreeError unless `types` are those of the program's inputs."""
    if len(types) != len(program.inputs):
        raise TreeError(f"{program.name}: expected {len(program.inputs)} arguments, got {len(types)}.")
    paths = _paths(program)
    for var, got, path in zip(program.inputs, types, paths, strict=True):
        if got.shape != var.type.shape:
            raise ShapeError(f"{program.name}: expected {path}: {var.type}, got {got}.")
        if got.dtype != var.type.dtype and not (got.weak and got.dtype.kind in "bif"):
            raise DTypeError(
                f"{program.name}: expected {path}: {var.type}, got {got}.",
                hint="a program is typed: convert with astype, or trace again.",
            )


def _paths(program):
    if program.in_tree is None:
        return [f"argument {i}" for i in range(len(program.inputs))]
    return ["argument " + path[3:] for path in program.in_tree.paths("")]


Program._run = staticmethod(run)


def replaced(args: Sequence[Any], places: Sequence[int], changing: Sequence[Any]) -> list[Any]:
    """Return arguments with those at `places` replaced by `changing`: what is differentiated, among what is not."""
    out = list(args)
    for i, x in zip(places, changing, strict=True):
        out[i] = x
    return out
