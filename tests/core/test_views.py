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
