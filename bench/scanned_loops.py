"""The programs of the suite `loops` once more, with their loops written as `scan`: what a rolled loop is compared with.

Each makes a function of `(xp, scan, *args)` for so many turns; `scan` is funcgrad's or JAX's.
"""

import numpy as np

from bench.complex_numbers import INDICES

__all__ = [
    "finite_volume",
    "garch",
    "garch_with_floor",
    "hidden_markov",
    "kalman_smoother",
    "lotka_volterra",
    "lstm",
    "panels",
    "polynomial_of_sines",
    "thin_films",
    "unscented",
]


def polynomial_of_sines(turns):
    factors = np.arange(turns) % 7 * 1.0

    def function(xp, scan, x):
        step = lambda x, factor: (xp.sin(x) * 1.01 + x**2 * 0.001 * factor, None)
        return xp.sum(scan(step, x, factors)[0])

    return function


def garch(turns):
    def function(xp, scan, p, r):
        def step(carry, returns):
            (s, total), (before, now) = carry, returns
            s = p[0] + p[1] * before**2 + p[2] * s
            return (s, total + xp.log(s) + now**2 / s), None

        return scan(step, (xp.var(r), xp.zeros(())), (r[:-1], r[1:]))[0][1]

    return function


def garch_with_floor(turns):
    def function(xp, scan, p, r):
        def step(carry, returns):
            (s, total), (before, now) = carry, returns
            s = p[0] + p[1] * before**2 + p[2] * s
            s = xp.where(s < 0.9, 0.9, s)
            return (s, total + xp.log(s) + now**2 / s), None

        return scan(step, (xp.var(r), xp.zeros(())), (r[:-1], r[1:]))[0][1]

    return function


def hidden_markov(turns, states, seen):
    def function(xp, scan, a, b):
        def ahead(last, symbol):
            m = last[:, None] + a
            top = xp.max(m, 0)
            new = top + xp.log(xp.sum(xp.exp(m - top), 0)) + xp.take(b, symbol, 1)
            return new, last

        def back(carry, turn):
            (backward, total), (forward, symbol) = carry, turn
            m = a + xp.take(b, symbol, 1) + backward
            top = xp.max(m, 1)
            backward = top + xp.log(xp.sum(xp.exp(m - top[:, None]), 1))
            return (backward, total + xp.sum((forward + backward) ** 2) * 1e-4), None

        last, forward = scan(ahead, b[:, seen[0]] - np.log(states), seen[1:])
        start = xp.zeros(states), xp.sum(last**2)
        return scan(back, start, (forward, seen[1:]), reverse=True)[0][1]

    return function


def kalman_smoother(turns, transition, observed):
    def function(xp, scan, q, ys):
        def ahead(carry, y):
            x, cov, total = carry
            x, cov = transition @ x, transition @ cov @ transition.T + q * xp.eye(2)
            s, e = observed @ cov @ observed + 0.2, y - observed @ x
            gain = cov @ observed / s
            x, cov = x + gain * e, cov - xp.outer(gain, gain) * s
            return (x, cov, total + 0.5 * (xp.log(s) + e**2 / s)), (x, cov)

        def back(carry, kept):
            (smooth, total), (x, cov) = carry, kept
            further = transition @ cov @ transition.T + q * xp.eye(2)
            smooth = x + cov @ transition.T @ xp.linalg.inv(further) @ (smooth - transition @ x)
            return (smooth, total + 1e-3 * xp.sum(smooth**2)), None

        (x, _, total), (xs, covs) = scan(ahead, (xp.zeros(2), xp.eye(2), xp.zeros(())), ys)
        return scan(back, (x, total), (xs[:-1], covs[:-1]), reverse=True)[0][1]

    return function


def lstm(turns):
    def function(xp, scan, w, u, xs):
        def step(carry, x):
            h, c = carry
            z = w @ x + u @ h
            i, f, o = (1 / (1 + xp.exp(-z[16 * k : 16 * k + 16])) for k in range(3))
            c = f * c + i * xp.tanh(z[48:])
            return (o * xp.tanh(c), c), None

        return xp.sum(scan(step, (xp.zeros(16), xp.zeros(16)), xs)[0][0] ** 2)

    return function


