"""How this namespace takes its arguments: floating ones, and numbers that must be known."""

from typing import Any

import numpy as np

from funcgrad.core.tracer import Tracer, concrete, is_concrete
from funcgrad.core.types import dtype_of, shape_of
from funcgrad.errors import DTypeError
from funcgrad.numpy.arguments import as_array, astype

__all__ = ["floating", "known", "tolerance"]


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
