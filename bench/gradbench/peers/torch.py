"""GradBench's evals in PyTorch, eager, in float64 on one thread.

Gradients of scalars are what `backward` computes; Jacobians are `torch.func`'s, batched by its `vmap`.
"""

import math
from collections.abc import Callable
from functools import cache, partial
from itertools import combinations
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import grad, jacfwd, jacrev, jvp, vmap

from bench.gradbench import inputs, outputs
from bench.gradbench.protocol import Evaluation

__all__ = ["FUNCTIONS", "REASONS"]

torch.set_num_threads(1)


def _tensors(x: Any) -> Any:
    """Return arrays in containers as tensors."""
    if isinstance(x, dict):
        return {name: _tensors(part) for name, part in x.items()}
    return tuple(_tensors(part) for part in x) if isinstance(x, (list, tuple)) else torch.as_tensor(x)


def _evaluation(
    read: Callable, make: Callable, *static: str, finish: Callable = outputs.listed
) -> Evaluation:
    """Return the evaluation of a function; `make` gives it for the input's sizes named by `static`."""
    made = cache(make)

    def prepare(given):
        args = _tensors(read(given))
        return made(*(given[size] for size in static)), args

    return Evaluation(prepare, finish)


def _gradient(function: Callable) -> Callable:
    """Return the gradient by the first argument, a tensor or a dictionary of them."""

    def gradient(x, *rest):
        if isinstance(x, Tensor):
            leaf = x.detach().requires_grad_()
            return torch.autograd.grad(function(leaf, *rest), leaf)[0]
        leaves = {name: part.detach().requires_grad_() for name, part in x.items()}
        found = torch.autograd.grad(function(leaves, *rest), tuple(leaves.values()))
        return dict(zip(leaves, found, strict=True))

    return gradient


def _pair(read: Callable, make: Callable, *static: str) -> tuple[Evaluation, Evaluation]:
    """Return the evaluations of a scalar function and of its gradient by its first argument."""
    return _evaluation(read, make, *static), _evaluation(read, lambda *s: _gradient(make(*s)), *static)


# --- hello, det, llsq, lse, ode ---


def determinant(ell):
    """Return the determinant of ell**2 elements; each minor of the last rows is computed once."""
    levels, before = [], {(): 0}
    for size in range(1, ell + 1):
        sets = list(combinations(range(ell), size))
        elements = [[(ell - size) * ell + j for j in columns] for columns in sets]
        minors = [[before[s[:k] + s[k + 1 :]] for k in range(size)] for s in sets]
        signs = (-1.0) ** torch.arange(size, dtype=torch.float64)
        levels.append((torch.tensor(elements), torch.tensor(minors), signs))
        before = {columns: n for n, columns in enumerate(sets)}

    def det(a):
        minors = torch.ones(1, dtype=torch.float64)
        for elements, others, signs in levels:
            minors = torch.sum(signs * a[elements] * minors[others], dim=1)
        return minors[0]

    return det


def llsq(x, i):
    t = -1 + 2 * i / (len(i) - 1)
    gaps = torch.sign(t) - torch.linalg.vander(t, N=len(x)) @ x
    return 0.5 * torch.sum(gaps * gaps)


def lse(x):
    top = torch.max(x)
    return top + torch.log(torch.sum(torch.exp(x - top)))


def ode(s):
    h = 2 / s

    def solution(x):
        one = x.new_ones(1)
        rate = lambda y: x * torch.cat([one, y[:-1]])
        y = torch.zeros_like(x)
        for _ in range(s):
            k1 = rate(y)
            k2 = rate(y + h / 2 * k1)
            k3 = rate(y + h / 2 * k2)
            k4 = rate(y + h * k3)
            y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return y

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
        scales, sums = torch.exp(q), torch.sum(q, dim=1)
        factors = torch.diag_embed(scales)
        factors[:, rows, columns] = l
        turned = (x - mu[:, None]) @ factors.mT
        beta = alpha + sums - 0.5 * torch.sum(turned * turned, dim=2).T
        prior = 0.5 * gamma**2 * (torch.sum(scales * scales) + torch.sum(l * l)) - m * torch.sum(sums)
        fit = torch.sum(torch.logsumexp(beta, dim=1)) - n * torch.logsumexp(alpha, dim=0)
        return constant + fit - prior

    return posterior


# --- ba ---


def rotated(r, y):
    square = r @ r
    none = square == 0
    theta = torch.sqrt(torch.where(none, 1.0, square))
    axis = r / theta
    cosine, sine = torch.cos(theta), torch.sin(theta)
    turned = y * cosine + torch.linalg.cross(axis, y) * sine + axis * (axis @ y) * (1 - cosine)
    return torch.where(none, y + torch.linalg.cross(r, y), turned)


