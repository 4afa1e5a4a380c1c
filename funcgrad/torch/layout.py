"""Where the elements of results lie in memory: PyTorch's rules, which differ from NumPy's.

A rule takes a result and the arguments it was computed of, and gives the result with PyTorch's strides.
Most operations give their elements in order (`in_order`). Those that PyTorch computes with its TensorIterator
(element by element, `as_arguments`) keep the order the arguments have, and so do copies (`as_first`).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = [
    "Rule",
    "as_arguments",
    "as_first",
    "channels_last",
    "channels_last_3d",
    "contiguous_format",
    "in_order",
    "is_ordered",
    "memory_format",
    "ordered",
    "preserve_format",
    "rule_of",
]

Rule = Callable[[np.ndarray, Sequence[Any]], np.ndarray]


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


def in_order(y: np.ndarray, arrays: Sequence[Any]) -> np.ndarray:
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


def as_arguments(y: np.ndarray, arrays: Sequence[Any]) -> np.ndarray:
    """Return the result with its axes in the order that the arguments have them."""
    operands = [x for x in arrays if type(x) is np.ndarray]
    if y.flags.c_contiguous and all(x.flags.c_contiguous for x in operands):
        return y
    if y.ndim < 2:
        return in_order(y, arrays)
    same = all(x.shape == y.shape for x in operands)
    if same and all(x.flags.c_contiguous for x in operands):
        return in_order(y, arrays)
    return ordered(y, _order(y.shape, [_strides(x, y.shape) for x in operands]))


def as_first(y: np.ndarray, arrays: Sequence[Any]) -> np.ndarray:
    """Return the result with its axes in the order of the first argument."""
    return as_arguments(y, arrays[:1])


def is_ordered(array: np.ndarray, format: memory_format) -> bool:
    """Return whether the elements are in the order of a format."""
    order = format._order or tuple(range(array.ndim))
    return len(order) == array.ndim and bool(array.transpose(order).flags.c_contiguous)


def rule_of(format: memory_format) -> Rule:
    """Return the rule that lays a result out in this format."""
    if format is preserve_format:
        return as_first
    return lambda y, arrays: ordered(y, format._checked_order(y.ndim))