def finite_volume(turns):
    def function(xp, scan, u, k):
        def step(u, _):
            x, y = u[1:] - u[:-1], u[:, 1:] - u[:, :-1]
            flux = xp.pad(x, ((0, 1), (0, 0))) - xp.pad(x, ((1, 0), (0, 0)))
            flux = flux + xp.pad(y, ((0, 0), (0, 1))) - xp.pad(y, ((0, 0), (1, 0)))
            return u + 0.01 * (k * flux + xp.sin(u)), None

        return xp.sum(scan(step, u, None, turns)[0] ** 2)

    return function


def lotka_volterra(turns):
    def function(xp, scan, p, y):
        def rate(y):
            return xp.stack([p[0] * y[0] - p[1] * y[0] * y[1], p[3] * y[0] * y[1] - p[2] * y[1]])

        def step(y, _):
            k1 = rate(y)
            k2 = rate(y + 0.005 * k1)
            k3 = rate(y + 0.005 * k2)
            k4 = rate(y + 0.01 * k3)
            return y + 0.01 / 6 * (k1 + 2 * k2 + 2 * k3 + k4), None

        return xp.sum(scan(step, y, None, turns)[0])

    return function


def thin_films(turns, waves):
    indices = np.resize(INDICES, turns)

    def function(xp, scan, thick):
        def step(carry, film):
            (a, b, c, d), (index, thickness) = carry, film
            phase = 2 * np.pi * index * thickness / waves
            cos, sin = xp.cos(phase), 1j * xp.sin(phase)
            new = (
                a * cos + b * index * sin,
                a * sin / index + b * cos,
                c * cos + d * index * sin,
                c * sin / index + d * cos,
            )
            return new, None

        one, zero = xp.full(len(waves), 1 + 0j), xp.full(len(waves), 0j)
        a, b, c, d = scan(step, (one, zero, zero, one), (indices, thick))[0]
        return xp.mean(xp.abs((a + b - c - d) / (a + b + c + d)) ** 2)

    return function


def panels(turns):
    def function(xp, scan, ends):
        panels = ends[:-1], ends[1:]

        def row(_, own):
            def element(_, other):
                side = other[1] - other[0]
                r = 0.5 * (own[0] + own[1]) - 0.5 * (other[0] + other[1])
                return None, xp.log(xp.sum(r * r) + 1e-2) * xp.sqrt(xp.sum(side * side)) / (4 * np.pi)

            return None, scan(element, None, panels)[1]

        matrix = scan(row, None, panels)[1]
        strength = xp.linalg.solve(matrix + xp.eye(turns), xp.ones(turns))
        return xp.sum(strength**2)

    return function


def unscented(turns, weights, spread):
    def function(xp, scan, p, ys):
        def step(carry, y):
            x, cov, total = carry
            root = xp.linalg.cholesky(cov) * spread
            points = xp.concatenate([x[None], x + root.T, x - root.T])
            angle, speed = points[:, 0], points[:, 1]
            ahead = xp.stack([angle + 0.05 * speed, speed - 0.05 * p[0] * xp.sin(angle)], 1)
            x = weights @ ahead
            gaps = ahead - x
            cov = gaps.T @ (weights[:, None] * gaps) + p[1] * xp.eye(2)
            seen = xp.sin(ahead[:, 0])
            guess = weights @ seen
            s = weights @ (seen - guess) ** 2 + p[2]
            gain = gaps.T @ (weights * (seen - guess)) / s
            x, cov = x + gain * (y - guess), cov - xp.outer(gain, gain) * s
            return (x, cov, total + 0.5 * (xp.log(s) + (y - guess) ** 2 / s)), None

        return scan(step, (xp.array([0.5, 0.0]), 0.1 * xp.eye(2), xp.zeros(())), ys)[0][2]

    return function