def residual(camera, point, weight, feature):
    p = rotated(camera[:3], point - camera[3:6])
    t = p[:2] / p[2]
    rho = t @ t
    t = t * (1 + camera[9] * rho + camera[10] * rho * rho)
    return weight * (camera[6] * t + camera[7:9] - feature)


def miss(weight):
    return 1 - weight * weight


def _observed(cameras, points, weights, features):
    i = torch.arange(len(weights))
    return cameras[i % len(cameras)], points[i % len(points)], weights, features


def ba_objective(cameras, points, weights, features):
    return vmap(residual)(*_observed(cameras, points, weights, features)), miss(weights)


def ba_jacobian(cameras, points, weights, features):
    """Return the Jacobian as compressed rows, of 15 numbers for each error and one for each weight."""
    observed = _observed(cameras, points, weights, features)
    by_camera, by_point, by_weight = vmap(jacrev(residual, argnums=(0, 1, 2)))(*observed)
    blocks = torch.cat([by_camera, by_point, by_weight[:, :, None]], dim=2)
    values = torch.cat([blocks.ravel(), vmap(grad(miss))(weights)])
    n, m, p = len(cameras), len(points), len(weights)
    i = torch.arange(p)[:, None]
    own = 11 * n + 3 * m + i
    camera, point = 11 * (i % n) + torch.arange(11), 11 * n + 3 * (i % m) + torch.arange(3)
    columns = torch.cat([camera, point, own], dim=1)[:, None].expand(p, 2, 15)
    rows = torch.cat([15 * torch.arange(2 * p + 1), 30 * p + 1 + torch.arange(p)])
    return rows, torch.cat([columns.ravel(), own.ravel()]), values


# --- ht ---


def _turn(axis, t):
    """Return the rotation about the axis x or z."""
    c, s, one, zero = torch.cos(t), torch.sin(t), torch.ones_like(t), torch.zeros_like(t)
    about_x, about_z = [one, zero, zero, zero, c, -s, zero, s, c], [c, -s, zero, s, c, zero, zero, zero, one]
    return torch.stack(about_x if axis == "x" else about_z, dim=-1).reshape(*t.shape, 3, 3)


def _rotation(r):
    square, eye = r @ r, torch.eye(3, dtype=r.dtype)
    small = square < 1e-8
    phi = torch.sqrt(torch.where(small, 1.0, square))
    a, c, s = r / phi, torch.cos(phi), torch.sin(phi)
    full = c * eye + (1 - c) * torch.outer(a, a) + s * torch.linalg.cross(eye, a[None])
    return torch.where(small, eye, full)


def posed(parents, theta, model):
    """Return the positions of all vertices in a pose."""
    fingers, eye = theta[6:].reshape(5, 4), torch.eye(3, dtype=theta.dtype)
    first = _turn("z", fingers[:, 1]) @ _turn("x", fingers[:, 0])
    straight = eye.expand(5, 3, 3)
    bends = torch.stack([straight, first, _turn("x", fingers[:, 2]), _turn("x", fingers[:, 3])], dim=1)
    bends = torch.cat([eye[None], bends.reshape(20, 3, 3), eye[None]])  # wrist, fingers, forearm
    relatives = model["base_relatives"]
    relatives = torch.cat([relatives[:, :, :3] @ bends, relatives[:, :, 3:]], dim=2)
    absolute = []
    for relative, parent in zip(relatives, parents, strict=True):
        absolute.append(relative if parent < 0 else absolute[parent] @ relative)
    moved = (torch.stack(absolute) @ model["inverses"])[:, :3]
    # The weighted transforms of each vertex first: one product of matrices.
    transforms = (model["weights"] @ moved.reshape(len(parents), 12)).reshape(-1, 3, 4)
    each = (transforms @ model["positions"][:, :, None])[:, :, 0]
    return each @ _rotation(theta[:3]).T + theta[3:6]


def ht_objective(parents, theta, us, points, chosen, model):
    g = posed(parents, theta, model)[chosen]
    if len(us):
        u, v = us[:, :1], us[:, 1:]
        g = u * g[:, 0] + v * g[:, 1] + (1 - u - v) * g[:, 2]
    return (points - g).ravel()


def ht_jacobian(parents, theta, us, points, chosen, model):
    residuals = partial(ht_objective, parents)
    by_theta = jacfwd(residuals)(theta, us, points, chosen, model)
    if not len(us):
        return by_theta
    # A point's residuals depend on its own us alone: two directions stand for all columns.
    of_us = lambda us: residuals(theta, us, points, chosen, model)
    own = [jvp(of_us, (us,), (way.expand_as(us),))[1] for way in torch.eye(2, dtype=us.dtype)]
    return torch.cat([torch.stack(own, dim=1), by_theta], dim=1)


def _hand(function):
    def prepare(given):
        parents, *args = inputs.ht(given)
        return partial(function, parents), _tensors(args)

    return Evaluation(prepare, outputs.listed)


