"""Sums, means, extrema and the like, over all elements or along axes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad import numpy as fnp
from funcgrad.scipy import special
from funcgrad.torch import dtypes
from funcgrad.torch.attach import methods
from funcgrad.torch.layout import in_order
from funcgrad.torch.operation import Operation, apply
from funcgrad.torch.size import axes_of, axis_of
from funcgrad.torch.tensors import Tensor

__all__ = [
    "all",
    "allclose",
    "any",
    "count_nonzero",
    "equal",
    "log_softmax",
    "logsumexp",
    "mean",
    "nanmean",
    "nansum",
    "norm",
    "prod",
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


def widened(x: Tensor, dtype: Any) -> Tensor:
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
_NANSUM = (Operation("NansumBackward0", fnp.nansum),) * 2


def sum(input: Tensor, dim: Axes = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Return the sum of the elements, or along axes; integers are added as int64."""
    return _reduce(_SUM, widened(input, dtype), dim, keepdim)


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
    return _reduce(_PROD, widened(input, dtype), dim, keepdim)


def nansum(input: Tensor, dim: Axes = None, keepdim: bool = False) -> Tensor:
    """Return the sum of the elements that are not nan."""
    return _reduce(_NANSUM, input, dim, keepdim)


def nanmean(input: Tensor, dim: Axes = None, keepdim: bool = False) -> Tensor:
    """Return the mean of the elements that are not nan."""
    if input._array.dtype.kind not in "fc":
        raise RuntimeError(
            "nanmean(): expected input to have floating point or complex dtype but got " + input.dtype.scalar
        )
    return nansum(input, dim, keepdim) / sum(~input.isnan(), dim, keepdim)


def _variance(x, *, axis, ddof, keepdims):
    return fnp.var(x, axis=axis, ddof=ddof, keepdims=keepdims)


def _deviation(x, *, axis, ddof, keepdims):
    return fnp.std(x, axis=axis, ddof=ddof, keepdims=keepdims)


def _with_mean(spread):
    def body(x, *, axis, ddof, keepdims):
        mean = fnp.mean(x, axis=axis, keepdims=keepdims)
        return spread(x, axis=axis, ddof=ddof, keepdims=keepdims), mean

    return body


_VAR = Operation("VarBackward0", _variance)
_STD = Operation("StdBackward0", _deviation)
_VAR_MEAN = Operation("VarMeanBackward0", _with_mean(_variance))
_STD_MEAN = Operation("StdMeanBackward0", _with_mean(_deviation))


def _spread(op, x, dim, correction, keepdim, unbiased=None):
    if x._array.dtype.kind not in "fc":
        raise RuntimeError("std and var only support floating point and complex dtypes")
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
    return _spread(_VAR, input, dim, correction, keepdim, unbiased)


def std(
    input: Tensor,
    dim: Axes = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: int = 1,
) -> Tensor:
    """Return the standard deviation, of a sample unless `unbiased=False` or another `correction`."""
    return _spread(_STD, input, dim, correction, keepdim, unbiased)


def var_mean(input: Tensor, dim: Axes = None, *, correction: int = 1, keepdim: bool = False) -> tuple:
    """Return the variance and the mean."""
    return _spread(_VAR_MEAN, input, dim, correction, keepdim)


def std_mean(input: Tensor, dim: Axes = None, *, correction: int = 1, keepdim: bool = False) -> tuple:
    """Return the standard deviation and the mean."""
    return _spread(_STD_MEAN, input, dim, correction, keepdim)


_LOGSUMEXP = Operation("LogsumexpBackward0", special.logsumexp, promotes="float", layout=in_order)
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
    return sum(input.ne(0), dim)


def equal(input: Tensor, other: Tensor) -> bool:
    """Return whether two tensors have the same shape and elements."""
    return bool(np.array_equal(input._array, other._array))


def allclose(
    input: Tensor, other: Tensor, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> bool:
    """Return whether no element differs by more than `atol + rtol * abs(other)`."""
    return bool(input.isclose(other, rtol, atol, equal_nan).all())


methods(
    all,
    allclose,
    any,
    count_nonzero,
    equal,
    log_softmax,
    logsumexp,
    mean,
    nanmean,
    nansum,
    norm,
    prod,
    softmax,
    std,
    sum,
    var,
)
