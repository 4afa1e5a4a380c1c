"""Where the elements of results lie in memory: PyTorch's rules, which differ from NumPy's.

A rule takes a result, the arguments and the parameters it was computed of, and gives the result with PyTorch's
strides. Most operations give their elements in order (`in_order`). Those that PyTorch computes with its
TensorIterator (element by element, `as_arguments`) keep the order the arguments have, and so do copies (`as_first`)
and what index arrays choose (`as_chosen`); images keep theirs if it is channels-last (`as_images`); and LAPACK
writes columns (`in_columns`).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = [
    "Rule",
    "as_arguments",
    "as_chosen",
    "as_first",
    "as_images",
    "as_joined",
    "as_leaf",
    "as_signals",
    "channels_last",
    "channels_last_3d",
    "contiguous_format",
    "in_columns",
    "in_order",
    "is_ordered",
    "memory_format",
    "ordered",
    "preserve_format",
    "rule_of",
]

Rule = Callable[[np.ndarray, Sequence[Any], dict], np.ndarray]


class memory_format:
    """An order of elements in memory: `torch.contiguous_format`, `torch.channels_last`, ..."""

    def __init__(self, name: str, order: tuple[int, ...] = ()):
        self._name = name
        self._order = order  # the axes from the slowest to the fastest, where that is fixed

    def __repr__(self) -> str:
        return f"torch.{self._name}"

    def _checked_order(self, ndim: int) -> tuple[int, ...]:
        if self._order and ndim != len(self._order):
            raise RuntimeError(f"required rank {len(self._order)} tensor to use {self._name} format")
        return self._order or tuple(range(ndim))


contiguous_format, preserve_format = memory_format("contiguous_format"), memory_format("preserve_format")
channels_last = memory_format("channels_last", (0, 2, 3, 1))
channels_last_3d = memory_format("channels_last_3d", (0, 2, 3, 4, 1))


def ordered(array: np.ndarray, order: Sequence[int]) -> np.ndarray:
    """Return the array with its axes in this order in memory, the slowest first: itself, or a copy."""
    turned = array.transpose(order)
    if turned.flags.c_contiguous:
        return array
    return np.ascontiguousarray(turned).transpose(np.argsort(order))


def in_order(y: np.ndarray, arrays: Sequence[Any], params: dict) -> np.ndarray:
    """Return the result with its elements in order, whatever the arguments are like."""
    return y if y.flags.c_contiguous else np.ascontiguousarray(y)


def _swapped(shape, strides, a, b):
    """Return whether axis `a` is slower than `b` (1), faster (-1), or neither can be told (0)."""
    for steps in strides:
        m, n = steps[a], steps[b]
        if m and n and (m != n or shape[a] > shape[b]):
            return 1 if m >= n else -1
    return 0


def _order(shape, strides):
    """Return the axes from the slowest to the fastest, as operands of these strides have them.

    PyTorch's TensorIterator::reorder_dimensions: an insertion sort, because not all axes can be compared.
    """
    order = list(range(len(shape)))[::-1]
    for i in range(1, len(order)):
        at = i
        for j in range(i - 1, -1, -1):
            slower = _swapped(shape, strides, order[j], order[at])
            if slower > 0:
                order[j], order[at] = order[at], order[j]
                at = j
            elif slower < 0:
                break
    return order[::-1]


def _strides(array, shape):
    """Return how far apart neighbours are; 0 along the axes an array is broadcast along."""
    ndim = len(shape) - array.ndim
    steps = (
        0 if m == 1 and n != 1 else s
        for m, n, s in zip(array.shape, shape[ndim:], array.strides, strict=True)
    )
    return (0,) * ndim + tuple(steps)


def as_arguments(y: np.ndarray, arrays: Sequence[Any], params: dict) -> np.ndarray:
    """Return the result with its axes in the order that the arguments have them."""
    if not y.ndim or _are_in_order(arrays):
        return y if y.flags.c_contiguous else np.ascontiguousarray(y)
    operands = [x for x in arrays if type(x) is np.ndarray]
    return ordered(y, _order(y.shape, [_strides(x, y.shape) for x in operands]))


def _are_in_order(arrays):
    for x in arrays:  # a loop, because every operation asks
        if type(x) is np.ndarray and not x.flags.c_contiguous:
            return False
    return True


def as_first(y: np.ndarray, arrays: Sequence[Any], params: dict) -> np.ndarray:
    """Return the result with its axes in the order of the first argument, one beside the other."""
    x = arrays[0]
    if type(x) is not np.ndarray or type(y) is not np.ndarray:
        return y  # traced values lie nowhere
    if x.flags.c_contiguous:
        return in_order(y, arrays, params)
    return ordered(y, _order(x.shape, [x.strides]))


def as_leaf(gradient: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the gradient of a leaf as the leaf lies itself; in order where that has gaps or overlaps."""
    if x.flags.c_contiguous:
        return in_order(gradient, (), {})
    order = _order(x.shape, [x.strides])
    dense = x.transpose(order).flags.c_contiguous
    return ordered(gradient, order) if dense else in_order(gradient, (), {})


