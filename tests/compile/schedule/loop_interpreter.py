"""An oracle for everything between a Program and LLVM: the fused loops, run one scalar at a time in Python.

It takes nothing on trust that the native code relies on. Scratch buffers lie in one block of bytes at the places
that `memory` gave them, contracted ones have the few elements that `contraction` left them, and memory that nothing
was written to holds poison. Loops that would be shared among threads run in a random order.
"""

from itertools import product
from typing import Any

import numpy as np
import scipy.special

from funcgrad.compile.loopir.expression import Expression
from funcgrad.compile.loopir.index import Counter, Data, Index, Remainder
from funcgrad.compile.loopir.nest import Leaf, Loop, leaves
from funcgrad.compile.loopir.statement import HostCall, MatrixProduct, Operand
from funcgrad.compile.pipeline import planned
from funcgrad.compile.schedule.plan import Plan
from funcgrad.compile.schedule.storage_folding import inner_offset
from funcgrad.core.program import Program
from funcgrad.programs.optimize import NATIVE, PORTABLE

__all__ = ["evaluate_index", "interpret", "lowered"]

POISON = 0xA5


def lowered(program: Program) -> Plan:
    """Return the plan of a program as it is compiled."""
    # (As it stands: what would be rolled into a loop of the program itself is written out.)
    for each in PORTABLE + NATIVE:
        program = each.run(program)
    return planned(program)


def interpret(program: Program, *args: Any, seed: int | None = None) -> list[np.ndarray]:
    """Return the outputs of a program's loops on flat arguments.

    Args:
        seed: of the order of those outermost loops whose iterations do not depend on one another; None: as written.
    """
    return _Run(lowered(program), args, seed).outputs()


def evaluate_index(index: Index, env: dict[Counter, int], data: Any = None) -> int:
    """Return the value of an index at a point of loops; `data` gives that of an expression read from arrays."""
    total = index.constant
    for atom, coefficient in index.terms.items():
        if type(atom) is Counter:
            total += coefficient * env[atom]  # which runs further where it counts for a collapsed loop
            continue
        if type(atom) is Data:
            value = int(data(atom.expression))
        else:
            inner = evaluate_index(atom.index, env, data)
            assert inner >= 0, "the native divisions are unsigned"
            value = inner % atom.divisor if type(atom) is Remainder else inner // atom.divisor
        low, high = atom.bounds()
        assert low <= value <= high, "an atom is within its bounds"
        total += coefficient * value
    return total


def _select(condition, x, y):
    return x if condition else y


def _guarded_multiply(c, p):
    return c * p if not ((c == 0 or p == 0) and np.isnan(c * p)) else p.dtype.type(0)


OPERATIONS = {
    "select": _select,
    "guarded_multiply": _guarded_multiply,
    "logistic": scipy.special.expit,
    "nonzero": lambda x: x,
    "tanh_slope": lambda x: np.square(1 / np.cosh(x)),
}


