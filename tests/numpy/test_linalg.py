import numpy as np
import pytest

import funcgrad as fg
from funcgrad import numpy as fnp
from funcgrad.errors import DerivativeError, DTypeError, ShapeError
from funcgrad.numpy.arguments import holds_tracer
from tests.laws import assert_same, check_laws

rng = np.random.default_rng(7)


def normal(*shape):
    return rng.standard_normal(shape)


def complexes(*shape):
    return normal(*shape) + 1j * normal(*shape)


def spd(x):
    """Hermitian positive definite matrices with eigenvalues well apart."""
    n = x.shape[-1]
    return 0.2 * x @ x.swapaxes(-1, -2).conj() + np.diag(np.arange(1.0, n + 1))


S = normal(3, 3) + np.diag([2.0, 4.0, 6.0])
SS = normal(2, 2, 2) + 3 * np.eye(2)
Z = complexes(3, 3) + 4 * np.diag([1.0, 2.0, -1.0])
P, PP, PZ = spd(normal(3, 3)), spd(normal(2, 2, 2)), spd(complexes(2, 3, 3))
TALL, WIDE, STACK = normal(4, 2), normal(2, 4), normal(2, 3, 2)
TALLZ = complexes(3, 2)
V3, B32, B232 = normal(3), normal(3, 2), normal(2, 2, 2)
T4 = normal(2, 3, 3, 2) + np.eye(6).reshape(2, 3, 3, 2) * 3
INTS = np.array([[2, 1], [1, 3]])


def abs2(x):
    return (x * x.conj()).real


