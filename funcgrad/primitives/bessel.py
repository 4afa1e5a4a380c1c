"""Modified Bessel functions of the first kind, of integer order."""

import numpy as np

from funcgrad import heavy
from funcgrad.core.primitive import Primitive, Sample, box
from funcgrad.core.types import ArrayType, ufunc_dtype
from funcgrad.primitives.elementwise import conform_tangent, times

__all__ = ["bessel_i"]


class BesselI(Primitive):
    """y = I_n(x) for an integer order n.

    2 I_n' = I_{n-1} + I_{n+1} and I_{-n} = I_n (Abramowitz and Stegun, 1964, 9.6.26 and 9.6.6).
    """

    name = "bessel_i"
    pointwise = True

    def type_rule(self, x, *, order):
        return ArrayType(x.shape, ufunc_dtype("bessel_i", np.exp, (x,)))

    def eval_rule(self, x, *, order):
        x = np.asarray(x)
        dtype = self.type_rule(ArrayType(x.shape, x.dtype), order=order).dtype
        y = (np.i0(x) if order == 0 and x.dtype.kind != "c" else heavy.scipy_special().iv(order, x)).astype(
            dtype
        )
        return y if y.ndim else y[()]

    def jvp_rule(self, x_dots, y, x, *, order):
        slope = (bessel_i(x, order=abs(order - 1)) + bessel_i(x, order=order + 1)) / 2
        return conform_tangent(times(x_dots[0], slope), y)

    def batch_rule(self, size, batched, x, *, order):
        return bessel_i(x, order=order), True

    def samples(self):
        return [
            Sample((box((2, 3), -3, 3),), {"order": 0}),
            Sample((np.array([0.0, 0.3, -2.0]),), {"order": 1}),
            Sample((np.array([0.0]),), {"order": 0}, derivative=(np.zeros(1),)),
        ]


bessel_i = BesselI()
