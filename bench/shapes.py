"""The suite `shapes`: whole Jacobians and Hessians, chains of small matrices, tall products, many small Jacobians."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from bench import shapes_by_hand as by_hand
from bench.model import Call, Case

__all__ = ["DERIVATIVES", "cases"]

_rng = np.random.default_rng(0)


@dataclass(frozen=True)
class Derivative:
    """A derivative of a function of `(np, scan, x)` of a system.

    Attributes:
        name, size, kind: of the row.
        transform: from a library and a function of `x` to its derivative.
        function: what is differentiated.
        x: the point.
        by_hand: makes the derivative written for Numba.
    """

    name: str
    size: str
    kind: str
    transform: Callable[[Any, Callable], Callable]
    function: Callable
    x: np.ndarray
    by_hand: Callable[[], Callable] | None = None


def _coupled(n):
    matrix = _rng.standard_normal((n, n)) / 10

    def function(np, scan, x):
        return np.tanh(matrix @ x) * x + np.sum(x**2) * 0.01

    return _jacobians("coupled outputs", n, function, partial(by_hand.coupled, matrix))


def _pairs(n):
    def function(np, scan, x):
        return np.sum(1 / (1 + (x[:, None] - x) ** 2), 1)

    return _jacobians("sums of pairs", n, function, by_hand.pairs)


def _jacobians(name, n, function, written):
    x = _rng.standard_normal(n)
    reverse = Derivative(
        name, f"{n} by {n}", "jacobian", lambda library, f: library.jacrev(f), function, x, written
    )
    forward = Derivative(
        name, f"{n} by {n}", "forward jacobian", lambda library, f: library.jacfwd(f), function, x, written
    )
    return [reverse, forward]


def _hessian_of_pairs(n):
    def function(np, scan, x):
        return np.sum(1 / (1 + (x[:, None] - x) ** 2))

    x = _rng.standard_normal(n)
    return Derivative(
        "sum of pairs", f"{n} by {n}", "hessian", lambda library, f: library.hessian(f), function, x
    )


def _matrix_chain(steps, size):
    def function(np, scan, factors):
        product, _ = scan(lambda p, factor: (p @ factor, None), np.eye(size), factors)
        return np.sum(product**2)

    factors = np.eye(size) + 0.03 * _rng.standard_normal((steps, size, size))
    name = f"chain of {size}x{size} products"
    return _gradient(name, f"{steps:,} factors", function, factors, by_hand.matrix_chain)


def _least_squares(n, k):
    x, y = _rng.standard_normal((n, k)), _rng.standard_normal(n)

    def function(np, scan, w):
        return np.sum((x @ w - y) ** 2)

    written = partial(by_hand.least_squares, x, y)
    return _gradient("least squares", f"{n:,} x {k}", function, _rng.standard_normal(k), written)


def _logistic(n, k):
    x, y = _rng.standard_normal((n, k)), np.sign(_rng.standard_normal(n))

    def function(np, scan, w):
        return np.sum(np.log1p(np.exp(-(x @ w) * y)))

    written = partial(by_hand.logistic, x, y)
    return _gradient("logistic loss", f"{n:,} x {k}", function, 0.1 * _rng.standard_normal(k), written)


def _variance(n, k):
    def function(np, scan, x):
        return np.sum(np.var(x, 0))

    x = _rng.standard_normal((n, k))
    return _gradient("variances, first axis", f"{n:,} x {k}", function, x, by_hand.variance)


def _gradient(name, size, function, x, written):
    return Derivative(name, size, "gradient", lambda library, f: library.grad(f), function, x, written)


def _projections(n):
    def function(np, scan, v):
        return np.stack([v[0] / v[2], v[1] / v[2]]) * (1 + 0.1 * np.sum(v**2))

    x = _rng.uniform(1, 2, (n, 3))
    return [
        Derivative(
            "projections of points", f"{n:,}", "jacobians", lambda library, f: library.vmap(library.jacrev(f)),
            function, x,
        ),
        Derivative(
            "projections of points", f"{n:,}", "forward jacobians",
            lambda library, f: library.vmap(library.jacfwd(f)), function, x,
        ),
    ]  # fmt: skip


DERIVATIVES = [
    *_coupled(100),
    *_pairs(100),
    _hessian_of_pairs(100),
    _matrix_chain(1000, 4),
    _least_squares(10_000, 50),
    _logistic(10_000, 50),
    _variance(1000, 100),
    *_projections(10_000),
]


def cases(quick: bool) -> list[Case]:
    """Derivatives whose shapes are what costs: whole Jacobians, chains of small matrices, tall and many small arrays."""
    return [
        Case(
            "shapes", d.name, d.size, d.kind, {name: partial(make, d) for name, make in _SYSTEMS.items()},
            compiled=True,
        )
        for d in DERIVATIVES
    ]  # fmt: skip


def _funcgrad(asked: Derivative) -> Call:
    import funcgrad as fg
    import funcgrad.numpy as fnp

    compiled = fg.jit(asked.transform(fg, partial(asked.function, fnp, fg.scan)))
    return Call(lambda: compiled(asked.x))


def _by_hand(asked: Derivative) -> Call:
    if asked.by_hand is None:
        raise NotImplementedError("not written by hand")
    written = asked.by_hand()
    return Call(lambda: written(asked.x))


def _jax(asked: Derivative) -> Call:
    import jax

    jax.config.update("jax_enable_x64", True)
    compiled = jax.jit(asked.transform(jax, partial(asked.function, jax.numpy, jax.lax.scan)))
    return Call(lambda: np.asarray(compiled(asked.x)))


_SYSTEMS: dict[str, Callable[[Derivative], Call]] = {
    "funcgrad": _funcgrad,
    "Numba by hand": _by_hand,
    "JAX": _jax,
}
