"""torch.linalg: norms, factorizations and systems of matrices."""

from collections import namedtuple
from typing import Any

from funcgrad import numpy as fnp
from funcgrad.torch.attach import methods
from funcgrad.torch.layout import in_columns
from funcgrad.torch.operation import Operation, apply
from funcgrad.torch.operations import products, reductions
from funcgrad.torch.operations.conversion import to
from funcgrad.torch.size import axes_of
from funcgrad.torch.tensors import Tensor

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
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "vander",
    "vector_norm",
]


class LinAlgError(RuntimeError):
    """A matrix has not the property that an operation needs."""


LinAlgError.__name__ = "_LinAlgError"


def _square(name: str, a: Tensor, letter: str = "A") -> None:
    if a.ndim < 2:
        raise RuntimeError(f"linalg.{name}: The input tensor {letter} must have at least 2 dimensions.")
    if a.shape[-1] != a.shape[-2]:
        raise RuntimeError(
            f"linalg.{name}: {letter} must be batches of square matrices, but they are {a.shape[-2]} by {a.shape[-1]} matrices"
        )


def _operation(label: str, body: Any) -> Operation:
    return Operation(label, lambda *xs, **params: _tuple(body(*xs, **params)), layout=in_columns)


def _tuple(out):
    return tuple(out) if isinstance(out, tuple) else out


_INV = _operation("LinalgInvExBackward0", fnp.linalg.inv)
_DET = _operation("LinalgDetBackward0", fnp.linalg.det)
_SLOGDET = _operation("LinalgSlogdetBackward0", fnp.linalg.slogdet)
_SOLVE = _operation("LinalgSolveExBackward0", fnp.linalg.solve)
_CHOLESKY = _operation("LinalgCholeskyExBackward0", fnp.linalg.cholesky)
_EIGH = _operation("LinalgEighBackward0", fnp.linalg.eigh)
_EIGVALSH = _operation("LinalgEighBackward0", fnp.linalg.eigvalsh)
_EIG = _operation("LinalgEigBackward0", fnp.linalg.eig)
_EIGVALS = _operation("LinalgEigBackward0", fnp.linalg.eigvals)
_SVD = _operation("LinalgSvdBackward0", fnp.linalg.svd)
_SVDVALS = _operation("LinalgSvdBackward0", fnp.linalg.svdvals)
_QR = _operation("LinalgQrBackward0", fnp.linalg.qr)
_PINV = _operation("LinalgPinvBackward0", fnp.linalg.pinv)
_MATRIX_NORM = _operation("LinalgMatrixNormBackward0", fnp.linalg.matrix_norm)
_RANK = _operation("", fnp.linalg.matrix_rank)
_COND = _operation("LinalgCondBackward0", fnp.linalg.cond)
_LSTSQ = _operation("LinalgLstsqBackward0", lambda a, b: fnp.linalg.lstsq(a, b)[0])


def _logarithm_of_determinant(x):
    sign, logarithm = fnp.linalg.slogdet(x)
    return fnp.where(sign < 0, float("nan"), logarithm)


_LOGDET = _operation("WhereBackward0", _logarithm_of_determinant)


def _named(name: str, fields: tuple[str, ...]) -> Any:
    """Return the named tuple of several results, under PyTorch's name."""
    return namedtuple(name, fields)


Slogdet = _named("linalg_slogdet", ("sign", "logabsdet"))
Eig = _named("linalg_eig", ("eigenvalues", "eigenvectors"))
Svd = _named("linalg_svd", ("U", "S", "Vh"))
Qr = _named("linalg_qr", ("Q", "R"))
Lstsq = _named("linalg_lstsq", ("solution", "residuals", "rank", "singular_values"))


def _singular(name: str, doing: str, call: Any) -> Any:
    try:
        return call()
    except Exception as error:
        if type(error).__name__ != "LinAlgError":
            raise
        raise LinAlgError(f"{name}: {doing}") from None


_NO_INVERSE = "The diagonal element 1 is zero, the inversion could not be completed because the input matrix is singular."
_NO_SOLUTION = "The solver failed because the input matrix is singular."
_NOT_POSITIVE = (
    "The factorization could not be completed because the input is not positive-definite (the leading minor of order 1 is "
    "not positive-definite)."
)


def inv(A: Tensor) -> Tensor:
    """Return the inverse of matrices.

    Raises:
        RuntimeError: when they are not square, or singular.
    """
    _square("inv", A)
    return _singular("linalg.inv", _NO_INVERSE, lambda: apply(_INV, (A,)))


def det(A: Tensor) -> Tensor:
    """Return the determinant of matrices."""
    _square("det", A)
    return apply(_DET, (A,))


def slogdet(A: Tensor) -> Any:
    """Return the sign, and the logarithm of the absolute value, of determinants."""
    _square("slogdet", A)
    return Slogdet(*apply(_SLOGDET, (A,)))


def logdet(input: Tensor) -> Tensor:
    """Return the logarithm of determinants; nan where they are negative."""
    _square("logdet", input)
    return apply(_LOGDET, (input,))


def solve(A: Tensor, B: Tensor) -> Tensor:
    """Return X with A X = B.

    Raises:
        RuntimeError: when A is not square, or singular.
    """
    _square("solve", A)
    if B.ndim == 1 and B.shape[0] != A.shape[-1]:
        raise RuntimeError(
            f"linalg.solve: Incompatible shapes of A and B for the equation AX = B ({A.shape[-2]}x{A.shape[-1]} and "
            f"{B.shape[0]}x1)"
        )
    return _singular("torch.linalg.solve", _NO_SOLUTION, lambda: apply(_SOLVE, (A, B)))


def cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    """Return the lower (or upper) triangular L with A = L L^T; the gradient is symmetric.

    Raises:
        RuntimeError: when A is not positive definite.
    """
    _square("cholesky", A)
    symmetric = (A + A.mT) / 2 if A.requires_grad else A
    lower = _singular("linalg.cholesky", _NOT_POSITIVE, lambda: apply(_CHOLESKY, (symmetric,)))
    return lower.mT if upper else lower


def _symmetric(A: Tensor, UPLO: str) -> Tensor:
    """Return the symmetric matrix of one triangle, "L" or "U". Of its gradient, both get their half, as in PyTorch."""
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    a = A.detach() if UPLO.upper() == "L" else A.detach().adjoint()
    values = a.tril() + a.tril(-1).adjoint()
    if not A.requires_grad:
        return values
    even = (A + A.adjoint()) / 2
    return values + (even - even.detach())


def eigh(A: Tensor, UPLO: str = "L") -> Any:
    """Return eigenvalues, in order, and eigenvectors of symmetric matrices, of which one triangle is read.

    Args:
        UPLO: which: the lower, "L", or the upper, "U".
    """
    _square("eigh", A)
    return Eig(*apply(_EIGH, (_symmetric(A, UPLO),)))


def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """Return the eigenvalues, in order, of symmetric matrices, of which one triangle is read as by `eigh`."""
    _square("eigvalsh", A)
    return apply(_EIGVALSH, (_symmetric(A, UPLO),))


def eig(A: Tensor) -> Any:
    """Return eigenvalues and eigenvectors, complex."""
    _square("eig", A)
    return Eig(*(to(x, x.dtype.to_complex()) for x in apply(_EIG, (A,))))


def eigvals(A: Tensor) -> Tensor:
    """Return the eigenvalues, complex."""
    _square("eigvals", A)
    out = apply(_EIGVALS, (A,))
    return to(out, out.dtype.to_complex())


def svd(A: Tensor, full_matrices: bool = True) -> Any:
    """Return U, S and Vh with A = U diag(S) Vh; differentiable with `full_matrices=False`."""
    return Svd(*apply(_SVD, (A,), {"full_matrices": full_matrices}))


def svdvals(A: Tensor) -> Tensor:
    """Return the singular values, the largest first."""
    return apply(_SVDVALS, (A,))


def qr(A: Tensor, mode: str = "reduced") -> Any:
    """Return Q and R with A = Q R."""
    return Qr(*apply(_QR, (A,), {"mode": mode}))


def pinv(A: Tensor, *, rcond: float | None = None) -> Tensor:
    """Return the pseudoinverse of matrices."""
    return apply(_PINV, (A,), {} if rcond is None else {"rcond": rcond})


def lstsq(A: Tensor, B: Tensor) -> Any:
    """Return the X that makes |A X - B| least; only the solution is computed."""
    empty = A.new_empty(0)
    return Lstsq(apply(_LSTSQ, (A, B)), empty, empty, empty)


def matrix_rank(A: Tensor) -> Tensor:
    """Return the number of singular values that are not zero."""
    return apply(_RANK, (A.detach(),))


def cond(A: Tensor, p: Any = None) -> Tensor:
    """Return the condition number of matrices."""
    return apply(_COND, (A,), {"p": p})


def vector_norm(
    x: Tensor, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """Return the norm of all elements, or along axes; the derivative of the 2-norm at 0 is 0."""
    return reductions.norm(x, ord, dim, keepdim, dtype)


def matrix_norm(A: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False) -> Tensor:
    """Return the norm of matrices: "fro", "nuc", 1, 2, -1, -2 or infinite."""
    if ord == "fro":
        return reductions.norm(A, 2, dim, keepdim)
    moved = A.movedim(axes_of(dim, A.ndim), (-2, -1))
    return apply(_MATRIX_NORM, (moved,), {"ord": ord, "keepdims": keepdim})


def norm(A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """Return a norm of vectors, or of matrices where `ord` or two axes say so."""
    if ord is None or (isinstance(dim, int) or (dim is None and A.ndim == 1)):
        return reductions.norm(A, 2 if ord is None else ord, dim, keepdim, dtype)
    return matrix_norm(A, ord, (-2, -1) if dim is None else dim, keepdim)


def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """Return the cross products of vectors of length 3."""
    return products.cross(input, other, dim)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Return a diagonal as a view."""
    return A.diagonal(offset, dim1, dim2)


def multi_dot(tensors: Any) -> Tensor:
    """Return the product of several matrices, multiplied in a good order."""
    return apply(_MULTI_DOT, list(tensors))


_MULTI_DOT = _operation("MmBackward0", lambda *xs: fnp.linalg.multi_dot(xs))
matmul, matrix_power = products.matmul, products.matrix_power


def vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """Return the matrix of the powers of a vector's elements, from 0 up."""
    n = x.shape[-1] if N is None else N
    ones = (x * 0 + 1).unsqueeze(-1)
    return ones if n == 1 else x.unsqueeze(-1) ** x.new_tensor(range(n))


inverse = inv
methods(det, slogdet, logdet, svd, qr, pinv, cholesky)
Tensor.inverse = inv  # type: ignore[attr-defined]
