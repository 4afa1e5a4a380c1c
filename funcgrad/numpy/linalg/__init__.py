"""numpy.linalg for plain and traced arrays.

Plain arrays are handed to NumPy itself, errors included; the errors named in the docstrings are those for
traced arrays. Each is also one of NumPy's or Python's, so that `except ValueError` catches both.
"""

from numpy.linalg import LinAlgError

from funcgrad.numpy.linalg.factorizations import cholesky, eig, eigh, eigvals, eigvalsh, qr, svd, svdvals
from funcgrad.numpy.linalg.norms import cond, matrix_norm, matrix_rank, norm, vector_norm
from funcgrad.numpy.linalg.products import (
    cross,
    diagonal,
    matmul,
    matrix_transpose,
    multi_dot,
    outer,
    tensordot,
    trace,
    vecdot,
)
from funcgrad.numpy.linalg.systems import (
    det,
    inv,
    lstsq,
    matrix_power,
    pinv,
    slogdet,
    solve,
    tensorinv,
    tensorsolve,
)

__all__ = [
    "LinAlgError",
    "cholesky",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "inv",
    "lstsq",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "multi_dot",
    "norm",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "tensorinv",
    "tensorsolve",
    "trace",
    "vecdot",
    "vector_norm",
]
