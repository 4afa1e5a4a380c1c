"""GradBench's evals in JAX: jitted, in float64 on one thread, results waited for."""

import math
import os
from collections.abc import Callable
from functools import cache, partial
from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np

from bench.gradbench import inputs, outputs
from bench.gradbench.protocol import Evaluation

__all__ = ["FUNCTIONS", "REASONS"]

jax.config.update("jax_enable_x64", True)
os.environ.setdefault("NPROC", "1")  # the threads of XLA's pool, which the first computation makes


def _evaluation(
    read: Callable, make: Callable, *static: str, finish: Callable = outputs.listed
) -> Evaluation:
    """Return the evaluation of a function; `make` gives it for the input's sizes named by `static`."""
    compiled = cache(lambda *sizes: jax.jit(make(*sizes)))

    def prepare(given):
        args = jax.block_until_ready(jax.tree.map(jnp.asarray, read(given)))
        run = compiled(*(given[size] for size in static))
        return lambda *args: jax.block_until_ready(run(*args)), args

    return Evaluation(prepare, finish)


def _pair(read: Callable, make: Callable, *static: str) -> tuple[Evaluation, Evaluation]:
    """Return the evaluations of a scalar function and of its gradient by its first argument."""
    return _evaluation(read, make, *static), _evaluation(read, lambda *s: jax.grad(make(*s)), *static)


# --- hello, det, llsq, lse, ode ---


def determinant(ell):
    """Return the determinant of ell**2 elements; each minor of the last rows is computed once."""
    levels, before = [], {(): 0}
    for size in range(1, ell + 1):
        sets = list(combinations(range(ell), size))
        elements = np.array([[(ell - size) * ell + j for j in columns] for columns in sets])
        minors = np.array([[before[s[:k] + s[k + 1 :]] for k in range(size)] for s in sets])
        levels.append((elements, minors, (-1.0) ** np.arange(size)))
        before = {columns: n for n, columns in enumerate(sets)}

    def det(a):
        minors = jnp.ones(1)
        for elements, others, signs in levels:
            minors = jnp.sum(signs * a[elements] * minors[others], axis=1)
        return minors[0]

    return det


def llsq(x, i):
    t = -1 + 2 * i / (i.size - 1)
    # Powers by doubling: a cumulative product is slow in XLA on a CPU.
    powers, ahead = jnp.ones((1, t.size)), t
    while len(powers) < x.size:
        powers, ahead = jnp.concatenate([powers, powers * ahead]), ahead * ahead
    gaps = jnp.sign(t) - x @ powers[: x.size]
    return 0.5 * jnp.sum(gaps * gaps)


def lse(x):
    top = jnp.max(x)
    return top + jnp.log(jnp.sum(jnp.exp(x - top)))


def ode(s):
    h = 2 / s

    def solution(x):
        def rate(y):
            return x * jnp.concatenate([jnp.ones(1), y[:-1]])

        def step(y, _):
            k1 = rate(y)
            k2 = rate(y + h / 2 * k1)
            k3 = rate(y + h / 2 * k2)
            k4 = rate(y + h * k3)
            return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), None

        return jax.lax.scan(step, jnp.zeros_like(x), length=s)[0]

    return solution


# --- gmm ---


def gmm(d, k, n, m, gamma):
    columns, rows = np.triu_indices(d, 1)  # below the diagonal, column by column
    nu = d + m + 1
    log_gamma = d * (d - 1) / 4 * math.log(math.pi) + sum(
        math.lgamma(nu / 2 + (1 - i) / 2) for i in range(1, d + 1)
    )
    constant = k * (nu * d * (math.log(gamma) - 0.5 * math.log(2)) - log_gamma)
    constant -= n * d / 2 * math.log(2 * math.pi)

    def posterior(params, x):
        alpha, mu, q, l = (params[name] for name in ("alpha", "mu", "q", "l"))
        scales, sums = jnp.exp(q), jnp.sum(q, axis=1)
        lower = jnp.zeros((k, d, d)).at[:, rows, columns].set(l)
        factors = lower + jax.vmap(jnp.diag)(scales)
        turned = jnp.einsum("jrc,jic->jir", factors, x - mu[:, None, :])
        beta = alpha + sums - 0.5 * jnp.sum(turned * turned, axis=2).T
        prior = 0.5 * gamma**2 * (jnp.sum(scales * scales) + jnp.sum(l * l)) - m * jnp.sum(sums)
        fit = jnp.sum(jax.nn.logsumexp(beta, axis=1)) - n * jax.nn.logsumexp(alpha)
        return constant + fit - prior

    return posterior


