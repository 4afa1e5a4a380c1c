"""The LU factorization with partial pivoting."""

import numpy as np

from funcgrad.core.primitive import Bad, Sample, box
from funcgrad.core.types import ArrayType, dtype_of, shape_of
from funcgrad.heavy import scipy_linalg
from funcgrad.primitives.linalg.matrices import (
    MatrixPrimitive,
    adjoint,
    check_matrix,
    conj,
    matrix_dtype,
    rows,
    sample_matrix,
    total,
)
from funcgrad.primitives.linalg.solve import triangular_solve
from funcgrad.primitives.logic import equal
from funcgrad.primitives.shape import concatenate, convert

__all__ = ["lu"]

_LOWER = {"lower": True, "transpose": True, "unit_diagonal": True}
_UPPER = {"lower": False, "transpose": False, "unit_diagonal": False}


class LU(MatrixPrimitive):
    """(p, L, U) with A[i] = (L U)[p[i]], L lower with ones on its diagonal, U upper triangular.

    For square A, P A = L U and F = L^-1 P A_dot U^-1: L_dot = L tril(F, -1) and U_dot = triu(F) U (de
    Hoog, Anderssen & Lukas 2011, "Differentiation of matrix functionals using triangular factorization").
    Further rows give L2 = A2 U^-1, further columns U2 = L^-1 A2.
    """

    name = "lu"
    multiple = True

    def type_rule(self, a):
        check_matrix("lu", a)
        *lead, m, n = a.shape
        k = min(m, n)
        dtype = matrix_dtype("lu", a)
        return (
            ArrayType((*lead, m), np.int64),
            ArrayType((*lead, m, k), dtype),
            ArrayType((*lead, k, n), dtype),
        )

    def eval_rule(self, a):
        p, lower, upper = scipy_linalg().lu(a, p_indices=True, check_finite=False)
        return p.astype(np.int64), lower, upper

    def vjp_rule(self, needs, y_bars, y, a):
        # Adjoints, for the pairing Re tr(X^H Y): conjugated cotangents.
        p, lower, upper = y
        _, l_bar, u_bar = (None if y_bar is None else conj(y_bar) for y_bar in y_bars)
        *_, m, n = shape_of(a)
        k = min(m, n)
        below = right = None
        if m > k:
            lower, rest = lower[..., :k, :], lower[..., k:, :]
            below = np.zeros(shape_of(rest), dtype_of(a))
            if l_bar is not None:
                l_bar, rest_bar = l_bar[..., :k, :], l_bar[..., k:, :]
                below = _over_upper(rest_bar, upper)
                u_bar = total(u_bar, -(adjoint(rest) @ below))
        if n > k:
            upper, rest = upper[..., :, :k], upper[..., :, k:]
            right = np.zeros(shape_of(rest), dtype_of(a))
            if u_bar is not None:
                u_bar, rest_bar = u_bar[..., :, :k], u_bar[..., :, k:]
                right = _over_lower(rest_bar, lower)
                l_bar = total(l_bar, -(right @ adjoint(rest)))
        strict = np.tri(k, k=-1, dtype=bool)
        f = total(
            None if l_bar is None else (adjoint(lower) @ l_bar) * strict,
            None if u_bar is None else (u_bar @ adjoint(upper)) * ~strict,
        )
        if f is None:
            return (None,)
        x = _over_upper(_over_lower(f, lower), upper)
        if below is not None:
            x = concatenate(x, below, axis=len(shape_of(a)) - 2)
        if right is not None:
            x = concatenate(x, right, axis=len(shape_of(a)) - 1)
        permutation = convert(equal(rows(p), np.arange(m)), dtype=dtype_of(a))
        return (conj(permutation @ x),)

    def samples(self):
        return [
            Sample((sample_matrix(3, 3) + np.diag([3.0, 2.0, 3.0])[::-1],)),
            Sample((sample_matrix(2, 4, 2),)),
            Sample((sample_matrix(2, 3),)),
            Sample((sample_matrix(2, 2, 2, dtype=complex),)),
            Sample((np.array([[-2.0]]),)),
            Bad((box((3,)),), {}, r"lu: expected matrices, got float64\[3\]"),
        ]


def _over_upper(x, upper):
    """Return X U^-H."""
    return adjoint(triangular_solve(upper, adjoint(x), **_UPPER))


def _over_lower(x, lower):
    """Return L^-H X."""
    return triangular_solve(conj(lower), x, **_LOWER)


lu = LU()
