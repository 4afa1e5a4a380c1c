"""ht: hand tracking; the Jacobian has few columns, and is pushed forward."""

from functools import cache

import numpy as np

import funcgrad as fg
import funcgrad.numpy as fnp
from bench.gradbench import inputs
from bench.gradbench.outputs import listed
from bench.gradbench.protocol import Evaluation

__all__ = ["FUNCTIONS"]

FINGERS = 5


def _turn_x(t):
    one, zero, c, s = 1.0 + 0 * t, 0 * t, fnp.cos(t), fnp.sin(t)
    return fnp.array([[one, zero, zero], [zero, c, -s], [zero, s, c]])


def _turn_z(t):
    one, zero, c, s = 1.0 + 0 * t, 0 * t, fnp.cos(t), fnp.sin(t)
    return fnp.array([[c, -s, zero], [s, c, zero], [zero, zero, one]])


def _rotation(r):
    """Return the rotation about r by its length (Rodrigues); the identity where that is below 1e-4."""
    square = fnp.sum(r * r)
    small = square < 1e-8
    phi = fnp.sqrt(fnp.where(small, 1.0, square))
    a = r / phi
    c, s, o = fnp.cos(phi), fnp.sin(phi), 0 * phi
    cross = fnp.array([[o, -a[2], a[1]], [a[2], o, -a[0]], [-a[1], a[0], o]])
    full = c * np.eye(3) + (1 - c) * fnp.outer(a, a) + s * cross
    return fnp.where(small, np.eye(3), full)


def _bends(theta):
    """Return the rotation of each bone that bends."""
    turns = {}
    for finger in range(FINGERS):
        bone, t = 4 * finger + 2, 6 + 4 * finger
        turns[bone] = _turn_z(theta[t + 1]) @ _turn_x(theta[t])
        turns[bone + 1] = _turn_x(theta[t + 2])
        turns[bone + 2] = _turn_x(theta[t + 3])
    return turns


def posed(theta, model, parents):
    """Return the positions of the model's vertices, all of them, in a pose."""
    turns = _bends(theta)
    absolute = []
    for bone, parent in enumerate(parents):
        relative = model["base_relatives"][bone]
        if bone in turns:
            relative = fnp.concatenate([relative[:, :3] @ turns[bone], relative[:, 3:]], axis=1)
        absolute.append(relative if parent < 0 else absolute[parent] @ relative)
    moved = fnp.stack([a @ inverse for a, inverse in zip(absolute, model["inverses"], strict=True)])[:, :3]
    turned = _rotation(theta[:3]) @ moved  # the bones, which are fewer than the vertices
    return fnp.einsum("vb,bij,vj->vi", model["weights"], turned, model["positions"]) + theta[3:6]


def _residuals(parents, complicated):
    def simple(theta, us, points, chosen, model):
        return (points - posed(theta, model, parents)[chosen]).ravel()

    def barycentric(theta, us, points, chosen, model):
        g = posed(theta, model, parents)
        a, b, d = (g[chosen[:, k]] for k in range(3))
        u, v = us[:, :1], us[:, 1:]
        return (points - (u * a + v * b + (1 - u - v) * d)).ravel()

    return barycentric if complicated else simple


@cache
def objective(parents, complicated):
    return fg.jit(_residuals(parents, complicated))


@cache
def jacobian(parents, complicated):
    residuals = _residuals(parents, complicated)

    def derivative(theta, us, points, chosen, model):
        by_theta = fg.jacfwd(residuals)(theta, us, points, chosen, model)
        if not complicated:
            return by_theta
        # A point's residuals depend on its own us alone: two directions stand for all columns.
        ways = np.stack([np.broadcast_to(e, us.shape) for e in np.eye(2)])
        own = [
            fg.jvp(lambda us: residuals(theta, us, points, chosen, model), (us,), (way,))[1] for way in ways
        ]
        return fnp.concatenate([fnp.stack(own, axis=1), by_theta], axis=1)

    return fg.jit(derivative)


def _evaluation(make):
    def prepare(given):
        parents, *args = inputs.ht(given)
        return make(parents, len(args[1]) > 0), args

    return Evaluation(prepare, listed)


FUNCTIONS = {"objective": _evaluation(objective), "jacobian": _evaluation(jacobian)}
