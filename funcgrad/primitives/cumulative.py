"""Cumulative operations along an axis, and the linear recurrence their derivatives need."""

from functools import partial

import numpy as np

from funcgrad.core.linear import Linear
from funcgrad.core.looped import Looped
from funcgrad.core.parts import Parts
from funcgrad.core.primitive import Bad, Primitive, Sample, box
from funcgrad.core.types import ArrayType, dtype_of, identity, shape_of
from funcgrad.errors import ShapeError
from funcgrad.primitives import complex_parts
from funcgrad.primitives.broadcasting import stretch
from funcgrad.primitives.elementwise import times
from funcgrad.primitives.logic import equal
from funcgrad.primitives.shape import concatenate, conform_dtype

__all__ = ["cummax", "cummin", "cumprod", "cumsum", "recurrence"]

# The most complex numbers in a row that are multiplied in steps of whole arrays.
MOST_DOUBLED = 32


def _along(name, x, axis):
    if not 0 <= axis < x.ndim:
        raise ShapeError(f"{name}: expected an axis below {x.ndim}, got {axis} for {x}.")
    return ArrayType(x.shape, x.dtype)


class CumSum(Linear):
    """y[..., i, ...] = sum of x[..., j, ...] over j <= i (over j >= i with `reverse`)."""

    name = "cumsum"
    by_parts = True
    identity = staticmethod(partial(identity, np.add))

    def type_rule(self, x, *, axis, reverse):
        return ArrayType(_along("cumsum", x, axis).shape, np.add.reduce(np.empty(0, x.dtype)).dtype)

    def eval_rule(self, x, *, axis, reverse):
        if reverse:
            return np.flip(np.cumsum(np.flip(x, axis), axis), axis)
        return np.cumsum(x, axis)

    def lower_rule(self, lower, out, x, *, axis, reverse):
        return lower.accumulate("add", out, x, axis, reverse=reverse)

    def transpose_rule(self, y_bar, x, *, axis, reverse):
        return cumsum(y_bar, axis=axis, reverse=not reverse)

    def batch_rule(self, size, batched, x, *, axis, reverse):
        return cumsum(x, axis=axis + 1, reverse=reverse), True

    def samples(self):
        return [
            Sample((box((2, 3)),), {"axis": 1, "reverse": False}),
            Sample((box((4,)),), {"axis": 0, "reverse": True}),
            Sample((box((0, 2)),), {"axis": 0, "reverse": False}),
            Bad((box((2,)),), {"axis": 1, "reverse": False}, "expected an axis below 1"),
        ]


class Recurrence(Looped):
    """y[i] = a[i] y[i - 1] + b[i] along `axis`, from y[-1] = 0 (from the end with `reverse`).

    Linear in b; by a, dy[i] = a[i] dy[i - 1] + da[i] y[i - 1] is a recurrence again.
    """

    name = "recurrence"
    hasty = True
    passes_nan = True
    linear_in = ((1,),)

    def type_rule(self, a, b, *, axis, reverse):
        if a.shape != b.shape:
            raise ShapeError(f"recurrence: expected arrays of one shape, got {a} and {b}.")
        return ArrayType(_along("recurrence", b, axis).shape, np.result_type(a.dtype, b.dtype))

    def iterations(self, a, b, *, axis, reverse):
        return shape_of(b)[axis] - 1

    def loop_rule(self, a, b, *, axis, reverse):
        y = np.array(b, dtype=np.result_type(a, b))
        rows_a, rows_y = np.moveaxis(a, axis, 0), np.moveaxis(y, axis, 0)
        if reverse:
            rows_a, rows_y = rows_a[::-1], rows_y[::-1]
        for i in range(1, len(rows_y)):
            rows_y[i] += times(rows_y[i - 1], rows_a[i])
        return y

    def lower_rule(self, lower, out, a, b, *, axis, reverse):
        n = out.shape[axis]

        def step(previous, index):
            def grown():
                times = "guarded_multiply" if lower.careful else "multiply"
                term = lower.op(times, out.dtype, previous, lower.cast(a.at(index), out.dtype))
                return lower.op("add", out.dtype, lower.cast(b.at(index), out.dtype), term)

            behind_first = (index[axis], 0, n - 1) if reverse else (index[axis], 1, n)
            return lower.guard([behind_first], grown, lower.cast(b.at(index), out.dtype))

        return lower.scan(out, axis, reverse, 0, step)

    def jvp_rule(self, x_dots, y, a, b, *, axis, reverse):
        a_dot, b_dot = x_dots
        source = b_dot
        if a_dot is not None:
            term = times(a_dot, _previous(y, axis, reverse))
            source = term if source is None else source + term
        return recurrence(a, source, axis=axis, reverse=reverse)

    def vjp_rule(self, needs, y_bar, y, a, b, *, axis, reverse):
        # b_bar[i] = y_bar[i] + a[i + 1] b_bar[i + 1]: the same recurrence from the other end.
        b_bar = recurrence(_previous(a, axis, not reverse), y_bar, axis=axis, reverse=not reverse)
        a_bar = conform_dtype(times(b_bar, _previous(y, axis, reverse)), a) if needs[0] else None
        return a_bar, conform_dtype(b_bar, b) if needs[1] else None

    def batch_rule(self, size, batched, a, b, *, axis, reverse):
        a, b = (x if is_batched else stretch(x, size) for x, is_batched in zip((a, b), batched, strict=True))
        return recurrence(a, b, axis=axis + 1, reverse=reverse), True

    def samples(self):
        return [
            Sample((box((2, 4)), box((2, 4))), {"axis": 1, "reverse": False}),
            Sample((box((4, 2)), box((4, 2))), {"axis": 0, "reverse": True}),
            Sample((box((0,)), box((0,))), {"axis": 0, "reverse": False}),
            Bad((box((2,)), box((3,))), {"axis": 0, "reverse": False}, "expected arrays of one shape"),
        ]


