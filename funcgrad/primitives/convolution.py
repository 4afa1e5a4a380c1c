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


convolve = Convolve()
