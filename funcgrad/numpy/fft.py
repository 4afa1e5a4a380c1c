"""numpy.fft for plain and traced arrays. All are linear, so every derivative is exact.

`n` and `s` crop or zero-pad, `axis` and `axes` choose the axes, `norm` is 'backward' (the inverse is
scaled by 1/n), 'forward' (the forward one is) or 'ortho' (both by 1/sqrt(n)), as in NumPy.
"""

import operator
from typing import Any

import numpy as np

from funcgrad.core.types import dtype_of, shape_of, type_of
from funcgrad.errors import DTypeError, ShapeError
from funcgrad.numpy.arguments import as_array, as_axis, astype, implements, no_out
from funcgrad.numpy.linalg.arguments import floating
from funcgrad.numpy.rearranging import roll
from funcgrad.primitives import fourier
from funcgrad.primitives.arithmetic import conjugate
from funcgrad.primitives.indexing import Key, place

__all__ = [
    "fft",
    "fft2",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftfreq",
    "rfftn",
]

_SWAPPED = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}


@implements(np.fft.fft)
def fft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None, out: None = None) -> Any:
    """Transform along an axis: y[k] = sum of a[j] exp(-2 pi i j k / n) over j.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> fg.grad(lambda x: np.sum(np.abs(np.fft.fft(x)) ** 2))(np.array([1.0, 2.0]))
    array([4., 8.])
    """
    return _complex("fft", a, (n,), (axis,), norm, out, False)


@implements(np.fft.ifft)
def ifft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None, out: None = None) -> Any:
    """Transform back along an axis: y[j] = 1/n sum of a[k] exp(2 pi i j k / n) over k."""
    return _complex("ifft", a, (n,), (axis,), norm, out, True)


@implements(np.fft.fftn)
def fftn(a: Any, s: Any = None, axes: Any = None, norm: str | None = None, out: None = None) -> Any:
    """Transform along several axes, by default all; `s` gives the sizes."""
    a = floating(a)
    return _complex("fftn", a, *_sizes("fftn", a, s, axes), norm, out, False)


@implements(np.fft.ifftn)
def ifftn(a: Any, s: Any = None, axes: Any = None, norm: str | None = None, out: None = None) -> Any:
    """Transform back along several axes, by default all; `s` gives the sizes."""
    a = floating(a)
    return _complex("ifftn", a, *_sizes("ifftn", a, s, axes), norm, out, True)


@implements(np.fft.fft2)
def fft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None, out: None = None) -> Any:
    """Transform along two axes, by default the last."""
    return fftn(a, s, axes, norm, out)


@implements(np.fft.ifft2)
def ifft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None, out: None = None) -> Any:
    """Transform back along two axes, by default the last."""
    return ifftn(a, s, axes, norm, out)


@implements(np.fft.rfft)
def rfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None, out: None = None) -> Any:
    """Transform real numbers along an axis: the frequencies 0 ... n // 2 of `fft`."""
    return _from_real("rfft", a, (n,), (axis,), norm, out)


@implements(np.fft.rfftn)
def rfftn(a: Any, s: Any = None, axes: Any = None, norm: str | None = None, out: None = None) -> Any:
    """Transform real numbers along several axes: the last one as `rfft`, the others as `fft`."""
    a = floating(a)
    return _from_real("rfftn", a, *_sizes("rfftn", a, s, axes), norm, out)


@implements(np.fft.rfft2)
def rfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None, out: None = None) -> Any:
    """Transform real numbers along two axes, by default the last."""
    return rfftn(a, s, axes, norm, out)


@implements(np.fft.irfft)
def irfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None, out: None = None) -> Any:
    """Transform frequencies 0 ... n // 2 back to n real numbers; n is even by default."""
    return _to_real("irfft", a, (n,), (axis,), norm, out)


@implements(np.fft.irfftn)
def irfftn(a: Any, s: Any = None, axes: Any = None, norm: str | None = None, out: None = None) -> Any:
    """Transform back to real numbers along several axes: the last one as `irfft`, the others as `ifft`."""
    a = floating(a)
    return _to_real("irfftn", a, *_sizes("irfftn", a, s, axes), norm, out)


@implements(np.fft.irfft2)
def irfft2(a: Any, s: Any = None, axes: Any = (-2, -1), norm: str | None = None, out: None = None) -> Any:
    """Transform back to real numbers along two axes, by default the last."""
    return irfftn(a, s, axes, norm, out)


@implements(np.fft.hfft)
def hfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None, out: None = None) -> Any:
    """Transform a signal with Hermitian symmetry, given by its first half, to n real frequencies."""
    return _to_real("hfft", _conjugated(floating(a)), (n,), (axis,), _swapped("hfft", norm), out)


@implements(np.fft.ihfft)
def ihfft(a: Any, n: int | None = None, axis: int = -1, norm: str | None = None, out: None = None) -> Any:
    """Transform real frequencies back to the first half of a signal with Hermitian symmetry."""
    return conjugate(_from_real("ihfft", a, (n,), (axis,), _swapped("ihfft", norm), out))


