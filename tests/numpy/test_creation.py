import numpy as np
import pytest

import funcgrad as fg
from funcgrad import numpy as fnp
from funcgrad.errors import ConcretizationError, InPlaceError, ShapeError
from tests.laws import assert_same, check_laws

rng = np.random.default_rng(0)
V = rng.standard_normal(4)
M = rng.standard_normal((3, 4))
Z = V + 1j * rng.standard_normal(4)
F32 = V.astype(np.float32)
INTS = np.arange(12).reshape(3, 4)

# name: (function of a namespace and arrays, arrays)
DISPATCHED = {
    "copy": (lambda m, x: m.copy(x), (M,)),
    "zeros_like": (lambda m, x: m.zeros_like(x) + x, (M,)),
    "zeros_like dtype": (lambda m, x: m.zeros_like(x, np.float32), (M,)),
    "zeros_like ints": (lambda m, x: m.zeros_like(x), (INTS,)),
    "ones_like shape": (lambda m, x: m.ones_like(x, shape=(2,)), (F32,)),
    "full_like": (lambda m, x: m.full_like(x, 3), (F32,)),
    "full_like of a traced value": (lambda m, x: m.full_like(x, x[0]) * x, (V,)),
    "linspace": (lambda m, a, b: m.linspace(a, b, 5), (V[0], V[1])),
    "linspace open": (lambda m, a, b: m.linspace(a, b, 5, endpoint=False), (V[0], V[1])),
    "linspace arrays": (lambda m, a, b: m.linspace(a, b, 4, axis=1), (V, M)),
    "linspace step": (lambda m, a, b: m.linspace(a, b, 3, retstep=True), (V[0], V[1])),
    "linspace one": (lambda m, a: m.linspace(a, 2.0, 1), (V[0],)),
    "linspace float32": (lambda m, a, b: m.linspace(a, b, 3), (F32[0], F32[1])),
    "linspace complex": (lambda m, a, b: m.linspace(a, b, 3), (Z[0], Z[1])),
    "linspace to ints": (lambda m, a: m.linspace(a, 9.0, 4, dtype=int), (np.float64(0.5),)),
    "logspace": (lambda m, a, b: m.logspace(a, b, 4), (V[0], V[1])),
    "logspace base": (lambda m, a, c: m.logspace(a, 1.0, 3, base=c), (V[0], np.array([2.0, 3.0]))),
    "geomspace": (lambda m, a, b: m.geomspace(a, b, 4), (np.float64(0.5), np.float64(8.0))),
    "geomspace down": (lambda m, a, b: m.geomspace(a, b, 4), (np.float64(-9.0), np.float64(-0.1))),
    "geomspace complex": (lambda m, a, b: m.geomspace(a, b, 4), (1j * np.float64(2.0), 1j * np.float64(5.0))),
    "geomspace open": (lambda m, a: m.geomspace(a, 7.0, 4, endpoint=False), (np.float64(0.5),)),
    "vander": (lambda m, x: m.vander(x, 3), (V,)),
    "vander increasing": (lambda m, x: m.vander(x, increasing=True), (V,)),
    "vander none": (lambda m, x: m.vander(x, 0), (V,)),
    "vander ints": (lambda m, x: m.vander(x), (np.arange(3),)),
    "tril": (lambda m, x: m.tril(x), (M,)),
    "tril k": (lambda m, x: m.tril(x, 1), (M,)),
    "triu": (lambda m, x: m.triu(x, -1), (rng.standard_normal((2, 3, 3)),)),
    "triu vector": (lambda m, x: m.triu(x), (V,)),
    "triu ints": (lambda m, x: m.triu(x), (INTS,)),
    "meshgrid": (lambda m, x, y: list(m.meshgrid(x, y)), (V, M[0, :3])),
    "meshgrid ij": (lambda m, x, y, z: list(m.meshgrid(x, y, z, indexing="ij")), (V, V[:2], V[:3])),
    "meshgrid sparse": (lambda m, x, y: list(m.meshgrid(x, y, sparse=True)), (V, M[0, :3])),
    "meshgrid views": (lambda m, x, y: list(m.meshgrid(x, y, copy=False)), (V, M[0, :3])),
    "meshgrid one": (lambda m, x: list(m.meshgrid(x)), (V,)),
    "diag of a vector": (lambda m, x: m.diag(x), (V,)),
    "diag above": (lambda m, x: m.diag(x, 2), (V,)),
    "diag below": (lambda m, x: m.diag(x, -1), (Z,)),
    "diag of nothing": (lambda m, x: m.diag(x), (V[:0],)),
    "diag of a matrix": (lambda m, x: m.diag(x), (M,)),
    "diag far off": (lambda m, x: m.diag(x, 9), (M,)),
    "diagonal": (lambda m, x: m.diagonal(x, -1), (M,)),
    "diagonal above": (lambda m, x: m.diagonal(x, 2), (M,)),
    "diagonal axes": (lambda m, x: m.diagonal(x, 1, 2, 0), (rng.standard_normal((3, 2, 4)),)),
    "diagflat": (lambda m, x: m.diagflat(x, 1), (M[:, :2],)),
}


@pytest.mark.parametrize("name", DISPATCHED)
def test_laws(name):
    function, args = DISPATCHED[name]
    check_laws(function, *args)


