import numpy as np
import pytest

import funcgrad as fg
from funcgrad import numpy as fnp
from funcgrad.errors import ShapeError
from tests.laws import check_laws

P = np.array([2.0, -1.0, 0.5, 3.0])
Q = np.array([1.5, 0.3])
X = np.random.default_rng(10).standard_normal((2, 3))
T = np.array([-1.0, -0.4, 0.1, 0.7, 1.2, 1.9])
U = np.array([0.3, -0.2, 0.5, 1.4, 0.9, 2.0])

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
    "polyfit": (lambda m, x, y: m.polyfit(x, y, 2), (T, U)),
    "polyfit weights": (lambda m, x, y, w: m.polyfit(x, y, 1, w=w), (T, U, np.linspace(0.5, 2, 6))),
    "polyfit several": (lambda m, x, y: m.polyfit(x, y, 1), (T, np.stack([U, U**2], 1))),
    "polyfit cov": (lambda m, x, y: list(m.polyfit(x, y, 1, cov=True)), (T, U)),
    "polyfit cov unscaled": (lambda m, x, y: list(m.polyfit(x, y, 2, cov="unscaled")), (T, U)),
    "polyfit cov several": (lambda m, x, y: list(m.polyfit(x, y, 1, cov=True)), (T, np.stack([U, U**2], 1))),
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
        (lambda m, x: m.polyder(x[0], -1), "polyder: expected m of at least 0"),
        (lambda m, x: m.polyint(x[0], 3, [1.0, 2.0]), "polyint: expected a constant for each of 3"),
        (lambda m, x: m.polyfit(x, x, 1), "polyfit: expected points"),
        (lambda m, x: m.polyfit(x[0], x[0], 2, cov=True), "polyfit: expected more than 3 points"),
        (lambda m, x: m.poly(x), "poly: expected a vector of zeros"),
    ],
)
def test_bad_inputs_say_so_staged_and_eager(call, message):
    for run in (lambda: call(fnp, X), lambda: fg.trace(lambda x: call(fnp, x))(X)):
        with pytest.raises(ShapeError, match=message):
            run()


def test_roots():
    p = np.array([1.0, -6.0, 11.0, -5.5])
    plain = np.roots(p)
    np.testing.assert_allclose(fnp.roots(p), plain)
    np.testing.assert_allclose(fnp.roots([1, -3, 2]), np.roots([1, -3, 2]))
    np.testing.assert_allclose(fg.trace(np.roots)(p)(p), plain)
    # dz = -sum of dp[k] z**(n - k) / p'(z)
    expected = -np.vander(plain, 4) / np.polyval(np.polyder(p), plain)[:, None]
    np.testing.assert_allclose(fg.jacobian(np.roots, mode="forward")(p), expected)


def test_roots_with_zeros_at_either_end():
    p = np.array([0.0, 2.0, -3.0, 1.0, 0.0])
    np.testing.assert_allclose(fnp.roots(p), np.roots(p))
    y, pullback = fg.vjp(np.roots, p)
    np.testing.assert_allclose(y, np.roots(p))
    assert pullback(np.ones(3))[0][2] == pytest.approx(-0.5)  # their sum is 3 / 2


def test_polyfit_full():
    plain = np.polyfit(T, U, 2, full=True)
    for a, b in zip(fnp.polyfit(T, U, 2, full=True), plain, strict=True):
        np.testing.assert_allclose(a, b)
