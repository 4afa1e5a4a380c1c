"""The Moore-Penrose inverse."""

import numpy as np

from funcgrad.core.primitive import Bad, Sample, box
from funcgrad.core.types import ArrayType
from funcgrad.primitives.linalg.matrices import (
    MatrixPrimitive,
    adjoint,
    check_matrix,
    conj,
    matrix_dtype,
    refuse_infinite,
    sample_matrix,
)

__all__ = ["pinv"]


class Pinv(MatrixPrimitive):
    """P = A^+; singular values up to `rtol` times the largest count as zero.

    Where the rank is constant around A (Golub & Pereyra 1973, "The differentiation of pseudo-inverses",
    eq. 4.12): P_dot = -P A_dot P + P P^H A_dot^H (I - A P) + (I - P A) A_dot^H P^H P.
    """

    name = "pinv"

    def type_rule(self, a, *, rtol, hermitian):
        check_matrix("pinv", a)
        *lead, m, n = a.shape
        return ArrayType((*lead, n, m), matrix_dtype("pinv", a))

    def eval_rule(self, a, *, rtol, hermitian):
        refuse_infinite(a)
        return np.linalg.pinv(a, rcond=rtol, hermitian=hermitian)

    def vjp_rule(self, needs, p_bar, p, a, *, rtol, hermitian):
        # The adjoint, for the pairing Re tr(X^H Y): conjugated cotangents.
        x, p_adj = conj(p_bar), adjoint(p)
        x_adj = adjoint(x)
        left = (x_adj @ p) @ p_adj
        right = p_adj @ (p @ x_adj)
        change = left - a @ (p @ left) + right - (right @ p) @ a - p_adj @ (x @ p_adj)
        return (conj(change),)

    def samples(self):
        params = {"rtol": 1e-15, "hermitian": False}
        return [
            Sample((sample_matrix(3, 2),), params),
            Sample((sample_matrix(2, 2, 3, dtype=complex),), params),
            Sample((np.array([[0.5]]),), params),
            Sample((np.zeros((0, 2)),), params),
            Bad((box((3,)),), params, r"pinv: expected matrices, got float64\[3\]"),
        ]


pinv = Pinv()
