"""Sums, means, extrema and the like, over all elements or along axes."""

from collections import namedtuple
from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad import numpy as fnp
from funcgrad.scipy import special
from funcgrad.torch import dtypes
from funcgrad.torch.attach import methods
from funcgrad.torch.operation import Operation, apply
from funcgrad.torch.size import axes_of, axis_of
from funcgrad.torch.tensors import Tensor

__all__ = [
    "all",
    "allclose",
    "amax",
    "amin",
    "aminmax",
    "any",
    "argmax",
    "argmin",
    "count_nonzero",
    "cummax",
    "cummin",
    "cumprod",
    "cumsum",
    "diff",
    "equal",
    "log_softmax",
    "logcumsumexp",
    "logsumexp",
    "max",
    "mean",
    "median",
    "min",
    "mode",
    "nanmean",
    "nansum",
    "norm",
    "prod",
    "quantile",
    "softmax",
    "std",
    "std_mean",
    "sum",
    "var",
    "var_mean",
]

Axes = int | Sequence[int] | None


def _converted(x: Tensor, dtype: Any) -> Tensor:
    return x if dtype is None else x.to(dtype)


def _wide(x: Tensor, dtype: Any) -> Tensor:
    """Return integers as 64-bit ones, in which they are added and multiplied."""
    if dtype is not None:
        return x.to(dtype)
    return x.to(dtypes.int64) if x._array.dtype.kind in "bui" else x


def _reduction(label: str, body: Any) -> tuple[Operation, Operation]:
    """Return the operation over all elements, and the one along axes, whose nodes are numbered apart."""
    return Operation(f"{label}Backward0", body), Operation(f"{label}Backward1", body)


def _reduce(ops, x, dim, keepdim):
    if dim is None and not keepdim:
        return apply(ops[0], (x,), {"axis": None, "keepdims": False})
    return apply(ops[1], (x,), {"axis": axes_of(dim, x.ndim) if x.ndim else None, "keepdims": keepdim})


_SUM = _reduction("Sum", fnp.sum)
_MEAN = _reduction("Mean", fnp.mean)
_PROD = _reduction("Prod", fnp.prod)
_NANSUM = _reduction("Nansum", fnp.nansum)
_AMAX = Operation("AmaxBackward0", fnp.amax)
_AMIN = Operation("AminBackward0", fnp.amin)


