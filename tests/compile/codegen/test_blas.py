"""BLAS and LAPACK from machine code: values, layouts, errors; and that no host call is left."""

import ctypes
import itertools
import subprocess
import sys

import numpy as np
import pytest

import funcgrad as fg
from funcgrad import heavy
from funcgrad.compile.pipeline import executable_of
from funcgrad.compile.runtime.executable import Executable
from funcgrad.core.staging import stage_flat
from funcgrad.core.types import type_of
from funcgrad.heavy import blas_threads
from funcgrad.primitives.linalg.matrices import positive_definite, sample_matrix
from funcgrad.primitives.linalg.solve import triangular_solve

LEADS = [(), (3,), (2, 2)]
SIZES = [0, 1, 2, 5, 40]
SINGULAR = np.outer([1.0, 2.0, 4.0], [1.0, 2.0, 4.0])


def executable(f, *args) -> Executable:
    def flat(*xs):
        y = f(*xs)
        return list(y) if isinstance(y, tuple) else [y]

    return executable_of(stage_flat(flat, [type_of(x) for x in args], "test"))


def check_native(f, *args, single=False):
    """Check that `f` computes what it does on plain arrays, without the host."""
    native = executable(f, *args)
    assert not native.module.host_calls
    got, want = native(*args), f(*args)
    tolerance = {"rtol": 2e-3, "atol": 2e-3} if single else {"rtol": 1e-9, "atol": 1e-11}
    wants = want if isinstance(want, tuple) else (want,)
    for y, z in zip(got if len(wants) > 1 else (got,), wants, strict=True):
        assert y.dtype == z.dtype and np.shape(y) == np.shape(z)
        np.testing.assert_allclose(y, z, **tolerance)


def regular(*shape, dtype=float):
    return (sample_matrix(*shape, shape[-1]) + shape[-1] * 1.5 * np.eye(shape[-1])).astype(dtype)


def triangular(lower, transpose=False, unit_diagonal=False):
    def solve(a, b):
        return triangular_solve(a, b, lower=lower, transpose=transpose, unit_diagonal=unit_diagonal)

    return solve


def swapped(x):
    return x.swapaxes(-1, -2)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", SIZES)
def test_factorizations(n, dtype):
    for lead in LEADS:
        spd = positive_definite(*lead, n, n).astype(dtype)
        a = regular(*lead, n, dtype=dtype)
        single = dtype == np.float32
        check_native(np.linalg.cholesky, spd, single=single)
        for f in (np.linalg.inv, np.linalg.slogdet, lambda x: np.linalg.det(x / (n + 1))):
            check_native(f, a, single=single)
            check_native(lambda x, f=f: f(swapped(x)), a, single=single)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("n", SIZES)
def test_solve(n, dtype):
    for lead, k in itertools.product(LEADS, (1, 3)):
        a, b = regular(*lead, n, dtype=dtype), sample_matrix(*lead, n, k).astype(dtype)
        single = dtype == np.float32
        check_native(np.linalg.solve, a, b, single=single)
        check_native(lambda a, b: np.linalg.solve(swapped(a), b * 2), a, b, single=single)
    check_native(np.linalg.solve, a[0, 0], b[0, 0, :, 0], single=single)


@pytest.mark.parametrize("lower, transpose, unit_diagonal", [*itertools.product(*[(False, True)] * 3)])
def test_triangular_solve(lower, transpose, unit_diagonal):
    f = triangular(lower, transpose, unit_diagonal)
    for lead, n, k in [((), 5, 1), ((), 40, 3), ((2,), 5, 3), ((), 1, 1), ((), 1, 2), ((), 0, 2)]:
        a, b = regular(*lead, n) / max(n, 1), sample_matrix(*lead, n, k)
        check_native(f, a, b)
        check_native(lambda a, b: f(swapped(a), b + 1), a, b)
        check_native(lambda a, b: f(a, swapped(b)), a, np.ascontiguousarray(swapped(b)))
        check_native(lambda a, b: f(a[..., ::-1, ::-1], b), a, b)


def test_derivatives_need_no_host():
    a, b = positive_definite(5, 5), sample_matrix(5, 2)

    def likelihood(a, b):
        factor = np.linalg.cholesky(a)
        z = triangular(True)(factor, b)
        return np.sum(z * z) + np.sum(np.log(np.diagonal(factor)))

    for f in (
        likelihood,
        lambda a, b: np.sum(np.linalg.solve(a, b) ** 2),
        lambda a, b: np.linalg.slogdet(a)[1] + np.sum(np.linalg.inv(a) @ b),
    ):
        check_native(fg.grad(f, (0, 1)), a, b)


