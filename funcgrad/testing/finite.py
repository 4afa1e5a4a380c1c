"""Numerical derivatives along a direction, and inner products, on containers of arrays."""

from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad import tree

__all__ = ["directional", "inner", "random_like"]


def random_like(x: Any, rng: Any) -> Any:
    """Return standard normal numbers of a NumPy generator in the containers, shapes and dtypes of `x`."""

    def leaf(a):
        a = np.asarray(a)
        v = rng.standard_normal(a.shape)
        if a.dtype.kind == "c":
            v = v + 1j * rng.standard_normal(a.shape)
        return v.astype(a.dtype)[()]

    return tree.map(leaf, x)


def inner(x: Any, y: Any) -> float:
    """Return Re sum x y over all leaves: the pairing under which cotangents act on tangents."""
    total = 0.0
    for a, b in zip(tree.leaves(x), tree.leaves(y), strict=True):
        total += float(np.real(np.sum(np.multiply(a, b, dtype=np.result_type(a, b, np.float64)))))
    return total


def directional(function: Callable, x: Any, direction: Any, step: float) -> Any:
    """Return d function(x + t direction) / dt at 0, by Richardson-extrapolated central differences.

    The error is of the order step^4; Fornberg, "Generation of finite difference formulas on
    arbitrarily spaced grids", 1988, table 1.
    """

    def at(t):
        return function(tree.map(lambda a, v: a + np.asarray(t * v, dtype=np.asarray(v).dtype), x, direction))

    def difference(h):
        return tree.map(lambda a, b: (np.asarray(a) - np.asarray(b)) / (2 * h), at(h), at(-h))

    return tree.map(lambda near, far: (4 * near - far) / 3, difference(step), difference(2 * step))
