"""Factorizations and spectra: cholesky, qr, eigh, eigvalsh, eig, eigvals, svd, svdvals."""

from typing import Any

import numpy as np

from funcgrad.core.types import dtype_of
from funcgrad.errors import DerivativeError
from funcgrad.numpy.arguments import implements
from funcgrad.numpy.linalg.arguments import floating, known
from funcgrad.primitives.arithmetic import absolute, copysign, real
from funcgrad.primitives.linalg import factorizations, general_eigen, spectral
from funcgrad.primitives.linalg.matrices import adjoint, columns
from funcgrad.primitives.shape import concatenate

__all__ = ["cholesky", "eig", "eigh", "eigvals", "eigvalsh", "qr", "svd", "svdvals"]

EigResult = type(np.linalg.eig(np.ones((1, 1))))
EighResult = type(np.linalg.eigh(np.ones((1, 1))))
QRResult = type(np.linalg.qr(np.ones((1, 1))))
SVDResult = type(np.linalg.svd(np.ones((1, 1))))


@implements(np.linalg.cholesky)
def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    """Factorize Hermitian positive definite matrices into a triangle and its adjoint.

        a = L L^H, or a = U^H U with `upper`

    Args:
        a: float64[..., n, n], or single precision, or complex.
        upper: read the upper triangle of `a` and return U.

    Raises:
        ShapeError: when matrices are not square.
        numpy.linalg.LinAlgError: when one is not positive definite.

    Derivative: NumPy reads one triangle of `a` only, so the gradient by `a` is triangular too. For the
    symmetric gradient write `cholesky((a + a.T) / 2)`.

    Reference: Murray 2016, "Differentiation of the Cholesky decomposition".

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> fg.grad(lambda a: np.linalg.cholesky(a).sum())(np.array([[4.0]]))
    array([[0.25]])
    """
    a = floating(a)
    return adjoint(factorizations.cholesky(adjoint(a))) if upper else factorizations.cholesky(a)


