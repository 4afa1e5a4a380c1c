"""Families of linear primitives: state the transpose, and both derivatives follow."""

import sys
from typing import Any

import numpy as np

from funcgrad.core.parts import Parts, parts_of
from funcgrad.core.primitive import Primitive
from funcgrad.core.types import dtype_of, shape_of

__all__ = ["Bilinear", "JointlyLinear", "Linear"]

# Every position of an argument.
ALL = range(sys.maxsize)


class Linear(Primitive):
    """Linear in argument 0; further arguments are operands such as indices.

    Write `transpose_rule(y_bar, x, *rest, **params) -> x_bar`, where only the shape and dtype of
    `x` may be used.
    """

    linear_in = ((0,),)
    unread = (0,)
    reads_result = False
    passes_nan = True

    def transpose_rule(self, y_bar, x, *rest, **params):
        raise NotImplementedError

    def jvp_rule(self, x_dots, y, x, *rest, **params):
        return self(x_dots[0], *rest, **params)

    def vjp_rule(self, needs, y_bar, y, x, *rest, **params):
        return (self.transpose_rule(y_bar, x, *rest, **params), *(None,) * len(rest))


class JointlyLinear(Primitive):
    """Linear in several arguments together: those at `positions` (None for all).

    Write `transpose_rule(needs, y_bar, *args, **params)` that gives one cotangent an argument.
    """

    positions: tuple[int, ...] | None = None
    reads_result = False
    passes_nan = True

    @property
    def unread(self):
        return ALL if self.positions is None else self.positions

    def transpose_rule(self, needs, y_bar, *args, **params):
        raise NotImplementedError

    def linear_positions(self, count):
        return range(count) if self.positions is None else self.positions

    def linear_together(self, positions, count):
        return self.positions is None or set(positions) <= set(self.positions)

    def jvp_rule(self, x_dots, y, *args, **params):
        positions = range(len(args)) if self.positions is None else self.positions
        tangents = list(args)
        for i in positions:
            tangents[i] = zeros_like(args[i]) if x_dots[i] is None else x_dots[i]
        return self(*tangents, **params)

    def vjp_rule(self, needs, y_bar, y, *args, **params):
        return self.transpose_rule(needs, y_bar, *args, **params)


class Bilinear(Primitive):
    """Linear in each of two arguments. Write one transpose a side.

    Products in a derivative have the parameter `guarded=True`: in them a zero wins against infinity and nan, as in
    `primitives.elementwise.times`. The transposes of a product are such.
    """

    linear_in = ((0,), (1,))
    reads_result = False
    passes_nan = True

    def transpose_left(self, y_bar, x, y, **params):
        raise NotImplementedError

    def transpose_right(self, y_bar, x, y, **params):
        raise NotImplementedError

    def parts_rule(self, x, y, **params):
        x, y = parts_of(x), parts_of(y)
        if x.is_real or y.is_real:
            return Parts(
                self(x.re, y.re, **params),
                self(x.re, y.im, **params) if x.is_real else self(x.im, y.re, **params),
            )
        return Parts(
            self(x.re, y.re, **params) - self(x.im, y.im, **params),
            self(x.re, y.im, **params) + self(x.im, y.re, **params),
        )

    def jvp_rule(self, x_dots, z, x, y, **params):
        x_dot, y_dot = x_dots
        params = {**params, "guarded": True}
        if y_dot is None:
            return self(x_dot, y, **params)
        if x_dot is None:
            return self(x, y_dot, **params)
        return self(x_dot, y, **params) + self(x, y_dot, **params)

    def vjp_rule(self, needs, z_bar, z, x, y, **params):
        return (
            self.transpose_left(z_bar, x, y, **params) if needs[0] else None,
            self.transpose_right(z_bar, x, y, **params) if needs[1] else None,
        )


def zeros_like(x: Any) -> np.ndarray:
    """Return zeros of the shape and dtype of `x`, which may be an array, a tracer or a type."""
    return np.zeros(shape_of(x), dtype_of(x))
