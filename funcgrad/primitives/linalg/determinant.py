"""Determinants, with derivatives that hold at singular matrices: det, slogdet, adjugate.

d det(A) = tr(adj(A) dA) (Jacobi's formula), where the adjugate adj(A) = det(A) A^-1 is a polynomial
in the elements of A and is computed as such where A is singular or nearly so.
"""

import numpy as np

from funcgrad.core.primitive import Bad, Sample, box
from funcgrad.core.types import ArrayType, dtype_of, shape_of
from funcgrad.primitives.broadcasting import reduce_sum
from funcgrad.primitives.elementwise import guarded_multiply
from funcgrad.primitives.linalg.matrices import (
    MatrixPrimitive,
    check_square,
    conj,
    diagonal,
    matrix_dtype,
    real_dtype,
    sample_matrix,
    total,
    transposed,
)
from funcgrad.primitives.linalg.solve import inv
from funcgrad.primitives.logic import equal, select
from funcgrad.primitives.shape import conform_dtype, convert

__all__ = ["adjugate", "adjugate_along", "det", "slogdet"]

_rank_one = np.outer([1.0, 2.0, -1.0], [0.5, 1.0, 3.0])
_rank_two = _rank_one + np.outer([0.0, 1.0, 1.0], [2.0, -1.0, 0.0])


class Det(MatrixPrimitive):
    """y = det(A); its derivative by A is the matrix of cofactors, adj(A)^T, at singular A as well."""

    name = "det"

    def type_rule(self, a):
        check_square("det", a)
        return ArrayType(a.shape[:-2], matrix_dtype("det", a))

    def eval_rule(self, a):
        return np.linalg.det(a)

    def lower_rule(self, lower, out, a):
        found = _by_lu(lower, out, out, a)
        if found is None:
            return None
        sign, log = found

        def at(index):
            return lower.op("multiply", out.dtype, sign.at(index), lower.op("exp", out.dtype, log.at(index)))

        return lower.map(out, at)

    def vjp_rule(self, needs, y_bar, y, a):
        return (_weighted(y_bar, transposed(adjugate(a))),)

    def samples(self):
        zero = np.zeros((2, 2))
        return [
            Sample((sample_matrix(3, 3),)),
            Sample((sample_matrix(2, 2, 2, dtype=complex),)),
            Sample((np.array([[0.5]]),)),
            Sample((_rank_two,), note="singular"),
            Sample((_rank_one,), note="singular, of rank n - 2"),
            Sample((zero,), derivative=(zero,)),
            Sample((np.zeros((0, 0)),)),
            Bad((box((2, 3)),), {}, r"det: expected square matrices, got float64\[2,3\]"),
        ]


class Adjugate(MatrixPrimitive):
    """Y = adj(A), the transposed matrix of cofactors: A adj(A) = det(A) I."""

    name = "adjugate"

    def type_rule(self, a):
        check_square("adjugate", a)
        return ArrayType(a.shape, matrix_dtype("adjugate", a))

    def eval_rule(self, a):
        quick = _adjugate_by_inverse(a)
        if quick is not None:
            return quick
        phase, u, s, vh = _by_svd(a)
        return phase * ((_adjoint(vh) * _products_without_one(s)[..., None, :]) @ _adjoint(u))

    def jvp_rule(self, x_dots, y, a):
        return adjugate_along(a, x_dots[0])

    def samples(self):
        return [
            Sample((sample_matrix(3, 3),)),
            Sample((sample_matrix(2, 2, 2, dtype=complex),)),
            Sample((np.array([[0.5]]),)),
            Sample((_rank_two,), order=1),
            Sample((np.zeros((3, 3)),), derivative=(np.zeros((3, 3)),), order=1),
            Bad((box((2, 3)),), {}, r"adjugate: expected square matrices, got float64\[2,3\]"),
        ]