# --- ba ---


def rotated(r, y):
    square = r @ r
    none = square == 0
    theta = jnp.sqrt(jnp.where(none, 1.0, square))
    axis = r / theta
    cosine, sine = jnp.cos(theta), jnp.sin(theta)
    turned = y * cosine + jnp.cross(axis, y) * sine + axis * (axis @ y) * (1 - cosine)
    return jnp.where(none, y + jnp.cross(r, y), turned)


def residual(camera, point, weight, feature):
    p = rotated(camera[:3], point - camera[3:6])
    t = p[:2] / p[2]
    rho = t @ t
    t = t * (1 + camera[9] * rho + camera[10] * rho * rho)
    return weight * (camera[6] * t + camera[7:9] - feature)


def miss(weight):
    return 1 - weight * weight


def _observed(cameras, points, weights, features):
    i = jnp.arange(weights.size)
    return cameras[i % len(cameras)], points[i % len(points)], weights, features


def ba_objective(cameras, points, weights, features):
    return jax.vmap(residual)(*_observed(cameras, points, weights, features)), miss(weights)


def ba_jacobian(cameras, points, weights, features):
    """Return the Jacobian as compressed rows, of 15 numbers for each error and one for each weight."""
    observed = _observed(cameras, points, weights, features)
    by_camera, by_point, by_weight = jax.vmap(jax.jacrev(residual, argnums=(0, 1, 2)))(*observed)
    blocks = jnp.concatenate([by_camera, by_point, by_weight[:, :, None]], axis=2)
    values = jnp.concatenate([blocks.ravel(), jax.vmap(jax.grad(miss))(weights)])
    n, m, p = len(cameras), len(points), len(weights)
    i = jnp.arange(p)[:, None]
    own = 11 * n + 3 * m + i
    camera, point = 11 * (i % n) + jnp.arange(11), 11 * n + 3 * (i % m) + jnp.arange(3)
    columns = jnp.concatenate([camera, point, own], axis=1)
    columns = jnp.broadcast_to(columns[:, None], (p, 2, 15))
    rows = jnp.concatenate([15 * jnp.arange(2 * p + 1), 30 * p + 1 + jnp.arange(p)])
    return rows, jnp.concatenate([columns.ravel(), own.ravel()]), values


# --- ht ---


def _turn(axis, t):
    """Return the rotation about the axis x or z."""
    c, s, one, zero = jnp.cos(t), jnp.sin(t), jnp.ones_like(t), jnp.zeros_like(t)
    rows = (
        [one, zero, zero, zero, c, -s, zero, s, c]
        if axis == "x"
        else [c, -s, zero, s, c, zero, zero, zero, one]
    )
    return jnp.stack(rows, axis=-1).reshape(*t.shape, 3, 3)


def _rotation(r):
    square = r @ r
    small = square < 1e-8
    phi = jnp.sqrt(jnp.where(small, 1.0, square))
    a, c, s = r / phi, jnp.cos(phi), jnp.sin(phi)
    full = c * jnp.eye(3) + (1 - c) * jnp.outer(a, a) + s * jnp.cross(jnp.eye(3), a)
    return jnp.where(small, jnp.eye(3), full)


