"""What a mask chooses when its values are not known while tracing: `x[mask]` under jit and vmap.

How many elements there are is not known, so no array holds just these. Chosen elements are kept among all others, and
operations that treat elements one by one run on all; what combines them (a sum, a product of matrices) takes in place
of the others what leaves its result as it is. So `x[mask] = f(x[mask])` and `sum(f(x[mask]))` are traced. An operation
whose result would need the number of elements while tracing is refused. Derivatives follow: an element that is not
chosen meets a select, and gets exactly zero.
"""

from collections.abc import Callable
from math import prod
from threading import local
from typing import Any
from weakref import WeakSet

import numpy as np

from funcgrad.core.alike import computed_as
from funcgrad.core.inplace import own
from funcgrad.core.tracer import Trace, Tracer, bind, is_concrete
from funcgrad.core.types import ArrayType, dtype_of, shape_of, type_of
from funcgrad.errors import ConcretizationError, ShapeError
from funcgrad.numpy.length import NO_NUMBER, Length
from funcgrad.primitives.broadcasting import broadcast_to, reduce_sum, reshape
from funcgrad.primitives.contraction import dot
from funcgrad.primitives.gathering import gather, scatter_add
from funcgrad.primitives.indexing import index
from funcgrad.primitives.logic import select
from funcgrad.primitives.shape import transpose

__all__ = ["as_mask", "choose", "is_unknown_mask", "places", "put_back", "without_choice"]


class _Live(local):
    """The masks this thread has chosen by, as long as something chosen by them is there."""

    def __init__(self):
        self.traces: WeakSet[Masked] = WeakSet()


_live = _Live()


class Masked(Trace):
    """A trace whose tracers hold all elements, those that are chosen and the others, along one axis: their `node`."""

    __slots__ = ("given", "grids", "length", "mask", "meaning", "shape")

    transparent = False
    inlines_jitted = True

    def __init__(self, mask: Any, meaning: Any):
        super().__init__("x[mask]")
        self.shape = shape_of(mask)
        self.given = own(mask)
        self.mask = own(reshape(mask, shape=(prod(self.shape),)))
        self.meaning = meaning
        self.grids: tuple[np.ndarray, ...] | None = None  # the places of all elements, once asked for
        self.length = Length(self)
        self._begin()  # and never closed: what is chosen is of use as long as the trace that the mask belongs to

    def count(self) -> Any:
        """Return how many elements are chosen, as a traced number."""
        return reduce_sum(self.mask, axes=(0,), keepdims=False)

    def lift(self, value):
        raise _refused("an array of another length")

    def type_of(self, tracer):
        kind = ArrayType((), dtype_of(tracer.value))
        shape, axis = shape_of(tracer.value), tracer.node
        kind.shape = (*shape[:axis], self.length, *shape[axis + 1 :])
        return kind

    def concrete(self, tracer):
        raise _refused("a value", tracer)

    def leaked(self, tracer=None):
        return _refused("a result", tracer)

    def process(self, primitive, args, params):
        with np.errstate(all="ignore"):  # of the elements that are not chosen
            rule = _pointwise if primitive.pointwise else _RULES.get(primitive)
            if rule is None and primitive.identity is not None:
                rule = _reduced if "axes" in params else _accumulated
            out = NotImplemented if rule is None else rule(self, primitive, args, params)
        if out is NotImplemented:
            raise _refused(primitive.name, *[x for x in args if self.has(x)])
        return out

    def has(self, x: Any) -> bool:
        return type(x) is Tracer and x.tracing is self

    def along(self, ndim: int, axis: int) -> Any:
        """Return the mask along one of `ndim` axes."""
        return reshape(self.mask, shape=(*(1,) * axis, len(self.mask), *(1,) * (ndim - axis - 1)))

    def filled(self, x: Any, other: Any) -> Any:
        """Return all elements of `x`, with `other` for those that are not chosen; what is not chosen from as it is."""
        if not self.has(x):
            return x
        value = x.value
        number = np.asarray(other).astype(dtype_of(value))[()]
        return select(self.along(len(shape_of(value)), x.node), value, number)


def _refused(what, *xs):
    got = f", got {what} of {' and '.join(str(type_of(x)) for x in xs)}" if xs else f", got {what}"
    return ConcretizationError(
        f"x[mask]: expected an operation that needs no number of elements while tracing{got}.", hint=NO_NUMBER
    )


def _pointwise(trace, primitive, args, params):
    """Elements one by one: the axis of the chosen ones is the same for all, counted from the right."""
    behind = {len(shape_of(x)) - x.node for x in args if trace.has(x)}
    if len(behind) != 1:
        return NotImplemented
    (k,) = behind
    for x in args:
        shape = shape_of(x)
        if not trace.has(x) and len(shape) >= k and not _is_one(shape[len(shape) - k]):
            return NotImplemented
    y = bind(primitive, *[x.value if trace.has(x) else x for x in args], **params)
    return Tracer(trace, y, len(shape_of(y)) - k)