def _previous(x, axis, reverse):
    """Return x shifted one place along `axis`, with 0 where there is no previous element."""
    shape = shape_of(x)
    if shape[axis] == 0:
        return x
    lead = (slice(None),) * axis
    zero = np.zeros((*shape[:axis], 1, *shape[axis + 1 :]), dtype_of(x))
    if reverse:
        return concatenate(x[(*lead, slice(1, None))], zero, axis=axis)
    return concatenate(zero, x[(*lead, slice(None, -1))], axis=axis)


class CumProd(Primitive):
    """y[i] = product of x[j] over j <= i along `axis`; the derivative is exact where elements are zero."""

    name = "cumprod"
    identity = staticmethod(partial(identity, np.multiply))

    def type_rule(self, x, *, axis):
        return ArrayType(_along("cumprod", x, axis).shape, np.add.reduce(np.empty(0, x.dtype)).dtype)

    def eval_rule(self, x, *, axis):
        return np.cumprod(x, axis)

    def lower_rule(self, lower, out, x, *, axis):
        return lower.accumulate("multiply", out, x, axis)

    def parts_rule(self, x, *, axis):
        """Return the products of complex numbers by steps of whole arrays, each of which doubles how many are multiplied;
        of many, NumPy makes them one by one."""
        count, done = shape_of(x.re)[axis], 1
        if count > MOST_DOUBLED:
            return None
        lead = (slice(None),) * axis
        y = x
        while done < count:
            before, behind = (
                Parts(*[p[(*lead, s)] for p in y[:2]]) for s in (slice(-done), slice(done, None))
            )
            product = complex_parts.multiply(before, behind)
            firsts = [p[(*lead, slice(done))] for p in y[:2]]
            y = Parts(*[concatenate(p, q, axis=axis) for p, q in zip(firsts, product[:2], strict=True)])
            done *= 2
        return y

    def jvp_rule(self, x_dots, y, x, *, axis):
        # y_dot[i] = x[i] y_dot[i - 1] + x_dot[i] y[i - 1]
        return recurrence(x, times(x_dots[0], self._before(y, axis)), axis=axis, reverse=False)

    def vjp_rule(self, needs, y_bar, y, x, *, axis):
        tail = recurrence(_previous(x, axis, True), y_bar, axis=axis, reverse=True)
        return (conform_dtype(times(tail, self._before(y, axis)), x),)

    @staticmethod
    def _before(y, axis):
        shape = shape_of(y)
        if shape[axis] == 0:
            return y
        one = np.ones((*shape[:axis], 1, *shape[axis + 1 :]), dtype_of(y))
        return concatenate(one, y[(*(slice(None),) * axis, slice(None, -1))], axis=axis)

    def batch_rule(self, size, batched, x, *, axis):
        return cumprod(x, axis=axis + 1), True

    def samples(self):
        return [
            Sample((box((2, 4)),), {"axis": 1}),
            Sample((box((3,), dtype=complex),), {"axis": 0}),
            Sample((np.array([2.0, 0.0, 3.0]),), {"axis": 0}, derivative=(np.array([1.0, 8.0, 0.0]),)),
            Sample((box((0, 2)),), {"axis": 0}),
            Bad((box((2,)),), {"axis": 1}, "expected an axis below 1"),
        ]


class _CumExtremum(Primitive):
    """The running extremum along `axis`; of ties the first element carries the derivative."""

    scan: np.ufunc
    combine: str

    def identity(self, dtype):
        return identity(self.scan, dtype)

    def type_rule(self, x, *, axis):
        return _along(self.name, x, axis)

    def eval_rule(self, x, *, axis):
        return self.scan.accumulate(x, axis)

    def lower_rule(self, lower, out, x, *, axis):
        return lower.accumulate(self.combine, out, x, axis)

    def jvp_rule(self, x_dots, y, x, *, axis):
        # y follows x where x is a new extremum, and its own previous value elsewhere.
        shape = shape_of(y)
        if shape[axis] == 0:
            return x_dots[0]
        lead = (slice(None),) * axis
        repeated = equal(y[(*lead, slice(1, None))], y[(*lead, slice(None, -1))])
        first = np.zeros((*shape[:axis], 1, *shape[axis + 1 :]), bool)
        old = concatenate(first, repeated, axis=axis) * np.ones((), dtype_of(y))
        return recurrence(old, times(x_dots[0], 1 - old), axis=axis, reverse=False)

    def batch_rule(self, size, batched, x, *, axis):
        return self(x, axis=axis + 1), True

    def samples(self):
        return [
            Sample((box((2, 4)),), {"axis": 1}),
            Sample((np.array([1.0, 1.0, 0.5]),), {"axis": 0}, smooth=False),
            Bad((box((2,)),), {"axis": 1}, "expected an axis below 1"),
        ]


class CumMax(_CumExtremum):
    """y[i] = the largest of x[j] over j <= i along `axis`."""

    name = "cummax"
    scan = np.maximum
    combine = "maximum"


class CumMin(_CumExtremum):
    """y[i] = the smallest of x[j] over j <= i along `axis`."""

    name = "cummin"
    scan = np.minimum
    combine = "minimum"


cumsum = CumSum()
recurrence = Recurrence()
cumprod = CumProd()
cummax = CumMax()
cummin = CumMin()
