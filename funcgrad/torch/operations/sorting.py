"""Sorting and searching."""

from typing import Any

import numpy as np

from funcgrad import numpy as fnp
from funcgrad.torch.attach import methods
from funcgrad.torch.layout import as_first
from funcgrad.torch.operation import Operation, apply
from funcgrad.torch.operations.extrema import found_at, named_places
from funcgrad.torch.size import axis_of
from funcgrad.torch.tensors import Tensor, wrap

__all__ = [
    "argsort",
    "bincount",
    "bucketize",
    "histc",
    "isin",
    "kthvalue",
    "msort",
    "searchsorted",
    "sort",
    "topk",
    "unique",
    "unique_consecutive",
]

_Sort, _Topk, _Kth = named_places("sort"), named_places("topk"), named_places("kthvalue")


def _taken(x, places, *, axis):
    return fnp.take_along_axis(x, places, axis)


_SORT = Operation("SortBackward0", _taken, layout=as_first)
_TOPK = Operation("TopkBackward0", _taken)


def _order(x: Tensor, axis: int, descending: bool) -> np.ndarray:
    """Return the places of the elements in order; equals keep theirs, and nan is above all numbers."""
    array = x._array
    if not descending:
        return np.argsort(array, axis=axis, kind="stable")
    backward = np.flip(np.argsort(np.flip(array, axis), axis=axis, kind="stable"), axis)
    return array.shape[axis] - 1 - backward


def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    """Return the elements in order along an axis, and their places. Equal elements keep their order."""
    if not input.ndim:
        return _Sort(input.clone(), wrap(np.zeros((), np.int64)))
    axis = axis_of(dim, input.ndim)
    places = wrap(as_first(_order(input, axis, descending), (input._array,), {}))
    return _Sort(apply(_SORT, (input, places), {"axis": axis}), places)


def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """Return the places that bring the elements in order along an axis."""
    return wrap(as_first(_order(input, axis_of(dim, input.ndim), descending), (input._array,), {}))


def msort(input: Tensor) -> Tensor:
    """Return the elements in order along the first axis."""
    return sort(input, 0).values


def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """Return the `k` largest (or smallest) elements along an axis, in order, and their places.

    Raises:
        RuntimeError: when there are fewer than `k`.
    """
    axis = axis_of(dim, input.ndim)
    if not 0 <= k <= input.shape[axis]:
        raise RuntimeError("selected index k out of range")
    places = wrap(np.take(_order(input, axis, largest), np.arange(k), axis=axis))
    return _Topk(apply(_TOPK, (input, places), {"axis": axis}), places)


def kthvalue(input: Tensor, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """Return the `k`-th smallest element along an axis, and its place."""
    axis = axis_of(dim, input.ndim)
    if not 1 <= k <= input.shape[axis]:
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {axis}")
    places = wrap(np.take(_order(input, axis, False), [k - 1], axis=axis))
    return found_at("Kthvalue", _Kth, input, places, axis, keepdim)


def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """Return the distinct elements in order; if asked, where each came from and how often."""
    found = np.unique(input._array, return_inverse=return_inverse, return_counts=return_counts, axis=dim)
    if not isinstance(found, tuple):
        return wrap(found)
    return tuple(wrap(np.asarray(x)) for x in found)


def unique_consecutive(input: Tensor, return_inverse: bool = False, return_counts: bool = False) -> Any:
    """Return the elements without those equal to the one before."""
    x = input._array.reshape(-1)
    new = np.ones(x.size, bool)
    new[1:] = x[1:] != x[:-1]
    starts = np.flatnonzero(new)
    out = [wrap(x[starts])]
    if return_inverse:
        out.append(wrap((np.cumsum(new) - 1).reshape(input._array.shape)))
    if return_counts:
        out.append(wrap(np.diff(np.append(starts, x.size))))
    return out[0] if len(out) == 1 else tuple(out)


def searchsorted(
    sorted_sequence: Tensor, values: Any, *, right: bool = False, side: str | None = None
) -> Tensor:
    """Return the places at which values would keep a sorted sequence in order."""
    sought = values._array if isinstance(values, Tensor) else values
    return wrap(
        np.asarray(np.searchsorted(sorted_sequence._array, sought, side or ("right" if right else "left")))
    )


def bucketize(input: Any, boundaries: Tensor, *, right: bool = False) -> Tensor:
    """Return the bucket between sorted boundaries that each element falls in."""
    return searchsorted(boundaries, input, right=right)


def isin(elements: Tensor, test_elements: Tensor, *, invert: bool = False) -> Tensor:
    """Return whether each element is among others."""
    return wrap(np.isin(elements._array, test_elements._array, invert=invert))


def bincount(input: Tensor, weights: Tensor | None = None, minlength: int = 0) -> Tensor:
    """Return how often each whole number from 0 occurs, or the sum of its weights."""
    return wrap(np.bincount(input._array, None if weights is None else weights._array, minlength))


def histc(input: Tensor, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """Return how many elements fall in each of `bins` equal parts from `min` to `max`."""
    x = input._array
    low, high = (float(x.min()), float(x.max())) if min == max == 0 and x.size else (min, max)
    return wrap(np.histogram(x, bins, (low, high))[0].astype(x.dtype))


methods(argsort, bincount, histc, isin, kthvalue, msort, sort, topk, unique, unique_consecutive)
