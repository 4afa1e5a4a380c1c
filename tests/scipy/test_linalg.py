"""fg.scipy.linalg against SciPy: values, both derivatives, batches, bad input."""

import itertools

import numpy as np
import pytest
import scipy.linalg

import funcgrad as fg
from funcgrad.errors import DTypeError, ShapeError, TreeError
from funcgrad.primitives.linalg.matrices import positive_definite, sample_matrix
from funcgrad.scipy.linalg import cho_factor, cho_solve, cholesky, solve_triangular
from funcgrad.testing import check_grads

A = sample_matrix(4, 4) + 4 * np.eye(4)
S = positive_definite(4, 4)
Z = sample_matrix(3, 3, dtype=complex) + 3 * np.eye(3)
B = sample_matrix(4, 2)


@pytest.mark.parametrize("trans", [0, 1, 2, "N", "T", "C"])
@pytest.mark.parametrize("lower, unit_diagonal", [*itertools.product((False, True), repeat=2)])
def test_solve_triangular(trans, lower, unit_diagonal):
    for a, b in (
        (A, B),
        (A, B[:, 0]),
        (Z, B[:3]),
        (A.astype(np.float32), B.astype(np.float32)),
        (A.astype(int), B),
    ):
        want = scipy.linalg.solve_triangular(a, b, trans, lower, unit_diagonal)
        for f in (solve_triangular, fg.jit(solve_triangular, static_argnums=(2, 3, 4))):
            got = f(a, b, trans, lower, unit_diagonal)
            assert got.dtype == want.dtype
            np.testing.assert_allclose(got, want, rtol=1e-4 if want.dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("lower", [False, True])
def test_cholesky_reads_one_triangle(lower):
    junk = S + (np.triu(np.ones((4, 4)), 1) if lower else np.tril(np.ones((4, 4)), -1))
    for a in (S, junk, positive_definite(3, 3, dtype=complex)):
        want = scipy.linalg.cholesky(a, lower)
        np.testing.assert_allclose(cholesky(a, lower), want, atol=1e-14)
        np.testing.assert_allclose(fg.jit(lambda a: cholesky(a, lower))(a), want, atol=1e-14)


@pytest.mark.parametrize("lower", [False, True])
def test_solving_by_a_factor(lower):
    for a, b in ((S, B), (S, B[:, 0]), (positive_definite(3, 3, dtype=complex), B[:3])):
        c, side = cho_factor(a, lower)
        want = scipy.linalg.cho_solve(scipy.linalg.cho_factor(a, lower), b)
        assert side is lower
        np.testing.assert_allclose(cho_solve((c, lower), b), want)
        np.testing.assert_allclose(fg.jit(lambda a, b: cho_solve(cho_factor(a, lower), b))(a, b), want)


@pytest.mark.parametrize("lower", [False, True])
def test_derivatives(lower):
    def symmetric(a):
        return (a + a.T) / 2

    check_grads(lambda a, b: solve_triangular(a, b, 0, lower), (A, B), order=2)
    check_grads(lambda a, b: solve_triangular(a, b, 1, lower, True), (A, B[:, 0]), order=2)
    check_grads(lambda a: cholesky(symmetric(a), lower), (S,), order=2)
    check_grads(lambda a, b: cho_solve(cho_factor(symmetric(a), lower), b), (S, B), order=2)


def test_leading_axes_broadcast():
    stack = np.stack([A, 2 * A])
    want = np.stack([scipy.linalg.solve_triangular(a, B) for a in stack])
    np.testing.assert_allclose(solve_triangular(stack, B), want)
    np.testing.assert_allclose(fg.vmap(solve_triangular, (0, None))(stack, B), want)
    np.testing.assert_allclose(
        fg.vmap(lambda b: solve_triangular(A, b))(B.T), scipy.linalg.solve_triangular(A, B).T
    )
    np.testing.assert_allclose(cholesky(np.stack([S, 2 * S]))[1], scipy.linalg.cholesky(2 * S))


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: solve_triangular(B, B), ShapeError, "solve_triangular: expected square matrices"),
        (
            lambda: solve_triangular(A, B[:3]),
            ShapeError,
            "solve_triangular: expected a right-hand side with 4 rows",
        ),
        (lambda: solve_triangular(A, 3.0), ShapeError, "expected a right-hand side with 4 rows"),
        (
            lambda: solve_triangular(A, B, trans="X"),
            DTypeError,
            "expected trans to be 0, 1, 2, 'N', 'T' or 'C'",
        ),
        (lambda: solve_triangular(A, B, trans=[0]), DTypeError, "expected trans to be"),
        (lambda: solve_triangular(np.zeros((2, 2)), np.ones(2)), np.linalg.LinAlgError, "Singular matrix"),
        (lambda: cholesky(B), ShapeError, "cholesky: expected square matrices"),
        (lambda: cholesky(-S), np.linalg.LinAlgError, "not positive definite"),
        (lambda: cho_solve(A, B), TreeError, "expected the pair that cho_factor returns, got ndarray"),
        (lambda: cho_solve((A, True), B[:3]), ShapeError, "expected a right-hand side with 4 rows"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
