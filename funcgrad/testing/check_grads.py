"""Compare a function's derivatives with finite differences, to any order."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from funcgrad import tree
from funcgrad.core.types import dtype_of
from funcgrad.errors import DerivativeError, DTypeError
from funcgrad.testing.finite import directional, inner, random_like
from funcgrad.transforms.jvp import jvp
from funcgrad.transforms.vjp import vjp

__all__ = ["check_grads"]

_MODES = ("fwd", "rev")


def check_grads(
    function: Callable,
    args: Sequence[Any],
    order: int = 2,
    modes: Sequence[str] = _MODES,
    *,
    tolerance: float | None = None,
    step: float | None = None,
    seed: int = 0,
) -> None:
    """Check the derivatives of `function` at `args` against finite differences, in random directions.

    Args:
        function: takes floating or complex arrays in any containers; returns the same. It must be
            smooth at `args`.
        args: its arguments.
        order: the highest derivative checked; derivatives of derivatives are checked in every
            combination of `modes`.
        modes: "fwd" compares `jvp`, "rev" compares `vjp` by <y_bar, J x_dot>.
        tolerance: relative; 1e-6 for float64 (1e-2 for float32), ten times that each order up.
        step: of the differences; 1e-3 for float64 (3e-2 for float32), relative to 1.
        seed: of the random directions.

    Raises:
        DerivativeError: with both numbers, when a derivative differs.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> fg.testing.check_grads(lambda x: np.sin(x) * x, (np.array([0.5, 2.0]),), order=3)
    """
    if not isinstance(args, (tuple, list)):
        raise DTypeError(
            f"check_grads: expected a tuple of arguments, got {type(args).__name__}.",
            hint="write check_grads(f, (x,)).",
        )
    unknown = [m for m in modes if m not in _MODES]
    if unknown or order < 1:
        raise DTypeError(
            f"check_grads: expected modes among {_MODES} and an order of at least 1, got {modes}, {order}."
        )
    args = tuple(args)
    single = any(dtype_of(x) in (np.float32, np.complex64) for x in tree.leaves(args))
    tolerance = tolerance if tolerance is not None else (1e-2 if single else 1e-6)
    step = step if step is not None else (3e-2 if single else 1e-3)
    _check(function, args, order, tuple(modes), tolerance, step, np.random.default_rng(seed), "")


def _check(function, args, order, modes, tolerance, step, rng, path):
    x_dot = random_like(args, rng)
    numeric = directional(lambda xs: function(*xs), args, x_dot, step)
    if "fwd" in modes:
        _, y_dot = jvp(function, args, x_dot)
        _compare(f"{path}jvp", y_dot, numeric, tolerance)
    if "rev" in modes:
        y, pullback = vjp(function, *args)
        y_bar = random_like(y, rng)
        got, want = inner(pullback(y_bar), x_dot), inner(y_bar, numeric)
        _compare(f"{path}vjp", got, want, tolerance)
    if order == 1:
        return
    if "fwd" in modes:
        forward = lambda *xs: jvp(function, xs, x_dot)[1]
        _check(forward, args, order - 1, modes, 10 * tolerance, step, rng, f"{path}jvp of ")
    if "rev" in modes:
        reverse = lambda *xs: vjp(function, *xs)[1](y_bar)
        _check(reverse, args, order - 1, modes, 10 * tolerance, step, rng, f"{path}vjp of ")


def _compare(what, got, want, tolerance):
    scale = max([1.0, *(float(np.max(np.abs(w), initial=0.0)) for w in tree.leaves(want))])
    for g, w in zip(tree.leaves(got), tree.leaves(want), strict=True):
        error = float(np.max(np.abs(np.asarray(g) - np.asarray(w)), initial=0.0))
        if not error <= tolerance * scale:
            raise DerivativeError(
                f"check_grads: expected {what} within {tolerance:g} of finite differences, "
                f"got {np.asarray(g).tolist()} where they give {np.asarray(w).tolist()}.",
                hint="if the function is not smooth here, move the point; else a rule is wrong.",
            )
