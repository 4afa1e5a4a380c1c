"""Primitives: everything that is known of one operation, in one class.

A primitive says how its result's type follows from its arguments', how NumPy evaluates it, how it
is differentiated, how it is batched, and on which samples the battery tries it. A derivative is
stated once: `jvp_rule` or `vjp_rule`; the other direction is derived (see `transforms.derive`).

Arrays are positional; everything else is keyword, hashable, and the same for every call.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from funcgrad.core.tracer import bind
from funcgrad.core.types import ArrayType

__all__ = [
    "Bad",
    "Primitive",
    "Sample",
    "box",
    "cost_of",
    "primitive_named",
    "primitives",
]

_registry: dict[str, "Primitive"] = {}


def primitives() -> dict[str, "Primitive"]:
    """Return every registered primitive by name."""
    return dict(_registry)


def cost_of(name: str) -> float:
    """Return what an element by the operation of this name costs, in additions: 1 for what is no primitive."""
    primitive = _registry.get(name)
    return 1 if primitive is None else primitive.cost


class Sample:
    """A call on which the battery tries a primitive.

    Args:
        args: arrays, or numbers, or `box(...)` specifications.
        params: the keyword parameters.
        derivative: for a special point, the declared derivative of the sum of the result by each
            argument (None for an argument that has none); such a sample is checked against it
            instead of against finite differences.
        smooth: False where finite differences do not apply (jumps, kinks).
        order: the highest derivative compared with finite differences.
        note: what is special about it.
    """

    __slots__ = ("args", "derivative", "note", "order", "params", "smooth")

    def __init__(
        self,
        args: tuple,
        params: dict[str, Any] | None = None,
        derivative: tuple | None = None,
        smooth: bool = True,
        order: int = 2,
        note: str = "",
    ):
        self.args = args
        self.params = params or {}
        self.derivative = derivative
        self.smooth = smooth
        self.order = order
        self.note = note


class Bad:
    """A call that must fail with `message` (a regular expression) when typed."""

    __slots__ = ("args", "message", "params")

    def __init__(self, args: tuple, params: dict[str, Any], message: str):
        self.args = args
        self.params = params
        self.message = message


class box:
    """A random array of the given shape, uniform between `low` and `high`; the same every time."""

    __slots__ = ("dtype", "high", "low", "shape")

    def __init__(self, shape: tuple[int, ...], low: float = -1.0, high: float = 1.0, dtype: Any = float):
        self.shape = shape
        self.low = low
        self.high = high
        self.dtype = dtype

    def array(self, seed: int = 0) -> np.ndarray:
        rng = np.random.default_rng([seed, *self.shape])
        x = rng.uniform(self.low, self.high, self.shape)
        dtype = np.dtype(self.dtype)
        if dtype.kind == "c":
            x = x + 1j * rng.uniform(self.low, self.high, self.shape)
        if dtype.kind in "iu":
            x = np.floor(x)
        return np.asarray(x).astype(dtype)


class Primitive:
    """An operation on arrays. Write every rule, or use a family that derives most of them.

    Attributes to set:
        name: what programs print, and how saved programs find it.
        multiple: the result is a tuple of arrays.
        differentiable: False when the derivative is zero wherever it exists.
        linear_in: sets of argument positions in which it is jointly linear, for transposition.
        view: NumPy's result is a view of argument 0, so `write_rule` is needed.
        may_copy: of a view, that NumPy copies where the layout in memory leaves no other way (see `core.layout`).
        unread: argument positions of which the derivative rules read only shape and dtype.
        effect: it does something besides its result (it prints, or raises), so it stays in a program whose
            outputs do not need it.
        fails: it raises for some values of its arguments (an index out of range, a singular matrix), so it must not
            run for an example that did not choose the branch it is in.
        may_not_end: it can run for ever for some values of its arguments.
        repeats: it runs programs among its parameters any number of times.
        passes_nan: a nan among the elements that a result is computed of makes it nan, and one that is not chosen (or is
            multiplied with a zero, by a guarded product) makes no difference.
        hasty: its guard of zeros is left out of compiled code at first, and its results are looked at for nan.
        by_matrix: the leading axes of its arguments, all but the last two of the first, are independent examples: one with
            zero derivatives gets zeros, whatever the rules would give.
        pointwise: each element of the result is computed of those at its place, of arguments broadcast together.
        cost: what an element of the result costs, in additions: compiled code stores what costs much, and computes again
            what does not.
        speculative: the kinds of dtype (`fciub`) of a result that may be computed in vain, in the branch that is not
            chosen: all arguments give one, natively, and nothing else happens.
        commutative: of two arguments, that their order makes no difference.
        exact: of a pointwise one, that NumPy computes one element and many alike, to the bit.
        traceable: its evaluation is written with NumPy's functions alone, and may be called on traced arrays: without a
            `lower_rule` its machine code is that of what it does.
        magnitude_of: the arguments of whose elements each one of the result is one, but for its sign.
        needs_elements: a reduction that NumPy refuses of no elements.
        collective: it combines the examples of a vmap around it, by the name of their axis (the parameter `axis_name`).
        opaque: it calls a function of the user's that cannot be traced.
        by_parts: what it does to complex arrays it does to their real and their imaginary parts: those of the arguments
            in which it is linear.
        complex_in_memory: its `lower_rule` takes complex arrays as they lie in memory, real ones with a last axis of two.
        reads_result: False when the rules read only the shape and dtype of the result. What is not
            read is not kept for the backward pass.
        residuals_in_reverse_only: True when `jvp_rule` is given the result rather than the residuals of
            `forward_rule`, which then does not run in forward mode.

    Rules, `x_dots`/`needs` with one entry an argument:
        type_rule(*types, **params) -> ArrayType (or a tuple of them)
        eval_rule(*args, **params) -> array (or a tuple)
        jvp_rule(x_dots, y, *args, **params) -> y_dot; None in `x_dots` is a zero tangent
        vjp_rule(needs, y_bar, y, *args, **params) -> one cotangent or None an argument; arguments in which it is linear,
            and a result that it does not read, may be types in place of values
        batch_rule(size, batched, *args, **params) -> (y, whether y is batched); batch axis 0; of several results
            it may say so one by one
        named_batch_rule(axis_name, size, batched, *args, **params): the same, where collectives in a function among the
            parameters may ask for the name of the examples' axis
        collective_rule(size, *args, **params) -> (y, whether y is batched): of a collective, over the examples themselves
        forward_rule(*args, **params) -> (y, residuals): only where `vjp_rule` is to see `residuals`
            in place of `y` (and `jvp_rule` too, unless `residuals_in_reverse_only`)
        result_types(residuals, *args, **params) -> the results' types, where there is a `forward_rule`
        accumulate_rule(x_bar, y_bar, *args, **params): adds a cotangent into the array `x_bar`
        accumulate_batch_rule: the same, where both have a leading batch axis
        overwrite_rule(y_bar, *args, **params) -> one cotangent an argument, the first in `y_bar` itself
        write_rule(x, new, **params) -> x with the view replaced
        lower_rule(lower, out, *args, **params) -> the result's values for compilation, with `out` its
            ArrayType (see compile.lower.lowering); None where it does not apply: then NumPy evaluates it
        decompose_rule(*args, **params) -> the result by other primitives, for compilation
        parts_rule(*args, **params) -> the result by other primitives, where arguments or results are complex: those are
            `Parts` (see primitives.complex_parts); None where it does not apply: then NumPy evaluates it
        pushforward_rule(x_dots, *args, **params) -> (y, y_dot), where computing both at once saves work; then
            there is no `jvp_rule`
        activity_rule(active, **params) -> whether each result has a tangent, when the `active` arguments have one
        primal_rule(*types, **params) -> of a primitive that changes derivatives alone, the Program of its values, or None: it
            takes the place of a call that is not to be differentiated
        slope_rule(y, x) -> the derivative of a pointwise one of one argument, where it shares most of its work with the
            function: then a program that is made of both computes it beside that
        linear_rule(given, *types, **params) -> whether it is jointly linear in the given arguments, where that depends on
            the programs or functions among its parameters; its pullback is then taken where they are zero
        positions_rule(*types, **params) -> (what stays of its parameters, hashable, and the whole numbers in them that may
            be values as well): of one with a static key, say
        moving_rule(positions, *args, **params) -> the result with these in place of its own numbers
        trim_rule(wanted, **params) -> of several results, of which some are not wanted: whether each argument
            stays, whether each result does, and the parameters that change
        passed_rule(**params) -> of several results, the arguments each of which one is, unchanged (of a choice, one for
            each branch); none for others. (Not of a loop that may not end: who reads its results waits for it.)
        points(out, *types, **params) -> how many elements of each argument a result of `out` elements asks for
        views_scalar(**params) -> of a view, whether a result without axes is one
        identity(dtype): of a reduction, or what accumulates: an element that leaves the others' result as it is
        check_numbers(*args): raises what evaluation would where a Python int among the arguments does not fit the
            dtype it is to have; the others may be types
        samples() -> a list of Sample and Bad
    """

    name: str = ""
    multiple: bool = False
    differentiable: bool = True
    linear_in: Sequence[Iterable[int]] = ()
    view: bool = False
    may_copy: bool = False
    effect: bool = False
    fails: bool = False
    may_not_end: bool = False
    repeats: bool = False
    collective: bool = False
    opaque: bool = False
    by_parts: bool = False
    complex_in_memory: bool = False
    pointwise: bool = False
    cost: float = 1
    speculative: str = ""
    commutative: bool = False
    exact: bool = False
    traceable: bool = False
    magnitude_of: Sequence[int] = ()
    needs_elements: bool = False
    passes_nan: bool = False
    hasty: bool = False
    by_matrix: bool = False
    unread: Sequence[int] = ()
    reads_result: bool = True
    residuals_in_reverse_only: bool = False

    jvp_rule: Any = None
    vjp_rule: Any = None
    batch_rule: Any = None
    named_batch_rule: Any = None
    forward_rule: Any = None
    accumulate_rule: Any = None
    accumulate_batch_rule: Any = None
    overwrite_rule: Any = None
    write_rule: Any = None
    lower_rule: Any = None
    decompose_rule: Any = None
    parts_rule: Any = None
    positions_rule: Any = None
    moving_rule: Any = None
    trim_rule: Any = None
    passed_rule: Any = None
    pushforward_rule: Any = None
    activity_rule: Any = None
    primal_rule: Any = None
    slope_rule: Any = None
    linear_rule: Any = None
    identity: Any = None

    def check_numbers(self, *args: Any) -> None:
        """Raise OverflowError for a Python int that does not fit."""

    def __init__(self):
        self._register()

    def _register(self) -> None:
        missing = [
            rule
            for rule in ("type_rule", "eval_rule", "samples")
            if getattr(type(self), rule, None) is getattr(Primitive, rule) and rule not in vars(self)
        ]
        if self.differentiable and self.jvp_rule is None and self.vjp_rule is None:
            missing.append("jvp_rule or vjp_rule (or differentiable = False)")
        if missing or not self.name:
            raise NotImplementedError(
                f"{type(self).__name__} {self.name!r}: expected every rule of a primitive, "
                f"missing {', '.join(missing) or 'name'}."
            )
        if self.name in _registry:
            raise NotImplementedError(f"a primitive named {self.name!r} exists already.")
        # Pulled back by its VJP rule and nothing else: what the walk over a record asks first.
        self.direct = self.vjp_rule is not None and not (
            self.multiple or self.accumulate_rule or self.overwrite_rule or self.by_matrix
        )
        _registry[self.name] = self

    __call__ = bind

    def type_rule(self, *types: ArrayType, **params: Any) -> Any:
        raise NotImplementedError

    def eval_rule(self, *args: Any, **params: Any) -> Any:
        raise NotImplementedError

    def samples(self) -> list[Sample | Bad]:
        raise NotImplementedError

    def views_scalar(self, **params: Any) -> bool:
        """Whether a result without axes is a view, as a reshaped array is, and an element is not."""
        return True

    def points(self, out: int, *types: ArrayType, **params: Any) -> list[int]:
        """Return how many elements of each argument are asked for by a result of `out` elements."""
        return [out if self.view else max([out, *[t.size for t in types]])] * len(types)

    def linear_positions(self, count: int) -> Iterable[int]:
        """Return the argument positions in which it is jointly linear, of an operation that is so in one set of them."""
        (positions,) = self.linear_in
        return positions

    def linear_together(self, positions: Iterable[int], count: int) -> bool:
        """Whether the operation is jointly linear in these argument positions."""
        wanted = set(positions)
        return any(wanted <= set(group) for group in self.linear_in)

    def __repr__(self) -> str:
        return self.name

    def __reduce__(self):
        return primitive_named, (self.name,)


def primitive_named(name: str) -> Primitive:
    """Return the registered primitive of this name; raise KeyError when there is none."""
    return _registry[name]
