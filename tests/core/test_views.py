"""Writes through every view that NumPy would give for certain: flat, diagonals, einsum, reshapes of arrays in order."""

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.errors import InPlaceError

X = np.arange(9.0).reshape(3, 3) + 1


def _flat(x):
    y = x * 1
    y.flat[::4] = 0
    y.flat[1] = x[0, 2]
    y.flat[[2, 5]] *= x[2, :2]
    y.T.flat[5] = x[1, 1]
    return y


def _flat_whole(x):
    y = x * 2
    y.flat = x[0, 0]
    y.flat[:] *= np.ravel(x)
    return y


def _einsum_diagonal(x):
    y = x * 1
    np.einsum("ii->i", y)[...] = x[0]
    return y


def _einsum_transpose(x):
    y = x * 1
    np.einsum("ij->ji", y)[0] = x[1]
    return y


def _batch_of_diagonals(x):
    y = np.stack([x, x * 2])
    np.einsum("kii->ki", y)[:] *= x[0]
    return y


def _reshapes_of_a_copy(x):
    y = x.copy()
    y.ravel()[0] = 2
    y.reshape(9)[1] = x[2, 2]
    y.reshape(-1)[7] *= 3
    y.ravel().reshape(3, 3)[2, 2] *= 3
    np.ravel(y)[4] = x[0, 0]
    y.flatten()[5] = 100
    return y


def _axes_moved(x):
    y = x.copy()
    y.T[0] = 1
    y[::-1, 0] *= 2
    np.swapaxes(y, 0, 1)[1, 2] = 7
    np.moveaxis(y, 0, 1)[0, 1] *= x[0, 1]
    np.rot90(y)[0, 0] = 1
    np.fliplr(y)[0] *= 2
    return y


def _pieces(x):
    y = x.copy()
    for row in y:
        row[0] *= row[1]
    a, _b, c = y
    a[1] = 5
    c *= x[0]
    np.split(y, 3)[1][0, 0] = 4
    np.hsplit(y, 3)[1][0] = 2
    np.atleast_3d(y)[0, 0, 0] = x[2, 2]
    np.squeeze(y[None])[1, 1] = 3
    y[None][0, 1] *= 2
    return y


def _one_axis_split(x):
    y = x[0] * x[1]
    y.reshape(1, 3)[0, 1] = 2 * x[2, 0]
    w = np.concatenate([y, y])
    w.reshape(2, 3)[1] *= x[1]
    return w


def _a_strided_axis_split(x):
    y = np.concatenate([x, x])[::2, 1].copy() * 1
    z = np.stack([y, y * 2], 1)
    z[:, 1].reshape(3, 1)[1, 0] = x[0, 0]
    return z


FUNCTIONS = [
    _flat,
    _flat_whole,
    _einsum_diagonal,
    _einsum_transpose,
    _batch_of_diagonals,
    _reshapes_of_a_copy,
    _axes_moved,
    _pieces,
    _one_axis_split,
    _a_strided_axis_split,
]


@pytest.mark.parametrize("f", FUNCTIONS, ids=lambda f: f.__name__)
def test_as_in_numpy(f):
    np.testing.assert_array_equal(fg.jit(f)(X), f(X))
    np.testing.assert_array_equal(fg.vmap(f)(np.stack([X, -X]))[1], f(-X))
    loss = lambda x: np.sum(f(x) ** 3)
    fg.testing.check_grads(loss, (X,), order=1)
    np.testing.assert_allclose(fg.jit(fg.grad(loss))(X), fg.grad(loss)(X), rtol=1e-12)
    np.testing.assert_allclose(fg.jacfwd(loss)(X), fg.grad(loss)(X), rtol=1e-12)


@pytest.mark.parametrize(
    "reshaped",
    [
        lambda y: y.T.reshape(9),  # a copy in NumPy, where y is in C order
        lambda y: y.reshape(9),  # in the order of the argument, which is not known
        lambda y: y[:, :2].reshape(6),
    ],
)
def test_where_the_layout_decides_using_both_is_refused(reshaped):
    def f(x):
        y = x * 1
        z = reshaped(y)
        z[0] = 5
        return np.sum(z) + np.sum(y)

    with pytest.raises(InPlaceError, match="depends on the layout"):
        fg.jit(f)(X)


