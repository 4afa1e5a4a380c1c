"""Simplify a Program before it is compiled: the same results from fewer equations.

One pass forward puts the functions themselves in place of calls that only give them derivatives, evaluates what depends on numbers and small constants only, applies the tables of
rewrites, and drops equations that were there before; one backward drops what nothing needs. As each equation meets
operands that are simplified already, a second run finds nothing more to do.

Custom derivatives and `stop_gradient` are gone, unless derivatives are to be taken afterwards. A result may be an
argument itself where it was a copy or a view of it.
"""

from collections.abc import Callable, Iterable
from functools import cache
from math import gcd
from typing import Any

import numpy as np

from funcgrad.core.check import check
from funcgrad.core.effects import replaced_programs
from funcgrad.core.primitive import Primitive, primitive_named
from funcgrad.core.program import Atom, Equation, Literal, Program, Var, subprograms
from funcgrad.core.tracer import Tracer
from funcgrad.core.types import ArrayType, type_of
from funcgrad.errors import FuncgradError
from funcgrad.programs.simplify.algebra import ALGEBRA
from funcgrad.programs.simplify.patterns import Apply, Known, Rule, atom_key
from funcgrad.programs.simplify.rearrangements import REARRANGEMENTS
from funcgrad.programs.simplify.slices import SLICES

__all__ = ["RULES", "simplify"]

RULES: tuple[Rule, ...] = (*ALGEBRA, *REARRANGEMENTS, *SLICES)


@cache
def _rules_of(primitive: Primitive) -> list[Rule]:
    return [rule for rule in RULES if rule.starts_from(primitive)]


# Constants up to this many bytes are evaluated with, and compared.
EVALUATED_BYTES = 1 << 16
# A constant that is computed may be this many times as large as those it is computed from.
MOST_GROWTH = 4
# Rewrites of one equation: what reads through a chain of updates must not take quadratic time.
MOST_REWRITES = 100


def simplify(program: Program, *, checked: bool = False, differentiable: bool = False) -> Program:
    """Return a program that gives the same results, to the bit, for all arguments.

    Args:
        program: any program; its structure, names and the types of its inputs and outputs are kept.
        checked: whether to verify the IR's laws after each pass.
        differentiable: whether to keep what changes derivatives only: custom ones and `stop_gradient`.

    Cost: linear in the number of equations.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> simplify(fg.trace(lambda x: (x + 0 * 2.0) * 1.0 - (-x) ** 2)(np.float32(3)))
    lambda(x: float32[]):
        a: float32[] = add x 0.0
        b: float32[] = square x
        c: float32[] = subtract a b
        return c
    """
    done: dict[int, tuple[Program, Program]] = {}
    verified = check if checked else (lambda program: program)

    def simplified(program: Program) -> Program:
        if id(program) not in done:
            out = verified(_Forward(program, simplified, differentiable).run())
            out = verified(out.computing(out.outputs))
            done[id(program)] = (program, out)  # with the program, so that no other gets its id
        return done[id(program)][1]

    return simplified(program)


