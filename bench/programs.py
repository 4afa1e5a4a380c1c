"""The programs that `compiled` times: written once, for NumPy's names, JAX's, PyTorch's and PyTensor's alike."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

__all__ = ["PROGRAMS", "Program"]


class Program(NamedTuple):
    """A function to differentiate, at one size.

    `function(xp, *args)` uses the operations of `bench.systems` only; `derivative` is "grad", "hessian" or
    "jacobians" (of each example: the function's batched arguments come first along axis 0).
    """

    name: str
    size: str
    function: Callable
    args: tuple[Any, ...]
    argnums: tuple[int, ...] = (0,)
    derivative: str = "grad"


def rosenbrock(xp, x):
    return xp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def logistic(xp, w, x, y):
    return xp.mean(xp.log1p(xp.exp(-y * xp.matmul(x, w)))) + 0.01 * xp.sum(w * w)


def two_layers(xp, w1, w2, x, y):
    return xp.sum((xp.matmul(xp.maximum(xp.matmul(x, w1), 0.0), w2) - y) ** 2)


def classifier(xp, w1, b1, w2, b2, x, onehot):
    scores = xp.matmul(xp.tanh(xp.matmul(x, w1) + b1), w2) + b2
    return xp.mean(xp.logsumexp(scores, 1) - xp.sum(scores * onehot, 1))


def mixture(xp, alphas, means, logs, lower, x):
    """ADBench's Gaussian mixture, its inverse factors given as diagonals and full lower parts."""
    centered = x[:, None, :] - means[None, :, :]
    scaled = xp.exp(logs)[None] * centered + xp.einsum("kij,nkj->nki", lower, centered)
    inner = alphas + xp.sum(logs, 1) - 0.5 * xp.sum(scaled**2, 2)
    return xp.sum(xp.logsumexp(inner, 1)) - x.shape[0] * xp.logsumexp(alphas, 0)


def gaussian_process(xp, log_parameters, x, y):
    scale, amplitude, noise = (xp.exp(log_parameters[k]) for k in range(3))
    squares = xp.sum((x[:, None, :] - x[None, :, :]) ** 2, 2)
    covariance = amplitude * xp.exp(-0.5 * squares / scale**2) + (noise + 1e-6) * xp.eye(x.shape[0])
    factor = xp.cholesky(covariance)
    z = xp.solve(factor, y)
    return 0.5 * xp.sum(z * z) + xp.sum(xp.log(xp.diagonal(factor)))


def chain(xp, x):
    return xp.sum(xp.tanh(xp.exp(-x * x) + xp.sin(x)) * xp.log1p(x * x) + xp.sqrt(1.0 + xp.cos(x) ** 2))


def logsumexp(axis):
    return lambda xp, x: xp.sum(xp.logsumexp(x, axis))


def variance(axis):
    def function(xp, x):
        m = xp.mean_axis(x, axis)
        return xp.sum(xp.mean_axis((x - (m[None, :] if axis == 0 else m[:, None])) ** 2, axis))

    return function


def stencil(xp, u):
    inner = u[1:-1, 1:-1]
    laplacian = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4.0 * inner
    return xp.sum(laplacian**2 + 0.1 * inner**4)


def embedding(xp, table, indices, w):
    return xp.sum(xp.tanh(xp.matmul(xp.take(table, indices), w)) ** 2)


def matrix_chain(xp, matrices):
    product = matrices[0]
    for k in range(1, matrices.shape[0]):
        product = xp.matmul(product, matrices[k])
    return xp.sum(product)


def bodies(xp, x, mass):
    apart = x[:, None, :] - x[None, :, :]
    distance = xp.sqrt(xp.sum(apart**2, 2) + 0.01)
    return -0.5 * xp.sum(mass[:, None] * mass[None, :] / distance)


def attention(xp, q, k, v):
    scores = xp.matmul(q, xp.transpose(k)) / 8.0
    weights = xp.exp(scores - xp.logsumexp(scores, 1)[:, None])
    return xp.sum(xp.matmul(weights, v) ** 2)


def projection(xp, camera, point, weight):
    """Bundle adjustment's reprojection (ADBench), rotation by Rodrigues' formula."""
    angle2 = xp.sum(camera[:3] ** 2) + 1e-12
    angle = xp.sqrt(angle2)
    axis, centered = camera[:3] / angle, point - camera[3:6]
    cosine, sine = xp.cos(angle), xp.sin(angle)
    a0, a1, a2 = axis[0], axis[1], axis[2]
    c0, c1, c2 = centered[0], centered[1], centered[2]
    dot = (a0 * c0 + a1 * c1 + a2 * c2) * (1.0 - cosine)
    r0 = c0 * cosine + (a1 * c2 - a2 * c1) * sine + a0 * dot
    r1 = c1 * cosine + (a2 * c0 - a0 * c2) * sine + a1 * dot
    r2 = c2 * cosine + (a0 * c1 - a1 * c0) * sine + a2 * dot
    p0, p1 = r0 / r2, r1 / r2
    square = p0 * p0 + p1 * p1
    distortion = 1.0 + camera[9] * square + camera[10] * square * square
    return xp.stack(
        [
            weight * (camera[6] * p0 * distortion + camera[7]),
            weight * (camera[6] * p1 * distortion + camera[8]),
        ]
    )


def _data():
    rng = np.random.default_rng(0)
    n = rng.standard_normal

    def signs(count):
        return np.sign(n(count))

    for size, count in (("10", 10), ("1000", 1000), ("1e6", 1_000_000)):
        yield Program("Rosenbrock", size, rosenbrock, (n(count),))
    for size, (rows, columns) in (("50x7", (50, 7)), ("1000x100", (1000, 100)), ("1e5x50", (100_000, 50))):
        yield Program("logistic regression", size, logistic, (n(columns), n((rows, columns)), signs(rows)))
    for size, (rows, wide, hidden, out) in (("8x4", (8, 4, 5, 2)), ("64x1000", (64, 1000, 100, 10))):
        args = (n((wide, hidden)), n((hidden, out)), n((rows, wide)), n((rows, out)))
        yield Program("two-layer network", size, two_layers, args, (0, 1))
    for size, (rows, wide, hidden, out) in (("16x8", (16, 8, 8, 4)), ("256x100", (256, 100, 64, 10))):
        onehot = np.eye(out)[rng.integers(0, out, rows)]
        args = (n((wide, hidden)) / 8, n(hidden), n((hidden, out)) / 8, n(out), n((rows, wide)), onehot)
        yield Program("softmax classifier", size, classifier, args, (0, 1, 2, 3))
    for size, (count, k, d) in (("n=100 k=5 d=2", (100, 5, 2)), ("n=1000 k=10 d=10", (1000, 10, 10))):
        args = (n(k), n((k, d)), 0.1 * n((k, d)), np.tril(n((k, d, d)), -1), n((count, d)))
        yield Program("Gaussian mixture", size, mixture, args, (0, 1, 2, 3))
    for count in (20, 200):
        args = (np.array([0.1, 0.2, -1.0]), n((count, 2)), n(count))
        yield Program("Gaussian process", f"n={count}", gaussian_process, args)
    for size, count in (("100", 100), ("1e4", 10_000), ("1e6", 1_000_000)):
        yield Program("elementwise chain", size, chain, (n(count),))
    x = n((1000, 100))
    for axis in (0, 1):
        yield Program(f"logsumexp, axis {axis}", "1000x100", logsumexp(axis), (x,))
        yield Program(f"variance, axis {axis}", "1000x100", variance(axis), (x,))
    for count in (16, 512):
        yield Program("stencil", f"{count}x{count}", stencil, (n((count, count)),))
    for size, (rows, count) in (("100x16", (100, 50)), ("10000x64", (10_000, 1000))):
        d = 16 if rows == 100 else 64
        args = (n((rows, d)), rng.integers(0, rows, count), n((d, 8)))
        yield Program("embedding", size, embedding, args, (0, 2))
    for count in (5, 40):
        yield Program("4x4 matrix chain", f"{count}", matrix_chain, (n((count, 4, 4)) / 2,))
    for count in (8, 300):
        yield Program("N bodies", f"n={count}", bodies, (n((count, 3)), np.abs(n(count))))
    for size, (count, d) in (("16x8", (16, 8)), ("256x64", (256, 64))):
        yield Program("attention", size, attention, (n((count, d)), n((count, d)), n((count, d))), (0, 1, 2))
    for count in (10, 10_000):
        args = (n((count, 11)), n((count, 3)) + 3.0, n(count))
        yield Program("projection Jacobians", f"{count}", projection, args, (0, 1, 2), "jacobians")
    yield Program("Hessian of Rosenbrock", "100", rosenbrock, (n(100),), (0,), "hessian")


PROGRAMS = list(_data())
