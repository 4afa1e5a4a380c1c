"""scan: a loop of a known number of steps, with a carry and stacked inputs and outputs."""

from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad import tree
from funcgrad.control.bodies import Body, check_carry, leaves_of, stage_body, strong, typed
from funcgrad.control.branching import switch_p
from funcgrad.control.checkpoint_schedule import segments, segments_within
from funcgrad.control.scan_primitive import bind_scan, scan_forward_and_backward
from funcgrad.core.interpret import run
from funcgrad.core.staging import name_of, stage_flat
from funcgrad.core.tracer import bind
from funcgrad.core.types import ArrayType, shape_of
from funcgrad.errors import DTypeError, ShapeError, TreeError

__all__ = ["check_length", "scan", "scan_for"]


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
        `(carry, ys)`, with the y of all steps stacked along axis 0; no part of the arguments, so that it can be
        written to.

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
    return scan_for(owner, f, init, xs, length, reverse, unroll, checkpoint, memory_limit)


def scan_for(
    owner: str,
    f: Callable,
    init: Any,
    xs: Any,
    length: int | None,
    reverse: bool = False,
    unroll: int = 1,
    checkpoint: int | str | None = None,
    memory_limit: int | None = None,
) -> Any:
    """Return what `scan` does, whose messages begin with `owner`."""
    carry, carry_types, carry_tree = leaves_of(init, owner, "carry")
    stacked, x_types, x_tree = leaves_of(xs, owner, "xs")
    length = _length(owner, x_types, x_tree, length)
    if not isinstance(unroll, (int, np.integer)) or unroll < 1:
        raise ShapeError(f"{owner}: expected unroll to be a whole number from 1 up, got {unroll!r}.")
    slices = [ArrayType(t.shape[1:], t.dtype) for t in x_types]
    both = tree.structure((tree.unflatten(carry_tree, carry), tree.unflatten(x_tree, stacked)))
    body = stage_body(f, both, [*carry_types, *slices], owner)
    if body.out_tree.kind is not tuple or len(body.out_tree.children) != 2:
        raise TreeError(
            f"{owner}: expected a body that returns (carry, y), got {body.out_tree}.",
            hint="return carry, None where there is nothing to stack.",
        )
    out_tree, y_tree = body.out_tree.children
    count = len(carry)
    types = strong(body.program.out_types)
    if any(t.weak for t in carry_types) and out_tree == carry_tree:
        # A Python number takes the dtype the body gives it.
        carry_types = [
            after if before.weak and before.shape == after.shape else before.strong()
            for before, after in zip(carry_types, types[:count], strict=True)
        ]
        body = stage_body(f, both, [*carry_types, *slices], owner)
        types = strong(body.program.out_types)
    check_carry(owner, "carry", carry_types, carry_tree, types[: out_tree.size], out_tree)
    carry = [typed(x, t) for x, t in zip(carry, carry_types, strict=True)]
    cuts = _cuts(body, count, length, checkpoint, memory_limit)
    if cuts:
        out = _in_segments(body, carry, stacked, length, reverse, cuts)
    elif unroll > 1 and length > 1:
        out = _unrolled(body, carry, stacked, length, reverse, unroll)
    else:
        out = bind_scan(body.program, body.consts, carry, stacked, length, reverse)
    return tree.unflatten(carry_tree, out[:count]), tree.unflatten(y_tree, out[count:])


def _length(owner: str, types: list[ArrayType], treedef: tree.TreeDef, length: int | None) -> int:
    lengths = {t.shape[0] if t.shape else None for t in types}
    if None in lengths:
        raise ShapeError(f"{owner}: expected xs with a first axis, got {', '.join(map(str, types))}.")
    if length is not None:
        if not isinstance(length, (int, np.integer)) or length < 0:
            raise ShapeError(f"{owner}: expected a length that is a whole number from 0 up, got {length!r}.")
        lengths.add(check_length(owner, int(length)))
    if len(lengths) != 1:
        if not lengths:
            raise ShapeError(f"{owner}: expected xs or a length, got neither.", hint="pass length=n.")
        found = ", ".join(f"{path}: {t}" for path, t in zip(treedef.paths("xs"), types, strict=True))
        stated = "" if length is None else f" and length={length}"
        raise ShapeError(f"{owner}: expected xs of one length along axis 0, got {found}{stated}.")
    (found_length,) = lengths
    assert found_length is not None
    return found_length


def check_length(owner: str, length: int) -> int:
    """Return a number of steps; raise ShapeError unless 63 bits can count them."""
    if length >= 2**63:
        raise ShapeError(
            f"{owner}: expected fewer steps than 2**63, which no computer ever makes, got {length}."
        )
    return length


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
    wide = [
        *types[: consts + carries],
        *(ArrayType((unroll, *t.shape), t.dtype) for t in types[consts + carries :]),
    ]
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
    if not isinstance(memory_limit, (int, float, np.number)):
        raise DTypeError(f"scan: expected memory_limit to be a number of bytes, got {memory_limit!r}.")
    forward, _, _ = scan_forward_and_backward(body.program, len(body.consts), carries)
    carry = sum(t.nbytes for t in body.program.out_types[:carries])
    step = sum(t.nbytes for t in forward.out_types[len(body.program.outputs) :])
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
    again = stage_flat(
        lambda *xs: bind(switch_p, np.int64(0), *xs, branches=(whole,)), whole.in_types, whole.name
    )
    return _by_blocks(again, body, carry, xs, length, reverse, size, steps, rest)
