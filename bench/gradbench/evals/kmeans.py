"""kmeans: the cost of centroids, and the step of Newton's method, whose Hessian is diagonal."""

import numpy as np

import funcgrad as fg
import funcgrad.numpy as fnp
from bench.gradbench import inputs
from bench.gradbench.evals import pair

__all__ = ["FUNCTIONS"]


def cost(centroids, points):
    gaps = centroids - points[:, None, :]
    return fnp.sum(fnp.min(fnp.sum(gaps * gaps, axis=2), axis=1))


def direction(centroids, points):
    gradient, diagonal = fg.jvp(lambda c: fg.grad(cost)(c, points), (centroids,), (np.ones(centroids.shape),))
    return gradient / diagonal


_cost, _dir = pair(inputs.kmeans, cost, direction)
FUNCTIONS = {"cost": _cost, "dir": _dir}
