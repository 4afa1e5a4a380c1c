"""Each eval's function in plain NumPy, from its description alone, for real or complex variables.

It shares nothing with `evals`, so that it can judge them: complex variables are for complex steps (`differences`). Each
function here takes an input as JSON has it, or with arrays for lists, and returns a function of keyword arguments and
what they are, float64 arrays by name: the variables by which the eval differentiates.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["DESCENTS", "REFERENCES"]

Variables = dict[str, np.ndarray]


def _arrays(given: Any, *names: str) -> Variables:
    return {name: np.asarray(given[name], dtype=float) for name in names}


def hello(given: float) -> tuple[Callable, Variables]:
    return lambda x: x**2, {"x": np.float64(given)}


def det(given: dict) -> tuple[Callable, Variables]:
    """Return the determinant by elimination, which the eval itself does not allow."""
    ell = given["ell"]
    return lambda A: np.linalg.det(A.reshape(ell, ell)), _arrays(given, "A")


def _log_sum_exp(x):
    top = x.real.max(axis=-1, keepdims=True)
    return top[..., 0] + np.log(np.exp(x - top).sum(axis=-1))


def gmm(given: dict) -> tuple[Callable, Variables]:
    d, k, n, m, gamma, x = (given[name] for name in ("d", "k", "n", "m", "gamma", "x"))
    x, nu = np.asarray(x, dtype=float), d + m + 1
    log_gamma = d * (d - 1) / 4 * math.log(math.pi)
    log_gamma += sum(math.lgamma(nu / 2 + (1 - i) / 2) for i in range(1, d + 1))

    def posterior(alpha, mu, q, l):
        beta = []
        for j in range(k):
            Q = np.diag(np.exp(q[j])).astype(np.result_type(q, l))
            Q.T[np.triu_indices(d, 1)] = l[j]  # below the diagonal, column by column
            turned = (x - mu[j]) @ Q.T
            beta.append(alpha[j] + q[j].sum() - 0.5 * (turned**2).sum(axis=1))
        fit = _log_sum_exp(np.stack(beta, axis=1)).sum() - n * _log_sum_exp(alpha)
        prior = k * (nu * d * (math.log(gamma) - 0.5 * math.log(2)) - log_gamma)
        prior -= 0.5 * gamma**2 * ((np.exp(q) ** 2).sum() + (l**2).sum()) - m * q.sum()
        return -n * d / 2 * math.log(2 * math.pi) + fit + prior

    return posterior, _arrays(given, "alpha", "mu", "q", "l")


def ba(given: dict) -> tuple[Callable, Variables]:
    """Return the three residuals of one observation: those of all are copies."""
    feature = np.asarray(given["feat"], dtype=float)

    def residuals(cam, x, w):
        r, y = cam[:3], x - cam[3:6]
        square = (r**2).sum()
        if square == 0:
            p = y + np.cross(r, y)
        else:
            theta = np.sqrt(square)
            a = r / theta
            p = y * np.cos(theta) + np.cross(a, y) * np.sin(theta) + a * (a * y).sum() * (1 - np.cos(theta))
        t = p[:2] / p[2]
        rho = (t**2).sum()
        t = t * (1 + cam[9] * rho + cam[10] * rho**2)
        return np.append(w * (cam[6] * t + cam[7:9] - feature), 1 - w**2)

    return residuals, _arrays(given, "cam", "x", "w")


def _about(axis, t):
    """Return the right-handed rotation by t about the axis x, y or z."""
    c, s = np.cos(t), np.sin(t)
    R = np.eye(3, dtype=np.result_type(t))
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    R[i, i], R[i, j], R[j, i], R[j, j] = c, -s, s, c
    return R


def ht(given: dict) -> tuple[Callable, Variables]:
    """Return the residuals by theta and, where there are us, by a shift of all of them: the eval's two columns."""
    data, model = given["data"], given["data"]["model"]
    relatives, inverses, positions, weights = _arrays(
        model, "base_relatives", "inverse_base_absolutes", "base_positions", "weights"
    ).values()
    points, chosen = np.asarray(data["points"], dtype=float), np.asarray(data["correspondences"])
    us, triangles = np.asarray(given["us"], dtype=float), np.asarray(model["triangles"])

    def posed(theta):
        angles = np.zeros((len(relatives), 3), theta.dtype)
        for finger in range(5):
            bone, t = 4 * finger + 2, 6 + 4 * finger
            angles[bone, 0], angles[bone, 2] = theta[t], theta[t + 1]
            angles[bone + 1, 0], angles[bone + 2, 0] = theta[t + 2], theta[t + 3]
        absolutes = []
        for relative, parent, (tx, ty, tz) in zip(relatives, model["parents"], angles, strict=True):
            own = np.eye(4, dtype=theta.dtype)
            own[:3, :3] = _about("z", tz) @ _about("y", ty) @ _about("x", tx)
            own = relative @ own
            absolutes.append(own if parent < 0 else absolutes[parent] @ own)
        skinned = np.tensordot(weights, np.stack(absolutes) @ inverses, axes=1)
        moved = np.einsum("vij,vj->vi", skinned, positions)[:, :3]
        phi = np.sqrt((theta[:3] ** 2).sum())
        G = np.eye(3)
        if phi.real >= 1e-4:
            a, c, s = theta[:3] / phi, np.cos(phi), np.sin(phi)
            G = c * np.eye(3) + (1 - c) * np.outer(a, a) + s * np.cross(a, np.eye(3)).T
        return moved @ G.T + theta[3:6]

    def simple(theta):
        return (points - posed(theta)[chosen]).ravel()

    def barycentric(shift, theta):
        u, v = ((us + shift)[:, i : i + 1] for i in range(2))
        a, b, d = (posed(theta)[triangles[chosen, corner]] for corner in range(3))
        return (points - (u * a + v * b + (1 - u - v) * d)).ravel()

    theta = _arrays(given, "theta")
    return (barycentric, {"shift": np.zeros(2), **theta}) if len(us) else (simple, theta)


