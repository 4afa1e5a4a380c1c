"""The family of elementwise primitives: state the partial derivatives, and the rest follows.

    tanh = elementwise("tanh", np.tanh, (lambda y, x: 1 - y * y,), samples=[box((2, 3))])

`partials` has one entry an argument: a function of the result and the arguments that gives the
derivative by that argument, a number where it is constant, or None where there is none. A parameter
whose name begins with an underscore is not read, so its array is not kept for the backward pass.
"""

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from sys import getrefcount
from typing import Any

import numpy as np

from funcgrad.core.held_arrays import SOLE
from funcgrad.core.parts import Parts, parts_of
from funcgrad.core.primitive import Bad, Primitive, Sample, box
from funcgrad.core.tracer import Tracer
from funcgrad.core.types import ArrayType, broadcast_shapes, dtype_of, shape_of, stand_in, ufunc_dtype
from funcgrad.errors import DTypeError
from funcgrad.primitives import complex_parts
from funcgrad.primitives.broadcasting import broadcast_to, reshape, unbroadcast
from funcgrad.primitives.shape import convert

__all__ = ["Elementwise", "elementwise", "guarding", "is_all_finite", "times"]


# Results' types are remembered for so many kinds of arguments.
MOST_TYPES = 1024


class Elementwise(Primitive):
    """y[i] = f(x1[i], x2[i], ...) on arguments broadcast together.

    Args:
        name: what programs print.
        ufunc: NumPy's evaluation.
        partials: the derivative by each argument; None when the derivative is zero everywhere.
        samples: `box`es or tuples of arguments, or Sample and Bad.
        singular: True when a partial is infinite or nan for ordinary arguments: compiled code then guards each of its
            products, rather than look for nan in the end.
        with_slope: the one partial is the `slope_rule`, see Primitive.
        linear_in: see Primitive.
        passes_nan: see Primitive; by default where there is a derivative.
        cost, speculative, commutative, exact, magnitude_of: see Primitive.
        loop: the ufunc of NumPy's whose dtypes the evaluation has, where it is none itself; by default the dtype is what
            the evaluation gives. With a loop, the evaluation is not traced for machine code.
        parts: of complex numbers, a function of the parts of the arguments that gives those of the result (or a real result);
            True where it does the same to both.
        dtype_rule: in place of that, a function of the arguments' types that gives the dtype.

    Raises:
        DTypeError: where `dtype_rule` gives another dtype than the evaluation.
    """

    pointwise = True

    def __init__(
        self,
        name: str,
        ufunc: Callable,
        partials: Sequence[Callable | float | None] | None,
        *,
        samples: Sequence[Any],
        singular: bool = False,
        linear_in: Sequence[Sequence[int]] = (),
        passes_nan: bool | None = None,
        dtype_rule: Callable | None = None,
        loop: np.ufunc | None = None,
        with_slope: bool = False,
        cost: float = 1,
        speculative: str = "fciub",
        commutative: bool = False,
        exact: bool = False,
        magnitude_of: Sequence[int] = (),
        parts: Callable | bool = False,
    ):
        self.name = name
        self.by_parts = parts is True
        if callable(parts):
            self.parts_rule = lambda *args: parts(*map(parts_of, args))
        self.loop = loop if loop is not None else ufunc if isinstance(ufunc, np.ufunc) else None
        self.eval_rule = ufunc  # type: ignore[method-assign]
        self.differentiable = partials is not None
        self.passes_nan = self.differentiable if passes_nan is None else passes_nan
        self.partials = tuple(partials or ())
        self.singular = singular
        if with_slope:
            (self.slope_rule,) = self.partials
        self.linear_in = linear_in
        # A Python function without a ufunc's dtypes, and without a rule of its own.
        self.traceable = self.loop is None and type(self).lower_rule is Elementwise.lower_rule
        self.cost = cost
        self.speculative = speculative
        self.commutative = commutative
        self.exact = exact
        self.magnitude_of = magnitude_of
        self._samples = samples
        read = [_parameters_read(p, len(self.partials) + 1) for p in self.partials if callable(p)]
        self.reads_result = any(flags[0] for flags in read)
        self.unread = [i for i in range(len(self.partials)) if not any(flags[i + 1] for flags in read)]
        self._dtype_rule = dtype_rule
        self._types: dict[tuple, ArrayType] = {}
        counts = {len(_sample(s).args) for s in samples if not isinstance(s, Bad)}
        if self.differentiable and counts - {len(self.partials)}:
            raise NotImplementedError(
                f"elementwise {name!r}: expected a partial for each of {max(counts)} arguments, got {len(self.partials)}."
            )
        if not self.differentiable:
            self.jvp_rule = self.vjp_rule = None  # type: ignore[method-assign, assignment]
        super().__init__()

    def type_rule(self, *types):
        key = tuple([part for t in types for part in (t.shape, t.dtype, t.weak)])
        known = self._types.get(key)
        if known is None:
            known = self._type_of(types)
            if len(self._types) >= MOST_TYPES:
                self._types.clear()
            self._types[key] = known
        return known

    def _type_of(self, types):
        if self._dtype_rule is not None:
            dtype = self._stated_dtype(types)
        else:
            dtype = ufunc_dtype(self.name, self.loop or self.eval_rule, types)
        if len(types) == 1:
            return ArrayType(types[0].shape, dtype)
        return ArrayType(broadcast_shapes(self.name, *types), dtype)

    def _stated_dtype(self, types):
        dtype = np.dtype(self._dtype_rule(*types))
        if self.traceable:
            given = ufunc_dtype(self.name, self.eval_rule, types)
            if given != dtype:
                raise DTypeError(
                    f"{self.name}: expected a dtype_rule that gives the dtype of what the function gives, {given}, got "
                    f"{dtype} for {' and '.join(map(str, types))}.",
                    hint="leave dtype_rule out: the dtype is what the function gives.",
                )
        return dtype

    def check_numbers(self, *args):
        if self.loop is not None:
            with np.errstate(all="ignore"):  # NumPy is asked, by trial on one number
                self.loop(*[x if type(x) is int else stand_in(x) for x in args])

    def jvp_rule(self, x_dots, y, *args):
        total = None
        for x_dot, partial in zip(x_dots, self.partials, strict=True):
            if x_dot is None or partial is None:
                continue
            term = self._scaled(x_dot, partial, y, args)
            total = term if total is None else total + term
        return total if total is None else conform_tangent(total, y)

    def vjp_rule(self, needs, y_bar, y, *args):
        partials = self.partials
        if len(args) == 1:
            return (conform(self._scaled(y_bar, partials[0], y, args), args[0]),)
        x_bars = []
        for i, x in enumerate(args):
            partial = partials[i]
            if not needs[i] or partial is None:
                x_bars.append(None)
            elif partial == 1:
                x_bars.append(conform(y_bar, x))
            else:
                x_bars.append(conform(self._scaled(y_bar, partial, y, args), x))
        return x_bars

    def _scaled(self, c, partial, y, args):
        if not callable(partial):
            return c if partial == 1 else -c if partial == -1 else times(c, partial)
        p = partial(y, *args)
        if type(c) is not np.ndarray or type(p) is not np.ndarray:
            return times(c, p, singular=self.singular)
        # Nobody but this frame refers to a freshly computed partial: it can hold the product.
        fresh = getrefcount(p) == SOLE and p.shape == c.shape and p.dtype is c.dtype and p.base is None
        product = np.multiply(c, p, p) if fresh else c * p
        if not guarding.get() or is_all_finite(product):
            return product
        return _where_neither_is_zero(product, c, partial(y, *args) if fresh else p)

    def lower_rule(self, lower, out, *args):
        return None if self.loop is None else lower.apply(self.name, self.loop, out, args)

    def batch_rule(self, size, batched, *args):
        ndim = max([len(shape_of(x)) - b for x, b in zip(args, batched, strict=True)])
        aligned = [align(x, ndim) if b else x for x, b in zip(args, batched, strict=True)]
        return self(*aligned), True

    def samples(self):
        return [_sample(s) for s in self._samples]


