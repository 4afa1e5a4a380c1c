"""lse: the logarithm of a sum of exponentials."""

import funcgrad as fg
import funcgrad.numpy as fnp
from bench.gradbench import inputs
from bench.gradbench.evals import pair

__all__ = ["FUNCTIONS"]


def primal(x):
    top = fg.stop_gradient(fnp.max(x))
    return top + fnp.log(fnp.sum(fnp.exp(x - top)))


_primal, _gradient = pair(inputs.lse, primal, fg.grad(primal))
FUNCTIONS = {"primal": _primal, "gradient": _gradient}
