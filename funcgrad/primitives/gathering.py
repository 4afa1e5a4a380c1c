"""Indexing with arrays of integers: gather, and scatter, which adds or writes.

`gather` and `scatter_add` are transposes of each other."""

import numpy as np

from funcgrad.core.linear import JointlyLinear, Linear
from funcgrad.core.primitive import Bad, Sample, box
from funcgrad.core.types import ArrayType, dtype_of, shape_of
from funcgrad.errors import ShapeError
from funcgrad.primitives.broadcasting import reshape, stretch
from funcgrad.primitives.elementwise import conform, times
from funcgrad.primitives.keys import OutOfRange
from funcgrad.primitives.shape import transpose

__all__ = ["gather", "scatter_add", "scatter_set"]


def _gather_shapes(name, x, indices, axes):
    """Return the shape of the indices broadcast together, and the shape of the axes not indexed."""
    if len(axes) != len(indices) or len({*axes}) != len(axes) or any(not 0 <= a < x.ndim for a in axes):
        raise ShapeError(f"{name}: expected one index for each axis {axes} of {x}, got {len(indices)}.")
    if any(i.dtype.kind not in "iu" for i in indices):
        raise OutOfRange(f"{name}: expected indices that are ints, got {' and '.join(map(str, indices))}.")
    try:
        lead = np.broadcast_shapes(*(i.shape for i in indices))
    except ValueError:
        raise OutOfRange(
            f"{name}: expected index arrays that broadcast, got {' and '.join(map(str, indices))}."
        ) from None
    if 0 not in lead and any(x.shape[a] == 0 for a in axes):
        raise OutOfRange(f"{name}: expected an array with elements to index, got {x}.")
    return lead, tuple(n for d, n in enumerate(x.shape) if d not in axes)


def _front(x, axes):
    """Return `x` with `axes` moved to the front."""
    rest = tuple(d for d in range(len(shape_of(x))) if d not in axes)
    order = (*axes, *rest)
    return x if order == tuple(range(len(order))) else np.transpose(x, order)


class Gather(Linear):
    """y[i..., rest...] = x at `indices[k][i...]` along each of `axes`; the indexed axes come first.

    Negative indices count from the end; indices out of range raise IndexError.
    """

    name = "gather"
    by_parts = True
    fails = True

    def type_rule(self, x, *indices, axes):
        lead, rest = _gather_shapes("gather", x, indices, axes)
        return ArrayType(lead + rest, x.dtype)

    def eval_rule(self, x, *indices, axes):
        return _front(x, axes)[indices]

    def transpose_rule(self, y_bar, x, *indices, axes):
        zeros = np.broadcast_to(
            np.zeros((), dtype_of(x)), shape_of(x)
        )  # staged, one number rather than an array
        return scatter_add(zeros, y_bar, *indices, axes=axes)

    def points(self, out, *types, axes):
        return [out] * len(types)

    def lower_rule(self, lower, out, x, *indices, axes):
        lead = out.ndim - (x.ndim - len(axes))

        def at(index):
            positions = [(i.spread(index[:lead]), x.shape[a]) for i, a in zip(indices, axes, strict=True)]
            chosen = [lower.checked(*position) for position in positions]
            return lower.requiring(x.at(_with_axes(chosen, index[lead:], axes)), positions)

        return lower.map(out, at)

    def accumulate_rule(self, x_bar, y_bar, x, *indices, axes):
        np.add.at(_front(x_bar, axes), indices, y_bar)

    def batch_rule(self, size, batched, x, *indices, axes):
        inner_axes = tuple(a + 1 for a in axes)
        if not any(batched[1:]):
            y = gather(x, *indices, axes=inner_axes)
            lead = len(np.broadcast_shapes(*map(shape_of, indices)))
            return _batch_axis_first(y, lead), True
        if not batched[0]:
            ndim = _index_ndim(indices, batched[1:])
            return gather(x, *_aligned(indices, batched[1:], ndim), axes=axes), True
        return gather(x, *_with_examples(size, indices, batched[1:]), axes=(0, *inner_axes)), True

    def samples(self):
        rows = np.array([2, 0, 2, -1])
        return [
            Sample((box((3, 2)), rows), {"axes": (0,)}),
            Sample((box((2, 3)), rows[:, None]), {"axes": (1,)}),
            Sample((box((3, 2)), np.array([0, 2]), np.array([[1], [0]])), {"axes": (0, 1)}),
            Sample((box((3, 2)), np.array([], int)), {"axes": (0,)}),
            Bad((box((3,)), rows), {"axes": (1,)}, "expected one index for each axis"),
        ]


