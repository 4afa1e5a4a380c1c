"""ba: bundle adjustment; the Jacobian is one small dense block an observation, all of them at once."""

import numpy as np

import funcgrad as fg
import funcgrad.numpy as fnp
from bench.gradbench import inputs, outputs
from bench.gradbench.protocol import Evaluation

__all__ = ["FUNCTIONS"]


def rotated(r, y):
    """Rotate y about the axis r by its length; y + r x y where that is zero."""
    square = fnp.sum(r * r)
    none = square == 0
    theta = fnp.sqrt(fnp.where(none, 1.0, square))
    axis = r / theta
    turned = (
        y * fnp.cos(theta)
        + fnp.cross(axis, y) * fnp.sin(theta)
        + axis * fnp.sum(axis * y) * (1 - fnp.cos(theta))
    )
    return fnp.where(none, y + fnp.cross(r, y), turned)


def residual(camera, point, weight, feature):
    """Return by how much one observation misses its feature."""
    p = rotated(camera[:3], point - camera[3:6])
    t = p[:2] / p[2]
    rho = fnp.sum(t * t)
    t = t * (1 + camera[9] * rho + camera[10] * rho * rho)
    return weight * (camera[6] * t + camera[7:9] - feature)


def _observed(cameras, points, weights, features):
    """Return for each observation its camera, its point, its weight and its feature."""
    i = np.arange(weights.shape[0])
    return cameras[i % cameras.shape[0]], points[i % points.shape[0]], weights, features


@fg.jit
def objective(cameras, points, weights, features):
    errors = fg.vmap(residual)(*_observed(cameras, points, weights, features))
    return errors, 1 - weights**2


@fg.jit
def _values(cameras, points, weights, features):
    observed = _observed(cameras, points, weights, features)
    blocks = fg.vmap(fg.jacrev(residual, argnums=(0, 1, 2)))(*observed)
    by_weight = fg.vmap(fg.grad(lambda w: 1 - w**2))(weights)
    rows = fnp.concatenate([blocks[0], blocks[1], blocks[2][..., None]], axis=2)  # 15 numbers a residual
    return fnp.concatenate([rows.ravel(), by_weight])


def jacobian(cameras, points, weights, features):
    """Return the Jacobian of all residuals as compressed rows."""
    n, m, p = cameras.shape[0], points.shape[0], weights.shape[0]
    rows = np.concatenate([np.arange(2 * p + 1) * 15, 30 * p + np.arange(1, p + 1)])
    i = np.arange(p)
    columns = np.empty((p, 2, 15), np.int64)
    columns[:, :, :11] = (11 * (i % n))[:, None, None] + np.arange(11)
    columns[:, :, 11:14] = (11 * n + 3 * (i % m))[:, None, None] + np.arange(3)
    columns[:, :, 14] = (11 * n + 3 * m + i)[:, None]
    return (
        rows,
        np.concatenate([columns.ravel(), columns[:, 0, 14]]),
        _values(cameras, points, weights, features),
    )


FUNCTIONS = {
    "objective": Evaluation(lambda given: (objective, inputs.ba(given)), outputs.ba_objective),
    "jacobian": Evaluation(lambda given: (jacobian, inputs.ba(given)), outputs.ba_jacobian),
}