@implements(np.fft.fftshift)
def fftshift(x: Any, axes: Any = None) -> Any:
    """Move the zero frequency to the middle of the axes, by default of all."""
    x = as_array(x)
    axes = _shifted_axes(x, axes)
    return roll(x, tuple(shape_of(x)[a] // 2 for a in axes), axes) if axes else x


@implements(np.fft.ifftshift)
def ifftshift(x: Any, axes: Any = None) -> Any:
    """Undo `fftshift`."""
    x = as_array(x)
    axes = _shifted_axes(x, axes)
    return roll(x, tuple(-(shape_of(x)[a] // 2) for a in axes), axes) if axes else x


@implements(np.fft.fftfreq)
def fftfreq(n: int, d: Any = 1.0, device: Any = None) -> Any:
    """Return the frequencies of `fft` for n points at the distance `d`, in cycles a unit."""
    return np.fft.fftfreq(n, device=device) / d


@implements(np.fft.rfftfreq)
def rfftfreq(n: int, d: Any = 1.0, device: Any = None) -> Any:
    """Return the frequencies of `rfft` for n points at the distance `d`, in cycles a unit."""
    return np.fft.rfftfreq(n, device=device) / d


def _shifted_axes(x, axes):
    ndim = len(shape_of(x))
    if not ndim:
        raise ShapeError(f"fftshift: expected an array with at least one axis, got {type_of(x)}.")
    if axes is None:
        return tuple(range(ndim))
    axes = axes if isinstance(axes, (tuple, list)) else (axes,)
    return tuple(as_axis("fftshift", a, ndim) for a in axes)


def _complex(name, a, sizes, axes, norm, out, inverse):
    a, axes, norm = _prepared(name, a, axes, norm, out)
    for n, axis in zip(sizes, axes, strict=True):
        a = _resized(name, a, n, axis)
    if not axes:
        return a
    if len(set(axes)) == len(axes):
        return fourier.fft(a, axes=axes, inverse=inverse, norm=norm)
    for axis in reversed(axes):
        a = fourier.fft(a, axes=(axis,), inverse=inverse, norm=norm)
    return a


def _from_real(name, a, sizes, axes, norm, out):
    a, axes, norm = _prepared(name, a, axes, norm, out)
    if dtype_of(a).kind == "c":
        raise DTypeError(f"{name}: expected real numbers, got {type_of(a)}.", hint="use fft, or a.real.")
    *rest, axis = axes
    y = fourier.rfft(_resized(name, a, sizes[-1], axis), axis=axis, norm=norm)
    return _complex(name, y, sizes[:-1], rest, norm, None, False)


def _to_real(name, a, sizes, axes, norm, out):
    a, axes, norm = _prepared(name, a, axes, norm, out)
    *rest, axis = axes
    a = _complex(name, a, sizes[:-1], rest, norm, None, True)
    n = 2 * (shape_of(a)[axis] - 1) if sizes[-1] is None else operator.index(sizes[-1])
    _check_size(name, a, n)
    return fourier.irfft(_resized(name, a, n // 2 + 1, axis), n=n, axis=axis, norm=norm)


def _prepared(name, a, axes, norm, out):
    if out is not None:
        no_out(name, out)
    a = floating(a)
    a = astype(a, np.float32) if dtype_of(a) == np.float16 else a
    if norm not in _SWAPPED:
        raise ValueError(f"{name}: expected norm 'backward', 'ortho' or 'forward', got {norm!r}.")
    return a, tuple(as_axis(name, axis, len(shape_of(a))) for axis in axes), norm or "backward"


def _sizes(name, a, s, axes) -> tuple[tuple, tuple]:
    """Return a size (None to keep it) and an axis for each axis to be transformed."""
    ndim = len(shape_of(a))
    if axes is None:
        axes = range(ndim) if s is None else range(-len(s), 0)
    axes = tuple([as_axis(name, axis, ndim) for axis in axes])
    if s is not None and len(s) != len(axes):
        raise ShapeError(f"{name}: expected one size for each of the axes {axes}, got {tuple(s)}.")
    if not axes and name in ("rfftn", "irfftn"):
        raise ShapeError(f"{name}: expected at least one axis, got {type_of(a)}.")
    if s is None:
        return (None,) * len(axes), axes
    shape = shape_of(a)
    return tuple(shape[axis] if n == -1 else n for n, axis in zip(s, axes, strict=True)), axes


def _swapped(name, norm):
    if norm not in _SWAPPED:
        raise ValueError(f"{name}: expected norm 'backward', 'ortho' or 'forward', got {norm!r}.")
    return _SWAPPED[norm]


def _conjugated(a):
    return conjugate(a) if dtype_of(a).kind == "c" else a


def _check_size(name, a, n):
    if n < 1:
        raise ShapeError(f"{name}: expected at least one point, got n = {n} for {type_of(a)}.")


def _resized(name, a, n, axis):
    """Return `a` cropped or padded with zeros to size `n` along `axis`."""
    shape = shape_of(a)
    if n is None or n == shape[axis]:
        return a
    n = operator.index(n)
    _check_size(name, a, n)
    lead = (slice(None),) * axis
    if n < shape[axis]:
        return a[(*lead, slice(0, n))]
    key = Key((*lead, slice(0, shape[axis])))
    return place(a, shape=(*shape[:axis], n, *shape[axis + 1 :]), key=key)
