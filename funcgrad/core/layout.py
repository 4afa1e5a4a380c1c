"""How traced arrays lie in memory, as far as it is certain: what NumPy would do with a reshape of them.

Whether `x.reshape(n)` is a view or a copy depends on strides. NumPy's own arrays of the same strides say which, where
these are known: of arrays that are made in C order, and views of them. An argument may lie in any order.
"""

from typing import Any

import numpy as np

__all__ = ["is_shared", "memory_of"]


def memory_of(x: Any) -> np.ndarray | None:
    """Return an array that lies in memory as `x` would in NumPy; None where that is not certain."""
    alias = x.alias
    if alias is None or alias.base is None:
        known = x.ndim < 2 if alias is None or alias.in_order is None else alias.in_order
        return np.empty(x.shape, x.dtype) if known else None
    shared = is_shared(x)
    if shared is None:
        return None
    if not shared:
        return np.empty(x.shape, x.dtype)
    whole = memory_of(alias.base)
    if whole is None or not x.ndim or not hasattr(alias.primitive, "eval_rule"):
        return None
    return alias.primitive.eval_rule(whole, **alias.params)


def is_shared(x: Any) -> bool | None:
    """Return whether a view shares memory with its base in NumPy; None where that is not certain."""
    alias = x.alias
    if not getattr(alias.primitive, "may_copy", False) or alias.in_order:
        return True
    whole = memory_of(alias.base)
    if alias.raveled:
        return None if whole is None else whole.flags.c_contiguous
    if whole is None:
        return True if _only_splits(alias.base.shape, x.shape) else None
    try:
        np.reshape(whole, x.shape, copy=False)
    except ValueError:
        return False
    return True


def _only_splits(old: tuple[int, ...], new: tuple[int, ...]) -> bool:
    """Whether ones come or go and axes are split, and none merged: certainly a view, whatever the strides."""
    sizes = iter([n for n in new if n != 1])
    for n in old:
        product = 1
        while product < n:
            product *= next(sizes, 0) or n + 1
        if product != n and n != 0:
            return False
    return 0 not in old
