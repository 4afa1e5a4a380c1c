"""Discrete Fourier transforms: complex over several axes, and from and to real numbers over one axis."""

import numpy as np

from funcgrad.core.linear import Linear
from funcgrad.core.primitive import Bad, Sample, box
from funcgrad.core.types import ArrayType, dtype_of, shape_of
from funcgrad.errors import DTypeError, ShapeError
from funcgrad.primitives.arithmetic import conjugate
from funcgrad.primitives.shape import conform_dtype

__all__ = ["fft", "irfft", "rfft"]

_COMPLEX = {"f": np.complex64, "d": np.complex128, "F": np.complex64, "D": np.complex128}
_SWAPPED = {"backward": "forward", "ortho": "ortho", "forward": "backward"}


def _complex_dtype(name, x):
    if x.dtype.kind in "biu":
        return np.dtype(np.complex128)
    if x.dtype.char not in _COMPLEX:
        raise DTypeError(
            f"{name}: expected single or double precision, got {x}.", hint="convert with astype."
        )
    return np.dtype(_COMPLEX[x.dtype.char])


def _check(name, x, axes):
    if any(not 0 <= a < x.ndim for a in axes):
        raise ShapeError(f"{name}: expected axes below {x.ndim}, got {axes} for {x}.")
    if any(x.shape[a] == 0 for a in axes):
        raise ShapeError(f"{name}: expected at least one point along axes {axes}, got {x}.")


class FFT(Linear):
    """y[k] = scale * sum of x[j] exp(-+ 2 pi i j k / n) over j, along each of `axes`: its own transpose.

    Args:
        inverse: the sign of the exponent: minus forward, plus inverse.
        norm: 'backward' scales the inverse by 1/n, 'forward' the forward one, 'ortho' both by 1/sqrt(n).
    """

    name = "fft"

    def type_rule(self, x, *, axes, inverse, norm):
        _check("fft", x, axes)
        return ArrayType(x.shape, _complex_dtype("fft", x))

    def eval_rule(self, x, *, axes, inverse, norm):
        if len(axes) == 1:
            return (np.fft.ifft if inverse else np.fft.fft)(x, axis=axes[0], norm=norm)
        return (np.fft.ifftn if inverse else np.fft.fftn)(x, axes=axes, norm=norm)

    def transpose_rule(self, y_bar, x, **params):
        return conform_dtype(fft(y_bar, **params), x)

    complex_in_memory = True

    def lower_rule(self, lower, out, x, *, axes, inverse, norm):
        for axis in reversed(axes):
            x = lower.fourier("ifft" if inverse else "fft", out, x, out.shape, axis, norm)
            if x is None:
                return None
        return x

    def batch_rule(self, size, batched, x, *, axes, **params):
        return fft(x, axes=tuple(a + 1 for a in axes), **params), True

    def samples(self):
        def params(axes=(0,), inverse=False, norm="backward"):
            return {"axes": axes, "inverse": inverse, "norm": norm}

        return [
            Sample((box((5,), dtype=complex),), params()),
            Sample((box((2, 3, 4), dtype=complex),), params((0, 2), norm="ortho")),
            Sample((box((2, 3), dtype=complex),), params((1,), True)),
            Sample((box((4,)),), params(inverse=True, norm="forward")),
            Sample((box((2, 1)),), params((1, 0), norm="forward")),
            Sample((np.arange(4),), params()),
            Bad((box((3,)),), params((1,)), "fft: expected axes below 1"),
            Bad((box((0,)),), params(), "fft: expected at least one point"),
        ]


