"""llsq: half the squared distance of a polynomial from a step."""

import funcgrad as fg
import funcgrad.numpy as fnp
from bench.gradbench import inputs
from bench.gradbench.evals import pair

__all__ = ["FUNCTIONS"]


def primal(x, i):
    """Return half the squared distance; i counts the points, so that their powers are computed in every call."""
    t = -1 + 2 * i / (i.shape[0] - 1)
    rows = [fnp.ones((1, i.shape[0])), fnp.broadcast_to(t, (x.shape[0] - 1, i.shape[0]))]
    powers = fnp.cumprod(fnp.concatenate(rows), axis=0)
    gaps = fnp.sign(t) - x @ powers
    return 0.5 * fnp.sum(gaps * gaps)


_primal, _gradient = pair(inputs.llsq, primal, fg.grad(primal))
FUNCTIONS = {"primal": _primal, "gradient": _gradient}
