"""llsq: half the squared distance of a polynomial from a step."""

import numpy as np

import funcgrad as fg
import funcgrad.numpy as fnp
from bench.gradbench.evals import pair

__all__ = ["FUNCTIONS"]


def primal(n):
    t = -1 + 2 * np.arange(n) / (n - 1)

    def half_square(x):
        powers = t[:, None] ** np.arange(x.shape[0])
        gaps = np.sign(t) - powers @ x
        return 0.5 * fnp.sum(gaps * gaps)

    return half_square


_primal, _gradient = pair(
    lambda given: (np.array(given["x"], float),), primal, lambda n: fg.grad(primal(n)), "n"
)
FUNCTIONS = {"primal": _primal, "gradient": _gradient}
