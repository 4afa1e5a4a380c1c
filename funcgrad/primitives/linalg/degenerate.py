"""Division by the gaps of a spectrum, where 0/0 is 0 and anything else over 0 is an error.

The derivative of eigenvectors and singular vectors divides by differences of eigenvalues. At a
repeated eigenvalue the vectors may be rotated among themselves. A function that does not change
when they are has a cotangent that vanishes there, and gets its derivative; for any other function
there is none, and the error says so.
"""

import numpy as np

from funcgrad.core.primitive import Bad, Sample, box
from funcgrad.core.types import ArrayType, promote
from funcgrad.errors import DerivativeError, ShapeError
from funcgrad.primitives.linalg.matrices import MatrixPrimitive, sample_matrix
from funcgrad.primitives.shape import conform_dtype

__all__ = ["degenerate_divide", "degenerate_scale"]

# In units of n eps: eigenvalues nearer than this (relative to the largest) are the same, and
# numerators smaller than that (relative to the largest) are zero.
_SAME = 10
_ZERO = 1000


class DegenerateDivide(MatrixPrimitive):
    """Y = 1/2 (X + sign X^H) / G, for G[i,j] = w[j] - w[i] or w[i] + w[j]; Y = X / G for sign = 0.

    Y is 0 where the gap is 0 and the numerator is as well, and on the diagonal for differences. Linear
    in X; the transpose is the same operation with the other sign for differences (G is then
    antisymmetric) and with the same sign for sums.

    Args:
        sign: 1 for the Hermitian part of X, -1 for the skew one, 0 for X itself.
        sums: G holds sums, not differences.
        strict: ask that X itself vanish between equal values, and that its diagonal be constant there;
            not only that the numerator vanish.
        of: what has no derivative, for the message.
    """

    name = "degenerate_divide"
    linear_in = ((0,),)

    def type_rule(self, x, w, *, sign, sums, strict, of):
        if x.ndim < 2 or x.shape[-1] != x.shape[-2] or w.shape != x.shape[:-1]:
            raise ShapeError(f"{of}: expected square matrices and one value a column, got {x} and {w}.")
        return ArrayType(x.shape, promote(x, w))

    def eval_rule(self, x, w, *, sign, sums, strict, of):
        gap = w[..., None, :] + w[..., :, None] if sums else w[..., None, :] - w[..., :, None]
        part = x if sign == 0 else 0.5 * (x + sign * x.swapaxes(-1, -2).conj())
        unit = x.shape[-1] * np.finfo(w.dtype).eps
        largest = np.max(np.abs(w), axis=-1, initial=0)[..., None, None]
        same = np.abs(gap) <= _SAME * unit * largest
        if sums:
            suspect = same
        else:
            suspect = same & ~np.eye(x.shape[-1], dtype=bool)
        if suspect.any():
            size = np.abs(x)
            small = _ZERO * unit * np.max(size, axis=(-2, -1), keepdims=True, initial=0)
            bad = suspect & ((size if strict and not sums else np.abs(part)) > small)
            if strict and not sums:
                d = np.diagonal(x, axis1=-2, axis2=-1)
                bad |= suspect & (np.abs(d[..., None, :] - d[..., :, None]) > small)
            if bad.any():
                raise _repeated(w, np.argwhere(bad)[0], of)
        y = np.where(same, 0, part / np.where(same, 1, gap))
        return y.astype(np.result_type(x, w), copy=False)

    def vjp_rule(self, needs, y_bar, y, x, w, *, sign, sums, strict, of):
        params = {"sums": sums, "strict": strict, "of": of}
        x_bar = w_bar = None
        if needs[0]:
            x_bar = degenerate_divide(y_bar, w, sign=sign if sums else -sign, **params)
            x_bar = conform_dtype(x_bar, x)
        if needs[1]:
            # Y = N / G: the cotangent of G is -Y_bar Y / G, elementwise. It is neither Hermitian nor
            # skew, so it is divided as it is, and gathered along rows and columns.
            g_bar = -degenerate_divide(y_bar * y, w, sign=0, **params)
            w_bar = g_bar.sum(-2) + g_bar.sum(-1) if sums else g_bar.sum(-2) - g_bar.sum(-1)
            w_bar = conform_dtype(w_bar, w)
        return x_bar, w_bar

    def samples(self):
        def params(sign, sums):
            return {"sign": sign, "sums": sums, "strict": False, "of": "a sample"}

        w = np.array([0.5, 1.0, 3.0])
        x = sample_matrix(3, 3)
        z = sample_matrix(2, 3, 3, dtype=complex)
        return [
            Sample((x, w), params(1, False)),
            Sample((x, w), params(-1, True)),
            Sample((z, np.stack([w, w + w * w])), params(-1, False)),
            Sample((z[0], w * (1 + 2j)), params(0, False)),
            Sample((np.zeros((0, 0)), np.zeros(0)), params(1, False)),
            Bad((box((2, 3)), box((2,))), params(1, False), "expected square matrices and one value"),
        ]


