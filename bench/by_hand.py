"""Derivatives written by hand, in NumPy and in Numba's loops: what a careful programmer would get."""

import math

import numpy as np

__all__ = ["NUMBA", "NUMPY"]


def rosenbrock(x):
    d = x[1:] - x[:-1] ** 2
    g = np.zeros_like(x)
    g[1:] = 200.0 * d
    g[:-1] -= 400.0 * d * x[:-1] + 2.0 * (1 - x[:-1])
    return g


def logistic(w, x, y):
    e = np.exp(-y * (x @ w))
    return x.T @ (-y * e / (1 + e)) / len(y) + 0.02 * w


def two_layers(w1, w2, x, y):
    h = x @ w1
    r = np.maximum(h, 0)
    e = 2.0 * (r @ w2 - y)
    return x.T @ ((e @ w2.T) * np.where(h > 0, 1.0, np.where(h == 0, 0.5, 0.0))), r.T @ e


def softmax_rows(x):
    e = np.exp(x - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def softmax_columns(x):
    e = np.exp(x - x.max(0))
    return e / e.sum(0)


def variance_rows(x):
    return 2.0 / x.shape[1] * (x - x.mean(1, keepdims=True))


def variance_columns(x):
    return 2.0 / x.shape[0] * (x - x.mean(0))


def chain(x):
    c, s = np.cos(x), np.sin(x)
    e = np.exp(-x * x)
    t, q = np.tanh(e + s), 1.0 + x * x
    return (1 - t * t) * (c - 2 * x * e) * np.log1p(x * x) + t * 2 * x / q - c * s / np.sqrt(1 + c * c)


def bodies(x, mass):
    apart = x[:, None] - x[None]
    cube = ((apart**2).sum(2) + 0.01) ** -1.5
    return ((mass[:, None] * mass * cube)[..., None] * apart).sum(1)


NUMPY = {
    "Rosenbrock": rosenbrock,
    "logistic regression": logistic,
    "two-layer network": two_layers,
    "logsumexp, axis 0": softmax_columns,
    "logsumexp, axis 1": softmax_rows,
    "variance, axis 0": variance_columns,
    "variance, axis 1": variance_rows,
    "elementwise chain": chain,
    "N bodies": bodies,
}


def rosenbrock_loop(x):
    g = np.zeros_like(x)
    for i in range(len(x) - 1):
        d = x[i + 1] - x[i] * x[i]
        g[i + 1] += 200.0 * d
        g[i] -= 400.0 * d * x[i] + 2.0 * (1 - x[i])
    return g


def logistic_loop(w, x, y):
    g = 0.02 * w
    for i in range(len(y)):
        z = 0.0
        for j in range(len(w)):
            z += x[i, j] * w[j]
        e = math.exp(-y[i] * z)
        r = -y[i] * e / (1 + e) / len(y)
        for j in range(len(w)):
            g[j] += r * x[i, j]
    return g


def softmax_rows_loop(x):
    out = np.empty_like(x)
    for i in range(x.shape[0]):
        top = x[i, 0]
        for j in range(x.shape[1]):
            top = max(top, x[i, j])
        total = 0.0
        for j in range(x.shape[1]):
            out[i, j] = math.exp(x[i, j] - top)
            total += out[i, j]
        for j in range(x.shape[1]):
            out[i, j] /= total
    return out


def variance_rows_loop(x):
    out = np.empty_like(x)
    n = x.shape[1]
    for i in range(x.shape[0]):
        m = 0.0
        for j in range(n):
            m += x[i, j]
        m /= n
        for j in range(n):
            out[i, j] = 2.0 / n * (x[i, j] - m)
    return out


def variance_columns_loop(x):
    n, columns = x.shape
    m = np.zeros(columns)
    for i in range(n):
        for j in range(columns):
            m[j] += x[i, j]
    m /= n
    out = np.empty_like(x)
    for i in range(n):
        for j in range(columns):
            out[i, j] = 2.0 / n * (x[i, j] - m[j])
    return out


def stencil_loop(u):
    n, m = u.shape
    g = np.zeros_like(u)
    for i in range(1, n - 1):
        for j in range(1, m - 1):
            d = 2.0 * (u[i + 1, j] + u[i - 1, j] + u[i, j + 1] + u[i, j - 1] - 4.0 * u[i, j])
            g[i + 1, j] += d
            g[i - 1, j] += d
            g[i, j + 1] += d
            g[i, j - 1] += d
            g[i, j] += 0.4 * u[i, j] ** 3 - 4.0 * d
    return g


def chain_loop(x):
    out = np.empty_like(x)
    for i in range(len(x)):
        c, s = math.cos(x[i]), math.sin(x[i])
        square = x[i] * x[i]
        e = math.exp(-square)
        t = math.tanh(e + s)
        slope = (1 - t * t) * (c - 2 * x[i] * e) * math.log1p(square)
        out[i] = slope + t * 2 * x[i] / (1 + square) - c * s / math.sqrt(1 + c * c)
    return out


def bodies_loop(x, mass):
    n = len(mass)
    g = np.zeros_like(x)
    for i in range(n):
        for j in range(n):
            dx, dy, dz = x[i, 0] - x[j, 0], x[i, 1] - x[j, 1], x[i, 2] - x[j, 2]
            r2 = dx * dx + dy * dy + dz * dz + 0.01
            f = mass[i] * mass[j] / (r2 * math.sqrt(r2))
            g[i, 0] += f * dx
            g[i, 1] += f * dy
            g[i, 2] += f * dz
    return g


NUMBA = {
    "Rosenbrock": rosenbrock_loop,
    "logistic regression": logistic_loop,
    "logsumexp, axis 1": softmax_rows_loop,
    "variance, axis 0": variance_columns_loop,
    "variance, axis 1": variance_rows_loop,
    "stencil": stencil_loop,
    "elementwise chain": chain_loop,
    "N bodies": bodies_loop,
}
