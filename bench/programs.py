"""The programs that are timed: written once, for the names of NumPy, JAX, PyTorch, PyTensor and autograd alike."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from typing import Any

import numpy as np

__all__ = ["PROGRAMS", "SMALL", "WARM_UP", "Program", "growing"]


@dataclass(frozen=True)
class Program:
    """A function to differentiate, at one size.

    Attributes:
        name, size: of the row.
        function: of `(xp, *args)`; it uses the operations of `bench.namespaces` only.
        data: makes the arguments from a random generator.
        argnums: what to differentiate by.
        derivative: "gradient", "hessian", "jacobian", or "jacobians" (of each example: the function's batched
            arguments come first along axis 0).
        n: the size as a number, where sizes grow.
    """

    name: str
    size: str
    function: Callable
    data: Callable[[np.random.Generator], tuple[Any, ...]]
    argnums: tuple[int, ...] = (0,)
    derivative: str = "gradient"
    n: int | None = None

    @property
    def large(self) -> bool:
        """Whether a call takes milliseconds."""
        return self.size in ("1e6", "1e5x50")

    @cached_property
    def args(self) -> tuple[Any, ...]:
        return self.data(np.random.default_rng(0))


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


def matrix_chain(count):
    def function(xp, matrices):
        product = matrices[0]
        for k in range(1, count):
            product = xp.matmul(product, matrices[k])
        return xp.sum(product)

    return function


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


def network(xp, weights, x, y):
    for w, b in weights[:-1]:
        x = xp.tanh(xp.matmul(x, w) + b)
    w, b = weights[-1]
    return xp.sum((xp.matmul(x, w) + b - y) ** 2)


def product(xp, w, x):
    return xp.sum(xp.tanh(xp.matmul(x, w)) ** 2)


def repeated_sine(steps):
    return lambda xp, x: xp.iterate(lambda c: xp.sin(c * x), x, steps)


def mixed(xp, x, a):
    return xp.tanh(xp.matmul(a, x)) * x


def normal(*shapes: Any) -> Callable:
    """Return what makes standard normal arrays of these shapes."""
    return lambda rng: tuple(rng.standard_normal(shape) for shape in shapes)


def _logistic_data(rows, columns, rng):
    return (
        rng.standard_normal(columns),
        rng.standard_normal((rows, columns)),
        np.sign(rng.standard_normal(rows)),
    )


def _classifier_data(rows, wide, hidden, out, rng):
    n = rng.standard_normal
    onehot = np.eye(out)[rng.integers(0, out, rows)]
    return n((wide, hidden)) / 8, n(hidden), n((hidden, out)) / 8, n(out), n((rows, wide)), onehot


def _mixture_data(count, k, d, rng):
    n = rng.standard_normal
    return n(k), n((k, d)), 0.1 * n((k, d)), np.tril(n((k, d, d)), -1), n((count, d))


def _process_data(count, rng):
    return np.array([0.1, 0.2, -1.0]), rng.standard_normal((count, 2)), rng.standard_normal(count)


def _embedding_data(rows, d, count, rng):
    return rng.standard_normal((rows, d)), rng.integers(0, rows, count), rng.standard_normal((d, 8))


def _projection_data(count, rng):
    n = rng.standard_normal
    return n((count, 11)), n((count, 3)) + 3.0, n(count)


def _network_data(sizes, rows, rng):
    n = rng.standard_normal
    weights = [[n((a, b)) / np.sqrt(a), np.zeros(b)] for a, b in pairwise(sizes)]
    return weights, n((rows, sizes[0])), n((rows, sizes[-1]))


def _programs() -> Iterator[Program]:
    for size, count in (("10", 10), ("1000", 1000), ("1e6", 1_000_000)):
        yield Program("Rosenbrock", size, rosenbrock, normal(count))
    for size, shape in (("50x7", (50, 7)), ("1000x100", (1000, 100)), ("1e5x50", (100_000, 50))):
        yield Program("logistic regression", size, logistic, partial(_logistic_data, *shape))
    for size, (rows, wide, hidden, out) in (("8x4", (8, 4, 5, 2)), ("64x1000", (64, 1000, 100, 10))):
        data = normal((wide, hidden), (hidden, out), (rows, wide), (rows, out))
        yield Program("two-layer network", size, two_layers, data, (0, 1))
    for size, shape in (("16x8", (16, 8, 8, 4)), ("256x100", (256, 100, 64, 10))):
        yield Program("softmax classifier", size, classifier, partial(_classifier_data, *shape), (0, 1, 2, 3))
    for size, shape in (("n=100 k=5 d=2", (100, 5, 2)), ("n=1000 k=10 d=10", (1000, 10, 10))):
        yield Program("Gaussian mixture", size, mixture, partial(_mixture_data, *shape), (0, 1, 2, 3))
    for count in (20, 200):
        yield Program("Gaussian process", f"n={count}", gaussian_process, partial(_process_data, count))
    for size, count in (("100", 100), ("1e4", 10_000), ("1e6", 1_000_000)):
        yield Program("elementwise chain", size, chain, normal(count))
    for axis in (0, 1):
        yield Program(f"logsumexp, axis {axis}", "1000x100", logsumexp(axis), normal((1000, 100)))
        yield Program(f"variance, axis {axis}", "1000x100", variance(axis), normal((1000, 100)))
    for count in (16, 512):
        yield Program("stencil", f"{count}x{count}", stencil, normal((count, count)))
    for size, shape in (("100x16", (100, 16, 50)), ("10000x64", (10_000, 64, 1000))):
        yield Program("embedding", size, embedding, partial(_embedding_data, *shape), (0, 2))
    for count in (5, 40):
        halves = partial(lambda count, rng: (rng.standard_normal((count, 4, 4)) / 2,), count)
        yield Program("4x4 matrix chain", f"{count}", matrix_chain(count), halves)
    for count in (8, 300):
        masses = partial(lambda n, rng: (rng.standard_normal((n, 3)), rng.uniform(0.1, 1.0, n)), count)
        yield Program("N bodies", f"n={count}", bodies, masses)
    for size, shape in (("16x8", (16, 8)), ("256x64", (256, 64))):
        yield Program("attention", size, attention, normal(shape, shape, shape), (0, 1, 2))
    for count in (10, 10_000):
        data = partial(_projection_data, count)
        yield Program("projection", f"{count}", projection, data, (0, 1, 2), "jacobians")
    yield Program("Rosenbrock", "100", rosenbrock, normal(100), (0,), "hessian")


def _small() -> Iterator[Program]:
    yield Program("sum(tanh(x @ w)**2)", "5x3", product, normal(3, (5, 3)))
    yield Program("Rosenbrock", "10", rosenbrock, normal(10))
    yield Program("Rosenbrock", "1000", rosenbrock, normal(1000))
    yield Program("3-layer network", "64x100", network, partial(_network_data, (100, 50, 50, 10), 64))
    yield Program("logsumexp, axis 1", "1000x100", logsumexp(1), normal((1000, 100)))


def growing(top: int = 10**6) -> Iterator[Program]:
    """Yield a few shapes of program at sizes from 1 to `top`, or to what fits in memory."""
    for k in range(len(str(top))):
        n, size = 10**k, f"1e{k}"
        yield Program("elementwise chain", size, chain, normal(n), n=n)
        yield Program("logsumexp", size, logsumexp(0), normal(n), n=n)
        yield Program("scan over steps", size, repeated_sine(n), lambda rng: (np.float64(1.1),), n=n)
        if n > 1:
            yield Program("Rosenbrock", size, rosenbrock, normal(n), n=n)
    for n in [s for s in (1, 4, 16, 64, 256, 1024) if s <= top]:
        data = partial(_network_data, (n, n, n), 64)
        yield Program("dense network, width n", str(n), network, data, n=n)
        yield Program("tanh(A x) x, n by n", str(n), mixed, normal(n, (n, n)), (0,), "jacobian", n=n)


PROGRAMS = list(_programs())
SMALL = list(_small())
WARM_UP = Program("Rosenbrock", "3", rosenbrock, normal(3))
