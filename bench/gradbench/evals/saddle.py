"""saddle: a minimum of a maximum, each found by descent, the derivative taken through the inner one."""

import funcgrad as fg
import funcgrad.numpy as fnp
from bench.gradbench import inputs
from bench.gradbench.evals.descent import MODES, argmax, argmin
from bench.gradbench.outputs import listed
from bench.gradbench.protocol import Evaluation

__all__ = ["FUNCTIONS"]


def f(x, y):
    return fnp.sum(x * x) - fnp.sum(y * y)


def solver(outer, inner):
    def best(x, start):
        by_y = lambda y: f(x, y)
        return argmax(by_y, inner(by_y), start)

    def solve(start):
        worst = lambda x: f(x, best(x, start))
        x = argmin(worst, outer(worst), start)
        return fnp.concatenate([x, best(x, start)])

    return fg.jit(solve)


_solvers = {a + b: solver(MODES[a], MODES[b]) for a in "fr" for b in "fr"}
FUNCTIONS = {
    name: Evaluation(lambda given, run=run: (run, inputs.saddle(given)), listed)
    for name, run in _solvers.items()
}
