"""Linear systems: solve, triangular_solve, inv.

For X = A^-1 B: X_dot = A^-1 (B_dot - A_dot X), and backward B_bar = A^-T X_bar, A_bar = -B_bar X^T
(Giles 2008, "Collected matrix derivative results", section 2.3.1).
"""

from functools import lru_cache

import numpy as np

from funcgrad.core.primitive import Bad, Sample, box
from funcgrad.core.types import ArrayType, shape_of
from funcgrad.errors import ShapeError
from funcgrad.heavy import scipy_linalg
from funcgrad.primitives.broadcasting import reshape, stretch
from funcgrad.primitives.linalg.matrices import (
    MatrixPrimitive,
    check_square,
    matrix_dtype,
    positive_definite,
    sample_matrix,
    transposed,
)
from funcgrad.primitives.shape import conform_dtype, transpose

__all__ = ["inv", "solve", "triangular_solve"]

_bad_system = Bad((box((2, 3)), box((2, 1))), {}, r"expected square matrices, got float64\[2,3\]")


class _System(MatrixPrimitive):
    """The common part of solve and triangular_solve."""

    linear_in = ((1,),)

    def type_rule(self, a, b, **params):
        check_square(self.name, a)
        if b.shape[:-1] != a.shape[:-1] or b.ndim != a.ndim:
            raise ShapeError(
                f"{self.name}: expected a right-hand side with as many rows as the matrix, got {a} and {b}.",
                hint="a 1-d right-hand side is one vector; stacks of vectors are b[..., None].",
            )
        return ArrayType(b.shape, matrix_dtype(self.name, a, b))

    def batch_rule(self, size, batched, a, b, **params):
        if not batched[0] and len(shape_of(a)) == 2:
            # One matrix for every example: their right-hand sides are columns of one system.
            _, n, k = shape_of(b)
            wide = reshape(transpose(b, axes=(1, 0, 2)), shape=(n, size * k))
            x = reshape(self(a, wide, **params), shape=(n, size, k))
            return transpose(x, axes=(1, 0, 2)), True
        a, b = (x if is_batched else stretch(x, size) for x, is_batched in zip((a, b), batched, strict=True))
        return self(a, b, **params), True


class Solve(_System):
    """X = A^-1 B, for square matrices A; linear in B."""

    name = "solve"

    def eval_rule(self, a, b):
        return np.linalg.solve(a, b)

    def lower_rule(self, lower, out, a, b):
        lapack, lead, (n, k) = lower.lapack, out.shape[:-2], out.shape[-2:]
        if not lapack.serves(out):
            return None
        factors, pivots, turned = lapack.lu(a, out.dtype)
        lapack.check_regular(factors)
        x = lapack.copied(b if k == 1 else lapack.transposed(b), out.dtype)
        lapack.call(
            "getrs", lead, "N" if turned else "T", n, k, factors, n, pivots, x, n, lapack.ignored,
            writes=(x,), flops=2 * n * n * k,
        )  # fmt: skip
        return x if k == 1 else lapack.transposed(x)

    def vjp_rule(self, needs, x_bar, x, a, b):
        b_bar = solve(transposed(a), x_bar)
        return (
            conform_dtype(-(b_bar @ transposed(x)), a) if needs[0] else None,
            conform_dtype(b_bar, b) if needs[1] else None,
        )

    def samples(self):
        a = sample_matrix(3, 3) + 3 * np.eye(3)
        z = sample_matrix(2, 2, 2, dtype=complex) + 2 * np.eye(2)
        return [
            Sample((a, box((3, 2)))),
            Sample((z, box((2, 2, 1), dtype=complex))),
            Sample((z[0], box((2, 3)))),
            Sample((np.array([[2.0]]), box((1, 1)))),
            Sample((np.zeros((0, 0)), np.zeros((0, 2)))),
            Sample((np.zeros((0, 3, 3)), np.zeros((0, 3, 1)))),
            _bad_system,
            Bad((a, box((2, 1))), {}, "expected a right-hand side with as many rows as the matrix"),
        ]


# Up to _BLOCK rows, one call of NumPy's general solver is as fast as anything. Above, SciPy's trtrs
# serves a few columns. For many, NumPy's own products are used block by block: SciPy brings a second
# OpenBLAS whose threads and NumPy's wait for each other (20 times slower on two cores, 200 x 200).
_BLOCK = 64
_FEW = 8