def _is_channels_last(x):
    """Return whether an array is laid out with the second axis the fastest (c10's is_channels_last_strides)."""
    if not 2 < x.ndim < 6 or not x.strides[1] or x.flags.c_contiguous:
        return False
    least = 0
    for axis in (1, *range(x.ndim - 1, 1, -1), 0):
        step = x.strides[axis]
        if not x.shape[axis] or step < least or (axis == 0 and least == x.strides[1]):
            return False
        least = step * max(x.shape[axis], 1)
    return True


def _channels_last_if(last, y, arrays, params):
    return ordered(y, (0, *range(2, y.ndim), 1)) if last else in_order(y, arrays, params)


def as_signals(y: np.ndarray, arrays: Sequence[Any], params: dict) -> np.ndarray:
    """Return the result with the channels last where the signals or images, or the kernels, have them last."""
    last = any(type(x) is np.ndarray and x.ndim == y.ndim and _is_channels_last(x) for x in arrays[:2])
    return _channels_last_if(last, y, arrays, params)


def as_images(y: np.ndarray, arrays: Sequence[Any], params: dict) -> np.ndarray:
    """Return the result with the channels last where the images have them last; signals are in order."""
    return _channels_last_if(y.ndim > 3 and _is_channels_last(arrays[0]), y, arrays, params)


def as_joined(y: np.ndarray, arrays: Sequence[Any], params: dict) -> np.ndarray:
    """Return the result with the channels last where all the images have them last."""
    return _channels_last_if(y.ndim > 3 and all(map(_is_channels_last, arrays)), y, arrays, params)


def in_columns(y: np.ndarray, arrays: Sequence[Any], params: dict) -> np.ndarray:
    """Return matrices with the elements of each column beside each other, as LAPACK writes them."""
    return y if y.ndim < 2 else ordered(y, (*range(y.ndim - 2), y.ndim - 1, y.ndim - 2))


def as_chosen(y: np.ndarray, arrays: Sequence[Any], params: dict) -> np.ndarray:
    """Return what index arrays chose: the axes they name have the order of the indices, the others their own.

    PyTorch takes the array with steps of 0 along the axes that are named, and the indices with steps of 0 along
    the others, as operands of one TensorIterator (AdvancedIndex in TensorAdvancedIndexing.cpp).
    """
    x, key = arrays[0], params["key"]
    if x.flags.c_contiguous and _are_in_order(key):
        return in_order(y, arrays, params)
    key = [q for p in key for q in (np.nonzero(p) if _is_mask(p) else (p,))]
    chosen = [n for n, p in enumerate(key) if type(p) is not slice]
    indices = np.broadcast_arrays(*(np.ascontiguousarray(key[n]) for n in chosen))
    first = chosen[0] if chosen[-1] - chosen[0] == len(chosen) - 1 else 0
    rest = [s for n, s in enumerate(x.strides) if n not in chosen]
    ndim = indices[0].ndim
    before, after = (0,) * first, (0,) * (len(rest) - first)
    strides = [(*rest[:first], *(0,) * ndim, *rest[first:])]
    strides += [(*before, *i.strides, *after) for i in indices]
    return ordered(y, _order(y.shape, strides))


def _is_mask(p):
    return type(p) is np.ndarray and p.dtype.kind == "b"


def is_ordered(array: np.ndarray, format: memory_format) -> bool:
    """Return whether the elements are in the order of a format."""
    if type(array) is not np.ndarray:
        return True
    order = format._order or tuple(range(array.ndim))
    return len(order) == array.ndim and bool(array.transpose(order).flags.c_contiguous)


def rule_of(format: memory_format) -> Rule:
    """Return the rule that lays a result out in this format."""
    if format is preserve_format:
        return as_first
    return lambda y, arrays, params: ordered(y, format._checked_order(y.ndim))
