"""Random NumPy programs: every way of running and differentiating them agrees."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import funcgrad as fg

# Bounded and smooth almost everywhere, so that differences can check them.
UNARY = [
    np.sin,
    np.tanh,
    lambda x: np.exp(-x * x),
    lambda x: np.sqrt(x * x + 1),
    lambda x: np.log1p(np.abs(x)),
    lambda x: x / (1 + x * x),
    lambda x: np.where(x > 0.1, x, 0.3 * x),
    lambda x: np.maximum(x, -0.7) * 0.9,
    lambda x: np.cumsum(x, axis=-1) / 3 if x.ndim else x,
    lambda x: np.sort(x, axis=0) if x.ndim else x,
    lambda x: x.T * 1.1,
    lambda x: x[::-1] if x.ndim else x + 1,
    lambda x: x[..., :1] if x.ndim else x,
    lambda x: np.concatenate([x, x[:1] ** 2]) if x.ndim else x,
    lambda x: np.mean(x, axis=0) if x.ndim else x,
    lambda x: np.sum(x, axis=-1, keepdims=True) / 4 if x.ndim else x,
    lambda x: x.reshape(-1),
    lambda x: x.reshape(-1)[np.arange(3) % max(x.size, 1)] if x.size else x,
    lambda x: np.prod(x, axis=-1) if x.ndim else x,
    lambda x: x.astype(np.complex128).conj().real,
    lambda x: np.linalg.norm(x) + 0 * x,
    lambda x: np.var(x) + x,
    lambda x: np.roll(x, 1),
    lambda x: np.expand_dims(x, 0) if x.ndim < 3 else x,
]


def _written(x, y):
    z = np.zeros_like(x)
    if z.ndim:
        z[:1] = x[:1] * 2
        z[-1] += np.sum(y)
        w = z[..., ::2]
        w *= 0.5
    return z


def _matmul(x, y):
    if x.ndim == 2 and y.ndim == 2 and x.shape[1] == y.shape[0]:
        return np.tanh(x @ y)
    return np.outer(x, y)[:3, :3]


def _broadcast(operation):
    def apply(x, y):
        try:
            shape = np.broadcast_shapes(x.shape, y.shape)
        except ValueError:
            return operation(x, np.sum(y))
        return operation(x, y) if np.prod(shape) < 200 else operation(x, np.mean(y))

    return apply


BINARY = [
    _broadcast(np.add),
    _broadcast(lambda x, y: x * np.tanh(y)),
    _broadcast(lambda x, y: x / (2 + np.cos(y))),
    _broadcast(lambda x, y: np.arctan2(x, 2 + y * y)),
    _broadcast(lambda x, y: np.logaddexp(x, y)),
    _broadcast(lambda x, y: np.where(y > 0, x, y)),
    _matmul,
    _written,
]

STEPS = st.lists(
    st.tuples(st.integers(0, len(UNARY) + 2 * len(BINARY) - 1), st.integers(0, 50), st.integers(0, 50)),
    min_size=1,
    max_size=14,
)


def program(steps):
    """Return the function that `steps` describe: each takes its operands among the results so far."""

    def function(x, y):
        values = [x, y]
        for which, i, j in steps:
            a, b = values[-1 - i % min(3, len(values))], values[j % len(values)]
            z = UNARY[which](a) if which < len(UNARY) else BINARY[(which - len(UNARY)) % len(BINARY)](a, b)
            if 0 < z.size < 200:
                values.append(z)
        return values[-1] + np.sum(values[len(values) // 2])

    return function


def agree(steps, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((2, 3)), rng.standard_normal(3)
    x_dot, y_dot = rng.standard_normal((2, 3)), rng.standard_normal(3)
    f = program(steps)
    want = f(x, y)
    staged = fg.trace(f)(x, y)
    np.testing.assert_allclose(staged(x, y), want, rtol=1e-12, atol=1e-12)
    assert staged.out_types[0].shape == want.shape and staged.out_types[0].dtype == want.dtype
    value, z_dot = fg.jvp(f, (x, y), (x_dot, y_dot))
    np.testing.assert_allclose(value, want, rtol=1e-12, atol=1e-12)
    _, pullback = fg.vjp(f, x, y)
    z_bar = rng.standard_normal(want.shape)
    x_bar, y_bar = pullback(z_bar)
    forward, reverse = np.sum(z_bar * z_dot), np.sum(x_bar * x_dot) + np.sum(y_bar * y_dot)
    assert reverse == pytest.approx(forward, rel=1e-8, abs=1e-9)
    # The same derivative from the staged program, and for a batch.
    np.testing.assert_allclose(fg.jvp(staged, (x, y), (x_dot, y_dot))[1], z_dot, rtol=1e-10, atol=1e-10)
    batch = fg.vmap(lambda x, y: fg.vjp(f, x, y)[1](z_bar)[0])(np.stack([y_dot * x, x]), np.stack([y_dot, y]))
    np.testing.assert_allclose(batch[1], x_bar, rtol=1e-8, atol=1e-9)
    # Differences, where no kink lies within their reach.
    h = 1e-6
    left, right = f(x - h * x_dot, y - h * y_dot), f(x + h * x_dot, y + h * y_dot)
    numeric = (right - left) / (2 * h)
    curvature = np.max(np.abs(right - 2 * want + left)) / h
    if curvature < 1e-3:
        scale = 1 + np.max(np.abs(numeric))
        np.testing.assert_allclose(z_dot, numeric, rtol=1e-4, atol=2e-5 * scale)


def agree_compiled(steps, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((2, 3)), rng.standard_normal(3)
    f = program(steps)
    want = f(x, y)
    np.testing.assert_allclose(fg.jit(f)(x, y), want, rtol=1e-12, atol=1e-12)
    z_bar = rng.standard_normal(want.shape)

    def pulled(x, y, z_bar):
        return fg.vjp(f, x, y)[1](z_bar)

    for got, bar in zip(fg.jit(pulled)(x, y, z_bar), pulled(x, y, z_bar), strict=True):
        np.testing.assert_allclose(got, bar, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(
    "law, count",
    [
        (agree, 60),
        (agree_compiled, 30),
        pytest.param(agree, 2500, marks=pytest.mark.slow),
        pytest.param(agree_compiled, 800, marks=pytest.mark.slow),
    ],
)
def test_random_programs(law, count):
    @settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck))
    @given(STEPS, st.integers(0, 2**31))
    def holds(steps, seed):
        law(steps, seed)

    holds()
