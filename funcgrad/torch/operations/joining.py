"""Tensors joined: cat, stack, and products of grids."""

from collections.abc import Sequence
from typing import Any

from funcgrad import numpy as fnp
from funcgrad.torch.layout import as_joined, in_order
from funcgrad.torch.operation import Operation, apply
from funcgrad.torch.size import axis_of
from funcgrad.torch.tensors import Tensor

__all__ = [
    "block_diag",
    "cartesian_prod",
    "cat",
    "column_stack",
    "concat",
    "concatenate",
    "dstack",
    "hstack",
    "meshgrid",
    "stack",
    "vstack",
]


def _joined(*xs, axis):
    return fnp.concatenate(xs, axis=axis)


def _stacked(*xs, axis):
    return fnp.stack(xs, axis=axis)


_CAT = Operation("CatBackward0", _joined, promotes="same", layout=as_joined)
_STACK = Operation("StackBackward0", _stacked, promotes="same", layout=in_order)


def _checked(name: str, tensors: Any) -> list[Tensor]:
    if isinstance(tensors, Tensor):
        raise TypeError(f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not Tensor")
    tensors = list(tensors)
    for n, x in enumerate(tensors):
        if not isinstance(x, Tensor):
            raise TypeError(f"expected Tensor as element {n} in argument 0, but got {type(x).__name__}")
    return tensors


def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Return the tensors joined along an axis they have.

    Raises:
        RuntimeError: when there is none, or when the other sizes differ.
    """
    tensors = _checked("cat", tensors)
    if not tensors:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    kept = [x for x in tensors if tuple(x._array.shape) != (0,)] or tensors[:1]
    first = kept[0]
    for n, x in enumerate(tensors):
        if not x.ndim:
            raise RuntimeError(f"zero-dimensional tensor (at position {n}) cannot be concatenated")
    axis = axis_of(dim, first.ndim)
    for n, x in enumerate(kept):
        if x.ndim != first.ndim:
            raise RuntimeError(f"Tensors must have same number of dimensions: got {first.ndim} and {x.ndim}")
        for i, (a, b) in enumerate(zip(first.shape, x.shape, strict=True)):
            if i != axis and a != b:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {axis}. Expected size {a} but got size {b} for "
                    f"tensor number {n} in the list."
                )
    return apply(_CAT, kept, {"axis": axis})


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Return the tensors joined along a new axis.

    Raises:
        RuntimeError: when there is none, or when the shapes differ.
    """
    tensors = _checked("stack", tensors)
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    for n, x in enumerate(tensors):
        if x.shape != tensors[0].shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(tensors[0].shape)} at entry 0 and "
                f"{list(x.shape)} at entry {n}"
            )
    return apply(_STACK, tensors, {"axis": axis_of(dim, tensors[0].ndim + 1)})


concat = concatenate = cat


def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """Return the tensors as rows, one below the other."""
    return cat([x.reshape(1, -1) if x.ndim < 2 else x for x in tensors], 0)


def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Return the tensors side by side."""
    tensors = [x.reshape(1) if not x.ndim else x for x in tensors]
    return cat(tensors, 0 if tensors[0].ndim == 1 else 1)


def column_stack(tensors: Sequence[Tensor]) -> Tensor:
    """Return the tensors as columns, side by side."""
    return cat([x.reshape(-1, 1) if x.ndim < 2 else x for x in tensors], 1)


def dstack(tensors: Sequence[Tensor]) -> Tensor:
    """Return the tensors joined along a third axis."""
    return cat(
        [x.reshape(1, -1, 1) if x.ndim < 2 else x.unsqueeze(2) if x.ndim == 2 else x for x in tensors], 2
    )


def _diagonal_blocks(*blocks):
    columns = sum(x.shape[1] for x in blocks)
    rows = []
    before = 0
    for x in blocks:
        after = columns - before - x.shape[1]
        rows.append(fnp.pad(x, ((0, 0), (before, after))))
        before += x.shape[1]
    return fnp.concatenate(rows)


_BLOCK_DIAG = Operation("BlockDiagBackward0", _diagonal_blocks, promotes="same", layout=in_order)


def block_diag(*tensors: Tensor) -> Tensor:
    """Return the matrix with the given ones along its diagonal."""
    return apply(_BLOCK_DIAG, [x.reshape(1, -1) if x.ndim < 2 else x for x in tensors])


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Return the coordinates of a grid, one tensor an axis; "xy" exchanges the first two axes."""
    xs = list(tensors[0]) if len(tensors) == 1 and not isinstance(tensors[0], Tensor) else list(tensors)
    if indexing == "xy" and len(xs) > 1:
        return tuple(x.transpose(0, 1) for x in meshgrid(*xs))
    n = len(xs)
    return tuple(
        x.view([-1 if j == i else 1 for j in range(n)]).expand([y.numel() for y in xs])
        for i, x in enumerate(xs)
    )


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """Return all combinations of elements, one a row."""
    if len(tensors) == 1:
        return tensors[0]
    return stack([x.reshape(-1) for x in meshgrid(*tensors)], 1)
