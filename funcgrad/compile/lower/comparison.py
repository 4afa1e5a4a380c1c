"""Comparisons of integers: by value, as NumPy has them, whatever the dtypes of the two.

`uint8 < 256` holds for all, and no uint64 equals -1, though in the bits of one dtype 256 would be 0 and -1 the largest.
"""

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad.compile.loopir.expression import Expression
from funcgrad.core.types import ArrayType, fits

__all__ = ["COMPARISONS", "compare"]

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "equal": operator.eq,
    "not_equal": operator.ne,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
}
_TURNED = {"less": "greater", "less_equal": "greater_equal", "greater": "less", "greater_equal": "less_equal"}
_OPPOSITE = {"not_equal": "equal", "greater": "less_equal", "greater_equal": "less"}
_WIDEST = np.dtype(np.uint64)


def compare(
    lower: Any, name: str, x: Expression, y: Expression, types: tuple[ArrayType, ArrayType]
) -> Expression:
    """Return the comparison `name` of two integers, given as expressions of the dtypes of their `types`."""
    for number, other, turned in ((x, y, True), (y, x, False)):
        if number.op == "const" and types[not turned].weak:
            dtype = np.dtype(np.int64) if other.dtype.kind == "b" else other.dtype
            value = int(number.detail)
            if fits(value, dtype):
                number = lower.cast(number, dtype)
                return _of_one_dtype(lower, name, *((number, other) if turned else (other, number)))
            some = np.iinfo(dtype).min  # all numbers of its dtype stand in one way to one beyond them
            return lower.const(COMPARISONS[name](*((value, some) if turned else (some, value))), bool)
    return _of_one_dtype(lower, name, x, y)


def _of_one_dtype(lower, name, x, y):
    if x.dtype != y.dtype and _WIDEST in (x.dtype, y.dtype):
        if y.dtype == _WIDEST:
            x, y, name = y, x, _TURNED.get(name, name)
        if y.dtype.kind == "i":
            return _with_negative(lower, name, x, y)
    common = np.promote_types(x.dtype, y.dtype)
    return lower.op(name, bool, lower.cast(x, common), lower.cast(y, common))


def _with_negative(lower, name, x, y):
    """Compare an x of the widest unsigned dtype with a y that may be negative."""
    if name in _OPPOSITE:
        return lower.op("logical_not", bool, _with_negative(lower, _OPPOSITE[name], x, y))
    natural = lower.op("greater_equal", bool, y, lower.const(0, y.dtype))
    return lower.op("logical_and", bool, natural, lower.op(name, bool, x, lower.cast(y, x.dtype)))
