"""The battery's laws of zeros: in every product of derivatives a zero wins, against infinity and nan too."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from funcgrad.compile.jit import jit
from funcgrad.core.linear import Bilinear
from funcgrad.core.primitive import Primitive, Sample
from funcgrad.core.program import subprograms
from funcgrad.errors import DerivativeError
from funcgrad.primitives.elementwise import Elementwise
from funcgrad.testing.battery import active, differentiable, function_of, law, precision, same, smooth
from funcgrad.testing.finite import random_like
from funcgrad.transforms.jvp import jvp
from funcgrad.transforms.vjp import vjp
from funcgrad.tree import leaves

__all__: list[str] = []

_ODD = (np.inf, -np.inf, np.nan, 0.0, 1e300, -2.0)
# Their rules are the user's, or solve the user's equation; `direction` has no derivative at 0 on purpose.
_OWN_RULES = frozenset({"custom_jvp", "custom_vjp", "direction", "linear_solve", "root"})
# Where the function has no derivative, or LAPACK no answer: no number is no wrong number.
_REFUSALS = (DerivativeError, np.linalg.LinAlgError)


def _zero_rule_applies(primitive: Primitive, sample: Sample) -> bool:
    """Whether the rules are a primitive's own, and odd values cannot make a program that it carries run for ever."""
    own = primitive.name not in _OWN_RULES and not primitive.may_not_end and not subprograms(sample.params)
    return own and differentiable(primitive, sample)


@law(_zero_rule_applies)
def zero_wins(primitive, sample, arrays):
    """Zero cotangents give zero cotangents, zero tangents zero tangents, whatever the arguments: at every order."""
    for function, xs, ys in _at_odd_places(primitive, sample, arrays):
        for derivative in _of_zeros(function, xs, ys):
            _all_zero(derivative(*xs), "first order")
            rng = np.random.default_rng(6)
            try:
                _all_zero(jvp(derivative, xs, random_like(xs, rng))[1], "second order, forward")
                zs, pullback = vjp(derivative, *xs)
                _all_zero(pullback(random_like(zs, rng)), "second order, reverse")
            except _REFUSALS:
                pass


@law(_zero_rule_applies)
def zero_wins_compiled(primitive, sample, arrays):
    """So it does in compiled code."""
    for function, xs, ys in _at_odd_places(primitive, sample, arrays, (np.inf, np.nan)):
        for derivative in _of_zeros(function, xs, ys):
            try:
                found = jit(derivative)(*xs)
            except _REFUSALS:  # compiled, what zeros do not need is asked for as well
                continue
            _all_zero(found, "compiled")


def _at_odd_places(
    primitive: Primitive, sample: Sample, arrays: list[Any], values: tuple[float, ...] = _ODD
) -> Iterator[tuple]:
    """Yield the primitive as a function, its arguments with one odd element in each, and the results."""
    positions = active(primitive, arrays)
    for value in values:
        odd = list(arrays)
        for i in positions:
            x = np.array(arrays[i])
            if x.size:
                x.flat[0] = value
            odd[i] = x[()]
        function = function_of(primitive, sample, odd, positions)
        xs = tuple(odd[i] for i in positions)
        try:
            yield function, xs, function(*xs)
        except _REFUSALS:
            continue


def _of_zeros(function: Callable, xs: tuple, ys: list[Any]) -> tuple[Callable, Callable]:
    """Return the pullback of zeros and the pushforward of zeros, as functions of the arguments."""
    y_bars = [np.zeros_like(y) for y in ys]
    x_dots = tuple(np.zeros_like(x) for x in xs)
    return (lambda *xs: list(vjp(function, *xs)[1](y_bars))), (lambda *xs: jvp(function, xs, x_dots)[1])


def _all_zero(found: Any, what: str) -> None:
    for x in leaves(found):
        assert np.all(np.asarray(x) == 0), f"{what}: {x}"


def _computes_one_by_one(primitive: Primitive, sample: Sample) -> bool:
    """Whether a result needs some of the elements only, in a way that does not depend on the others' values."""
    by_element = isinstance(primitive, (Elementwise, Bilinear)) and primitive.passes_nan
    kinds = by_element or primitive.by_matrix
    return kinds and smooth(primitive, sample) and _zero_rule_applies(primitive, sample)


@law(_computes_one_by_one)
def what_is_masked_leaves_no_trace(primitive, sample, arrays):
    """Where the results that need an odd element have zero cotangents, cotangents are as if it were not odd."""
    positions = active(primitive, arrays)
    function = function_of(primitive, sample, arrays, positions)
    xs = tuple(np.asarray(arrays[i]) for i in positions)
    bars = random_like(function(*xs), np.random.default_rng(7))
    for k, x in enumerate(xs):
        for value in (np.nan, np.inf):
            if not x.size:
                continue
            odd = _with_first(xs, k, value)
            try:
                needing = _needing(primitive, function, xs, k)
                y_bars = [np.where(n, 0, y_bar) for n, y_bar in zip(needing, bars, strict=True)]
                got, want = (vjp(function, *args)[1](y_bars) for args in (odd, xs))
            except _REFUSALS:
                continue
            for g, w in zip(got, want, strict=True):
                same(g, w, precision(arrays), f"cotangents beside {value}")


def _with_first(xs: tuple, k: int, value: float) -> tuple:
    changed = xs[k].copy()
    changed.flat[0] = value
    return (*xs[:k], changed, *xs[k + 1 :])


def _needing(primitive: Primitive, function: Callable, xs: tuple, k: int) -> list[np.ndarray]:
    """Return which results need the first element of argument `k`; of a matrix, all of its results do."""
    if primitive.by_matrix:
        lead = np.zeros(xs[0].shape[:-2], bool)
        lead[(0,) * lead.ndim] = True
        return [lead.reshape((*lead.shape, *(1,) * (np.ndim(y) - lead.ndim))) for y in function(*xs)]
    return [np.isnan(y) for y in function(*_with_first(xs, k, np.nan))]
