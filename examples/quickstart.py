"""A first look at funcgrad: derivatives of plain NumPy code, in seconds.

Run it with `python examples/quickstart.py`.
"""

import csv
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

import funcgrad as fg

# 1. A derivative. The function is plain NumPy; it works on arrays as it always did.


def f(x):
    return np.sum(np.tanh(x) ** 2)


x = np.array([0.0, 0.5, 1.0])
print("f(x)          =", f(x))
print("gradient      =", fg.grad(f)(x))

# 2. What the gradient computes, as a program one can read.
print("\nThe program of the gradient:")
print(fg.trace(fg.grad(f))(x))

# 3. A Jacobian, in one call, of a function written with assignments into an array.


def g(x):
    y = np.zeros_like(x)
    y[0] = x[0] ** 2 + 3 * x[1]
    y[1] = x[1] ** 2 + 2 * x[0]
    return y


jacobian = fg.jacobian(g)(np.array([2.0, 3.0]))
print("\nJacobian      =", jacobian.tolist())
assert jacobian.tolist() == [[4.0, 3.0], [2.0, 6.0]]

# 4. A Hessian, and derivatives for a whole batch of points at once.


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


print("\nHessian at the minimum of Rosenbrock's function:")
print(fg.hessian(rosenbrock)(np.ones(3)))
points = np.stack([x, x + 1])
print("Gradients at two points:")
print(fg.vmap(fg.grad(rosenbrock))(points))

# 5. A fit to real measurements: dental research by D. Misra (1978), NIST's reference data set
#    "Misra1a" (Statistical Reference Datasets). The model is y = b1 (1 - exp(-b2 x)); NIST certifies
#    b1 and b2 to eleven digits.
CERTIFIED = np.array([2.3894212918e02, 5.5015643181e-04])

with open(Path(__file__).parent / "data" / "misra1a.csv", newline="") as file:
    rows = [row for row in csv.reader(file) if not row[0].startswith("#")][1:]
    volume, pressure = np.array(rows, float).T


SCALE = np.array([250.0, 5e-4])  # a rough guess: the parameters differ by six orders of magnitude


def residuals(ratios):
    b1, b2 = ratios * SCALE
    return volume - b1 * (1 - np.exp(-b2 * pressure))


def loss(ratios):
    return np.sum(residuals(ratios) ** 2)


fit = minimize(fg.value_and_grad(loss), np.ones(2), jac=True, method="BFGS", options={"gtol": 1e-9})
print("\nFitted        =", fit.x * SCALE)
print("NIST          =", CERTIFIED)
print("Residual sum of squares =", fit.fun, "(NIST: 0.12455138894)")
assert np.allclose(fit.x * SCALE, CERTIFIED, rtol=1e-6)

# The Jacobian of the residuals gives the parameters' standard deviations, certified as well.
J = fg.jacobian(residuals)(fit.x)
variance = fit.fun / (len(volume) - len(fit.x))
deviations = np.sqrt(variance * np.diag(np.linalg.inv(J.T @ J))) * SCALE
print("Standard deviations     =", deviations, "(NIST: 2.7070075241 and 7.2668688436e-06)")
assert np.allclose(deviations, [2.7070075241, 7.2668688436e-06], rtol=1e-6)
