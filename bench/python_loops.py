"""The suite `loops`: programs with Python's loops; a call of the gradient, and what the first takes."""

import numpy as np

from bench import scanned_loops as scanned
from bench.complex_numbers import reflectance
from bench.model import Case
from bench.plain import PlainProgram, gradients_of

__all__ = ["PROGRAMS", "cases"]

_rng = np.random.default_rng(0)


def polynomial_of_sines(turns):
    def function(xp, x):
        for i in range(turns):
            x = xp.sin(x) * 1.01 + x**2 * 0.001 * (i % 7)
        return xp.sum(x)

    args = (np.linspace(0, 1, 100),)
    return _program("sines and squares", turns, function, args, scanned.polynomial_of_sines(turns))


def garch(turns):
    def function(xp, p, r):
        s, total = xp.var(r), 0.0
        for t in range(1, turns):
            s = p[0] + p[1] * r[t - 1] ** 2 + p[2] * s
            total = total + xp.log(s) + r[t] ** 2 / s
        return total

    args = np.array([0.1, 0.1, 0.8]), _rng.standard_normal(turns)
    return _program("GARCH(1,1)", turns, function, args, scanned.garch(turns))


def garch_with_floor(turns):
    def function(xp, p, r):
        s, total = xp.var(r), 0.0
        for t in range(1, turns):
            s = p[0] + p[1] * r[t - 1] ** 2 + p[2] * s
            if s < 0.9:
                s = 0.9
            total = total + xp.log(s) + r[t] ** 2 / s
        return total

    args = np.array([0.1, 0.1, 0.8]), _rng.standard_normal(turns)
    by_scan = scanned.garch_with_floor(turns)
    return _program("GARCH(1,1) with an if", turns, function, args, by_scan, decides=True)


def garch_written(turns):
    def function(xp, p, r):
        s = xp.zeros(turns)
        s[0] = xp.var(r)
        for t in range(1, turns):
            s[t] = p[0] + p[1] * r[t - 1] ** 2
            s[t] += p[2] * s[t - 1]
        return xp.sum(xp.log(s[1:]) + r[1:] ** 2 / s[1:])

    args = np.array([0.1, 0.1, 0.8]), _rng.standard_normal(turns)
    return _program("GARCH(1,1) by writes", turns, function, args, scanned.garch(turns))


def irregular(steps):
    names = [*_rng.choice(["sin", "tanh", "multiply", "add", "divide"], steps)]
    places = _rng.integers(0, 40, (steps, 3)).tolist()

    def function(xp, x):
        kept = [x * (1 + 0.1 * k) for k in range(40)]
        for name, (i, j, k) in zip(names, places, strict=True):
            if name in ("sin", "tanh"):
                kept[k] = getattr(xp, name)(kept[i]) + 0.1 * kept[j]
            elif name == "divide":
                kept[k] = kept[i] / (1.5 + kept[j] ** 2)
            else:
                kept[k] = getattr(xp, name)(kept[i], 0.5 * kept[j])
        return sum(xp.sum(y) for y in kept)

    args = (np.linspace(0, 1, 8),)
    return PlainProgram("a program without a pattern", f"{steps:,} steps", function, args)


def hidden_markov(turns):
    states, seen = 5, _rng.integers(0, 7, turns)

    def function(xp, a, b):
        forward = [b[:, seen[0]] - np.log(states)]
        for t in range(1, turns):
            m = forward[-1][:, None] + a
            top = xp.max(m, 0)
            forward.append(top + xp.log(xp.sum(xp.exp(m - top), 0)) + b[:, seen[t]])
        backward, total = xp.zeros(states), xp.sum(forward[-1] ** 2)
        for t in reversed(range(turns - 1)):
            m = a + b[:, seen[t + 1]] + backward
            top = xp.max(m, 1)
            backward = top + xp.log(xp.sum(xp.exp(m - top[:, None]), 1))
            total = total + xp.sum((forward[t] + backward) ** 2) * 1e-4
        return total

    args = np.log(np.full((states, states), 0.2) + 0.1 * np.eye(states)), np.log(_rng.random((states, 7)))
    by_scan = scanned.hidden_markov(turns, states, seen)
    return _program("HMM, forward and backward", turns, function, args, by_scan)


def kalman_smoother(turns):
    step, observed = np.array([[1, 0.1], [0, 1]]), np.array([1.0, 0.0])

    def function(xp, q, ys):
        x, cov, total, kept = xp.zeros(2), xp.eye(2), 0.0, []
        for t in range(turns):
            x, cov = step @ x, step @ cov @ step.T + q * xp.eye(2)
            s, e = observed @ cov @ observed + 0.2, ys[t] - observed @ x
            gain = cov @ observed / s
            x, cov = x + gain * e, cov - xp.outer(gain, gain) * s
            total = total + 0.5 * (xp.log(s) + e**2 / s)
            kept.append((x, cov))
        smooth = x
        for x, cov in reversed(kept[:-1]):
            ahead = step @ cov @ step.T + q * xp.eye(2)
            smooth = x + cov @ step.T @ xp.linalg.inv(ahead) @ (smooth - step @ x)
            total = total + 1e-3 * xp.sum(smooth**2)
        return total

    args = np.float64(0.1), _rng.standard_normal(turns)
    by_scan = scanned.kalman_smoother(turns, step, observed)
    return _program("Kalman filter and smoother", turns, function, args, by_scan)


