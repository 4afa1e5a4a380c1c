"""Copies in another arrangement: repeated, reversed, rolled, triangular."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad import numpy as fnp
from funcgrad.torch.attach import in_place_too, methods
from funcgrad.torch.layout import as_first, as_images, in_order
from funcgrad.torch.operation import Operation, apply
from funcgrad.torch.size import axis_of, shape_of_arguments
from funcgrad.torch.tensors import Tensor

__all__ = [
    "flip",
    "fliplr",
    "flipud",
    "repeat",
    "repeat_interleave",
    "roll",
    "rot90",
    "tile",
    "tril",
    "triu",
]


def _as_turned(y, arrays, params):
    """A quarter turn is a reversed copy, seen with its axes exchanged."""
    if params["k"] % 2 == 0:
        return as_first(y, arrays, params)
    return as_first(y.swapaxes(*params["axes"]), arrays, params).swapaxes(*params["axes"])


def _as_rolled(y, arrays, params):
    """What is rolled along axes is joined of two parts; without axes, it is rolled as one line."""
    return (in_order if params["axes"] is None else as_images)(y, arrays, params)


_REPEAT = Operation("RepeatBackward0", lambda x, *, times: fnp.tile(x, times))
_REPEAT_EACH = Operation("ViewBackward0", lambda x, *, times, axis: fnp.repeat(x, times, axis))
_REPEAT_BY = Operation("IndexSelectBackward0", lambda x, *, times, axis: fnp.repeat(x, times, axis))
_FLIP = Operation("FlipBackward0", lambda x, *, axes: fnp.flip(x, axes), layout=as_first)
_ROLL = Operation("RollBackward0", lambda x, *, shifts, axes: fnp.roll(x, shifts, axes), layout=_as_rolled)
_ROT90 = Operation("Rot90Backward0", lambda x, *, k, axes: fnp.rot90(x, k, axes), layout=_as_turned)
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
    axis = None if dim is None else axis_of(dim, input.ndim)
    if isinstance(repeats, Tensor):
        return apply(_REPEAT_BY, (input,), {"times": repeats._array, "axis": axis})
    times = repeats
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


methods(flip, fliplr, flipud, repeat, repeat_interleave, roll, rot90, tile)
in_place_too(tril, triu)
