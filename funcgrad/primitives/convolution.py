"""Convolution of vectors: any part of the full one, of which its modes and its transposes are parts."""

from functools import partial

import numpy as np

from funcgrad.core.linear import Bilinear
from funcgrad.core.primitive import Bad, Sample, box
from funcgrad.core.types import ArrayType, promote, shape_of
from funcgrad.errors import ShapeError
from funcgrad.primitives.guarded import guarded_product, lower_guarded
from funcgrad.primitives.shape import conform_dtype, flip

__all__ = ["convolve"]

# Where sums at the edges have more terms than this, NumPy's are faster than compiled ones.
LONG_EDGE = 320


class Convolve(Bilinear):
    """z[k] = sum over i of x[i] y[start + k - i], for `count` values of k; 0 where no product exists."""

    name = "convolve"

    def type_rule(self, x, y, *, start, count, guarded=False):
        if x.ndim != 1 or y.ndim != 1 or 0 in (x.size, y.size):
            raise ShapeError(f"convolve: expected vectors with at least one element, got {x} and {y}.")
        return ArrayType((count,), promote(x.strong(), y.strong()))

    def eval_rule(self, x, y, *, start, count, guarded=False):
        if guarded:
            return guarded_product(partial(self.eval_rule, start=start, count=count), x, y)
        x, y = (x, y) if len(x) >= len(y) else (y, x)
        n, m = len(x), len(y)
        if (start, count) == (0, n + m - 1):
            return np.convolve(x, y)
        first, last = start - m + 1, start + count  # the elements of x that are needed
        if first >= 0 and last <= n:
            return np.convolve(x[first:last], y, "valid")
        z = np.zeros(count, np.result_type(x, y))
        below, above = max(first, 0), min(last, n)
        if below < above:
            known = np.convolve(x[below:above], y)
            shift = start - below
            part = known[max(shift, 0) : shift + count]
            z[max(-shift, 0) : max(-shift, 0) + len(part)] = part
        return z

    def transpose_left(self, z_bar, x, y, *, start, count, guarded=False):
        # x_bar[i] = sum over k of z_bar[k] y[start + k - i]
        n, m = shape_of(x)[0], shape_of(y)[0]
        return conform_dtype(
            convolve(z_bar, flip(y, axes=(0,)), start=m - 1 - start, count=n, guarded=True), x
        )

    def transpose_right(self, z_bar, x, y, **part):
        return self.transpose_left(z_bar, y, x, **part)

    def lower_rule(self, lower, out, x, y, *, start, count, guarded=False):
        if out.dtype.kind not in "fiu":
            return None
        if guarded:

            def product(out, x, y):
                return self.lower_rule(lower, out, x, y, start=start, count=count)

            return lower_guarded(lower, out, x, y, product)
        x, y = (x, y) if x.size >= y.size else (y, x)
        n, m = x.size, y.size
        # The sums from `low` to `high` have all their terms, those before and behind it only some.
        low = min(max(m - 1 - start, 0), count)
        high = min(max(n - start, low), count)
        whole = low == 0 and high == count
        if not whole and m > LONG_EDGE:
            return None
        first = start - m + 1
        zero = lower.const(0, out.dtype)

        def needed(index):
            place = index[0] + first
            return lower.guard([(place, 0, n)], lambda: lower.cast(x.at((place,)), out.dtype), zero)

        # With the shorter one reversed, both are read forward: z[k] = sum over i of x[k + i] y[i].
        ahead = lower.store(lower.map(ArrayType((count + m - 1,), out.dtype), needed))
        back = lower.store(
            lower.map(
                ArrayType((m,), out.dtype),
                lambda index: lower.cast(y.at((index[0] * -1 + (m - 1),)), out.dtype),
            )
        )

        def sums(begin, end):
            def term(index):
                k, i = index
                product = lower.op("multiply", out.dtype, ahead.at((k + i + begin,)), back.at((i,)))
                if low <= begin and end <= high:
                    return product
                # A product that does not exist counts as 0, whatever y is: 0 * inf would not.
                place = lower.expressions.index(k + i + (begin + first))
                inside = lower.op(
                    "logical_and",
                    bool,
                    lower.op("less_equal", bool, lower.const(0, np.int64), place),
                    lower.op("less", bool, place, lower.const(n, np.int64)),
                )
                return lower.op("select", out.dtype, inside, product, zero)

            terms = lower.map(ArrayType((end - begin, m), out.dtype), term)
            return lower.reduce("add", ArrayType((end - begin,), out.dtype), terms, (1,), keepdims=False)

        if whole:
            return sums(0, count)
        parts = [(begin, end, sums(begin, end)) for begin, end in ((0, low), (low, high), (high, count))]

        def at(index):
            value = zero
            for begin, end, part in parts:

                def inside(part=part, begin=begin):
                    return part.at((index[0] + -begin,))

                value = lower.guard([(index[0], begin, end)], inside, value)
            return value

        return lower.map(out, at)

    def samples(self):
        return [
            Sample((box((5,)), box((3,))), {"start": 0, "count": 7}),
            Sample((box((2,)), box((4,))), {"start": 0, "count": 5}),
            Sample((box((6,)), box((3,))), {"start": 2, "count": 4}, note="valid"),
            Sample((box((4,)), box((3,))), {"start": -2, "count": 10}, note="beyond both ends"),
            Sample((box((4,)), box((2,))), {"start": 7, "count": 2}, note="nothing"),
            Sample((box((1,)), box((2,), dtype=complex)), {"start": 0, "count": 2}),
            Bad((box((2, 2)), box((2,))), {"start": 0, "count": 3}, "convolve: expected vectors"),
            Bad((box((0,)), box((2,))), {"start": 0, "count": 1}, "at least one element"),
        ]


convolve = Convolve()
