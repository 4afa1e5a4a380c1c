"""What a loop carries is written where it is, without a word changing: neither a value read before, nor the caller's."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import funcgrad as fg
import funcgrad.numpy as fnp
from funcgrad.core.check import check
from funcgrad.programs.read_order import with_reads_first

SIZE = 200  # numbers: large enough to be carried in memory


def inner_loops(function, *args):
    """Return how many elements are gone through one by one in the bodies of the compiled function's loops."""
    text = fg.jit(function).lower(*args).loops
    text = text if isinstance(text, str) else str(text)
    return [int(n) for n in re.findall(r"^ {8,}for \w+ in range\((\d+)\)", text, re.M)]


def recurrence(x):
    return fg.scan(lambda c, i: (c.at[i].set(np.sin(c[i - 1] * 2 + 1)), c[i]), x, np.arange(1, SIZE - 1))


def total(x):
    last, seen = recurrence(x)
    return np.sum(last * last) + np.sum(seen)


def test_an_element_a_step_is_all_that_is_written():
    x = np.linspace(0, 1, SIZE)
    assert inner_loops(recurrence, x) == []
    assert inner_loops(fg.grad(total), x) == []
    kept = x.copy()
    last, seen = fg.jit(recurrence)(x)
    want, was = x.copy(), []
    for i in range(1, SIZE - 1):
        was.append(want[i])
        want[i] = np.sin(want[i - 1] * 2 + 1)
    np.testing.assert_allclose(last, want, rtol=1e-15)
    np.testing.assert_array_equal(seen, was)
    np.testing.assert_array_equal(x, kept)


def test_derivatives():
    x = np.linspace(0, 1, SIZE)
    way = np.cos(np.arange(SIZE))
    step = 1e-6
    slope = (total(x + step * way) - total(x - step * way)) / (2 * step)
    np.testing.assert_allclose(fg.jit(fg.grad(total))(x) @ way, slope, rtol=1e-7)
    np.testing.assert_allclose(fg.jit(fg.jvp, static_argnums=0)(total, (x,), (way,))[1], slope, rtol=1e-7)
    np.testing.assert_allclose(fg.jit(fg.grad(total))(x), fg.grad(total)(x), rtol=1e-13)


def test_while():
    f = fg.jit(
        lambda x: fg.while_loop(
            lambda s: s[0] < 150, lambda s: (s[0] + 1, s[1].at[s[0]].add(1.0 * s[0])), (0, x)
        )
    )
    x = np.zeros(SIZE)
    n, y = f(x)
    assert n == 150
    np.testing.assert_array_equal(y, np.where(np.arange(SIZE) < 150, np.arange(SIZE), 0.0))
    np.testing.assert_array_equal(x, 0)


# Steps of a loop over two arrays, written for traced ones; each reads, writes, moves or combines.
STEPS = [
    lambda a, b, i: (a.at[i].set(b[i + 1]), b),
    lambda a, b, i: (a.at[i].add(a[i + 2]), b.at[i + 1].set(a[i])),
    lambda a, b, i: (b, a),
    lambda a, b, i: (b.at[i].multiply(0.5), a.at[i].set(b[i])),
    lambda a, b, i: (
        a.at[i : i + 3].set(a[i + 1 : i + 4]) if isinstance(i, int) else a.at[i].set(a[i + 1]),
        b + 0.01 * a,
    ),
    lambda a, b, i: (a, b.at[np.array([3, 5, 3])].add(a[:3])),
    lambda a, b, i: (a.at[1:4].set(a[0:3]), b.at[i].set(a[2])),
    lambda a, b, i: (fnp.flip(a), b),
    lambda a, b, i: (a, b.at[fnp.stack([i, i])].set(a[fnp.stack([i + 1, i])])),
    lambda a, b, i: (a.at[:].set(b), b.at[i].set(b.sum() * 0.01)),
    lambda a, b, i: (a.at[i].set(a.max() - b[i]), b.at[::2].add(0.1)),
    lambda a, b, i: (a - b, b.at[i].set(a[i])),
]


def loop(steps):
    def run(a, b):
        def body(carry, i):
            a, b = carry
            first = a[i]
            for step in steps:
                a, b = step(a, b, i)
            return (a, b), first + a[i + 1] * b[i]

        return fg.scan(body, (a, b), np.arange(4, 9))

    return run


def same(steps):
    rng = np.random.default_rng(len(steps))
    a, b = rng.standard_normal(SIZE), rng.standard_normal(SIZE)
    before = a.copy(), b.copy()
    run = loop(steps)
    want = fg.jit(run, backend="numpy")(a, b)
    got = fg.jit(run)(a, b)
    for x, y in zip(fg.tree.leaves(got), fg.tree.leaves(want), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-12, atol=1e-14)

    def scalar(a, b):
        (a, b), ys = run(a, b)
        return np.sum(np.cos(a) * b) + np.sum(ys * ys)

    derivative = fg.grad(scalar, argnums=(0, 1))
    for x, y in zip(fg.jit(derivative)(a, b), derivative(a, b), strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(a, before[0])
    np.testing.assert_array_equal(b, before[1])


@pytest.mark.parametrize("k", range(len(STEPS)))
def test_each_step(k):
    same([STEPS[k]])


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(0, len(STEPS) - 1), min_size=2, max_size=5))
def test_random_steps(order):
    same([STEPS[k] for k in order])


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(0, len(STEPS) - 1), min_size=2, max_size=6))
def test_many_random_steps(order):
    same([STEPS[k] for k in order])


def test_a_sum_that_was_put_off_does_not_read_what_was_overwritten():
    """Zeros with c[i] added (the cotangent of an element) are added to c only after c[i] was set."""

    def body(c, i):
        (later,) = fg.vjp(lambda c: c[i + 1], c)[1](c[i])
        return c.at[i].set(-1.0) + later, None

    x = np.linspace(1, 2, SIZE)
    want = x.copy()
    for i in range(3, 7):
        later = want[i]
        want[i] = -1.0
        want[i + 1] += later
    np.testing.assert_allclose(fg.jit(lambda x: fg.scan(body, x, np.arange(3, 7))[0])(x), want, rtol=1e-15)


def test_reads_come_first():
    def function(x, i):
        y = x.at[i].set(2.0)
        return y, x[i + 1] * 2.0, y[0]

    program = fg.trace(function)(np.ones(SIZE), np.int64(3))
    first = with_reads_first(program)
    check(first)
    names = [e.primitive.name for e in first.equations]
    assert names.index("scatter_set") > names.index("gather")
    assert sorted(names) == sorted(e.primitive.name for e in program.equations)
    for got, want in zip(first(np.ones(SIZE), np.int64(3)), program(np.ones(SIZE), np.int64(3)), strict=True):
        np.testing.assert_array_equal(got, want)
