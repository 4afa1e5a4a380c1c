"""A new matrix primitive, by LAPACK: y = log det A of a positive definite A, of which the lower triangle is read."""

import numpy as np

from funcgrad.extend import ArrayType, Bad, Sample, box, dtype_of, shape_of
from funcgrad.primitives.linalg.matrices import (
    MatrixPrimitive,
    check_square,
    half_lower,
    matrix_dtype,
    positive_definite,
)


class LogDeterminant(MatrixPrimitive):
    """y = log det A; A_bar = y_bar times the lower triangle of A^-1, twice below the diagonal."""

    name = "log_determinant_spd"

    def type_rule(self, a):
        check_square(self.name, a)
        return ArrayType(a.shape[:-2], matrix_dtype(self.name, a))

    def eval_rule(self, a):
        diagonal = np.diagonal(np.linalg.cholesky(a), axis1=-2, axis2=-1)
        return 2 * np.sum(np.log(diagonal), axis=-1)

    def lower_rule(self, lower, out, a):
        lapack, n = lower.lapack, a.shape[-1]
        if not lapack.serves(out):
            return None
        factor = lapack.copied(lapack.lower_triangle(a), out.dtype)
        lapack.call(
            "potrf", out.shape, "U", n, factor, n, lapack.indefinite, writes=(factor,), flops=n**3 // 3
        )
        diagonal = lapack.diagonal(factor)
        two = lower.const(2, out.dtype)
        terms = lower.map(
            diagonal.type,
            lambda i: lower.op("multiply", out.dtype, two, lower.op("log", out.dtype, diagonal.at(i))),
        )
        return lower.reduce("add", out, terms, (len(out.shape),), keepdims=False)

    def vjp_rule(self, needs, y_bar, y, a):
        whole = np.tril(a) + np.swapaxes(np.tril(a, -1), -1, -2)
        triangle = 2 * half_lower(shape_of(a)[-1], dtype_of(a)) * np.linalg.inv(whole)
        return (y_bar[..., None, None] * triangle,)

    def samples(self):
        return [
            Sample((positive_definite(3, 3),)),
            Sample((positive_definite(2, 4, 4),)),
            Bad((box((2, 3)),), {}, "log_determinant_spd: expected square matrices"),
        ]


log_determinant = LogDeterminant()