class _Forward:
    """The pass from the first equation to the last."""

    def __init__(self, program: Program, simplified: Callable[[Program], Program], differentiable: bool):
        self.program = program
        self.simplified = simplified
        self.differentiable = differentiable
        self.known = Known()
        self.constants: list[tuple[Var, Any]] = []
        self.equations: list[Equation] = []
        self._replaced: dict[Var, Atom] = {}
        self._seen: dict[Any, tuple[Var, ...]] = {}  # the results of an equation, by what it computes
        self._constants_seen: dict[Any, Var] = {}
        self._order: dict[Any, int] = {}

    def run(self) -> Program:
        program = self.program
        for var, value in program.constants:
            self._replaced[var] = self.constant(value, var)
        for equation in program.equations:
            self.take(self.renamed(equation, equation.outputs))
        outputs = tuple(map(self.atom, program.outputs))
        return program.replaced(constants=self.constants, equations=self.equations, outputs=outputs)

    def atom(self, atom: Atom) -> Atom:
        return self._replaced.get(atom, atom) if type(atom) is Var else atom

    def renamed(self, equation: Equation, outputs: tuple[Var, ...]) -> Equation:
        inputs = tuple([self.atom(a) for a in equation.inputs])
        params = equation.params
        if any(type(v) is Program or type(v) is tuple for v in params.values()) and subprograms(params):
            params = replaced_programs(params, self.simplified)
        return Equation(equation.primitive, inputs, params, outputs, equation.source)

    def take(self, equation: Equation) -> None:
        """Add an equation, or what takes its place, to those simplified so far."""
        for _ in range(MOST_REWRITES):
            if self._inlined(equation) or self._evaluated(equation):
                return
            replacement = self._rewritten(equation)
            if replacement is None:
                break
            if not isinstance(replacement, Equation):
                self._replaced[equation.outputs[0]] = replacement
                return
            equation = replacement
        key = self._key(equation)
        known = self._seen.get(key) if key is not None else None
        if known is not None:
            self._replaced.update(zip(equation.outputs, known, strict=True))
            return
        if key is not None:
            self._seen[key] = equation.outputs
        self.equations.append(equation)
        for var in equation.outputs:
            self.known.equations[var] = equation
        if equation.primitive.passed_rule is not None:
            self._pass_on(equation)

    def _pass_on(self, equation: Equation) -> None:
        """Read arguments in place of results that they are."""
        places = equation.primitive.passed_rule(**equation.params)
        for var, ks in zip(equation.outputs, places, strict=True):
            atoms = [equation.inputs[k] for k in ks]
            if atoms and atoms[0].type == var.type and all(a is atoms[0] for a in atoms):
                self._replaced[var] = atoms[0]

    # Rewriting.

    def _rewritten(self, equation: Equation) -> Equation | Atom | None:
        """Return what the first rule that applies makes of the equation."""
        for rule in _rules_of(equation.primitive):
            proposed = rule.rewrite(self.known, equation)
            if proposed is not None:
                accepted = self._accepted(proposed, equation)
                if accepted is not None:
                    return accepted
        return None

    def _accepted(self, proposed, equation):
        out = equation.outputs[0]
        if not isinstance(proposed, Apply):
            return proposed if proposed.type == out.type else None
        try:
            applied = self._applied(proposed, equation, out)
        except FuncgradError:  # not for operands of these types
            return None
        return applied if applied.outputs[0] is out else None

    def _applied(self, proposed: Apply, equation: Equation, out: Var | None = None) -> Equation:
        """Return the equation proposed, its operands added: for `out` where that has its type, else for a new
        variable."""
        primitive = primitive_named(proposed.name)
        inputs = []
        for part in proposed.inputs:
            if isinstance(part, Apply):
                part = self._added(part, equation)
            inputs.append(part)
        kind = primitive.type_rule(*[a.type for a in inputs], **proposed.params)
        if out is None or kind.strong() != out.type.strong():
            out = Var(kind)
        return Equation(primitive, tuple(inputs), proposed.params, (out,), equation.source)

    # Constant folding.

    def constant(self, value: Any, var: Var) -> Atom:
        """Return the atom for a constant: a literal, one that is there already, or `var`."""
        if type(value) is Tracer:  # it has a value only when the program around this one runs
            self.constants.append((var, value))
            return var
        if not var.type.shape:
            return Literal(var.type.dtype.type(np.asarray(value)[()]))
        bits = value.tobytes() if value.nbytes <= EVALUATED_BYTES else id(value)
        key = (value.shape, value.dtype, bits)
        if key in self._constants_seen:
            return self.atom(self._constants_seen[key])  # which may be another variable by now
        self._constants_seen[key] = var
        if _is_uniform(value):
            broadcast_to = primitive_named("broadcast_to")
            number = Literal(value[(0,) * value.ndim])
            self.take(Equation(broadcast_to, (number,), {"shape": value.shape}, (var,)))
            return self.atom(var)
        self.constants.append((var, value))
        self.known.constants[var] = value
        return var

    def _evaluated(self, equation: Equation) -> bool:
        """Replace the results by constants, where all operands are numbers or small constants."""
        values = []
        size = 0
        for atom in equation.inputs:
            value = atom.value if isinstance(atom, Literal) else self.known.constants.get(atom)
            if value is None:
                return False
            size += getattr(value, "nbytes", 8)
            values.append(value)
        types = [v.type for v in equation.outputs]
        if (
            size > EVALUATED_BYTES
            or equation.primitive.name == "broadcast_to"
            or _is_opaque(equation)
            or not values
        ):
            return False
        if sum(t.nbytes for t in types) > max(MOST_GROWTH * size, 64):
            return False
        try:
            with np.errstate(all="ignore"):
                out = equation.primitive.eval_rule(*values, **equation.params)
        except Exception:  # it fails when it is run, then
            return False
        results = out if equation.primitive.multiple else (out,)
        atoms = [_as_constant(result, t) for result, t in zip(results, types, strict=True)]
        if any(x is None for x in atoms):
            return False
        for var, x in zip(equation.outputs, atoms, strict=True):
            self._replaced[var] = x if type(x) is Literal else self.constant(x, var)
        return True

    # Inlining.

    def _inlined(self, equation: Equation) -> bool:
        """Add the equations of a function in place of the call that gives it a derivative, where that can be done."""
        primitive = equation.primitive
        if primitive.primal_rule is None or self.differentiable:
            return False
        called = primitive.primal_rule(*[a.type for a in equation.inputs], **equation.params)
        if not isinstance(called, Program) or len(called.inputs) != len(equation.inputs):
            return False
        if [t.strong() for t in called.out_types] != [v.type.strong() for v in equation.outputs]:
            return False
        operands = [_given(a, v.type) for a, v in zip(equation.inputs, called.inputs, strict=True)]
        if any(x is None for x in operands):
            return False
        self._splice(called, [self._added(x, equation) for x in operands], equation)
        return True

    def _splice(self, called: Program, operands: list[Atom], call: Equation) -> None:
        # The same program may be called twice: each time its variables are new.
        fresh: dict[Var, Atom] = dict(zip(called.inputs, operands, strict=True))
        for var, value in called.constants:
            fresh[var] = self.constant(value, Var(var.type))

        def read(atom):
            return self.atom(fresh[atom]) if type(atom) is Var else atom

        for inner in called.equations:
            outputs = tuple([Var(v.type) for v in inner.outputs])
            fresh.update(zip(inner.outputs, outputs, strict=True))
            inputs = tuple(map(read, inner.inputs))
            bare = Equation(inner.primitive, inputs, inner.params, outputs, inner.source or call.source)
            self.take(self.renamed(bare, outputs))
        for var, atom in zip(call.outputs, map(read, called.outputs), strict=True):
            given = _given(atom, var.type)
            assert given is not None, "a call's results have the dtypes of the called program's"
            self._replaced[var] = self._added(given, call)

    def _added(self, given: Any, call: Equation) -> Atom:
        if not isinstance(given, Apply):
            return given
        equation = self._applied(given, call)
        self.take(equation)
        return self.atom(equation.outputs[0])

    # Common subexpression elimination.

    def _key(self, equation: Equation) -> Any:
        """Return what is equal for equations with equal results; None where that cannot be told."""
        if _is_opaque(equation) and not subprograms(equation.params):
            return None
        keys: Iterable[Any] = [atom_key(a) for a in equation.inputs]
        name = equation.primitive.name
        # (Complex products are not commutative where their parts are rounded together.)
        if equation.primitive.commutative and equation.outputs[0].type.dtype.kind != "c":
            keys = sorted(self._order.setdefault(key, len(self._order)) for key in keys)
        params = tuple([(key, _param_key(value)) for key, value in sorted(equation.params.items())])
        return name, tuple(keys), params, tuple([v.type.weak for v in equation.outputs])


