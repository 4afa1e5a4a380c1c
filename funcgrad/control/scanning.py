"""scan: a loop of a known number of steps, with a carry and stacked inputs and outputs."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from funcgrad import tree
from funcgrad.compile.compiler import compiler
from funcgrad.compile.derived import batched_program, halves, inexact_inputs
from funcgrad.compile.kept import kept
from funcgrad.control.bodies import Body, as_strong, check_carry, hoisted, leaves_of, stage_body, strong
from funcgrad.control.branching import switch_p
from funcgrad.control.native import called_natively, worth_compiling
from funcgrad.control.segments import segments, segments_within
from funcgrad.core.interpret import run
from funcgrad.core.primitive import Primitive, Sample, box
from funcgrad.core.program import Program, Var, pruned
from funcgrad.core.staging import name_of, stage_flat
from funcgrad.core.tracer import bind
from funcgrad.core.types import ArrayType, dtype_of, is_inexact, shape_of, type_of
from funcgrad.errors import ShapeError, TreeError
from funcgrad.numpy.creation import zeros

from funcgrad.numpy.shaping import broadcast_to, moveaxis
from funcgrad.transforms.arguments import as_derivative
from funcgrad.transforms.jvp import jvp

__all__ = ["bind_scan", "scan", "scan_p", "with_tangents"]


class Scan(Primitive):
    """carry, y[i] = body(consts, carry, x[i]) for each i.

    Arguments are `consts` captured values, `carries` parts of the carry, and arrays stacked along axis 0; results
    are the last carry and the stacked y.
    """

    name = "scan"
    multiple = True

    def type_rule(self, *types, body, consts, carries, length, reverse):
        out = strong(body.out_types)
        return (*out[:carries], *(ArrayType((length, *t.shape), t.dtype) for t in out[carries:]))

    def eval_rule(self, *args, body, consts, carries, length, reverse):
        params = {"body": body, "consts": consts, "carries": carries, "length": length, "reverse": reverse}
        if worth_compiling(len(body.equations), length, args):
            return called_natively(self, args, params)
        fixed, carry, xs = args[:consts], list(args[consts : consts + carries]), args[consts + carries :]
        ys = [np.empty((length, *t.shape), t.dtype) for t in body.out_types[carries:]]
        for i in reversed(range(length)) if reverse else range(length):
            out = run(body, [*fixed, *carry, *(x[i] for x in xs)])
            carry = out[:carries]
            for y, part in zip(ys, out[carries:], strict=True):
                y[i] = part
        return (*map(_own, carry), *ys)

    def jvp_rule(self, x_dots, ys, *args, body, consts, carries, length, reverse):
        groups = _Groups(body, consts, carries)
        active = [
            is_inexact(dtype_of(x)) and (dot is not None or consts <= i < consts + carries)
            for i, (x, dot) in enumerate(zip(args, x_dots, strict=True))
        ]
        both = with_tangents(body, consts, carries, tuple(active))
        dots = [as_derivative(d, x) if a else None for d, x, a in zip(x_dots, args, active, strict=True)]
        parts = [[x for x in part if x is not None] for part in groups.split(dots)]
        fixed, carry, xs = groups.split(args)
        out = bind_scan(both, [*fixed, *parts[0]], [*carry, *parts[1]], [*xs, *parts[2]], length, reverse)
        outs = iter(out)
        for _ in range(carries):
            next(outs)
        carry_dots = {i: next(outs) for i in range(carries) if active[consts + i]}
        count = len(body.outputs) - carries
        rest = list(outs)
        y_dots = iter(rest[count:])
        kinds = body.out_types
        return tuple(
            [as_derivative(carry_dots.get(i), kinds[i]) for i in range(carries)]
            + [
                next(y_dots) if is_inexact(t.dtype) else np.zeros((length, *t.shape))
                for t in kinds[carries:]
            ]
        )

    def forward_rule(self, *args, body, consts, carries, length, reverse):
        forward, _, _ = _halves(body, consts, carries)
        groups = _Groups(body, consts, carries)
        out = bind_scan(forward, *groups.split(args), length, reverse)
        count = len(body.outputs)
        return tuple(out[:count]), (out[:count], out[count:])

    def result_types(self, saved, *args, **params):
        return [ArrayType(shape_of(y), dtype_of(y)) for y in saved[0]]

    def vjp_rule(self, needs, y_bars, saved, *args, body, consts, carries, length, reverse):
        _, backward, uses_x = _halves(body, consts, carries)
        groups = _Groups(body, consts, carries)
        fixed, _, xs = groups.split(args)
        kinds = body.out_types
        bars = [
            as_derivative(bar, y)
            for bar, y in zip(y_bars, saved[0], strict=True)
            if is_inexact(dtype_of(y))
        ]
        smooth = sum(is_inexact(t.dtype) for t in kinds[:carries])
        sums = [i for i in range(consts) if is_inexact(dtype_of(fixed[i]))]
        wanted = tuple(bool(needs[i]) for i in sums)
        pruned = _only_needed(backward, smooth, wanted, consts)
        start = [zeros(shape_of(fixed[i]), dtype_of(fixed[i])) for i, want in zip(sums, wanted, strict=True) if want]
        stacked = [*saved[1], *(x for x, use in zip(xs, uses_x, strict=True) if use), *bars[smooth:]]
        out = iter(bind_scan(pruned, fixed, [*bars[:smooth], *start], stacked, length, not reverse))
        carry_bars = [next(out) if is_inexact(t.dtype) else None for t in kinds[:carries]]
        sums_found = {i: next(out) for i, want in zip(sums, wanted, strict=True) if want}
        x_bars = [next(out) if is_inexact(dtype_of(x)) else None for x in xs]
        return [*(sums_found.get(i) for i in range(consts)), *carry_bars, *x_bars]

    def batch_rule(self, size, batched, *args, body, consts, carries, length, reverse):
        groups = _Groups(body, consts, carries)
        fixed, carry, xs = groups.split(args)
        fixed_b, carry_b, xs_b = groups.split(batched)
        carry = [x if b else broadcast_to(x, (size, *shape_of(x))) for x, b in zip(carry, carry_b, strict=True)]
        xs = [moveaxis(x, 0, 1) if b else x for x, b in zip(xs, xs_b, strict=True)]
        flags = (*map(bool, fixed_b), *(True for _ in carry), *map(bool, xs_b))
        out = bind_scan(batched_program(body, size, flags), fixed, carry, xs, length, reverse)
        return (*out[:carries], *(moveaxis(y, 1, 0) for y in out[carries:])), True

    def lower_rule(self, lower, out, *args, body, consts, carries, length, reverse):
        params = {"consts": consts, "carries": carries, "length": length, "reverse": reverse}
        return lower.control("scan", (body,), out, args, spares=out[:carries], params=params)

    def samples(self):
        step = stage_flat(
            lambda a, c, x: [np.tanh(a * c + x), c * x], [ArrayType((), float)] + [ArrayType((3,), float)] * 2, "step"
        )
        details = {"body": step, "consts": 1, "carries": 1, "length": 4}
        args = (box(()), box((3,)), box((4, 3)))
        return [Sample(args, {**details, "reverse": False}), Sample(args, {**details, "reverse": True})]


scan_p = Scan()


class _Groups(NamedTuple):
    body: Program
    consts: int
    carries: int

    def split(self, items: Any) -> tuple[list, list, list]:
        """Return what belongs to the captured values, to the carry, and to the stacked inputs."""
        items = list(items)
        end = self.consts + self.carries
        return items[: self.consts], items[self.consts : end], items[end:]


def _own(x: Any) -> Any:
    return np.array(x) if isinstance(x, np.ndarray) and x.base is not None else x


def bind_scan(body: Program, fixed: list, carry: list, xs: list, length: int, reverse: bool) -> list[Any]:
    """Bind scan, with what does not change from step to step computed before it."""
    body, fixed = hoisted(body, fixed, len(fixed))
    params = {"body": body, "consts": len(fixed), "carries": len(carry), "length": length, "reverse": reverse}
    return list(bind(scan_p, *fixed, *carry, *xs, **params))


@kept
def with_tangents(body: Program, consts: int, carries: int, active: tuple[bool, ...]) -> Program:
    """Return the body that carries tangents along: each group of arguments and results has them behind it."""
    groups = _Groups(body, consts, carries)
    types, flags = groups.split(body.in_types), groups.split(active)
    dots = [[t.strong() for t, a in zip(ts, fs, strict=True) if a] for ts, fs in zip(types, flags, strict=True)]
    in_types = [t for own, more in zip(types, dots, strict=True) for t in (*own, *more)]
    smooth = [is_inexact(t.dtype) for t in body.out_types]

    def joint(*flat):
        rest = list(flat)
        primals, tangents = [], []
        for own, more in zip(types, dots, strict=True):
            primals += rest[: len(own)]
            tangents += rest[len(own) : len(own) + len(more)]
            rest = rest[len(own) + len(more) :]
        places = [i for i, a in enumerate(active) if a]

        def function(*changing):
            args = list(primals)
            for i, x in zip(places, changing, strict=True):
                args[i] = x
            return run(body, args)

        ys, y_dots = jvp(function, tuple(primals[i] for i in places), tuple(tangents))
        found = [as_derivative(d, y) if s else None for d, y, s in zip(y_dots, ys, smooth, strict=True)]
        carried = [d for i, d in enumerate(found[:carries]) if active[consts + i]]
        return [*ys[:carries], *carried, *ys[carries:], *(d for d in found[carries:] if d is not None)]

    return stage_flat(joint, in_types, f"jvp of {body.name}")


@kept
def _halves(body: Program, consts: int, carries: int) -> tuple[Program, Program, tuple[bool, ...]]:
    """Return the bodies of the loops forward and backward.

    Forward is the body, which stacks what the other one needs as well. Backward goes the other way: its carry are
    the cotangents of the carry and the sums of those of the captured values; stacked it takes what was kept, the
    inputs it reads (the third result says which), and the cotangents of y; and it stacks those of the inputs.
    """
    groups = _Groups(body, consts, carries)
    active = inexact_inputs(body)
    forward, backward = halves(body, active, consts)
    count = len(body.inputs)
    read = {a for e in backward.equations for a in e.inputs if isinstance(a, Var)} | {
        a for a in backward.outputs if isinstance(a, Var)
    }
    uses = [v in read for v in backward.inputs[:count]]
    _, carry_used, x_used = groups.split(uses)
    _, carry_vars, _ = groups.split(forward.inputs)
    residuals = len(forward.outputs) - len(body.outputs)
    kept_carry = [v for v, use in zip(carry_vars, carry_used, strict=True) if use]
    keeping = Program(forward.inputs, forward.constants, forward.equations, (*forward.outputs, *kept_carry),
                      name=forward.name)
    smooth_carry = [i for i in active if consts <= i < consts + carries]
    sums = [i for i in active if i < consts]
    types = body.in_types
    saved = [*forward.out_types[len(body.outputs) :], *(v.type for v in kept_carry)]
    used_xs = [t for t, use in zip(types[consts + carries :], x_used, strict=True) if use]
    y_bar_types = [t for t in body.out_types[carries:] if is_inexact(t.dtype)]
    in_types = [*types[:consts], *(types[i] for i in smooth_carry), *(types[i] for i in sums), *saved, *used_xs,
                *y_bar_types]

    def step(*flat):
        rest = list(flat)

        def take(n):
            taken = rest[:n]
            del rest[:n]
            return taken

        fixed, carry_bars, totals = take(consts), take(len(smooth_carry)), take(len(sums))
        kept_values, carry, xs = take(residuals), iter(take(len(kept_carry))), iter(take(len(used_xs)))
        given = [
            *fixed,
            *(next(carry) if use else zeros(t.shape, t.dtype) for use, t in zip(carry_used, groups.split(types)[1], strict=True)),
            *(next(xs) if use else zeros(t.shape, t.dtype) for use, t in zip(x_used, groups.split(types)[2], strict=True)),
        ]
        bars = dict(zip(active, run(backward, [*given, *kept_values, *carry_bars, *rest]), strict=True))
        return [
            *(bars[i] for i in smooth_carry),
            *(total + bars[i] for total, i in zip(totals, sums, strict=True)),
            *(bars[i] for i in active if i >= consts + carries),
        ]

    whole = compiler().tidied(stage_flat(step, strong(in_types), f"backward of {body.name}"))
    return keeping, whole, tuple(x_used)


@kept
def _only_needed(backward: Program, smooth: int, wanted: tuple[bool, ...], consts: int) -> Program:
    """Return the backward body without the sums that are not wanted."""
    drop = {smooth + k for k, want in enumerate(wanted) if not want}
    if not drop:
        return backward
    outputs = tuple(a for k, a in enumerate(backward.outputs) if k not in drop)
    inputs = tuple(v for k, v in enumerate(backward.inputs) if k - consts not in drop)
    equations, constants = pruned(backward.equations, backward.constants, outputs)
    return Program(inputs, constants, equations, outputs, name=backward.name)


def scan(
    f: Callable,
    init: Any,
    xs: Any = None,
    length: int | None = None,
    *,
    reverse: bool = False,
    unroll: int = 1,
    checkpoint: int | str | None = None,
    memory_limit: int | None = None,
) -> tuple[Any, Any]:
    """Run `carry, y = f(carry, x)` for each x along axis 0 of `xs`; return the last carry and the stacked y.

    The loop is one operation: it is traced once, differentiates in both directions, batches, and compiles to
    a native loop with the body inlined.

    Args:
        f: takes the carry and a slice of `xs`; returns the next carry, of the same containers, shapes and
            dtypes, and y, in any containers (or None).
        init: the first carry.
        xs: arrays of one length along axis 0, in any containers; None with a `length`.
        length: the number of steps.
        reverse: go through `xs` from the end; y[i] still belongs to x[i].
        unroll: how many steps are written into one iteration (a divisor of the length is best).
        checkpoint: into how many segments the loop is cut, or "sqrt": a reverse pass keeps the carry at the
            beginning of each, and runs one segment at a time again.
        memory_limit: the bytes a reverse pass may keep; segments are cut into segments as often as need be.

    Returns:
        `(carry, ys)`, with the y of all steps stacked along axis 0.

    Raises:
        TreeError, ShapeError, DTypeError: when lengths differ, or the carry changes its containers, shapes or
            dtypes.

    Cost: reverse mode keeps, for each step, what the derivative of the body needs (`fg.residuals` shows it), unless
    there are segments: then each level of them costs one more run of the loop.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> total, sums = fg.scan(lambda c, x: (c + x, c + x), 0.0, np.array([1.0, 2.0, 3.0]))
    >>> sums
    array([1., 3., 6.])
    """
    owner = f"scan of {name_of(f)}" if name_of(f) != "lambda" else "scan"
    carry, carry_types, carry_tree = leaves_of(init, owner, "carry")
    stacked, x_types, x_tree = leaves_of(xs, owner, "xs")
    length = _length(owner, x_types, x_tree, length)
    slices = [ArrayType(t.shape[1:], t.dtype) for t in x_types]
    both = tree.structure((tree.unflatten(carry_tree, carry), tree.unflatten(x_tree, stacked)))
    carry_types = strong(carry_types)
    body = stage_body(f, both, [*carry_types, *slices], owner)
    if body.out_tree.name != "tuple" or len(body.out_tree.children) != 2:
        raise TreeError(
            f"{owner}: expected a body that returns (carry, y), got {body.out_tree}.",
            hint="return carry, None where there is nothing to stack.",
        )
    out_tree, y_tree = body.out_tree.children
    count = len(carry)
    types = strong(body.program.out_types)
    if [t for t in carry_types if not t.shape] and out_tree == carry_tree:
        promoted = [
            after if before.weak and before.shape == after.shape else before.strong()
            for before, after in zip([type_of(x) for x in carry], types[:count], strict=True)
        ]
        if promoted != carry_types:  # a Python number takes the dtype the body gives it
            carry_types = promoted
            body = stage_body(f, both, [*carry_types, *slices], owner)
            types = strong(body.program.out_types)
    check_carry(owner, "carry", carry_types, carry_tree, types[: out_tree.size], out_tree)
    carry = [_typed(x, t) for x, t in zip(carry, carry_types, strict=True)]
    cuts = _cuts(body, count, length, checkpoint, memory_limit)
    if cuts:
        out = _in_segments(body, carry, stacked, length, reverse, cuts)
    elif unroll > 1 and length > 1:
        out = _unrolled(body, carry, stacked, length, reverse, unroll)
    else:
        out = bind_scan(body.program, body.consts, carry, stacked, length, reverse)
    return tree.unflatten(carry_tree, out[:count]), tree.unflatten(y_tree, out[count:])


def _typed(x: Any, kind: ArrayType) -> Any:
    """Return a Python number as an array of the dtype it has in the carry."""
    return kind.dtype.type(x) if isinstance(x, (bool, int, float, complex)) else as_strong(x)


def _length(owner: str, types: list[ArrayType], treedef: tree.TreeDef, length: int | None) -> int:
    lengths = {t.shape[0] if t.shape else None for t in types}
    if None in lengths:
        raise ShapeError(f"{owner}: expected xs with a first axis, got {', '.join(map(str, types))}.")
    if length is not None:
        if not isinstance(length, (int, np.integer)) or length < 0:
            raise ShapeError(f"{owner}: expected a length that is a whole number from 0 up, got {length!r}.")
        lengths.add(int(length))
    if len(lengths) != 1:
        if not lengths:
            raise ShapeError(f"{owner}: expected xs or a length, got neither.", hint="pass length=n.")
        found = ", ".join(f"{path}: {t}" for path, t in zip(treedef.paths("xs"), types, strict=True))
        stated = "" if length is None else f" and length={length}"
        raise ShapeError(f"{owner}: expected xs of one length along axis 0, got {found}{stated}.")
    return lengths.pop()


def _unrolled(body, carry, xs, length, reverse, unroll):
    """Scan with several steps in one iteration; what is left over at the end goes one by one."""
    steps, rest = divmod(length, unroll)
    consts, carries = len(body.consts), len(carry)
    program = body.program

    def several(*flat):
        fixed, state, slices = flat[:consts], list(flat[consts : consts + carries]), flat[consts + carries :]
        rows: list[Any] = [None] * unroll
        for i in reversed(range(unroll)) if reverse else range(unroll):
            out = run(program, [*fixed, *state, *(x[i] for x in slices)])
            state, rows[i] = out[:carries], out[carries:]
        from_rows = [np.stack(column) for column in zip(*rows, strict=True)]
        return [*state, *from_rows]

    types = program.in_types
    wide = [*types[: consts + carries], *(ArrayType((unroll, *t.shape), t.dtype) for t in types[consts + carries :])]
    block = stage_flat(several, strong(wide), program.name)
    return _by_blocks(block, body, carry, xs, length, reverse, unroll, steps, rest)


def _by_blocks(block, body, carry, xs, length, reverse, size, steps, rest):
    """Scan with a body for `size` steps at a time; what is left over at the end goes one by one."""
    carries = len(carry)

    def folded(x, a, b):
        part = x[a:b]
        return part.reshape((steps, size, *shape_of(part)[1:]))

    def flat(y):
        return y.reshape((steps * size, *shape_of(y)[2:]))

    middle = (rest, length) if reverse else (0, length - rest)
    edge = (0, rest) if reverse else (length - rest, length)
    first = bind_scan(block, body.consts, carry, [folded(x, *middle) for x in xs], steps, reverse)
    ys = [flat(y) for y in first[carries:]]
    if not rest:
        return [*first[:carries], *ys]
    slices = [x[slice(*edge)] for x in xs]
    last = bind_scan(body.program, body.consts, first[:carries], slices, rest, reverse)
    pairs = zip(last[carries:], ys, strict=True) if reverse else zip(ys, last[carries:], strict=True)
    return [*last[:carries], *(np.concatenate(pair) for pair in pairs)]


def _cuts(body, carries, length, checkpoint, memory_limit):
    """Return the lengths of segments that were asked for, the outermost first."""
    if checkpoint is not None and memory_limit is not None:
        raise ShapeError("scan: expected checkpoint or memory_limit, got both.")
    if checkpoint is not None:
        return segments(length, checkpoint)
    if memory_limit is None:
        return []
    forward, _, _ = _halves(body.program, len(body.consts), carries)
    carry = sum(t.size * t.dtype.itemsize for t in body.program.out_types[:carries])
    step = sum(t.size * t.dtype.itemsize for t in forward.out_types[len(body.program.outputs) :])
    return segments_within(length, carry, step, memory_limit)


def _in_segments(body, carry, xs, length, reverse, cuts):
    """Scan by segments of the first of the given lengths, each kept by its beginning alone."""
    if not cuts:
        return bind_scan(body.program, body.consts, carry, xs, length, reverse)
    size, inner = cuts[0], cuts[1:]
    steps, rest = divmod(length, size)
    carries, consts = len(carry), len(body.consts)
    types = body.program.in_types

    def segment(*flat):
        part = Body(body.program, list(flat[:consts]), body.out_tree)
        state, slices = list(flat[consts : consts + carries]), list(flat[consts + carries :])
        return _in_segments(part, state, slices, size, reverse, inner)

    wide = [
        *types[: consts + carries],
        *(ArrayType((size, *t.shape), t.dtype) for t in types[consts + carries :]),
    ]
    whole = stage_flat(segment, strong(wide), body.program.name)
    again = stage_flat(lambda *xs: bind(switch_p, np.int64(0), *xs, branches=(whole,)), whole.in_types, whole.name)
    return _by_blocks(again, body, carry, xs, length, reverse, size, steps, rest)