def kmeans(given: dict) -> tuple[Callable, Variables]:
    points = np.asarray(given["points"], dtype=float)

    def cost(centroids):
        total = 0.0
        for start in range(0, len(points), 100):  # so that memory stays small
            gaps = points[start : start + 100, None] - centroids
            squares = (gaps**2).sum(axis=2)
            total += np.take_along_axis(squares, squares.real.argmin(axis=1)[:, None], axis=1).sum()
        return total

    return cost, _arrays(given, "centroids")


def llsq(given: dict) -> tuple[Callable, Variables]:
    n = given["n"]
    t = -1 + 2 * np.arange(n) / (n - 1)

    def half_square(x):
        y = np.zeros(n)
        for coefficient in x[::-1]:  # Horner
            y = y * t + coefficient
        return 0.5 * ((np.sign(t) - y) ** 2).sum()

    return half_square, _arrays(given, "x")


def lse(given: dict) -> tuple[Callable, Variables]:
    return lambda x: _log_sum_exp(x), _arrays(given, "x")


def lstm(given: dict) -> tuple[Callable, Variables]:
    state, sequence = _arrays(given, "state", "sequence").values()
    c, b = sequence.shape
    logistic = lambda x: 1 / (1 + np.exp(-x))

    def loss(main, extra):
        hidden, cells, total = list(state[::2]), list(state[1::2]), 0.0
        for t in range(c - 1):
            z = sequence[t] * extra[0]
            for i in range(len(hidden)):
                w, v = main[2 * i].reshape(4, b), main[2 * i + 1].reshape(4, b)
                f, o = logistic(z * w[0] + v[0]), logistic(z * w[2] + v[2])
                g, a = logistic(hidden[i] * w[1] + v[1]), np.tanh(hidden[i] * w[3] + v[3])
                cells[i] = cells[i] * f + g * a
                hidden[i] = z = o * np.tanh(cells[i])
            y = z * extra[1] + extra[2]
            total += (sequence[t + 1] * (y - np.log(2 + np.exp(y).sum()))).sum()
        return -total / ((c - 1) * b)

    return loss, dict(
        zip(("main", "extra"), _arrays(given, "main_params", "extra_params").values(), strict=True)
    )


def ode(given: dict) -> tuple[Callable, Variables]:
    s = given["s"]
    h = 2 / s

    def solution(x):
        rate = lambda y: np.concatenate([x[:1], x[1:] * y[:-1]])
        y = np.zeros_like(x)
        for _ in range(s):
            k1 = rate(y)
            k2 = rate(y + h / 2 * k1)
            k3 = rate(y + h / 2 * k2)
            y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + rate(y + h * k3))
        return y

    return solution, _arrays(given, "x")


REFERENCES = {f.__name__: f for f in (hello, det, gmm, ba, ht, kmeans, llsq, lse, lstm, ode)}


def argmin(f: Callable, derivative: Callable, start: np.ndarray) -> np.ndarray:
    """Return where the descent ends; of what is complex, the real part decides."""
    size = lambda x: math.sqrt((np.asarray(x).real ** 2).sum())
    x, fx, g, rate, count = start, f(start), derivative(start), 1e-5, 0
    while size(g) > 1e-5:
        if count == 10:
            rate, count = 2 * rate, 0
        new = x - rate * g
        if size(x - new) <= 1e-5:
            break
        value = f(new)
        if value.real < fx.real:
            x, fx, g, count = new, value, derivative(new), count + 1
        else:
            rate, count = rate / 2, 0
    return x


def particle(given: dict, inner: Callable, outer: Callable) -> np.ndarray:
    """Return the w found, with these two ways to differentiate."""

    def landing(w):
        corners = np.array([[10.0, 10.0 - w], [10.0, 0.0]])
        potential = lambda x: (1 / np.sqrt(((x - corners) ** 2).sum(axis=1))).sum()
        x, v = np.array([0.0, 8.0]), np.array([0.75, 0.0])
        while True:
            a = -inner(potential, x)
            x = x + 0.1 * v
            if x[1].real <= 0:
                return (x[0] - x[1] / v[1] * v[0]) ** 2
            v = v + 0.1 * a

    return argmin(landing, lambda w: outer(landing, w), np.float64(given["w"]))


def saddle(given: dict, inner: Callable, outer: Callable) -> np.ndarray:
    start = np.asarray(given["start"], dtype=float)
    f = lambda x, y: x[0] ** 2 + x[1] ** 2 - y[0] ** 2 - y[1] ** 2

    def highest(x):
        below = lambda y: -f(x, y)
        return argmin(below, lambda y: inner(below, y), start)

    value = lambda x: f(x, highest(x))
    x = argmin(value, lambda x: outer(value, x), start)
    return np.concatenate([x, highest(x)])


DESCENTS = {"particle": particle, "saddle": saddle}