LAWS = {
    "cholesky": (lambda m, a: m.linalg.cholesky(a), (P,)),
    "cholesky upper": (lambda m, a: m.linalg.cholesky(a, upper=True), (PP,)),
    "cholesky complex": (lambda m, a: m.linalg.cholesky(a), (PZ,)),
    "cholesky of a product": (lambda m, x: m.linalg.cholesky(x @ x.T + m.linalg.outer(x[0], x[0])), (S,)),
    "qr": (lambda m, a: m.linalg.qr(a), (S,)),
    "qr tall": (lambda m, a: m.linalg.qr(a), (TALL,)),
    "qr wide": (lambda m, a: m.linalg.qr(a, "complete"), (WIDE,)),
    "qr r": (lambda m, a: m.linalg.qr(a, mode="r"), (STACK,)),
    "qr complex": (lambda m, a: m.linalg.qr(a), (TALLZ,)),
    "eigh": (lambda m, a: m.linalg.eigh(a), (P,)),
    "eigh upper": (lambda m, a: m.linalg.eigh(a, "U"), (PP,)),
    "eigh complex values": (lambda m, a: m.linalg.eigh(a).eigenvalues, (PZ[0],)),
    "eigh complex squares": (lambda m, a: abs2(m.linalg.eigh(a).eigenvectors), (PZ[0],)),
    "eigh of the symmetric part": (lambda m, a: m.linalg.eigh((a + a.T) / 2), (S,)),
    "eigvalsh": (lambda m, a: m.linalg.eigvalsh(a, UPLO="u"), (PZ,)),
    "eig": (lambda m, a: m.linalg.eig(a), (Z,)),
    "eigvals": (lambda m, a: m.linalg.eigvals(a), (Z,)),
    "svd square": (lambda m, a: m.linalg.svd(a), (S,)),
    "svd thin": (lambda m, a: m.linalg.svd(a, full_matrices=False), (TALL,)),
    "svd wide": (lambda m, a: m.linalg.svd(a, full_matrices=False), (WIDE,)),
    "svd stack": (lambda m, a: m.linalg.svd(a, full_matrices=False), (STACK,)),
    "svd full, thin part": (lambda m, a: m.linalg.svd(a).U[:, :2], (TALL,)),
    "svd full, rest": (lambda m, a: (lambda u: u[:, 2:] @ u[:, 2:].T)(m.linalg.svd(a).U), (TALL,)),
    "svd full, rest of V": (lambda m, a: (lambda v: v[2:].T @ v[2:])(m.linalg.svd(a).Vh), (WIDE,)),
    "svd full, values": (lambda m, a: m.linalg.svd(a)[1], (TALL,)),
    "svd complex": (lambda m, a: abs2(m.linalg.svd(a, full_matrices=False).U), (TALLZ,)),
    "svd complex low rank": (
        lambda m, a: (lambda u, s, vh: u[:, :1] @ vh[:1])(*m.linalg.svd(a, full_matrices=False)),
        (TALLZ,),
    ),
    "svd values": (lambda m, a: m.linalg.svd(a, compute_uv=False), (TALLZ,)),
    "svd hermitian": (lambda m, a: m.linalg.svd(a - 2.5 * np.eye(3), hermitian=True), (P,)),
    "svd hermitian values": (lambda m, a: m.linalg.svd(a, compute_uv=False, hermitian=True), (PP,)),
    "svdvals": (lambda m, a: m.linalg.svdvals(a), (STACK,)),
    "solve": (lambda m, a, b: m.linalg.solve(a, b), (S, V3)),
    "solve matrix": (lambda m, a, b: m.linalg.solve(a, b), (S, B32)),
    "solve stacks": (lambda m, a, b: m.linalg.solve(a, b), (SS, B232)),
    "solve one matrix": (lambda m, a, b: m.linalg.solve(a, b), (SS[0], B232)),
    "solve one vector": (lambda m, a, b: m.linalg.solve(a, b), (SS, B32[0])),
    "solve complex": (lambda m, a, b: m.linalg.solve(a, b), (Z, B32)),
    "inv": (lambda m, a: m.linalg.inv(a), (SS,)),
    "inv complex": (lambda m, a: m.linalg.inv(a), (Z,)),
    "pinv tall": (lambda m, a: m.linalg.pinv(a), (TALL,)),
    "pinv stack": (lambda m, a: m.linalg.pinv(a, rcond=1e-10), (STACK,)),
    "pinv complex": (lambda m, a: m.linalg.pinv(a, rtol=None), (TALLZ.T,)),
    "det": (lambda m, a: m.linalg.det(a), (S,)),
    "det stack": (lambda m, a: m.linalg.det(a), (SS,)),
    "det complex": (lambda m, a: m.linalg.det(a), (Z,)),
    "slogdet": (lambda m, a: m.linalg.slogdet(a), (SS,)),
    "slogdet complex": (lambda m, a: m.linalg.slogdet(a), (Z,)),
    "lstsq": (lambda m, a, b: m.linalg.lstsq(a, b)[:2], (TALL, WIDE[0])),
    "lstsq complex": (lambda m, a, b: m.linalg.lstsq(a, b)[:2], (TALLZ, B32)),
    "lstsq wide": (lambda m, a, b: m.linalg.lstsq(a, b)[0], (WIDE, TALL[:2])),
    "matrix_power": (lambda m, a: m.linalg.matrix_power(a, 5), (S,)),
    "matrix_power negative": (lambda m, a: m.linalg.matrix_power(a, -3), (SS,)),
    "matrix_power one": (lambda m, a: m.linalg.matrix_power(a, 1), (SS,)),
    "multi_dot": (lambda m, *xs: m.linalg.multi_dot(xs), (V3, B32, B232[0], B32.T)),
    "multi_dot scalar": (lambda m, *xs: m.linalg.multi_dot(xs), (V3, S, V3)),
    "multi_dot two": (lambda m, *xs: m.linalg.multi_dot(xs), (B32.T, S)),
    "tensorinv": (lambda m, a: m.linalg.tensorinv(a), (T4,)),
    "tensorsolve": (lambda m, a, b: m.linalg.tensorsolve(a, b), (T4, normal(2, 3))),
    "tensorsolve axes": (
        lambda m, a, b: m.linalg.tensorsolve(a, b, axes=(0, 2)),
        (T4.transpose(2, 0, 3, 1), normal(3, 2)),
    ),
    "cond": (lambda m, a: m.linalg.cond(a), (TALL,)),
    "cond -2": (lambda m, a: m.linalg.cond(a, -2), (STACK,)),
    "cond fro": (lambda m, a: m.linalg.cond(a, "fro"), (S,)),
    "cond 1": (lambda m, a: m.linalg.cond(a, 1), (SS,)),
    "cross": (lambda m, x, y: m.linalg.cross(x, y), (S, V3)),
    "cross axis": (lambda m, x, y: m.linalg.cross(x, y, axis=0), (B32, B32[::-1])),
    "matmul": (lambda m, x, y: m.linalg.matmul(x, y), (SS, SS[0])),
    "outer": (lambda m, x, y: m.linalg.outer(x, y), (V3, B32[:, 0])),
    "tensordot": (lambda m, x, y: m.linalg.tensordot(x, y, axes=1), (S, B32)),
    "vecdot": (lambda m, x, y: m.linalg.vecdot(x, y), (Z, S)),
    "matrix_transpose": (lambda m, x: m.linalg.matrix_transpose(x), (STACK,)),
    "diagonal": (lambda m, x: m.linalg.diagonal(x, offset=-1), (STACK,)),
    "diagonal above": (lambda m, x: m.linalg.diagonal(x, offset=1), (STACK,)),
    "trace": (lambda m, x: m.linalg.trace(x, offset=1), (SS,)),
    "trace dtype": (lambda m, x: m.linalg.trace(x, dtype=complex), (SS,)),
}


