"""Eigenvalues of Hermitian matrices, and singular values: eigh, eigvalsh, svd, svdvals.

The pullbacks are written with conjugated cotangents, for which the pairing is Re tr(X^H Y), and
conjugated back at the end: derivatives here are plain transposes.
"""

import numpy as np

from funcgrad.core.primitive import Bad, Sample, box
from funcgrad.core.types import ArrayType, dtype_of, shape_of
from funcgrad.primitives.linalg.degenerate import degenerate_divide, degenerate_scale
from funcgrad.primitives.linalg.matrices import (
    MatrixPrimitive,
    adjoint,
    check_matrix,
    check_square,
    columns,
    conj,
    half_lower,
    matrix_dtype,
    positive_definite,
    real_dtype,
    refuse_infinite,
    sample_matrix,
    total,
    transposed,
)
from funcgrad.primitives.logic import select

__all__ = ["eigh", "eigvalsh", "svd", "svdvals"]


def _one_triangle(s, lower):
    """Return the cotangent of one triangle of a Hermitian matrix whose cotangent is `s`."""
    phi = half_lower(shape_of(s)[-1], dtype_of(s))
    return (s + adjoint(s)) * (phi if lower else phi.T)


def _with_diagonal(x, d):
    """Return the matrices x with d along their diagonals."""
    return select(np.eye(shape_of(x)[-1], dtype=bool), columns(d), x)


class Eigh(MatrixPrimitive):
    """(w, V) with A V = V diag(w), w ascending and V unitary, for Hermitian A.

    Only one triangle of A is read, and the derivative is by that triangle. With B = V^H A_dot V:
    w_dot = diag(B) and V_dot = V (B / G), G[i,j] = w[j] - w[i], 0 on the diagonal (Giles 2008, section
    3.1). For complex A the phases of the columns of V are arbitrary; the derivative is the one with
    V^H V_dot = 0 on the diagonal. At repeated eigenvalues see `degenerate_divide`.

    Args:
        lower: which triangle.
        strict: whether the eigenvalues are known to be used beside the vectors.
    """

    name = "eigh"
    multiple = True

    def type_rule(self, a, *, lower, strict):
        check_square("eigh", a)
        dtype = matrix_dtype("eigh", a)
        return ArrayType(a.shape[:-1], real_dtype(dtype)), ArrayType(a.shape, dtype)

    def eval_rule(self, a, *, lower, strict):
        return tuple(np.linalg.eigh(a, "L" if lower else "U"))

    def vjp_rule(self, needs, y_bars, y, a, *, lower, strict):
        w, v = y
        w_bar, v_bar = y_bars
        if v_bar is None:
            if w_bar is None:
                return (None,)
            inner = v * columns(w_bar)
        else:
            twist = adjoint(v) @ conj(v_bar)
            if w_bar is not None:
                twist = _with_diagonal(twist, w_bar)
            middle = degenerate_divide(
                twist, w, sign=-1, sums=False, strict=strict or w_bar is not None, of="eigh: the eigenvectors"
            )
            inner = v @ (middle if w_bar is None else _with_diagonal(middle, w_bar))
        return (conj(_one_triangle(inner @ adjoint(v), lower)),)

    def samples(self):
        lower = {"lower": True, "strict": False}
        return [
            Sample((positive_definite(3, 3),), lower),
            Sample((positive_definite(3, 3),), {"lower": False, "strict": False}),
            Sample((positive_definite(2, 2, 2, seed=1),), lower),
            Sample((positive_definite(2, 2, 2, dtype=complex),), lower, smooth=False),
            Sample((np.array([[4.0]]),), lower),
            Sample((np.zeros((0, 0)),), lower),
            Bad((box((2, 3)),), lower, r"eigh: expected square matrices, got float64\[2,3\]"),
        ]


class Eigvalsh(MatrixPrimitive):
    """The eigenvalues w of Hermitian A, ascending: w_dot = diag(V^H A_dot V)."""

    name = "eigvalsh"

    def type_rule(self, a, *, lower):
        check_square("eigvalsh", a)
        return ArrayType(a.shape[:-1], real_dtype(matrix_dtype("eigvalsh", a)))

    def eval_rule(self, a, *, lower):
        return np.linalg.eigvalsh(a, "L" if lower else "U")

    def vjp_rule(self, needs, w_bar, w, a, *, lower):
        _, v = eigh(a, lower=lower, strict=True)
        return (conj(_one_triangle((v * columns(w_bar)) @ adjoint(v), lower)),)

    def samples(self):
        lower = {"lower": True}
        return [
            Sample((positive_definite(3, 3),), lower),
            Sample((positive_definite(2, 2, 2, dtype=complex),), {"lower": False}),
            Sample((np.array([[4.0]]),), lower),
            Sample((np.eye(2),), lower, derivative=(np.eye(2),), note="repeated"),
            Sample((np.zeros((0, 0)),), lower),
            Bad((box((2, 3)),), lower, r"eigvalsh: expected square matrices, got float64\[2,3\]"),
        ]


