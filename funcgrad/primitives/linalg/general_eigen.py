"""Eigenvalues and eigenvectors of general square matrices: eig, eigvals.

For A V = V diag(w) and B = V^-1 A_dot V: w_dot = diag(B), and before normalization
V_dot = V (B / G) with G[i,j] = w[j] - w[i], 0 on the diagonal (Giles 2008, section 3.1).
"""

import numpy as np

from funcgrad.core.primitive import Bad, Sample, box
from funcgrad.core.types import ArrayType, dtype_of, shape_of
from funcgrad.primitives.arithmetic import absolute
from funcgrad.primitives.broadcasting import reduce_sum
from funcgrad.primitives.linalg.degenerate import degenerate_divide
from funcgrad.primitives.linalg.matrices import (
    MatrixPrimitive,
    check_square,
    columns,
    conj,
    matrix_dtype,
    rows,
    sample_matrix,
    transposed,
)
from funcgrad.primitives.linalg.solve import solve
from funcgrad.primitives.logic import equal, select
from funcgrad.primitives.reduction import argmax
from funcgrad.primitives.shape import conform_dtype

__all__ = ["eig", "eigvals"]


class Eig(MatrixPrimitive):
    """(w, V), complex, with A V = V diag(w) and columns of V of norm 1.

    LAPACK makes the largest component of each column real, and so does the derivative: the column
    change u is followed by v_dot = u - v (Re v^H u + i Im(u_k / v_k)), k the largest component's place.
    At repeated eigenvalues see `degenerate_divide`.
    """

    name = "eig"
    multiple = True

    def type_rule(self, a):
        check_square("eig", a)
        dtype = np.result_type(matrix_dtype("eig", a), np.complex64)
        return ArrayType(a.shape[:-1], dtype), ArrayType(a.shape, dtype)

    def eval_rule(self, a):
        w, v = np.linalg.eig(a)
        dtype = np.result_type(v.dtype, np.complex64)
        return w.astype(dtype, copy=False), v.astype(dtype, copy=False)

    def vjp_rule(self, needs, y_bars, y, a):
        w, v = y
        w_bar, v_bar = y_bars
        if v_bar is None:
            if w_bar is None:
                return (None,)
            inner = columns(w_bar) * np.eye(shape_of(v)[-1], dtype=np.int8)
        else:
            u_bar = v_bar - _normalized(v, v_bar)
            twist = transposed(v) @ u_bar
            diagonal = np.eye(shape_of(v)[-1], dtype=bool)
            if w_bar is not None:
                twist = select(diagonal, columns(w_bar), twist)
            strict = w_bar is not None
            of = "eig: the eigenvectors"
            inner = degenerate_divide(twist, w, sign=0, sums=False, strict=strict, of=of)
            if w_bar is not None:
                inner = select(diagonal, columns(w_bar), inner)
        # A_bar = V^-T inner V^T
        return (conform_dtype(solve(transposed(v), inner @ transposed(v)), a),)

    def samples(self):
        return [
            Sample((sample_matrix(3, 3) + np.diag([1.0, 3.0, 6.0]),)),
            Sample((sample_matrix(3, 3, dtype=complex) + np.diag([1.0, 3.0j, 6.0]),)),
            Sample((np.array([[[0.5, -2.0], [1.0, 0.25]], [[3.0, 1.0], [0.5, 1.0]]]),)),
            Sample((np.array([[4.0]]),)),
            Sample((np.zeros((0, 0)),)),
            Bad((box((2, 3)),), {}, r"eig: expected square matrices, got float64\[2,3\]"),
        ]


def _normalized(v, v_bar):
    """Return the cotangent of u in v (Re v^H u + i Im(u_k / v_k)): the normalization's transpose."""
    n = shape_of(v)[-1]
    if n == 0:
        return v_bar
    along = reduce_sum(v * v_bar, axes=(len(shape_of(v)) - 2,), keepdims=False)
    size = 0.5 * (along + conj(along))  # the real part, as a complex number
    phase = along - size
    place = argmax(absolute(v), axis=len(shape_of(v)) - 2)
    chosen = equal(rows(np.arange(n)), columns(place))
    largest = select(chosen, v, np.ones((), dtype_of(v)))
    pick = select(chosen, columns(phase) / largest, np.zeros((), dtype_of(v)))
    return conj(v) * columns(size) + pick


class Eigvals(MatrixPrimitive):
    """The eigenvalues w of A, complex, in the order of eig: w_dot = diag(V^-1 A_dot V)."""

    name = "eigvals"

    def type_rule(self, a):
        check_square("eigvals", a)
        return ArrayType(a.shape[:-1], np.result_type(matrix_dtype("eigvals", a), np.complex64))

    def eval_rule(self, a):
        # LAPACK may order the eigenvalues differently when it is not asked for the vectors.
        w = np.linalg.eig(a).eigenvalues
        return w.astype(np.result_type(w.dtype, np.complex64), copy=False)

    def vjp_rule(self, needs, w_bar, w, a):
        _, v = eig(a)
        return (conform_dtype(solve(transposed(v), rows(w_bar) * transposed(v)), a),)

    def samples(self):
        return [
            Sample((sample_matrix(3, 3) + np.diag([1.0, 3.0, 6.0]),)),
            Sample((sample_matrix(2, 2, 2, dtype=complex),)),
            Sample((np.array([[4.0]]),)),
            Sample((np.zeros((0, 0)),)),
            Bad((box((2, 3)),), {}, r"eigvals: expected square matrices, got float64\[2,3\]"),
        ]


eig = Eig()
eigvals = Eigvals()
