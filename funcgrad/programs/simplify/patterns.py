"""What a rewrite is: a pattern of equations, what takes its place, and when the two are the same.

A pattern is written as programs print equations: `multiply (negative x) #a` is the product of a negative and a
number. A name stands for any operand, and the same name for the same operand; a name that begins with `#` for a
number, and a number for itself, as a literal or broadcast from one. What takes its place is written alike; there
`-#a` is the negated number, and a number alone fills the result's shape.

Whatever a rule proposes is taken only where its type is that of the result it replaces, so no rule needs to ask
how its operands broadcast and promote.
"""

from collections.abc import Callable
from math import copysign
from typing import Any

import numpy as np

from funcgrad.core.primitive import Primitive
from funcgrad.core.program import Atom, Equation, Literal, Var
from funcgrad.core.types import ArrayType

__all__ = ["Apply", "Known", "Rule", "atom_key", "rewrite", "rule", "spread", "strong"]


class Apply:
    """A primitive, by name, to be applied to atoms and to other applications."""

    __slots__ = ("inputs", "name", "params")

    def __init__(self, name: str, *inputs: Any, **params: Any):
        self.name = name
        self.inputs = inputs
        self.params = params


class Known:
    """What is known of the variables so far: the equation that assigns each, or its constant value."""

    def __init__(self) -> None:
        self.equations: dict[Var, Equation] = {}
        self.constants: dict[Var, Any] = {}

    def producer(self, atom: Atom, *names: str) -> Equation | None:
        """Return the equation that assigns `atom`, if it is one of the primitives named."""
        equation = self.equations.get(atom) if type(atom) is Var else None
        return equation if equation is not None and equation.primitive.name in names else None

    def number(self, atom: Atom) -> Literal | None:
        """Return the literal that `atom` is, or is broadcast from."""
        if type(atom) is Literal:
            return atom
        spread_by = self.producer(atom, "broadcast_to")
        if spread_by is not None and type(spread_by.inputs[0]) is Literal:
            return spread_by.inputs[0]
        return None


class Rule:
    """A rewrite: the name tests know it by, the primitives it starts from, and why nothing changes.

    These are named, or all that have a trait: an attribute of `Primitive`.

    `rewrite(known, equation)` returns what takes the place of the equation's result (an atom or an Apply), or
    None where the rule does not apply.
    """

    __slots__ = ("name", "rewrite", "roots", "trait", "why")

    def __init__(self, name: str, roots: tuple[str, ...], rewrite: Callable, why: str, trait: str = ""):
        self.name = name
        self.roots = roots
        self.trait = trait
        self.rewrite = rewrite
        self.why = why

    def starts_from(self, primitive: Primitive) -> bool:
        """Whether it may apply to an equation of the primitive."""
        return primitive.name in self.roots or bool(self.trait and getattr(primitive, self.trait))

    def __repr__(self) -> str:
        return f"Rule({self.name})"


def rule(
    table: list[Rule], name: str, *roots: str, why: str, trait: str = ""
) -> Callable[[Callable], Callable]:
    """Add the decorated function `(known, equation) -> replacement or None` to a table."""

    def decorate(function: Callable) -> Callable:
        table.append(Rule(name, roots, function, why, trait))
        return function

    return decorate


def rewrite(name: str, before: str, after: str, kinds: str, why: str) -> Rule:
    """Return the rule that puts `after` for the pattern `before`.

    Args:
        name: what tests call it.
        before: the pattern.
        after: what takes its place.
        kinds: the kinds of dtype (`f`, `c`, `i`, `u`, `b`) of the result for which it is exact. The results in
            between have the same dtype, or are bools, so that nothing is rounded or wrapped to another one.
        why: the reason it is exact.
    """

    pattern, replacement = _parsed(before), _parsed(after)

    def apply(known: Known, equation: Equation) -> Any:
        out = equation.outputs[0].type
        if out.dtype.kind not in kinds:
            return None
        found: dict[str, Atom] = {}
        if not _match_inputs(pattern, equation, found, known, out.dtype):
            return None
        return _filled(replacement, found, out)

    return Rule(name, (pattern[0],), apply, why)


