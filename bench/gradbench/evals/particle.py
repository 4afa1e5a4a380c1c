"""particle: where a charge is to stand so that another one lands nearest to the origin."""

import numpy as np

import funcgrad as fg
import funcgrad.numpy as fnp
from bench.gradbench import inputs
from bench.gradbench.evals.descent import MODES, argmin
from bench.gradbench.outputs import listed
from bench.gradbench.protocol import Evaluation

__all__ = ["FUNCTIONS"]

DT = 0.1


def landing(w, inner):
    """Return the square of where the particle meets the axis, for a charge at height 10 - w."""

    def potential(x):
        def inverse(corner):
            gap = x - corner
            return 1 / fnp.sqrt(fnp.sum(gap * gap))

        return inverse(fnp.stack([10.0 + 0 * w, 10.0 - w])) + inverse(np.array([10.0, 0.0]))

    def step(state):
        x, v, ahead = state
        v = v - DT * inner(potential)(x)
        return ahead, v, ahead + DT * v

    x, v = np.array([0.0, 8.0]), np.array([0.75, 0.0])
    _, v, x = fg.while_loop(lambda state: state[2][1] > 0, step, (x, v, x + DT * v))
    return (x[0] - x[1] / v[1] * v[0]) ** 2


def solver(outer, inner):
    value = fg.jit(lambda w: landing(w, inner))
    return fg.jit(lambda w: argmin(value, outer(value), w))


_solvers = {a + b: solver(MODES[a], MODES[b]) for a in "fr" for b in "fr"}
FUNCTIONS = {
    name: Evaluation(lambda given, run=run: (run, inputs.particle(given)), listed)
    for name, run in _solvers.items()
}