class DegenerateScale(MatrixPrimitive):
    """Y = X / s, column by column; 0 where s is 0 and the column of X is as well. Linear in X."""

    name = "degenerate_scale"
    linear_in = ((0,),)

    def type_rule(self, x, s, *, of):
        if x.ndim < 2 or s.shape != (*x.shape[:-2], x.shape[-1]):
            raise ShapeError(f"{of}: expected matrices and one value a column, got {x} and {s}.")
        return ArrayType(x.shape, promote(x, s))

    def eval_rule(self, x, s, *, of):
        unit = max(x.shape[-2:]) * np.finfo(s.dtype).eps
        zero = s <= _SAME * unit * np.max(s, axis=-1, initial=0, keepdims=True)
        if zero.any():
            size = np.max(np.abs(x), axis=-2, initial=0)
            bad = zero & (size > _ZERO * unit * np.max(size, axis=-1, initial=0, keepdims=True))
            if bad.any():
                raise DerivativeError(
                    f"{of} have no derivative where a singular value is zero, "
                    f"got singular values {_text(s, np.argwhere(bad)[0][:-1])}.",
                    hint="use svdvals, or pinv, which are differentiable at matrices of lower rank, or, in "
                    "reverse mode (grad, vjp), a function of the other singular vectors.",
                )
        return np.where(zero[..., None, :], 0, x / np.where(zero, 1, s)[..., None, :])

    def vjp_rule(self, needs, y_bar, y, x, s, *, of):
        scaled = degenerate_scale(y_bar, s, of=of)
        x_bar = conform_dtype(scaled, x) if needs[0] else None
        s_bar = conform_dtype(-(scaled * y).sum(-2), s) if needs[1] else None
        return x_bar, s_bar

    def samples(self):
        s = np.array([2.0, 1.0])
        return [
            Sample((box((3, 2)), s), {"of": "a sample"}),
            Sample((box((2, 3, 2), dtype=complex), np.stack([s, s / 2])), {"of": "a sample"}),
            Bad((box((3, 2)), box((3,))), {"of": "a sample"}, "expected matrices and one value a column"),
        ]


def _text(w, lead):
    values = np.asarray(w)[tuple(lead)]
    return np.array2string(values, precision=6, threshold=8)


def _repeated(w, where, of):
    *lead, i, j = (int(k) for k in where)
    return DerivativeError(
        f"{of} have no derivative where values are repeated, got numbers {i} and {j} of {_text(w, lead)}.",
        hint="use only the values (eigvalsh, eigvals, svdvals), or, in reverse mode (grad, vjp), a function "
        "of the vectors that is the same for every basis of the repeated value's space.",
    )


degenerate_divide = DegenerateDivide()
degenerate_scale = DegenerateScale()
