import numpy as np
import pytest

import funcgrad as fg
from funcgrad import numpy as fnp
from funcgrad.errors import ShapeError
from tests.laws import assert_same, check_laws

rng = np.random.default_rng(13)
A = rng.standard_normal((2, 3))
T = rng.standard_normal((2, 4, 3))

LAWS = {
    "apply_along_axis": (lambda m, x: m.apply_along_axis(lambda r: m.sum(r * r), 1, x), (T,)),
    "apply_along_axis vector": (lambda m, x: m.apply_along_axis(lambda r: m.cumsum(r)[1:], 1, x), (T,)),
    "apply_along_axis matrix": (lambda m, x: m.apply_along_axis(lambda r: m.outer(r, r), 0, x), (A,)),
    "apply_along_axis args": (lambda m, x: m.apply_along_axis(lambda r, p, q=1: r[0] ** p * q, -1, x, 2, q=3), (A,)),
    "apply_over_axes": (lambda m, x: m.apply_over_axes(m.sum, x, [0, -1]), (T,)),
}  # fmt: skip


@pytest.mark.parametrize("name", LAWS)
def test_laws(name):
    function, args = LAWS[name]
    check_laws(function, *args)


VECTORIZED = {
    "numbers": (lambda m, x, y: m.vectorize(lambda a, b: a * b**2)(x, y), (A, T[0, :1])),
    "two results": (lambda m, x: m.vectorize(lambda a: (a + 1.0, a * a))(x), (A,)),
    "signature": (lambda m, x, y: m.vectorize(np.dot, signature="(n),(n)->()")(x, y), (T, A[0])),
    "signature matrix": (lambda m, x: m.vectorize(lambda v: v[:, None] * v, signature="(n)->(n,n)")(x), (A,)),
    "otypes": (lambda m, x: m.vectorize(lambda a: a * 2, otypes=[np.float32])(x), (A.astype("f4"),)),
    "excluded": (lambda m, x, p: m.vectorize(lambda a, q: a * q[0], excluded={1})(x, p), (A, A[0])),
    "number": (lambda m, x: m.vectorize(lambda a: a * 3)(x), (A[0, 0],)),
}


@pytest.mark.parametrize("name", VECTORIZED)
def test_vectorize(name):
    function, args = VECTORIZED[name]
    check_laws(function, *args, traced=fnp)


def test_functions_that_decide_on_values():
    x = np.array([1.0, -2.0, 3.0])
    f = fnp.vectorize(lambda a: a**2 if a > 0 else -a)
    np.testing.assert_array_equal(f(x), [1, 2, 9])
    np.testing.assert_array_equal(fg.grad(lambda x: np.sum(f(x)))(x), [2, -1, 6])
    g = fg.grad(lambda x: np.sum(np.apply_along_axis(lambda r: r[0] if r[0] > 0 else r[1], 1, x)))
    np.testing.assert_array_equal(g(np.array([[1.0, 2.0], [-1.0, 5.0]])), [[1, 0], [0, 1]])


def test_vectorize_as_a_decorator_with_keywords():
    @fnp.vectorize(doc="Scale.")
    def scale(x, by):
        "not this"
        return x * by

    assert scale.__name__ == "scale"
    assert scale.__doc__ == "Scale."
    assert_same(scale(A, by=A[0]), A * A[0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, x: m.apply_along_axis(np.sum, 0, x[:, :0]), "apply_along_axis: expected at least one row"),
        (lambda m, x: fnp.vectorize(np.dot, signature="(n),(n)->()")(x), "vectorize: expected 2 arguments"),
        (lambda m, x: fnp.vectorize(np.dot, signature="(n),(n)->()")(x, x[0, :2]), "expected one size for n"),
        (lambda m, x: fnp.vectorize(np.hypot)(x, x[:, :2]), "vectorize: expected shapes that broadcast"),
        (lambda m, x: fnp.vectorize(np.sum, signature="(n)->()")(x[0, 0]), "expected at least 1 axes"),
        (lambda m, x: m.apply_over_axes(lambda a, i: a[0, 0], x, 0), "apply_over_axes: expected a function"),
    ],
)
def test_bad_inputs_say_so_staged_and_eager(call, message):
    for run in (lambda: call(fnp, A), lambda: fg.trace(lambda x: call(fnp, x))(A)):
        with pytest.raises(ShapeError, match=message):
            run()
