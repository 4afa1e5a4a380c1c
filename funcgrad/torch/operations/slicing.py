"""Parts along an axis: one place, a range, pieces, a diagonal; views all."""

import itertools
from typing import Any

import numpy as np

from funcgrad import numpy as fnp
from funcgrad.torch.attach import methods
from funcgrad.torch.operation import Operation, apply
from funcgrad.torch.size import axis_of
from funcgrad.torch.tensors import Tensor

__all__ = [
    "chunk",
    "diag",
    "diag_embed",
    "diagonal",
    "narrow",
    "select",
    "split",
    "tensor_split",
    "unbind",
]


def _sliced(x, *, axis, start, stop, step=1):
    return x[(slice(None),) * axis + (slice(start, stop, step),)]


_SLICE = Operation("SliceBackward0", _sliced, view=True)
_SELECT = Operation(
    "SelectBackward0", lambda x, *, axis, place: x[(slice(None),) * axis + (place, ...)], view=True
)
_UNBIND = Operation(
    "UnbindBackward0",
    lambda x, *, axis: tuple(x[(slice(None),) * axis + (i, ...)] for i in range(x.shape[axis])),
    view=True,
)


def _in_parts(x, *, axis, bounds):
    return tuple(_sliced(x, axis=axis, start=a, stop=b) for a, b in bounds)


_SPLIT = Operation("SplitBackward0", _in_parts, view=True)
_SPLIT_SIZES = Operation("SplitWithSizesBackward0", _in_parts, view=True)


def select(input: Tensor, dim: int, index: int) -> Tensor:
    """Return the part at one place of an axis, as a view without that axis."""
    axis = axis_of(dim, input.ndim)
    n = input._array.shape[axis]
    if not -n <= index < n:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(input.shape)} at dimension {axis}"
        )
    return apply(_SELECT, (input,), {"axis": axis, "place": int(index) % n})


def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """Return `length` places of an axis from `start`, as a view."""
    axis = axis_of(dim, input.ndim)
    n = input._array.shape[axis]
    start = int(start) + n if start < 0 else int(start)
    if start + length > n:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({n}).")
    return apply(_SLICE, (input,), {"axis": axis, "start": start, "stop": start + length})


def _several(op, x, params):
    parts = apply(op, (x,), params)
    for part in parts:
        part._view_kind = part._view_kind or "several"
    return parts


def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Return the parts at each place of an axis, as views."""
    return _several(_UNBIND, input, {"axis": axis_of(dim, input.ndim)})


def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Return views of the given length along an axis (the last may be shorter), or of each given length."""
    axis = axis_of(dim, tensor.ndim)
    n = tensor._array.shape[axis]
    sizes = split_size_or_sections
    if isinstance(sizes, int):
        if sizes < 0:
            raise RuntimeError(f"split expects split_size be non-negative, but got split_size={sizes}")
        if not sizes and n:
            raise RuntimeError(
                f"split_size can only be 0 if dimension size is 0, but got dimension size of {n}"
            )
        starts = range(0, n, sizes) if sizes else [0]
        bounds = tuple((a, min(a + sizes, n)) for a in starts) or ((0, 0),)
        return _several(_SPLIT, tensor, {"axis": axis, "bounds": bounds})
    if sum(sizes) != n:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size at dimension {dim}), "
            f"but got split_sizes={list(sizes)}"
        )
    ends = np.cumsum(sizes).tolist()
    return _several(
        _SPLIT_SIZES, tensor, {"axis": axis, "bounds": tuple(zip([0, *ends[:-1]], ends, strict=True))}
    )


def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Return at most `chunks` views of equal length along an axis; the last may be shorter."""
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    n = input._array.shape[axis_of(dim, input.ndim)]
    return split(input, max(-(-n // chunks), 1), dim)


def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Return views between the given places of an axis, or that many of nearly equal length."""
    axis = axis_of(dim, input.ndim)
    n = input._array.shape[axis]
    if isinstance(indices_or_sections, int):
        quotient, rest = divmod(n, indices_or_sections)
        ends = np.cumsum([quotient + 1] * rest + [quotient] * (indices_or_sections - rest)).tolist()[:-1]
    else:
        ends = [int(place) for place in indices_or_sections]
    bounds = itertools.pairwise([0, *ends, n])
    return tuple(apply(_SLICE, (input,), {"axis": axis, "start": a, "stop": max(a, b)}) for a, b in bounds)


def _diagonals(x, *, offset, axis1, axis2):
    view = fnp.linalg.diagonal(fnp.moveaxis(x, (axis1, axis2), (-2, -1)), offset=offset)
    if type(view) is np.ndarray and x.flags.writeable:
        view.flags.writeable = True  # NumPy's is read-only to announce a change that has not come
    return view


def _embedded(x, *, offset):
    n = x.shape[-1] + abs(offset)
    out = fnp.zeros((*x.shape[:-1], n, n), x.dtype) + 0 * x[..., :1, None]
    places = np.arange(x.shape[-1])
    out[..., places + max(-offset, 0), places + max(offset, 0)] = x
    return out


_DIAGONAL = Operation("DiagonalBackward0", _diagonals, view=True)
_DIAGONAL_COPY = Operation("DiagonalBackward0_copy", _diagonals)
_DIAG_EMBED = Operation("DiagEmbedBackward0", _embedded)


def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """Return a diagonal as a view, on the last axis."""
    axes = {"axis1": axis_of(dim1, input.ndim), "axis2": axis_of(dim2, input.ndim)}
    return apply(_DIAGONAL, (input,), {"offset": offset, **axes})


def diag(input: Tensor, diagonal: int = 0) -> Tensor:
    """Return the matrix with this vector on a diagonal, or the diagonal of this matrix."""
    if input.ndim == 1:
        return apply(_DIAG_EMBED, (input,), {"offset": diagonal})
    if input.ndim != 2:
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    return apply(_DIAGONAL_COPY, (input,), {"offset": diagonal, "axis1": 0, "axis2": 1})


def diag_embed(input: Tensor, offset: int = 0) -> Tensor:
    """Return matrices with these vectors (on the last axis) on a diagonal."""
    return apply(_DIAG_EMBED, (input,), {"offset": offset})


methods(chunk, diag, diag_embed, diagonal, narrow, select, split, tensor_split, unbind)
