"""Orderings: sort, argsort, argpartition and searchsorted."""

import numpy as np

from funcgrad.core.looped import Looped
from funcgrad.core.primitive import Bad, Primitive, Sample, box
from funcgrad.core.types import ArrayType, dtype_of, shape_of
from funcgrad.errors import ShapeError
from funcgrad.primitives.broadcasting import stretch
from funcgrad.primitives.gathering import gather, scatter_add

__all__ = ["argpartition", "argsort", "searchsorted", "sort"]

# An axis is long from so many elements on.
LONG = 512
# So many are looked at together: they stay in the processor's cache.
BLOCK = 16384


class Sort(Primitive):
    """y = x sorted along `axis`, or where `kth` is given, only so far that its places have what they would have then.

    In the derivative, of ties the first is the first of y. Values alone cost a sort or a partition; with a derivative
    they are gathered by the argsort that it needs.
    """

    name = "sort"

    def type_rule(self, x, *, axis, kth):
        if not 0 <= axis < x.ndim:
            raise ShapeError(f"sort: expected an axis below {x.ndim}, got {axis} for {x}.")
        return ArrayType(x.shape, x.dtype)

    def eval_rule(self, x, *, axis, kth):
        return np.sort(x, axis) if kth is None else np.partition(x, kth, axis)

    def forward_rule(self, x, *, axis, kth):
        places = _places(argsort(x, axis=axis), axis)
        return gather(x, *places, axes=tuple(range(len(places)))), places

    def jvp_rule(self, x_dots, places, x, *, axis, kth):
        return gather(x_dots[0], *places, axes=tuple(range(len(places))))

    def vjp_rule(self, needs, y_bar, places, x, *, axis, kth):
        zeros = np.broadcast_to(np.zeros((), dtype_of(y_bar)), shape_of(y_bar))
        return (scatter_add(zeros, y_bar, *places, axes=tuple(range(len(places)))),)

    def batch_rule(self, size, batched, x, *, axis, kth):
        return sort(x, axis=axis + 1, kth=kth), True

    def samples(self):
        return [
            Sample((box((2, 4)),), {"axis": 1, "kth": None}),
            Sample((box((3, 2)),), {"axis": 0, "kth": None}),
            Sample((np.array([1.0, 0.0, 1.0]),), {"axis": 0, "kth": None}, smooth=False),
            Sample((box((2, 3)),), {"axis": 1, "kth": (0, 1, 2)}),
            Sample((np.array([3, 1, 2]),), {"axis": 0, "kth": None}),
            Bad((box((2,)),), {"axis": 1, "kth": None}, "expected an axis below 1"),
        ]


def _places(order, axis):
    """Return where the elements along `axis` are that `order` names, as one index an axis."""
    shape = shape_of(order)
    behind = [(1,) * (len(shape) - d - 1) for d in range(len(shape))]
    grids = (
        np.arange(n).reshape(n, *rest) if d != axis else order
        for d, (n, rest) in enumerate(zip(shape, behind, strict=True))
    )
    return tuple(grids)


class ArgSort(Primitive):
    """y = the positions that sort x along `axis`, ties by position."""

    name = "argsort"
    differentiable = False

    def type_rule(self, x, *, axis):
        if not 0 <= axis < x.ndim:
            raise ShapeError(f"argsort: expected an axis below {x.ndim}, got {axis} for {x}.")
        return ArrayType(x.shape, np.intp)

    def eval_rule(self, x, *, axis):
        return _stable_order(x, axis)

    def batch_rule(self, size, batched, x, *, axis):
        return argsort(x, axis=axis + 1), True

    def samples(self):
        return [
            Sample((box((2, 4)),), {"axis": 1}),
            Sample((np.array([1.0, 0.0, 1.0, np.nan]),), {"axis": 0}),
            Bad((box((2,)),), {"axis": 1}, "expected an axis below 1"),
        ]


def _stable_order(x, axis):
    """Return `np.argsort(x, axis, stable=True)`. NumPy's other sort has vectors, and takes a sixth of the time on long
    axes; it leaves ties in any order, so they are put in order of position after it, where there are any."""
    if x.shape[axis] < LONG or x.dtype.kind not in "fiu" or x.dtype.itemsize not in (4, 8):
        return np.argsort(x, axis, stable=True)
    rows = np.moveaxis(x, axis, -1)
    order = np.argsort(rows, -1)
    if _has_ties(rows, order):
        y = np.take_along_axis(rows, order, -1)
        run = np.zeros(order.shape, np.int64)
        np.cumsum(~_ties(y), -1, out=run[..., 1:])
        order = np.sort(run << 32 | order, -1) & 0xFFFFFFFF
    return np.moveaxis(order, -1, axis)


def _ties(y):
    """Return whether each element of sorted rows equals the one before it, the first left out; nan equals nan."""
    ties = y[..., 1:] == y[..., :-1]
    if y.dtype.kind == "f":
        ties |= y[..., :-1] != y[..., :-1]  # nan comes last
    return ties


