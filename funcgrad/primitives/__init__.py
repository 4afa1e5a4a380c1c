"""Every primitive, one family a file. Importing this package registers them all."""

from funcgrad.primitives import (
    arithmetic,
    broadcasting,
    contraction,
    cumulative,
    exponential,
    fourier,
    indexing,
    linalg,
    logic,
    reduction,
    shape,
    sorting,
    trigonometric,
)

__all__ = [
    "arithmetic",
    "broadcasting",
    "contraction",
    "cumulative",
    "exponential",
    "fourier",
    "indexing",
    "linalg",
    "logic",
    "reduction",
    "shape",
    "sorting",
    "trigonometric",
]