@pytest.mark.parametrize("name", LAWS)
def test_laws(name):
    function, args = LAWS[name]
    check_laws(function, *args)


NORMS = {
    "default": (S, {}),
    "default stack": (STACK, {}),
    "vector": (V3, {}),
    "keepdims": (STACK, {"keepdims": True}),
    "axis": (STACK, {"axis": 1}),
    "axis keepdims": (STACK, {"axis": -1, "keepdims": True}),
    "complex": (Z, {"axis": 0}),
    **{f"vector {o}": (V3, {"ord": o}) for o in (1, 2, 3, 0.5, -1, -2.5, np.inf, -np.inf, 0)},
    **{f"complex vector {o}": (Z, {"ord": o, "axis": 1}) for o in (1, 3, np.inf)},
    **{f"matrix {o}": (S, {"ord": o}) for o in (1, -1, 2, -2, np.inf, -np.inf, "fro", "nuc")},
    **{f"stack {o}": (STACK, {"ord": o, "axis": (2, 0)}) for o in (1, -1, 2, np.inf, -np.inf, "fro", "nuc")},
    "matrix keepdims": (STACK, {"ord": 1, "axis": (0, 2), "keepdims": True}),
    "complex matrix": (Z, {"ord": "nuc"}),
}


@pytest.mark.parametrize("name", NORMS)
def test_norm(name):
    x, details = NORMS[name]
    order = 0 if details.get("ord", 1) == 0 else 2
    check_laws(lambda m, x: m.linalg.norm(x, **details), x, order=order)


@pytest.mark.parametrize(
    "details", [{}, {"axis": 1, "ord": 3}, {"axis": (0, 2)}, {"axis": (2, 0), "keepdims": True, "ord": 1}]
)
def test_vector_norm(details):
    check_laws(lambda m, x: m.linalg.vector_norm(x, **details), STACK)


@pytest.mark.parametrize("details", [{}, {"ord": "nuc", "keepdims": True}, {"ord": 2}])
def test_matrix_norm(details):
    check_laws(lambda m, x: m.linalg.matrix_norm(x, **details), STACK)


@pytest.mark.parametrize("ord", [None, 1, 2, 3, 1.5, 0.5, np.inf])
def test_norm_at_zero(ord):
    def norm(x):
        return np.linalg.norm(x, ord)

    np.testing.assert_array_equal(fg.grad(norm)(np.zeros(3)), np.zeros(3))
    if ord in (3, 1.5):
        sparse = np.array([0.0, 2.0, 0.0])
        np.testing.assert_allclose(fg.grad(norm)(sparse), [0.0, 1.0, 0.0])


def test_norm_squared_at_zero():
    np.testing.assert_array_equal(fg.grad(lambda x: np.linalg.norm(x) ** 2)(np.zeros(2)), np.zeros(2))


