"""The functions given to control flow, staged as Programs whose captured values are arguments."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any, NamedTuple

from funcgrad import tree
from funcgrad.core.decisions import Decisions, Undecided
from funcgrad.core.interpret import run
from funcgrad.core.program import Program, Var, has_effect
from funcgrad.core.randomness import Watch
from funcgrad.core.roles import capture_effects, capture_operations, in_body
from funcgrad.core.staging import Staging, check_outputs, leaf_type
from funcgrad.core.tables import with_tables
from funcgrad.core.types import ArrayType, dtype_of
from funcgrad.errors import DTypeError, ShapeError, TreeError

__all__ = [
    "Body",
    "check_carry",
    "hoisted",
    "leaves_of",
    "stage_body",
    "strong",
    "typed",
    "with_more_inputs",
]


class Body(NamedTuple):
    """A staged function: `program(*consts, *args)`, and the values it closes over."""

    program: Program
    consts: list[Any]
    out_tree: tree.TreeDef


def leaves_of(x: Any, owner: str, name: str) -> tuple[list[Any], list[ArrayType], tree.TreeDef]:
    """Return the leaves of a container with their types; raise DTypeError for one that is no array."""
    pairs, treedef = tree.flatten_with_paths(x)
    types = [leaf_type(leaf, owner, partial("{}{}".format, name, path)) for path, leaf in pairs]
    return [leaf for _, leaf in pairs], types, treedef


def stage_body(
    function: Callable,
    in_tree: tree.TreeDef,
    types: Sequence[ArrayType],
    owner: str,
    *,
    chosen: bool = False,
    repeated: str = "in all iterations",
    decisions: Decisions | None = None,
) -> Body:
    """Stage a function of arguments of these types. Arrays and traced values it closes over come first.

    Args:
        chosen: whether it may not run: then what it does to traced values that it closes over is part of it too;
            else that is done once, before.
        repeated: where random numbers that it draws are the same; "" where that is as it should be.
        decisions: the answers to Python's decisions on values; where one has none, Undecided is raised, with the Body
            of what it depends on.
    """
    with Watch(owner, function, repeated) if repeated else nullcontext():
        return with_tables(partial(_staged, in_tree, types, owner, chosen, decisions), function)


def _staged(in_tree, types, owner, chosen, decisions, function):
    if decisions is not None:
        decisions.restart()
    with (
        Staging(owner, decisions=decisions) as staging,
        in_body(staging),
        capture_effects(staging),
        capture_operations(staging) if chosen else nullcontext(),
    ):
        tracers = [staging.input(t) for t in types]
        inputs = [t.node for t in tracers]
        if decisions is not None:
            decisions.follow(staging, inputs)
        try:
            result = function(*tree.unflatten(in_tree, tracers))
        except BaseException:
            if decisions is None or decisions.complete:
                raise
        if decisions is not None and not decisions.complete:  # though the function may have gone on
            asked = staging.program(inputs, decisions.asked[-1:], name=owner)
            raise Undecided(_closed(asked, owner, tree.structure((0.0,))))
        leaves, out_tree = tree.flatten(result)
        check_outputs(leaves, out_tree, owner)
        program = staging.program(inputs, [staging.atom(x) for x in leaves], name=owner)
    return _closed(program, owner, out_tree)


def _closed(program: Program, owner: str, out_tree: tree.TreeDef) -> Body:
    """Return a program with what it captures as its first arguments."""
    captured = [var for var, _ in program.constants]
    closed = program.replaced(inputs=(*captured, *program.inputs), constants=())
    return Body(closed, [value for _, value in program.constants], out_tree)


def with_more_inputs(
    program: Program, before: Sequence[ArrayType], after: Sequence[ArrayType], own: int
) -> Program:
    """Return a program that takes further captured values, unread, before and after its first `own` inputs."""
    inputs = (*map(Var, before), *program.inputs[:own], *map(Var, after), *program.inputs[own:])
    return program.replaced(inputs=inputs, constants=())


def check_carry(
    owner: str,
    name: str,
    given: Sequence[ArrayType],
    given_tree: tree.TreeDef,
    out: Sequence[ArrayType],
    out_tree: tree.TreeDef,
) -> None:
    """Raise TreeError, ShapeError or DTypeError unless a body returns its carry as it was given."""
    if given_tree != out_tree:
        raise TreeError(
            f"{owner}: expected a body that returns {name} in the containers it was given, got {given_tree} in and "
            f"{out_tree} out."
        )
    for path, before, after in zip(given_tree.paths(name), given, out, strict=True):
        if before.shape != after.shape:
            raise ShapeError(
                f"{owner}: expected a body that returns {name} in the shapes it was given, got {path}: {before} in and "
                f"{after} out.",
                hint="a carry keeps its shape from one iteration to the next; collect what grows in ys.",
            )
        if before.dtype != after.dtype:
            raise DTypeError(
                f"{owner}: expected a body that returns {name} in the dtypes it was given, got {path}: {before} in and "
                f"{after} out.",
                hint=f"begin with an array of {after.dtype.name}, or return {path}.astype({before.dtype.name!r}).",
            )


def hoisted(program: Program, consts: Sequence[Any], count: int) -> tuple[Program, list[Any]]:
    """Take out of a body what depends on its first `count` inputs alone: it is computed once, before the loop.

    Returns:
        the smaller program, and the values of its first inputs, which are more, or fewer.
    """
    invariant: set[Var] = set(program.inputs[:count])
    early = []
    late = []
    for equation in program.equations:
        atoms = [a for a in equation.inputs if isinstance(a, Var)]
        if atoms and not has_effect(equation) and all(a in invariant for a in atoms):
            early.append(equation)
            invariant.update(equation.outputs)
        else:
            late.append(equation)
    read = {a for e in late for a in e.inputs if isinstance(a, Var)} | {
        a for a in program.outputs if isinstance(a, Var)
    }
    first = list(program.inputs[:count])
    if not early and all(v in read for v in first):
        return program, list(consts)
    made = [v for e in early for v in e.outputs if v in read]
    kept = [v for v in first if v in read]
    before = program.computing(made, inputs=first, equations=early)
    values = dict(zip(first, consts, strict=True))
    body = program.replaced(inputs=(*kept, *made, *program.inputs[count:]), equations=late)
    return body, [*(values[v] for v in kept), *(run(before, consts) if made else ())]


def strong(types: Sequence[ArrayType]) -> list[ArrayType]:
    """Return types without weakness: what goes round a loop has a dtype of its own."""
    return [t.strong() for t in types]


def typed(x: Any, kind: ArrayType) -> Any:
    """Return what a carry begins with in the dtype it has in the body, which a Python number takes from there."""
    if isinstance(x, (bool, int, float, complex)):
        return kind.dtype.type(x)
    return x.astype(kind.dtype) if dtype_of(x) != kind.dtype else x