def _has_ties(rows, order):
    """Whether there are any, block by block: fresh memory for all of the rows would cost more than looking at them."""
    n = order.shape[-1]
    step = max(BLOCK // max(order.size // n, 1), LONG // 8)
    return any(
        _ties(np.take_along_axis(rows, order[..., k : k + step + 1], -1)).any() for k in range(0, n - 1, step)
    )


class ArgPartition(Primitive):
    """y = positions that put the `kth` smallest of x in place along `axis`."""

    name = "argpartition"
    differentiable = False

    def type_rule(self, x, *, kth, axis):
        if not 0 <= axis < x.ndim or any(not 0 <= k < x.shape[axis] for k in kth):
            raise ShapeError(f"argpartition: expected kth within axis {axis}, got {kth} for {x}.")
        return ArrayType(x.shape, np.intp)

    def eval_rule(self, x, *, kth, axis):
        return np.argpartition(x, kth, axis)

    def batch_rule(self, size, batched, x, *, kth, axis):
        return argpartition(x, kth=kth, axis=axis + 1), True

    def samples(self):
        return [
            Sample((box((2, 4)),), {"kth": (1,), "axis": 1}),
            Bad((box((2,)),), {"kth": (5,), "axis": 0}, "expected kth within axis 0"),
        ]


class SearchSorted(Looped):
    """y[..., :] = where each v[..., :] would be inserted in the sorted row a[..., :]: a row for each index that both have in
    front. NumPy searches one row."""

    name = "searchsorted"
    differentiable = False

    def type_rule(self, a, v, *, side):
        if not a.ndim or v.shape[: a.ndim - 1] != a.shape[:-1]:
            raise ShapeError(f"searchsorted: expected sorted rows for values {v}, got {a}.")
        return ArrayType(v.shape, np.intp)

    def iterations(self, a, v, *, side):
        return a.size // a.shape[-1] if a.ndim > 1 and a.shape[-1] else 1

    def loop_rule(self, a, v, *, side):
        if a.ndim == 1:
            return np.searchsorted(a, v, side)
        y = np.empty(v.shape, np.intp)
        for row in np.ndindex(a.shape[:-1]):
            y[row] = np.searchsorted(a[row], v[row], side)
        return y

    def lower_rule(self, lower, out, a, v, *, side):
        dtype = np.promote_types(a.dtype, v.dtype)
        if dtype.kind not in "fiu":
            return None
        a, (*lead, n) = lower.store(a), a.shape

        def less(x, y):
            """Compare in the order of sorting: nan is behind all other numbers."""
            if dtype.kind != "f":
                return lower.op("less", bool, x, y)
            number = lower.op("logical_not", bool, lower.op("isnan", bool, x))
            behind = lower.op("logical_and", bool, lower.op("isnan", bool, y), number)
            return lower.op("logical_or", bool, lower.op("less", bool, x, y), behind)

        def before(row, position, key):
            """Whether the element of a row at a position comes before where the key is inserted."""
            x = lower.cast(a.at((*row, position)), dtype)
            return less(x, key) if side == "left" else lower.op("logical_not", bool, less(key, x))

        def at(index):
            # Without branches: every key takes the same steps, so that several go side by side.
            row, key = index[: len(lead)], lower.cast(v.at(index), dtype)
            start, count = lower.const(0, np.int64), n
            if n == 0:
                return start
            while count > 1:
                half = count // 2
                middle = lower.op("add", np.int64, start, lower.const(half, np.int64))
                where = lower.known(middle, n) + -1
                start = lower.op("select", np.int64, before(row, where, key), middle, start)
                count -= half
            behind = lower.op("add", np.int64, start, lower.const(1, np.int64))
            return lower.op("select", np.int64, before(row, lower.known(start, n), key), behind, start)

        return lower.store(lower.map(out, at))

    def batch_rule(self, size, batched, a, v, *, side):
        if not batched[0] and len(shape_of(a)) == 1:
            return searchsorted(a, v, side=side), True
        a, v = (x if is_batched else stretch(x, size) for x, is_batched in zip((a, v), batched, strict=True))
        return searchsorted(a, v, side=side), True

    def samples(self):
        a = np.array([0.0, 1.0, 1.0, 2.0])
        return [
            Sample((a, np.array([[1.0, -1.0], [3.0, 0.5]])), {"side": "left"}),
            Sample((a, np.array([1.0])), {"side": "right"}),
            Sample((np.stack([a, a + 1]), np.array([[1.0, -1.0, 2.5], [3.0, 0.5, 2.0]])), {"side": "right"}),
            Bad((box((2, 2)), box((3,))), {"side": "left"}, "expected sorted rows"),
        ]


sort = Sort()
argsort = ArgSort()
argpartition = ArgPartition()
searchsorted = SearchSorted()