@implements(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    """Factorize matrices into one with orthonormal columns and an upper triangle: a = Q R.

    Args:
        a: float64[..., m, n].
        mode: 'reduced' (Q is m x k, k = min(m, n)), 'complete' (Q is m x m) or 'r' (R alone).

    Raises:
        DerivativeError: for the derivative of Q in 'complete' where m > n, and for mode 'raw'.
        numpy.linalg.LinAlgError: for the derivative where the leading columns are linearly dependent.

    Reference: Walter & Lehmann 2010; for m < n the further columns of R are Q^H a (Roberts & Roberts 2020).
    """
    a = floating(a)
    if mode not in ("reduced", "complete", "r"):
        raise DerivativeError(
            f"qr: expected mode 'reduced', 'complete' or 'r' for a traced array, got {mode!r}."
        )
    *_, m, n = a.shape if len(a.shape) > 1 else (None, 0, 0)
    if m < n:
        q, r = factorizations.qr(a[..., :, :m], complete=False)
        r = concatenate(r, adjoint(q) @ a[..., :, m:], axis=len(a.shape) - 1)
    else:
        q, r = factorizations.qr(a, complete=mode == "complete")
    return r if mode == "r" else QRResult(q, r)


def _lower(name, uplo):
    uplo = uplo.upper()
    if uplo not in ("L", "U"):
        raise ValueError(f"{name}: expected UPLO 'L' or 'U', got {uplo!r}.")
    return uplo == "L"


@implements(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> Any:
    """Return the eigenvalues, ascending, and orthonormal eigenvectors of Hermitian matrices.

        a V = V diag(w)

    Args:
        a: float64[..., n, n]; only the triangle `UPLO` is read.

    Returns:
        EighResult(eigenvalues, eigenvectors).

    Raises:
        ShapeError: when matrices are not square.
        DerivativeError: for the eigenvectors' derivative at repeated eigenvalues, unless the function is
            the same for every basis of their space.

    Derivative: by the triangle that is read, as for `cholesky`. Where eigenvalues are repeated, a
    function of the eigenvalues alone or of other vectors has its derivative, as has one of the
    space that the vectors span; any other raises. So does V diag(g(w)) V^H: its derivative needs
    g' between the repeated values, which cannot be told from here. The phases of complex vectors
    are arbitrary.

    Reference: Giles 2008, section 3.1.
    """
    w, v = spectral.eigh(floating(a), lower=_lower("eigh", UPLO), strict=False)
    return EighResult(w, v)


@implements(np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """Return the eigenvalues of Hermitian matrices, ascending.

    Derivative: w_dot = diag(V^H a_dot V), at repeated eigenvalues for the vectors V that LAPACK finds.
    See `eigh`.
    """
    return spectral.eigvalsh(floating(a), lower=_lower("eigvalsh", UPLO))


@implements(np.linalg.eig)
def eig(a: Any) -> Any:
    """Return the eigenvalues and eigenvectors, of norm 1, of square matrices.

    Returns:
        EigResult(eigenvalues, eigenvectors): complex; before NumPy 2.5 real where `a` is and all
        eigenvalues are known (not inside `jit` and `vmap`) to be.

    Raises:
        DerivativeError: for the eigenvectors' derivative at repeated eigenvalues.

    Derivative: the largest component of each eigenvector stays real, as LAPACK makes it. At matrices
    without a basis of eigenvectors the derivative is infinite, or what rounding leaves of that.

    Reference: Giles 2008, section 3.1.
    """
    a = floating(a)
    w, v = general_eigen.eig(a)
    return EigResult(real(w), real(v)) if not _COMPLEX and _all_real(a, w) else EigResult(w, v)


@implements(np.linalg.eigvals)
def eigvals(a: Any) -> Any:
    """Return the eigenvalues of square matrices; real or complex as in `eig`.

    Derivative: w_dot = diag(V^-1 a_dot V).
    """
    a = floating(a)
    return general_eigen.eigvals(a) if _COMPLEX else eigvals_real_where_known(a)


# Whether eig and eigvals of real matrices are always complex.
_COMPLEX = np.lib.NumpyVersion(np.__version__) >= "2.5.0"


def eigvals_real_where_known(a: Any) -> Any:
    """Return the eigenvalues of floating matrices, real where these and all of them are known to be."""
    w = general_eigen.eigvals(a)
    return real(w) if _all_real(a, w) else w


def _all_real(a, w):
    value = None if dtype_of(a).kind == "c" else known(w)
    return value is not None and not np.any(np.imag(value))


@implements(np.linalg.svd)
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """Return the singular value decomposition of matrices: a = U diag(S) Vh, S descending.

    Args:
        a: float64[..., m, n].
        full_matrices: U and Vh are square; else they have min(m, n) columns and rows.
        compute_uv: False for S alone.
        hermitian: `a` is Hermitian (its lower triangle is read), which `eigh` takes advantage of.

    Returns:
        SVDResult(U, S, Vh), or S.

    Raises:
        DerivativeError: for the vectors' derivative at repeated singular values (see `eigh`), at zero ones,
            and for the further vectors of full_matrices=True, unless the function is the same for every
            basis of their space.

    Reference: Townsend 2016, "Differentiating the singular value decomposition".

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> fg.grad(lambda a: np.linalg.svd(a, compute_uv=False)[0])(np.diag([3.0, 1.0]))
    array([[1., 0.],
           [0., 0.]])
    """
    a = floating(a)
    if hermitian:
        return _svd_by_eigh(a, compute_uv)
    if not compute_uv:
        return spectral.svdvals(a)
    full = bool(full_matrices) and len(a.shape) > 1 and a.shape[-1] != a.shape[-2]
    u, s, vh = spectral.svd(a, full=full, strict=False)
    return SVDResult(u, s, vh)


def _svd_by_eigh(a, compute_uv):
    if not compute_uv:
        return np.flip(np.sort(absolute(spectral.eigvalsh(a, lower=True)), axis=-1), axis=-1)
    w, u = spectral.eigh(a, lower=True, strict=False)
    order = np.flip(np.argsort(absolute(w), axis=-1), axis=-1)
    w = np.take_along_axis(w, order, axis=-1)
    u = np.take_along_axis(u, order[..., None, :], axis=-1)
    sign = copysign(np.ones((), dtype_of(w)), w)
    return SVDResult(u, w * sign, adjoint(u * columns(sign)))


@implements(np.linalg.svdvals)
def svdvals(x: Any, /) -> Any:
    """Return the singular values of matrices, descending.

    Derivative: s_dot = Re diag(U^H x_dot V).
    """
    return spectral.svdvals(floating(x))
