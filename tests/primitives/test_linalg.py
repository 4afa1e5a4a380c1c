"""What the battery cannot see of the matrix primitives: repeated values, gauges, SciPy's branch."""

import subprocess
import sys

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.errors import DerivativeError
from funcgrad.primitives.linalg.degenerate import degenerate_divide, degenerate_scale
from funcgrad.primitives.linalg.determinant import adjugate, adjugate_along
from funcgrad.primitives.linalg.lu import lu
from funcgrad.primitives.linalg.matrices import positive_definite, sample_matrix
from funcgrad.primitives.linalg.solve import triangular_solve
from tests.laws import check_laws

ROTATION, _ = np.linalg.qr(sample_matrix(4, 4, seed=3))
M = sample_matrix(4, 4, seed=4)


def with_values(*w, basis=ROTATION):
    a = (basis * np.array(w)) @ basis.T.conj()
    return (a + a.T.conj()) / 2


def difference(f, a, direction, step=1e-5):
    return (f(a + step * direction) - f(a - step * direction)) / (2 * step)


def symmetric(x):
    return (x + x.T) / 2


def check_gradient(f, a, f_near=None):
    """Compare the gradient along symmetric directions with differences."""
    gradient = fg.grad(lambda a: f(symmetric(a)))(a)
    for seed in range(3):
        direction = symmetric(sample_matrix(*a.shape, seed=seed))
        expected = difference(f, a, direction)
        np.testing.assert_allclose(np.sum(gradient * direction), expected, rtol=1e-6, atol=1e-7)


REPEATED = [
    with_values(1.0, 1.0, 3.0, 4.0),
    np.eye(4),
    with_values(2.0, 2.0, 2.0, 5.0),
    np.diag([1.0, 1.0, 3.0, 4.0]),
]


@pytest.mark.parametrize("a", REPEATED)
def test_functions_of_repeated_eigenvalues(a):
    check_gradient(lambda a: np.sum(np.exp(np.linalg.eigvalsh(a))), a)
    check_gradient(lambda a: np.sum(np.exp(np.linalg.eigh(a).eigenvalues)), a)
    _, dot = fg.jvp(lambda a: np.sum(np.linalg.eigvalsh(a) ** 2), (a,), (symmetric(M),))
    np.testing.assert_allclose(dot, 2 * np.sum(a * symmetric(M)))


@pytest.mark.parametrize("a", [REPEATED[0], REPEATED[3]])
def test_functions_of_the_space_of_a_repeated_eigenvalue(a):
    def projection(a):
        v = np.linalg.eigh(a).eigenvectors[:, :2]
        return np.sum(M * (v @ v.T))

    check_gradient(projection, a)
    check_gradient(lambda a: np.sum(M[0] * np.linalg.eigh(a).eigenvectors[:, 3] ** 2), a)


def test_the_largest_pair_beside_repeated_ones():
    low_rank = with_values(0.0, 0.0, 0.0, 5.0)

    def f(a):
        w, v = np.linalg.eigh(a)
        return w[3] * np.sum(M[0] * v[:, 3] ** 2)

    check_gradient(f, low_rank)


def test_other_functions_of_repeated_eigenvectors_raise():
    message = (
        r"eigh: the eigenvectors have no derivative where values are repeated, got numbers 0 and 1 of \[1\."
    )
    for a in (REPEATED[0], REPEATED[3]):
        with pytest.raises(DerivativeError, match=message):
            fg.grad(lambda a: np.sum(M * np.linalg.eigh(a).eigenvectors))(a)
        with pytest.raises(DerivativeError, match=message):
            fg.jvp(lambda a: np.linalg.eigh(a).eigenvectors, (a,), (M,))


@pytest.mark.parametrize("power", [1.0, 0.5, 2.0])
@pytest.mark.parametrize("a", REPEATED)
def test_matrix_functions_of_repeated_eigenvalues_are_never_silently_wrong(a, power):
    # d g(A) needs g' between equal eigenvalues, which 0/0 has lost.
    def f(a):
        w, v = np.linalg.eigh(a)
        return np.sum(M * ((v * w**power) @ v.T))

    with pytest.raises(DerivativeError, match="have no derivative where values are repeated"):
        fg.grad(f)(a)