def posed(parents, theta, model):
    """Return the positions of all vertices in a pose."""
    fingers = theta[6:].reshape(5, 4)
    about_x = _turn("x", fingers[:, jnp.array([0, 2, 3])])
    bends = about_x.at[:, 0].set(_turn("z", fingers[:, 1]) @ about_x[:, 0])
    relatives = model["base_relatives"]
    bones = 4 * np.arange(5)[:, None] + np.array([2, 3, 4])
    relatives = relatives.at[bones, :, :3].set(relatives[bones, :, :3] @ bends)
    absolute = []
    for relative, parent in zip(relatives, parents, strict=True):
        absolute.append(relative if parent < 0 else absolute[parent] @ relative)
    moved = (jnp.stack(absolute) @ model["inverses"])[:, :3]
    # The weighted transforms of each vertex first: one product of matrices.
    transforms = (model["weights"] @ moved.reshape(len(parents), 12)).reshape(-1, 3, 4)
    each = jnp.einsum("vij,vj->vi", transforms, model["positions"])
    return each @ _rotation(theta[:3]).T + theta[3:6]


def ht_objective(parents, theta, us, points, chosen, model):
    g = posed(parents, theta, model)[chosen]
    if us.size:
        u, v = us[:, :1], us[:, 1:]
        g = u * g[:, 0] + v * g[:, 1] + (1 - u - v) * g[:, 2]
    return (points - g).ravel()


def ht_jacobian(parents, theta, us, points, chosen, model):
    residuals = partial(ht_objective, parents)
    by_theta = jax.jacfwd(residuals)(theta, us, points, chosen, model)
    if not us.size:
        return by_theta
    # A point's residuals depend on its own us alone: two directions stand for all columns.
    along = lambda way: jax.jvp(lambda us: residuals(theta, us, points, chosen, model), (us,), (way,))[1]
    own = [along(jnp.broadcast_to(way, us.shape)) for way in jnp.eye(2)]
    return jnp.concatenate([jnp.stack(own, axis=1), by_theta], axis=1)


def _hand(function):
    compiled = jax.jit(function, static_argnums=0)

    def prepare(given):
        parents, *args = inputs.ht(given)
        args = jax.block_until_ready(jax.tree.map(jnp.asarray, args))
        return lambda *args: jax.block_until_ready(compiled(parents, *args)), args

    return Evaluation(prepare, outputs.listed)


# --- kmeans, lstm ---


def kmeans(centroids, points):
    gaps = centroids - points[:, None, :]
    return jnp.sum(jnp.min(jnp.sum(gaps * gaps, axis=2), axis=1))


def kmeans_step(centroids, points):
    gradient, diagonal = jax.jvp(
        lambda c: jax.grad(kmeans)(c, points), (centroids,), (jnp.ones_like(centroids),)
    )
    return gradient / diagonal


def lstm(main, extra, state, sequence):
    layers, bits = len(main) // 2, sequence.shape[1]
    weights, biases = main[::2].reshape(layers, 4, bits), main[1::2].reshape(layers, 4, bits)

    def step(carry, now):
        hidden, cells = carry
        z, after = now * extra[0], []
        for h, cell, w, b in zip(hidden, cells, weights, biases, strict=True):
            gates = jnp.stack([z, h, z]) * w[:3] + b[:3]
            forget, ingate, outgate = jax.nn.sigmoid(gates)
            cell = cell * forget + ingate * jnp.tanh(h * w[3] + b[3])
            z = outgate * jnp.tanh(cell)
            after.append((z, cell))
        hidden, cells = (jnp.stack(parts) for parts in zip(*after, strict=True))
        return (hidden, cells), z

    _, tops = jax.lax.scan(step, (state[::2], state[1::2]), sequence[:-1])
    y = tops * extra[1] + extra[2]
    total = jnp.sum(sequence[1:] * (y - jnp.log(2 + jnp.sum(jnp.exp(y), axis=1, keepdims=True))))
    return -total / y.size


def lstm_jacobian(*args):
    return jnp.concatenate([g.ravel() for g in jax.grad(lstm, argnums=(0, 1))(*args)])


# --- particle, saddle ---


