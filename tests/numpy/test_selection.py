import numpy as np
import pytest

import funcgrad as fg
from funcgrad import numpy as fnp
from funcgrad.errors import ConcretizationError, DTypeError, ShapeError
from tests.laws import check_laws

rng = np.random.default_rng(3)
A = rng.standard_normal((2, 3))
B = rng.standard_normal((2, 3))
V = np.array([-1.2, 0.4, 2.5, -0.3])
T = rng.standard_normal((2, 4, 3))
F32 = A.astype(np.float32)
INTS = np.arange(6).reshape(2, 3)
MASK = np.array([[True, False, True], [False, False, True]])
PICKS = np.array([2, 0, 1])

LAWS = {
    "where": (lambda m, c, x, y: m.where(c, x, y), (MASK, A, B)),
    "where number": (lambda m, x: m.where(x > 0, x, 0), (A,)),
    "where float32": (lambda m, x: m.where(x > 0, x, 1.5), (F32,)),
    "where broadcast": (lambda m, c, x: m.where(c[:, :1], x, x[0] * 2), (MASK, A)),
    "where two numbers": (lambda m, c: m.where(c, 1, 0.0), (MASK,)),
    "where condition of numbers": (lambda m, c, x: m.where(c, x, -x), (INTS, A)),
    "where safe": (lambda m, x: m.where(x > 0, m.sqrt(m.where(x > 0, x, 1)), 0.0), (A,)),
    "select": (lambda m, x: m.select([x > 1, x > 0], [x, x**2], default=-x), (V,)),
    "select numbers": (lambda m, x: m.select([x > 1], [1.0], 3), (F32,)),
    "select broadcast": (lambda m, c, x: m.select([c, ~c], [x, x[:, :1]]), (MASK, A)),
    "choose": (lambda m, i, x, y: m.choose(i, [x, y, 1.0]), (PICKS % 2, A, B)),
    "choose wrap": (lambda m, i, x, y: m.choose(i, [x, y], mode="wrap"), (PICKS, A, B)),
    "choose clip": (lambda m, i, x, y: m.choose(i - 1, [x, y], mode="clip"), (PICKS, A, B)),
    "clip": (lambda m, x: m.clip(x, -0.5, 1), (V,)),
    "clip arrays": (lambda m, x, lo: m.clip(x, lo, None), (A, B[0])),
    "clip keywords": (lambda m, x, hi: m.clip(x, max=hi), (A, B)),
    "clip min": (lambda m, x: m.clip(x, min=0.1, max=0.3), (A,)),
    "clip ints": (lambda m, x: m.clip(x, 1, 3), (INTS,)),
    "take": (lambda m, x: m.take(x, [0, 5, -1]), (A,)),
    "take axis": (lambda m, x, i: m.take(x, i, axis=1), (T, PICKS)),
    "take matrix of indices": (lambda m, x, i: m.take(x, i[:, None] + [[0, 1]], axis=1), (T, PICKS)),
    "take one": (lambda m, x: m.take(x, 1, axis=1), (T,)),
    "take traced one": (lambda m, x, i: m.take(x, i, axis=1), (T, np.int64(-2))),
    "take wrap": (lambda m, x: m.take(x, [7, -9], mode="wrap"), (V,)),
    "take clip": (lambda m, x: m.take(x, [7, -9], mode="clip"), (V,)),
    "take nothing": (lambda m, x: m.take(x, []) if m is fnp else m.take(x, np.array([], int)), (V,)),
    "take_along_axis": (lambda m, x, i: m.take_along_axis(x, i, 1), (A, INTS % 3)),
    "take_along_axis broadcast": (lambda m, x, i: m.take_along_axis(x, i, axis=-1), (A, PICKS[None])),
    "take_along_axis flat": (lambda m, x, i: m.take_along_axis(x, i, None), (A, PICKS)),
    "compress": (lambda m, x: m.compress([True, False, True], x, axis=1), (A,)),
    "compress flat": (lambda m, x: m.compress([False, True], x), (A,)),
    "extract": (lambda m, x: m.extract(MASK, x), (A,)),
    "trace": (lambda m, x: m.trace(x), (A,)),
    "trace offset": (lambda m, x: m.trace(x, 1, 0, 2), (T,)),
    "trace ints": (lambda m, x: m.trace(x), (INTS,)),
    "piecewise": (lambda m, x: m.piecewise(x, [x < 0, x > 1], [lambda t: t**2, lambda t: 3 * t, 5]), (V,)),
    "piecewise number": (lambda m, x: m.piecewise(x, [x < 0, x >= 0], [lambda t: -t, np.exp]), (V[1],)),
    "piecewise constant": (lambda m, x: m.piecewise(x, [x < 0, x >= 0], [-1, 1]) * x, (A,)),
    "where one argument": (lambda m, x: x[m.where([True, False, True, False])], (V,)),
}


@pytest.mark.parametrize("name", LAWS)
def test_laws(name):
    function, args = LAWS[name]
    check_laws(function, *args)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.where(x > 0, np.sqrt(x), 0),
        lambda x: np.select([x > 0], [np.sqrt(x)], 0.0),
        lambda x: np.piecewise(x, [x > 0], [np.sqrt, 0.0]),
        lambda x: np.where(x > 0, 1 / x, x),
    ],
)
def test_the_branch_not_taken_gives_no_nan(f):
    x = np.array([0.0, -1.0, 4.0])
    with np.errstate(all="ignore"):
        gradient = fg.grad(lambda x: np.sum(f(x)))(x)
        staged = fg.trace(fg.grad(lambda x: np.sum(f(x))))(x)(x)
    assert np.isfinite(gradient).all()
    np.testing.assert_array_equal(gradient, staged)