def lstm(turns):
    def function(xp, w, u, xs):
        h = c = xp.zeros(16)
        for t in range(turns):
            z = w @ xs[t] + u @ h
            i, f, o = (1 / (1 + xp.exp(-z[16 * k : 16 * k + 16])) for k in range(3))
            c = f * c + i * xp.tanh(z[48:])
            h = o * xp.tanh(c)
        return xp.sum(h**2)

    args = tuple(_rng.standard_normal(shape) * 0.1 for shape in ((64, 8), (64, 16), (turns, 8)))
    return _program("LSTM", turns, function, args, scanned.lstm(turns))


def finite_volume(turns):
    def function(xp, u, k):
        for _ in range(turns):
            x, y = u[1:] - u[:-1], u[:, 1:] - u[:, :-1]
            flux = xp.pad(x, ((0, 1), (0, 0))) - xp.pad(x, ((1, 0), (0, 0)))
            flux = flux + xp.pad(y, ((0, 0), (0, 1))) - xp.pad(y, ((0, 0), (1, 0)))
            u = u + 0.01 * (k * flux + xp.sin(u))
        return xp.sum(u**2)

    args = _rng.standard_normal((20, 20)), 0.5
    return _program("finite volumes, 20x20", turns, function, args, scanned.finite_volume(turns))


def lotka_volterra(turns):
    def function(xp, p, y):
        def rate(y):
            return xp.stack([p[0] * y[0] - p[1] * y[0] * y[1], p[3] * y[0] * y[1] - p[2] * y[1]])

        for _ in range(turns):
            k1 = rate(y)
            k2 = rate(y + 0.005 * k1)
            k3 = rate(y + 0.005 * k2)
            k4 = rate(y + 0.01 * k3)
            y = y + 0.01 / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return xp.sum(y)

    args = np.array([1.0, 0.1, 1.5, 0.075]), np.array([10.0, 5.0])
    return _program("Lotka-Volterra, RK4", turns, function, args, scanned.lotka_volterra(turns))


def thin_films(turns):
    waves = np.linspace(400, 700, 31)

    def function(xp, thick):
        return reflectance(xp, waves, thick, 1.0 + 0j, 0j)

    args = (np.linspace(50, 120, turns),)
    return _program("thin films, complex", turns, function, args, scanned.thin_films(turns, waves))


def panels(turns):
    def function(xp, ends):
        rows = []
        for i in range(turns):
            row = []
            for j in range(turns):
                side = ends[j + 1] - ends[j]
                r = 0.5 * (ends[i] + ends[i + 1]) - 0.5 * (ends[j] + ends[j + 1])
                row.append(xp.log(xp.sum(r * r) + 1e-2) * xp.sqrt(xp.sum(side * side)) / (4 * np.pi))
            rows.append(xp.stack(row))
        strength = xp.linalg.solve(xp.stack(rows) + xp.eye(turns), xp.ones(turns))
        return xp.sum(strength**2)

    angle = np.linspace(0, 2 * np.pi, turns + 1)
    args = (np.stack([np.cos(angle), np.sin(angle)], 1),)
    return _program("panel method", turns, function, args, scanned.panels(turns))


def unscented(turns):
    weights, spread = np.array([1 / 3, 1 / 6, 1 / 6, 1 / 6, 1 / 6]), np.sqrt(3.0)

    def function(xp, p, ys):
        x, cov, total = xp.array([0.5, 0.0]), 0.1 * xp.eye(2), 0.0
        for t in range(turns):
            root = xp.linalg.cholesky(cov) * spread
            points = [x] + [x + root[:, i] for i in range(2)] + [x - root[:, i] for i in range(2)]
            ahead = [
                xp.stack([q[0] + 0.05 * q[1], q[1] - 0.05 * p[0] * xp.sin(q[0])]) for q in points
            ]  # of a pendulum
            x = sum(w * q for w, q in zip(weights, ahead, strict=True))
            cov = p[1] * xp.eye(2)
            for w, q in zip(weights, ahead, strict=True):
                cov = cov + w * xp.outer(q - x, q - x)
            seen = [xp.sin(q[0]) for q in ahead]
            guess = sum(w * y for w, y in zip(weights, seen, strict=True))
            s, cross = p[2], xp.zeros(2)
            for w, q, y in zip(weights, ahead, seen, strict=True):
                s = s + w * (y - guess) ** 2
                cross = cross + w * (q - x) * (y - guess)
            gain, gap = cross / s, ys[t] - guess
            x, cov = x + gain * gap, cov - xp.outer(gain, gain) * s
            total = total + 0.5 * (xp.log(s) + gap**2 / s)
        return total

    args = np.array([9.8, 0.01, 0.1]), _rng.standard_normal(turns)
    return _program(
        "unscented Kalman filter", turns, function, args, scanned.unscented(turns, weights, spread)
    )


def _program(name, turns, function, args, by_scan, **details):
    return PlainProgram(name, f"{turns:,} turns", function, args, by_scan, **details)


PROGRAMS = [
    polynomial_of_sines(3000),
    garch(1000),
    garch_with_floor(1000),
    garch_written(1000),
    hidden_markov(200),
    kalman_smoother(200),
    lstm(30),
    finite_volume(100),
    lotka_volterra(1000),
    thin_films(200),
    panels(32),
    unscented(50),
    irregular(2650),
]


def cases(quick: bool) -> list[Case]:
    """Gradients of programs with Python's loops."""
    return gradients_of("loops", PROGRAMS, quick)