class AdjugateAlong(MatrixPrimitive):
    """Y = the derivative of adj(A) in the direction E; linear in E.

    Where A is regular this is (tr(adj(A) E) adj(A) - adj(A) E adj(A)) / det(A). With the singular
    values s of A = U diag(s) V^H, B = U^H E V and Q[i,k] the product of all s but the i-th and k-th,
    it is det(U V^H) V (diag(Q diag(B)) - Q * B) U^H for every A.
    """

    name = "adjugate_along"
    linear_in = ((1,),)

    def type_rule(self, a, e):
        check_square("adjugate_along", a)
        return ArrayType(a.shape, matrix_dtype("adjugate_along", a, e))

    def eval_rule(self, a, e):
        adj = _adjugate_by_inverse(a)
        if adj is not None:
            t = np.trace(adj @ e, axis1=-2, axis2=-1)[..., None, None]
            y = (t * adj - adj @ e @ adj) / np.linalg.det(a)[..., None, None]
            if np.isfinite(y).all():
                return y
        phase, u, s, vh = _by_svd(a)
        b = _adjoint(u) @ e @ _adjoint(vh)
        q = _products_without_two(s)
        inner = -q * b
        n = s.shape[-1]
        d = np.arange(n)
        inner[..., d, d] = (q @ np.diagonal(b, axis1=-2, axis2=-1)[..., None])[..., 0]
        return phase * (_adjoint(vh) @ inner @ _adjoint(u))

    def vjp_rule(self, needs, y_bar, y, a, e):
        # The second derivative of det along E and F = y_bar^T is symmetric in them: tr(F Y).
        f = transposed(y_bar)
        a_bar = None
        if needs[0]:
            # The gradient of det(A) (tr(GE) tr(GF) - tr(GEGF)), G = A^-1; A must be regular.
            g = inv(a)
            ge, gf = g @ e, g @ f
            trace_e, trace_f = _trace(ge), _trace(gf)
            mixed = ge @ gf
            inner = _weighted(trace_e * trace_f - _trace(mixed), g)
            inner = inner - _weighted(trace_f, ge @ g) - _weighted(trace_e, gf @ g)
            inner = inner + (mixed + gf @ ge) @ g
            a_bar = conform_dtype(transposed(_weighted(det(a), inner)), a)
        e_bar = conform_dtype(transposed(adjugate_along(a, f)), e) if needs[1] else None
        return a_bar, e_bar

    def samples(self):
        return [
            Sample((sample_matrix(3, 3), sample_matrix(3, 3, seed=1)), order=1),
            Sample((sample_matrix(2, 2, 2, dtype=complex), sample_matrix(2, 2, 2, dtype=complex, seed=1))),
            Sample((np.array([[0.5]]), np.array([[2.0]]))),
            Bad((box((2, 3)), box((2, 3))), {}, "adjugate_along: expected square matrices"),
        ]


class SLogDet(MatrixPrimitive):
    """(sign, log|det|) of A, with det(A) = sign exp(log|det|).

    d log|det| = Re tr(A^-1 dA); d sign = i sign Im tr(A^-1 dA), which is 0 for real A.
    """

    name = "slogdet"
    multiple = True

    def type_rule(self, a):
        check_square("slogdet", a)
        dtype = matrix_dtype("slogdet", a)
        return ArrayType(a.shape[:-2], dtype), ArrayType(a.shape[:-2], real_dtype(dtype))

    def eval_rule(self, a):
        return tuple(np.linalg.slogdet(a))

    def lower_rule(self, lower, out, a):
        return _by_lu(lower, *out, a)

    def vjp_rule(self, needs, y_bars, y, a):
        sign_bar, log_bar = y_bars
        is_complex = dtype_of(y[0]).kind == "c"
        turn = None
        if sign_bar is not None and is_complex:
            turn = sign_bar * y[0]
            turn = 0.5 * (turn - conj(turn))
        if log_bar is not None and is_complex:
            log_bar = convert(log_bar, dtype=dtype_of(y[0]))
        trace_bar = total(turn, log_bar)
        if trace_bar is None:
            return (None,)
        if len(shape_of(a)) == 2:
            return (_weighted(trace_bar, transposed(inv(a))),)
        # In a stack, a singular matrix has no slope, and the others keep theirs.
        singular = equal(y[0], 0)
        safe = select(singular[..., None, None], np.eye(shape_of(a)[-1], dtype=dtype_of(a)), a)
        trace_bar = guarded_multiply(trace_bar, select(singular, np.nan, 1.0))
        return (_weighted(trace_bar, transposed(inv(safe))),)

    def samples(self):
        return [
            Sample((sample_matrix(3, 3),)),
            Sample((sample_matrix(2, 2, 2, dtype=complex),)),
            Sample((np.array([[-0.5]]),)),
            Sample((np.zeros((0, 0)),)),
            Bad((box((2, 3)),), {}, r"slogdet: expected square matrices, got float64\[2,3\]"),
        ]


