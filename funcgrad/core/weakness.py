"""Python numbers, traced or not: they adapt to the dtype of their partner (NEP 50)."""

from typing import Any

import numpy as np

from funcgrad.core.tracer import Tracer

__all__ = ["is_weak", "weaken"]


def is_weak(x: Any) -> bool:
    """Whether `x` is a Python number, or stands for one."""
    if type(x) is not Tracer:
        return type(x) in (float, int, complex)
    if x.tracing.transparent:
        return is_weak(x.value)
    return x.tracing.type_of(x).weak


def weaken(x: Any) -> Any:
    """Return the result of Python arithmetic on Python numbers as such a number again.

    `s + 1` of a float `s` is a float, which adapts to the dtype of its partner, where `np.add(s, 1)`
    is a float64; a traced `s` must behave the same.
    """
    if type(x) is not Tracer:
        return x.item() if isinstance(x, np.generic) else x
    if x.tracing.transparent:
        x.value = weaken(x.value)
    else:
        x.tracing.weaken(x)
    return x