def test_a_copy_in_the_order_of_its_argument_is_not_taken_for_one_in_order():
    def f(x):
        y = np.copy(x * 1)
        y.reshape(9)[1] = 0
        return y

    with pytest.raises(InPlaceError, match="depends on the layout"):
        fg.grad(lambda x: np.sum(f(x)))(np.asfortranarray(X))


def _random_program(rng):
    """Return a function of views of views, and writes through any of them, which returns what all are in the end."""
    steps = []
    shapes = [(2, 3, 4)]
    for _ in range(rng.integers(3, 9)):
        at = int(rng.integers(len(shapes)))
        probe = np.zeros(shapes[at])
        kind = rng.integers(9)
        if kind == 0:
            step = lambda v: v.reshape(-1)
        elif kind == 1:
            step = lambda v: v.ravel()
        elif kind == 2:
            step = lambda v: v.T
        elif kind == 3:
            step = lambda v: v[::-1]
        elif kind == 4:
            step = lambda v: v[1:]
        elif kind == 5:
            step = lambda v: v[..., ::2]
        elif kind == 6:
            step = lambda v: v.reshape(1, *v.shape)
        elif kind == 7:
            step = lambda v: v.ravel("F")
        else:
            size = probe.size
            divisors = [d for d in range(1, size + 1) if size % d == 0] or [1]
            d = int(rng.choice(divisors))
            step = lambda v, d=d, size=size: v.reshape(d, size // d if size else 0)
        write = rng.random() < 0.6
        target, number = int(rng.integers(len(shapes) + 1)), float(rng.integers(10, 99))
        steps.append((at, step, write, target, number))
        shapes.append(step(probe).shape)

    def f(y):
        views = [y]
        for at, step, write, target, number in steps:
            views.append(step(views[at]))
            if write and views[target].size:
                views[target][(0,) * views[target].ndim] = number
        return np.concatenate(
            [np.array(v).reshape(-1) if isinstance(v, np.ndarray) else v.copy().reshape(-1) for v in views]
        )

    return f


@pytest.mark.parametrize("seed", range(60))
def test_random_views_and_writes(seed):
    f = _random_program(np.random.default_rng(seed))
    x = np.arange(24.0).reshape(2, 3, 4)
    want = f(x.copy())
    for traced in (fg.jit(lambda x: f(x.copy()))(x), fg.vmap(lambda x: f(x.copy()))(x[None])[0]):
        np.testing.assert_array_equal(traced, want)
    for order in (x, np.asfortranarray(x), np.concatenate([x, x])[::2][:2]):
        plain = f(order * 1)
        try:
            traced = fg.jvp(lambda x: f(x * 1), (order,), (order,))[0]
        except InPlaceError:
            continue  # the order of the argument decides
        np.testing.assert_array_equal(traced, plain)


@pytest.mark.parametrize(
    "write",
    [
        lambda w, v: np.copyto(w, v),
        lambda w, v: np.negative(v, out=w),
        lambda w, v: np.multiply(w, v, out=w),
        lambda w, v: w.fill(3.0),
        lambda w, v: w.__setitem__(..., v),
        lambda w, v: np.put(w, [0], v[1]),
    ],
)
@pytest.mark.parametrize(
    "view", [lambda y: y[1:], lambda y: y[::-1][:-1], lambda y: y[:-1].reshape(5), lambda y: y[None][0, 1:]]
)
def test_a_write_to_a_view_that_was_overtaken_reaches_the_array(view, write):
    def f(x):
        y = x.copy()
        w = view(y)
        y[0] = 40.0
        write(w, x[1:])
        return y

    x = np.arange(1.0, 7.0)
    np.testing.assert_array_equal(fg.jit(f)(x), f(x))
    np.testing.assert_array_equal(fg.jvp(f, (x,), (x,))[0], f(x))
