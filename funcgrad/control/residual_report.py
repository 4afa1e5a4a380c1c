"""residuals: what a reverse derivative keeps between its forward and its backward pass."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from funcgrad.core.program import Var
from funcgrad.core.staging import name_of, stage
from funcgrad.core.types import ArrayType
from funcgrad.programs.differentiate import forward_and_backward, inexact_inputs

__all__ = ["Residual", "Residuals", "residuals"]


class Residual(NamedTuple):
    """One array that is kept: its type, the primitive that made it, and the user's line that asked for it."""

    type: ArrayType
    primitive: str
    source: Any

    @property
    def nbytes(self) -> int:
        return self.type.nbytes


class Residuals:
    """What is kept, the largest first; prints as a table."""

    def __init__(self, name: str, kept: list[Residual]):
        self.name = name
        self.kept = sorted(kept, key=lambda r: -r.nbytes)

    @property
    def nbytes(self) -> int:
        """The bytes of all."""
        return sum(r.nbytes for r in self.kept)

    def __iter__(self) -> Iterator[Residual]:
        return iter(self.kept)

    def __len__(self) -> int:
        return len(self.kept)

    def __repr__(self) -> str:
        lines = [
            f"{self.name} keeps {len(self)} arrays, {self.nbytes:,} bytes, between forward and backward pass"
        ]
        lines += [
            f"  {r.nbytes:>14,}  {r.type!s:24} {r.primitive:12} {r.source or ''}".rstrip() for r in self
        ]
        return "\n".join(lines)


def residuals(function: Callable) -> Callable:
    """Return a function that says what the gradient of `function`, compiled, keeps for its backward pass.

    Arguments and results of the function are not counted: they are there in any case.

    Args:
        function: a pure function of arrays in any containers.

    Returns:
        `shown(*args)`, which gives `Residuals`: iterable, with `nbytes`, and printed as a table.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> fg.residuals(lambda x: np.sum(np.tanh(x) ** 2))(np.ones(1000)).nbytes
    16000
    """

    def shown(*args: Any, **kwargs: Any) -> Residuals:
        program = stage(function, args, kwargs, f"residuals of {name_of(function)}")
        forward, _ = forward_and_backward(program, inexact_inputs(program))
        makers = {v: e for e in forward.equations for v in e.outputs}
        own = set(forward.outputs[: len(program.outputs)])
        kept = [
            Residual(v.type, makers[v].primitive.name, makers[v].source)
            for v in forward.outputs[len(program.outputs) :]
            if isinstance(v, Var) and v not in own
        ]
        return Residuals(name_of(function), kept)

    return shown
