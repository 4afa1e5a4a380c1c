"""A program that is written anew, equation by equation."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core.primitive import Primitive
from funcgrad.core.program import Atom, Equation, Var
from funcgrad.core.types import type_of

__all__ = ["Writer"]


class Writer:
    """Equations and constants, added one by one."""

    def __init__(self, constants: Sequence[tuple[Var, Any]]):
        self.equations: list[Equation] = []
        self.constants = list(constants)
        self.values = {var: value for var, value in constants}
        self._tables: dict[Any, Var] = {}

    def add(self, primitive: Primitive, inputs: Sequence[Atom], source: Any, **params: Any) -> Var:
        """Add an equation of one result, and return that."""
        out = Var(primitive.type_rule(*[a.type for a in inputs], **params))
        self.equations.append(Equation(primitive, tuple(inputs), params, (out,), source))
        return out

    def constant(self, value: np.ndarray) -> Var:
        """Return the variable of a constant; one for equal ones, so that equal loops are equal."""
        key = (value.shape, value.dtype.str, value.tobytes())
        var = self._tables.get(key)
        if var is None:
            value.flags.writeable = False
            var = self._tables[key] = Var(type_of(value))
            self.constants.append((var, value))
            self.values[var] = value
        return var
