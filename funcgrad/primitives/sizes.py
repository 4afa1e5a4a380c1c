"""x / |x|, the slope of a norm: 0 at 0 by convention, where it has no derivative of its own."""

import numpy as np

from funcgrad.core.parts import by_parts
from funcgrad.core.primitive import box
from funcgrad.core.tracer import concrete, is_concrete
from funcgrad.core.types import dtype_of
from funcgrad.errors import DerivativeError
from funcgrad.primitives.elementwise import Elementwise, conform, conform_tangent, guarded_multiply, times
from funcgrad.primitives.logic import equal, select

__all__ = ["direction"]


class Direction(Elementwise):
    """z = x / size, 0 where the size is 0.

    The convention gives a value at 0 and no derivative: to differentiate it would make second derivatives
    0 that are not. So there the derivative is nan in every direction x moves in, and refused by reverse
    mode where values are known. Squares of norms do not come here: see funcgrad.numpy.squares.
    """

    def jvp_rule(self, x_dots, z, x, size):
        x_dot, size_dot = x_dots
        if x_dot is None and size_dot is None:
            return None
        zero = equal(size, 0)
        moved = (0.0 if x_dot is None else x_dot) - (0.0 if size_dot is None else times(size_dot, z))
        nothing = 0.0 if x_dot is None else guarded_multiply(x_dot, np.nan)
        return conform_tangent(select(zero, nothing, times(moved, 1 / select(zero, 1.0, size))), z)

    def vjp_rule(self, needs, z_bar, z, x, size):
        zero = equal(size, 0)
        if needs[0] and is_concrete(zero) and np.any(concrete(zero)):
            raise DerivativeError(
                "norm: expected a second derivative where the norm (std, hypot, abs) is not 0, got one at 0.",
                hint="write norm(x)**2 of one norm, or np.sum(x**2), which is smooth; where a mask leaves the norm out, "
                "give it something else: norm(np.where(mask, x, 1.0)).",
            )
        slope = 1 / select(zero, 1.0, size)
        x_bar = select(zero, np.nan, times(z_bar, slope))
        size_bar = select(zero, 0.0, times(z_bar, -z * slope))
        return conform(x_bar, x) if needs[0] else None, conform(size_bar, size) if needs[1] else None

    def parts_rule(self, x, size):
        return by_parts(self, (x, size), (0,))

    def lower_rule(self, lower, out, x, size):
        if out.dtype.kind != "f":
            return None

        def at(index):
            dtype = out.dtype
            y = lower.cast(size.spread(index), dtype)
            zero = lower.op("equal", bool, y, lower.const(0, dtype))
            safe = lower.op("select", dtype, zero, lower.const(1, dtype), y)
            z = lower.op("divide", dtype, lower.cast(x.spread(index), dtype), safe)
            return lower.op("select", dtype, zero, lower.const(0, dtype), z)

        return lower.map(out, at)


def _direction(x, size):
    zero = np.equal(size, 0)
    size = np.where(zero, np.ones((), dtype_of(size)), size)
    if dtype_of(x).kind == "c":  # part by part, as 1 / size may be infinite
        z = np.empty(np.broadcast_shapes(np.shape(x), np.shape(size)), np.result_type(x, size))
        z.real, z.imag = np.true_divide(np.real(x), size), np.true_divide(np.imag(x), size)
    else:
        z = np.true_divide(x, size)
    z = np.where(zero, np.zeros((), z.dtype), z)
    return z if z.ndim else z[()]


direction = Direction(
    "direction",
    _direction,
    (1, 1),
    loop=np.true_divide,
    cost=10,
    samples=[
        (box((2, 3)), box((2, 1), 0.5, 2.0)),
        (box((3,), dtype=complex), box((3,), 0.5, 2.0)),
        (box(()), box((), 0.5, 2.0)),
    ],
)
