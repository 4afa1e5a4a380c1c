"""Elementwise functions that are no ufuncs: parts of complex numbers, rounding, sinc, nan_to_num, i0."""

import operator
from typing import Any

import numpy as np

from funcgrad.core.inplace import write
from funcgrad.core.tracer import Tracer, concrete
from funcgrad.core.types import dtype_of, is_inexact, shape_of, type_of
from funcgrad.errors import DTypeError, ShapeError
from funcgrad.numpy.arguments import as_array, astype, implements, judged, no_out
from funcgrad.primitives import arithmetic, logic, trigonometric
from funcgrad.primitives.bessel import bessel_i
from funcgrad.primitives.broadcasting import broadcast_to

__all__ = ["angle", "around", "fix", "i0", "imag", "nan_to_num", "real", "real_if_close", "round", "sinc"]


@implements(np.real)
def real(val: Any) -> Any:
    """Return the real part."""
    x = as_array(val)
    return arithmetic.real(x) if dtype_of(x).kind == "c" else x


@implements(np.imag)
def imag(val: Any) -> Any:
    """Return the imaginary part; zeros for a real array."""
    x = as_array(val)
    if dtype_of(x).kind == "c":
        return arithmetic.imag(x)
    return broadcast_to(np.zeros((), x.dtype), shape=x.shape) if x.ndim else np.zeros((), x.dtype)


@implements(np.angle)
def angle(z: Any, deg: bool = False) -> Any:
    """Return the angle of each complex number, in radians, or in degrees if `deg`.

    Derivative: 0 at the origin.
    """
    z = as_array(z)
    y = trigonometric.arctan2(*((imag(z), real(z)) if z.dtype.kind == "c" else (0, z)))
    return y * (180 / np.pi) if deg else y


@implements(np.round, np.around)
def round(a: Any, decimals: int = 0, out: None = None) -> Any:
    """Return `a` rounded to `decimals` places, halves to even; the derivative is zero."""
    no_out("round", out)
    a = as_array(a)
    decimals = operator.index(decimals)
    if not is_inexact(a.dtype):
        return _rounded_integers(a, decimals)
    if decimals == 0:
        return logic.rint(a)
    scale = 10.0 ** abs(decimals)
    return logic.rint(a * scale) / scale if decimals > 0 else logic.rint(a / scale) * scale


around = round


def _rounded_integers(a, decimals):
    if a.dtype.kind == "b":
        return astype(a, judged("round", np.round, a, decimals).dtype)
    if decimals >= 0:
        return a.copy()
    scale = 10.0**-decimals
    return astype(logic.rint(a / scale) * scale, a.dtype)


@implements(np.fix)
def fix(x: Any, out: None = None) -> Any:
    """Return each number rounded towards zero; the derivative is zero."""
    no_out("fix", out)
    return logic.trunc(as_array(x))


@implements(np.sinc)
def sinc(x: Any) -> Any:
    """Return sin(pi x) / (pi x), 1 at 0; every derivative is right at 0 as well."""
    x = as_array(x)
    return trigonometric.sinc(x if is_inexact(x.dtype) else astype(x, float), order=0)


@implements(np.i0)
def i0(x: Any) -> Any:
    """Return the modified Bessel function of the first kind, of order 0, of real numbers."""
    x = as_array(x)
    if dtype_of(x).kind == "c":
        raise DTypeError(f"i0: expected real numbers, got {type_of(x)}.")
    return bessel_i(x if is_inexact(x.dtype) else astype(x, float), order=0)


@implements(np.nan_to_num)
def nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """Return `x` with nan and infinities replaced by numbers; the derivative there is zero."""
    x = as_array(x)
    kind = dtype_of(x).kind
    for value in (nan, posinf, neginf) if kind in "fc" else ():
        if value is not None and shape_of(value) and np.broadcast_shapes(x.shape, shape_of(value)) != x.shape:
            raise ShapeError(f"nan_to_num: expected numbers that broadcast to {type_of(x)}, got {value!r}.")
        if value is not None and np.result_type(value).kind == "c":
            raise DTypeError(f"nan_to_num: expected real numbers, got {value!r}.")
    if kind == "c":
        parts = [_numbers(part, nan, posinf, neginf) for part in (arithmetic.real(x), arithmetic.imag(x))]
        y = astype(parts[0], x.dtype) + parts[1] * x.dtype.type(1j)
    else:
        y = _numbers(x, nan, posinf, neginf) if kind == "f" else x.copy()
    if copy:
        return y
    if type(x) is Tracer:
        write(x, y)
        return x
    return np.nan_to_num(x, copy=False, nan=nan, posinf=posinf, neginf=neginf)


def _numbers(x, nan, posinf, neginf):
    limits = np.finfo(x.dtype)
    high = limits.max if posinf is None else posinf
    low = limits.min if neginf is None else neginf
    y = logic.select(logic.isnan(x), astype(as_array(nan), x.dtype), x)
    y = logic.select(logic.equal(x, np.inf), astype(as_array(high), x.dtype), y)
    return logic.select(logic.equal(x, -np.inf), astype(as_array(low), x.dtype), y)


@implements(np.real_if_close)
def real_if_close(a: Any, tol: float = 100) -> Any:
    """Return the real part if all imaginary parts, whose values must be known, are close to zero."""
    a = as_array(a)
    if dtype_of(a).kind != "c":
        return a
    return arithmetic.real(a) if np.isrealobj(np.real_if_close(concrete(a), tol)) else a
