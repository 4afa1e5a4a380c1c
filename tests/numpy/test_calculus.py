import numpy as np
import pytest

import funcgrad as fg
from funcgrad import numpy as fnp
from funcgrad.errors import DTypeError, ShapeError
from tests.laws import check_laws

rng = np.random.default_rng(9)
V = rng.standard_normal(6)
A = rng.standard_normal((3, 4))
T = rng.standard_normal((3, 4, 3))
X4 = np.array([0.0, 0.4, 1.1, 1.3])
X3 = np.array([0.2, 0.9, 1.0])
POINTS = np.array([-0.7, 0.13, 0.55, 1.2, 2.0])
HEIGHTS = rng.standard_normal(4)
INTS = np.array([1, 4, 9, 3])

LAWS = {
    "diff": (lambda m, x: m.diff(x), (A,)),
    "diff twice": (lambda m, x: m.diff(x, 2, axis=0), (A,)),
    "diff ends": (lambda m, x, y: m.diff(x, prepend=0.0, append=y), (A, A[:, :2])),
    "diff bools": (lambda m, x: m.diff(x), (A > 0,)),
    "diff ints": (lambda m, x: m.diff(x), (INTS,)),
    "ediff1d": (lambda m, x: m.ediff1d(x), (A,)),
    "ediff1d ends": (lambda m, x, y: m.ediff1d(x, to_end=y, to_begin=[1.0, 2.0]), (V, V[0])),
    "trapezoid": (lambda m, y: m.trapezoid(y), (A,)),
    "trapezoid dx": (lambda m, y, h: m.trapezoid(y, dx=h, axis=0), (A, V[0])),
    "trapezoid x": (lambda m, y, x: m.trapezoid(y, x), (A, X4)),
    "trapezoid x matrix": (lambda m, y, x: m.trapezoid(y, x, axis=0), (A, A**2)),
    "gradient": (lambda m, f: m.gradient(f), (V,)),
    "gradient axes": (lambda m, f: list(m.gradient(f)), (A,)),
    "gradient distance": (lambda m, f, h: list(m.gradient(f, h)), (A, np.float64(0.3))),
    "gradient distances": (lambda m, f, h: list(m.gradient(f, h, 2.0)), (A, np.float64(0.3))),
    "gradient places": (lambda m, f, x, y: list(m.gradient(f, x, y)), (A, X3, X4)),
    "gradient axis": (lambda m, f, x: m.gradient(f, x, axis=1), (T, X4)),
    "gradient second order": (lambda m, f: m.gradient(f, 0.5, edge_order=2), (V,)),
    "gradient second order places": (lambda m, f, x: m.gradient(f, x, axis=-1, edge_order=2), (A, X4)),
    "gradient axes in order": (
        lambda m, f, h: list(m.gradient(f, h, 2.0, axis=(1, 0))),
        (A, np.float64(0.3)),
    ),
    "gradient ints": (lambda m, f: m.gradient(f), (INTS,)),
    "unwrap": (lambda m, p: m.unwrap(p), (np.array([0.1, 3.0, -3.0, 9.0, -2.0]),)),
    "unwrap axis": (lambda m, p: m.unwrap(4 * p, axis=0), (A,)),
    "unwrap period": (lambda m, p: m.unwrap(p, period=4.0, discont=2.5), (np.array([0.1, 3.0, -2.7, 9.0]),)),
    "unwrap ints": (lambda m, p: m.unwrap(p, period=4), (np.array([0, 1, 2, -1, 0, 2]),)),
    "interp": (lambda m, x, xp, fp: m.interp(x, xp, fp), (POINTS, X4, HEIGHTS)),
    "interp inside": (lambda m, x, xp, fp: m.interp(x, xp, fp), (POINTS[1:3].reshape(2, 1), X4, HEIGHTS)),
    "interp number": (lambda m, x, xp, fp: m.interp(x, xp, fp), (POINTS[2], X4, HEIGHTS)),
    "interp ends": (lambda m, x, fp, r: m.interp(x, X4, fp, left=-1.0, right=r), (POINTS, HEIGHTS, V[0])),
    "interp period": (
        lambda m, x, xp, fp: m.interp(x, xp, fp, period=1.7),
        (POINTS, X4 * 2.9 + 0.05, HEIGHTS),
    ),
    "interp complex": (lambda m, x, fp: m.interp(x, X4, fp), (POINTS, HEIGHTS * 1j)),
    "interp one point": (lambda m, x, fp: m.interp(x, [0.1], fp, left=5.0), (POINTS, V[:1])),
    "convolve": (lambda m, a, v: m.convolve(a, v), (V, HEIGHTS)),
    "correlate": (lambda m, a, v: m.correlate(a, v), (V, HEIGHTS)),
    "correlate complex": (lambda m, a, v: m.correlate(a, v, "full"), (V * (1 + 2j), HEIGHTS * (2 - 1j))),
    "convolve ints": (lambda m, a: m.convolve(a, [1, 2]), (INTS,)),
    "convolve number": (lambda m, a, v: m.convolve(a, v), (V, V[0])),
} | {
    f"{name} {mode} {n} {k}": (
        lambda m, a, v, name=name, mode=mode: getattr(m, name)(a, v, mode),
        (V[:n], HEIGHTS[:k]),
    )
    for name in ("convolve", "correlate")
    for mode in ("full", "same", "valid")
    for n, k in ((6, 3), (5, 4), (2, 4), (1, 3), (3, 3))
}