def test_arguments_of_any_layout():
    a = sample_matrix(8, 8) + 8 * np.eye(8)
    f = fg.jit(np.linalg.solve)
    for given in (a[::2, ::2], a.T, np.asfortranarray(a), a[::-1]):
        b = sample_matrix(len(given), 3)
        np.testing.assert_allclose(f(given, b), np.linalg.solve(given, b))
        np.testing.assert_allclose(fg.jit(np.linalg.inv)(given), np.linalg.inv(given))


def test_arguments_are_kept():
    a, b = positive_definite(4, 4), sample_matrix(4, 2)
    before = a.copy(), b.copy()
    fg.jit(lambda a, b: (np.linalg.cholesky(a), np.linalg.solve(a, b), np.linalg.inv(a)))(a, b)
    np.testing.assert_array_equal(a, before[0])
    np.testing.assert_array_equal(b, before[1])


def test_one_matrix_is_factorized_once():
    a, b = regular(6), sample_matrix(6, 2)
    text = (
        fg.jit(lambda a, b: (np.linalg.solve(a, b), np.linalg.solve(a.T, b), np.linalg.slogdet(a)))
        .lower(a, b)
        .loops
    )
    assert text.count("getrf") == 1


def test_a_matrix_that_was_written_to_is_factorized_again():
    def f(a, b):
        a = a * 2.0
        x = np.linalg.solve(a, b)
        a[0, 0] = a[0, 0] + x[0, 0]
        return x, np.linalg.solve(a, b)

    a, b = regular(4), sample_matrix(4, 2)
    for got, want in zip(fg.jit(f)(a, b), f(a, b), strict=True):
        np.testing.assert_allclose(got, want)


def test_the_threads_of_blas_are_given_back():
    address, _ = blas_threads()
    if not address:
        pytest.skip("BLAS is not OpenBLAS")
    count = ctypes.CFUNCTYPE(ctypes.c_int)(address)
    before = count()
    a = positive_definite(50, 50)
    fg.jit(np.linalg.cholesky)(a)
    with pytest.raises(np.linalg.LinAlgError):
        fg.jit(np.linalg.cholesky)(-a)
    assert count() == before


def test_products_and_factorizations_in_one_loop():
    a, b = positive_definite(3, 12, 12), sample_matrix(3, 12, 12)
    check_native(lambda a, b: np.linalg.cholesky(a + a) @ b @ np.linalg.inv(a), a, b)


@pytest.mark.parametrize(
    "f, args, message",
    [
        (np.linalg.cholesky, (-np.eye(3),), "Matrix is not positive definite"),
        (np.linalg.cholesky, (np.zeros((1, 1)),), "Matrix is not positive definite"),
        (np.linalg.cholesky, (np.stack([np.eye(2), -np.eye(2)]),), "Matrix is not positive definite"),
        (fg.grad(lambda a: np.linalg.cholesky(a).sum()), (-np.eye(3),), "Matrix is not positive definite"),
        (np.linalg.solve, (np.zeros((2, 2)), np.ones(2)), "Singular matrix"),
        (np.linalg.inv, (np.ones((2, 2)),), "Singular matrix"),
        (fg.grad(lambda a: np.linalg.inv(a).sum()), (np.zeros((1, 1)),), "Singular matrix"),
        (fg.grad(lambda a: np.linalg.slogdet(a)[1]), (SINGULAR,), "Singular matrix"),
        (triangular(True), (np.diag([1.0, 0.0]), np.ones((2, 1))), "Singular matrix"),
        (triangular(False), (np.diag([0.0, 1.0]), np.ones((2, 2))), "Singular matrix"),
    ],
)
def test_errors_are_those_of_numpy(f, args, message):
    for function in (f, fg.jit(f)):
        with pytest.raises(np.linalg.LinAlgError, match=message):
            function(*args)
    assert np.isfinite(fg.jit(np.linalg.cholesky)(np.eye(3))).all()  # and the next call is a good one


def test_a_unit_diagonal_is_never_singular():
    f = fg.jit(triangular(True, unit_diagonal=True))
    np.testing.assert_array_equal(f(np.zeros((2, 2)), np.ones((2, 1))), np.ones((2, 1)))


