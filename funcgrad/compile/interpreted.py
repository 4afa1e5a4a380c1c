"""A call of a function in place of its compiled program, with native code's manners."""

from collections.abc import Callable
from typing import Any

import numpy as np

from funcgrad import tree
from funcgrad.core.tracer import Tracer
from funcgrad.transforms.dual import Dual

__all__ = ["interpreted"]


def interpreted(function: Callable, args: tuple, kwargs: dict[str, Any], owner: str) -> Any:
    """Call a function on values that are traced, as when it is compiled (so `x.at[0].set(1)` works), and known.

    There are no warnings of NumPy's, and the results have memory of their own.
    """
    with Dual(owner) as trace, np.errstate(all="ignore"):
        leaves, structure = tree.flatten((args, kwargs))
        args, kwargs = tree.unflatten(structure, [_traced(trace, x) for x in leaves])
        return tree.map(lambda y: _own(trace.release(y)[0]), function(*args, **kwargs))


def _traced(trace: Dual, x: Any) -> Any:
    known = isinstance(x, (np.ndarray, np.generic)) or type(x) in (int, float, complex, Tracer)
    return trace.input(x, None) if known else x


def _own(y: Any) -> Any:
    return y.copy() if type(y) is np.ndarray else y
