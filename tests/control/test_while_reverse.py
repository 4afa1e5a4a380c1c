"""The reverse of a loop of an unknown number of steps keeps what the way back reads, not every carry."""

import numpy as np
import pytest

import funcgrad as fg
from tests.laws import equations_of

N = 400


def written(i, y):
    return y.at[i].set(np.sin(y[i]) * y[i])


def summed(i, state):
    total, y = state
    return total + y[i] ** 2, y.at[i].add(total * 0.01)


LOOPS = {
    "written": (written, lambda x: x, np.sum),
    "read and written": (summed, lambda x: (0.0, x), lambda s: s[0] + np.sum(s[1] ** 2)),
    "small": (lambda i, c: np.sin(c) * c, lambda x: x[0] + 0.5, lambda c: c),
    "captured": (lambda i, c: c * 0.99 + i, lambda x: x * 2, lambda c: np.sum(c * c)),
}


def loop(name):
    body, start, end = LOOPS[name]
    return lambda x, n: end(fg.fori_loop(0, n, body, start(x)))


@pytest.mark.parametrize("name", ["written", "read and written"])
def test_a_step_keeps_what_it_overwrites(name):
    program = fg.trace(fg.grad(loop(name)))(np.ones(N), 5)
    (found,) = [e for e in equations_of(program) if e.primitive.name == "while_reverse"]
    carries = found.params["carries"]
    assert sum(t.size for t in found.params["body"].out_types[carries:]) < 10


@pytest.mark.parametrize("steps", [0, 1, 2, 7])
@pytest.mark.parametrize("name", LOOPS)
def test_the_bound_may_be_traced(name, steps):
    f, x = loop(name), np.linspace(0.1, 1.0, N)
    wanted = fg.grad(lambda x: f(x, steps))(x)
    np.testing.assert_allclose(fg.jit(fg.grad(f))(x, steps), wanted, rtol=1e-12)
    np.testing.assert_allclose(fg.vmap(fg.grad(f), (0, None))(np.stack([x, x]), steps)[1], wanted, rtol=1e-12)
    staged = fg.trace(fg.grad(f))(x, steps)
    np.testing.assert_allclose(staged(x, steps), wanted, rtol=1e-12)  # interpreted
    v = np.cos(x)
    along = lambda x, n: fg.jvp(lambda x: fg.grad(f)(x, n), (x,), (v,))[1]
    np.testing.assert_allclose(fg.jit(along)(x, steps), along(x, steps), rtol=1e-10, atol=1e-12)


def test_a_loop_over_all_of_a_long_array_needs_little_memory():
    n = 20_000
    f = fg.jit(fg.grad(loop("written")))
    x = np.linspace(0.1, 1.0, n)  # each carry kept would be 3.2 GB
    np.testing.assert_allclose(f(x, n), np.cos(x) * x + np.sin(x), rtol=1e-12)
