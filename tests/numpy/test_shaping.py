import numpy as np
import pytest

import funcgrad as fg
from funcgrad import numpy as fnp
from funcgrad.errors import InPlaceError, ShapeError
from tests.laws import check_laws

rng = np.random.default_rng(17)
A = rng.standard_normal((2, 3))
T = rng.standard_normal((2, 1, 3))
V = rng.standard_normal(6)

LAWS = {
    "reshape": (lambda m, x: m.reshape(x, (3, 2)), (A,)),
    "reshape inferred": (lambda m, x: m.reshape(x, (-1, 2)), (A,)),
    "reshape int": (lambda m, x: m.reshape(x, 6), (A,)),
    "reshape F": (lambda m, x: m.reshape(x, (3, 2), order="F"), (A,)),
    "reshape copy": (lambda m, x: m.reshape(x, (6,), copy=True), (A,)),
    "ravel": (lambda m, x: m.ravel(x), (T,)),
    "ravel F": (lambda m, x: m.ravel(x, order="F"), (A,)),
    "transpose": (lambda m, x: m.transpose(x), (T,)),
    "transpose axes": (lambda m, x: m.transpose(x, (1, -1, 0)), (T,)),
    "swapaxes": (lambda m, x: m.swapaxes(x, 0, -1), (T,)),
    "moveaxis": (lambda m, x: m.moveaxis(x, 0, -1), (T,)),
    "moveaxis several": (lambda m, x: m.moveaxis(x, [0, 1], [-1, 0]), (T,)),
    "expand_dims": (lambda m, x: m.expand_dims(x, (0, -1)), (A,)),
    "squeeze": (lambda m, x: m.squeeze(x), (T,)),
    "squeeze axis": (lambda m, x: m.squeeze(x, axis=-2), (T,)),
    "broadcast_to": (lambda m, x: m.broadcast_to(x, (4, 2, 3)), (A,)),
    "broadcast_arrays": (lambda m, x, y: list(m.broadcast_arrays(x, y)), (T, A)),
    "flip": (lambda m, x: m.flip(x), (A,)),
    "flip axis": (lambda m, x: m.flip(x, (0, -1)), (T,)),
    "methods": (lambda m, x: x.reshape(3, 2).T.swapaxes(0, 1).ravel()[::-1].reshape((2, -1)).squeeze(), (A,)),
    "flatten": (lambda m, x: x.flatten("F"), (A,)),
}


@pytest.mark.parametrize("name", LAWS)
def test_laws(name):
    function, args = LAWS[name]
    check_laws(function, *args, exact=True)


VIEWS = [
    lambda x: x[None, ::2][0],
    lambda x: np.transpose(np.expand_dims(x, 1))[0],
    lambda x: np.moveaxis(x[None], 0, 1)[:, 0],
    lambda x: np.squeeze(x[None]),
    lambda x: np.flip(x),
    lambda x: np.swapaxes(x[None], 0, 1)[:, 0],
    lambda x: np.ravel(x),
    lambda x: np.reshape(x, (6, 1))[:, 0],
]
COPIES = [lambda x: x.flatten(), lambda x: x.copy(), lambda x: np.reshape(x, 6, copy=True)]


@pytest.mark.parametrize("make", VIEWS + COPIES)
def test_writes_show_where_numpy_shows_them(make):
    def f(x):
        x = x * 1.0
        make(x)[0] = 100.0
        return x

    np.testing.assert_array_equal(fg.trace(f)(V)(V), f(V))
    np.testing.assert_array_equal(fg.vjp(f, V)[0], f(V))


def test_a_broadcast_is_readonly_and_follows_its_base():
    def f(x):
        y = x * 1.0
        b = np.broadcast_to(y, (2, 6))
        y[0] = 7.0
        return b

    np.testing.assert_array_equal(fg.trace(f)(V)(V), f(V))

    def g(x):
        np.broadcast_to(x * 1.0, (2, 6))[0] = 1.0

    with pytest.raises(InPlaceError, match="read-only"):
        fg.trace(g)(V)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, x: m.reshape(x, (4, 2)), r"reshape: expected a shape with 6 elements, got \(4, 2\)"),
        (lambda m, x: m.reshape(x, (-1, 4)), "reshape: expected sizes that divide the 6 elements"),
        (lambda m, x: m.reshape(x, (-1, -1)), "reshape: expected"),
        (lambda m, x: m.transpose(x, (0, 0)), "transpose: expected a permutation of 2 axes"),
        (lambda m, x: m.squeeze(x, 0), "squeeze: expected axes of size 1"),
        (lambda m, x: m.broadcast_to(x, (3, 2)), "broadcast_to: expected"),
        (lambda m, x: m.broadcast_arrays(x, x[:, :2]), "broadcast_arrays: expected shapes that broadcast"),
        (lambda m, x: m.moveaxis(x, [0, 1], [0]), "moveaxis: expected as many sources"),
        (lambda m, x: m.swapaxes(x, 0, 5), "swapaxes: expected an axis of an array with 2 axes"),
    ],
)
def test_bad_inputs_say_so_staged_and_eager(call, message):
    for run in (
        lambda: call(fnp, A),
        lambda: fg.trace(lambda x: call(fnp, x))(A),
        lambda: fg.vjp(lambda x: call(np, x), A),
    ):
        with pytest.raises(ShapeError, match=message):
            run()


@pytest.mark.parametrize("order", "CFAK")
def test_orders_are_those_of_numpy_or_refused(order):
    """A traced array has no order in memory, so what depends on it is refused, not guessed."""
    arrays = [np.arange(6.0), np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6.0).reshape(2, 3))]
    for f in (lambda x: x.ravel(order), lambda x: np.ravel(x, order), lambda x: x.flatten(order)):
        for x in arrays:
            for run in (fg.jit(f), lambda x, f=f: fg.trace(f)(x)(x), lambda x, f=f: fg.jvp(f, (x,), (x,))[0]):
                if order in "AK" and x.ndim > 1:
                    with pytest.raises(TypeError, match="expected order 'C' or 'F' for a traced array"):
                        run(x)
                else:
                    np.testing.assert_array_equal(run(x), f(x))
    for f in (lambda x: x.ravel("Z"), lambda x: np.reshape(x, (6,), "Z"), lambda x: x.copy("Z")):
        with pytest.raises(ValueError, match="order must be one of"):
            fg.trace(f)(arrays[1])