def test_determinants_of_singular_matrices():
    assert fg.jit(np.linalg.det)(SINGULAR) == 0
    assert tuple(fg.jit(np.linalg.slogdet)(np.zeros((2, 2)))) == (0.0, -np.inf)


@pytest.mark.parametrize("n", [1, 2, 5, 40])
def test_nan_stays_nan(n):
    a = np.full((n, n), np.nan)
    for f in (np.linalg.cholesky, np.linalg.inv, np.linalg.det, lambda a: np.linalg.slogdet(a)[1]):
        with np.errstate(invalid="ignore"):
            np.testing.assert_array_equal(fg.jit(f)(a), f(a))
    for f in (np.linalg.solve, triangular(True)):
        assert np.isnan(fg.jit(f)(a, np.ones((n, 2)))).all()


def test_exact_arguments_and_python_numbers():
    a = np.array([[2, 1], [1, 3]])
    check_native(np.linalg.cholesky, a)
    check_native(np.linalg.solve, a, np.array([[1], [2]]))
    check_native(lambda a: np.linalg.inv(a * 2), a)


@pytest.mark.parametrize("n, m", [(1, 1), (5, 3), (3, 5), (7, 7), (100, 20)])
@pytest.mark.parametrize("mode", ["full", "same", "valid"])
def test_convolution(n, m, mode):
    x, y = sample_matrix(n), sample_matrix(m, seed=1)
    check_native(lambda x, y: np.convolve(x, y, mode), x, y)
    check_native(fg.grad(lambda x, y: np.sum(np.convolve(x, y, mode) ** 2), (0, 1)), x, y)


def test_convolution_counts_only_products_that_exist():
    x, y = np.array([1.0, 2.0, np.inf, 3.0]), np.array([np.inf, 1.0, 0.0])
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(fg.jit(np.convolve)(x, y), np.convolve(x, y))


@pytest.mark.parametrize("n", [0, 1, 2, 3, 8, 100])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64])
@pytest.mark.parametrize("side", ["left", "right"])
def test_searchsorted(n, dtype, side):
    a = np.sort((5 * sample_matrix(n)).astype(dtype))
    v = np.concatenate([a, (9 * sample_matrix(30, seed=1)).astype(dtype)])
    if dtype != np.int64:
        a[n - n // 4 :] = np.nan
        v = np.concatenate([v, np.array([np.nan, np.inf, -np.inf], dtype)])
    check_native(lambda a, v: np.searchsorted(a, v, side), a, v)
    check_native(lambda a, v: np.searchsorted(a, v.astype(float), side), a, v)


def test_products_have_the_threads_of_numpy_s_own_factorizations():
    """Else threads of two libraries wait for work beside each other, each in the other's way."""
    own = heavy._own_blas_of_numpy()
    if own is None:
        pytest.skip("NumPy has no OpenBLAS of its own")
    assert heavy.blas_address("dgemm") == ctypes.cast(own.scipy_dgemm_64_, ctypes.c_void_p).value
    assert heavy.blas_integer() == "int64"


def test_pivots_are_read_as_wide_as_they_are():
    a = np.eye(5)[[2, 0, 1, 4, 3]] * np.arange(1.0, 6.0)
    for f in (
        np.linalg.det,
        lambda a: np.linalg.slogdet(a)[0],
        np.linalg.inv,
        lambda a: np.linalg.solve(a, a),
    ):
        np.testing.assert_allclose(fg.jit(f)(a), f(a), atol=1e-12)


def test_scipy_s_routines_where_numpy_brings_none():
    code = """
import funcgrad.heavy as heavy
heavy._own_blas_of_numpy = lambda: None
import numpy as np, funcgrad as fg
a = np.array([[0.0, 2.0, 1.0], [3.0, 0.5, 0.0], [1.0, 1.0, 4.0]])
f = lambda a: np.linalg.inv(a) @ np.linalg.solve(a, a) * np.linalg.det(a)
assert heavy.blas_integer() == "int32"
np.testing.assert_allclose(fg.jit(f)(a), f(a))
np.testing.assert_allclose(fg.jit(fg.grad(lambda a: np.sum(f(a))))(a), fg.grad(lambda a: np.sum(f(a)))(a))
"""
    subprocess.run([sys.executable, "-c", code], check=True)
