"""Arrays put together of others are written piece by piece, and what guards leave of an index is known."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import funcgrad as fg
import funcgrad.numpy as fnp


def text(function, *args):
    return str(fg.jit(function).lower(*args).loops)


def jacobian_rows(x, y, w):
    """Three Jacobians side by side, then all behind one another with something else: bundle adjustment's shape."""

    def residual(x, y, w):
        z = x[:2] / x[2]
        return w * (z * (1 + y * np.sum(z * z)))

    blocks = fg.vmap(fg.jacrev(residual, argnums=(0, 1, 2)))(x, y, w)
    rows = fnp.concatenate([blocks[0], blocks[1][..., None], blocks[2][..., None]], axis=2)
    return fnp.concatenate([rows.ravel(), 2 * w])


def test_a_jacobian_is_one_nest_without_memory_of_its_own():
    rng = np.random.default_rng(0)
    x, y, w = rng.uniform(1, 2, (50, 3)), rng.uniform(1, 2, 50), rng.uniform(1, 2, 50)
    loops = text(jacobian_rows, x, y, w)
    assert "//" not in loops and "%" not in loops
    assert not re.search(r"^    s\d+ = empty", loops, re.M)
    np.testing.assert_allclose(fg.jit(jacobian_rows)(x, y, w), jacobian_rows(x, y, w), rtol=1e-13)


def test_two_halves_share_a_loop():
    loops = text(lambda x: fnp.concatenate([np.sin(x), np.cos(x)]), np.ones(100))
    assert loops.count("for i in") == 1
    assert "if" not in loops


def test_pieces_of_another_dtype():
    x, n = np.array([1.5, 2.5]), np.array([[3], [4]])
    f = fg.jit(lambda x, n: fnp.concatenate([n.ravel(), x, x.astype(np.float32)]))
    got = f(x, n)
    assert got.dtype == np.float64
    np.testing.assert_array_equal(got, [3, 4, 1.5, 2.5, 1.5, 2.5])


# Ways to put arrays together and to take them apart, of two arrays of any shapes.
STEPS = [
    lambda x, y: fnp.concatenate([x.ravel(), y.ravel()]),
    lambda x, y: fnp.concatenate([x.ravel(), y.ravel(), x.ravel()]).reshape(-1, 1),
    lambda x, y: fnp.stack([x, x * 2], axis=-1),
    lambda x, y: fnp.stack([x, -x]).reshape(-1),
    lambda x, y: x.reshape(-1, 2) if x.size % 2 == 0 else x,
    lambda x, y: x.reshape(2, -1) if x.size % 2 == 0 else x[..., None],
    lambda x, y: x.T,
    lambda x, y: fnp.concatenate([x, x[..., :1]], axis=-1) if x.ndim else x,
    lambda x, y: fnp.concatenate([x[:1], x[1:] * 3], axis=0) if x.ndim else x + 1,
    lambda x, y: x.ravel()[1:] if x.size > 3 else x,
    lambda x, y: fnp.pad(x, 1) if x.ndim and x.size < 40 else x,
    lambda x, y: np.sin(x),
    lambda x, y: np.cumsum(x, axis=-1) if x.ndim else x,
    lambda x, y: fnp.roll(x, 1),
    lambda x, y: x.at[:1].set(7.0) if x.ndim else x,
]


def agrees(order):
    def f(x, y):
        values = [x, y]
        for k, i in order:
            value = STEPS[k](values[-1 - i % len(values)], values[i % len(values)])
            if value.size < 200:
                values.append(value)
        return values[-1], values[len(values) // 2]

    x, y = np.arange(6.0).reshape(2, 3) / 3 + 0.1, np.arange(4.0) / 5
    for got, want in zip(fg.jit(f)(x, y), fg.jit(f, backend="numpy")(x, y), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-13, strict=True)

    def scalar(x, y):
        return sum(np.sum(np.sin(z) * np.arange(z.size).reshape(z.shape)) for z in f(x, y))

    derivative = fg.grad(scalar, argnums=(0, 1))
    for got, want in zip(fg.jit(derivative)(x, y), derivative(x, y), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-11)


ORDERS = st.lists(st.tuples(st.integers(0, len(STEPS) - 1), st.integers(0, 5)), min_size=1, max_size=7)


@settings(max_examples=25, deadline=None)
@given(ORDERS)
def test_random_arrangements(order):
    agrees(order)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(ORDERS)
def test_many_random_arrangements(order):
    agrees(order)


def test_short_loops_inside_a_long_one_are_written_out():
    """So that LLVM's vectors hold the same element of several iterations."""
    x = np.linspace(0.1, 1, 3 * 500).reshape(500, 3)

    def function(x):
        return np.sum(np.sin(x) * np.outer(x, x) / x[2])

    f = fg.jit(fg.vmap(function))
    llvm = str(f.lower(x).llvm)
    nest = llvm[llvm.index("@fg_nest0") :].split("\n}", 1)[0]
    assert nest.count("phi i64") == 1
    np.testing.assert_allclose(f(x), [function(row) for row in x], rtol=1e-12)


def test_a_sum_over_a_long_loop_with_short_ones_inside_is_taken_in_runs():
    """Neither the order of terms nor a loop of three inside makes the sum one by one, or less accurate."""
    x = np.random.default_rng(0).uniform(0, 1, (700, 3)).astype(np.float32)

    def function(x):
        return np.sum(np.sqrt(np.sum((x[:, None] - x[None]) ** 2, axis=2)))

    want = function(x.astype(np.float64))
    got = fg.jit(function)(x)
    assert abs(got - want) <= 2e-6 * want
    nest = str(fg.jit(function).lower(x).llvm)
    assert "fadd reassoc" in nest


def test_functions_of_totals_have_a_loop_of_their_own():
    a, w = np.linspace(-1, 1, 20 * 100).reshape(100, 20), np.linspace(0, 1, 20)

    def function(w):
        return np.sum(np.log1p(np.exp(a @ w)))

    loops = text(function, w)
    assert re.search(r"^    for i in range\(100\):\n        \w+ \+= log1p\(exp\(", loops, re.M), loops
    np.testing.assert_allclose(fg.jit(function)(w), function(w), rtol=1e-13)