@pytest.mark.parametrize("name", LAWS)
def test_laws(name):
    function, args = LAWS[name]
    check_laws(function, *args)


def test_interp_at_its_points():
    fp = np.array([1.0, 3.0, 2.0])
    xp = np.array([0.0, 1.0, 2.0])
    for x in xp:
        assert fnp.interp(x, xp, fp) == np.interp(x, xp, fp)
    slopes = [fg.grad(lambda x: np.interp(x, xp, fp))(x) for x in (-1.0, 0.0, 0.5, 1.0, 2.0, 3.0)]
    assert slopes == [0.0, 2.0, 2.0, -1.0, -1.0, 0.0]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m, x: m.diff(x, -1), ShapeError, "diff: expected n >= 0"),
        (
            lambda m, x: m.gradient(x, 1.0, 2.0, 3.0),
            ShapeError,
            "gradient: expected one spacing, or one for each",
        ),
        (lambda m, x: m.gradient(x[:1]), ShapeError, "gradient: expected at least 2 elements along axis 0"),
        (lambda m, x: m.gradient(x, X4, axis=0), ShapeError, "gradient: expected 3 places along axis 0"),
        (lambda m, x: m.gradient(x, edge_order=3), DTypeError, "gradient: expected edge_order 1 or 2"),
        (
            lambda m, x: m.interp(x, X4, X3),
            ShapeError,
            "interp: expected xp and fp to be vectors of one size",
        ),
        (lambda m, x: m.convolve(x, x), ShapeError, "convolve: expected a vector with at least one element"),
        (lambda m, x: m.convolve(x[0], x[0], "half"), DTypeError, "convolve: expected mode 'full'"),
    ],
)
def test_bad_inputs_say_so_staged_and_eager(call, error, message):
    for run in (lambda: call(fnp, A), lambda: fg.trace(lambda x: call(fnp, x))(A)):
        with pytest.raises(error, match=message):
            run()


@pytest.mark.parametrize(
    "make", [lambda x: np.diff(x, 0), lambda x: np.convolve(x, [1.0], "same"), np.unwrap]
)
def test_writes_show_where_numpy_shows_them(make):
    def f(x):
        x = x * 1.0
        make(x)[0] = 100.0
        return x

    np.testing.assert_array_equal(fg.trace(f)(V)(V), f(V))
