import numpy as np
import pytest

import funcgrad as fg
from funcgrad import numpy as fnp
from funcgrad.errors import InPlaceError, ShapeError
from tests.laws import check_laws

rng = np.random.default_rng(0)
V = rng.standard_normal(4)
M = rng.standard_normal((3, 4))
Z = V + 1j * rng.standard_normal(4)
F32 = V.astype(np.float32)
INTS = np.arange(12).reshape(3, 4)

LAWS = {
    "tril": (lambda m, x: m.tril(x), (M,)),
    "tril k": (lambda m, x: m.tril(x, 1), (M,)),
    "triu": (lambda m, x: m.triu(x, -1), (rng.standard_normal((2, 3, 3)),)),
    "triu vector": (lambda m, x: m.triu(x), (V,)),
    "triu ints": (lambda m, x: m.triu(x), (INTS,)),
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


@pytest.mark.parametrize("name", LAWS)
def test_laws(name):
    function, args = LAWS[name]
    check_laws(function, *args)


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
        (lambda m, x: m.diag(x[None]), "diag: expected an array with one or two axes"),
        (lambda m, x: m.diagonal(x[0]), "diagonal: expected an array with at least two axes"),
        (lambda m, x: m.triu(x[0, 0]), "triu: expected an array with at least one axis"),
    ],
)
def test_bad_inputs_say_so_staged_and_eager(call, message):
    for run in (lambda: call(fnp, M), lambda: fg.trace(lambda x: call(fnp, x))(M)):
        with pytest.raises(ShapeError, match=message):
            run()
