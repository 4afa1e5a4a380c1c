"""hello: the square of a number."""

import numpy as np

import funcgrad as fg
from bench.gradbench.protocol import Evaluation

__all__ = ["FUNCTIONS"]


def square(x):
    return x * x


_double = fg.jit(fg.grad(square))
FUNCTIONS = {
    "square": Evaluation(lambda x: (square, (np.float64(x),)), float),
    "double": Evaluation(lambda x: (_double, (np.float64(x),)), float),
}
