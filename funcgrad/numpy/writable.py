"""The functions of the namespace that make arrays, as users call them: within a traced function what they make can be
written to with traced values, and indexed by traced integers (see `core.made`)."""

from collections.abc import Callable
from functools import wraps

from funcgrad.core.made import made
from funcgrad.numpy import creation, ranges

_RANGES = ["arange", "geomspace", "linspace", "logspace"]
__all__ = [*creation.__all__, *_RANGES]


def _writable(function: Callable) -> Callable:
    @wraps(function)
    def making(*args, **kwargs):
        return made(function(*args, **kwargs))

    return making


globals().update({name: _writable(getattr(creation, name)) for name in creation.__all__})
globals().update({name: _writable(getattr(ranges, name)) for name in _RANGES})