def _parameters_read(partial, count):
    """Return, for each parameter of a partial, whether it is read."""
    code = getattr(partial, "__code__", None)
    if code is None or code.co_argcount != count:
        return [True] * count
    return [not name.startswith("_") for name in code.co_varnames[:count]]


def _sample(s):
    if isinstance(s, (Sample, Bad)):
        return s
    return Sample(s if isinstance(s, tuple) else (s,))


def elementwise(name: str, ufunc: Callable, partials: Any, **details: Any) -> Elementwise:
    """Make and register an elementwise primitive; see Elementwise for the arguments."""
    return Elementwise(name, ufunc, partials, **details)


def align(x, ndim):
    """Put axes of size 1 behind the batch axis of `x`, so that it has `ndim` axes besides."""
    shape = shape_of(x)
    missing = ndim + 1 - len(shape)
    return reshape(x, shape=(shape[0], *(1,) * missing, *shape[1:])) if missing else x


_TYPED = frozenset({np.ndarray, ArrayType})


def conform(x_bar, x):
    """Return a cotangent summed to the shape of `x` and converted to its dtype."""
    if type(x_bar) is np.ndarray and type(x) in _TYPED and x_bar.dtype is x.dtype:
        return x_bar if x_bar.shape == x.shape else unbroadcast(x_bar, x.shape)
    x_bar = unbroadcast(x_bar, shape_of(x))
    dtype = dtype_of(x)
    return x_bar if dtype_of(x_bar) == dtype else convert(x_bar, dtype=dtype)


