"""The equations of a program as numbers: variables in the order of their assignment, and a code for what each does."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core.program import Equation, Literal, Program, Var

__all__ = ["LITERAL", "Numbering", "same_bits"]

# The number of an operand that is a literal.
LITERAL = -1


class Numbering:
    """The numbers of a program.

    Attributes:
        variables: by their numbers: inputs and constants, then what equations assign, in order.
        first: the number of the first result of each equation; and, last, how many variables there are.
        operands: the numbers of all operands, equation by equation, and then of the results of the program.
        at: where the operands of each equation begin in `operands`.
        codes: equal for equations that do the same, to operands of the same types, but for numbers in their parameters that
            may be values (`positions_rule`) and for the values of literals.
    """

    def __init__(self, program: Program):
        equations = program.equations
        self.equations = equations
        self.variables: list[Var] = [*program.inputs, *(var for var, _ in program.constants)]
        number = {var: n for n, var in enumerate(self.variables)}
        first, at, operands, codes = [], [0], [], []
        coder = _Coder()
        for equation in equations:
            operands += [number[a] if type(a) is Var else LITERAL for a in equation.inputs]
            at.append(len(operands))
            first.append(len(self.variables))
            for var in equation.outputs:
                number[var] = len(self.variables)
                self.variables.append(var)
            codes.append(coder.code(equation))
        first.append(len(self.variables))
        operands += [number[a] if type(a) is Var else LITERAL for a in program.outputs]
        self.number = number
        self.first = np.array(first)
        self.at = np.array(at)
        self.operands = np.array(operands, dtype=np.int64)
        self.codes = np.array(codes, dtype=np.int64)
        # Who reads a variable: the operands in the order of their numbers, and the equation of each.
        reader = np.repeat(np.arange(len(equations) + 1), np.diff([*at, len(operands)]))
        order = np.argsort(self.operands, kind="stable")
        self._sorted, self._readers = self.operands[order], reader[order]

    def producer(self, numbers: np.ndarray) -> np.ndarray:
        """Return the equation that assigns each variable; -1 for inputs and constants."""
        return np.searchsorted(self.first, numbers, "right") - 1

    def results_from(self, low: int, high: int) -> int:
        """Return how many results of the program are variables from `low` to `high`."""
        begin, stop = np.searchsorted(self._sorted, [low, high])
        return int((self._readers[begin:stop] == len(self.equations)).sum())

    def read_behind(self, low: int, high: int, end: int) -> np.ndarray:
        """Return which of the variables from `low` to `high` are read by equations from `end` on, or are results."""
        begin, stop = np.searchsorted(self._sorted, [low, high])
        return np.unique(self._sorted[begin:stop][self._readers[begin:stop] >= end])


class _Coder:
    """Gives equal codes to equations that do the same."""

    def __init__(self) -> None:
        self._codes: dict[Any, int] = {}
        self._types: dict[Any, int] = {}

    def code(self, equation: Equation) -> int:
        primitive, params = equation.primitive, equation.params
        types = [a.type for a in equation.inputs]
        if primitive.positions_rule is not None:
            stays: Any = primitive.positions_rule(*types, **params)[0]
        else:
            stays = tuple(params.items())
        key = (
            primitive.name,
            stays,
            tuple([(self._type(t), type(a) is Literal) for t, a in zip(types, equation.inputs, strict=True)]),
            tuple([self._type(v.type) for v in equation.outputs]),
        )
        try:
            code = self._codes.get(key)
        except TypeError:  # a parameter that is not hashable: like nothing else
            return self._new()
        if code is None:
            code = self._codes[key] = len(self._codes)
        return code

    def _type(self, kind: Any) -> int:
        key = (kind.shape, kind.dtype.num, kind.weak)
        known = self._types.get(key)
        if known is None:
            known = self._types[key] = len(self._types)
        return known

    def _new(self) -> int:
        code = len(self._codes)
        self._codes[object()] = code
        return code


def same_bits(values: Sequence[Any]) -> bool:
    """Whether literals are all the same, to the bit."""
    first = values[0]
    kind, bits = type(first), repr(first)
    return all(type(v) is kind and (v is first or repr(v) == bits) for v in values)