def test_second_derivatives_at_repeated_eigenvalues_are_never_silently_wrong():
    def f(a):
        return np.sum(np.linalg.eigvalsh(a) ** 2)

    with pytest.raises(DerivativeError, match="repeated"):
        fg.hessian(f)(np.eye(3))
    with pytest.raises(DerivativeError, match="repeated"):
        fg.grad(lambda a: np.sum(M[:3, :3] * fg.grad(f)(a)))(np.eye(3))


def test_traces_of_matrix_functions():
    def f(a):
        w, v = np.linalg.eigh(a)
        return np.trace((v * np.exp(w)) @ v.T)

    check_gradient(f, np.eye(4))
    check_gradient(f, REPEATED[0])


def test_one_bad_example_of_a_batch_is_named():
    batch = np.stack([with_values(1.0, 2.0, 3.0, 4.0), with_values(1.0, 2.0, 2.0, 4.0)])
    with pytest.raises(DerivativeError, match=r"numbers 1 and 2 of \[1. 2. 2. 4.\]"):
        fg.grad(lambda a: np.sum(np.linalg.eigh(a).eigenvectors))(batch)


def test_phases_of_complex_eigenvectors():
    z = positive_definite(3, 3, dtype=complex)
    weights = sample_matrix(3, 3, dtype=complex)

    def projections(m, a):
        v = m.linalg.eigh(a).eigenvectors
        return m.abs(weights @ v) ** 2

    check_laws(projections, z)


def svd_of(u, s, v):
    return (u * np.array(s)) @ v.T


LEFT, RIGHT = ROTATION[:, :3], np.linalg.qr(sample_matrix(3, 3, seed=5))[0]


def test_repeated_singular_values():
    a = svd_of(LEFT, [3.0, 1.0, 1.0], RIGHT)
    check_laws(lambda m, a: m.linalg.norm(a, "nuc"), a, order=1, vmap=False)
    check_laws(lambda m, a: m.linalg.svdvals(a)[0], a, order=1, vmap=False)

    def low_rank(a):
        u, s, vh = np.linalg.svd(a, full_matrices=False)
        return np.sum(M[:, :3] * ((u[:, :1] * s[:1]) @ vh[:1]))

    def polar(a):
        u, _, vh = np.linalg.svd(a, full_matrices=False)
        return np.sum(M[:, :3] * (u @ vh))

    for f in (low_rank, polar):
        gradient = fg.grad(f)(a)
        for seed in range(3):
            direction = sample_matrix(4, 3, seed=seed)
            expected = difference(f, a, direction)
            np.testing.assert_allclose(np.sum(gradient * direction), expected, rtol=1e-6, atol=1e-7)
    with pytest.raises(
        DerivativeError, match=r"svd: the singular vectors have no derivative .* numbers 1 and 2"
    ):
        fg.grad(lambda a: np.sum(M[:, :3] * np.linalg.svd(a, full_matrices=False).U))(a)


def test_singular_values_of_zero():
    a = svd_of(LEFT, [3.0, 1.0, 0.0], RIGHT)
    check_laws(lambda m, a: m.linalg.svdvals(a)[0], a, order=1, vmap=False)
    largest = fg.grad(lambda a: np.linalg.svd(a, full_matrices=False).S[0])(a)
    np.testing.assert_allclose(largest, np.outer(LEFT[:, 0], RIGHT[:, 0]), atol=1e-14)

    def low_rank(a):
        u, s, vh = np.linalg.svd(a, full_matrices=False)
        return np.sum(M[:, :3] * ((u[:, :2] * s[:2]) @ vh[:2]))

    gradient = fg.grad(low_rank)(a)
    for seed in range(3):
        direction = sample_matrix(4, 3, seed=seed)
        expected = difference(low_rank, a, direction)
        np.testing.assert_allclose(np.sum(gradient * direction), expected, rtol=1e-6, atol=1e-7)
    with pytest.raises(DerivativeError, match="no derivative where a singular value is zero"):
        fg.grad(lambda a: np.sum(M[:, :3] * np.linalg.svd(a, full_matrices=False).U))(a)


def test_repeated_eigenvalues_of_general_matrices():
    with pytest.raises(DerivativeError, match="eig: the eigenvectors have no derivative"):
        fg.grad(lambda a: np.sum(M * np.linalg.eig(a).eigenvectors).real)(np.eye(4))
    np.testing.assert_allclose(fg.grad(lambda a: np.sum(np.linalg.eigvals(a)).real)(np.eye(4)), np.eye(4))


