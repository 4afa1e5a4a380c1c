"""logsumexp: a primitive, for its one pass over memory and the residual it shares with its derivative."""

import numpy as np

from funcgrad.core.primitive import Sample
from funcgrad.core.types import ArrayType, dtype_of
from funcgrad.primitives.broadcasting import expand, reduce_sum, reduced_shape, reshape
from funcgrad.primitives.elementwise import times
from funcgrad.primitives.exponential import exp, log
from funcgrad.primitives.logic import equal, isfinite, select
from funcgrad.primitives.reduction import Reduction, reduce_max

__all__ = ["logsumexp"]


class LogSumExp(Reduction):
    """y = log(sum of exp(x)) over `axes`, without overflow; its derivative is softmax(x).

    The terms exp(x - max x) and their sum are kept for the derivative. Where every x is -inf, so
    that all shares are 0 / 0, the derivative is 0.
    """

    name = "logsumexp"
    reduce = np.logaddexp

    def type_rule(self, x, *, axes, keepdims):
        dtype = np.exp(np.empty(0, x.dtype)).dtype
        return ArrayType(reduced_shape("logsumexp", x, axes, keepdims), dtype)

    def eval_rule(self, x, *, axes, keepdims):
        return self.forward_rule(x, axes=axes, keepdims=keepdims)[0]

    def forward_rule(self, x, *, axes, keepdims):
        top, terms = _terms(x, axes)
        total = reduce_sum(terms, axes=axes, keepdims=True)
        with np.errstate(divide="ignore"):
            y = log(total) + top
        if not keepdims:
            y = reshape(y, shape=reduced_shape("logsumexp", ArrayType(x.shape, x.dtype), axes, False))
            y = y[()] if isinstance(y, np.ndarray) else y
        return y, (terms, select(equal(total, 0), np.ones((), dtype_of(total)), total))

    def decompose_rule(self, x, *, axes, keepdims):
        return self.forward_rule(x, axes=axes, keepdims=keepdims)[0]

    def jvp_rule(self, x_dots, saved, x, *, axes, keepdims):
        terms, total = saved
        return reduce_sum(times(x_dots[0], terms / total), axes=axes, keepdims=keepdims)

    def vjp_rule(self, needs, y_bar, saved, x, *, axes, keepdims):
        terms, total = saved
        return (times(expand(y_bar, axes, keepdims), terms / total),)

    def special_samples(self):
        flat = {"axes": (0,), "keepdims": False}
        return [
            Sample((np.array([1000.0, 1000.0]),), flat, derivative=(np.array([0.5, 0.5]),)),
            Sample((np.array([-np.inf, -np.inf]),), flat, derivative=(np.zeros(2),)),
            Sample((np.array([-np.inf, 3.0]),), flat, derivative=(np.array([0.0, 1.0]),)),
        ]


def _terms(x, axes):
    """Return max x over the axes (0 where it is infinite), and exp(x - it)."""
    if not isinstance(x, np.ndarray):
        top = reduce_max(x, axes=axes, keepdims=True)
        top = select(isfinite(top), top, np.zeros((), dtype_of(top)))
        return top, exp(x - top)
    dtype = np.exp(np.empty(0, x.dtype)).dtype
    top = np.max(x, axes, keepdims=True, initial=-np.inf).astype(dtype)
    top[~np.isfinite(top)] = 0
    terms = np.subtract(x, top, dtype=dtype)
    return top, np.exp(terms, out=terms)


logsumexp = LogSumExp()
