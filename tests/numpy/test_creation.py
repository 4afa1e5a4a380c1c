import numpy as np
import pytest

import funcgrad as fg
from funcgrad import numpy as fnp
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
