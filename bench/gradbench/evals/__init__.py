"""The evaluations, each from its formula, in funcgrad's public API; no derivative is written by hand."""

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

import funcgrad as fg
from bench.gradbench.protocol import Evaluation

__all__ = ["listed", "pair"]


def listed(x: Any) -> Any:
    """Return arrays in containers as lists and numbers."""
    return fg.tree.map(lambda leaf: np.asarray(leaf).tolist(), x)


def pair(
    arguments: Callable, primal: Callable, derivative: Callable, *static: str, finish: Callable = listed
) -> Any:
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

        return Evaluation(lambda given: (compiled(*(given[s] for s in static)), arguments(given)), finish)

    return evaluation(primal), evaluation(derivative)
