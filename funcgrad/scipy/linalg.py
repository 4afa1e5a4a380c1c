"""scipy.linalg for plain and traced arrays: triangular systems, and systems by Cholesky's factorization."""

from typing import Any

from funcgrad.errors import DTypeError, TreeError
from funcgrad.numpy.linalg.arguments import floating
from funcgrad.numpy.linalg.systems import solved
from funcgrad.primitives.linalg import factorizations
from funcgrad.primitives.linalg.matrices import adjoint, conj
from funcgrad.primitives.linalg.solve import triangular_solve

__all__ = ["cho_factor", "cho_solve", "cholesky", "solve_triangular"]

# What scipy.linalg takes for `trans`: neither, the transpose, or the conjugate transpose.
_TRANS = {0: "N", 1: "T", 2: "C", "N": "N", "T": "T", "C": "C"}


def solve_triangular(
    a: Any, b: Any, trans: int | str = 0, lower: bool = False, unit_diagonal: bool = False
) -> Any:
    """Solve triangular systems: the x with op(T) x = b, as `scipy.linalg.solve_triangular`.

    Args:
        a: float64[..., n, n]; T is its upper triangle, and the other one is not read.
        b: float64[n], one vector, or float64[..., n, k]; leading axes broadcast with those of `a`.
        trans: 0 or 'N' for T itself, 1 or 'T' for its transpose, 2 or 'C' for the conjugate transpose.
        lower: T is the lower triangle of `a`.
        unit_diagonal: take the diagonal of T to be ones.

    Raises:
        ShapeError: when matrices are not square or `b` does not fit.
        DTypeError: when `trans` is none of these.
        numpy.linalg.LinAlgError: when the diagonal of T has a zero.

    Derivative: op(T) x_dot = b_dot - op(T_dot) x, by the triangle that is read.

    Reference: Giles 2008, "Collected matrix derivative results", section 2.3.1.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> t = np.array([[2.0, 0.0], [1.0, 4.0]])
    >>> fg.grad(lambda b: fg.scipy.linalg.solve_triangular(t, b, lower=True).sum())(np.ones(2))
    array([0.375, 0.25 ])
    """
    way = _TRANS.get(trans) if isinstance(trans, (int, str)) else None
    if way is None:
        raise DTypeError(f"solve_triangular: expected trans to be 0, 1, 2, 'N', 'T' or 'C', got {trans!r}.")

    def solver(a, b):
        a = conj(a) if way == "C" else a
        return triangular_solve(
            a, b, lower=bool(lower), transpose=way != "N", unit_diagonal=bool(unit_diagonal)
        )

    return solved("solve_triangular", solver, a, b)


def cholesky(a: Any, lower: bool = False) -> Any:
    """Factorize Hermitian positive definite matrices, as `scipy.linalg.cholesky`.

        a = U^H U, or a = L L^H with `lower`

    Args:
        a: float64[..., n, n]; one triangle of it is read, the upper or with `lower` the lower one.
        lower: return L.

    Raises:
        ShapeError: when matrices are not square.
        numpy.linalg.LinAlgError: when one is not positive definite.

    Derivative: by the triangle that is read. For the symmetric gradient write `cholesky((a + a.T) / 2)`.

    Reference: Murray 2016, "Differentiation of the Cholesky decomposition".

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> fg.grad(lambda a: fg.scipy.linalg.cholesky(a).sum())(np.array([[4.0]]))
    array([[0.25]])
    """
    a = floating(a)
    return factorizations.cholesky(a) if lower else adjoint(factorizations.cholesky(adjoint(a)))


def cho_factor(a: Any, lower: bool = False) -> tuple[Any, bool]:
    """Factorize Hermitian positive definite matrices for `cho_solve`, as `scipy.linalg.cho_factor`.

    Args and Raises: as for `cholesky`.

    Returns: the factor, with zeros in the other triangle (where SciPy leaves what was there), and `lower`.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> fg.scipy.linalg.cho_factor(np.array([[4.0]]))
    (array([[2.]]), False)
    """
    return cholesky(a, lower), bool(lower)


def cho_solve(c_and_lower: tuple[Any, bool], b: Any) -> Any:
    """Solve a x = b by the factor of `a` that `cho_factor` returns, as `scipy.linalg.cho_solve`.

    Args:
        c_and_lower: the factor, float64[..., n, n], and whether it is the lower triangle.
        b: float64[n], one vector, or float64[..., n, k]; leading axes broadcast with those of the factor.

    Raises:
        TreeError: unless the first argument is a pair.
        ShapeError: when matrices are not square or `b` does not fit.

    Derivative: that of two triangular systems, one after the other.

    >>> import numpy as np
    >>> import funcgrad as fg
    >>> def f(a):
    ...     return fg.scipy.linalg.cho_solve(fg.scipy.linalg.cho_factor(a), np.ones(1)).sum()
    >>> fg.grad(f)(np.array([[4.0]]))
    array([[-0.0625]])
    """
    if not isinstance(c_and_lower, (tuple, list)) or len(c_and_lower) != 2:
        raise TreeError(
            f"cho_solve: expected the pair that cho_factor returns, got {type(c_and_lower).__name__}.",
            hint="write cho_solve((factor, lower), b).",
        )
    c, lower = c_and_lower
    first, second = ("N", "C") if lower else ("C", "N")
    return solve_triangular(c, solve_triangular(c, b, first, lower), second, lower)
