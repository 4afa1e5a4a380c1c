"""llsq: half the squared distance of a polynomial from a step."""

import funcgrad as fg
import funcgrad.numpy as fnp
from bench.gradbench import inputs
from bench.gradbench.evals import pair

__all__ = ["FUNCTIONS"]


def primal(x, i):
    """Return half the squared distance; i counts the points, so that their powers are computed in every call."""
    t = -1 + 2 * i / (i.shape[0] - 1)
    columns = [fnp.ones((i.shape[0], 1)), fnp.broadcast_to(t[:, None], (i.shape[0], x.shape[0] - 1))]
    powers = fnp.cumprod(fnp.concatenate(columns, axis=1), axis=1)
    gaps = fnp.sign(t) - powers @ x
    return 0.5 * fnp.sum(gaps * gaps)


_primal, _gradient = pair(inputs.llsq, primal, fg.grad(primal))
FUNCTIONS = {"primal": _primal, "gradient": _gradient}