def sum(input: Tensor, dim: Axes = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Return the sum of the elements, or along axes; integers are added as int64."""
    return _reduce(_SUM, _wide(input, dtype), dim, keepdim)


def _check_inexact(name, x):
    if x._array.dtype.kind not in "fc":
        raise RuntimeError(
            f"{name}(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
            f"Got: {x.dtype.scalar}"
        )


def mean(input: Tensor, dim: Axes = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Return the mean of the elements, or along axes.

    Raises:
        RuntimeError: for integers, unless `dtype` is given.
    """
    x = _converted(input, dtype)
    _check_inexact("mean", x)
    return _reduce(_MEAN, x, dim, keepdim)


def prod(input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Return the product of the elements, or along an axis."""
    return _reduce(_PROD, _wide(input, dtype), dim, keepdim)


def nansum(input: Tensor, dim: Axes = None, keepdim: bool = False) -> Tensor:
    """Return the sum of the elements that are not nan."""
    return _reduce(_NANSUM, input, dim, keepdim)


def nanmean(input: Tensor, dim: Axes = None, keepdim: bool = False) -> Tensor:
    """Return the mean of the elements that are not nan."""
    return nansum(input, dim, keepdim) / sum(~input.isnan(), dim, keepdim)


def _variance(x, *, axis, ddof, keepdims):
    return fnp.var(x, axis=axis, ddof=ddof, keepdims=keepdims)


def _deviation(x, *, axis, ddof, keepdims):
    return fnp.std(x, axis=axis, ddof=ddof, keepdims=keepdims)


_VAR = Operation("VarBackward0", _variance)
_STD = Operation("StdBackward0", _deviation)


def _spread(op, name, x, dim, correction, keepdim, unbiased):
    _check_inexact(name, x)
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    ddof = int(unbiased) if unbiased is not None else correction
    return apply(op, (x,), {"axis": axes_of(dim, x.ndim), "ddof": ddof, "keepdims": keepdim})


def var(
    input: Tensor,
    dim: Axes = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: int = 1,
) -> Tensor:
    """Return the variance, of a sample (divided by n - 1) unless `unbiased=False` or another `correction`."""
    return _spread(_VAR, "var", input, dim, correction, keepdim, unbiased)


def std(
    input: Tensor,
    dim: Axes = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: int = 1,
) -> Tensor:
    """Return the standard deviation, of a sample unless `unbiased=False` or another `correction`."""
    return _spread(_STD, "std", input, dim, correction, keepdim, unbiased)


def var_mean(input: Tensor, dim: Axes = None, *, correction: int = 1, keepdim: bool = False) -> tuple:
    """Return the variance and the mean."""
    return var(input, dim, correction=correction, keepdim=keepdim), mean(input, dim, keepdim)


def std_mean(input: Tensor, dim: Axes = None, *, correction: int = 1, keepdim: bool = False) -> tuple:
    """Return the standard deviation and the mean."""
    return std(input, dim, correction=correction, keepdim=keepdim), mean(input, dim, keepdim)


def named_places(name):
    """Return the named tuple that PyTorch returns for values and the places they were found at."""

    def __repr__(self):
        return f"torch.return_types.{name}(\nvalues={self.values!r},\nindices={self.indices!r})"

    made = namedtuple(name, ("values", "indices"))  # type: ignore[misc]
    made.__repr__ = __repr__  # type: ignore[assignment]
    made.__module__ = "torch.return_types"
    return made


_Max, _Min, _Median, _Mode = named_places("max"), named_places("min"), named_places("median"), named_places("mode")
_Cummax, _Cummin = named_places("cummax"), named_places("cummin")
_ARGMAX = Operation("", fnp.argmax)
_ARGMIN = Operation("", fnp.argmin)
_TAKEN = {
    name: Operation(f"{name}Backward0", lambda x, places, *, axis: fnp.take_along_axis(x, places, axis))
    for name in ("Max", "Min", "Median", "Mode", "Cummax", "Cummin")
}
_MAX = Operation("MaxBackward1", fnp.max)
_MIN = Operation("MinBackward1", fnp.min)


def _found(name, made, x, places, axis, keepdim):
    """Return the elements at `places` along an axis, with the places."""
    values = apply(_TAKEN[name], (x, places), {"axis": axis})
    if keepdim:
        return made(values, places)
    return made(values.squeeze(axis), places.squeeze(axis))


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
    return _found(name, made, x, places, axis, keepdim)


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
    axes = () if dim is None else dim
    return amin(input, axes, keepdim), amax(input, axes, keepdim)


def _arg(op, x, dim, keepdim):
    if dim is None:
        return apply(op, (x,))
    return apply(op, (x,), {"axis": axis_of(dim, x.ndim), "keepdims": keepdim})


def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Return the place of the largest element; the first of equals."""
    return _arg(_ARGMAX, input, dim, keepdim)


def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Return the place of the smallest element; the first of equals."""
    return _arg(_ARGMIN, input, dim, keepdim)


_LOWER_MIDDLE = Operation(
    "", lambda x, *, axis: fnp.take(fnp.argsort(x, axis=axis, kind="stable"), [(x.shape[axis] - 1) // 2], axis=axis)
)


def median(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Any:
    """Return the middle element, the lower one of two; along an axis, with its place."""
    if dim is None:
        x = input.reshape(-1)
        return _found("Median", _Median, x, apply(_LOWER_MIDDLE, (x,), {"axis": 0}), 0, False).values
    axis = axis_of(dim, input.ndim)
    return _found("Median", _Median, input, apply(_LOWER_MIDDLE, (input,), {"axis": axis}), axis, keepdim)


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
    return _found("Mode", _Mode, input, apply(_MODE, (input.detach(),), {"axis": axis}), axis, keepdim)


_QUANTILE = Operation(
    "IndexBackward0", lambda x, q, *, axis, keepdims, method: fnp.quantile(x, q, axis=axis, keepdims=keepdims, method=method)
)


def quantile(
    input: Tensor, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Tensor:
    """Return the `q`-th quantiles, of all elements or along an axis."""
    params = {"axis": None if dim is None else axis_of(dim, input.ndim), "keepdims": keepdim, "method": interpolation}
    return apply(_QUANTILE, (input, q), params)


_CUMSUM = Operation("CumsumBackward0", fnp.cumsum)
_CUMPROD = Operation("CumprodBackward0", fnp.cumprod)


def cumsum(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Return the running sums along an axis."""
    return apply(_CUMSUM, (_wide(input, dtype),), {"axis": axis_of(dim, input.ndim)})


def cumprod(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Return the running products along an axis."""
    return apply(_CUMPROD, (_wide(input, dtype),), {"axis": axis_of(dim, input.ndim)})


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
    return _found("Cummax", _Cummax, input, apply(_CUMMAX, (input.detach(),), {"axis": axis}), axis, True)


def cummin(input: Tensor, dim: int) -> Any:
    """Return the running minima along an axis, and their places."""
    axis = axis_of(dim, input.ndim)
    return _found("Cummin", _Cummin, input, apply(_CUMMIN, (input.detach(),), {"axis": axis}), axis, True)


def _log_running(x, *, axis):
    top = fnp.max(x, axis=axis, keepdims=True)
    return fnp.log(fnp.cumsum(fnp.exp(x - top), axis=axis)) + top


_LOGCUMSUMEXP = Operation("LogcumsumexpBackward0", _log_running)
_DIFF = Operation("SubBackward0", fnp.diff)


def logcumsumexp(input: Tensor, dim: int) -> Tensor:
    """Return the logarithms of the running sums of exponentials along an axis."""
    return apply(_LOGCUMSUMEXP, (input,), {"axis": axis_of(dim, input.ndim)})


def diff(input: Tensor, n: int = 1, dim: int = -1) -> Tensor:
    """Return the differences of neighbours along an axis, `n` times over."""
    return apply(_DIFF, (input,), {"n": n, "axis": axis_of(dim, input.ndim)})


_LOGSUMEXP = Operation("LogsumexpBackward0", special.logsumexp, promotes="float")
_SOFTMAX = Operation("SoftmaxBackward0", special.softmax)
_LOG_SOFTMAX = Operation("LogSoftmaxBackward0", special.log_softmax)


def logsumexp(input: Tensor, dim: Axes, keepdim: bool = False) -> Tensor:
    """Return log(sum(exp(input))) along axes, without overflow."""
    return apply(_LOGSUMEXP, (input,), {"axis": axes_of(dim, input.ndim), "keepdims": keepdim})


def softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Return exp(input) / sum(exp(input)) along an axis, without overflow."""
    return apply(_SOFTMAX, (_converted(input, dtype),), {"axis": axis_of(dim, input.ndim)})


def log_softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Return log(softmax(input)) along an axis, without overflow."""
    return apply(_LOG_SOFTMAX, (_converted(input, dtype),), {"axis": axis_of(dim, input.ndim)})


def _norm(x, *, order, axis, keepdims):
    x = fnp.abs(x) if order != 2 else x
    if order == float("inf"):
        return fnp.max(x, axis=axis, keepdims=keepdims)
    if order == float("-inf"):
        return fnp.min(x, axis=axis, keepdims=keepdims)
    if order == 0:
        return fnp.sum((x != 0).astype(x.dtype), axis=axis, keepdims=keepdims)
    if order == 1:
        return fnp.sum(x, axis=axis, keepdims=keepdims)
    if order == 2 and axis is not None and len(axis) == 1:
        return fnp.linalg.norm(x, axis=axis[0], keepdims=keepdims)
    if order == 2 and axis is None:
        return fnp.linalg.norm(fnp.reshape(x, -1))
    return fnp.sum(fnp.abs(x) ** order, axis=axis, keepdims=keepdims) ** (1 / order)


VECTOR_NORM = Operation("LinalgVectorNormBackward0", _norm)


def norm(input: Tensor, p: Any = "fro", dim: Axes = None, keepdim: bool = False, dtype: Any = None) -> Tensor:
    """Return the p-norm of the elements, or along axes; the derivative of the 2-norm at 0 is 0."""
    x = _converted(input, dtype)
    _check_norm(x)
    order = 2 if p in ("fro", None) else float(p)
    axis = None if dim is None and not keepdim else axes_of(dim, x.ndim)
    return apply(VECTOR_NORM, (x,), {"order": order, "axis": axis, "keepdims": keepdim})


def _check_norm(x):
    if x._array.dtype.kind not in "fc":
        raise RuntimeError(
            "linalg.vector_norm: Expected a floating point or complex tensor as input. Got " + x.dtype.scalar
        )


_ALL = Operation("", fnp.all)
_ANY = Operation("", fnp.any)


def _logical(op, x, dim, keepdim):
    return apply(op, (x,), {"axis": None if dim is None else axes_of(dim, x.ndim), "keepdims": keepdim})


def all(input: Tensor, dim: Axes = None, keepdim: bool = False) -> Tensor:
    """Return whether all elements are true."""
    return _logical(_ALL, input, dim, keepdim)


def any(input: Tensor, dim: Axes = None, keepdim: bool = False) -> Tensor:
    """Return whether some element is true."""
    return _logical(_ANY, input, dim, keepdim)


def count_nonzero(input: Tensor, dim: Axes = None) -> Tensor:
    """Return the number of elements that are not zero."""
    return sum(input != 0, dim)


def equal(input: Tensor, other: Tensor) -> bool:
    """Return whether two tensors have the same shape and elements."""
    return bool(np.array_equal(input._array, other._array))


def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> bool:
    """Return whether no element differs by more than `atol + rtol * abs(other)`."""
    return bool(input.isclose(other, rtol, atol, equal_nan).all())


methods(
    all, allclose, amax, amin, aminmax, any, argmax, argmin, count_nonzero, cummax, cummin, cumprod, cumsum, diff,
    equal, log_softmax, logcumsumexp, logsumexp, max, mean, median, min, mode, nanmean, nansum, norm, prod, quantile,
    softmax, std, sum, var,
)  # fmt: skip
