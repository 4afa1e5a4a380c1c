"""The evaluations, each from its formula, in funcgrad's public API; no derivative is written by hand."""

from collections.abc import Callable
from functools import cache
from typing import Any

import funcgrad as fg
from bench.gradbench.outputs import listed
from bench.gradbench.protocol import Evaluation

__all__ = ["pair"]


def pair(arguments: Callable, primal: Callable, derivative: Callable, *static: str) -> Any:
    """Return the evaluations of a function and its derivative, compiled.

    Args:
        arguments: from the input to arrays.
        primal, derivative: functions of them; where `static` names sizes of the input, functions of those sizes that
            give such functions.
    """

    def evaluation(make):
        @cache
        def compiled(*sizes):
            return fg.jit(make(*sizes) if static else make)

        def prepare(given):
            args = arguments(given)  # first, for it checks the sizes too
            return compiled(*(given[s] for s in static)), args

        return Evaluation(prepare, listed)

    return evaluation(primal), evaluation(derivative)
