"""Shapes: views that share memory, and copies in another shape."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad import numpy as fnp
from funcgrad.torch.attach import methods
from funcgrad.torch.layout import (
    as_first,
    channels_last,
    channels_last_3d,
    contiguous_format,
    is_ordered,
    memory_format,
    preserve_format,
    rule_of,
)
from funcgrad.torch.operation import Operation, apply
from funcgrad.torch.size import Size, axis_of, shape_of_arguments
from funcgrad.torch.tensors import Tensor

__all__ = [
    "adjoint",
    "atleast_1d",
    "atleast_2d",
    "broadcast_tensors",
    "broadcast_to",
    "clone",
    "expand_copy",
    "flatten",
    "moveaxis",
    "movedim",
    "numel",
    "permute",
    "ravel",
    "reshape",
    "squeeze",
    "swapaxes",
    "swapdims",
    "t",
    "transpose",
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
_CLONE = {
    format: Operation("CloneBackward0", lambda x: fnp.copy(x), layout=rule_of(format))
    for format in (preserve_format, contiguous_format, channels_last, channels_last_3d)
}
_SQUEEZE = [Operation(f"SqueezeBackward{n}", _reshaped, view=True) for n in range(3)]
_UNSQUEEZE = Operation("UnsqueezeBackward0", _reshaped, view=True)


def _full_shape(x, sizes):
    """Return the shape asked for, with its -1 filled in."""
    shape = shape_of_arguments(sizes)
    if shape.count(-1) > 1:
        raise RuntimeError("only one dimension can be inferred")
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
    return [x if x._array.shape == shape else expand(x, shape) for x in tensors]


def clone(input: Tensor, *, memory_format: memory_format = preserve_format) -> Tensor:
    """Return a copy, through which gradients flow; its elements lie in memory as the tensor's own do."""
    return apply(_CLONE[memory_format], (input,))


def contiguous(self: Tensor, memory_format: memory_format = contiguous_format) -> Tensor:
    """Return the tensor with its elements in order in memory: itself, or a copy."""
    if type(self._array) is not np.ndarray or is_contiguous(self, memory_format):
        return self
    return clone(self, memory_format=memory_format)


def is_contiguous(self: Tensor, memory_format: memory_format = contiguous_format) -> bool:
    """Whether the elements are in order in memory."""
    return is_ordered(self._array, memory_format)


def atleast_1d(input: Tensor) -> Tensor:
    """Return the tensor with one axis at least."""
    return input if input.ndim else reshape(input, 1)


def atleast_2d(input: Tensor) -> Tensor:
    """Return the tensor with two axes at least."""
    return input if input.ndim > 1 else unsqueeze(atleast_1d(input), 0)


def _as_pairs(y, arrays, params):
    """The parts of a complex number are beside each other, and the numbers as they were."""
    return as_first(y, (arrays[0][..., None],), params)


_AS_REAL = Operation(
    "ViewAsRealBackward0", lambda x: fnp.stack([fnp.real(x), fnp.imag(x)], axis=-1), layout=_as_pairs
)


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


def storage_offset(self: Tensor) -> int:
    """Return how many elements before the first one the memory begins that is viewed."""
    base = self._array.base
    if not isinstance(base, np.ndarray):
        return 0
    apart = self._array.__array_interface__["data"][0] - base.__array_interface__["data"][0]
    return apart // self._array.itemsize


def stride(self: Tensor, dim: int | None = None) -> Any:
    """Return how many elements apart neighbours along each axis are in memory."""
    steps = tuple(s // self._array.itemsize for s in self._array.strides)
    return steps if dim is None else steps[axis_of(dim, self.ndim)]


methods(
    adjoint,
    broadcast_to,
    clone,
    contiguous,
    dim,
    expand,
    expand_as,
    flatten,
    is_contiguous,
    movedim,
    numel,
    permute,
    ravel,
    reshape,
    reshape_as,
    size,
    storage_offset,
    stride,
    unflatten,
    view,
    view_as,
    squeeze,
    unsqueeze,
    t,
    transpose,
)
Tensor.moveaxis = movedim  # type: ignore[attr-defined]
Tensor.swapaxes = Tensor.swapdims = transpose  # type: ignore[attr-defined]
Tensor.nelement = numel  # type: ignore[attr-defined]
Tensor.ndimension = dim  # type: ignore[attr-defined]


def _reversed(x):
    return permute(x, tuple(reversed(range(x.ndim))))


Tensor.T = property(_reversed)  # type: ignore[attr-defined]
Tensor.mT = property(lambda x: transpose(x, -2, -1))  # type: ignore[attr-defined]
Tensor.H = property(adjoint)  # type: ignore[attr-defined]
