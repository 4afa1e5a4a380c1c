"""Shapes: views that share memory, and copies in another shape."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad import numpy as fnp
from funcgrad.torch.attach import in_place_too, methods
from funcgrad.torch.operation import Operation, apply
from funcgrad.torch.size import Size, axis_of, shape_of_arguments
from funcgrad.torch.tensors import Tensor

__all__ = [
    "adjoint",
    "atleast_1d",
    "atleast_2d",
    "broadcast_tensors",
    "broadcast_to",
    "chunk",
    "clone",
    "diag",
    "diag_embed",
    "diagonal",
    "expand_copy",
    "flatten",
    "flip",
    "fliplr",
    "flipud",
    "movedim",
    "moveaxis",
    "narrow",
    "numel",
    "permute",
    "ravel",
    "repeat_interleave",
    "reshape",
    "roll",
    "rot90",
    "select",
    "split",
    "squeeze",
    "swapaxes",
    "swapdims",
    "t",
    "tensor_split",
    "tile",
    "transpose",
    "tril",
    "triu",
    "unbind",
    "unflatten",
    "unsqueeze",
    "view_as_real",
]


def _reshaped(x, *, shape):
    return fnp.reshape(x, shape)


_VIEW = Operation("ViewBackward0", _reshaped, view=True)
_RESHAPE = Operation("UnsafeViewBackward0", _reshaped, view=True)
_PERMUTE = Operation("PermuteBackward0", lambda x, *, axes: fnp.transpose(x, axes), view=True)
_TRANSPOSE = Operation("TransposeBackward0", lambda x, *, axes: fnp.swapaxes(x, *axes), view=True)
_T = Operation("TBackward0", lambda x: fnp.transpose(x), view=True)
_EXPAND = Operation("ExpandBackward0", lambda x, *, shape: fnp.broadcast_to(x, shape), view=True)
_CLONE = Operation("CloneBackward0", lambda x: fnp.copy(x))
_SQUEEZE = [Operation(f"SqueezeBackward{n}", _reshaped, view=True) for n in range(3)]
_UNSQUEEZE = Operation("UnsqueezeBackward0", _reshaped, view=True)


def _full_shape(x, sizes):
    """Return the shape asked for, with its -1 filled in."""
    shape = shape_of_arguments(sizes)
    size = x._array.size
    known = 1
    for n in shape:
        known *= n if n != -1 else 1
    fits = shape.count(-1) <= 1 and (known == size if -1 not in shape else known != 0 and size % known == 0)
    if not fits:
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {size}")
    return tuple(size // known if n == -1 else n for n in shape)


def view(self: Tensor, *shape: Any) -> Tensor:
    """Return the same memory in another shape; of a dtype, the same memory as that dtype.

    Raises:
        RuntimeError: when the sizes do not fit, or the memory cannot be seen in that shape.
    """
    if len(shape) == 1 and hasattr(shape[0], "numpy") and not isinstance(shape[0], Tensor):
        out = Operation("", lambda x: x.view(shape[0].numpy), view=True)
        return apply(out, (self.detach(),))
    new = _full_shape(self, shape)
    array = self._array
    if type(array) is np.ndarray and array.size and not array.flags.c_contiguous:
        if not np.may_share_memory(array.reshape(new), array):
            raise RuntimeError(
                "view size is not compatible with input tensor's size and stride (at least one dimension spans across "
                "two contiguous subspaces). Use .reshape(...) instead."
            )
    return apply(_VIEW, (self,), {"shape": new})


def reshape(input: Tensor, *shape: Any) -> Tensor:
    """Return the elements in another shape: a view where the memory allows it, else a copy."""
    new = _full_shape(input, shape)
    contiguous = type(input._array) is not np.ndarray or input._array.flags.c_contiguous
    return apply(_VIEW if contiguous else _RESHAPE, (input,), {"shape": new})


def view_as(self: Tensor, other: Tensor) -> Tensor:
    """Return the same memory in the shape of `other`."""
    return view(self, other.shape)


def reshape_as(self: Tensor, other: Tensor) -> Tensor:
    """Return the elements in the shape of `other`."""
    return reshape(self, other.shape)


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Return the axes from `start_dim` to `end_dim` as one."""
    shape = input._array.shape
    if not shape:
        return reshape(input, 1)
    first, last = axis_of(start_dim, len(shape)), axis_of(end_dim, len(shape))
    if first > last:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if first == last:
        return input
    joined = int(np.prod(shape[first : last + 1]))
    return reshape(input, (*shape[:first], joined, *shape[last + 1 :]))


