"""Nesting: the gradient of a function that itself solves an equation by Newton's method.

The inner solver takes derivatives by `fg.grad`, in a Python loop that stops when it has converged;
the outer gradient goes through all of it. Run it with `python examples/nested_newton.py`.
"""

import numpy as np

import funcgrad as fg


def kepler(eccentric, mean, eccentricity):
    """Kepler's equation, zero where the eccentric anomaly belongs to the mean anomaly."""
    return eccentric - eccentricity * np.sin(eccentric) - mean


def solve(mean, eccentricity):
    """Return the eccentric anomaly, by Newton's method."""
    slope = fg.grad(kepler)
    x = mean
    for _ in range(50):
        update = kepler(x, mean, eccentricity) / slope(x, mean, eccentricity)
        x = x - update
        if abs(update) < 1e-14:
            break
    return x


def distance(mean, eccentricity):
    """Return the distance from the focus, in units of the semi-major axis."""
    return 1 - eccentricity * np.cos(solve(mean, eccentricity))


mean, eccentricity = 1.2, 0.6
by_mean, by_eccentricity = fg.grad(distance, (0, 1))(mean, eccentricity)
print("distance                  =", distance(mean, eccentricity))
print("d distance / d mean       =", by_mean)
print("d distance / d ecc.       =", by_eccentricity)

# The implicit function theorem gives the same: dE/dM = 1 / (1 - e cos E), dE/de = sin E / (1 - e cos E).
E = solve(mean, eccentricity)
r = 1 - eccentricity * np.cos(E)
assert np.isclose(by_mean, eccentricity * np.sin(E) / r, rtol=1e-12)
assert np.isclose(by_eccentricity, -np.cos(E) + eccentricity * np.sin(E) ** 2 / r, rtol=1e-12)

# And once more: the second derivative, still through the solver and its inner gradient.
second = fg.grad(fg.grad(distance))(mean, eccentricity)
numeric = (fg.grad(distance)(mean + 1e-5, eccentricity) - fg.grad(distance)(mean - 1e-5, eccentricity)) / 2e-5
print("d2 distance / d mean2     =", second, "by differences", numeric)
assert np.isclose(second, numeric, rtol=1e-8)
