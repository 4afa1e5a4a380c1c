"""ode: a chain of products, integrated by the classical Runge-Kutta method."""

import numpy as np

import funcgrad as fg
import funcgrad.numpy as fnp
from bench.gradbench import inputs
from bench.gradbench.evals import pair

__all__ = ["FUNCTIONS"]


def primal(s):
    h = 2 / s

    def solution(x):
        def rate(y):
            return x * fnp.concatenate([np.ones(1), y[:-1]])

        def step(y, _):
            k1 = rate(y)
            k2 = rate(y + h / 2 * k1)
            k3 = rate(y + h / 2 * k2)
            k4 = rate(y + h * k3)
            return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4), None

        # A step is cheap to run again, and its four slopes are four times the memory of y.
        return fg.scan(fg.checkpoint(step), np.zeros(x.shape), length=s)[0]

    return solution


def gradient(s):
    return fg.grad(lambda x: primal(s)(x)[-1])


_primal, _gradient = pair(inputs.ode, primal, gradient, "s")
FUNCTIONS = {"primal": _primal, "gradient": _gradient}