def _parsed(text: str) -> Any:
    """Return the nested tuples, names and numbers that a pattern's text says."""
    nested: list[list] = [[]]
    for token in text.replace("(", "( ").replace(")", " )").split():
        if token == "(":
            nested.append([])
        elif token == ")":
            done = tuple(nested.pop())
            nested[-1].append(done)
        else:
            nested[-1].append(_token(token))
    return nested[0][0] if len(nested[0]) == 1 else tuple(nested[0])


def _token(token):
    if token in ("True", "False"):
        return token == "True"
    try:
        return float(token)
    except ValueError:
        return token


def _match_inputs(pattern, equation, found, known, dtype) -> bool:
    subpatterns, inputs = pattern[1:], equation.inputs
    saved = dict(found)
    if all(_match(p, a, found, known, dtype) for p, a in zip(subpatterns, inputs, strict=True)):
        return True
    found.clear()
    found.update(saved)
    if not equation.primitive.commutative:
        return False
    if all(_match(p, a, found, known, dtype) for p, a in zip(subpatterns, reversed(inputs), strict=True)):
        return True
    found.clear()
    found.update(saved)
    return False


def _match(pattern, atom, found, known, dtype) -> bool:
    if isinstance(pattern, str):
        if pattern.startswith("#"):
            atom = known.number(atom)
            if atom is None:
                return False
        bound = found.setdefault(pattern, atom)
        return bound is atom or atom_key(bound) == atom_key(atom)
    if isinstance(pattern, tuple):
        producer = known.producer(atom, pattern[0])
        if producer is None or atom.type.dtype not in (dtype, np.dtype(bool)):
            return False
        return _match_inputs(pattern, producer, found, known, dtype)
    literal = known.number(atom)
    return literal is not None and _is_number(literal.value, pattern)


def _is_number(value, wanted) -> bool:
    """Whether `value` is the number wanted, a zero of the same sign included."""
    if value != wanted:
        return False
    if np.iscomplexobj(value):
        return copysign(1, value.imag) == 1 and copysign(1, value.real) == copysign(1, wanted)
    return copysign(1, value) == copysign(1, wanted)


def _filled(after, found, out: ArrayType) -> Any:
    if isinstance(after, tuple):
        inputs = [_filled(part, found, out) for part in after[1:]]
        return None if any(part is None for part in inputs) else Apply(after[0], *inputs)
    if isinstance(after, str):
        if after.startswith("-#"):
            # In the dtype of the operation, so that minus the integer 0 becomes -0.0.
            number = found[after[1:]].value
            return Literal(-out.dtype.type(number))
        return found[after]
    return spread(Literal(out.dtype.type(after)), out)


def strong(atom: Atom) -> Atom | None:
    """Return `atom` without the weakness of a Python number; None for a weak variable."""
    if not atom.type.weak:
        return atom
    return Literal(atom.type.dtype.type(atom.value)) if type(atom) is Literal else None


def spread(atom: Atom, out: ArrayType) -> Any:
    """Return `atom`, or what broadcasts it to the shape of `out`; None where its dtype is another."""
    if atom.type == out:
        return atom
    if not out.shape:
        return None
    if type(atom) is Literal and atom.type.weak and not out.weak:
        try:
            atom = Literal(out.dtype.type(atom.value))
        except (OverflowError, TypeError, ValueError):
            return None
    return Apply("broadcast_to", atom, shape=out.shape) if atom.type.dtype == out.dtype else None


def atom_key(atom: Atom) -> Any:
    """Return what is equal for equal atoms: a variable, or a literal's type and bits."""
    if isinstance(atom, Var):
        return atom
    value = atom.value
    bits = value.tobytes() if isinstance(value, np.generic) else repr(value)
    return type(value), bits