def test_gradients_at_defective_matrices_are_not_small():
    gradient = fg.grad(lambda a: np.linalg.eigvals(a)[0].real)(np.array([[0.0, 1.0], [0.0, 0.0]]))
    assert not np.max(np.abs(gradient)) < 1e100  # the eigenvalue is the root of an element


def test_degenerate_divide():
    params = {"sums": False, "strict": False, "of": "f"}
    w = np.array([1.0, 1.0, 2.0])
    x = np.array([[5.0, 3.0, 1.0], [3.0, 6.0, 2.0], [1.0, 4.0, 7.0]])
    y = degenerate_divide(x, w, sign=-1, **params)
    np.testing.assert_allclose(y, [[0, 0, 0], [0, 0, -1], [0, -1, 0]])
    with pytest.raises(DerivativeError, match=r"f have no derivative .* numbers 0 and 1 of \[1. 1. 2.\]"):
        degenerate_divide(x, w, sign=1, **params)
    with pytest.raises(DerivativeError):
        degenerate_divide(x, w, sign=-1, sums=False, strict=True, of="f")
    diagonal = np.diag([1.0, 1.0, 5.0])
    assert not degenerate_divide(diagonal, w, sign=-1, sums=False, strict=True, of="f").any()
    scaled = degenerate_scale(np.array([[1.0, 0.0], [2.0, 0.0]]), np.array([2.0, 0.0]), of="f")
    np.testing.assert_array_equal(scaled, [[0.5, 0.0], [1.0, 0.0]])


@pytest.mark.parametrize("rank", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [float, complex])
def test_adjugate_at_every_rank(rank, dtype):
    a = sample_matrix(4, rank, dtype=dtype) @ sample_matrix(rank, 4, dtype=dtype, seed=1)
    e = sample_matrix(4, 4, dtype=dtype, seed=2)
    cofactors = np.empty((4, 4), dtype)
    for i in range(4):
        for j in range(4):
            minor = np.delete(np.delete(a, i, 0), j, 1)
            cofactors[i, j] = (-1) ** (i + j) * np.linalg.det(minor)
    np.testing.assert_allclose(adjugate(a), cofactors.T, atol=1e-12)
    np.testing.assert_allclose(adjugate_along(a, e), difference(adjugate, a, e, 1e-4), rtol=1e-6, atol=1e-6)


def test_hessian_of_a_determinant_at_a_singular_matrix():
    hessian = fg.hessian(np.linalg.det)(np.zeros((2, 2)))
    np.testing.assert_allclose(hessian[0, 0], [[0, 0], [0, 1]], atol=1e-15)
    np.testing.assert_allclose(hessian[0, 1], [[0, 0], [-1, 0]], atol=1e-15)


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("transpose", [True, False])
@pytest.mark.parametrize("unit_diagonal", [True, False])
def test_large_triangular_systems(lower, transpose, unit_diagonal):
    a = 0.1 * sample_matrix(40, 40) + 3 * np.eye(40)
    b = sample_matrix(40, 2)
    t = np.tril(a) if lower else np.triu(a)
    if unit_diagonal:
        np.fill_diagonal(t, 1)
    x = triangular_solve(a, b, lower=lower, transpose=transpose, unit_diagonal=unit_diagonal)
    np.testing.assert_allclose((t.T if transpose else t) @ x, b, atol=1e-11)


def test_scipy_is_not_imported_before_it_is_needed():
    code = (
        "import sys, numpy as np, funcgrad as fg\n"
        "assert 'scipy' not in sys.modules\n"
        "fg.grad(lambda a: np.linalg.cholesky(a).sum())(np.eye(3))\n"
        "assert 'scipy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("shape", [(4, 4), (2, 5, 3), (2, 3, 5)])
def test_lu(shape):
    a = sample_matrix(*shape)
    p, lower, upper = lu(a)
    np.testing.assert_allclose(np.take_along_axis(lower @ upper, p[..., None], axis=-2), a, atol=1e-14)

    def rebuilt(a):
        _, lower, upper = lu(a)
        return np.sum((lower @ upper) ** 2)

    np.testing.assert_allclose(
        fg.grad(rebuilt)(a), 2 * np.take_along_axis(lower @ upper, p[..., None], axis=-2)
    )
