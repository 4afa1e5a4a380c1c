"""Zeros for those matrices of a stack whose derivatives are zero: what `elementwise.times` is for numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core.linear import JointlyLinear
from funcgrad.core.primitive import Sample, box
from funcgrad.core.types import ArrayType, dtype_of, is_inexact, shape_of
from funcgrad.primitives.broadcasting import reshape, stretch
from funcgrad.primitives.elementwise import guarding
from funcgrad.primitives.logic import logical_or, not_equal, select
from funcgrad.primitives.reduction import reduce_any

__all__ = ["all_zero", "silenced", "zeros_of"]


class Silence(JointlyLinear):
    """y = x with zeros along the first `lead` axes wherever all of the bars are zero.

    It is no derivative of its own: to whoever differentiates or transposes it, the bars only choose.
    """

    name = "silence"

    def type_rule(self, x, *bars, lead):
        return x.strong()

    def eval_rule(self, x, *bars, lead):
        return np.where(_alive(bars, lead, np.ndim(x)), x, x.dtype.type(0))[()]

    def decompose_rule(self, x, *bars, lead):
        return select(_alive(bars, lead, len(shape_of(x))), x, np.zeros((), dtype_of(x)))

    def jvp_rule(self, x_dots, y, x, *bars, lead):
        return None if x_dots[0] is None else self(x_dots[0], *bars, lead=lead)

    def transpose_rule(self, needs, y_bar, x, *bars, lead):
        known = not any(
            isinstance(bar, ArrayType) for bar in bars
        )  # they are not where they are transposed too
        return (self(y_bar, *bars, lead=lead) if known else y_bar, *(None,) * len(bars))

    def batch_rule(self, size, batched, *args, lead):
        args = [a if b else stretch(a, size) for a, b in zip(args, batched, strict=True)]
        return self(*args, lead=lead + 1), True

    def samples(self):
        bars = np.array([[0.0, 0.0], [0.0, 2.0]])
        return [
            Sample((box((2, 3)), bars), {"lead": 1}, smooth=False),
            Sample((box((3,)), np.zeros(2), np.ones(())), {"lead": 0}, smooth=False),
        ]


silence = Silence()


def _alive(bars, lead, ndim):
    """Return, in the shape of what is silenced with axes of size 1, where one of the bars is not zero."""
    alive: Any = None
    for bar in bars:
        some = not_equal(bar, 0)
        axes = tuple(range(lead, len(shape_of(some))))
        some = reduce_any(some, axes=axes, keepdims=False) if axes else some
        alive = some if alive is None else logical_or(alive, some)
    return reshape(alive, shape=(*shape_of(alive), *(1,) * (ndim - lead)))


def silenced(found: Any, bars: Sequence[Any], lead: int) -> Any:
    """Return what a rule found (one array, or several) with zeros where all of the bars are zero."""
    if isinstance(found, (list, tuple)):
        return tuple([silenced(x, bars, lead) for x in found])
    if found is None or (
        all(map(_is_plain, (found, *bars))) and (not guarding.get() or np.isfinite(found).all())
    ):
        return found
    return silence(found, *bars, lead=lead)


def all_zero(bars: Sequence[Any]) -> bool:
    """Whether derivatives are plain arrays of zeros."""
    return all(_is_plain(b) and not np.any(b) for b in bars)


def zeros_of(like: Any) -> Any:
    """Return zeros for one array, or several; None for those that have no derivative."""
    if isinstance(like, (list, tuple)):
        return tuple([zeros_of(x) if is_inexact(dtype_of(x)) else None for x in like])
    return np.zeros(shape_of(like), dtype_of(like))[()]


def _is_plain(x: Any) -> bool:
    return isinstance(x, (np.ndarray, np.generic))