def conform_tangent(y_dot, y):
    if type(y_dot) is np.ndarray and type(y) is np.ndarray:
        if y_dot.shape == y.shape and y_dot.dtype is y.dtype:
            return y_dot
    shape, dtype = shape_of(y), dtype_of(y)
    if shape_of(y_dot) != shape:
        y_dot = broadcast_to(y_dot, shape=shape)
    return y_dot if dtype_of(y_dot) == dtype else convert(y_dot, dtype=dtype)


# Whether products of derivatives see to it that zero wins. A walk over plain arrays may do without, and look at its
# results: where they are finite, no product was anything else.
guarding: ContextVar[bool] = ContextVar("guarding", default=True)


def times(c, p, *, singular=False):
    """Return the product of two derivatives, of which a zero wins: 0 times infinity or nan is 0.

    So nothing comes out of a branch that was not taken, in either mode and at every order. This is the one product of
    every rule; in staged programs it is the primitive `times`, or `guarded_multiply` where `singular` (they differ in
    how they are compiled), but where one factor is a number that is neither zero nor infinite. It is just `p` where
    `c` is a plain 1, so that staged derivatives read well.
    """
    if type(c) is np.ndarray and type(p) is np.ndarray:
        product = _plain_product(c, p)
        if not guarding.get() or is_all_finite(product):
            return product
        return _where_neither_is_zero(product, c, p)
    if type(p) is Tracer and type(c) is not Tracer and _is_one(c) and p.shape == shape_of(c):
        return p
    if _is_harmless(c) or _is_harmless(p):
        return c * p if type(c) is Tracer or type(p) is Tracer else _plain_product(c, p)
    return guarded_multiply(c, p) if singular else times_p(c, p)


def _plain_product(c, p):
    # One number spread over an array, as the cotangent of a sum is, stays that where `p` is a number.
    if type(c) is np.ndarray and c.size > 1 and not any(c.strides) and not shape_of(p):
        return np.broadcast_to(c[(0,) * c.ndim] * p, c.shape)
    return c * p


