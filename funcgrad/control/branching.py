"""cond and switch: one of several functions, chosen by a value."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcgrad import tree
from funcgrad.control.bodies import Body, leaves_of, stage_body, strong, with_more_inputs
from funcgrad.control.branch_parts import choose_with_parts_outside
from funcgrad.control.sequential_batching import one_by_one, shows
from funcgrad.core.check import check_body
from funcgrad.core.interpret import replaced, run
from funcgrad.core.parts import flat_parts, grouped
from funcgrad.core.primitive import Primitive, Sample, box, primitive_named
from funcgrad.core.program import Atom, Equation, Literal, Program, Var
from funcgrad.core.staging import stage_flat
from funcgrad.core.tracer import bind, concrete, is_concrete
from funcgrad.core.types import ArrayType, dtype_of, fits, is_inexact, promote, shape_of, type_of
from funcgrad.errors import DTypeError, ProgramError, ShapeError, TreeError
from funcgrad.numpy.joining import concatenate
from funcgrad.numpy.selection import where
from funcgrad.programs.batch import batched_program
from funcgrad.programs.complex_split import with_parts
from funcgrad.programs.dataflow import activity
from funcgrad.programs.differentiate import jvp_of_program
from funcgrad.programs.memo import memoized
from funcgrad.programs.trim import passed, trimmed_switch
from funcgrad.transforms.arguments import as_derivative
from funcgrad.transforms.linearity import is_linear
from funcgrad.transforms.vjp import vjp

__all__ = ["cond", "staged_branches", "switch", "switch_p"]


class Switch(Primitive):
    """The results of `branches[index]` on the other arguments; the index, an int64, is brought within bounds."""

    name = "switch"
    multiple = True

    def type_rule(self, index, *types, branches):
        if not isinstance(branches, tuple) or not branches:
            raise ProgramError(f"switch: expected a tuple of branches, got {branches!r}.")
        if index.shape or index.dtype != np.int64:
            raise ProgramError(f"switch: expected an index of type int64[], got {index}.")
        out = check_body("switch", branches[0], types)
        for branch in branches[1:]:
            check_body("switch", branch, types, out)
        return out

    def eval_rule(self, index, *xs, branches):
        out = run(branches[min(max(int(index), 0), len(branches) - 1)], xs)
        return tuple(
            np.asarray(y, t.dtype)[()] if not t.shape else np.array(y, t.dtype)
            for y, t in zip(out, branches[0].out_types, strict=True)
        )

    def pushforward_rule(self, x_dots, index, *xs, branches):
        active = tuple(d is not None and is_inexact(dtype_of(x)) for d, x in zip(x_dots[1:], xs, strict=True))
        reached = _reached(branches, active)
        pushed = tuple(_pushed(b, active, reached) for b in branches)
        dots = [d for d, a in zip(x_dots[1:], active, strict=True) if a]
        out = bind(self, index, *xs, *dots, branches=pushed)
        y_dots = iter(out[len(reached) :])
        return out[: len(reached)], tuple(next(y_dots) if r else None for r in reached)

    def activity_rule(self, active, *, branches):
        return _reached(branches, active[1:])

    def linear_rule(self, given, *types, branches):
        return not given[0] and all(is_linear(branch, given[1:]) for branch in branches)

    def vjp_rule(self, needs, y_bars, ys, index, *xs, branches):
        active = tuple(bool(need) and is_inexact(dtype_of(x)) for need, x in zip(needs[1:], xs, strict=True))
        bars = [
            as_derivative(bar, t)
            for bar, t in zip(y_bars, branches[0].out_types, strict=True)
            if is_inexact(t.dtype)
        ]
        pulled = tuple(_pulled(b, active) for b in branches)
        out = iter(bind(self, index, *xs, *bars, branches=pulled))
        return [None, *(next(out) if a else None for a in active)]

    def batch_rule(self, size, batched, index, *xs, branches):
        flags = tuple(map(bool, batched[1:]))
        if not batched[0]:
            return bind(
                self, index, *xs, branches=tuple(batched_program(b, size, flags) for b in branches)
            ), True
        if is_concrete(index):
            return _by_parts(size, flags, np.asarray(concrete(index)), xs, branches), True
        if any(map(shows, branches)):
            return one_by_one(self, size, batched, (index, *xs), {"branches": branches}), True
        wide = [batched_program(b, size, flags) for b in branches]
        results = [run(b, xs) for b in wide]
        return tuple(_chosen(index, column) for column in zip(*results, strict=True)), True

    def parts_rule(self, index, *xs, branches):
        out = bind(self, index, *flat_parts(xs), branches=tuple(map(with_parts, branches)))
        return grouped(out, branches[0].out_types)

    def lower_rule(self, lower, out, index, *xs, branches):
        return lower.control("switch", branches, out, (index, *xs), spares=(), params={})

    def trim_rule(self, wanted, *, branches):
        return trimmed_switch(branches, wanted)

    def passed_rule(self, *, branches):
        columns = zip(*map(passed, branches), strict=True)
        return [[] if None in ks else [1 + k for k in ks] for ks in columns]

    def samples(self):
        kinds = [ArrayType((3,), float)]
        double = stage_flat(lambda x: [2 * x], kinds, "double")
        square = stage_flat(lambda x: [x * x], kinds, "square")
        branches = {"branches": (double, square)}
        return [Sample((np.int64(i), box((3,)).array()), branches) for i in (0, 1, 7)]


switch_p = Switch()


def _chosen(index: Any, results: Sequence[Any]) -> Any:
    """Return, for each example, the result of its branch; all have been computed."""
    out = results[-1]
    for n in reversed(range(len(results) - 1)):
        mine = (index <= n).reshape((-1, *(1,) * (len(shape_of(out)) - 1)))
        out = where(mine, results[n], out)
    return out


def _by_parts(size, flags, index, xs, branches):
    """Return the results of all examples, each computed by its own branch alone."""
    places = np.clip(index, 0, len(branches) - 1)
    order, rows = [], []
    for n, branch in enumerate(branches):
        mine = np.flatnonzero(places == n)
        if mine.size or (not size and n == 0):
            part = [x[mine] if b else x for x, b in zip(xs, flags, strict=True)]
            order.append(mine)
            rows.append(run(batched_program(branch, mine.size, flags), part))
    back = np.argsort(np.concatenate(order))
    return tuple(concatenate(column)[back] for column in zip(*rows, strict=True))


def _reached(branches: Sequence[Program], active: tuple[bool, ...]) -> tuple[bool, ...]:
    """Return which results have a tangent in some branch."""
    return tuple(any(column) for column in zip(*(activity(b, active) for b in branches), strict=True))


@memoized
def _pushed(branch: Program, active: tuple[bool, ...], reached: tuple[bool, ...]) -> Program:
    """Return the branch of (arguments, tangents of the active ones) that gives the results, and the tangents of those
    that some branch reaches."""
    types = [*branch.in_types, *(t.strong() for t, a in zip(branch.in_types, active, strict=True) if a)]

    def push(*flat):
        ys, y_dots = jvp_of_program(branch, flat[: len(active)], active, flat[len(active) :])
        found = [as_derivative(d, y) for d, y, r in zip(y_dots, ys, reached, strict=True) if r]
        return [*ys, *found]

    return stage_flat(push, types, f"jvp of {branch.name}")


@memoized
def _pulled(branch: Program, active: tuple[bool, ...]) -> Program:
    """Return the branch that gives the cotangents of the active arguments: it runs the branch again, and back."""
    places = [i for i, a in enumerate(active) if a]
    count = len(branch.inputs)
    smooth = [t.strong() for t in branch.out_types if is_inexact(t.dtype)]

    def pull(*flat):
        xs, bars = list(flat[:count]), flat[count:]

        def function(*changing):
            args = replaced(xs, places, changing)
            return [y for y in run(branch, args) if is_inexact(dtype_of(y))]

        changing = [xs[i] for i in places]
        if not changing or not bars:
            return [as_derivative(None, x) for x in changing]
        return list(vjp(function, *changing)[1](list(bars)))

    return stage_flat(pull, [*branch.in_types, *smooth], f"vjp of {branch.name}")


def switch(index: Any, branches: Sequence[Callable], *operands: Any) -> Any:
    """Return `branches[index](*operands)`; only that branch runs.

    Args:
        index: a whole number; one out of range means the first or the last branch.
        branches: functions that return the same containers, shapes and dtypes; Python numbers take the dtype of others.
        operands: arrays in any containers.

    Raises:
        TreeError, ShapeError, DTypeError: when the branches return different things, or the index is no whole
            number.

    Under `vmap` with an index for each example, each example runs its own branch where values are known, and
    all branches run, and one is selected, in a staged program: the derivative of a branch that was not chosen
    is zero, also where it would be nan. (Branches with a while_loop, a check or a print in them run one example after
    another there, so that none runs that was not chosen.)

    >>> import funcgrad as fg
    >>> fg.switch(1, [lambda x: x, lambda x: 2 * x], 3.0)
    np.float64(6.0)
    """
    branches = list(branches)
    if not branches:
        raise TreeError("switch: expected at least one branch, got none.")
    kind = type_of(index)
    if kind.shape or kind.dtype.kind not in "iu":
        raise DTypeError(
            f"switch: expected an index that is one whole number, got {kind}.",
            hint="use cond for a condition, and index.astype(int) for a number.",
        )
    if kind.dtype == np.uint64:
        index = np.minimum(index, np.uint64(len(branches)))  # so that no index is beyond what int64 holds
    if kind.dtype != np.int64:
        index = index.astype(np.int64)
    return staged_branches("switch", index, branches, operands)


def cond(pred: Any, true_fun: Callable, false_fun: Callable, *operands: Any) -> Any:
    """Return `true_fun(*operands)` if `pred` is true, else `false_fun(*operands)`; only that one runs.

    Args:
        pred: one boolean (or number).
        true_fun, false_fun: functions that return the same containers, shapes and dtypes; where one returns a Python
            number, it takes the dtype of the other's.
        operands: arrays in any containers.

    Raises:
        TreeError, ShapeError, DTypeError: when the branches return different things, or `pred` is no scalar.

    >>> import funcgrad as fg
    >>> fg.grad(lambda x: fg.cond(x > 0, lambda x: x**2, lambda x: -x, x))(3.0)
    np.float64(6.0)
    """
    kind = type_of(pred)
    if kind.shape or kind.dtype.kind not in "biuf":
        raise DTypeError(
            f"cond: expected a condition that is one boolean, got {kind}.",
            hint="use fg.numpy.where for a choice for each element, or reduce with .any() or .all().",
        )
    return staged_cond(pred, true_fun, false_fun, operands)


def staged_cond(
    pred: Any, true_fun: Callable, false_fun: Callable, operands: tuple = (), **details: Any
) -> Any:
    """Stage both branches of a scalar, as numbers 1 and 0 of a choice; see `staged_branches`."""
    if isinstance(pred, (bool, int, float)):
        index = np.int64(bool(pred))
    else:
        index = (pred if pred.dtype.kind == "b" else pred != 0).astype(np.int64)
    names = "false_fun", "true_fun"
    return staged_branches("cond", index, [false_fun, true_fun], operands, names, **details)


def staged_branches(
    owner: str,
    index: Any,
    branches: list[Callable],
    operands: tuple,
    names: Sequence[str] = (),
    repeated: str = "each time the branch runs",
) -> Any:
    """Stage the branches, check that they return the same, and bind the choice among them.

    Args:
        repeated: where random numbers that they draw are the same; "" where that is watched around the choice.
    """
    leaves, types, treedef = leaves_of(operands, owner, "operands")
    types = strong(types)
    for branch, label in zip(branches, names or range(len(branches)), strict=True):
        if not callable(branch):
            raise DTypeError(
                f"{owner}: expected branches that are functions, got {type(branch).__name__} for {label}.",
                hint="for a choice between values use fg.numpy.where, or lambda: value.",
            )
    bodies = [
        stage_body(branch, treedef, types, owner, chosen=True, repeated=repeated) for branch in branches
    ]
    bodies = _with_adapted_numbers(bodies)
    labels = list(names) or [f"branches[{n}]" for n in range(len(branches))]
    for body, label in zip(bodies[1:], labels[1:], strict=True):
        _check_alike(owner, bodies[0], labels[0], body, label)
    programs = []
    for n, body in enumerate(bodies):
        before = [type_of(c) for b in bodies[:n] for c in b.consts]
        after = [type_of(c) for b in bodies[n + 1 :] for c in b.consts]
        programs.append(with_more_inputs(body.program, before, after, len(body.consts)))
    consts = [c for body in bodies for c in body.consts]

    def choose(args, branches):
        return bind(switch_p, index, *args, branches=tuple(branches))

    if is_concrete(index):
        out = choose([*consts, *leaves], programs)
    else:
        out = choose_with_parts_outside(choose, index, [*consts, *leaves], programs)
    # Dicts have their keys in the order of the function that is given first: cond's true_fun.
    return tree.unflatten(bodies[-1 if names else 0].out_tree, out)


def _with_adapted_numbers(bodies: list[Body]) -> list[Body]:
    """Return branches whose Python numbers, where they return one, have the dtype that another branch returns there."""
    if any(b.out_tree != bodies[0].out_tree for b in bodies):
        return bodies
    wanted = [_adapted(column) for column in zip(*(b.program.outputs for b in bodies), strict=True)]
    return [b._replace(program=_returning(b.program, wanted)) for b in bodies]


def _adapted(atoms: Sequence[Atom]) -> np.dtype | None:
    """Return the dtype that Python numbers take where branches return these; None where one cannot, or none has to."""
    types = [a.type for a in atoms]
    common = promote(*types)
    if all(t.dtype == common for t in types) or any(t.dtype != common and not t.weak for t in types):
        return None
    if common.kind in "iu" and not all(
        isinstance(a, Literal) and fits(a.value, common) for a in atoms if a.type.dtype != common
    ):
        return None
    return common


def _returning(program: Program, dtypes: Sequence[np.dtype | None]) -> Program:
    """Return a program whose Python numbers are returned in these dtypes."""
    equations, outputs = list(program.equations), list(program.outputs)
    for i, (atom, dtype) in enumerate(zip(outputs, dtypes, strict=True)):
        if dtype is not None and atom.type.dtype != dtype:
            outputs[i] = Var(ArrayType((), dtype))
            convert = primitive_named("convert")
            equations.append(Equation(convert, (atom,), {"dtype": dtype}, (outputs[i],), None))
    return program.replaced(equations=equations, outputs=tuple(outputs))


def _check_alike(owner: str, first: Body, first_name: str, other: Body, name: str) -> None:
    """Raise unless two branches return the same containers, shapes and dtypes."""
    if first.out_tree != other.out_tree:
        raise TreeError(
            f"{owner}: expected branches that return the same containers, got {first_name}: {first.out_tree} and "
            f"{name}: {other.out_tree}."
        )
    pairs = zip(first.out_tree.paths("result"), first.program.out_types, other.program.out_types, strict=True)
    for path, a, b in pairs:
        if a.shape != b.shape:
            raise ShapeError(
                f"{owner}: expected branches that return the same shapes, got {path}: {a} from {first_name} and {b} from "
                f"{name}."
            )
        if a.dtype != b.dtype:
            raise DTypeError(
                f"{owner}: expected branches that return the same dtypes, got {path}: {a} from {first_name} and {b} from "
                f"{name}.",
                hint=f"convert one: .astype({a.dtype.name!r}).",
            )
