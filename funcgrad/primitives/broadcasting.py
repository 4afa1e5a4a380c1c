"""Reshape, broadcast_to and sum: the primitives by which shapes are matched, and their transposes."""

import math
from functools import lru_cache, partial

import numpy as np

from funcgrad.core.linear import Linear
from funcgrad.core.primitive import Bad, Sample, box
from funcgrad.core.types import ArrayType, broadcast_shapes, identity, shape_of
from funcgrad.errors import ShapeError

__all__ = ["broadcast_to", "expand", "reduce_sum", "reduced_shape", "reshape", "stretch", "unbroadcast"]


class Reshape(Linear):
    """y holds the elements of x in C order, in another shape."""

    name = "reshape"
    by_parts = True
    magnitude_of = (0,)
    speculative = "fciub"
    view = True
    may_copy = True

    def type_rule(self, x, *, shape):
        if math.prod(shape) != x.size:
            raise ShapeError(
                f"reshape: expected a shape with {x.size} elements, got {shape} for {x}.",
                hint="the product of the sizes must stay the same; one of them may be -1.",
            )
        return ArrayType(shape, x.dtype)

    def eval_rule(self, x, *, shape):
        return np.reshape(x, shape)

    def transpose_rule(self, y_bar, x, *, shape):
        return reshape(y_bar, shape=shape_of(x))

    def lower_rule(self, lower, out, x, *, shape):
        return lower.reshape(x, shape)

    def batch_rule(self, size, batched, x, *, shape):
        return reshape(x, shape=(size, *shape)), True

    def write_rule(self, x, new, *, shape):
        return reshape(new, shape=x.shape)

    def samples(self):
        return [
            Sample((box((2, 3)),), {"shape": (3, 2)}),
            Sample((box((6,)),), {"shape": (1, 2, 3)}),
            Sample((box(()),), {"shape": (1, 1)}),
            Sample((box((0, 3)),), {"shape": (3, 0)}),
            Bad((box((3,)),), {"shape": (2,)}, "expected a shape with 3 elements"),
        ]


class BroadcastTo(Linear):
    """y[..., i, ...] = x[..., i or 0, ...], by NumPy's broadcasting."""

    name = "broadcast_to"
    by_parts = True
    magnitude_of = (0,)
    speculative = "fciub"
    view = True

    def type_rule(self, x, *, shape):
        target = ArrayType(shape, x.dtype)
        if broadcast_shapes("broadcast_to", x, target) != tuple(shape):
            raise ShapeError(
                f"broadcast_to: expected an array that broadcasts to {shape}, got {x}.",
                hint="sizes must be equal or 1, aligned from the right.",
            )
        return target

    def eval_rule(self, x, *, shape):
        return np.broadcast_to(x, shape)

    def transpose_rule(self, y_bar, x, *, shape):
        return unbroadcast(y_bar, shape_of(x))

    def lower_rule(self, lower, out, x, *, shape):
        return lower.map(out, x.spread)

    def batch_rule(self, size, batched, x, *, shape):
        inner = shape_of(x)[1:]
        x = reshape(x, shape=(size, *(1,) * (len(shape) - len(inner)), *inner))
        return broadcast_to(x, shape=(size, *shape)), True

    def samples(self):
        return [
            Sample((box((3,)),), {"shape": (2, 3)}),
            Sample((box((2, 1)),), {"shape": (4, 2, 3)}),
            Sample((box(()),), {"shape": (2,)}),
            Sample((box((0,)),), {"shape": (2, 0)}),
            Bad((box((3,)),), {"shape": (2,)}, "expected shapes that broadcast"),
        ]


class Sum(Linear):
    """y = sum of x over `axes`."""

    name = "sum"
    by_parts = True
    speculative = "fciub"
    identity = staticmethod(partial(identity, np.add))

    def type_rule(self, x, *, axes, keepdims):
        dtype = np.add.reduce(np.empty(0, x.dtype)).dtype
        return ArrayType(reduced_shape("sum", x, axes, keepdims), dtype)

    def eval_rule(self, x, *, axes, keepdims):
        return np.add.reduce(x, axes, None, None, keepdims)

    def transpose_rule(self, y_bar, x, *, axes, keepdims):
        shape = shape_of(x)
        if type(y_bar) is np.float64 and shape:
            return _spread(y_bar, shape)
        return broadcast_to(expand(y_bar, axes, keepdims), shape=shape)

    def lower_rule(self, lower, out, x, *, axes, keepdims):
        return lower.reduce("add", out, x, axes, keepdims=keepdims)

    def batch_rule(self, size, batched, x, *, axes, keepdims):
        return reduce_sum(x, axes=tuple(a + 1 for a in axes), keepdims=keepdims), True

    def samples(self):
        return [
            Sample((box((2, 3)),), {"axes": (0,), "keepdims": False}),
            Sample((box((2, 3, 2)),), {"axes": (0, 2), "keepdims": True}),
            Sample((box((2, 3)),), {"axes": (0, 1), "keepdims": False}),
            Sample((box((0, 3)),), {"axes": (0,), "keepdims": False}),
            Sample((box((3,), dtype=complex),), {"axes": (0,), "keepdims": False}),
            Sample((np.array([True, True]),), {"axes": (0,), "keepdims": False}),
            Bad((box((2,)),), {"axes": (1,), "keepdims": False}, "expected axes below 1"),
        ]


reshape = Reshape()
broadcast_to = BroadcastTo()
reduce_sum = Sum()


def reduced_shape(name, x, axes, keepdims):
    """Return the shape of `x` reduced over `axes`; raise ShapeError for an axis it does not have."""
    if len({*axes}) != len(axes) or any(not 0 <= a < x.ndim for a in axes):
        raise ShapeError(f"{name}: expected axes below {x.ndim}, got {axes} for {x}.")
    if keepdims:
        return tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    return tuple(n for i, n in enumerate(x.shape) if i not in axes)


def expand(y, axes, keepdims):
    """Give a reduction's result (or its cotangent) back the axes of size 1 it lost."""
    if keepdims or not axes:
        return y
    shape = list(shape_of(y))
    for axis in sorted(axes):
        shape.insert(axis, 1)
    return reshape(y, shape=tuple(shape)) if len(shape) > len(axes) else y


def _spread(x, shape):
    """np.broadcast_to of a number, in a tenth of the time; the result must not be written to."""
    scalar = np.array(x)
    return np.ndarray(shape, scalar.dtype, scalar, 0, (0,) * len(shape))


def stretch(x, size):
    """Return `x` repeated along a new leading (batch) axis."""
    return broadcast_to(x, shape=(size, *shape_of(x)))


def unbroadcast(y_bar, shape):
    """Return the sum of `y_bar` over the axes along which `shape` was broadcast."""
    got = shape_of(y_bar)
    if got == shape:
        return y_bar
    axes, kept = _broadcast_axes(got, shape)
    if type(y_bar) is np.ndarray:
        y_bar = np.add.reduce(y_bar, axes)
    elif axes:
        y_bar = reduce_sum(y_bar, axes=axes, keepdims=False)
    return y_bar if kept == shape else reshape(y_bar, shape=shape)


@lru_cache(4096)
def _broadcast_axes(got, shape):
    """Return the axes along which `shape` was broadcast to `got`, and what summing over them leaves."""
    lead = len(got) - len(shape)
    axes = (*range(lead), *(lead + i for i, n in enumerate(shape) if n == 1 and got[lead + i] != 1))
    return axes, tuple(n for i, n in enumerate(got) if i not in axes)
