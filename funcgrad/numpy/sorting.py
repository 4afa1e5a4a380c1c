"""Orders: sort, argsort, partition, searchsorted, lexsort, and the distinct elements."""

import operator
from typing import Any

import numpy as np

from funcgrad.core.types import type_of
from funcgrad.errors import DTypeError, ShapeError
from funcgrad.numpy.arguments import as_array, as_axis, astype, implements, judged
from funcgrad.numpy.selection import take, take_along_axis
from funcgrad.numpy.shaping import ravel
from funcgrad.numpy.static_arguments import known
from funcgrad.primitives import logic, sorting
from funcgrad.primitives.arithmetic import negative

__all__ = [
    "argpartition",
    "argsort",
    "lexsort",
    "partition",
    "searchsorted",
    "sort",
    "sort_complex",
    "unique",
    "unique_all",
    "unique_counts",
    "unique_inverse",
    "unique_values",
]


def _check_order(name, original, a, *args, **options):
    """Let NumPy judge the ways of sorting asked for; here there is one, whichever they name."""
    given = {k: v for k, v in options.items() if v is not None and v is not np._NoValue}
    if given:
        judged(name, original, as_array(a), *args, **given)


def _along(name, a, axis):
    """Return the array and the axis, flattened where the axis is None or there is none."""
    a = as_array(a)
    if axis is None or (not a.ndim and name in ("argsort", "argpartition") and axis in (0, -1)):
        a, axis = ravel(a), 0
    return a, as_axis(name, axis, a.ndim)


@implements(np.argsort)
def argsort(
    a: Any,
    axis: int | None = -1,
    kind: Any = None,
    order: Any = None,
    *,
    stable: bool | None = None,
    descending: Any = np._NoValue,
) -> Any:
    """Return the positions that sort `a` along `axis`; ties stay in order, and nan comes last."""
    _check_order("argsort", np.argsort, a, axis, kind=kind, order=order, stable=stable, descending=descending)
    a, axis = _along("argsort", a, axis)
    return sorting.argsort(_reversed_order(a) if _given(descending) else a, axis=axis)


def _given(descending):
    return descending is not np._NoValue and bool(descending)


def _reversed_order(a):
    """Return numbers in the opposite order, of which none overflows; nan stays last."""
    return logic.invert(a) if a.dtype.kind in "iub" else negative(a)


@implements(np.sort)
def sort(
    a: Any,
    axis: int | None = -1,
    kind: Any = None,
    order: Any = None,
    *,
    stable: bool | None = None,
    descending: Any = np._NoValue,
) -> Any:
    """Return `a` sorted along `axis`, or in descending order (which NumPy has from 2.5 on).

    Derivative: by position; of ties the first element is the first of the result.
    """
    _check_order("sort", np.sort, a, axis, kind=kind, order=order, stable=stable, descending=descending)
    a, axis = _along("sort", a, axis)
    if _given(descending):
        return _picked(a, sorting.argsort(_reversed_order(a), axis=axis), axis)
    return sorting.sort(a, axis=axis, kth=None)


def _picked(a, positions, axis):
    return take(a, positions) if a.ndim == 1 else take_along_axis(a, positions, axis)


@implements(np.sort_complex)
def sort_complex(a: Any) -> Any:
    """Return `a`, as complex numbers, sorted along the last axis by real part, then imaginary part."""
    y = sort(a)
    kind = np.sort_complex(np.empty(0, y.dtype)).dtype
    return astype(y, kind)


@implements(np.lexsort)
def lexsort(keys: Any, axis: int = -1) -> Any:
    """Return the positions that sort by several keys, the last first: sorted by one after another."""
    rows = [as_array(key) for key in keys]
    if not rows or any(row.shape != rows[0].shape for row in rows):
        raise ShapeError(
            f"lexsort: expected keys of one shape, got {', '.join(str(type_of(row)) for row in rows)}."
        )
    if not rows[0].ndim:
        judged("lexsort", np.lexsort, rows, axis)
        return np.zeros((), np.intp)[()]
    axis = as_axis("lexsort", axis, rows[0].ndim)
    order = sorting.argsort(rows[0], axis=axis)
    for row in rows[1:]:
        order = _picked(order, sorting.argsort(_picked(row, order, axis), axis=axis), axis)
    return order


