"""Squares of what has a kink at 0: |x|**2 is smooth, and so it is not taken as the square of |x|.

The convention gives a norm the derivative 0 at 0. That is right for the gradient of its square, but the
second derivative cannot be had from it: 2 |x| times the slope of x / |x| is 0 times infinity, where it is 2.
So what makes a norm says what its square is, and squaring asks.
"""

import weakref
from collections.abc import Callable
from typing import Any

from funcgrad.core.tracer import Tracer, refresh
from funcgrad.core.types import dtype_of
from funcgrad.primitives.arithmetic import imag, real, square

__all__ = ["as_now", "square_of", "squared_magnitude", "with_square"]

# By the identity of a traced root: a reference to it, what it was then, and what makes its square.
_SQUARES: dict[int, tuple[Any, Any, Any, Callable[[], Any]]] = {}


def with_square(y: Any, square: Callable[[], Any]) -> Any:
    """Return the root `y`, of which `square()` is the square."""
    if type(y) is Tracer and y.dtype.kind in "fc":
        key = id(y)
        reference = weakref.ref(y, lambda _, key=key, forget=_SQUARES.pop: forget(key, None))
        _SQUARES[key] = reference, y.value, y.node, square
    return y


def squared_magnitude(x: Any) -> Any:
    """Return |x|**2: the square, or of a complex x the sum of both parts' squares."""
    return square(x) if dtype_of(x).kind != "c" else square(real(x)) + square(imag(x))


def as_now(x: Any) -> Any:
    """Return a handle on what `x` is now, whatever is written to it later."""
    if type(x) is not Tracer:
        return x
    if x.alias is not None and x.alias.has_base_or_block:
        refresh(x)
    return Tracer(x.tracing, x.value, x.node)


def square_of(y: Any) -> Any:
    """Return the smooth square of a root, and None for any other value."""
    found = _SQUARES.get(id(y))
    if found is None:
        return None
    reference, value, node, square = found
    same = reference() is y and y.value is value and y.node is node  # and not written to since
    return square() if same else None
