"""Pushforwards: jvp, linearize, and the transposition of linear functions."""

from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad import tree
from funcgrad.core.interpret import owned, owned_tree, run
from funcgrad.core.staging import check_outputs, stage, stage_flat
from funcgrad.core.tracer import concrete, is_concrete
from funcgrad.core.types import ArrayType, dtype_of, is_inexact, shape_of, type_of
from funcgrad.errors import DerivativeError, DTypeError, TreeError
from funcgrad.transforms.arguments import (
    Chosen,
    as_derivative,
    check_like,
    described,
    owner_of,
    split_aux,
)
from funcgrad.transforms.derive import transpose
from funcgrad.transforms.dual import Dual
from funcgrad.transforms.vjp import linear_record

__all__ = ["jvp", "linear_transpose", "linearize"]


def jvp(function: Callable, primals: tuple, tangents: tuple, *, has_aux: bool = False) -> tuple:
    """Compute a function and its derivative along a direction.

        y_dot[j] = sum over i of d y[j] / d x[i] * x_dot[i]

    Args:
        function: takes arrays in any containers; returns the same.
        primals: a tuple of its arguments.
        tangents: a tuple of the same containers, shapes and dtypes: the direction. An integer has no direction: its
            tangent is None, or zeros of any dtype.
        has_aux: `function` returns `(result, extra)`.

    Returns:
        `(y, y_dot)`, or `(y, y_dot, extra)`; no part of the arguments, also where `function` returns them, so
        that it can be written to.

    Raises:
        TreeError, ShapeError, DTypeError: when the tangents do not match the primals.

    Cost: a small multiple of the function's; nothing is kept of intermediate steps.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> fg.jvp(np.sin, (0.0,), (2.0,))
    (np.float64(0.0), np.float64(2.0))
    """
    owner = owner_of("jvp", function)
    if not isinstance(primals, (tuple, list)) or not isinstance(tangents, (tuple, list)):
        raise TreeError(
            f"{owner}: expected tuples of primals and tangents, "
            f"got {type(primals).__name__} and {type(tangents).__name__}.",
            hint="write jvp(f, (x,), (x_dot,)).",
        )
    chosen = Chosen(owner, function, tuple(primals), tuple(range(len(primals))))
    chosen.check(allow_int=True)
    dots = _directions(owner, chosen, tuple(tangents))
    with Dual(owner) as dual:
        tracers = [x if d is None else dual.input(x, d) for x, d in zip(chosen.leaves, dots, strict=True)]
        out = function(*chosen.replaced(tracers))
        extra = None
        if has_aux:
            out, extra = split_aux(out, owner)
            extra = tree.map(lambda x: dual.release(x)[0], extra)
        leaves, treedef = tree.flatten(out)
        check_outputs(leaves, treedef, owner)
        pairs = [dual.release(x) for x in leaves]
    given = [*chosen.leaves, *tree.leaves(tangents)]
    y = tree.unflatten(treedef, owned([p for p, _ in pairs], given))
    y_dot = tree.unflatten(treedef, owned([as_derivative(d, p) for p, d in pairs], given))
    extra = owned_tree(extra, given)
    return (y, y_dot, extra) if has_aux else (y, y_dot)


def _directions(owner, chosen, tangents):
    """Return the tangents of the leaves, which must match them; None for whole numbers, which have none."""
    types = [type_of(x) for x in chosen.leaves]
    smooth = [is_inexact(t.dtype) for t in types]
    if all(smooth):
        return check_like(owner, "tangents", tangents, types, chosen.treedef)
    given = chosen.treedef.flatten_up_to(tangents)
    for t, d, path, s in zip(types, given, chosen.treedef.paths("tangents"), smooth, strict=True):
        if not s and not _is_no_direction(d, t.shape):
            raise DTypeError(
                f"{owner}: expected None, or zeros, for the tangent of a whole number, got {path}: {described(d)}.",
                hint="convert the argument with astype(float) to differentiate by it.",
            )
    # The others are checked as they are; in place of what is no direction stands one that fits.
    filled = [d if s else np.zeros(t.shape) for d, t, s in zip(given, types, smooth, strict=True)]
    wanted = [t if s else ArrayType(t.shape, float) for t, s in zip(types, smooth, strict=True)]
    dots = check_like(owner, "tangents", tree.unflatten(chosen.treedef, filled), wanted, chosen.treedef)
    return [d if s else None for d, s in zip(dots, smooth, strict=True)]