FLOAT32 = {
    "solve": lambda m, x: m.linalg.solve(x, x),
    "cholesky": lambda m, x: m.linalg.cholesky(x),
    "eigh": lambda m, x: m.linalg.eigh(x),
    "svd": lambda m, x: m.linalg.svd(x),
    "qr": lambda m, x: m.linalg.qr(x),
    "det": lambda m, x: m.linalg.det(x),
    "slogdet": lambda m, x: m.linalg.slogdet(x),
    "pinv": lambda m, x: m.linalg.pinv(x),
    "norm": lambda m, x: m.linalg.norm(x, 3, axis=0),
    "nuc": lambda m, x: m.linalg.norm(x, "nuc"),
    "cond": lambda m, x: m.linalg.cond(x, 1),
    "lstsq": lambda m, x: m.linalg.lstsq(x, x)[0],
    "inv": lambda m, x: m.linalg.matrix_power(x, -2),
}


@pytest.mark.parametrize("name", FLOAT32)
@pytest.mark.parametrize("dtype", [np.float32, np.complex64, int])
def test_dtypes_are_numpys(name, dtype):
    x = (INTS if dtype is int else P[:2, :2]).astype(dtype)
    check_laws(FLOAT32[name], x, order=0)
    if dtype is np.float32:
        f = FLOAT32[name]

        def total(x):
            y = f(np, x)
            return sum(np.sum(z) for z in y) if isinstance(y, tuple) else np.sum(y)

        assert fg.grad(total)(x).dtype == np.float32


def test_results_are_numpys_namedtuples():
    seen = []

    def f(a):
        seen.extend(
            [np.linalg.eigh(a), np.linalg.svd(a), np.linalg.qr(a), np.linalg.slogdet(a), np.linalg.eig(a)]
        )
        return np.linalg.eigh(a)

    y = fg.trace(f)(P)(P)
    assert type(y) is type(np.linalg.eigh(P)) and y.eigenvalues.shape == (3,)
    plain = [np.linalg.eigh(P), np.linalg.svd(P), np.linalg.qr(P), np.linalg.slogdet(P), np.linalg.eig(P)]
    assert [type(x) for x in seen] == [type(x) for x in plain]


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) >= "2.5.0", reason="always complex from 2.5 on")
def test_eig_of_a_real_matrix_is_real_where_numpys_is():
    real, rotated = np.array([[2.0, 1.0], [0.5, 3.0]]), np.array([[1.0, -2.0], [1.0, 0.5]])
    for a in (real, rotated):
        (w, v), _ = fg.vjp(np.linalg.eig, a)
        assert_same((w, v), tuple(np.linalg.eig(a)))
        assert_same(fg.vjp(np.linalg.eigvals, a)[0], np.linalg.eigvals(a))
    check_laws(lambda m, a: m.abs(m.linalg.eig(a).eigenvectors[0]), rotated, traced=np)
    gradient = fg.grad(lambda a: np.max(np.linalg.eigvals(a)))(real)
    w, v = np.linalg.eig(real)
    k = np.argmax(w)
    np.testing.assert_allclose(gradient, np.outer(np.linalg.inv(v)[k], v[:, k]), rtol=1e-12)


def test_matrix_rank():
    low = np.outer(V3, V3)
    for a in (S, low, np.stack([S, low]), V3, np.zeros(3)):
        assert_same(
            fg.vjp(
                lambda x: (x.sum(), np.linalg.matrix_rank(x)),
                a,
            )[0][1],
            np.linalg.matrix_rank(a),
        )
    got = fg.trace(lambda a: np.linalg.matrix_rank(a, rtol=1e-3))(low)(low)
    assert got == 1
    assert fg.trace(lambda a: np.linalg.matrix_rank(a, tol=1e3))(low)(low) == 0
    assert fg.trace(lambda a: np.linalg.matrix_rank(a, hermitian=True))(low)(low) == 1


def test_lstsq_of_lower_rank():
    a = np.outer(np.arange(1.0, 5), [1.0, 2.0])
    b = np.array([1.0, 0.0, 2.0, 1.0])
    x, residuals, rank, s = fg.vjp(lambda a, b: np.linalg.lstsq(a, b), a, b)[0]
    expected = np.linalg.lstsq(a, b)
    assert_same((x, residuals, s), (expected[0], expected[1], expected[3]), rtol=1e-9)
    assert rank == expected[2]


def test_matrix_power_zero():
    np.testing.assert_array_equal(fg.grad(lambda a: np.linalg.matrix_power(a, 0).sum())(S), 0 * S)


