"""Bilinear products of arrays in which a zero wins against infinity and nan, as it does in `elementwise.times`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad.core.types import ArrayType
from funcgrad.primitives.elementwise import guarding, is_all_finite

__all__ = ["guarded_product", "lower_guarded"]


def guarded_product(evaluate: Callable, x: np.ndarray, y: np.ndarray) -> Any:
    """Return the sums of products that `evaluate(x, y)` is, without those that are indefinite though a factor is zero.

    A sum with another product that is infinite or nan is what it is.
    """
    z = evaluate(x, y)
    if not guarding.get() or is_all_finite(z):
        return z
    finite = evaluate(*(np.where(np.isfinite(a), a, a.dtype.type(0)) for a in (x, y)))
    met = evaluate(_marks(~np.isfinite(x)), _marks(y != 0)) + evaluate(
        _marks(x != 0), _marks(~np.isfinite(y))
    )
    return np.where(met > 0, z, finite)[()]


def _marks(condition):
    return condition.astype(float)


def lower_guarded(lower: Any, out: ArrayType, x: Any, y: Any, product: Callable) -> Any:
    """Return the same, of `product(x, y)`, in compiled code: where results are looked at for nan, only if there is any.

    (See `compile.lower.nan_watch`: the whole program is run once more, with careful products.)
    """
    z = product(out, x, y)
    if not lower.careful:
        return z
    marks = ArrayType(out.shape, np.dtype(float))

    def marked(value, op, other):
        def at(index):
            element = value.at(index)
            arguments = (element, lower.const(0, value.dtype)) if other else (element,)
            return lower.cast(lower.op(op, bool, *arguments), float)

        return lower.map(ArrayType(value.shape, np.dtype(float)), at)

    def unlimited(value):
        def at(index):
            element = value.at(index)
            one = lower.const(1, np.dtype(float))
            finite = lower.op("isfinite", bool, element)
            return lower.op("select", np.dtype(float), finite, lower.const(0, np.dtype(float)), one)

        return lower.map(ArrayType(value.shape, np.dtype(float)), at)

    def limited(value):
        def at(index):
            element = value.at(index)
            zero = lower.const(0, value.dtype)
            return lower.op("select", value.dtype, lower.op("isfinite", bool, element), element, zero)

        return lower.map(value.type, at)

    finite = product(out, limited(x), limited(y))
    met = [
        product(marks, unlimited(x), marked(y, "not_equal", True)),
        product(marks, marked(x, "not_equal", True), unlimited(y)),
    ]

    def at(index):
        zero = lower.const(0, np.dtype(float))
        total = lower.op("add", np.dtype(float), *(m.at(index) for m in met))
        chosen = lower.op("greater", bool, total, zero)
        return lower.op("select", out.dtype, chosen, z.at(index), finite.at(index))

    return lower.map(out, at)