def _is_no_direction(dot, shape):
    if dot is None or dtype_of(dot).kind == "V":  # JAX's float0
        return True
    return shape_of(dot) == shape and (not is_concrete(dot) or not np.any(concrete(dot)))


def linearize(function: Callable, *primals: Any) -> tuple[Any, Callable]:
    """Compute a function and the linear function that is its derivative there.

    Args:
        function: takes arrays in any containers; returns the same.
        primals: its arguments, floating or complex.

    Returns:
        `(y, pushforward)`: `pushforward(*tangents)` is `jvp(function, primals, tangents)[1]`
        without running `function` again; only what the derivative needs is kept.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> y, pushforward = fg.linearize(lambda x: np.exp(x) * x, 1.0)
    >>> float(pushforward(1.0) / np.e)
    2.0
    """
    owner = owner_of("linearize", function)
    chosen, tape, ys, outs, treedef, _ = linear_record(function, primals, owner)
    types = [type_of(x).strong() for x in chosen.leaves]
    program = stage_flat(
        lambda *dots: [as_derivative(d, y) for d, y in zip(tape.push(dots, outs), ys, strict=True)],
        types,
        owner,
    )

    def pushforward(*tangents: Any) -> Any:
        dots = check_like(owner, "tangents", tangents, types, chosen.treedef)
        return tree.unflatten(treedef, owned(run(program, dots), dots))

    return tree.unflatten(treedef, ys), pushforward


def linear_transpose(function: Callable, *primals: Any) -> Callable:
    """Return the transpose of a linear function.

        sum of y_bar * function(x) = sum of linear_transpose(function, x)(y_bar) * x

    Args:
        function: linear in its arguments.
        primals: arrays, or `fg.ArrayType`s: only shapes and dtypes matter.

    Returns:
        a function from a cotangent of the result to a tuple of one cotangent a primal.

    Raises:
        DerivativeError: when `function` is not linear; the message names the operation and line.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> fg.linear_transpose(lambda x: np.cumsum(x), np.zeros(3))(np.array([1.0, 0.0, 0.0]))
    (array([1., 0., 0.]),)
    """
    owner = owner_of("linear_transpose", function)
    program = stage(function, primals, {}, owner)
    types = [type_of(x).strong() for x in tree.leaves(primals)]

    def transposed(y_bar: Any) -> tuple:
        out_types = [t.strong() for t in program.out_types]
        bars = check_like(owner, "cotangent", y_bar, out_types, program.out_tree)
        x_bars = transpose(program, bars, owner)
        zeros = [ArrayType(t.shape, t.dtype) for t in types]
        leaves = [as_derivative(b, t) for b, t in zip(x_bars, zeros, strict=True)]
        assert program.in_tree is not None
        return tree.unflatten(program.in_tree, owned(leaves, bars))[0]

    transpose(program, [None] * len(program.outputs), owner)  # raises where it is not linear
    _check_no_offset(program, types, owner)
    return transposed


def _check_no_offset(program, types, owner):
    """Raise where the function is affine: it must be zero at zero."""
    for y in run(program, [np.zeros(t.shape, t.dtype) for t in types]):
        if is_concrete(y) and np.any(np.not_equal(y, 0)):
            raise DerivativeError(
                f"{owner}: expected a linear function, got one that is not zero at zero.",
                hint="subtract the constant, or use vjp.",
            )