def _is_one(n):
    return type(n) is int and n == 1  # and no length, whose comparison would be a decision


def _reduced(trace, primitive, args, params):
    (x,) = args
    axes = params["axes"]
    if x.node not in axes:
        y = bind(primitive, x.value, **params)
        return Tracer(trace, y, x.node - (0 if params["keepdims"] else sum(a < x.node for a in axes)))
    if primitive.needs_elements and _is_none(trace):
        raise ShapeError(
            f"{primitive.name}: expected at least one element, got a mask that chooses none.",
            hint="an empty array has no extremum; pass initial=.",
        )
    return bind(primitive, trace.filled(x, primitive.identity(dtype_of(x))), **params)


def _is_none(trace):
    """Whether no element is chosen: a decision under jit; elsewhere one value does not decide."""
    try:
        return not trace.length
    except ConcretizationError:
        raise ConcretizationError(
            "x[mask]: expected initial= for an extremum of what a mask chooses, which may be nothing, got none.",
            hint="np.max(x[mask], initial=-np.inf) has a value also where no element is chosen.",
        ) from None


def _accumulated(trace, primitive, args, params):
    (x,) = args
    value = trace.filled(x, primitive.identity(dtype_of(x))) if params["axis"] == x.node else x.value
    return Tracer(trace, bind(primitive, value, **params), x.node)


def _transposed(trace, primitive, args, params):
    (x,) = args
    return Tracer(trace, bind(primitive, x.value, **params), params["axes"].index(x.node))


def _reshaped(trace, primitive, args, params):
    """Other axes may come, go and merge, but not with that of the chosen elements."""
    (x,) = args
    shape = params["shape"]
    at = [d for d, n in enumerate(shape) if n is trace.length]
    own_shape = shape_of(x.value)
    if len(at) != 1 or prod(shape[: at[0]]) != prod(own_shape[: x.node]):
        return NotImplemented
    full = (*shape[: at[0]], own_shape[x.node], *shape[at[0] + 1 :])
    return Tracer(trace, bind(primitive, x.value, shape=full), at[0])


def _spread(trace, primitive, args, params):
    (x,) = args
    axis = len(params["shape"]) - (len(shape_of(x)) - x.node)
    shape = params["shape"]
    if axis < 0 or shape[axis] is not trace.length:
        return NotImplemented
    full = (*shape[:axis], shape_of(x.value)[x.node], *shape[axis + 1 :])
    return Tracer(trace, bind(primitive, x.value, shape=full), axis)


def _indexed(trace, primitive, args, params):
    """Basic keys that take the axis of the chosen elements whole."""
    (x,) = args
    items = list(params["key"])
    ndim = len(shape_of(x))
    if Ellipsis in items:
        at = items.index(Ellipsis)
        given = sum(k is not None for k in items) - 1
        items[at : at + 1] = [slice(None)] * (ndim - given)
    axis = old = 0
    for k in items:
        if old == x.node and k is not None:
            if k != slice(None):
                return NotImplemented
            break
        axis += k is None or isinstance(k, slice)
        old += k is not None
    else:
        axis += x.node - old
    return Tracer(trace, bind(primitive, x.value, **params), axis)


def _gathered(trace, primitive, args, params):
    """Places that are chosen, of an array that is not: the others are place 0."""
    x, *indices = args
    if trace.has(x):
        return NotImplemented
    behind = {len(shape_of(i)) - i.node for i in indices if trace.has(i)}
    if len(behind) != 1 or any(not trace.has(i) and shape_of(i) for i in indices):
        return NotImplemented
    y = bind(primitive, x, *[trace.filled(i, 0) for i in indices], **params)
    lead = max(len(shape_of(i)) for i in indices)
    return Tracer(trace, y, lead - behind.pop())


def _scattered(trace, primitive, args, params):
    """Sums into an array that is not chosen: the other elements add zero at place 0."""
    x, v, *indices = args
    if trace.has(x) or any(not trace.has(i) and shape_of(i) for i in indices):
        return NotImplemented
    lead = max(len(shape_of(i)) for i in indices)
    rest = len(shape_of(x)) - len(indices)
    if lead != 1 or (trace.has(v) and len(shape_of(v)) - v.node != rest + 1):
        return NotImplemented
    mask = trace.along(rest + 1, 0)
    value = select(mask, v.value if trace.has(v) else v, np.zeros((), dtype_of(v))[()])
    return bind(primitive, x, value, *[trace.filled(i, 0) for i in indices], **params)


