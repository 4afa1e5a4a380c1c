"""Discrete Fourier transforms, by the loops of NumPy's own ufuncs: what they are called with from machine code."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from funcgrad.compile.loopir.index import Counter, Index
from funcgrad.compile.loopir.statement import ForeignCall, Place, Strided
from funcgrad.compile.lower.builder import Builder
from funcgrad.compile.lower.value import Value
from funcgrad.compile.target.types import in_memory
from funcgrad.core.types import ArrayType
from funcgrad.heavy import fourier_dtype

__all__ = ["fourier"]


def fourier(
    lower: Builder, name: str, out: ArrayType, x: Value, shape: Sequence[int], axis: int, norm: str
) -> Value | None:
    """Return a transform along one axis, as numpy.fft has it; None where its loop cannot be called.

    Args:
        name: "fft", "ifft", "rfft" or "irfft".
        out: the type of the result; complex ones lie in memory as pairs, and so do those of x.
        shape: of x, the pairs counted as one.
    """
    points = out.shape[axis] if name == "irfft" else shape[axis]
    factor = _factor(points, name, norm, in_memory(out).dtype)
    loop = f"rfft_n_{'odd' if points % 2 else 'even'}" if name == "rfft" else name
    given = x.dtype if x.shape == tuple(shape) else np.result_type(x.dtype, np.complex64)
    real = fourier_dtype(loop, given, type(factor))
    if real is None:
        return None
    x = _in_memory(lower, x, shape, real, paired=name != "rfft")
    kind = ArrayType(in_memory(out).shape, real)
    buffer = lower.result(kind)
    result = lower.stored(buffer, kind)
    if not result.size:
        return lower.converted(result, in_memory(out).dtype)
    before, behind = math.prod(shape[:axis]), math.prod(shape[axis + 1 :])
    together = before if behind == 1 else behind  # so many in a call
    loops = [] if behind == 1 else lower.loops((before,))
    at = Index.of(loops[0]) if loops else Index()

    def place(buffer, size, writes):
        size //= 1 if behind == 1 else before
        return Place(buffer, at * size, at * size + Index.of(Counter(size)), writes, not writes)

    steps = []  # from one transform to the next, and from one point to the next
    for value, count in ((x, shape[axis]), (result, out.shape[axis])):
        element = value.size // (before * count * behind) * real.itemsize
        steps.append((count * element, element) if behind == 1 else (element, behind * element))
    (x_next, x_point), (y_next, y_point) = steps
    assert x.buffer is not None
    arguments = (place(x.buffer, x.size, False), real.type(factor), place(buffer, result.size, True))
    strided = Strided((together, shape[axis], out.shape[axis]), (x_next, 0, y_next, x_point, y_point))
    flops = int(5 * points * math.log2(points + 1)) * together
    lower.call(loops, ForeignCall(f"numpy.{loop}.{real.char}", arguments, flops, strided))
    return lower.converted(result, in_memory(out).dtype)


def _in_memory(lower: Builder, x: Value, shape: Sequence[int], real: np.dtype, *, paired: bool) -> Value:
    """Return what is transformed as the loop reads it: real numbers, or pairs of them."""
    x = lower.converted(x, real)
    if paired and x.shape == tuple(shape):
        zero = lower.const(0, real)
        parts = (x, lower.map(x.type, lambda index: zero))
        return lower.interleaved(ArrayType(x.shape, np.result_type(real, np.complex64)), parts)
    return lower.store(x)


def _factor(points: int, name: str, norm: str, real: np.dtype) -> Any:
    """Return what NumPy scales a transform by: the number 1, by which it computes in double precision, or one of `real`."""
    inverse = name in ("ifft", "irfft")
    if norm == "ortho":
        return np.reciprocal(np.sqrt(points, dtype=real))
    return np.reciprocal(points, dtype=real) if inverse == (norm == "backward") else 1
