"""From a Program to statements: each primitive's `lower_rule` says what its result is at an index.

A value is stored where that is needed (a result, an operand of a call), or where it would be computed several times at a
cost above `CHEAP_ADDITIONS`; else it is computed where it is asked for.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.compile.loopir.expression import Expression
from funcgrad.compile.lower.builder import Builder
from funcgrad.compile.lower.calls import control_call, host_call
from funcgrad.compile.lower.comparison import COMPARISONS, compare
from funcgrad.compile.lower.fourier import fourier
from funcgrad.compile.lower.in_place import Updates
from funcgrad.compile.lower.lapack import Lapack
from funcgrad.compile.lower.matmul import lower_product
from funcgrad.compile.lower.nan_watch import watch, watched
from funcgrad.compile.lower.thin import basis, by_terms, is_thin, kept_thin
from funcgrad.compile.lower.usage import evaluations
from funcgrad.compile.lower.value import Value
from funcgrad.compile.target.scalars import supports
from funcgrad.compile.target.types import in_memory, is_native
from funcgrad.core.parts import is_pair
from funcgrad.core.program import Equation, Literal, Program, Var
from funcgrad.core.types import ArrayType

__all__ = ["Lowering"]

# Below this cost (in additions) a value is computed again at each use rather than stored: about what a
# store and a load cost.
CHEAP_ADDITIONS = 7
# An expression of more nodes is stored, so that no single statement grows without bound.
MOST_NODES = 150
# So is a view of a view of ... a view: asking one asks them all.
MOST_VIEWS = 40


class Lowering(Builder):
    """The lowering of one program; what a `lower_rule` is given as its first argument.

    A rule is `lower_rule(lower, out, *args, **params)`, with `out` the type of the result (a tuple of them for
    several results) and `args` Values. It returns a Value (or a tuple of them), or None where it does not apply:
    then the primitive's evaluation rule is called on the host.

    Args:
        reusable_inputs: inputs whose memory may be written to, each if the output it stands for is then in it.
        careful: what is quick but not right for all arguments is left out.
        whole: it is no body of a loop or branch.

    Attributes:
        lapack: matrices in memory, and the routines of BLAS and LAPACK on them (`Lapack`).
        updates: arrays written where they are (`Updates`).
    """

    def __init__(
        self,
        program: Program,
        reusable_inputs: dict[int, int] | None = None,
        *,
        careful: bool = False,
        whole: bool = True,
    ):
        super().__init__(program, careful=careful)
        self._watched = set() if careful else watched(program, whole=whole)
        self._evaluations = evaluations(program)
        self._outputs: dict[Var, int] = {}
        self.lapack = Lapack(self)
        self.updates = Updates(self, program, reusable_inputs or {})
        self._depth: dict[Var, int] = {}

    def run(self) -> "Lowering":
        """Lower every equation, and store the outputs."""
        program = self.program
        for position, var in enumerate(program.inputs):
            buffer = self._buffer("input", var.type, position)
            self.values[var] = self.stored(buffer, in_memory(var.type))
            self.updates.enter(position, var, buffer)
        for position, (var, value) in enumerate(program.constants):
            buffer = self._buffer("constant", var.type, position)
            self.values[var] = basis(self, value, self.stored(buffer, in_memory(var.type)))
        for position, atom in enumerate(program.outputs):
            if isinstance(atom, Var) and atom not in self.values:
                self._outputs.setdefault(atom, position)
        for self.position, equation in enumerate(program.equations):
            self._lower(equation)
        for position, atom in enumerate(program.outputs):
            if isinstance(atom, Var) and self.updates.is_in_place(self.values[atom], position):
                continue
            if not isinstance(atom, Var) or self._outputs.get(atom) != position:
                self._write(self._read(atom), self._buffer("output", atom.type, position))
        return self

    def apply(
        self, name: str, ufunc: np.ufunc, out: ArrayType, args: Sequence[Value], *, zero_wins: bool = False
    ) -> Value | None:
        """Return the elementwise operation `name`, in the dtypes of NumPy's `ufunc`.

        Args:
            zero_wins: zero times infinity may be zero.
        """
        if name == "add":
            for x, y in (args, reversed(args)):
                total = self.updates.added(out, x, y)
                if total is not None:
                    return total
        total = by_terms(self, name, ufunc, out, args, zero_wins=zero_wins)
        if total is not None:
            return total
        try:
            dtypes = ufunc.resolve_dtypes((*[x.type.promotion for x in args], *(None,) * ufunc.nout))
        except TypeError:
            return None
        if not supports(name, dtypes[0]) or not all(is_native(d) for d in dtypes):
            return None

        if name in COMPARISONS and all(d.kind in "iub" for d in dtypes[:2]):
            x, y = args
            return self.map(out, lambda i: compare(self, name, x.spread(i), y.spread(i), (x.type, y.type)))

        def at(index):
            operands = [self._operand(x, x.spread(index), d) for x, d in zip(args, dtypes, strict=False)]
            element = self.op(name, dtypes[-1], *operands)
            return self.cast(kept_thin(self.expressions, element, zero_wins=zero_wins), out.dtype)

        return self.map(out, at)

    def _operand(self, x: Value, element: Expression, dtype: np.dtype) -> Expression:
        """Return an operand in the dtype of its operation; a Python int must fit there, as NumPy has it."""
        if (
            x.type.weak
            and x.dtype.kind == "i"
            and dtype.kind in "iu"
            and dtype != x.dtype
            and element.op != "const"
        ):
            return self.expressions.make("fitted", (element,), dtype)
        return self.cast(element, dtype)

    def control(self, kind: str, programs: Sequence[Program], outs: Any, args: Any, **details: Any) -> Any:
        """Return the results of a loop or branch of the program itself; None where its bodies cannot be native."""
        return control_call(self, kind, programs, outs, args, **details)

    def product(
        self, out: ArrayType, x: Value, y: Value, contract: Any, batch: Any, *, zero_wins: bool = False
    ) -> Value:
        """Return the sum of products that `dot` is, by loops or by BLAS.

        Args:
            zero_wins: zero times infinity may be zero.
        """
        return lower_product(self, out, x, y, contract, batch, zero_wins=zero_wins)

    def fourier(self, name: str, out: ArrayType, x: Value, shape: Any, axis: int, norm: str) -> Value | None:
        """Return a discrete Fourier transform along an axis; None where there is no routine for it."""
        return fourier(self, name, out, x, shape, axis, norm)

    def _lower(self, equation: Equation) -> None:
        args = [self._read(a) for a in equation.inputs]
        multiple = equation.primitive.multiple
        types = tuple(v.type for v in equation.outputs)
        mark = len(self.buffers)
        results = None
        rule = equation.primitive.lower_rule
        pairs = equation.primitive.complex_in_memory
        native = all(
            is_native(a.type.dtype) or (pairs and is_pair(a.type.dtype))
            for a in (*equation.inputs, *equation.outputs)
        )
        if rule is not None and native:
            results = rule(self, types if multiple else types[0], *args, **equation.params)
            if equation.primitive.view and len(args) == 1 and results is not None and args[0].terms:
                results.terms = tuple([rule(self, types[0], x, **equation.params) for x in args[0].terms])
        if results is None:
            results = host_call(self, equation, args)
        elif not multiple:
            results = (results,)
        depth = 1 + max([self._depth.get(a, 0) for a in equation.inputs if isinstance(a, Var)], default=0)
        for var, value in zip(equation.outputs, results, strict=True):
            value = self.values[var] = self._settled(var, value, mark, depth > MOST_VIEWS)
            self._depth[var] = depth if value.buffer is None else 0
            self.updates.defined(var, value)
            if var in self._watched:
                watch(self, value)

    def _settled(self, var: Var, value: Value, mark: int, deep: bool) -> Value:
        """Return the value, stored where it must be or where that is cheaper."""
        position = self._outputs.get(var)
        if position is not None:
            if self.updates.is_in_place(value, position):
                return value
            buffer = value.buffer
            if buffer is not None and buffer.kind == "scratch" and buffer in self.buffers[mark:]:
                buffer.kind, buffer.position = "output", position
                return value
            buffer = self._buffer("output", var.type, position)
            self._write(value, buffer)
            return self.stored(buffer, in_memory(var.type))
        if value.buffer is None and value.size:
            expression = self.element(value)
            often = self._evaluations.get(var, 0) > 1.01
            thin = value.terms or is_thin(expression)
            dear = often and not (thin or expression.is_cheap(CHEAP_ADDITIONS))
            if deep or expression.size > MOST_NODES or dear:
                value = self.store(value)
        if value.type != in_memory(var.type):
            part, pieces, terms = value.part, value.pieces, value.terms
            value = Value(in_memory(var.type), value.at, value.buffer)
            value.part, value.pieces, value.terms = part, pieces, terms
        return value

    def _read(self, atom) -> Value:
        if isinstance(atom, Literal) and is_pair(atom.type.dtype):
            kind = in_memory(atom.type)
            re, im = (self.const(x, kind.dtype) for x in (atom.value.real, atom.value.imag))
            return Value(kind, lambda index: self.guard([(index[-1], 0, 1)], lambda: re, im))
        if isinstance(atom, Literal):
            constant = self.expressions.literal(atom.value, atom.type.dtype)
            return Value(atom.type, lambda index: constant)
        return self.values[atom]