def test_plain_where_is_not_silently_wrong():
    x = np.array([1.0, -2.0])
    np.testing.assert_array_equal(fg.grad(lambda x: np.sum(np.where(x > 0, 3 * x, 5 * x)))(x), [3.0, 5.0])


def test_clip_shares_the_derivative_on_a_bound():
    x = np.array([-1.0, 0.0, 0.5, 1.0, 2.0])
    gradient = fg.grad(lambda x: np.sum(np.clip(x, 0.0, 1.0)))(x)
    np.testing.assert_array_equal(gradient, [0, 0.5, 1, 0.5, 0])


def test_places_of_known_values():
    x = np.array([[0.0, 2.0], [3.0, 0.0]])

    def f(x):
        return np.sum(x[np.nonzero(x)] ** 2) + np.sum(x.ravel()[np.flatnonzero(x)]) + np.argwhere(x)[0, 1]

    np.testing.assert_array_equal(fg.grad(f)(x), [[0, 5], [7, 0]])
    with pytest.raises(ConcretizationError, match="needs no number of elements while tracing, got a result"):
        fg.trace(np.nonzero)(x)
    with pytest.raises(ConcretizationError, match="number of elements that a mask chooses is not known"):
        fg.vmap(np.where)(x)


def test_methods():
    def f(x):
        return (
            x.clip(-1, 1).sum()
            + x.take([0, 1]).sum()
            + x.diagonal().sum()
            + x.trace()
            + x.compress([True, False], axis=0).sum()
            + x.repeat(2).sum()
            + x.round().sum()
        )

    np.testing.assert_allclose(fg.grad(f)(0.5 * np.eye(2)), [[7, 5], [3, 5]])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m, x: m.where(x > 0, x), DTypeError, "where: expected both x and y"),
        (lambda m, x: m.where(x > 0, x, x[:, :2]), ShapeError, "where: expected shapes that broadcast"),
        (lambda m, x: m.select([x], [x]), DTypeError, "select: expected conditions of dtype bool"),
        (lambda m, x: m.select([x > 0], [x[:, :2]]), ShapeError, "select: expected shapes that broadcast"),
        (lambda m, x: m.select([x > 0], []), ShapeError, "select: expected as many choices as conditions"),
        (lambda m, x: m.take(x, 3, axis=1), IndexError, "take: expected indices within 3"),
        (lambda m, x: m.take(x, 0, mode="bounce"), DTypeError, "take: expected mode 'raise'"),
        (lambda m, x: m.choose([5], [x, x]), ValueError, "choose: expected indices within 2"),
        (
            lambda m, x: m.take_along_axis(x, np.array([0]), 1),
            ShapeError,
            "take_along_axis: expected indices",
        ),
        (lambda m, x: m.piecewise(x, [x > 0], [1, 2, 3]), ShapeError, "piecewise: expected a function"),
    ],
)
def test_bad_inputs_say_so_staged_and_eager(call, error, message):
    for run in (lambda: call(fnp, A), lambda: fg.trace(lambda x: call(fnp, x))(A)):
        with pytest.raises(error, match=message):
            run()


@pytest.mark.parametrize(
    "make",
    [
        lambda x: np.where(x > 0, x, x),
        lambda x: np.clip(x, None, 9.0),
        lambda x: np.take(x, [0, 1]),
        lambda x: np.choose([0, 0, 0, 0], [x]),
        lambda x: np.take_along_axis(x, np.arange(2), 0),
        lambda x: np.compress([True, True], x),
        lambda x: np.extract([True, True, True, True], x),
        lambda x: np.select([x < 99], [x]),
    ],
)
def test_results_are_copies(make):
    def f(x):
        x = x * 1.0
        make(x)[0] = 100.0
        return x

    np.testing.assert_array_equal(f(V), V)
    np.testing.assert_array_equal(fg.trace(f)(V)(V), V)


@pytest.mark.parametrize("wrap", [fg.jit, lambda f: lambda i: fg.trace(f)(i)(i), fg.vmap])
def test_a_choice_out_of_range_is_refused_whenever_it_is_met(wrap):
    choices = [np.arange(3.0), np.arange(3.0) + 10]
    choose = wrap(lambda i: np.choose(i, choices))
    assert np.sum(choose(np.array([1, 0, 1]))) in (23.0, 69.0)  # [10, 1, 12], or three rows under vmap
    for bad in ([0, -1, 1], [0, 2, 1]):
        with pytest.raises(IndexError):
            choose(np.array(bad))


@pytest.mark.parametrize(
    ("number", "low", "high"), [(0.0, -1, -0.0), (-0.0, 0.0, 1.0), (0.0, -0.0, 1.0), (-0.0, -1, 0.0)]
)
def test_clip_leaves_a_zero_that_is_on_a_bound(number, low, high):
    x = np.full(9, number)
    got = fg.trace(lambda x: np.clip(x, low, high))(x)(x)
    np.testing.assert_array_equal(np.signbit(got), np.signbit(np.clip(x, low, high)))
    np.testing.assert_array_equal(fg.grad(lambda x: np.sum(np.clip(x, low, high)))(x), np.full(9, 0.5))