def _contracted(trace, primitive, args, params):
    x, y = args
    (left, right), (batch_left, batch_right) = params["contract"], params["batch"]
    if trace.has(x) and trace.has(y):
        pairs = list(zip(left, right, strict=True))
        if (x.node, y.node) not in pairs:
            return NotImplemented
        return bind(primitive, trace.filled(x, 0), trace.filled(y, 0), **params)
    chosen, summed, batch = (x, left, batch_left) if trace.has(x) else (y, right, batch_right)
    if chosen.node in (*summed, *batch):
        return NotImplemented
    free = [d for d in range(len(shape_of(chosen))) if d not in (*summed, *batch)]
    axis = len(batch) + free.index(chosen.node)
    if chosen is y:
        axis += len(shape_of(x)) - len(left) - len(batch_left)
    return Tracer(
        trace,
        bind(primitive, *[a.value if a is chosen else a for a in args], **params),
        axis,
    )


_RULES: dict[Any, Callable] = {
    transpose: _transposed,
    reshape: _reshaped,
    broadcast_to: _spread,
    index: _indexed,
    gather: _gathered,
    scatter_add: _scattered,
    dot: _contracted,
}


def is_unknown_mask(x: Any) -> bool:
    """Whether `x` is a traced mask whose values are not known."""
    return type(x) is Tracer and dtype_of(x).kind == "b" and bool(shape_of(x)) and not is_concrete(x)


def choose(x: Any, mask: Tracer) -> Tracer:
    """Return `x[mask]`, of a mask over the first axes of `x`."""
    shape, masked = shape_of(x), shape_of(mask)
    if shape[: len(masked)] != masked:
        raise ShapeError(
            f"indexing: expected a mask of shape {shape[: len(masked)]} for {type_of(x)}, got {type_of(mask)}."
        )
    flat = own(reshape(x, shape=(prod(masked), *shape[len(masked) :])))
    return Tracer(_trace_of(mask, x), flat, 0)


def put_back(x: Any, mask: Tracer, value: Any) -> Any:
    """Return `x` with `x[mask] = value` done; None where the value has a length of its own."""
    shape = shape_of(x)
    rest = shape[len(shape_of(mask)) :]
    if not _is_chosen_by(value, mask):
        if len(shape_of(value)) > len(rest):
            return None
        other = value
    else:
        if value.node + len(rest) + 1 != len(shape_of(value)):
            raise _refused("an assignment", value)
        other = broadcast_to(value.value, shape=(shape_of(value.value)[0], *rest))
        other = reshape(other, shape=(*shape_of(mask), *rest))
    return select(reshape(mask, shape=(*shape_of(mask), *(1,) * len(rest))), other, x)


def without_choice(x: Any, axes: tuple[int, ...], other: Any) -> Any:
    """Return all elements of what is chosen along one of `axes`, with `other` for those that are not; other arrays as they are."""
    if type(x) is Tracer and isinstance(x.tracing, Masked) and x.node in axes:
        return x.tracing.filled(x, other)
    return x


def places(mask: Tracer) -> tuple[Tracer, ...]:
    """Return the places where a mask holds, one array an axis, as `np.nonzero`."""
    trace = _trace_of(mask)
    if trace.grids is None:
        trace.grids = tuple(np.indices(trace.shape).reshape(len(trace.shape), -1))
    return tuple([Tracer(trace, grid, 0) for grid in trace.grids])


def as_mask(x: Any, key: Any) -> Tracer | None:
    """Return the mask over the first axes of `x` whose places a key is, as `np.nonzero` gave them; None for another key."""
    items = key if type(key) is tuple else (key,)
    trace = items[0].tracing if items and type(items[0]) is Tracer else None
    if not isinstance(trace, Masked) or trace.grids is None or shape_of(x)[: len(items)] != trace.shape:
        return None
    if all(trace.has(x) and x.value is grid for x, grid in zip(items, trace.grids, strict=True)):
        return trace.given
    return None


def _trace_of(mask, *chosen):
    """Return the trace of what this mask, or one that is computed alike, has chosen; a new one where there is none.

    It is inside the traces of what is chosen.
    """
    meaning = _meaning(mask)
    level = max([0, *(x.tracing.level for x in chosen if type(x) is Tracer)])
    for trace in _live.traces:
        if trace.level > level and trace.meaning == meaning:
            return trace
    trace = Masked(mask, meaning)
    _live.traces.add(trace)
    return trace


def _meaning(mask):
    return shape_of(mask), computed_as(mask)


def _is_chosen_by(x, mask):
    return type(x) is Tracer and isinstance(x.tracing, Masked) and x.tracing.meaning == _meaning(mask)
