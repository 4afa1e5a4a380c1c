"""More ways to rearrange: repeat, tile, resize, roll, rot90, flips by name, axes added by name."""

import math
import operator
from typing import Any

import numpy as np

from funcgrad.core.inplace import own, readonly
from funcgrad.core.tracer import Alias, Tracer
from funcgrad.core.types import dtype_of, type_of
from funcgrad.errors import ShapeError
from funcgrad.numpy.arguments import as_array, as_axis, implements, judged
from funcgrad.numpy.indexing import getitem
from funcgrad.numpy.shaping import flip, ravel, swapaxes, transpose
from funcgrad.numpy.static_arguments import as_shape, known
from funcgrad.primitives.arithmetic import remainder
from funcgrad.primitives.broadcasting import broadcast_to, reshape
from funcgrad.primitives.shape import concatenate

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "fliplr",
    "flipud",
    "matrix_transpose",
    "permute_dims",
    "repeat",
    "resize",
    "roll",
    "rollaxis",
    "rot90",
    "sliding_window_view",
    "tile",
    "trim_zeros",
]

permute_dims = transpose


@implements(np.matrix_transpose)
def matrix_transpose(x: Any, /) -> Any:
    """Return `x` with its last two axes exchanged."""
    x = as_array(x)
    if x.ndim < 2:
        raise ShapeError(f"matrix_transpose: expected an array with at least two axes, got {type_of(x)}.")
    return swapaxes(x, -1, -2)


def _each(ary, widen):
    """Apply to one array, or to each of several."""
    out = tuple([widen(as_array(x)) for x in ary])
    return out[0] if len(out) == 1 else out


@implements(np.atleast_1d)
def atleast_1d(*arys: Any) -> Any:
    """Return each argument as an array with at least one axis."""
    return _each(arys, lambda x: x if x.ndim else reshape(x, shape=(1,)))


@implements(np.atleast_2d)
def atleast_2d(*arys: Any) -> Any:
    """Return each argument as an array with at least two axes; a vector becomes a row."""
    return _each(arys, lambda x: x if x.ndim > 1 else reshape(x, shape=(1, type_of(x).size)))


@implements(np.atleast_3d)
def atleast_3d(*arys: Any) -> Any:
    """Return each argument as an array with at least three axes: (1, n, 1) or (m, n, 1)."""

    def widen(x):
        if x.ndim > 2:
            return x
        return reshape(x, shape=(1, type_of(x).size, 1) if x.ndim < 2 else (*x.shape, 1))

    return _each(arys, widen)


@implements(np.repeat)
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    """Return `a` with each element along `axis` repeated; `repeats` is one number or one an element."""
    a = as_array(a)
    if axis is None:
        a, axis = ravel(a), 0
    a = atleast_1d(a)
    axis = as_axis("repeat", axis, a.ndim)
    n = a.shape[axis]
    counts = np.asarray(known("repeat", "repeats", repeats))
    if counts.size != 1 and counts.shape != (n,):
        raise ShapeError(f"repeat: expected one repeat or {n} of them, got {type_of(counts)}.")
    if counts.size == 1:
        lead, tail = a.shape[: axis + 1], a.shape[axis + 1 :]
        count = _count(counts)
        y = broadcast_to(reshape(a, shape=(*lead, 1, *tail)), shape=(*lead, count, *tail))
        return own(reshape(y, shape=(*lead[:-1], n * count, *tail)))
    return own(a[(*(slice(None),) * axis, np.repeat(np.arange(n), counts))])


def _count(counts):
    """Return how often NumPy repeats by this array of one number, which as a Python number may be a float."""
    return len(np.repeat(np.zeros(1), counts.item()))


@implements(np.tile)
def tile(A: Any, reps: Any) -> Any:
    """Return `A` laid side by side `reps` times along each axis."""
    x = as_array(A)
    reps = tuple([max(r, 0) for r in as_shape(reps)]) if 0 in x.shape else as_shape(reps)
    n = max(len(reps), x.ndim)
    reps = (1,) * (n - len(reps)) + reps
    shape = (1,) * (n - x.ndim) + x.shape
    apart = reshape(x, shape=tuple([size for s in shape for size in (1, s)]))
    y = broadcast_to(apart, shape=tuple([size for r, s in zip(reps, shape, strict=True) for size in (r, s)]))
    y = reshape(y, shape=tuple([r * s for r, s in zip(reps, shape, strict=True)]))
    return own(y) if type(y) is Tracer else np.array(y)


