import numpy as np
import pytest

import funcgrad as fg
from funcgrad import numpy as fnp
from funcgrad.errors import ShapeError
from tests.laws import check_laws

P = np.array([2.0, -1.0, 0.5, 3.0])
Q = np.array([1.5, 0.3])
X = np.random.default_rng(10).standard_normal((2, 3))

LAWS = {
    "polyval": (lambda m, p, x: m.polyval(p, x), (P, X)),
    "polyval number": (lambda m, p, x: m.polyval(p, x), (P, X[0, 0])),
    "polyval list": (lambda m, x: m.polyval([1, 2, 3], x), (X,)),
    "polyval ints": (lambda m, x: m.polyval([1, 2, 3], x), (np.arange(3),)),
    "polyadd": (lambda m, p, q: m.polyadd(p, q), (P, Q)),
    "polysub": (lambda m, p, q: m.polysub(q, p), (P, Q)),
    "polymul": (lambda m, p, q: m.polymul(p, q), (P, Q)),
    "polydiv": (lambda m, p, q: m.polydiv(p, q)[0], (P, Q)),
    "polydiv remainder": (lambda m, p, q: m.polydiv(p, q)[1], (P, Q)),
    "polydiv shorter": (lambda m, p, q: m.polydiv(q, p)[1], (P, Q)),
    "polyder": (lambda m, p: m.polyder(p), (P,)),
    "polyder twice": (lambda m, p: m.polyder(p, 2), (P,)),
    "polyint": (lambda m, p: m.polyint(p), (P,)),
    "polyint constants": (lambda m, p, k: m.polyint(p, 2, k), (P, Q)),
    "polyint constant": (lambda m, p: m.polyint(p, k=4.0), (P,)),
    "poly": (lambda m, z: m.poly(z), (P,)),
    "poly complex": (lambda m, z: m.poly(z), (P * (1 + 1j),)),
}


@pytest.mark.parametrize("name", LAWS)
def test_laws(name):
    function, args = LAWS[name]
    check_laws(function, *args)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, x: m.polyval(x, 1.0), "polyval: expected a vector of coefficients"),
        (lambda m, x: m.polyder(x[0], -1), "polyder: expected m of at least 0"),
        (lambda m, x: m.polyint(x[0], 3, [1.0, 2.0]), "polyint: expected a constant for each of 3"),
        (lambda m, x: m.poly(x), "poly: expected a vector of zeros"),
    ],
)
def test_bad_inputs_say_so_staged_and_eager(call, message):
    for run in (lambda: call(fnp, X), lambda: fg.trace(lambda x: call(fnp, x))(X)):
        with pytest.raises(ShapeError, match=message):
            run()