class SVD(MatrixPrimitive):
    """(U, s, V^H) with A = U diag(s) V^H, s descending; U and V have k = min(m, n) columns unless `full`.

    With P = U^H A_dot V, its Hermitian part H and skew part K: s_dot = Re diag(P), the rotations are
    U^H U_dot = H / D + K / S and V^H V_dot = H / D - K / S for D[i,j] = s[j] - s[i] (0 on the diagonal)
    and S[i,j] = s[i] + s[j], and outside the range (I - U U^H) U_dot = (I - U U^H) A_dot V / s, likewise
    for V with A_dot^H U, see `_leading` for `full` (equivalent to Townsend 2016, "Differentiating the singular value
    decomposition", which divides by s[j]^2 - s[i]^2). For complex A the phases are arbitrary, as in eigh.
    """

    name = "svd"
    multiple = True

    def type_rule(self, a, *, full, strict):
        check_matrix("svd", a)
        *lead, m, n = a.shape
        k = min(m, n)
        dtype = matrix_dtype("svd", a)
        return (
            ArrayType((*lead, m, m if full else k), dtype),
            ArrayType((*lead, k), real_dtype(dtype)),
            ArrayType((*lead, n if full else k, n), dtype),
        )

    def eval_rule(self, a, *, full, strict):
        refuse_infinite(a)
        return tuple(np.linalg.svd(a, full_matrices=full))

    def vjp_rule(self, needs, y_bars, y, a, *, full, strict):
        u, s, vh = y
        u_bar, s_bar, vh_bar = y_bars
        if u_bar is None and vh_bar is None and s_bar is None:
            return (None,)
        *_, m, n = shape_of(a)
        k = min(m, n)
        of = "svd: the singular vectors"
        u_adj = None if u_bar is None else conj(u_bar)
        v_adj = None if vh_bar is None else transposed(vh_bar)  # that of V, conjugated
        if full and m > k:
            u, u_adj = _leading(u, u_adj, k, of)
        if full and n > k:
            v, v_adj = _leading(adjoint(vh), v_adj, k, of)
            vh = adjoint(v)
        if u_bar is None and vh_bar is None:
            return (conj((u * columns(s_bar)) @ vh),)
        twist_u = None if u_adj is None else adjoint(u) @ u_adj
        twist_v = None if v_adj is None else vh @ v_adj
        even = total(twist_u, twist_v)
        odd = total(twist_u, None if twist_v is None else -twist_v)
        strict = strict or s_bar is not None
        if s_bar is not None:
            even = _with_diagonal(even, s_bar)
        p = degenerate_divide(even, s, sign=-1, sums=False, strict=strict, of=of)
        if s_bar is not None:
            p = _with_diagonal(p, s_bar)
        p = p + degenerate_divide(odd, s, sign=-1, sums=True, strict=strict, of=of)
        a_adj = u @ p @ vh
        if m > k and u_adj is not None:
            a_adj = a_adj + degenerate_scale(u_adj - u @ twist_u, s, of=of) @ vh
        if n > k and v_adj is not None:
            a_adj = a_adj + u @ adjoint(degenerate_scale(v_adj - adjoint(vh) @ twist_v, s, of=of))
        return (conj(a_adj),)

    def samples(self):
        thin = {"full": False, "strict": False}
        full = {"full": True, "strict": False}
        return [
            Sample((sample_matrix(3, 3),), thin),
            Sample((sample_matrix(4, 2),), thin),
            Sample((sample_matrix(2, 2, 3),), thin),
            Sample((sample_matrix(3, 2, dtype=complex),), thin, smooth=False),
            Sample((sample_matrix(2, 2, 3, dtype=complex),), thin, smooth=False),
            Sample((sample_matrix(3, 3),), full),
            Sample((np.array([[-4.0]]),), thin),
            Sample((np.zeros((0, 0)),), thin),
            Sample((np.zeros((2, 0, 3)),), thin),
            Bad((box((3,)),), thin, r"svd: expected matrices, got float64\[3\]"),
        ]


def _leading(u, u_adj, k, of):
    """Return the first k columns U1 of a unitary U = (U1, U2), and their whole cotangent.

    U2 is any basis of the space that U1 leaves. The derivative is that with U2^H U2_dot = 0, so
    U2_dot = -U1 U1_dot^H U2, for functions of U2 that are the same for every basis.
    """
    u1 = u[..., :, :k]
    if u_adj is None:
        return u1, None
    u2, u1_adj, u2_adj = u[..., :, k:], u_adj[..., :, :k], u_adj[..., :, k:]
    twist = adjoint(u2) @ u2_adj
    equal_values = np.zeros(shape_of(twist)[:-1], real_dtype(dtype_of(u)))
    degenerate_divide(twist, equal_values, sign=-1, sums=False, strict=False, of=of)  # raises unless 0
    return u1, u1_adj - u2 @ (adjoint(u2_adj) @ u1)


class SVDVals(MatrixPrimitive):
    """The singular values s of A, descending: s_dot = Re diag(U^H A_dot V)."""

    name = "svdvals"

    def type_rule(self, a):
        check_matrix("svdvals", a)
        return ArrayType((*a.shape[:-2], min(a.shape[-2:])), real_dtype(matrix_dtype("svdvals", a)))

    def eval_rule(self, a):
        refuse_infinite(a)
        return np.linalg.svd(a, compute_uv=False)

    def vjp_rule(self, needs, s_bar, s, a):
        u, _, vh = svd(a, full=False, strict=True)
        return (conj((u * columns(s_bar)) @ vh),)

    def samples(self):
        return [
            Sample((sample_matrix(3, 2),)),
            Sample((sample_matrix(2, 2, 3, dtype=complex),)),
            Sample((np.array([[-4.0]]),)),
            Sample((np.eye(2),), derivative=(np.eye(2),), note="repeated"),
            Sample((np.zeros((0, 3)),)),
            Bad((box((3,)),), {}, r"svdvals: expected matrices, got float64\[3\]"),
        ]


eigh = Eigh()
eigvalsh = Eigvalsh()
svd = SVD()
svdvals = SVDVals()