def _given(atom: Atom, wanted: ArrayType) -> Atom | Apply | None:
    """Return `atom` as a value of the type wanted: a Python number is given its dtype."""
    if atom.type == wanted:
        return atom
    if wanted.weak or not atom.type.weak or atom.type.dtype != wanted.dtype or wanted.shape:
        return None
    if type(atom) is Literal:
        return Literal(wanted.dtype.type(atom.value))
    return Apply("convert", atom, dtype=wanted.dtype)


def _is_opaque(equation: Equation) -> bool:
    """Whether it has an effect, or functions among its parameters, of which nothing is known."""
    if equation.primitive.effect:
        return True
    for value in equation.params.values():
        for item in value if type(value) is tuple else (value,):
            if type(item) is Program or (callable(item) and not isinstance(item, type)):
                return True
    return equation.primitive.opaque or equation.primitive.primal_rule is not None


def _is_uniform(x: np.ndarray) -> bool:
    """Whether all elements have the same bits."""
    if x.size < 1 or x[(0,) * x.ndim].tobytes() != x[(-1,) * x.ndim].tobytes():
        return False
    word = np.dtype(f"u{gcd(x.itemsize, 8)}")
    bits = np.ascontiguousarray(x).reshape(-1).view(word).reshape(x.size, -1)
    return bool((bits == bits[0]).all())


def _as_constant(value: Any, wanted: ArrayType) -> Any:
    """Return a computed value as a Literal or an array of its own; None where its type is another."""
    if not wanted.shape:
        value = np.asarray(value)[()]
        literal = Literal(value.item() if wanted.weak else value)
        return literal if literal.type == wanted else None
    if not isinstance(value, np.ndarray) or type_of(value) != wanted:
        return None
    value = np.array(value, order="C")
    value.flags.writeable = False
    return value


def _param_key(value: Any) -> Any:
    """Return what is equal for equal parameters, where == is not enough: 0.0 and -0.0, 1 and True."""
    if type(value) is tuple:
        return tuple([_param_key(v) for v in value])
    if type(value) is Program:
        return id(value)
    if isinstance(value, (bool, float, complex, np.generic)):
        return type(value), value.tobytes() if isinstance(value, np.generic) else repr(value)
    return value
