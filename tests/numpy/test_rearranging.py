import numpy as np
import pytest

import funcgrad as fg
from funcgrad import numpy as fnp
from funcgrad.errors import ConcretizationError, ShapeError
from tests.laws import assert_same, check_laws

rng = np.random.default_rng(2)
A = rng.standard_normal((2, 3))
V = rng.standard_normal(4)
T = rng.standard_normal((2, 4, 3))
INTS = np.arange(6).reshape(2, 3)


def windows(m):
    return fnp.sliding_window_view if m is fnp else np.lib.stride_tricks.sliding_window_view


LAWS = {
    "matrix_transpose": (lambda m, x: m.matrix_transpose(x), (T,)),
    "permute_dims": (lambda m, x: m.permute_dims(x, (2, 0, 1)), (T,)),
    "atleast_1d": (lambda m, x, y: m.atleast_1d(x, y), (V[0], V)),
    "atleast_2d": (lambda m, x: m.atleast_2d(x), (V,)),
    "atleast_2d number": (lambda m, x: m.atleast_2d(x), (V[0],)),
    "atleast_3d": (lambda m, x, y, z, t: m.atleast_3d(x, y, z, t), (V[0], V, A, T)),
    "repeat": (lambda m, x: m.repeat(x, 3), (A,)),
    "repeat axis": (lambda m, x: m.repeat(x, 2, axis=1), (T,)),
    "repeat each": (lambda m, x: m.repeat(x, [0, 2, 1], axis=1), (A,)),
    "repeat number": (lambda m, x: m.repeat(x, 2), (V[0],)),
    "repeat none": (lambda m, x: m.repeat(x, 0), (V,)),
    "tile": (lambda m, x: m.tile(x, 2), (A,)),
    "tile more axes": (lambda m, x: m.tile(x, (3, 1, 2)), (A,)),
    "tile fewer": (lambda m, x: m.tile(x, (2,)), (T,)),
    "tile none": (lambda m, x: m.tile(x, ()), (V,)),
    "tile number": (lambda m, x: m.tile(x, 3), (V[0],)),
    "resize": (lambda m, x: m.resize(x, (3, 5)), (A,)),
    "resize smaller": (lambda m, x: m.resize(x, 2), (A,)),
    "resize nothing": (lambda m, x: m.resize(x, 2), (V[:0],)),
    "roll": (lambda m, x: m.roll(x, 1), (A,)),
    "roll axis": (lambda m, x: m.roll(x, -2, axis=1), (T,)),
    "roll axes": (lambda m, x: m.roll(x, (1, 5), axis=(0, 1)), (T,)),
    "roll one by several": (lambda m, x: m.roll(x, 1, axis=(0, 2)), (T,)),
    "roll traced": (lambda m, x, s: fnp.roll(x, s, axis=1), (A, np.int64(4))),
    "rot90": (lambda m, x: [m.rot90(x, k) for k in range(-1, 4)], (A,)),
    "rot90 axes": (lambda m, x: m.rot90(x, 1, axes=(2, 0)), (T,)),
    "fliplr": (lambda m, x: m.fliplr(x), (A,)),
    "flipud": (lambda m, x: m.flipud(x), (A,)),
    "rollaxis": (lambda m, x: m.rollaxis(x, 2), (T,)),
    "rollaxis start": (lambda m, x: [m.rollaxis(x, i, s) for i in (0, 1, -1) for s in (-1, 0, 2, 3)], (T,)),
    "windows": (lambda m, x: windows(m)(x, 3), (V,)),
    "windows axis": (lambda m, x: windows(m)(x, 2, axis=1), (T,)),
    "windows axes": (lambda m, x: windows(m)(x, (2, 2)), (A,)),
    "repeat ints": (lambda m, x: m.repeat(x, 2, axis=0), (INTS,)),
}


@pytest.mark.parametrize("name", LAWS)
def test_laws(name):
    function, args = LAWS[name]
    check_laws(function, *args, exact=True)


def test_trim_zeros_of_known_values():
    x = np.array([0.0, 0.0, 3.0, 0.0, 5.0, 0.0])
    for trim in ("fb", "f", "b"):
        y, pullback = fg.vjp(lambda x, trim=trim: np.trim_zeros(x, trim) * 2, x)
        assert_same(y, 2 * np.trim_zeros(x, trim))
        np.testing.assert_array_equal(np.trim_zeros(x, trim), fnp.trim_zeros(x, trim))
        assert pullback(np.ones_like(y))[0].sum() == 2 * len(y)


COPIES = [
    lambda x: np.repeat(x, 1),
    lambda x: np.tile(x, 1),
    lambda x: np.resize(x, 4),
    lambda x: np.roll(x, 0),
    lambda x: np.roll(x, 4, axis=0),
]
VIEWS = [
    np.atleast_1d,
    lambda x: np.atleast_2d(x)[0],
    lambda x: np.flipud(x),
    lambda x: np.rot90(x[:, None])[0],
    lambda x: np.rollaxis(x[None], 1)[:, 0],
]


def _written(make):
    def f(x):
        x = x * 1.0
        make(x)[0] = 100.0
        return x

    return f


@pytest.mark.parametrize("make", COPIES + VIEWS)
def test_writes_show_where_numpy_shows_them(make):
    f = _written(make)
    np.testing.assert_array_equal(fg.trace(f)(V)(V), f(V))
    np.testing.assert_array_equal(fg.vjp(f, V)[0], f(V))


@pytest.mark.parametrize("make", [fnp.repeat, fnp.tile, fnp.roll])
def test_plain_copies_are_copies(make):
    x = np.arange(3.0)
    make(x, 1)[0] = 100.0
    assert x[0] == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, x: m.repeat(x, [1, 2], axis=1), "repeat: expected one repeat or 3 of them"),
        (lambda m, x: m.rot90(x, 1, (0, 0)), "rot90: expected two different axes"),
        (lambda m, x: m.fliplr(x[0]), "fliplr: expected an array with at least two axes"),
        (lambda m, x: m.resize(x, (-1, 2)), "resize: expected sizes of at least 0"),
        (lambda m, x: m.matrix_transpose(x[0]), "matrix_transpose: expected an array with at least two axes"),
        (lambda m, x: m.roll(x, (1, 2), (0, 1, 1)), "roll: expected one shift an axis"),
    ],
)
def test_bad_inputs_say_so_staged_and_eager(call, message):
    for run in (lambda: call(fnp, A), lambda: fg.trace(lambda x: call(fnp, x))(A)):
        with pytest.raises(ShapeError, match=message):
            run()


def test_what_decides_a_shape_must_be_known():
    with pytest.raises(ConcretizationError, match="repeat: expected repeats with values that are known"):
        fg.trace(lambda x, n: np.repeat(x, n))(V, 2)
    with pytest.raises(ConcretizationError):
        fg.trace(lambda x, n: np.tile(x, n))(V, 2)


def test_windows_follow_the_array_they_view():
    def f(x):
        y = x * 1.0
        w = np.lib.stride_tricks.sliding_window_view(y, 2)
        y[1] = 9.0
        return w

    np.testing.assert_array_equal(fg.trace(f)(V)(V), f(V))
    np.testing.assert_array_equal(fg.vjp(f, V)[0], f(V))
