"""How this namespace takes its arguments: plain arrays go to NumPy, traced ones to the primitives."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad.core.tracer import FUNCTIONS, Tracer, concrete, is_concrete
from funcgrad.core.types import dtype_of, shape_of
from funcgrad.errors import DTypeError
from funcgrad.numpy.arrays import as_array, astype

__all__ = ["floating", "holds_tracer", "implements_beside", "known", "tolerance"]


def implements_beside(original: Callable) -> Callable:
    """Register what follows as NumPy's `original` for traced arrays; plain ones go to `original`."""

    def register(implementation: Callable) -> Callable:
        FUNCTIONS[original] = implementation

        @functools.wraps(implementation)
        def public(*args: Any, **kwargs: Any) -> Any:
            if holds_tracer(args) or holds_tracer(kwargs.values()):
                return implementation(*args, **kwargs)
            return original(*args, **kwargs)

        return public

    return register


def holds_tracer(items: Any) -> bool:
    """Whether a tracer is among the items, or in lists and tuples among them."""
    for item in items:
        if type(item) is Tracer:
            return True
        if isinstance(item, (list, tuple)) and holds_tracer(item):
            return True
    return False


def floating(x: Any) -> Any:
    """Return `x` as a floating or complex array; integers become float64."""
    x = as_array(x)
    return x if dtype_of(x).kind in "fc" else astype(x, np.float64)


def known(x: Any) -> Any:
    """Return the value of `x` where it is known now, else None."""
    return concrete(x) if is_concrete(x) else None


def tolerance(name: str, x: Any) -> float:
    """Return a tolerance as a number; refuse one an example or a traced one."""
    if type(x) is Tracer or shape_of(x) != ():
        raise DTypeError(
            f"{name}: expected one number as the tolerance, got {type(x).__name__} of shape {shape_of(x)}.",
            hint="a tolerance is not differentiated: pass a plain float.",
        )
    return float(x)
