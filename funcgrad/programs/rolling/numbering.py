"""The equations of a program as numbers: variables in the order of their assignment, and a code for what each does."""

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.core.program import Equation, Program, Var

__all__ = ["LITERAL", "Numbering", "same_bits"]

# Constants of up to so many bytes have one number if they are equal: each turn may have made its own.
COMPARED_BYTES = 1 << 15
# Among these a Python number takes the dtype that an array of its own would.
_WIDE = frozenset(np.dtype(t).num for t in (bool, np.int64, np.float64, np.complex128))
# The number of an operand that is a literal.
LITERAL = -1


class Numbering:
    """The numbers of a program.

    Attributes:
        variables: by their numbers: inputs and constants, then what equations assign, in order.
        first: the number of the first result of each equation; and, last, how many variables there are.
        operands: the numbers of all operands, equation by equation, and then of the results of the program.
        at: where the operands of each equation begin in `operands`.
        moving: of each equation, the numbers in its parameters that may be values (`positions_rule`).
        codes: equal for equations that do the same, to operands of the same types, but for those numbers and for
            the values of literals.
        weakness_matters: whether there are dtypes beside which a Python number is not what an array would be.
    """

    def __init__(self, program: Program):
        equations = program.equations
        self.equations = equations
        variables: list[Var] = [*program.inputs, *(var for var, _ in program.constants)]
        number = {var: n for n, var in enumerate(variables)}
        same: dict[Any, int] = {}
        for var, value in program.constants:
            if type(value) is np.ndarray and value.nbytes <= COMPARED_BYTES:
                number[var] = same.setdefault((value.dtype.str, value.shape, value.tobytes()), number[var])
        kinds, operands, codes = array("i"), array("i"), array("i")
        read, made = array("i", [0]), array("i", [len(variables)])  # how many, by each equation
        coder = _Coder()
        kinds.extend([coder.kind(var.type) for var in variables])  # by the numbers of the variables
        all_moving: list[Sequence[Any]] = []
        for equation in equations:
            types = []
            for a in equation.inputs:
                if type(a) is Var:
                    n = number[a]
                    types.append(kinds[n])
                    operands.append(n)
                else:
                    types.append(-1 - coder.kind(a.type))
                    operands.append(LITERAL)
            read.append(len(equation.inputs))
            made.append(len(equation.outputs))
            for var in equation.outputs:
                kind = coder.kind(var.type)
                types.append(kind)
                number[var] = len(kinds)
                kinds.append(kind)
                variables.append(var)
            code, moving = coder.code(equation, types)
            codes.append(code)
            all_moving.append(moving)
        operands.extend([number[a] if type(a) is Var else LITERAL for a in program.outputs])
        self.variables, self.number, self.moving = variables, number, all_moving
        self.weakness_matters = coder.weakness_matters()
        self.first = np.cumsum(made, dtype=np.int32)
        self.at = np.cumsum(read, dtype=np.int32)
        self.operands = np.array(operands)
        self.codes = np.array(codes, np.int64)
        # Who reads a variable: the operands in the order of their numbers, and the equation of each.
        counts = np.array([*read[1:], len(program.outputs)])
        reader = np.repeat(np.arange(len(equations) + 1), counts)
        order = np.argsort(self.operands, kind="stable")
        self._sorted, self._readers = self.operands[order], reader.astype(np.int32)[order]

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
        self._kinds: dict[Any, int] = {}

    def code(self, equation: Equation, types: Sequence[int]) -> tuple[int, Sequence[Any]]:
        """Return the code of an equation, and the numbers in its parameters that may be values.

        Args:
            types: `kind` of its operands, below zero for literals, and of its results.
        """
        primitive, params = equation.primitive, equation.params
        moving: Sequence[Any] = ()
        stays: Any = None
        if primitive.positions_rule is not None:
            stays, moving = primitive.positions_rule(*[a.type for a in equation.inputs], **params)
        elif params:
            stays = tuple(params.items())
        key = (primitive.name, len(equation.inputs), stays, *types)
        try:
            code = self._codes.get(key)
        except TypeError:  # a parameter that is not hashable: like nothing else
            key, code = object(), None  # type: ignore[assignment]
        if code is None:
            code = self._codes[key] = len(self._codes)
        return code, moving

    def weakness_matters(self) -> bool:
        """Whether a Python number may take another dtype than an array of its own would: beside others than these."""
        return any(number not in _WIDE for _, number, _ in self._kinds)

    def kind(self, type: Any) -> int:
        """Return a number that equal types share."""
        key = (type.shape, type.dtype.num, type.weak)
        known = self._kinds.get(key)
        if known is None:
            known = self._kinds[key] = len(self._kinds)
        return known


def same_bits(values: Sequence[Any]) -> bool:
    """Whether literals are all the same, to the bit."""
    first = values[0]
    kind, bits = type(first), repr(first)
    return all(type(v) is kind and (v is first or repr(v) == bits) for v in values)
