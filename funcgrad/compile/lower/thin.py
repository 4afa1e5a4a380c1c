"""Arrays that are zero but where their indices agree in some way, as the basis vectors of a Jacobian are.

An element of such an array is a guard by an equality, with zero outside. Products of derivatives, in which a zero wins, keep
that, and of a sum along an axis that the equality settles one term is left: a Jacobian by way of n basis vectors costs what
the numbers in it cost, rather than n times a derivative.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from funcgrad.compile.loopir.expression import Expression, Expressions
from funcgrad.compile.loopir.index import Index, flatten_index
from funcgrad.compile.lower.value import Value
from funcgrad.core.types import ArrayType

__all__ = ["basis", "by_terms", "is_thin", "kept_thin", "settles", "summed_thin"]

# An array is told by so many terms at most.
MOST_TERMS = 4
# Operations that give zero for zero; a product only where a zero wins, or where the other factor is finite. Which zero, 0.0
# or -0.0, is what NumPy has: only products of derivatives may give either.
_LINEAR = frozenset({"cast", "negative", "multiply", "guarded_multiply"})


def is_thin(x: Expression) -> bool:
    """Whether an element is zero but where an equality between the indices of its array holds."""
    return x.op == "guard" and _is_zero(x.args[1]) and any(map(_is_equality, x.detail))


def _is_zero(x: Expression) -> bool:
    return x.op == "const" and x.detail == 0


def _is_equality(condition: tuple[Index, int, int]) -> bool:
    index, low, high = condition
    return high - low == 1 and len(index.terms) > 1 and index.is_affine()


def basis(lower: Any, value: np.ndarray, stored: Value) -> Value:
    """Return a constant whose rows are basis vectors, or multiples of them, as a thin array; any other as it is stored."""
    if value.ndim < 2 or value.dtype.kind != "f" or len(value) < 2 or value.size < 2 * len(value):
        return stored
    rows = value.reshape(len(value), -1)
    first = np.flatnonzero(rows.any(axis=0))
    if not len(first):
        return stored
    shift = int((rows[:, first[0]] != 0).argmax()) - int(first[0])
    diagonal = np.diagonal(rows, -shift)
    if not diagonal.all() or np.count_nonzero(rows) != len(diagonal):
        return stored
    signs = np.signbit(rows[rows == 0])
    if signs.any() != signs.all():
        return stored
    one = lower.const(1, value.dtype) if (diagonal == 1).all() else None
    zero = lower.const(-0.0 if signs.any() else 0.0, value.dtype)

    def at(index):
        place = index[0] - flatten_index(index[1:], value.shape[1:])
        return lower.guard([(place, shift, shift + 1)], lambda: one or stored.at(index), zero)

    return Value(stored.type, at, stored.buffer)


def kept_thin(expressions: Expressions, x: Expression, *, zero_wins: bool = False) -> Expression:
    """Return an operation on thin elements as a thin element, where it gives zero for zero.

    Args:
        zero_wins: as it does in products of derivatives; elsewhere zero times infinity is nan.
    """
    if x.op not in _LINEAR or x.dtype.kind not in "fc":
        return x
    if zero_wins and x.op != "cast":
        for k, operand in enumerate(x.args):
            if _is_zero(operand):
                return operand
            if operand.op == "const" and operand.detail == 1 and len(x.args) == 2:
                return x.args[1 - k]
    for k, operand in enumerate(x.args):
        others = (*x.args[:k], *x.args[k + 1 :])
        if is_thin(operand) and (zero_wins or all(o.op == "const" and np.isfinite(o.detail) for o in others)):
            operands = (*x.args[:k], operand.args[0], *x.args[k + 1 :])
            inside = expressions.make(x.op, operands, x.dtype, x.detail)
            inside = kept_thin(expressions, inside, zero_wins=zero_wins)
            zero = operand.args[1].detail
            for o in others:
                zero = zero * o.detail if o.op == "const" and np.isfinite(o.detail) else 0.0
            outside = expressions.const(-zero if x.op == "negative" else zero, x.dtype)
            return expressions.guard(operand.detail, lambda: inside, outside)  # noqa: B023
    return x


def by_terms(
    lower: Any, name: str, ufunc: Any, out: ArrayType, args: Sequence[Value], *, zero_wins: bool
) -> Value | None:
    """Return a sum of thin arrays, or what a linear operation makes of one, by its terms; None for anything else.

    (Infinite terms may give nan where their sum, that is zero, wins: careful code does without.)
    """
    if lower.careful or out.dtype.kind != "f" or any(x.dtype != out.dtype for x in args):
        return None
    if name in ("add", "subtract"):
        left, right = (_terms(lower, x) for x in args)
        if not left or not right:
            return None
        if name == "subtract":
            negated = (lower.apply("negative", np.negative, x.type, [x]) for x in right)
            right = tuple(x for x in negated if x is not None)
        return _total(lower, out, [lower.map(out, x.spread) for x in (*left, *right)])
    if name not in _LINEAR:
        return None
    k = next((k for k, x in enumerate(args) if x.terms), None)
    if k is None:
        return None
    made = [
        lower.apply(name, ufunc, out, [*args[:k], x, *args[k + 1 :]], zero_wins=zero_wins)
        for x in args[k].terms
    ]
    if not all(x is not None and _terms(lower, x) for x in made):
        return None
    return _total(lower, out, [x for x in made if x is not None])


def _terms(lower: Any, x: Value) -> tuple[Value, ...]:
    """Return the thin arrays that an array is the sum of; none where it is not known to be any."""
    if x.terms or not x.size or not x.ndim:
        return x.terms
    return (x,) if is_thin(lower.element(x)) else ()


def _total(lower: Any, out: ArrayType, terms: Sequence[Value]) -> Value | None:
    """Return the sum of thin arrays, those with the same equality together; None where there are too many."""
    together: dict[Any, list[Value]] = {}
    for x in terms:
        together.setdefault(lower.element(x).detail, []).append(x)
    if len(together) > MOST_TERMS:
        return None
    sums = [_sum(lower, out, group) for group in together.values()]
    if len(sums) == 1:
        return sums[0]
    total = _sum(lower, out, sums)
    total.terms = tuple(sums)
    return total


def _sum(lower: Any, out: ArrayType, terms: Sequence[Value]) -> Value:
    def at(index):
        total = terms[0].at(index)
        for x in terms[1:]:
            total = _added(lower, total, x.at(index))
        return total

    return terms[0] if len(terms) == 1 else lower.map(out, at)


def _added(lower: Any, x: Expression, y: Expression) -> Expression:
    if is_thin(x) and is_thin(y) and x.detail == y.detail:
        inside = lower.op("add", x.dtype, x.args[0], y.args[0])
        zero = lower.const(x.args[1].detail + y.args[1].detail, x.dtype)
        return lower.guard(x.detail, lambda: inside, zero)
    return lower.op("add", x.dtype, x, y)


def _from_zero(lower: Any, x: Expression) -> Expression:
    """Return the sum of one term as NumPy has it, which begins with 0.0: so -0.0 becomes that."""
    if is_thin(x):
        inside = _from_zero(lower, x.args[0])
        return lower.guard(x.detail, lambda: inside, lower.const(0.0, x.dtype))
    return lower.op("add", x.dtype, x, lower.const(0.0, x.dtype))


def summed_thin(lower: Any, out: ArrayType, x: Value, axes: Sequence[int]) -> Value | None:
    """Return the sum of a thin array over some axes; None for any other array.

    An axis that the equality settles has one term. Where it settles one of those that are kept, the sum is thin, too: of
    that axis, nothing is summed but the element where it holds.
    """
    if x.terms:
        sums = [lower.reduce("add", out, term, axes, keepdims=False) for term in x.terms]
        total = _total(lower, out, sums) if all(_terms(lower, y) for y in sums) else None
        return _sum(lower, out, sums) if total is None else total
    found = _settled(lower, x, axes)
    if found is not None:
        rest = _where_it_holds(lower, x, found)
        left = [d - (d > found.axis) for d in axes if d != found.axis]
        if left:
            return lower.reduce("add", out, rest, left, keepdims=False)
        return lower.map(out, lambda index: _from_zero(lower, lower.cast(rest.at(index), out.dtype)))
    kept = [d for d in range(x.ndim) if d not in axes]
    found = _settled(lower, x, kept[::-1])  # the innermost: what is left is the same for all of it
    if found is None or any(d in axes for d, _ in found.others):
        return None
    rest = _where_it_holds(lower, x, found)
    k = kept.index(found.axis)
    shape = (*out.shape[:k], *out.shape[k + 1 :])
    left = [d - (d > found.axis) for d in axes]
    total = lower.reduce("add", ArrayType(shape, out.dtype), rest, left, keepdims=False)
    zero = lower.const(0, out.dtype)

    def at(index):
        full = dict(zip(kept, index, strict=True))
        difference = full[found.axis] - found.place(full)
        return lower.guard([(difference, 0, 1)], lambda: total.at((*index[:k], *index[k + 1 :])), zero)

    return lower.map(out, at)


def settles(lower: Any, x: Value, axes: Sequence[int]) -> bool:
    """Whether an array is thin, and its equality settles one of these axes."""
    return _settled(lower, x, axes) is not None


class _Settled(NamedTuple):
    """An axis that an equality settles: its index is `constant` plus the others, by their factors."""

    axis: int
    constant: int
    others: tuple[tuple[int, int], ...]

    def place(self, at: Any) -> Index:
        total = Index({}, self.constant)
        for d, factor in self.others:
            total = total + at[d] * factor
        return total


def _settled(lower: Any, x: Value, axes: Sequence[int]) -> _Settled | None:
    """Return one of these axes that the equality of a thin array settles."""
    if not x.size or x.dtype.kind not in "fc":
        return None
    loops, element = lower.loops(x.shape), lower.element(x)
    if not is_thin(element):
        return None
    for index, low, _ in filter(_is_equality, element.detail):
        if not index.terms.keys() <= set(loops):
            continue
        for axis in axes:
            own = index.coefficient(loops[axis])
            if own in (1, -1):
                others = ((d, index.coefficient(loop)) for d, loop in enumerate(loops) if d != axis)
                factors = tuple((d, -own * factor) for d, factor in others if factor)
                return _Settled(axis, own * (low - index.constant), factors)
    return None


def _where_it_holds(lower: Any, x: Value, found: _Settled) -> Value:
    """Return a thin array without the axis that its equality settles: the elements where it holds."""
    axis = found.axis
    zero = lower.const(0, x.dtype)

    def at(index):
        full = [*index[:axis], Index(), *index[axis:]]
        full[axis] = found.place(full)
        return lower.guard([(full[axis], 0, x.shape[axis])], lambda: x.at(tuple(full)), zero)

    return lower.map(ArrayType((*x.shape[:axis], *x.shape[axis + 1 :]), x.dtype), at)