def test_cond_of_a_singular_matrix_is_inf():
    assert fg.trace(np.linalg.cond)(np.zeros((2, 2)))(np.zeros((2, 2))) == np.inf
    assert fnp.linalg.cond(np.zeros((2, 2))) == np.inf


def test_gradient_of_determinant_at_singular_matrices():
    a = np.array([[1.0, 2.0], [2.0, 4.0]])
    np.testing.assert_allclose(fg.grad(np.linalg.det)(a), [[4.0, -2.0], [-2.0, 1.0]], atol=1e-14)
    check_laws(lambda m, a: m.linalg.det(a), np.outer(V3, V3))
    check_laws(lambda m, a: m.linalg.det(a), np.zeros((2, 2)))
    np.testing.assert_array_equal(fg.grad(np.linalg.det)(np.zeros((3, 3))), np.zeros((3, 3)))


def test_textbook_gradients():
    def logdet(a):
        return np.linalg.slogdet(a).logabsdet

    np.testing.assert_allclose(fg.grad(logdet)(S), np.linalg.inv(S).T)
    hessian = fg.hessian(logdet)(S)
    g = np.linalg.inv(S)
    np.testing.assert_allclose(hessian, -np.einsum("jk,li->ijkl", g, g), rtol=1e-10, atol=1e-12)

    def by_cholesky(a):
        return 2 * np.sum(np.log(np.linalg.diagonal(np.linalg.cholesky((a + a.T) / 2))))

    np.testing.assert_allclose(fg.grad(by_cholesky)(P), np.linalg.inv(P), rtol=1e-12)
    v = np.linalg.eigh(P).eigenvectors[:, 0]
    lowest = fg.grad(lambda a: np.linalg.eigvalsh((a + a.T) / 2)[0])(P)
    np.testing.assert_allclose(lowest, np.outer(v, v), rtol=1e-12)


def test_lists_with_traced_numbers():
    def f(x):
        return fnp.linalg.det([[x, 1.0], [2.0, x * x]])

    assert holds_tracer([[1.0]]) is False
    np.testing.assert_allclose(fg.grad(f)(2.0), 12.0)
    assert fnp.linalg.det([[1.0, 2.0], [3.0, 4.0]]) == np.linalg.det([[1.0, 2.0], [3.0, 4.0]])


SQUARE = ["cholesky", "inv", "det", "slogdet", "eigh", "eigvalsh", "eig", "eigvals"]


@pytest.mark.parametrize("name", SQUARE)
@pytest.mark.parametrize("shape", [(2, 3), (3,)])
def test_matrices_must_be_square(name, shape):
    with pytest.raises(ShapeError, match=rf"^{name}: expected square matrices, got float64"):
        fg.vjp(getattr(np.linalg, name), np.ones(shape))
    with pytest.raises(np.linalg.LinAlgError):
        getattr(fnp.linalg, name)(np.ones(shape))