class _Scatter(JointlyLinear):
    """The common part of scatter_add and scatter_set."""

    positions = (0, 1)
    by_parts = True
    fails = True
    combine: str | None = None

    def type_rule(self, x, v, *indices, axes):
        lead, rest = _gather_shapes(self.name, x, indices, axes)
        try:
            fits = np.broadcast_shapes(lead + rest, v.shape) == lead + rest
        except ValueError:
            fits = False
        if not fits:
            raise ShapeError(
                f"{self.name}: expected values that broadcast to {ArrayType(lead + rest, x.dtype)}, got {v}."
            )
        return x.strong()

    def lower_rule(self, lower, out, x, v, *indices, axes):
        lead = np.broadcast_shapes(*(i.shape for i in indices))
        rest = tuple(n for d, n in enumerate(out.shape) if d not in axes)
        indices = lower.updates.apart(x, indices)

        def positions(index):
            return [(i.spread(index[: len(lead)]), out.shape[a]) for i, a in zip(indices, axes, strict=True)]

        def target(index):
            chosen = [lower.checked(*position) for position in positions(index)]
            return _with_axes(chosen, index[len(lead) :], axes)

        def value(index):  # where an axis has one place, the target does not depend on its index
            return lower.requiring(v.spread(index), [p for p in positions(index) if p[1] == 1])

        written = lower.map(ArrayType(lead + rest, v.dtype), value)
        return lower.updates.scatter(x, written, lead + rest, target, self.combine)

    def batch_rule(self, size, batched, x, v, *indices, axes):
        if not batched[0]:
            x = stretch(x, size)
        batched_indices = batched[2:]
        indices = _with_examples(size, indices, batched_indices)
        ndim = len(np.broadcast_shapes(*map(shape_of, indices))) + len(shape_of(x)) - 1 - len(axes)
        if not batched[1]:
            v = stretch(v, size)
        missing = ndim - len(shape_of(v))
        if missing > 0:
            shape = shape_of(v)
            v = reshape(v, shape=(shape[0], *(1,) * missing, *shape[1:]))
        return self(x, v, *indices, axes=(0, *(a + 1 for a in axes))), True

    def samples(self):
        distinct = np.array([2, 0])
        cases = [
            Sample((box((3, 2)), box((2, 2)), distinct), {"axes": (0,)}),
            Sample((box((2, 3)), box(()), distinct), {"axes": (1,)}),
            Sample((box((3, 2)), box((2,)), distinct, np.array([1, 1])), {"axes": (0, 1)}),
            Bad((box((3, 2)), box((3, 2)), distinct), {"axes": (0,)}, "expected values that broadcast"),
        ]
        return cases


class ScatterAdd(_Scatter):
    """y = x with v added at the indices, repeated ones included: the transpose of gather."""

    name = "scatter_add"
    combine = "add"

    def eval_rule(self, x, v, *indices, axes):
        y = np.array(x)
        np.add.at(_front(y, axes), indices, v)
        return y

    def transpose_rule(self, needs, y_bar, x, v, *indices, axes):
        v_bar = conform(gather(y_bar, *indices, axes=axes), v) if needs[1] else None
        return (y_bar if needs[0] else None, v_bar, *(None,) * len(indices))

    def samples(self):
        repeated = np.array([1, 1, 0])
        return [*super().samples(), Sample((box((3,)), box((3,)), repeated), {"axes": (0,)})]


class ScatterSet(_Scatter):
    """y = x with v written at the indices; of repeated ones the last wins, as in NumPy."""

    name = "scatter_set"

    def eval_rule(self, x, v, *indices, axes):
        y = np.array(x)
        _front(y, axes)[indices] = v
        return y

    def transpose_rule(self, needs, y_bar, x, v, *indices, axes):
        rest = (None,) * len(indices)
        x_bar = v_bar = None
        if needs[0]:
            zero = np.zeros((), dtype_of(y_bar))
            x_bar = scatter_set(y_bar, zero, *indices, axes=axes)
        if needs[1]:
            v_bar = gather(y_bar, *indices, axes=axes)
            survivors = _survivors(shape_of(x), indices, axes, len(shape_of(v_bar)))
            v_bar = conform(v_bar if survivors is None else times(v_bar, survivors), v)
        return (x_bar, v_bar, *rest)

    def samples(self):
        repeated = np.array([1, 1, 0])
        return [*super().samples(), Sample((box((3,)), box((3,)), repeated), {"axes": (0,)})]


def _survivors(shape, indices, axes, ndim):
    """1.0 for each index tuple whose value stays, 0.0 where a later one overwrites it; None where all stay."""
    lead = np.broadcast_shapes(*map(shape_of, indices))
    count = int(np.prod(lead))
    if count <= 1:
        return None
    order = np.reshape(np.arange(1, count + 1), lead)
    last = scatter_set(np.zeros([shape[a] for a in axes], int), order, *indices, axes=tuple(range(len(axes))))
    mask = gather(last, *indices, axes=tuple(range(len(axes)))) == order
    return reshape(mask, shape=(*lead, *(1,) * (ndim - len(lead)))) * 1.0


def _with_axes(chosen, rest, axes):
    """Return an index with `chosen` at `axes` and `rest` at the others, in order."""
    out = list(rest)
    for axis, i in sorted(zip(axes, chosen, strict=True), key=lambda pair: pair[0]):
        out.insert(axis, i)
    return tuple(out)


def _index_ndim(indices, batched):
    return max(len(shape_of(i)) - b for i, b in zip(indices, batched, strict=True))


def _aligned(indices, batched, ndim):
    """Give each batched index `ndim` axes behind its batch axis."""
    out = []
    for i, b in zip(indices, batched, strict=True):
        shape = shape_of(i)
        missing = ndim + 1 - len(shape)
        if b and missing:
            i = reshape(i, shape=(shape[0], *(1,) * missing, *shape[1:]))
        out.append(i)
    return out


def _with_examples(size, indices, batched):
    """Return the indices preceded by one that counts the examples."""
    ndim = _index_ndim(indices, batched)
    return [np.arange(size).reshape(size, *(1,) * ndim), *_aligned(indices, batched, ndim)]


def _batch_axis_first(y, position):
    order = (position, *(d for d in range(len(shape_of(y))) if d != position))
    return y if position == 0 else transpose(y, axes=order)


gather = Gather()


scatter_add = ScatterAdd()


scatter_set = ScatterSet()
