"""The largest, the smallest and the middle: of all elements or along axes, with the places they are at."""

from collections import namedtuple
from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad import numpy as fnp
from funcgrad.torch.attach import methods
from funcgrad.torch.layout import in_order, ordered
from funcgrad.torch.operation import Operation, apply
from funcgrad.torch.size import axes_of, axis_of
from funcgrad.torch.tensors import Tensor

__all__ = [
    "amax",
    "amin",
    "aminmax",
    "argmax",
    "argmin",
    "max",
    "median",
    "min",
    "mode",
    "quantile",
]

Axes = int | Sequence[int] | None

_AMINMAX = Operation("AminmaxBackward0", lambda x, **how: (fnp.amin(x, **how), fnp.amax(x, **how)))
_AMAX = Operation("AmaxBackward0", fnp.amax)
_AMIN = Operation("AminBackward0", fnp.amin)


def named_places(name):
    """Return the named tuple that PyTorch returns for values and the places they were found at."""

    def __repr__(self):
        return f"torch.return_types.{name}(\nvalues={self.values!r},\nindices={self.indices!r})"

    made = namedtuple(name, ("values", "indices"))  # type: ignore[misc]
    made.__repr__ = __repr__  # type: ignore[assignment]
    made.__module__ = "torch.return_types"
    return made


_Max, _Min, _Median, _Mode = (
    named_places("max"),
    named_places("min"),
    named_places("median"),
    named_places("mode"),
)
_ARGMAX = Operation("", fnp.argmax)
_ARGMIN = Operation("", fnp.argmin)


def _taken(x, places, *, axis, keepdims):
    out = fnp.take_along_axis(x, places, axis)
    return out if keepdims else fnp.squeeze(out, axis)


_TAKEN = {
    name: Operation(f"{name}Backward{n}", _taken)
    for name, n in (
        ("Max", 0),
        ("Min", 0),
        ("Median", 1),
        ("Mode", 0),
        ("Cummax", 0),
        ("Cummin", 0),
        ("Kthvalue", 0),
    )
}
_MIDDLE = Operation("MedianBackward0", _taken)
_MAX = Operation("MaxBackward1", fnp.max)
_MIN = Operation("MinBackward1", fnp.min)


def found_at(name, made, x, places, axis, keepdim):
    """Return the elements at `places` along an axis, with the places."""
    values = apply(_TAKEN[name], (x, places), {"axis": axis, "keepdims": keepdim})
    return made(values, places if keepdim else places.squeeze(axis))


def _extremum(name, made, whole, arg, other, x, dim, keepdim):
    if isinstance(dim, Tensor):
        return other(x, dim)
    if dim is None:
        if not x._array.size:
            raise RuntimeError(
                f"{name.lower()}(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
                "reduction dim with the 'dim' argument."
            )
        return apply(whole, (x,))
    axis = axis_of(dim, x.ndim)
    if not x.ndim:
        return made(apply(whole, (x,)), apply(arg, (x,)))
    places = apply(arg, (x,), {"axis": axis, "keepdims": True})
    return found_at(name, made, x, places, axis, keepdim)


def max(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """Return the largest element; along an axis, the values and their places; of two tensors, the larger.

    Derivative: ties share it when all elements are compared; along an axis the first takes all.
    """
    return _extremum("Max", _Max, _MAX, _ARGMAX, lambda x, y: x.maximum(y), input, dim, keepdim)


def min(input: Tensor, dim: Any = None, keepdim: bool = False) -> Any:
    """Return the smallest element; along an axis, the values and their places; of two tensors, the smaller.

    Derivative: ties share it when all elements are compared; along an axis the first takes all.
    """
    return _extremum("Min", _Min, _MIN, _ARGMIN, lambda x, y: x.minimum(y), input, dim, keepdim)


def amax(input: Tensor, dim: Axes = (), keepdim: bool = False) -> Tensor:
    """Return the largest elements along axes; ties share the gradient."""
    return apply(_AMAX, (input,), {"axis": axes_of(dim, input.ndim), "keepdims": keepdim})


def amin(input: Tensor, dim: Axes = (), keepdim: bool = False) -> Tensor:
    """Return the smallest elements along axes; ties share the gradient."""
    return apply(_AMIN, (input,), {"axis": axes_of(dim, input.ndim), "keepdims": keepdim})


def aminmax(input: Tensor, *, dim: int | None = None, keepdim: bool = False) -> tuple:
    """Return the smallest and the largest elements."""
    return apply(_AMINMAX, (input,), {"axis": axes_of(dim, input.ndim), "keepdims": keepdim})


def _arg(name, op, x, dim, keepdim):
    if x._array.dtype.kind == "b":
        raise RuntimeError(f"{name}(): does not support bool input")
    if dim is None:
        return apply(op, (x,))
    return apply(op, (x,), {"axis": axis_of(dim, x.ndim), "keepdims": keepdim})


def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Return the place of the largest element; the first of equals."""
    return _arg("argmax", _ARGMAX, input, dim, keepdim)


def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Return the place of the smallest element; the first of equals."""
    return _arg("argmin", _ARGMIN, input, dim, keepdim)


_LOWER_MIDDLE = Operation(
    "",
    lambda x, *, axis: fnp.take(
        fnp.argsort(x, axis=axis, kind="stable"), [(x.shape[axis] - 1) // 2], axis=axis
    ),
)


def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """Return the middle element, the lower one of two; along an axis, with its place."""
    if dim is None:
        x = input.reshape(-1)
        return apply(
            _MIDDLE, (x, apply(_LOWER_MIDDLE, (x.detach(),), {"axis": 0})), {"axis": 0, "keepdims": False}
        )
    axis = axis_of(dim, input.ndim)
    return found_at(
        "Median", _Median, input, apply(_LOWER_MIDDLE, (input.detach(),), {"axis": axis}), axis, keepdim
    )


def _most_common(x, *, axis):
    """The place of the last occurrence of the most common (then smallest) value."""
    moved = np.moveaxis(x, axis, -1)
    out = np.empty((*moved.shape[:-1], 1), np.int64)
    for place in np.ndindex(moved.shape[:-1]):
        values, counts = np.unique(moved[place], return_counts=True)
        out[place] = np.flatnonzero(moved[place] == values[counts.argmax()])[-1]
    return np.moveaxis(out, -1, axis)


_MODE = Operation("", _most_common)


def mode(input: Tensor, dim: int = -1, keepdim: bool = False) -> Any:
    """Return the most common value along an axis (the smallest of equals), and its place."""
    axis = axis_of(dim, input.ndim)
    return found_at("Mode", _Mode, input, apply(_MODE, (input.detach(),), {"axis": axis}), axis, keepdim)


def _as_quantiles(y, arrays, params):
    """Several quantiles are found along a last axis, and seen along the first."""
    several = isinstance(arrays[1], np.ndarray) and arrays[1].ndim
    return ordered(y, (*range(1, y.ndim), 0)) if several else in_order(y, arrays, params)


_QUANTILE = Operation(
    "SqueezeBackward4",
    lambda x, q, *, axis, keepdims, method: fnp.quantile(x, q, axis=axis, keepdims=keepdims, method=method),
    layout=_as_quantiles,
)


def quantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """Return the `q`-th quantiles, of all elements or along an axis."""
    params = {
        "axis": None if dim is None else axis_of(dim, input.ndim),
        "keepdims": keepdim,
        "method": interpolation,
    }
    return apply(_QUANTILE, (input, q), params)


methods(amax, amin, aminmax, argmax, argmin, max, median, min, mode, quantile)