BAD = {
    "solve": (lambda x: np.linalg.solve(x, np.ones((2, 1))), "expected a right-hand side with 3 rows"),
    "solve lead": (
        lambda x: np.linalg.solve(x[None] * np.ones((2, 1, 1)), np.ones((3, 3, 1))),
        "expected leading axes that broadcast",
    ),
    "norm three axes": (lambda x: np.linalg.norm(x[None], 1), "expected one axis or two"),
    "norm same axis": (lambda x: np.linalg.norm(x, axis=(0, 0)), "expected two different axes"),
    "cross": (lambda x: np.linalg.cross(x[:, :2], x[:, :2]), "expected vectors of three elements"),
    "multi_dot": (lambda x: np.linalg.multi_dot([x, x, x[:2]]), "expected matrices whose sizes fit"),
    "lstsq": (lambda x: np.linalg.lstsq(x, np.ones(2)), "expected a matrix, and a right-hand side"),
    "outer": (lambda x: np.linalg.outer(x, x), "expected two vectors"),
    "diagonal": (lambda x: np.linalg.diagonal(x[0]), "expected matrices"),
    "svd": (lambda x: np.linalg.svd(x[0]), "svd: expected matrices"),
    "qr": (lambda x: np.linalg.qr(x[0]), "qr: expected matrices"),
    "tensorsolve": (lambda x: np.linalg.tensorsolve(x, x), "expected an array with as many elements"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_shapes(name):
    function, message = BAD[name]
    with pytest.raises(ShapeError, match=message):
        fg.vjp(function, np.eye(3))
    with pytest.raises(ShapeError, match=message):
        fg.trace(function)(np.eye(3))


def test_other_bad_calls():
    with pytest.raises(ValueError, match="expected a number as the order"):
        fg.grad(lambda x: np.linalg.norm(x, "nuc"))(np.ones(3))
    with pytest.raises(ValueError, match="expected an order of a matrix norm"):
        fg.grad(lambda x: np.linalg.norm(x, 3))(np.eye(3))
    with pytest.raises(ValueError, match="UPLO"):
        fg.vjp(lambda x: np.linalg.eigh(x, "X"), np.eye(3))
    with pytest.raises(DTypeError, match="expected single or double precision, got float16"):
        fg.vjp(np.linalg.inv, np.eye(2, dtype=np.float16))
    with pytest.raises(DTypeError, match="expected one number as the tolerance"):
        fg.vjp(lambda a: np.linalg.pinv(a, rcond=np.ones(2)), np.stack([S, S]))
    with pytest.raises(DerivativeError, match="mode"):
        fg.vjp(lambda a: np.linalg.qr(a, "raw"), S)


@pytest.mark.parametrize("function", [np.linalg.inv, lambda a: np.linalg.solve(a, np.ones(2))])
def test_singular_matrices_raise_numpys_error(function):
    with pytest.raises(np.linalg.LinAlgError, match="Singular"):
        fg.vjp(function, np.ones((2, 2)))


def test_indefinite_matrices_raise_numpys_error():
    with pytest.raises(np.linalg.LinAlgError, match="positive definite"):
        fg.vjp(np.linalg.cholesky, -np.eye(2))


def test_complete_bases_have_no_derivative():
    with pytest.raises(DerivativeError, match="svd: the singular vectors have no derivative"):
        fg.grad(lambda a: np.linalg.svd(a).U.sum())(TALL)
    with pytest.raises(DerivativeError, match="svd: the singular vectors have no derivative"):
        fg.grad(lambda a: np.linalg.svd(a).Vh[2:].sum())(WIDE)
    with pytest.raises(DerivativeError, match="expected mode='reduced'"):
        fg.grad(lambda a: np.linalg.qr(a, "complete").Q.sum())(TALL)


def test_every_function_is_here():
    missing = {n for n in np.linalg.__all__ if callable(getattr(np.linalg, n))} - set(fnp.linalg.__all__)
    assert not missing


@pytest.mark.parametrize("wrap", [lambda f: f, fg.jit])
def test_a_singular_matrix_leaves_the_others_of_its_stack_alone(wrap):
    stack = np.stack([2 * np.eye(2), np.ones((2, 2)), np.array([[1.0, 2.0], [0.0, 3.0]])])

    def slopes(stack, weights):
        return fg.vjp(lambda a: np.linalg.slogdet(a)[1], stack)[1](weights)[0]

    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(fg.trace(np.linalg.slogdet)(stack)(stack)[1][1], -np.inf)
        every = wrap(slopes)(stack, np.ones(3))
        some = wrap(slopes)(stack, np.array([1.0, 0.0, 1.0]))
    want = [np.linalg.inv(a).T for a in stack[[0, 2]]]
    np.testing.assert_allclose(every[[0, 2]], want)
    assert np.isnan(every[1]).any()
    np.testing.assert_allclose(some, [want[0], np.zeros((2, 2)), want[1]])


def test_r_of_a_complete_factorization():
    a = np.arange(6.0).reshape(3, 2) ** 2 + 1
    for f in (lambda a, mode: np.linalg.qr(a, mode)[1], lambda a, mode: np.linalg.qr(a, mode).R):
        complete = fg.grad(lambda a, f=f: np.sum(f(a, "complete") ** 3))(a)
        np.testing.assert_allclose(complete, fg.grad(lambda a, f=f: np.sum(f(a, "reduced") ** 3))(a))
    with pytest.raises(DerivativeError, match="expected mode='reduced' where Q is differentiated"):
        fg.grad(lambda a: np.sum(np.linalg.qr(a, "complete")[0] ** 3))(a)
