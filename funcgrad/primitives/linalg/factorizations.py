"""Cholesky and QR factorizations."""

import numpy as np

from funcgrad.core.primitive import Bad, Sample, box
from funcgrad.core.types import ArrayType, dtype_of, shape_of
from funcgrad.errors import DerivativeError, ShapeError
from funcgrad.primitives.linalg.matrices import (
    MatrixPrimitive,
    adjoint,
    check_matrix,
    check_square,
    conj,
    half_lower,
    matrix_dtype,
    positive_definite,
    sample_matrix,
    total,
    transposed,
)
from funcgrad.primitives.linalg.solve import triangular_solve

__all__ = ["cholesky", "qr"]

_LOWER = {"lower": True, "unit_diagonal": False}
_UPPER = {"lower": False, "unit_diagonal": False}


class Cholesky(MatrixPrimitive):
    """The lower triangular L with L L^H = A, for Hermitian positive definite A.

    Only the lower triangle of A is read, and the derivative is by that triangle: with the adjoint
    S = L^-H phi(L^H L_bar) L^-1, where phi keeps the lower triangle and half of the diagonal,
    A_bar = phi(S + S^H) (Murray 2016, "Differentiation of the Cholesky decomposition", eq. 9-10).
    """

    name = "cholesky"

    def type_rule(self, a):
        check_square("cholesky", a)
        return ArrayType(a.shape, matrix_dtype("cholesky", a))

    def eval_rule(self, a):
        return np.linalg.cholesky(a)

    def lower_rule(self, lower, out, a):
        lapack, n = lower.lapack, out.shape[-1]
        if not lapack.serves(out):
            return None
        y = lapack.copied(lapack.lower_triangle(a), out.dtype)
        lapack.call("potrf", out.shape[:-2], "U", n, y, n, lapack.indefinite, writes=(y,), flops=n**3 // 3)
        return y

    def vjp_rule(self, needs, y_bar, y, a):
        phi = half_lower(shape_of(a)[-1], dtype_of(a))
        inner = (adjoint(y) @ conj(y_bar)) * phi
        left = triangular_solve(conj(y), inner, transpose=True, **_LOWER)
        s = transposed(triangular_solve(y, transposed(left), transpose=True, **_LOWER))
        return (conj(phi * (s + adjoint(s))),)

    def samples(self):
        return [
            Sample((positive_definite(3, 3),)),
            Sample((positive_definite(2, 2, 2, dtype=complex),)),
            Sample((np.array([[4.0]]),)),
            Sample((np.zeros((0, 0)),)),
            Sample((positive_definite(3, 3).astype(np.float32),), smooth=False),
            Bad((box((2, 3)),), {}, r"cholesky: expected square matrices, got float64\[2,3\]"),
            Bad((box((3,)),), {}, r"cholesky: expected square matrices, got float64\[3\]"),
        ]


class QR(MatrixPrimitive):
    """(Q, R) with Q R = A: `complete` has a square Q, else A must have at least as many rows as columns.

    With B = A_dot R^-1, C = Q^H B and the upper triangle D = triu(C, 1) + tril(C, -1)^H + Re diag(C):
    R_dot = D R and Q_dot = B - Q D (the diagonal of R is real). So, with conjugated cotangents and
    E = R_bar R^H - Q^H Q_bar: A_bar = (Q_bar + Q (triu(E, 1) + triu(E, 1)^H + Re diag(E))) R^-H (Walter &
    Lehmann 2010, "On algorithmic differentiation of the QR decomposition", section 3).
    """

    name = "qr"
    multiple = True

    def type_rule(self, a, *, complete):
        check_matrix("qr", a)
        *lead, m, n = a.shape
        if not complete and m < n:
            raise ShapeError(f"qr: expected at least as many rows as columns, got {a}.")
        k = m if complete else n
        dtype = matrix_dtype("qr", a)
        return ArrayType((*lead, m, k), dtype), ArrayType((*lead, k, n), dtype)

    def eval_rule(self, a, *, complete):
        return tuple(np.linalg.qr(a, "complete" if complete else "reduced"))

    def vjp_rule(self, needs, y_bars, y, a, *, complete):
        *_, m, n = shape_of(a)
        if complete and m != n and y_bars[0] is None:  # R alone: the rows of zeros do not change
            y, y_bars = (y[0][..., :n], y[1][..., :n, :]), (None, y_bars[1][..., :n, :])
        elif complete and m != n:
            raise DerivativeError(
                "qr: expected mode='reduced' where Q is differentiated, got mode='complete' of a matrix "
                f"of shape {(m, n)}.",
                hint="the further columns of Q are an arbitrary basis, which has no derivative.",
            )
        q, r = y
        q_bar, r_bar = (None if y_bar is None else conj(y_bar) for y_bar in y_bars)
        change = total(
            None if r_bar is None else r_bar @ adjoint(r), None if q_bar is None else -(adjoint(q) @ q_bar)
        )
        if change is None:
            return (None,)
        upper = change * half_lower(n, dtype_of(a)).T
        right = total(q_bar, q @ (upper + adjoint(upper)))
        return (conj(adjoint(triangular_solve(r, adjoint(right), transpose=False, **_UPPER))),)

    def samples(self):
        reduced = {"complete": False}
        return [
            Sample((sample_matrix(3, 3) + 3 * np.eye(3),), reduced),
            Sample((sample_matrix(4, 2),), reduced),
            Sample((sample_matrix(2, 3, 2, dtype=complex),), reduced),
            Sample((sample_matrix(3, 3) + 3 * np.eye(3),), {"complete": True}),
            Sample((np.array([[-2.0]]),), reduced),
            Sample((np.zeros((3, 0)),), reduced),
            Bad((box((3,)),), reduced, r"qr: expected matrices, got float64\[3\]"),
            Bad((box((2, 3)),), reduced, r"qr: expected at least as many rows as columns"),
        ]


cholesky = Cholesky()
qr = QR()
