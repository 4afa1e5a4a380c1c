"""Pullbacks of any function: vjp."""

from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad import tree
from funcgrad.core.interpret import owned_tree
from funcgrad.core.staging import check_outputs
from funcgrad.core.types import type_of
from funcgrad.transforms.arguments import Chosen, as_derivative, check_like, owner_of, split_aux
from funcgrad.transforms.tape import record

__all__ = ["linear_record", "vjp"]


def linear_record(function: Callable, primals: tuple, owner: str, has_aux: bool = False):
    """Record `function` at `primals`, all of which must be floating or complex.

    Returns:
        `(chosen, tape, output values, output variables, output structure, extra)`.
    """
    chosen = Chosen(owner, function, primals, tuple(range(len(primals))))
    chosen.check()

    def flat(*tracers):
        out = function(*chosen.replaced(tracers))
        extra = None
        if has_aux:
            out, extra = split_aux(out, owner)
        leaves, treedef = tree.flatten(out)
        check_outputs(leaves, treedef, owner)
        return leaves, (treedef, extra)

    # The structure is no array, but a leaf of the extra: tree.map leaves it as it is.
    # What is recorded here is used later, when the caller may have changed the arrays.
    values = [_copied(x) for x in chosen.leaves]
    tape, ys, outs, (treedef, extra) = record(flat, values, owner, aux=True)
    tape.detach()
    ys = [_copied(y) for y in ys]
    return chosen, tape, ys, outs, treedef, extra


def _copied(x):
    return x.copy() if isinstance(x, np.ndarray) else x


def vjp(function: Callable, *primals: Any, has_aux: bool = False) -> tuple:
    """Compute a function and its pullback.

        pullback(y_bar)[i] = sum over j of y_bar[j] * d y[j] / d x[i]

    Args:
        function: takes arrays in any containers; returns the same.
        primals: its arguments, floating or complex.
        has_aux: `function` returns `(result, extra)`.

    Returns:
        `(y, pullback)`, or `(y, pullback, extra)`. `pullback(y_bar)`, with `y_bar` of the
        containers, shapes and dtypes of `y`, returns a tuple with one cotangent a primal; it can be
        called any number of times, without running the function again. Results are no part of the
        arguments, so that they can be written to.

    Raises:
        DTypeError: when a primal is not floating, or `y_bar` has another dtype than `y`.
        ShapeError, TreeError: when `y_bar` has another shape or structure than `y`.

    >>> import funcgrad as fg
    >>> y, pullback = fg.vjp(lambda x, y: x * y, 2.0, 3.0)
    >>> pullback(1.0)
    (np.float64(3.0), np.float64(2.0))
    """
    owner = owner_of("vjp", function)
    chosen, tape, ys, outs, treedef, extra = linear_record(function, primals, owner, has_aux)
    types = [type_of(y) for y in ys]

    def pullback(y_bar: Any) -> tuple:
        bars = check_like(owner, "cotangent", y_bar, types, treedef)
        x_bars = tape.pull(bars, outs, len(chosen.leaves))
        return chosen.rebuild([as_derivative(b, x) for b, x in zip(x_bars, chosen.leaves, strict=True)])

    y = tree.unflatten(treedef, ys)
    extra = owned_tree(extra, chosen.leaves)
    return (y, pullback, extra) if has_aux else (y, pullback)