def _kth(name, kth, n):
    places = [operator.index(k) for k in np.atleast_1d(kth)] if n else [0]
    for k in places:
        if n and not -n <= k < n:
            raise ShapeError(f"{name}: expected kth within {n}, got {k}.")
    return tuple(sorted({k % max(n, 1) for k in places}))


@implements(np.argpartition)
def argpartition(
    a: Any, kth: Any, axis: int | None = -1, kind: str = "introselect", order: Any = None
) -> Any:
    """Return positions that put the `kth` smallest in place along `axis`, smaller ones before it."""
    if kind != "introselect" or order is not None:
        judged("argpartition", np.argpartition, as_array(a), 0, axis, kind, order)
    a, axis = _along("argpartition", a, axis)
    if not a.shape[axis]:
        return sorting.argsort(a, axis=axis)  # any kth will do
    return sorting.argpartition(a, kth=_kth("argpartition", kth, a.shape[axis]), axis=axis)


@implements(np.partition)
def partition(a: Any, kth: Any, axis: int | None = -1, kind: str = "introselect", order: Any = None) -> Any:
    """Return `a` with the `kth` smallest in place along `axis`, smaller ones before it."""
    if kind != "introselect" or order is not None:
        judged("partition", np.partition, as_array(a), 0, axis, kind, order)
    a, axis = _along("partition", a, axis)
    return _picked(a, argpartition(a, kth, axis), axis)


@implements(np.searchsorted)
def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Any:
    """Return where each `v` would be inserted in the sorted vector `a`."""
    if side not in ("left", "right"):
        raise DTypeError(f"searchsorted: expected side 'left' or 'right', got {side!r}.")
    a = as_array(a)
    if a.ndim != 1:
        raise ShapeError(f"searchsorted: expected a sorted 1-D array, got {type_of(a)}.")
    if sorter is not None:
        sorter = as_array(sorter)
        if sorter.shape != a.shape:
            raise ShapeError(f"searchsorted: expected a sorter of shape {a.shape}, got {type_of(sorter)}.")
        a = take(a, sorter)
    return sorting.searchsorted(a, as_array(v), side=side)


@implements(np.unique)
def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
    sorted: bool = True,
) -> Any:
    """Return the distinct elements, sorted; their values must be known, since they decide the shape.

    Derivative: that of the first of the equal elements.
    """
    ar = as_array(ar)
    plain = np.asarray(known("unique", "an array", ar))
    found = np.unique(
        plain,
        return_index=True,
        return_inverse=return_inverse,
        return_counts=return_counts,
        axis=axis,
        equal_nan=equal_nan,
    )
    values = take(ravel(ar) if axis is None else ar, found[1], 0 if axis is None else axis)
    out = (values, *(found[1:] if return_index else found[2:]))
    return out if len(out) > 1 else values


@implements(np.unique_all)
def unique_all(x: Any) -> Any:
    """Return the distinct elements, their first positions, the inverse and the counts."""
    kind = type(np.unique_all(np.zeros(1)))
    return kind(*unique(x, True, True, True, equal_nan=False))


@implements(np.unique_counts)
def unique_counts(x: Any) -> Any:
    """Return the distinct elements and their counts."""
    kind = type(np.unique_counts(np.zeros(1)))
    return kind(*unique(x, return_counts=True, equal_nan=False))


@implements(np.unique_inverse)
def unique_inverse(x: Any) -> Any:
    """Return the distinct elements and the position among them of each element."""
    kind = type(np.unique_inverse(np.zeros(1)))
    return kind(*unique(x, return_inverse=True, equal_nan=False))


@implements(np.unique_values)
def unique_values(x: Any) -> Any:
    """Return the distinct elements."""
    return unique(x, equal_nan=False)
