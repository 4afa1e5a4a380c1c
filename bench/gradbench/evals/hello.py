"""hello: the square of a number."""

import funcgrad as fg
from bench.gradbench import inputs
from bench.gradbench.protocol import Evaluation

__all__ = ["FUNCTIONS"]


def square(x):
    return x * x


_double = fg.jit(fg.grad(square))
FUNCTIONS = {
    "square": Evaluation(lambda given: (square, inputs.hello(given)), float),
    "double": Evaluation(lambda given: (_double, inputs.hello(given)), float),
}