@implements(np.resize)
def resize(a: Any, new_shape: Any) -> Any:
    """Return an array of another size, filled with the elements of `a` over and over."""
    shape = as_shape(new_shape)
    a = ravel(a)
    size, total = len(a), math.prod(shape)
    if any(n < 0 for n in shape):
        raise ShapeError(f"resize: expected sizes of at least 0, got {shape}.")
    if size == 0:
        return np.zeros(shape, dtype_of(a))
    return reshape_own(tile(a, -(-total // size))[:total], shape)


def reshape_own(x: Any, shape: tuple[int, ...]) -> Any:
    """Return the elements of `x` in another shape, as an array of their own."""
    return own(reshape(x, shape=shape))


@implements(np.roll)
def roll(a: Any, shift: Any, axis: Any = None) -> Any:
    """Return `a` with its elements shifted along `axis`, those that fall off coming in again."""
    a = as_array(a)
    if axis is None:
        if type(shift) is not Tracer:
            shift = int(np.sum(shift, dtype=int))  # NumPy rolls by one shift after another
        return reshape_own(_rolled(ravel(a), shift, 0), a.shape)
    axes = [axis] if np.ndim(axis) == 0 else list(axis)
    shifts = [shift] if type(shift) is Tracer or np.ndim(shift) == 0 else list(shift)
    if len(axes) != len(shifts) and 1 not in (len(axes), len(shifts)):
        raise ShapeError(f"roll: expected one shift an axis, got {len(shifts)} for {len(axes)} axes.")
    count = max(len(axes), len(shifts))
    axes = axes * (count // len(axes))
    shifts = shifts * (count // len(shifts))
    y = a.copy()
    for s, i in zip(shifts, axes, strict=True):
        y = _rolled(y, s, as_axis("roll", i, a.ndim))
    return y


def _rolled(x, shift, axis):
    n = x.shape[axis]
    lead = (slice(None),) * axis
    if type(shift) is Tracer:  # a shift need not be known
        return own(getitem(x, (*lead, remainder(np.arange(n) - shift, max(n, 1)))))
    shift = operator.index(shift) % max(n, 1)
    if shift == 0:
        return x.copy()
    return concatenate(x[(*lead, slice(n - shift, None))], x[(*lead, slice(None, n - shift))], axis=axis)


@implements(np.rot90)
def rot90(m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """Return `m` turned `k` times by a right angle, from the first of `axes` towards the second."""
    m = as_array(m)
    if len(axes) != 2:
        raise ShapeError(f"rot90: expected two axes, got {tuple(axes)}.")
    i, j = (as_axis("rot90", axis, m.ndim) for axis in axes)
    if i == j:
        raise ShapeError(f"rot90: expected two different axes, got {tuple(axes)}.")
    turns = operator.index(k) % 4
    if turns == 0:
        return m[...]
    if turns == 2:
        return flip(m, (i, j))
    return swapaxes(flip(m, j), i, j) if turns == 1 else flip(swapaxes(m, i, j), j)


@implements(np.fliplr)
def fliplr(m: Any) -> Any:
    """Return `m` with the order along axis 1 reversed."""
    m = as_array(m)
    if m.ndim < 2:
        raise ShapeError(f"fliplr: expected an array with at least two axes, got {type_of(m)}.")
    return flip(m, 1)


@implements(np.flipud)
def flipud(m: Any) -> Any:
    """Return `m` with the order along axis 0 reversed."""
    m = as_array(m)
    if m.ndim < 1:
        raise ShapeError(f"flipud: expected an array with at least one axis, got {type_of(m)}.")
    return flip(m, 0)


@implements(np.rollaxis)
def rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    """Return `a` with `axis` moved in front of the axis `start`."""
    a = as_array(a)
    axis = as_axis("rollaxis", axis, a.ndim)
    start = as_axis("rollaxis", start, a.ndim + 1) if start >= 0 else as_axis("rollaxis", start, a.ndim)
    order = [d for d in range(a.ndim) if d != axis]
    order.insert(start - 1 if axis < start else start, axis)
    return transpose(a, order)


@implements(np.trim_zeros)
def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    """Return `filt` without the zeros at its front (f) and back (b), whose places must be known."""
    x = as_array(filt)
    if trim.lower() not in ("f", "b", "fb", "bf"):
        raise ShapeError(f"trim_zeros: expected trim 'f', 'b' or 'fb', got {trim!r}.")
    judged("trim_zeros", np.trim_zeros, x, trim, axis)
    trimmed = np.trim_zeros(_Seen(x, known("trim_zeros", "an array", x)), trim, axis)
    return x if type(trimmed) is _Seen else trimmed


class _Seen:
    """An array whose values NumPy sees while it works out a subscript, which is then another array's."""

    def __init__(self, x: Any, plain: np.ndarray):
        self.x = x
        self.plain = plain

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.plain

    def __getitem__(self, key: Any) -> Any:
        return self.x[key]


@implements(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Any:
    """Return the windows of `x`, one for each place, along new last axes: a read-only view."""
    if type(x) is not Tracer:
        return np.lib.stride_tricks.sliding_window_view(as_array(x), window_shape, axis)
    sizes = as_shape(window_shape)
    places = range(x.ndim) if axis is None else as_shape(axis)
    axes = tuple([as_axis("sliding_window_view", i, x.ndim) for i in places])
    if len(sizes) != len(axes):
        raise ShapeError(f"sliding_window_view: expected one size an axis, got {sizes} for axes {axes}.")
    y = _windows(x, sizes=sizes, axes=axes)
    y.alias = Alias(x, _windows, {"sizes": sizes, "axes": axes})
    return readonly(y)


def _windows(x, *, sizes, axes):
    for size, i in zip(sizes, axes, strict=True):
        places = x.shape[i] - size + 1
        if places < 1 or size < 0:
            raise ShapeError(
                f"sliding_window_view: expected a window within axis {i} of {type_of(x)}, got {size}."
            )
        windows = np.arange(places)[:, None] + np.arange(size)
        order = [*range(i + 1), *range(i + 2, x.ndim + 1), i + 1]
        x = transpose(x[(*(slice(None),) * i, windows)], order)
    return x
