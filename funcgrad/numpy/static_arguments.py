"""Arguments that decide a shape: they must be plain, or have a value that is known while tracing."""

import operator
from typing import Any

import numpy as np

from funcgrad.core.tracer import Tracer, concrete
from funcgrad.core.types import type_of
from funcgrad.errors import WHEN_STATIC, ConcretizationError

__all__ = ["as_shape", "known"]


def as_shape(shape: Any) -> tuple[int, ...]:
    """Return a shape given as an int or a sequence of ints.

    Raises:
        ConcretizationError: when a size is not known while tracing.
    """
    if isinstance(shape, (tuple, list)) or (isinstance(shape, (np.ndarray, Tracer)) and shape.ndim):
        return tuple([operator.index(n) for n in shape])
    return (operator.index(shape),)


def known(name: str, argument: str, x: Any) -> Any:
    """Return the plain value of an argument that decides the shape of the result.

    Raises:
        ConcretizationError: when it is not known while tracing.
    """
    if isinstance(x, (tuple, list)):
        return type(x)([known(name, argument, item) for item in x])
    if type(x) is not Tracer:
        return x
    try:
        return concrete(x)
    except ConcretizationError:
        raise ConcretizationError(
            f"{name}: expected {argument} with values that are known while tracing, got {type_of(x)}.",
            hint=f"its values decide the shape of the result: pass a plain array; {WHEN_STATIC}",
        ) from None
