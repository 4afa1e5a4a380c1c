"""Loops: time per iteration of compiled loops and their gradients, against JAX's in the same run.

python -m bench control
"""

import time

import numpy as np

import funcgrad as fg
import funcgrad.numpy as fnp

__all__ = ["main"]

_rng = np.random.default_rng(0)


class Loop:
    """A scalar function of its first argument that loops.

    Args:
        name: of the row.
        steps: the number of iterations.
        make: gives the function for `(np, scan, while_loop)` of a system.
        args: arrays; the gradient is by the first.
    """

    def __init__(self, name, steps, make, *args):
        self.name, self.steps, self.make, self.args = name, steps, make, args


def lotka_volterra(steps):
    def make(np, scan, while_loop):
        def rate(p, y):
            prey, hunters = y[0], y[1]
            return np.array([p[0] * prey - p[1] * prey * hunters, p[3] * prey * hunters - p[2] * hunters])

        def loss(p, y):
            def step(y, _):
                h = 0.01
                k1 = rate(p, y)
                k2 = rate(p, y + h / 2 * k1)
                k3 = rate(p, y + h / 2 * k2)
                k4 = rate(p, y + h * k3)
                return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), None

            return scan(step, y, None, steps)[0].sum()

        return loss

    return Loop("Lotka-Volterra, RK4", steps, make, np.array([1.0, 0.1, 1.5, 0.075]), np.array([10.0, 5.0]))


def kalman(steps):
    transition = np.eye(4) + np.diag([0.1, 0.1], 2)
    observed = np.eye(2, 4)

    def make(np, scan, while_loop):
        def loss(q, ys):
            noise = q[0] * np.eye(4)

            def step(carry, y):
                mean, cov = carry
                mean, cov = transition @ mean, transition @ cov @ transition.T + noise
                gap = y - observed @ mean
                s = observed @ cov @ observed.T + q[1] * np.eye(2)
                det = s[0, 0] * s[1, 1] - s[0, 1] * s[1, 0]
                inverse = np.array([[s[1, 1], -s[0, 1]], [-s[1, 0], s[0, 0]]]) / det
                gain = cov @ observed.T @ inverse
                fit = gap @ inverse @ gap + np.log(det)
                return (mean + gain @ gap, cov - gain @ observed @ cov), fit

            return scan(step, (np.zeros(4), np.eye(4)), ys, None)[1].sum()

        return loss

    return Loop(
        "Kalman filter, 4 states", steps, make, np.array([0.1, 0.5]), _rng.standard_normal((steps, 2))
    )


def newton():
    def make(np, scan, while_loop):
        def loss(a):
            return while_loop(lambda x: abs(x * x - a) > 1e-12 * a, lambda x: (x + a / x) / 2, a)

        return loss

    return Loop("Newton's square root (while)", 25, make, np.float64(1e10))


def lstm(steps, size):
    def make(np, scan, while_loop):
        def loss(w, xs):
            def step(carry, x):
                h, c = carry
                gates = w[0] @ x + w[1] @ h
                i, f, o, g = (gates[k * size : (k + 1) * size] for k in range(4))
                c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
                h = np.tanh(c) / (1 + np.exp(-o))
                return (h, c), h

            zero = np.zeros(size)
            return (scan(step, (zero, zero), xs, None)[1] ** 2).sum()

        return loss

    w = _rng.standard_normal((2, 4 * size, size)) / np.sqrt(size)
    return Loop(f"LSTM, {size} units", steps, make, w, _rng.standard_normal((steps, size)))


def heat(steps):
    def make(np, scan, while_loop):
        def loss(u):
            def step(u, _):
                inner = u[1:-1, 1:-1]
                change = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * inner
                return np.pad(inner + 0.1 * change, 1), None

            return (scan(step, u, None, steps)[0] ** 2).sum()

        return loss

    return Loop("heat equation, 64x64", steps, make, _rng.standard_normal((64, 64)))


def chain(steps):
    def make(np, scan, while_loop):
        def loss(a):
            return scan(lambda c, _: (np.sin(c * a), None), a, None, steps)[0]

        return loss

    return Loop("scalar scan", steps, make, np.float64(1.1))


LOOPS = [
    lotka_volterra(1000),
    kalman(500),
    newton(),
    lstm(100, 14),
    lstm(20, 128),
    heat(100),
    chain(1000),
    chain(1_000_000),
]


def _best(function, args, wait):
    wait(function(*args))
    once = time.perf_counter()
    wait(function(*args))
    repeats = max(3, min(200, int(0.3 / (time.perf_counter() - once))))
    best = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        wait(function(*args))
        best = min(best, time.perf_counter() - start)
    return best


def _systems():
    yield "funcgrad", fnp, fg.scan, fg.while_loop, fg.jit, fg.grad, lambda out: out
    try:
        import jax
    except ImportError:
        return
    jax.config.update("jax_enable_x64", True)
    lax = jax.lax
    yield "JAX", jax.numpy, lax.scan, lax.while_loop, jax.jit, jax.grad, jax.block_until_ready


def main():
    """Print the table."""
    print("| loop | steps | | " + " | ".join(f"{s[0]} us a step" for s in _systems()) + " | ratio |")
    print("| --- | --- | --- | --- | --- | --- |")
    for loop in LOOPS:
        for kind in ("value", "gradient"):
            times = []
            values = []
            for _, np_, scan, while_loop, jit, grad, wait in _systems():
                function = loop.make(np_, scan, while_loop)
                call = jit(function if kind == "value" else grad(function))
                try:
                    values.append(np.asarray(call(*loop.args)))
                    times.append(_best(call, loop.args, wait) / loop.steps * 1e6)
                except Exception as error:
                    print(f"<!-- {type(error).__name__}: {str(error).splitlines()[0][:100]} -->")
                    times.append(np.nan)
            if len(values) == 2:
                np.testing.assert_allclose(*values, rtol=1e-6, atol=1e-9)
            ratio = f"{times[0] / times[1]:.3f}" if len(times) > 1 else ""
            print(
                f"| {loop.name} | {loop.steps:,} | {kind} | "
                + " | ".join(f"{t:.3f}" for t in times)
                + f" | {ratio} |"
            )


if __name__ == "__main__":
    main()
