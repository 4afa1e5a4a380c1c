"""Rearranging: reshape, transpose and its kin, axes added and removed, broadcasting, flips."""

import math
import operator
from typing import Any

import numpy as np

from funcgrad.core.inplace import in_order, own, raveled, readonly
from funcgrad.core.types import shape_of, type_of
from funcgrad.errors import ConcretizationError, DTypeError, ShapeError
from funcgrad.numpy.arguments import as_array, as_axes, as_axis, implements, judged
from funcgrad.primitives import broadcasting
from funcgrad.primitives import shape as rearranging

__all__ = [
    "broadcast_arrays",
    "broadcast_to",
    "expand_dims",
    "flip",
    "moveaxis",
    "ravel",
    "reshape",
    "squeeze",
    "swapaxes",
    "transpose",
]


@implements(np.reshape)
def reshape(a: Any, /, shape: Any, order: str = "C", *, copy: bool | None = None) -> Any:
    """Return the elements of `a` in another shape, as `numpy.reshape`; one size may be -1."""
    a = as_array(a)
    shape = _full_shape(a, shape)
    if _in_order("reshape", np.reshape, order, a, [min(n, 1) for n in shape]) == "F":
        y = transpose(broadcasting.reshape(transpose(a), shape=shape[::-1]))
    else:
        y = broadcasting.reshape(a, shape=shape)
    return own(y) if copy else y


def _full_shape(a, shape):
    try:
        sizes = [operator.index(shape)]
    except TypeError:
        sizes = [operator.index(n) for n in shape]
    if sizes.count(-1) == 1:
        known = -math.prod(sizes)
        total = type_of(a).size
        if known == 0 or total % known:
            raise ShapeError(
                f"reshape: expected sizes that divide the {total} elements of {type_of(a)}, got {tuple(sizes)}."
            )
        sizes[sizes.index(-1)] = total // known
    return tuple(sizes)


def flat(x: Any) -> Any:
    """Return the view of a traced array's elements along one axis, in C order: what `x.flat` writes to."""
    return in_order(broadcasting.reshape(x, shape=(x.size,)))


@implements(np.ravel)
def ravel(a: Any, order: str = "C") -> Any:
    """Return the elements of `a` along one axis."""
    a = as_array(a)
    order = _in_order("ravel", np.ravel, order, a)
    if order == "F" and a.ndim > 1:
        a = transpose(a)
    return raveled(broadcasting.reshape(a, shape=a.shape if a.ndim == 1 else (type_of(a).size,)))


def _in_order(name, original, order, a, *shape):
    """Return the order C or F; the others ask for the order in memory, which a traced array has not."""
    if order in ("C", "F"):
        return order
    judged(name, original, a, *shape, order)
    if a.ndim > 1:
        raise ConcretizationError(
            f"{name}: expected order 'C' or 'F' for a traced array, which has no order in memory, got {order!r}.",
            hint="order='C' is the order of an array as NumPy makes it.",
        )
    return "C"


@implements(np.transpose, np.permute_dims)
def transpose(a: Any, axes: Any = None) -> Any:
    """Return `a` with its axes reversed, or in the given order."""
    a = as_array(a)
    if axes is None:
        axes = tuple(range(a.ndim))[::-1]
    else:
        axes = tuple(as_axis("transpose", i, a.ndim) for i in axes)
    return a if axes == tuple(range(a.ndim)) else rearranging.transpose(a, axes=axes)


@implements(np.swapaxes)
def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    """Return `a` with two axes exchanged."""
    a = as_array(a)
    order = list(range(a.ndim))
    i, j = as_axis("swapaxes", axis1, a.ndim), as_axis("swapaxes", axis2, a.ndim)
    order[i], order[j] = j, i
    return transpose(a, order)


@implements(np.moveaxis)
def moveaxis(a: Any, source: Any, destination: Any) -> Any:
    """Return `a` with the source axes moved to the destination positions, the rest in order."""
    a = as_array(a)
    source = [source] if np.ndim(source) == 0 else source
    destination = [destination] if np.ndim(destination) == 0 else destination
    source = [as_axis("moveaxis", i, a.ndim) for i in source]
    destination = [as_axis("moveaxis", i, a.ndim) for i in destination]
    if len(source) != len(destination):
        raise ShapeError(f"moveaxis: expected as many sources as destinations, got {source}, {destination}.")
    order = [i for i in range(a.ndim) if i not in source]
    for position, axis in sorted(zip(destination, source, strict=True)):
        order.insert(position, axis)
    return transpose(a, order)


@implements(np.expand_dims)
def expand_dims(a: Any, axis: Any) -> Any:
    """Return `a` with new axes of size 1 at the given positions."""
    a = as_array(a)
    count = 1 if np.ndim(axis) == 0 else len(axis)
    axes = as_axes("expand_dims", axis, a.ndim + count)
    rest = iter(a.shape)
    shape = tuple(1 if i in axes else next(rest) for i in range(a.ndim + count))
    return broadcasting.reshape(a, shape=shape)


@implements(np.squeeze)
def squeeze(a: Any, axis: Any = None) -> Any:
    """Return `a` without axes of size 1: all of them, or the given ones."""
    a = as_array(a)
    ones = tuple(i for i, n in enumerate(a.shape) if n == 1)
    if isinstance(axis, bool):
        raise DTypeError(f"squeeze: expected an integer axis, got {axis!r}.")
    axes = ones if axis is None else as_axes("squeeze", axis, a.ndim)
    if not set(axes) <= set(ones):
        raise ShapeError(f"squeeze: expected axes of size 1, got axis {axis} of {type_of(a)}.")
    return broadcasting.reshape(a, shape=tuple(n for i, n in enumerate(a.shape) if i not in axes))


@implements(np.broadcast_to)
def broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    """Return `array` broadcast to `shape`, read-only."""
    array = as_array(array)
    shape = (operator.index(shape),) if np.ndim(shape) == 0 else tuple(map(operator.index, shape))
    return readonly(broadcasting.broadcast_to(array, shape=shape))


@implements(np.broadcast_arrays)
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    """Return the arguments broadcast against each other, read-only."""
    arrays = [as_array(x) for x in args]
    try:
        shape = np.broadcast_shapes(*map(shape_of, arrays))
    except ValueError:
        raise ShapeError(
            f"broadcast_arrays: expected shapes that broadcast, got {' and '.join(str(type_of(x)) for x in arrays)}."
        ) from None
    return tuple([broadcast_to(x, shape) for x in arrays])


@implements(np.flip)
def flip(m: Any, axis: Any = None) -> Any:
    """Return `m` with the order of elements reversed along `axis` (all axes by default)."""
    m = as_array(m)
    axes = as_axes("flip", axis, m.ndim)
    return rearranging.flip(m, axes=axes) if axes else m