def _by_lu(lower, sign_type, log_type, a):
    """Return the values of (sign, log|det|) from the diagonal of U and the rows that were exchanged."""
    lapack, dtype = lower.lapack, sign_type.dtype
    if not lapack.serves(sign_type):
        return None
    factors, pivots, _ = lapack.lu(a, dtype)
    diagonal = lapack.diagonal(factors)
    one, minus, zero = (lower.const(x, dtype) for x in (1, -1, 0))

    def sign_at(index):
        x = diagonal.at(index)
        own = lower.op("add", np.int64, lower.expressions.index(index[-1]), lower.const(1, np.int64))
        exchanged = lower.op("not_equal", bool, lower.cast(pivots.at(index), np.int64), own)
        negative = lower.op("not_equal", bool, exchanged, lower.op("less", bool, x, zero))
        sign = lower.op("select", dtype, negative, minus, one)
        return lower.op("select", dtype, lower.op("equal", bool, x, zero), zero, sign)

    def log_at(index):
        return lower.op("log", dtype, lower.op("absolute", dtype, diagonal.at(index)))

    axes = (len(sign_type.shape),)
    sign = lower.reduce("multiply", sign_type, lower.map(diagonal.type, sign_at), axes, keepdims=False)
    log = lower.reduce("add", log_type, lower.map(diagonal.type, log_at), axes, keepdims=False)
    return sign, log


def _weighted(w, x):
    """Return the matrices x, each times its number w."""
    return w[..., None, None] * x if shape_of(w) else w * x


def _trace(x):
    return reduce_sum(diagonal(x), axes=(len(shape_of(x)) - 2,), keepdims=False)


def _adjoint(x):
    return x.swapaxes(-1, -2).conj()


def _adjugate_by_inverse(a):
    """Return det(A) A^-1 where every matrix is regular by a wide margin, else None."""
    if a.shape[-1] < 2:
        return np.ones_like(a, dtype=matrix_dtype("adjugate", ArrayType(a.shape, a.dtype)))
    try:
        g = np.linalg.inv(a)
    except np.linalg.LinAlgError:
        return None
    condition = np.abs(a).sum((-1, -2)) * np.abs(g).sum((-1, -2))
    if not (condition < np.finfo(g.dtype).eps ** -0.5).all():
        return None
    return np.linalg.det(a)[..., None, None] * g


def _by_svd(a):
    """Return det(U V^H), U, s and V^H of A = U diag(s) V^H; nan for s where A is not finite, which LAPACK cannot take."""
    finite = np.isfinite(a).all((-2, -1))
    u, s, vh = np.linalg.svd(np.where(finite[..., None, None], a, a.dtype.type(0)))
    s = np.where(finite[..., None], s, np.nan)
    phase = (np.linalg.det(u) * np.linalg.det(vh))[..., None, None]
    return phase.astype(u.dtype), u, s, vh


def _products_without_one(s):
    """Return the product of all s but the i-th, along the last axis."""
    one = np.ones_like(s[..., :1])
    before = np.cumprod(np.concatenate([one, s[..., :-1]], -1), -1)
    behind = np.cumprod(np.concatenate([one, s[..., :0:-1]], -1), -1)[..., ::-1]
    return before * behind


def _products_without_two(s):
    """Return Q[i, k], the product of all s but the i-th and k-th; 0 where i = k."""
    n = s.shape[-1]
    q = np.zeros((*s.shape, n), s.dtype)
    for k in range(n):
        rest = np.delete(s, k, -1)
        if n > 1:
            q[..., np.arange(n) != k, k] = _products_without_one(rest)
    return q


det = Det()
adjugate = Adjugate()
adjugate_along = AdjugateAlong()
slogdet = SLogDet()
