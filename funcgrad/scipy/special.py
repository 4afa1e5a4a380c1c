"""scipy.special for plain and traced arrays: the exponential family of normalizations."""

from typing import Any

import numpy as np

from funcgrad.numpy.arrays import as_array, as_axes, astype
from funcgrad.primitives import normalization
from funcgrad.primitives.broadcasting import reduce_sum, reshape
from funcgrad.primitives.exponential import exp, log
from funcgrad.primitives.logic import isfinite, select
from funcgrad.primitives.reduction import reduce_max
from funcgrad.transforms.custom import stop_gradient_p

__all__ = ["log_softmax", "logsumexp", "softmax"]


def _shifted(name, x, axis):
    """Return x minus its maximum (a constant: it cancels), the maximum, and the axes."""
    x = as_array(x)
    x = x if x.dtype.kind == "f" else astype(x, float)
    axes = as_axes(name, axis, x.ndim)
    top = reduce_max(stop_gradient_p(x), axes=axes, keepdims=True)
    top = select(isfinite(top), top, np.zeros((), x.dtype))
    return x - top, top, axes


def logsumexp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False) -> Any:
    """Return log(sum(b exp(a))) over `axis`, without overflow, as `scipy.special.logsumexp`.

    Derivative: softmax(a) (weighted by b); 0 where all elements are -inf.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> fg.grad(fg.scipy.special.logsumexp)(np.array([1000.0, 1000.0]))
    array([0.5, 0.5])
    """
    a = as_array(a)
    a = a if a.dtype.kind == "f" else astype(a, float)
    axes = as_axes("logsumexp", axis, a.ndim)
    if b is None:
        return normalization.logsumexp(a, axes=axes, keepdims=bool(keepdims))
    shifted, top, axes = _shifted("logsumexp", a, axis)
    total = log(reduce_sum(as_array(b) * exp(shifted), axes=axes, keepdims=True)) + top
    return (
        total
        if keepdims
        else reshape(total, shape=tuple(n for i, n in enumerate(total.shape) if i not in axes))
    )


def softmax(x: Any, axis: Any = None) -> Any:
    """Return exp(x) / sum(exp(x)) over `axis`, without overflow, as `scipy.special.softmax`."""
    shifted, _, axes = _shifted("softmax", x, axis)
    terms = exp(shifted)
    return terms / reduce_sum(terms, axes=axes, keepdims=True)


def log_softmax(x: Any, axis: Any = None) -> Any:
    """Return log(softmax(x)) over `axis`, without overflow, as `scipy.special.log_softmax`."""
    shifted, _, axes = _shifted("log_softmax", x, axis)
    return shifted - log(reduce_sum(exp(shifted), axes=axes, keepdims=True))
