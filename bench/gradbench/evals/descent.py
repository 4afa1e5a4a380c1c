"""The descent that particle and saddle share, step for step as GradBench has it, as one differentiable loop."""

import numpy as np

import funcgrad as fg
import funcgrad.numpy as fnp

__all__ = ["MODES", "argmax", "argmin"]

# The derivative of a scalar function, in forward and in reverse mode.
MODES = {"f": fg.jacfwd, "r": fg.grad}


def argmin(f, derivative, start):
    """Return the x that the descent from `start` ends at."""

    def going(state):
        return ~state[-1]

    def step(state):
        x, fx, g, rate, count, _ = state
        flat = fnp.sum(g * g) <= 1e-10
        wait = ~flat & (count == 10)
        new = x - rate * g
        near = ~flat & ~wait & (fnp.sum((x - new) ** 2) <= 1e-10)

        def tried():
            value = f(new)
            return fg.cond(
                value < fx,
                lambda: (new, value, derivative(new), rate, count + 1, False),
                lambda: (x, fx, g, rate / 2, 0, False),
            )

        def waited():
            return x, fx, g, fnp.where(wait, 2 * rate, rate), fnp.where(wait, 0, count), flat | near

        return fg.cond(flat | wait | near, waited, tried)

    x = start + 0.0
    first = (x, f(x), derivative(x), np.float64(1e-5), 0, False)
    return fg.while_loop(going, step, first)[0]


def argmax(f, derivative, start):
    """Return the x at which the descent of -f ends; `derivative` is f's."""
    return argmin(lambda x: -f(x), lambda x: -derivative(x), start)