def _is_harmless(x):
    """Whether `x` is a plain number (or one spread over an array) that no zero needs to win against."""
    if isinstance(x, np.ndarray):
        return x.size > 0 and not any(x.strides) and _is_harmless(x.flat[0])
    return type(x) is not Tracer and not isinstance(x, ArrayType) and bool(np.isfinite(x)) and x != 0


def _is_one(c):
    if not isinstance(c, np.ndarray):
        return c == 1
    return c.size > 0 and not any(c.strides) and c.flat[0] == 1


def is_all_finite(y):
    """Whether a product's elements are all finite, told by one pass; not where they add up to more than there is."""
    total = np.add.reduce(y, None)
    return abs(total) < np.inf


def _where_neither_is_zero(y, c, p):
    """Set y = c * p to 0 where it is indefinite though c or p is 0."""
    dead = np.isnan(y) & (np.equal(c, 0) | np.equal(p, 0))
    return np.where(dead, y.dtype.type(0), y)[()]


def _multiply_guarded(c, p):
    y = np.multiply(c, p)
    return y if is_all_finite(y) else _where_neither_is_zero(y, c, p)


def _guarded_parts(c, p):
    y = complex_parts.multiply(c, p)
    live = ((c.re != 0) | (c.im != 0)) & ((p.re != 0) | (p.im != 0))
    return Parts(zero_unless(y.re, live), zero_unless(y.im, live))


class _DerivativeProduct(Elementwise):
    """c * p, but 0 where either is 0, even if the other is infinite or nan. Its own derivatives are such products.

    Args:
        hasty: it is compiled without guard, and what comes of it is looked at (see `compile.lower.nan_watch`).
    """

    def __init__(self, name: str, *, hasty: bool):
        self.hasty = hasty
        super().__init__(
            name,
            _multiply_guarded,
            (lambda _y, _c, p: p, lambda _y, c, _p: c),
            singular=not hasty,
            linear_in=((0,), (1,)),
            loop=np.multiply,
            exact=True,
            parts=_guarded_parts,
            samples=[
                (box((2, 3)), box((2, 3))),
                (box((3,)), box((2, 1))),
                Sample((np.array([0.0, 1.0]), np.array([np.inf, 2.0])), smooth=False),
                Sample((np.array([np.nan, -np.inf, np.nan]), np.array([0.0, -0.0, 2.0])), smooth=False),
            ],
        )

    def lower_rule(self, lower, out, *args):
        name = "multiply" if self.hasty and not lower.careful else "guarded_multiply"
        return lower.apply(name, self.loop, out, args, zero_wins=True)


guarded_multiply = _DerivativeProduct("guarded_multiply", hasty=False)
times_p = _DerivativeProduct("times", hasty=True)


class _ZeroUnless(Elementwise):
    """x, but 0 where it is nan and not `live`: the guard of a product of complex derivatives.

    Like the guard of `times` it is left out of code that is looked at for nan.
    """

    hasty = True

    def lower_rule(self, lower, out, x, live):
        if not lower.careful:
            return lower.map(out, x.spread)

        def at(index):
            element, dtype = x.spread(index), out.dtype
            number = lower.op("logical_not", bool, lower.op("isnan", bool, element))
            keep = lower.op("logical_or", bool, number, live.spread(index))
            return lower.op("select", dtype, keep, element, lower.const(0, dtype))

        return lower.map(out, at)


zero_unless = _ZeroUnless(
    "zero_unless",
    lambda x, live: np.where(np.isnan(x) & np.logical_not(live), dtype_of(x).type(0), x)[()],
    (1, None),
    samples=[
        (box((2, 3)), np.array([True, False, True])),
        (box(()), np.True_),
        Sample((np.array([np.nan, np.nan, np.inf]), np.array([True, False, False])), smooth=False),
    ],
)