# --- kmeans, lstm ---


def kmeans(centroids, points):
    gaps = centroids - points[:, None, :]
    return torch.sum(torch.min(torch.sum(gaps * gaps, dim=2), dim=1).values)


def kmeans_step(centroids, points):
    leaf = centroids.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(kmeans(leaf, points), leaf, create_graph=True)
    (diagonal,) = torch.autograd.grad(gradient, leaf, torch.ones_like(leaf))
    return gradient.detach() / diagonal


def lstm(params, state, sequence):
    main, extra = params["main"], params["extra"]
    layers, bits = len(main) // 2, sequence.shape[1]
    weights, biases = main[::2].reshape(layers, 4, bits), main[1::2].reshape(layers, 4, bits)
    gates = [(w[:3], b[:3], w[3], b[3]) for w, b in zip(weights, biases, strict=True)]
    hidden, cells, tops = list(state[::2]), list(state[1::2]), []
    for z in sequence[:-1] * extra[0]:
        for i, (w, b, w_change, b_change) in enumerate(gates):
            h = hidden[i]
            forget, ingate, outgate = torch.sigmoid(torch.stack([z, h, z]) * w + b)
            cells[i] = cells[i] * forget + ingate * torch.tanh(h * w_change + b_change)
            hidden[i] = z = outgate * torch.tanh(cells[i])
        tops.append(z)
    y = torch.stack(tops) * extra[1] + extra[2]
    total = torch.sum(sequence[1:] * (y - torch.log(2 + torch.sum(torch.exp(y), dim=1, keepdim=True))))
    return -total / y.numel()


def _named(given):
    main, extra, state, sequence = inputs.lstm(given)
    return {"main": main, "extra": extra}, state, sequence


def lstm_jacobian(*args):
    return torch.cat([g.ravel() for g in _gradient(lstm)(*args).values()])


# --- particle, saddle ---


def argmin(f, derivative, start):
    """Return where the descent from `start` ends."""
    x, fx, g, rate, count = start, f(start), derivative(start), 1e-5, 0
    while True:
        if torch.sum(g * g) <= 1e-10:
            return x
        if count == 10:
            rate, count = 2 * rate, 0
        new = x - rate * g
        if torch.sum((x - new) ** 2) <= 1e-10:
            return x
        value = f(new)
        if value < fx:
            x, fx, g, count = new, value, derivative(new), count + 1
        else:
            rate, count = rate / 2, 0


def _nested_gradient(f):
    """Return the gradient of a scalar function; where gradients are recorded, it can be differentiated itself."""

    def gradient(x):
        recorded = torch.is_grad_enabled()
        with torch.enable_grad():
            leaf = x if x.requires_grad else x.detach().requires_grad_()
            return torch.autograd.grad(f(leaf), leaf, create_graph=recorded)[0]

    return gradient


def landing(w):
    corners = torch.stack([torch.stack([10 + 0 * w, 10 - w]), w.new_tensor([10.0, 0])])

    def potential(x):
        return torch.sum(1 / torch.sqrt(torch.sum((x - corners) ** 2, dim=1)))

    slope = _nested_gradient(potential)
    x, v = w.new_tensor([0.0, 8]), w.new_tensor([0.75, 0])
    ahead = x + 0.1 * v
    while ahead[1] > 0:
        v = v - 0.1 * slope(x)
        x, ahead = ahead, ahead + 0.1 * v
    return (ahead[0] - ahead[1] / v[1] * v[0]) ** 2


@torch.no_grad()
def particle(w):
    return argmin(landing, _nested_gradient(landing), w)


@torch.no_grad()
def saddle(start):
    def lowest(x):
        f = lambda y: torch.sum(y * y) - torch.sum(x * x)
        return argmin(f, _nested_gradient(f), start)

    worst = lambda x: torch.sum(x * x) - torch.sum(lowest(x) ** 2)
    x = argmin(worst, _nested_gradient(worst), start)
    return torch.cat([x, lowest(x)])


_square = _pair(inputs.hello, lambda: torch.square)
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
        "objective": _evaluation(_named, lambda: lstm),
        "jacobian": _evaluation(_named, lambda: lstm_jacobian),
    },
    "ode": {
        "primal": _evaluation(inputs.ode, ode, "s"),
        "gradient": _evaluation(inputs.ode, lambda s: _gradient(lambda x: ode(s)(x)[-1]), "s"),
    },
    "particle": {"rr": _evaluation(inputs.particle, lambda: particle)},
    "saddle": {"rr": _evaluation(inputs.saddle, lambda: saddle)},
}
_reason = "torch.func follows every step of the descents from Python: one run takes one to two minutes"
REASONS = {(module, mode): _reason for module in ("particle", "saddle") for mode in ("ff", "fr", "rf")}
