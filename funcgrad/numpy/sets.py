"""Sets of numbers: isin, and union, intersection and differences of arrays whose values are known."""

from typing import Any

import numpy as np

from funcgrad.core.types import shape_of
from funcgrad.errors import ShapeError
from funcgrad.numpy import reductions
from funcgrad.numpy.arguments import as_array, implements, promoted
from funcgrad.numpy.joining import concatenate
from funcgrad.numpy.selection import take
from funcgrad.numpy.shaping import ravel
from funcgrad.numpy.sorting import unique
from funcgrad.numpy.static_arguments import known
from funcgrad.primitives import logic
from funcgrad.primitives.broadcasting import reshape

__all__ = ["intersect1d", "isin", "setdiff1d", "setxor1d", "union1d"]


@implements(np.isin)
def isin(
    element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False, *, kind: Any = None
) -> Any:
    """Return, for each element, whether it is among the test elements."""
    if kind not in (None, "sort", "table"):
        raise ShapeError(f"isin: expected kind None, 'sort' or 'table', got {kind!r}.")
    x, tests = as_array(element), ravel(test_elements)
    found = reductions.any(logic.equal(reshape(x, shape=(*shape_of(x), 1)), tests), -1)
    return logic.logical_not(found) if invert else found


@implements(np.union1d)
def union1d(ar1: Any, ar2: Any) -> Any:
    """Return the distinct elements of both arrays, sorted."""
    return unique(concatenate((ar1, ar2), None))


@implements(np.intersect1d)
def intersect1d(ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False) -> Any:
    """Return the distinct elements that are in both arrays, sorted; the derivative is that of `ar1`."""
    x, y = (ravel(a) for a in promoted(as_array(ar1), as_array(ar2)))
    plain = [np.asarray(known("intersect1d", "arrays", a)) for a in (x, y)]
    _, i, j = np.intersect1d(*plain, assume_unique=assume_unique, return_indices=True)
    return (take(x, i), i, j) if return_indices else take(x, i)


@implements(np.setdiff1d)
def setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    """Return the distinct elements of `ar1` that are not in `ar2`."""
    x = ravel(ar1) if assume_unique else unique(ar1)
    missing = np.isin(
        known("setdiff1d", "arrays", x), known("setdiff1d", "arrays", as_array(ar2)), invert=True
    )
    return take(x, np.flatnonzero(missing))


@implements(np.setxor1d)
def setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    """Return the distinct elements that are in one of the arrays only, sorted."""
    x = concatenate((ar1, ar2) if assume_unique else (unique(ar1), unique(ar2)), None)
    plain = np.asarray(known("setxor1d", "arrays", x))
    order = np.argsort(plain, stable=True)
    new = np.concatenate([[True], plain[order][1:] != plain[order][:-1], [True]])
    return take(x, order[new[1:] & new[:-1]] if len(order) else order)