def argmin(f, derivative, start):
    """Return where the descent from `start` ends."""

    def step(state):
        x, fx, g, rate, count, _ = state
        new = x - rate * g
        flat = jnp.sum(g * g) <= 1e-10
        wait = ~flat & (count == 10)
        near = ~flat & ~wait & (jnp.sum((x - new) ** 2) <= 1e-10)

        def tried():
            value = f(new)
            accepted = lambda: (new, value, derivative(new), rate, count + 1, False)
            rejected = lambda: (x, fx, g, rate / 2, 0, False)
            return jax.lax.cond(value < fx, accepted, rejected)

        def waited():
            return x, fx, g, jnp.where(wait, 2 * rate, rate), jnp.where(wait, 0, count), flat | near

        return jax.lax.cond(flat | wait | near, waited, tried)

    first = (start, f(start), derivative(start), 1e-5, 0, False)
    return jax.lax.while_loop(lambda state: ~state[-1], step, first)[0]


def landing(w, inner):
    corners = jnp.stack([jnp.stack([10.0 + 0 * w, 10 - w]), jnp.array([10.0, 0])])

    def potential(x):
        return jnp.sum(1 / jnp.sqrt(jnp.sum((x - corners) ** 2, axis=1)))

    def step(state):
        _, v, x = state
        v = v - 0.1 * inner(potential)(state[0])
        return x, v, x + 0.1 * v

    x, v = jnp.array([0.0, 8]), jnp.array([0.75, 0])
    _, v, x = jax.lax.while_loop(lambda state: state[2][1] > 0, step, (x, v, x + 0.1 * v))
    return (x[0] - x[1] / v[1] * v[0]) ** 2


def particle(outer, inner):
    value = partial(landing, inner=inner)
    return lambda w: argmin(value, outer(value), w)


def saddle(outer, inner):
    def lowest(x, start):
        f = lambda y: jnp.sum(y * y) - jnp.sum(x * x)
        return argmin(f, inner(f), start)

    def worst(x, start):
        return jnp.sum(x * x) - jnp.sum(lowest(x, start) ** 2)

    def solve(start):
        value = partial(worst, start=start)
        x = argmin(value, outer(value), start)
        return jnp.concatenate([x, lowest(x, start)])

    return solve


def _nested(read, solver):
    inner = {"f": jax.jacfwd, "r": jax.grad}
    return {"f" + mode: _evaluation(read, lambda by=by: solver(jax.jacfwd, by)) for mode, by in inner.items()}


_square = _pair(inputs.hello, lambda: jnp.square)
_det = _pair(inputs.det, determinant, "ell")
_gmm = _pair(inputs.gmm, gmm, "d", "k", "n", "m", "gamma")
_llsq = _pair(inputs.llsq, lambda: llsq)
_lse = _pair(inputs.lse, lambda: lse)
FUNCTIONS = {
    "hello": dict(zip(("square", "double"), _square, strict=True)),
    "det": dict(zip(("primal", "gradient"), _det, strict=True)),
    "gmm": dict(zip(("objective", "jacobian"), _gmm, strict=True)),
    "ba": {
        "objective": _evaluation(inputs.ba, lambda: ba_objective, finish=outputs.ba_objective),
        "jacobian": _evaluation(inputs.ba, lambda: ba_jacobian, finish=outputs.ba_jacobian),
    },
    "ht": {"objective": _hand(ht_objective), "jacobian": _hand(ht_jacobian)},
    "kmeans": {
        "cost": _evaluation(inputs.kmeans, lambda: kmeans),
        "dir": _evaluation(inputs.kmeans, lambda: kmeans_step),
    },
    "llsq": dict(zip(("primal", "gradient"), _llsq, strict=True)),
    "lse": dict(zip(("primal", "gradient"), _lse, strict=True)),
    "lstm": {
        "objective": _evaluation(inputs.lstm, lambda: lstm),
        "jacobian": _evaluation(inputs.lstm, lambda: lstm_jacobian),
    },
    "ode": {
        "primal": _evaluation(inputs.ode, ode, "s"),
        "gradient": _evaluation(inputs.ode, lambda s: jax.grad(lambda x: ode(s)(x)[-1]), "s"),
    },
    "particle": _nested(inputs.particle, particle),
    "saddle": _nested(inputs.saddle, saddle),
}
_reason = "JAX has no reverse mode through while_loop, whose number of steps is not known"
REASONS = {(module, mode): _reason for module in ("particle", "saddle") for mode in ("rr", "rf")}
