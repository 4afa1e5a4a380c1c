"""Random programs of loops and branches: eager, native and NumPy, forward and reverse, against plain Python."""

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as fnp

STEPS = [
    lambda w, c: fnp.tanh(w[0] * c) + w[1],
    lambda w, c: c * 0.9 - fnp.sin(c + w[2]),
    lambda w, c: fnp.flip(c) * w[1],
    lambda w, c: fnp.cumsum(c) * 0.3,
    lambda w, c: fnp.where(c > 0, c * w[0], 0.5 * c),
    lambda w, c: c / (1.0 + fnp.sum(c * c)) + w,
]


class Random:
    """A program drawn from a seed: `run(kind, w, x)` with kind "python" for Python's own loops, else funcgrad's."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.body = self.draw(0)

    def draw(self, depth):
        parts = [self.piece(depth) for _ in range(self.rng.integers(1, 4))]

        def run(python, w, c):
            for part in parts:
                c = part(python, w, c)
            return c

        return run

    def piece(self, depth):
        kind = self.rng.integers(0, 4) if depth < 3 else 0
        if kind == 0:
            step = STEPS[self.rng.integers(len(STEPS))]
            return lambda python, w, c: step(w, c)
        inner = self.draw(depth + 1)
        if kind == 1:
            return self.loop(inner, int(self.rng.integers(0, 5)), bool(self.rng.integers(2)))
        if kind == 2:
            return self.branch(inner, self.draw(depth + 1), float(self.rng.normal()))
        return self.until(inner, int(self.rng.integers(1, 5)))

    @staticmethod
    def loop(inner, length, reverse):
        xs = np.linspace(-1, 1, 3 * length).reshape(length, 3)

        def run(python, w, c):
            if python:
                total = 0.0
                for x in xs[::-1] if reverse else xs:
                    c = inner(python, w, c) + x
                    total = total + c
                return c + total
            c, ys = fg.scan(lambda c, x: (lambda n: (n, n))(inner(python, w, c) + x), c, xs, reverse=reverse)
            return c + fnp.sum(ys, 0)

        return run

    @staticmethod
    def branch(one, other, bound):
        def run(python, w, c):
            if python:
                return one(python, w, c) if fnp.sum(c) > bound else other(python, w, c) * 1.0
            return fg.cond(
                fnp.sum(c) > bound, lambda c: one(python, w, c), lambda c: other(python, w, c) * 1.0, c
            )

        return run

    @staticmethod
    def until(inner, most):
        def run(python, w, c):
            def going(n, c):
                return (n < most) & (fnp.sum(c * c) < 4.0)

            if python:
                n = 0
                while going(n, c):
                    n, c = n + 1, inner(python, w, c)
                return c
            return fg.while_loop(lambda s: going(*s), lambda s: (s[0] + 1, inner(python, w, s[1])), (0, c))[1]

        return run

    def run(self, python, w, x):
        return fnp.sum(self.body(python, w, x) ** 2)


def check(seed):
    program = Random(seed)
    rng = np.random.default_rng([seed, 1])
    w, x = rng.normal(size=3) * 0.7, rng.normal(size=3)

    def python(w, x):
        return program.run(True, w, x)

    def ours(w, x):
        return program.run(False, w, x)

    want = fg.value_and_grad(python, argnums=(0, 1))(w, x)
    dot = fg.jvp(python, (w, x), (x, w))[1]
    for backend in (lambda f: f, fg.jit, lambda f: fg.jit(f, backend="numpy")):
        got = backend(fg.value_and_grad(ours, argnums=(0, 1)))(w, x)
        for a, b in zip(fg.tree.leaves(got), fg.tree.leaves(want), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9, err_msg=f"seed {seed}")
        np.testing.assert_allclose(
            backend(lambda w, x: fg.jvp(ours, (w, x), (x, w))[1])(w, x), dot, rtol=1e-7, atol=1e-9
        )
    wide = np.stack([x, -x, 0.1 * x])
    batch = fg.vmap(fg.grad(ours, argnums=1), in_axes=(None, 0))(w, wide)
    for row, v in zip(batch, wide, strict=True):
        np.testing.assert_allclose(row, fg.grad(python, argnums=1)(w, v), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("seed", range(5))
def test_random_programs(seed):
    check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5, 40))
def test_more_random_programs(seed):
    check(seed)
