"""Convolution of vectors: the full one, of which the other modes, and the transposes, are parts."""

import numpy as np

from funcgrad.core.primitive import Bad, Bilinear, Sample, box
from funcgrad.core.types import ArrayType, promote, shape_of
from funcgrad.errors import ShapeError
from funcgrad.primitives.shape import conform_dtype, flip

__all__ = ["convolve"]


class Convolve(Bilinear):
    """z[k] = sum over i of x[i] y[k - i], for every k where a product exists."""

    name = "convolve"

    def type_rule(self, x, y):
        if x.ndim != 1 or y.ndim != 1 or 0 in (x.size, y.size):
            raise ShapeError(f"convolve: expected vectors with at least one element, got {x} and {y}.")
        return ArrayType((x.size + y.size - 1,), promote(x.strong(), y.strong()))

    def eval_rule(self, x, y):
        return np.convolve(x, y)

    def lower_rule(self, lower, out, x, y):
        if x.size < y.size:
            x, y = y, x
        n, m = x.size, y.size
        if out.dtype.kind not in "fiu":
            return None
        # Behind zeros, and the shorter one reversed, both are read forward: z[k] = sum of x[k + i] y[i].
        zero = lower.const(0, out.dtype)
        x, y = (lower.map(ArrayType(t.shape, out.dtype), _cast(lower, t, out.dtype)) for t in (x, y))
        padded = ArrayType((n + 2 * (m - 1),), out.dtype)

        def pad(index):
            place = index[0] + (1 - m)
            return lower.guard([(place, 0, n)], lambda: x.at((place,)), zero)

        x = lower.store(lower.map(padded, pad))
        y = lower.store(lower.map(y.type, lambda index, y=y: y.at((index[0] * -1 + (m - 1),))))

        def part(first, count, *, edge):
            """Return `count` of the sums; at an edge, only products that exist count (0 * inf would not be 0)."""

            def term(index):
                k, i = index
                product = lower.op("multiply", out.dtype, x.at((k + i + first,)), y.at((i,)))
                if not edge:
                    return product
                place = lower.expressions.index(k + i + (first + 1 - m))
                low = lower.op("less_equal", bool, lower.const(0, np.int64), place)
                high = lower.op("less", bool, place, lower.const(n, np.int64))
                return lower.op("select", out.dtype, lower.op("logical_and", bool, low, high), product, zero)

            terms = lower.map(ArrayType((count, m), out.dtype), term)
            return lower.reduce("add", ArrayType((count,), out.dtype), terms, (1,), keepdims=False)

        head = part(0, m - 1, edge=True)
        body = part(m - 1, n - m + 1, edge=False)
        tail = part(n, m - 1, edge=True)

        def at(index):
            (k,) = index
            last = lower.guard([(k, n, n + m - 1)], lambda: tail.at((k + -n,)), zero)
            middle = lower.guard([(k, m - 1, n)], lambda: body.at((k + (1 - m),)), last)
            return lower.guard([(k, 0, m - 1)], lambda: head.at((k,)), middle)

        return lower.map(out, at)

    def transpose_left(self, z_bar, x, y):
        # x_bar[i] = sum over k of z_bar[k] y[k - i]
        n, m = shape_of(x)[0], shape_of(y)[0]
        return conform_dtype(convolve(z_bar, flip(y, axes=(0,)))[m - 1 : m - 1 + n], x)

    def transpose_right(self, z_bar, x, y):
        return self.transpose_left(z_bar, y, x)

    def samples(self):
        return [
            Sample((box((5,)), box((3,)))),
            Sample((box((2,)), box((4,)))),
            Sample((box((1,)), box((2,), dtype=complex))),
            Bad((box((2, 2)), box((2,))), {}, "convolve: expected vectors"),
            Bad((box((0,)), box((2,))), {}, "at least one element"),
        ]


def _cast(lower, x, dtype):
    return lambda index: lower.cast(x.at(index), dtype)


convolve = Convolve()
