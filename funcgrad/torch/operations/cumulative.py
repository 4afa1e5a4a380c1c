"""Running sums, products and extrema along an axis, and differences of neighbours."""

from typing import Any

import numpy as np

from funcgrad import numpy as fnp
from funcgrad.torch.attach import methods
from funcgrad.torch.layout import as_first
from funcgrad.torch.operation import Operation, apply
from funcgrad.torch.operations.extrema import found_at, named_places
from funcgrad.torch.operations.reductions import widened
from funcgrad.torch.size import axis_of
from funcgrad.torch.tensors import Tensor

__all__ = [
    "cummax",
    "cummin",
    "cumprod",
    "cumsum",
    "diff",
    "logcumsumexp",
]

_Cummax, _Cummin = named_places("cummax"), named_places("cummin")
_CUMSUM = Operation("CumsumBackward0", lambda x, *, axis: fnp.cumsum(x, axis) if x.ndim else x)
_CUMPROD = Operation("CumprodBackward0", lambda x, *, axis: fnp.cumprod(x, axis) if x.ndim else x)


def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Return the running sums along an axis."""
    return apply(_CUMSUM, (widened(input, dtype),), {"axis": axis_of(dim, input.ndim)})


def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Return the running products along an axis."""
    return apply(_CUMPROD, (widened(input, dtype),), {"axis": axis_of(dim, input.ndim)})


def _running(comparison):
    """Return a function of an array that gives the places of the running extrema along an axis."""

    def places(x, *, axis):
        extremum = np.maximum if comparison == "max" else np.minimum
        here = np.arange(x.shape[axis]).reshape([-1 if i == axis else 1 for i in range(x.ndim)])
        reached = x == extremum.accumulate(x, axis=axis)
        return np.maximum.accumulate(np.where(reached, here, 0), axis=axis)

    return places


_CUMMAX = Operation("", _running("max"))
_CUMMIN = Operation("", _running("min"))


def cummax(input: Tensor, dim: int) -> Any:
    """Return the running maxima along an axis, and their places."""
    axis = axis_of(dim, input.ndim)
    return found_at("Cummax", _Cummax, input, apply(_CUMMAX, (input.detach(),), {"axis": axis}), axis, True)


def cummin(input: Tensor, dim: int) -> Any:
    """Return the running minima along an axis, and their places."""
    axis = axis_of(dim, input.ndim)
    return found_at("Cummin", _Cummin, input, apply(_CUMMIN, (input.detach(),), {"axis": axis}), axis, True)


def _log_running(x, *, axis):
    top = fnp.max(x, axis=axis, keepdims=True)
    return fnp.log(fnp.cumsum(fnp.exp(x - top), axis=axis)) + top


_LOGCUMSUMEXP = Operation("LogcumsumexpBackward0", _log_running)
_DIFF = Operation("SubBackward0", fnp.diff, layout=as_first)


def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """Return the logarithms of the running sums of exponentials along an axis."""
    return apply(_LOGCUMSUMEXP, (input,), {"axis": axis_of(dim, input.ndim)})


def diff(input: Tensor, n: int = 1, dim: int = -1) -> Tensor:
    """Return the differences of neighbours along an axis, `n` times over."""
    return apply(_DIFF, (input,), {"n": n, "axis": axis_of(dim, input.ndim)})


methods(cummax, cummin, cumprod, cumsum, diff, logcumsumexp)
