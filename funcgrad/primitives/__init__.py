"""Every primitive, one family a file. Importing this package registers them all."""

from funcgrad.primitives import (
    arithmetic,
    bessel,
    broadcasting,
    contraction,
    convolution,
    cumulative,
    exponential,
    fourier,
    indexing,
    linalg,
    logic,
    normalization,
    reduction,
    shape,
    sorting,
    trigonometric,
)

__all__ = [
    "arithmetic",
    "bessel",
    "broadcasting",
    "contraction",
    "convolution",
    "cumulative",
    "exponential",
    "fourier",
    "indexing",
    "linalg",
    "logic",
    "normalization",
    "reduction",
    "shape",
    "sorting",
    "trigonometric",
]
