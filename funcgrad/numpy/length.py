"""The number of elements that a mask chooses, in a shape: it is not known while tracing."""

import operator
from collections.abc import Callable
from typing import Any

from funcgrad.core.weakness import weaken
from funcgrad.errors import ConcretizationError

__all__ = ["NO_NUMBER", "Length"]

# The hint where a number would be needed.
NO_NUMBER = (
    "under jit and vmap, what a mask chooses takes elementwise functions, sums and other reductions, and "
    "x[mask] = f(x[mask]); for anything else use fg.numpy.where(mask, x, other), which keeps the shape."
)


class Length:
    """The number of chosen elements, where a shape has it: computed with, it is a traced number; it is no plain int."""

    __slots__ = ("trace",)

    def __init__(self, trace: Any):
        self.trace = trace

    def _refuse(self, *args, **kwargs):
        raise ConcretizationError(
            "the number of elements that a mask chooses is not known while tracing.",
            hint=f"np.sum(mask) counts them as a traced number; {NO_NUMBER}",
        )

    __index__ = __array__ = __hash__ = _refuse  # no cache may keep what belongs to a trace

    def number(self) -> Any:
        """Return it as a traced number, weak as a Python int is."""
        return weaken(self.trace.count())

    def __bool__(self):
        return bool(self.number() != 0)

    def __repr__(self):
        return "?"


def _with_count(function: Callable) -> Callable:
    """Return an operator on the traced number in place of the length; a length is equal to itself without asking."""

    def method(self, other):
        if self is other and function in (operator.eq, operator.ne):
            return function is operator.eq
        return function(self.number(), other.number() if isinstance(other, Length) else other)

    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "eq", "ne", "lt", "le", "gt", "ge"):
    setattr(Length, f"__{_name}__", _with_count(getattr(operator, _name)))
for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow"):
    _swapped = (lambda f: lambda x, y: f(y, x))(getattr(operator, _name))
    setattr(Length, f"__r{_name}__", _with_count(_swapped))
