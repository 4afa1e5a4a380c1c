"""The loops that are timed: written once, for the names of NumPy, JAX and PyTorch alike."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench import loops_by_hand as by_hand

__all__ = ["LOOPS", "Loop"]

_rng = np.random.default_rng(0)


@dataclass(frozen=True)
class Loop:
    """A scalar function of its first argument that loops.

    Attributes:
        name: of the row.
        steps: the number of iterations.
        make: gives the function for `(np, scan, while_loop)` of a system.
        args: arrays; the gradient is by the first.
        by_hand: makes the gradient written for Numba.
    """

    name: str
    steps: int
    make: Callable
    args: tuple[Any, ...]
    by_hand: Callable[[], Callable] | None = None


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

    return Loop("Lotka-Volterra, RK4", steps, make, (np.array([1.0, 0.1, 1.5, 0.075]), np.array([10.0, 5.0])))


def kalman(steps):
    transition = np.eye(4) + np.diag([0.1, 0.1], 2)
    observed = np.eye(2, 4)

    def make(np, scan, while_loop):
        a, b = np.array(transition), np.array(observed)

        def loss(q, ys):
            noise = q[0] * np.eye(4)

            def step(carry, y):
                mean, cov = carry
                mean, cov = a @ mean, a @ cov @ a.T + noise
                gap = y - b @ mean
                s = b @ cov @ b.T + q[1] * np.eye(2)
                det = s[0, 0] * s[1, 1] - s[0, 1] * s[1, 0]
                inverse = np.array([[s[1, 1], -s[0, 1]], [-s[1, 0], s[0, 0]]]) / det
                gain = cov @ b.T @ inverse
                fit = gap @ inverse @ gap + np.log(det)
                return (mean + gain @ gap, cov - gain @ b @ cov), fit

            return scan(step, (np.zeros(4), np.eye(4)), ys, None)[1].sum()

        return loss

    args = np.array([0.1, 0.5]), _rng.standard_normal((steps, 2))
    return Loop("Kalman filter, 4 states", steps, make, args)


def newton():
    def make(np, scan, while_loop):
        def loss(a):
            return while_loop(lambda x: abs(x * x - a) > 1e-12 * a, lambda x: (x + a / x) / 2, a)

        return loss

    return Loop("Newton's square root (while)", 25, make, (np.float64(1e10),))


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
    return Loop(f"LSTM, {size} units", steps, make, (w, _rng.standard_normal((steps, size))))


def adbench_lstm(steps, size=14):
    def make(np, scan, while_loop):
        def sigmoid(x):
            return 1 / (1 + np.exp(-x))

        def loss(w, xs):
            weight, bias = w[0], w[1]

            def step(carry, x):
                h, c = carry
                f = sigmoid(x * weight[0] + bias[0])
                g = sigmoid(h * weight[1] + bias[1])
                o = sigmoid(x * weight[2] + bias[2])
                c = c * f + g * np.tanh(h * weight[3] + bias[3])
                h = o * np.tanh(c)
                return (h, c), h

            zero = np.zeros(size)
            return (scan(step, (zero, zero), xs, None)[1] ** 2).sum()

        return loss

    w = _rng.standard_normal((2, 4, size))
    args = w, _rng.standard_normal((steps, size))
    return Loop("ADBench's LSTM cell, 14", steps, make, args, by_hand.lstm)


def hmm(steps, size=8):
    def make(np, scan, while_loop):
        def loss(a, seen):
            def step(alpha, b):
                alpha = (alpha @ a) * b
                total = alpha.sum()
                return alpha / total, np.log(total)

            return scan(step, np.ones(size) / size, seen, None)[1].sum()

        return loss

    a = _rng.uniform(0.1, 1, (size, size))
    args = a, _rng.uniform(0.1, 1, (steps, size))
    return Loop("hidden Markov model, 8 states", steps, make, args, by_hand.hmm)


def heat(steps):
    def make(np, scan, while_loop):
        def loss(u):
            def step(u, _):
                inner = u[1:-1, 1:-1]
                change = u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4 * inner
                return np.pad(inner + 0.1 * change, 1), None

            return (scan(step, u, None, steps)[0] ** 2).sum()

        return loss

    return Loop("heat equation, 64x64", steps, make, (_rng.standard_normal((64, 64)),))


def chain(steps):
    def make(np, scan, while_loop):
        def loss(a):
            return scan(lambda c, _: (np.sin(c * a), None), a, None, steps)[0]

        return loss

    return Loop("scalar scan", steps, make, (np.float64(1.1),))


LOOPS = [
    lotka_volterra(1000),
    kalman(500),
    newton(),
    adbench_lstm(500),
    hmm(500),
    lstm(100, 14),
    lstm(20, 128),
    heat(100),
    chain(1000),
    chain(1_000_000),
]