def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """Return one axis as several."""
    axis = axis_of(dim, input.ndim)
    shape = input._array.shape
    return view(input, (*shape[:axis], *_full_part(shape[axis], sizes), *shape[axis + 1 :]))


def _full_part(size, sizes):
    known = int(np.prod([n for n in sizes if n != -1]))
    return [size // known if n == -1 else n for n in sizes]


def ravel(input: Tensor) -> Tensor:
    """Return all elements along one axis."""
    return reshape(input, -1)


def permute(input: Tensor, *dims: Any) -> Tensor:
    """Return the axes in another order."""
    order = shape_of_arguments(dims)
    if len(order) != input.ndim:
        raise RuntimeError(
            f"permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {input.ndim} is not equal to len(dims) = {len(order)}"
        )
    axes = tuple(axis_of(d, input.ndim) for d in order)
    if len(set(axes)) != len(axes):
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return apply(_PERMUTE, (input,), {"axes": axes})


def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """Return two axes exchanged."""
    if not input.ndim:
        axis_of(dim0, 0), axis_of(dim1, 0)
        return apply(_RESHAPE, (input,), {"shape": ()})
    return apply(_TRANSPOSE, (input,), {"axes": (axis_of(dim0, input.ndim), axis_of(dim1, input.ndim))})


def t(input: Tensor) -> Tensor:
    """Return the transpose of a matrix; of a vector, the vector.

    Raises:
        RuntimeError: when there are more than two axes.
    """
    if input.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D")
    return apply(_T, (input,))


def adjoint(input: Tensor) -> Tensor:
    """Return the last two axes exchanged, and conjugated."""
    out = transpose(input, -2, -1)
    return out.conj() if out.is_complex() else out


def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Return axes moved to other places."""
    several = (source,) if isinstance(source, int) else tuple(source)
    places = (destination,) if isinstance(destination, int) else tuple(destination)
    order = [n for n in range(input.ndim) if n not in {axis_of(s, input.ndim) for s in several}]
    for place, axis in sorted(zip([axis_of(d, input.ndim) for d in places], several, strict=True)):
        order.insert(place, axis_of(axis, input.ndim))
    return permute(input, order)


moveaxis, swapaxes, swapdims = movedim, transpose, transpose


def squeeze(input: Tensor, dim: Any = None) -> Tensor:
    """Return the tensor without axes of size 1: all of them, or those named."""
    shape = input._array.shape
    if dim is None:
        return apply(_SQUEEZE[0], (input,), {"shape": tuple(n for n in shape if n != 1)})
    axes = {axis_of(d, len(shape)) for d in ((dim,) if isinstance(dim, int) else dim)}
    kept = tuple(n for i, n in enumerate(shape) if i not in axes or n != 1)
    return apply(_SQUEEZE[1 if isinstance(dim, int) else 2], (input,), {"shape": kept})


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """Return the tensor with an axis of size 1 at `dim`."""
    axis = axis_of(dim, input.ndim + 1)
    shape = input._array.shape
    return apply(_UNSQUEEZE, (input,), {"shape": (*shape[:axis], 1, *shape[axis:])})


def expand(self: Tensor, *sizes: Any) -> Tensor:
    """Return a view in which axes of size 1 are repeated; -1 leaves an axis as it is."""
    shape = shape_of_arguments(sizes)
    own = tuple(self._array.shape)
    if len(shape) < len(own):
        raise RuntimeError(
            f"expand(torch.{self.dtype.scalar}Tensor{{{list(own)}}}, size={list(shape)}): the number of sizes provided "
            f"({len(shape)}) must be greater or equal to the number of dimensions in the tensor ({len(own)})"
        )
    padded = (1,) * (len(shape) - len(own)) + own
    target = tuple(m if n == -1 else n for n, m in zip(shape, padded, strict=True))
    for axis, (n, m) in enumerate(zip(target, padded, strict=True)):
        if m not in (1, n):
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) must match the existing size ({m}) at non-singleton dimension "
                f"{axis}.  Target sizes: {list(shape)}.  Tensor sizes: {list(own)}"
            )
    return apply(_EXPAND, (self,), {"shape": target})


def expand_as(self: Tensor, other: Tensor) -> Tensor:
    """Return a view in the shape of `other`."""
    return expand(self, other.shape)


def broadcast_to(input: Tensor, shape: Sequence[int]) -> Tensor:
    """Return a view in a shape the tensor broadcasts to."""
    return expand(input, shape)


def expand_copy(input: Tensor, size: Sequence[int]) -> Tensor:
    """Return a copy in a shape the tensor broadcasts to."""
    return clone(expand(input, size))


def broadcast_tensors(*tensors: Tensor) -> list[Tensor]:
    """Return the tensors in the shape they broadcast to together."""
    shape = np.broadcast_shapes(*[x._array.shape for x in tensors])
    return [expand(x, shape) for x in tensors]


def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """Return a copy, through which gradients flow."""
    return apply(_CLONE, (input,))


def contiguous(self: Tensor, memory_format: Any = None) -> Tensor:
    """Return the tensor with its elements in order in memory: itself, or a copy."""
    if type(self._array) is not np.ndarray or self._array.flags.c_contiguous:
        return self
    return clone(self)


def is_contiguous(self: Tensor) -> bool:
    """Whether the elements are in order in memory."""
    return bool(self._array.flags.c_contiguous)


# Parts along an axis


def _sliced(x, *, axis, start, stop, step=1):
    return x[(slice(None),) * axis + (slice(start, stop, step),)]


_SLICE = Operation("SliceBackward0", _sliced, view=True)
_SELECT = Operation("SelectBackward0", lambda x, *, axis, place: x[(slice(None),) * axis + (place, ...)], view=True)
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
            raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {n}")
        starts = range(0, n, sizes) if sizes else [0]
        bounds = tuple((a, min(a + sizes, n)) for a in starts) or ((0, 0),)
        return _several(_SPLIT, tensor, {"axis": axis, "bounds": bounds})
    if sum(sizes) != n:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size at dimension {dim}), "
            f"but got split_sizes={list(sizes)}"
        )
    ends = np.cumsum(sizes).tolist()
    return _several(_SPLIT_SIZES, tensor, {"axis": axis, "bounds": tuple(zip([0, *ends[:-1]], ends, strict=True))})


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
        sizes = [quotient + 1] * rest + [quotient] * (indices_or_sections - rest)
        return split(input, sizes, axis)
    bounds = [0, *indices_or_sections, n]
    return split(input, [max(b - a, 0) for a, b in zip(bounds, bounds[1:], strict=False)], axis)


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
    return clone(apply(_DIAGONAL, (input,), {"offset": diagonal, "axis1": 0, "axis2": 1}))


def diag_embed(input: Tensor, offset: int = 0) -> Tensor:
    """Return matrices with these vectors (on the last axis) on a diagonal."""
    return apply(_DIAG_EMBED, (input,), {"offset": offset})


# Copies in another arrangement

_REPEAT = Operation("RepeatBackward0", lambda x, *, times: fnp.tile(x, times))
_REPEAT_EACH = Operation("ViewBackward0", lambda x, *, times, axis: fnp.repeat(x, times, axis))
_FLIP = Operation("FlipBackward0", lambda x, *, axes: fnp.flip(x, axes))
_ROLL = Operation("RollBackward0", lambda x, *, shifts, axes: fnp.roll(x, shifts, axes))
_ROT90 = Operation("Rot90Backward0", lambda x, *, k, axes: fnp.rot90(x, k, axes))
_TRIL = Operation("TrilBackward0", lambda x, *, k: _triangle(x, np.tri(*x.shape[-2:], k, dtype=bool)))
_TRIU = Operation("TriuBackward0", lambda x, *, k: _triangle(x, ~np.tri(*x.shape[-2:], k - 1, dtype=bool)))


def _triangle(x, inside):
    return fnp.where(inside, x, 0)


def repeat(self: Tensor, *repeats: Any) -> Tensor:
    """Return the tensor repeated that many times along each axis."""
    times = shape_of_arguments(repeats)
    if len(times) < self.ndim:
        raise RuntimeError(
            "Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor"
        )
    return apply(_REPEAT, (self,), {"times": times})


def tile(input: Tensor, *dims: Any) -> Tensor:
    """Return the tensor repeated that many times along the last axes."""
    return apply(_REPEAT, (input,), {"times": shape_of_arguments(dims)})


def repeat_interleave(input: Tensor, repeats: Any, dim: int | None = None) -> Tensor:
    """Return each element repeated, one after the other."""
    times = repeats._array if isinstance(repeats, Tensor) else repeats
    axis = None if dim is None else axis_of(dim, input.ndim)
    return apply(_REPEAT_EACH, (input,), {"times": times, "axis": axis})


def flip(input: Tensor, *dims: Any) -> Tensor:
    """Return the elements in reverse order along axes."""
    axes = tuple(axis_of(d, input.ndim) for d in shape_of_arguments(dims))
    return apply(_FLIP, (input,), {"axes": axes})


def fliplr(input: Tensor) -> Tensor:
    """Return the columns in reverse order."""
    return flip(input, 1)


def flipud(input: Tensor) -> Tensor:
    """Return the rows in reverse order."""
    return flip(input, 0)


def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """Return the elements shifted along axes, those beyond the end at the beginning."""
    return apply(_ROLL, (input,), {"shifts": shifts, "axes": dims})


def rot90(input: Tensor, k: int = 1, dims: Sequence[int] = (0, 1)) -> Tensor:
    """Return the tensor turned by 90 degrees, `k` times."""
    return apply(_ROT90, (input,), {"k": k, "axes": tuple(dims)})


def tril(input: Tensor, diagonal: int = 0) -> Tensor:
    """Return the lower triangle; zeros above the diagonal."""
    return apply(_TRIL, (input,), {"k": diagonal})


def triu(input: Tensor, diagonal: int = 0) -> Tensor:
    """Return the upper triangle; zeros below the diagonal."""
    return apply(_TRIU, (input,), {"k": diagonal})


def atleast_1d(input: Tensor) -> Tensor:
    """Return the tensor with one axis at least."""
    return input if input.ndim else reshape(input, 1)


def atleast_2d(input: Tensor) -> Tensor:
    """Return the tensor with two axes at least."""
    return input if input.ndim > 1 else unsqueeze(atleast_1d(input), 0)


_AS_REAL = Operation("ViewAsRealBackward0", lambda x: fnp.stack([fnp.real(x), fnp.imag(x)], axis=-1))


def view_as_real(input: Tensor) -> Tensor:
    """Return the real and imaginary parts along a last axis (a copy)."""
    return apply(_AS_REAL, (input,))


def numel(input: Tensor) -> int:
    """Return the number of elements."""
    return int(input._array.size)


def size(self: Tensor, dim: int | None = None) -> Any:
    """Return the shape, or the size of one axis."""
    return Size(self._array.shape) if dim is None else self._array.shape[axis_of(dim, self.ndim)]


def dim(self: Tensor) -> int:
    """Return the number of axes."""
    return self._array.ndim


def stride(self: Tensor, dim: int | None = None) -> Any:
    """Return how many elements apart neighbours along each axis are in memory."""
    steps = tuple(s // self._array.itemsize for s in self._array.strides)
    return steps if dim is None else steps[axis_of(dim, self.ndim)]


methods(
    adjoint, broadcast_to, chunk, clone, contiguous, diag, diag_embed, diagonal, dim, expand, expand_as, flatten, flip,
    fliplr, flipud, is_contiguous, movedim, narrow, numel, permute, ravel, repeat, repeat_interleave, reshape,
    reshape_as, roll, rot90, select, size, split, stride, tensor_split, tile, unbind, unflatten, view, view_as,
)  # fmt: skip
in_place_too(tril, triu)
for _function in (squeeze, unsqueeze, t, transpose):
    methods(_function)
Tensor.moveaxis = movedim  # type: ignore[attr-defined]
Tensor.swapaxes = Tensor.swapdims = transpose  # type: ignore[attr-defined]
Tensor.nelement = numel  # type: ignore[attr-defined]
Tensor.ndimension = dim  # type: ignore[attr-defined]


def _reversed(x):
    return permute(x, tuple(reversed(range(x.ndim))))


Tensor.T = property(_reversed)  # type: ignore[attr-defined]
Tensor.mT = property(lambda x: transpose(x, -2, -1))  # type: ignore[attr-defined]
Tensor.H = property(adjoint)  # type: ignore[attr-defined]