class RFFT(Linear):
    """y[k] for k = 0 ... n // 2 of the transform of real numbers along `axis`."""

    name = "rfft"

    def type_rule(self, x, *, axis, norm):
        _check("rfft", x, (axis,))
        if x.dtype.kind == "c":
            raise DTypeError(f"rfft: expected real numbers, got {x}.", hint="use fft.")
        shape = (*x.shape[:axis], x.shape[axis] // 2 + 1, *x.shape[axis + 1 :])
        return ArrayType(shape, _complex_dtype("rfft", x))

    def eval_rule(self, x, *, axis, norm):
        return np.fft.rfft(x, axis=axis, norm=norm)

    def transpose_rule(self, y_bar, x, *, axis, norm):
        # Re sum of y_bar[k] exp(-2 pi i j k / n): an inverse transform, which counts the frequencies that
        # have a mirror image twice.
        n = shape_of(x)[axis]
        half = conjugate(y_bar) * _mirrors(n, axis, shape_of(y_bar), dtype_of(x), 0.5)
        return conform_dtype(irfft(half, n=n, axis=axis, norm=_SWAPPED[norm]), x)

    complex_in_memory = True

    def lower_rule(self, lower, out, x, *, axis, norm):
        return lower.fourier("rfft", out, x, x.shape, axis, norm)

    def batch_rule(self, size, batched, x, *, axis, norm):
        return rfft(x, axis=axis + 1, norm=norm), True

    def samples(self):
        return [
            Sample((box((5,)),), {"axis": 0, "norm": "backward"}),
            Sample((box((2, 4)),), {"axis": 1, "norm": "ortho"}),
            Sample((box((6, 2)),), {"axis": 0, "norm": "forward"}),
            Sample((box((1,)),), {"axis": 0, "norm": "backward"}),
            Bad((box((3,), dtype=complex),), {"axis": 0, "norm": "backward"}, "rfft: expected real numbers"),
        ]


class IRFFT(Linear):
    """The n real numbers whose transform begins with x: the inverse of rfft along `axis`.

    The imaginary parts of x[0], and of x[n // 2] for even n, are not read.
    """

    name = "irfft"

    def type_rule(self, x, *, n, axis, norm):
        _check("irfft", x, (axis,))
        if n < 1 or x.shape[axis] != n // 2 + 1:
            raise ShapeError(f"irfft: expected {n // 2 + 1} frequencies for {n} points, got {x}.")
        dtype = np.empty(0, _complex_dtype("irfft", x)).real.dtype
        return ArrayType((*x.shape[:axis], n, *x.shape[axis + 1 :]), dtype)

    def eval_rule(self, x, *, n, axis, norm):
        return np.fft.irfft(x, n=n, axis=axis, norm=norm)

    def transpose_rule(self, y_bar, x, *, n, axis, norm):
        half = conjugate(rfft(y_bar, axis=axis, norm=_SWAPPED[norm]))
        return conform_dtype(half * _mirrors(n, axis, shape_of(x), dtype_of(y_bar), 2.0), x)

    complex_in_memory = True

    def lower_rule(self, lower, out, x, *, n, axis, norm):
        shape = (*out.shape[:axis], n // 2 + 1, *out.shape[axis + 1 :])
        return lower.fourier("irfft", out, x, shape, axis, norm)

    def batch_rule(self, size, batched, x, *, n, axis, norm):
        return irfft(x, n=n, axis=axis + 1, norm=norm), True

    def samples(self):
        return [
            Sample((box((3,), dtype=complex),), {"n": 5, "axis": 0, "norm": "backward"}),
            Sample((box((2, 3), dtype=complex),), {"n": 4, "axis": 1, "norm": "ortho"}),
            Sample((box((4, 2)),), {"n": 6, "axis": 0, "norm": "forward"}),
            Sample((box((1,), dtype=complex),), {"n": 1, "axis": 0, "norm": "backward"}),
            Bad((box((3,)),), {"n": 8, "axis": 0, "norm": "backward"}, "irfft: expected 5 frequencies"),
        ]


def _mirrors(n, axis, shape, dtype, weight):
    """Return `weight` for the frequencies 0 < k < n / 2, and 1 for the others, along `axis`."""
    w = np.full(n // 2 + 1, weight, np.empty(0, dtype).real.dtype if dtype.kind in "fc" else float)
    w[0] = 1
    if n % 2 == 0:
        w[-1] = 1
    return w.reshape(-1, *(1,) * (len(shape) - axis - 1))


fft = FFT()
rfft = RFFT()
irfft = IRFFT()
