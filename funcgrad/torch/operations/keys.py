"""Keys: what stands between the brackets of x[...], parsed as PyTorch does.

Numbers, slices and None are taken first, one view after the other, and index arrays choose from that view: NumPy
would count a number among the index arrays.
"""

from typing import Any

import numpy as np

from funcgrad.extend import Tracer
from funcgrad.torch.tensors import Tensor

__all__ = ["check_inside", "is_all", "is_array", "parsed", "part"]

_ALL = slice(None)


def is_array(p: Any) -> bool:
    """Whether a part of a key is an index array, of numbers or of truth."""
    return isinstance(p, (np.ndarray, Tracer))


def parsed(shape: tuple[int, ...], key: Any) -> tuple[tuple, tuple]:
    """Return the key of a view, and that of index arrays into the view: () where there are none.

    Raises:
        IndexError: in PyTorch's words, for too many parts, and for places outside of an axis.
    """
    parts = tuple(map(part, key if isinstance(key, tuple) else (key,)))
    axes = sum(_width(p) for p in parts)
    if axes > len(shape):
        if not shape:
            raise IndexError(
                "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert "
                "a 0-dim tensor to a number"
            )
        raise IndexError(f"too many indices for tensor of dimension {len(shape)}")
    _check_bounds(shape, parts, axes)
    if not any(map(is_array, parts)):
        return parts, ()
    return _separated(parts, len(shape) - axes)


def _width(p: Any) -> int:
    """Return how many axes a part takes."""
    if p is None or p is Ellipsis:
        return 0
    return p.ndim if is_array(p) and p.dtype.kind == "b" else 1


def _separated(parts: tuple, rest: int) -> tuple[tuple, tuple]:
    view: list[Any] = []
    chosen: list[Any] = []
    for p in parts:
        if p is Ellipsis:
            view += [_ALL] * rest
            chosen += [_ALL] * rest
        elif is_array(p):
            if not p.ndim and p.dtype.kind == "b":  # of a new axis, all or nothing
                view.append(None)
                chosen.append(np.zeros(int(p), np.int64))
            else:
                view += [_ALL] * _width(p)
                chosen.append(p)
        else:
            view.append(p)
            chosen += [_ALL] * (p is None or isinstance(p, slice))
    return tuple(view), tuple(chosen)


def is_all(p: Any) -> bool:
    """Whether a part of a key is a whole axis."""
    return isinstance(p, slice) and p == slice(None)


def part(p: Any) -> Any:
    """Return one part of a key: None, ..., a slice, a number or an index array."""
    if p is None or p is Ellipsis:
        return p
    if isinstance(p, slice):
        if p.step is not None and int(p.step) <= 0:
            raise ValueError("step must be greater than zero")
        return slice(*(v if v is None else int(v) for v in (p.start, p.stop, p.step)))
    if isinstance(p, (bool, np.bool_)):
        return np.asarray(p)
    if isinstance(p, Tensor):
        p = p._array
        if p.dtype.kind in "iu" and p.ndim == 0 and not isinstance(p, Tracer):
            return int(p)
        if p.dtype.kind not in "iub":
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
        return p.astype(bool) if p.dtype == np.uint8 else p
    if isinstance(p, (list, tuple, np.ndarray, range)):
        array = np.asarray([q.item() if isinstance(q, Tensor) else q for q in p])
        return array.astype(np.int64) if not array.size else array
    if isinstance(p, str):
        raise TypeError("new(): invalid data type 'str'")
    if isinstance(p, float) or not hasattr(p, "__index__"):
        raise IndexError(
            "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices "
            f"(got {type(p).__name__})"
        )
    return p.__index__()


def _check_bounds(shape, parts, axes):
    """Raise IndexError, in PyTorch's words, for a place outside of an axis."""
    axis = 0
    for p in parts:
        if p is None:
            continue
        if p is Ellipsis:
            axis += len(shape) - axes
            continue
        if is_array(p) and p.dtype.kind == "b":
            if p.shape != shape[axis : axis + p.ndim]:
                raise IndexError(
                    f"The shape of the mask {list(p.shape)} at index {_first_difference(p.shape, shape[axis:])} does not "
                    f"match the shape of the indexed tensor {list(shape)} at index "
                    f"{axis + _first_difference(p.shape, shape[axis:])}"
                )
            axis += p.ndim
            continue
        n = shape[axis]
        if isinstance(p, int) and not -n <= p < n:
            raise IndexError(f"index {p} is out of bounds for dimension {axis} with size {n}")
        if is_array(p):
            check_inside(p, n, axis, IndexError, least=-n)
        axis += 1


def _first_difference(a, b):
    return next((i for i, (m, n) in enumerate(zip(a, b, strict=False)) if m != n), 0)


def check_inside(places: Any, n: int, axis: int, error: type = RuntimeError, least: int = 0) -> None:
    """Raise where a place is outside of an axis of size `n`; of traced places nothing is known."""
    if type(places) is not np.ndarray or not places.size:
        return
    outside = places[(places < least) | (places >= n)]
    if outside.size:
        raise error(f"index {outside.flat[0]} is out of bounds for dimension {axis} with size {n}")
