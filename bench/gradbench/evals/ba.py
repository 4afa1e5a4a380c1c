"""ba: bundle adjustment; the Jacobian is one small dense block an observation, all of them at once."""

from typing import NamedTuple

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


class Observations(NamedTuple):
    """Which camera sees which point: for each of p observations its number, its camera's and its point's."""

    number: np.ndarray
    camera: np.ndarray
    point: np.ndarray


@fg.jit
def objective(seen, cameras, points, weights, features):
    errors = fg.vmap(residual)(cameras[seen.camera], points[seen.point], weights, features)
    return errors, 1 - weights**2


@fg.jit
def values(seen, cameras, points, weights, features):
    """Return the Jacobian's elements that are not zero, row by row: 15 a residual, and one a weight's miss."""
    blocks = fg.vmap(fg.jacrev(residual, argnums=(0, 1, 2)))(
        cameras[seen.camera], points[seen.point], weights, features
    )
    misses = fg.vmap(fg.grad(lambda w: 1 - w**2))(weights)
    rows = fnp.concatenate([blocks[0], blocks[1], blocks[2][..., None]], axis=2)
    return fnp.concatenate([rows.ravel(), misses])


@fg.jit(static_argnames=("n", "m"))
def places(seen, n, m):
    """Return where the rows of the Jacobian start, and the columns of its elements."""
    p = seen.number.shape[0]
    own = 11 * n + 3 * m + seen.number
    camera = 11 * seen.camera[:, None] + np.arange(11)
    point = 11 * n + 3 * seen.point[:, None] + np.arange(3)
    columns = fnp.concatenate([camera, point, own[:, None], camera, point, own[:, None]], axis=1)
    starts = 30 * seen.number[:, None] + np.array([0, 15])
    ends = fnp.concatenate([starts.ravel(), np.array([30 * p]), 30 * p + 1 + seen.number])
    return ends, fnp.concatenate([columns.ravel(), own])


def jacobian(seen, cameras, points, weights, features):
    """Return the Jacobian of all residuals as compressed rows."""
    starts, columns = places(seen, n=cameras.shape[0], m=points.shape[0])
    return starts, columns, values(seen, cameras, points, weights, features)


def _evaluation(function, finish):
    def prepare(given):
        cameras, points, weights, features = inputs.ba(given)
        i = np.arange(len(weights))
        return function, (
            Observations(i, i % len(cameras), i % len(points)),
            cameras,
            points,
            weights,
            features,
        )

    return Evaluation(prepare, finish)


FUNCTIONS = {
    "objective": _evaluation(objective, outputs.ba_objective),
    "jacobian": _evaluation(jacobian, outputs.ba_jacobian),
}