class TriangularSolve(_System):
    """X = op(T)^-1 B, where T is one triangle of A and op is the transpose or nothing; linear in B.

    Args:
        lower: T is the lower triangle of A, else the upper one; the other is not read.
        transpose: solve with the transpose of T (never its conjugate).
        unit_diagonal: take the diagonal of T to be ones.
    """

    name = "triangular_solve"

    def eval_rule(self, a, b, *, lower, transpose, unit_diagonal):
        n, k = b.shape[-2:]
        if a.ndim == 2 and n > _BLOCK and k <= _FEW:
            return scipy_linalg().solve_triangular(
                a, b, trans=int(transpose), lower=lower, unit_diagonal=unit_diagonal, check_finite=False
            )
        if transpose:
            a, lower = a.swapaxes(-1, -2), not lower
        if n <= _BLOCK:
            return np.linalg.solve(_triangle(a, lower, unit_diagonal), b)
        return _by_blocks(a, b, lower, unit_diagonal)

    def lower_rule(self, lowering, out, a, b, *, lower, transpose, unit_diagonal):
        lapack, lead, (n, k) = lowering.lapack, out.shape[:-2], out.shape[-2:]
        if not lapack.serves(out):
            return None
        t, turned = lapack.oriented(a)
        t = lapack.stored(t, out.dtype)
        if not unit_diagonal:
            lapack.check_regular(t)
        # In columns, t is the transpose of what it is in rows.
        half, unit = "U" if lower != turned else "L", "U" if unit_diagonal else "N"
        way, other = ("T", "N") if transpose == turned else ("N", "T")
        if k == 1:
            x = lapack.copied(b, out.dtype)
            lapack.call("trsv", lead, half, way, unit, n, t, n, x, 1, writes=(x,), flops=n * n)
            return x
        b, sideways = lapack.oriented(b)
        x = lapack.copied(b, out.dtype)
        side, way, rows, columns = ("L", way, n, k) if sideways else ("R", other, k, n)
        lapack.call(
            "trsm", lead, side, half, way, unit, rows, columns, 1.0, t, n, x, rows,
            writes=(x,), flops=n * n * k,
        )  # fmt: skip
        return lapack.transposed(x) if sideways else x

    def vjp_rule(self, needs, x_bar, x, a, b, *, lower, transpose, unit_diagonal):
        b_bar = triangular_solve(a, x_bar, lower=lower, transpose=not transpose, unit_diagonal=unit_diagonal)
        a_bar = None
        if needs[0]:
            a_bar = -(x @ transposed(b_bar)) if transpose else -(b_bar @ transposed(x))
            a_bar = conform_dtype(a_bar * _mask(shape_of(a)[-1], lower, unit_diagonal), a)
        return a_bar, conform_dtype(b_bar, b) if needs[1] else None

    def samples(self):
        def params(lower=True, transpose=False, unit_diagonal=False):
            return {"lower": lower, "transpose": transpose, "unit_diagonal": unit_diagonal}

        a = sample_matrix(3, 3) + 3 * np.eye(3)
        z = sample_matrix(2, 2, 2, dtype=complex) + 2 * np.eye(2)
        return [
            Sample((a, box((3, 2))), params()),
            Sample((a, box((3, 2))), params(lower=False)),
            Sample((a, box((3, 1))), params(transpose=True)),
            Sample((a, box((3, 1))), params(lower=False, transpose=True, unit_diagonal=True)),
            Sample((z, box((2, 2, 1), dtype=complex)), params()),
            Sample((z, box((2, 2, 1))), params(lower=False, transpose=True)),
            Sample((np.zeros((0, 0)), np.zeros((0, 2))), params()),
            Bad(_bad_system.args, params(), _bad_system.message),
        ]


def _triangle(a, lower, unit_diagonal):
    """Return one triangle of the matrices, with zeros in the other one."""
    n = a.shape[-1]
    t = np.where(_mask(n, lower, unit_diagonal), a, 0)
    if unit_diagonal:
        t[..., np.arange(n), np.arange(n)] = 1
    return t


@lru_cache(256)
def _mask(n, lower, strict):
    mask = np.tri(n, k=-int(strict), dtype=bool)
    return mask if lower else mask.T


def _by_blocks(a, b, lower, unit_diagonal):
    """Substitute forward (or backward, where upper), a block of rows at a time."""
    n = a.shape[-1]
    x = np.array(b, np.result_type(a, b))
    starts = range(0, n, _BLOCK)
    for start in starts if lower else reversed(starts):
        block = slice(start, start + _BLOCK)
        known = slice(0, start) if lower else slice(start + _BLOCK, n)
        rest = x[..., block, :] - a[..., block, known] @ x[..., known, :]
        x[..., block, :] = np.linalg.solve(_triangle(a[..., block, block], lower, unit_diagonal), rest)
    return x


class Inv(MatrixPrimitive):
    """Y = A^-1; Y_dot = -Y A_dot Y (Giles 2008, section 2.2.3)."""

    name = "inv"

    def type_rule(self, a):
        check_square("inv", a)
        return ArrayType(a.shape, matrix_dtype("inv", a))

    def eval_rule(self, a):
        return np.linalg.inv(a)

    def lower_rule(self, lower, out, a):
        lapack, lead, n = lower.lapack, out.shape[:-2], out.shape[-1]
        if not lapack.serves(out):
            return None
        factors, pivots, turned = lapack.lu(a, out.dtype)
        lapack.check_regular(factors)
        y, work = lapack.copied(factors, out.dtype), lapack.new((*lead, n * min(n, 32)), out.dtype)
        lapack.call(
            "getri", lead, n, y, n, pivots, work, n * min(n, 32), lapack.ignored,
            writes=(y, work), flops=4 * n**3 // 3,
        )  # fmt: skip
        return lapack.transposed(y) if turned else y

    def vjp_rule(self, needs, y_bar, y, a):
        y_t = transposed(y)
        return (-(y_t @ y_bar @ y_t),)

    def samples(self):
        return [
            Sample((sample_matrix(3, 3) + 3 * np.eye(3),)),
            Sample((sample_matrix(2, 2, 2, dtype=complex) + 2 * np.eye(2),)),
            Sample((np.array([[0.5]]),)),
            Sample((np.zeros((0, 0)),)),
            Sample((positive_definite(2, 2).astype(np.float32),), smooth=False),
            Bad((box((2, 3)),), {}, r"inv: expected square matrices, got float64\[2,3\]"),
            Bad((box((3,)),), {}, r"inv: expected square matrices, got float64\[3\]"),
        ]


solve = Solve()
triangular_solve = TriangularSolve()
inv = Inv()