UNDISPATCHED = {
    "array of scalars": (lambda m, x, y: m.array([x[0], 2.0, y]), (V, np.float64(3.0))),
    "array nested": (lambda m, x: m.array([[x[0], x[1]], (x[2], 1)]), (V,)),
    "array mixed dtypes": (lambda m, x, y: m.array([x, y]), (F32, INTS[0])),
    "array dtype": (lambda m, x: m.array([x[0], 1], dtype=np.float32), (F32,)),
    "array ndmin": (lambda m, x: m.array(x, ndmin=3), (V,)),
    "asarray": (lambda m, x: m.asarray(x), (V,)),
    "asarray dtype": (lambda m, x: m.asarray(x, np.complex128), (V,)),
    "full": (lambda m, x: m.full((2, 3), x), (np.float64(2.0),)),
    "full broadcast": (lambda m, x: m.full((2, 4), x), (V,)),
    "full dtype": (lambda m, x: m.full(3, x, np.float32), (F32[0],)),
    "full ints": (lambda m, x: m.full((2,), x), (np.int64(2),)),
}


@pytest.mark.parametrize("name", UNDISPATCHED)
def test_laws_where_numpy_cannot_dispatch(name):
    function, args = UNDISPATCHED[name]
    check_laws(function, *args, traced=fnp)


def test_plain_creation_is_numpys():
    for call in (
        lambda m: m.zeros((2, 3)),
        lambda m: m.ones(3, int),
        lambda m: m.eye(3, 4, 1),
        lambda m: m.identity(2),
        lambda m: m.tri(3, 2, -1),
        lambda m: m.arange(5),
        lambda m: m.arange(1.0, 2.0, 0.25),
        lambda m: m.arange(4, dtype=np.float32),
        lambda m: m.arange(5, step=2),
        lambda m: m.arange(1, 9, step=3),
        lambda m: m.array([[1, 2], [3, 4]]),
        lambda m: m.array([1.0, 2.0], np.float32, ndmin=2),
        lambda m: m.linspace(0, 10, 3, dtype=int),
        lambda m: m.full((2, 2), 7),
    ):
        assert_same(call(fnp), call(np), exact=True)


def test_arange_differentiates_its_start_and_step():
    w = np.arange(1.0, 5.0)
    assert fg.grad(lambda a: np.sum(w * fnp.arange(a, 2.0, 0.5)))(0.0) == w.sum()
    assert fg.grad(lambda s: np.sum(w * fnp.arange(0.0, 2.0, s)))(0.5) == np.sum(w * np.arange(4))


def test_arange_needs_known_bounds():
    with pytest.raises(ConcretizationError, match="arange: expected stop with values that are known"):
        fg.trace(lambda n: fnp.arange(n))(3.0)


@pytest.mark.parametrize("like", [np.zeros_like, np.ones_like, np.empty_like, lambda x: np.full_like(x, 2.0)])
def test_results_can_be_written_to(like):
    def f(x):
        y = like(x)
        y[0] = x[1] ** 2
        y[1:] = x[:-1]
        return y

    x = np.array([1.0, 2.0, 3.0])
    expected = [4.0, 1.0, 2.0]
    np.testing.assert_array_equal(fg.trace(f)(x)(x), expected)
    np.testing.assert_array_equal(fg.jvp(f, (x,), (x,))[0], expected)
    np.testing.assert_array_equal(fg.vmap(f)(np.stack([x, x])), [expected, expected])
    np.testing.assert_array_equal(fg.jacobian(f)(x), [[0, 4, 0], [1, 0, 0], [0, 1, 0]])


@pytest.mark.parametrize(
    "make",
    [
        lambda x: fnp.array(x),
        np.copy,
        lambda x: fnp.full(3, x),
        lambda x: np.full_like(x, x),
        lambda x: np.linspace(x, x, 1)[0],
        lambda x: np.meshgrid(x)[0],
        lambda x: np.tril(x)[-1],
        lambda x: np.diag(x)[0],
    ],
)
def test_copies_do_not_alias(make):
    def f(x):
        x = x * 1.0
        y = make(x)
        y[0] = 100.0
        return x

    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(fg.trace(f)(x)(x), x)
    np.testing.assert_array_equal(f(x), x)


def test_asarray_is_the_same_array():
    def f(x):
        y = x * 1.0
        fnp.asarray(y)[0] = 9.0
        return y

    np.testing.assert_array_equal(fg.trace(f)(V)(V), [9.0, *V[1:]])


def test_a_diagonal_is_a_readonly_view_that_follows_its_base():
    def f(x):
        y = x * 1.0
        d = np.diagonal(y)
        y[0, 0] = 7.0
        return d

    x = np.eye(2)
    np.testing.assert_array_equal(fg.trace(f)(x)(x), [7.0, 1.0])
    np.testing.assert_array_equal(fg.vjp(f, x)[0], [7.0, 1.0])

    def g(x):
        d = np.diagonal(x * 1.0)
        d[0] = 1.0

    with pytest.raises(InPlaceError, match="read-only view"):
        fg.trace(g)(x)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, x: m.vander(x), "vander: expected a 1-D array, got float64"),
        (lambda m, x: m.diag(x[None]), "diag: expected an array with one or two axes"),
        (lambda m, x: m.diagonal(x[0]), "diagonal: expected an array with at least two axes"),
        (lambda m, x: m.linspace(x, x, -1), "linspace: expected num of at least 0, got -1"),
        (lambda m, x: m.triu(x[0, 0]), "triu: expected an array with at least one axis"),
    ],
)
def test_bad_inputs_say_so_staged_and_eager(call, message):
    for run in (lambda: call(fnp, M), lambda: fg.trace(lambda x: call(fnp, x))(M)):
        with pytest.raises(ShapeError, match=message):
            run()


def test_geomspace_refuses_zero():
    with pytest.raises(ShapeError, match="endpoints other than zero"):
        fnp.geomspace(0.0, 1.0)
