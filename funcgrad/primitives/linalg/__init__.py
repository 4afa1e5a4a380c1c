"""Linear algebra: the primitives behind numpy.linalg."""

from funcgrad.primitives.linalg import (
    degenerate,
    determinant,
    factorizations,
    general_eigen,
    lu,
    pseudoinverse,
    solve,
    spectral,
)

__all__ = [
    "degenerate",
    "determinant",
    "factorizations",
    "general_eigen",
    "lu",
    "pseudoinverse",
    "solve",
    "spectral",
]