class _Run:
    def __init__(self, plan: Plan, args, seed):
        self.plan = plan
        self.random = None if seed is None else np.random.default_rng(seed)
        self.scratch = np.full(plan.scratch + 64, POISON, np.uint8)
        self.memory: dict[Any, np.ndarray] = {}
        self.args = [np.ravel(x).copy() for x in args]
        with np.errstate(all="ignore"):
            for nodes in plan.steps:
                for node in nodes:
                    self._outermost(node)

    def outputs(self) -> list[np.ndarray]:
        types = self.plan.program.out_types
        found = {b.position: self._of(b) for b in self.plan.buffers if b.kind == "output"}
        assert set(found) == set(range(len(types)))
        return [found[k].reshape(t.shape) for k, t in enumerate(types)]

    def _of(self, buffer) -> np.ndarray:
        known = self.memory.get(buffer)
        if known is None:
            known = self.memory[buffer] = self._allocate(buffer)
        return known

    def _allocate(self, buffer):
        size, dtype = buffer.size, buffer.dtype
        if buffer.kind == "input":
            return self.args[buffer.position].astype(dtype)
        if buffer.kind == "constant":
            return np.ravel(self.plan.program.constants[buffer.position][1]).astype(dtype)
        local = self.plan.local.get(buffer)
        if local is not None:
            return np.full(local.size * dtype.itemsize, POISON, np.uint8).view(dtype)
        if buffer.kind == "scratch":
            first = self.plan.offsets[buffer]
            return self.scratch[first : first + size * dtype.itemsize].view(dtype)
        return np.full(size * dtype.itemsize, POISON, np.uint8).view(dtype)

    # The tree.

    def _outermost(self, node: Loop | Leaf) -> None:
        if isinstance(node, Leaf) or self.random is None or not _is_free(node):
            self._node(node, ())
            return
        for count in self.random.permutation(node.extent):
            for child in node.children:
                self._node(child, (int(count),))

    def _node(self, node: Loop | Leaf, counts: tuple[int, ...]) -> None:
        if isinstance(node, Leaf):
            self._statement(node, counts)
            return
        for count in node.iterations(counts[-1] if counts else 0):
            for child in node.children:
                self._node(child, (*counts, count))

    def _statement(self, leaf: Leaf, counts) -> None:
        assert len(leaf.counters) == len(counts)
        self.leaf = leaf
        self.env = dict(zip(leaf.counters, counts, strict=True)) | dict.fromkeys(leaf.zero, 0)
        call = leaf.statement.call
        if isinstance(call, HostCall):
            self._host(call)
        elif isinstance(call, MatrixProduct):
            self._product(call)
        elif call is not None:
            raise NotImplementedError(call)
        for effect in leaf.statement.effects:
            self.known: dict[int, Any] = {}
            value = self._value(effect.value)
            memory, place = self._place(effect.buffer, effect.offset)
            if effect.op is not None:
                value = getattr(np, effect.op)(memory[place], value)
            assert np.asarray(value).dtype == effect.buffer.dtype
            memory[place] = value

    def _place(self, buffer, offset: Index):
        memory, local = self._of(buffer), self.plan.local.get(buffer)
        if local is not None:
            offset = inner_offset(offset, self.leaf, local.shared) + -local.low
        place = evaluate_index(offset, self.env, self._value)
        assert 0 <= place < len(memory), "within its memory"
        return memory, place

    # Scalars.

    def _value(self, x: Expression) -> Any:
        if id(x) not in self.known:
            value = self._evaluated(x)
            assert np.asarray(value).dtype == x.dtype, (x.op, np.asarray(value).dtype, x.dtype)
            self.known[id(x)] = value
        return self.known[id(x)]

    def _evaluated(self, x: Expression) -> Any:
        if x.op == "const":
            return x.detail
        if x.op == "load":
            memory, place = self._place(*x.detail)
            return memory[place]
        if x.op == "index":
            return np.int64(evaluate_index(x.detail, self.env, self._value))
        if x.op == "guard":
            holds = all(low <= evaluate_index(i, self.env, self._value) < high for i, low, high in x.detail)
            return self._value(x.args[0] if holds else x.args[1])
        args = [self._value(a) for a in x.args]
        if x.op == "cast":
            return np.asarray(args[0]).astype(x.dtype)[()]
        if x.op == "checked":
            position = args[0] + x.detail if args[0] < 0 else args[0]
            if not 0 <= position < x.detail:
                raise IndexError(f"{args[0]} of {x.detail}")
            return position
        if x.op in ("definite", "required"):
            return args[0]
        function = OPERATIONS.get(x.op) or getattr(np, x.op, None) or getattr(scipy.special, x.op)
        return np.asarray(function(*args)).astype(x.dtype)[()]

    # Calls.

    def _product(self, call: MatrixProduct) -> None:
        def places(side, rows, columns):
            buffer, offset, row, column = side
            start = evaluate_index(offset, self.env)
            where = start + row * np.arange(rows.extent)[:, None] + column * np.arange(columns.extent)
            assert 0 <= where.min() and where.max() < buffer.size
            return self._of(buffer), where

        x, at_x = places(call.x, call.rows, call.inner)
        y, at_y = places(call.y, call.inner, call.columns)
        z, at_z = places(call.z, call.rows, call.columns)
        z[at_z] = x[at_x] @ y[at_y]

    def _host(self, call: HostCall) -> None:
        args = [self._array(x) if isinstance(x, Operand) else x for x in call.args]
        out = call.primitive.eval_rule(*[x if np.ndim(x) else np.asarray(x)[()] for x in args], **call.params)
        for y, result in zip(out if call.primitive.multiple else (out,), call.results, strict=True):
            self._array(result)[...] = y

    def _array(self, operand: Operand):
        return self._of(operand.buffer).reshape(operand.shape)


def _is_free(node: Loop) -> bool:
    """Whether the iterations of a nest may run in any order: what decides whether threads may share them."""
    return all(
        leaf.statement.call is None and leaf.counters[0] not in leaf.statement.sequential
        for leaf in leaves(node)
    )


def points(loops: tuple[Counter, ...]) -> list[dict[Counter, int]]:
    """Return every point of loops."""
    return [dict(zip(loops, p, strict=True)) for p in product(*(range(loop.extent) for loop in loops))]
