"""Arrays that funcgrad.numpy makes within a traced function: known values that traced ones can be written into."""

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.core.tracer import Tracer

fnp = fg.numpy
X = np.array([1.0, 2.0, 3.0])


def _filled(x):
    y = fnp.zeros(4)
    for i in range(3):
        y[i] = x[i] ** 2
    y[3] = y[0] * y[1]
    return np.sum(np.sin(y))


def _filled_by_hand(x):
    return np.sum(np.sin(np.stack([x[0] ** 2, x[1] ** 2, x[2] ** 2, x[0] ** 2 * x[1] ** 2])))


def _mixed(x):
    y = fnp.full((2, 3), 1.5)
    y[0] = x
    z = y * 2  # of what is known alone, and of both
    z[1, 0] = x[0]
    w = fnp.linspace(1.0, 2.0, 3) + fnp.asarray([1.0, 2.0, 3.0])
    w[1] *= x[1]
    s = fnp.zeros_like(np.ones(3))
    s += x * w
    return np.sum(z**2) + np.sum(s**3)


def _mixed_by_hand(x):
    z = np.stack([x * 2, np.stack([x[0], 3.0 + 0 * x[0], 3.0 + 0 * x[0]])])
    w = (np.array([1.0, 1.5, 2.0]) + np.array([1.0, 2.0, 3.0])) * np.stack(
        [1.0 + 0 * x[0], x[1], 1.0 + 0 * x[0]]
    )
    return np.sum(z**2) + np.sum((x * w) ** 3)


def _views(x):
    y = fnp.zeros((3, 3))
    y.ravel()[4] = x[0]
    y[0][1:] = x[1:]
    y.T[2] += x
    np.einsum("ii->i", y)[...] *= 2
    return np.sum(y**3)


def _views_by_hand(x):
    y = np.zeros((3, 3)) + 0 * x
    y[1, 1] = x[0]
    y[0, 1:] = x[1:]
    y[:, 2] += x
    y[[0, 1, 2], [0, 1, 2]] *= 2
    return np.sum(y**3)


def _in_a_loop(x):
    def body(c, v):
        y = fnp.zeros(2)
        y[0], y[1] = c * v, v
        return np.sum(y**2), y

    total, rows = fg.scan(body, 0.5, x)
    return total + np.sum(rows)


def _in_a_loop_by_hand(x):
    def body(c, v):
        y = np.stack([c * v, v])
        return np.sum(y**2), y

    total, rows = fg.scan(body, 0.5, x)
    return total + np.sum(rows)


def _in_a_branch(x):
    return fg.cond(x[0] > 0, _filled, lambda x: np.sum(x), x)


PAIRS = {
    "filled": (_filled, _filled_by_hand),
    "mixed": (_mixed, _mixed_by_hand),
    "views": (_views, _views_by_hand),
    "loop": (_in_a_loop, _in_a_loop_by_hand),
    "branch": (_in_a_branch, _filled_by_hand),
}


@pytest.mark.parametrize("name", PAIRS)
def test_written_as_numpys_arrays_are(name):
    f, g = PAIRS[name]
    want = fg.grad(g)(X)
    for transformed in (
        fg.grad(f),
        fg.jit(fg.grad(f)),
        fg.grad(fg.jit(f)),
        fg.jacfwd(f),
        lambda x: fg.vmap(fg.grad(f))(x[None])[0],
        lambda x: fg.jit(fg.vmap(fg.grad(f)))(x[None])[0],
    ):
        np.testing.assert_allclose(transformed(X), want, rtol=1e-12)
    np.testing.assert_allclose(fg.hessian(f)(X), fg.hessian(g)(X), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(f(X), g(X))  # of plain values nothing is traced


def test_values_stay_known():
    def f(x):
        n = fnp.array([2, 3])
        rows = fnp.arange(3)
        assert fnp.ones(2)[0] == 1 and bool(fnp.zeros(1).sum() == 0)
        return np.sum(x[rows]) * n[0] + sum(x[j] for j in range(n[1])) + np.sum(np.zeros(n))

    for transform in (lambda f: f, fg.grad, lambda f: fg.jit(fg.grad(f))):
        transform(f)(X)
    np.testing.assert_allclose(fg.jit(fg.grad(f))(X), 3)


@pytest.mark.parametrize(
    "make",
    [
        lambda f: fg.jit(f)(X),
        lambda f: fg.vmap(lambda x: f(x))(X[None]),
        lambda f: fg.vjp(f, X)[0],
        lambda f: fg.jvp(f, (X,), (X,)),
        lambda f: fg.jacobian(f)(X),
        lambda f: fg.jacfwd(f)(X),
        lambda f: fg.checkpoint(f)(X),
        lambda f: fg.grad(lambda x: (np.sum(x), f(x)), has_aux=True)(X),
        lambda f: fg.vmap(lambda i: f(X)[i])(np.array([0, 2])),
        lambda f: fg.scan(lambda c, x: (c, f(x)), 0.0, X),
        lambda f: fg.cond(True, f, f, X),
        lambda f: fg.pure_callback(f, np.zeros(3), X),
        lambda f: fg.grad(lambda x: np.sum(fg.pure_callback(f, np.zeros(3), 2.0) * x))(X),
    ],
)
def test_results_are_plain(make):
    for leaf in fg.tree.leaves(make(lambda x: fnp.ones(3))):
        assert isinstance(leaf, (np.ndarray, np.generic)), type(leaf)


def test_outside_a_traced_function_arrays_are_numpys():
    assert type(fnp.zeros(3)) is np.ndarray
    with pytest.raises(ValueError, match="stop"):
        fg.grad(lambda x: _raise())(1.0)
    assert type(fnp.zeros(3)) is np.ndarray


def _raise():
    raise ValueError("stop")


def test_one_that_outlives_its_function_is_an_array_still():
    kept = []
    fg.grad(lambda x: (kept.append(fnp.ones(3)), np.sum(x))[1])(X)
    assert type(kept[0]) is Tracer
    np.testing.assert_array_equal(np.asarray(kept[0]) + kept[0], 2)
    np.testing.assert_array_equal(fg.jit(lambda a: a * 2)(kept[0]), 2)
    np.testing.assert_array_equal(fg.grad(lambda x: np.sum(x * kept[0]))(X), 1)


def test_jitted_functions_take_it_beside_static_arguments():
    scaled = fg.jit(lambda a, n, *, power=1: a * n**power, static_argnums=1, static_argnames="power")

    def f(x):
        return np.sum(x * scaled(fnp.ones(3), 2, power=2) + scaled(x, 3) * scaled(fnp.ones(3), 1))

    np.testing.assert_array_equal(fg.grad(f)(X), 7)
    np.testing.assert_array_equal(fg.jit(fg.grad(f))(X), 7)


def test_writes_of_plain_values_are_in_place():
    """A copy for each element of 100,000 would take a minute."""

    def f(x):
        y = fnp.zeros(100_000)
        for i in range(100_000):
            y[i] = 1.0
        return np.sum(y) * x

    assert fg.grad(f)(2.0) == 100_000


def test_a_copy_is_not_written_to():
    def f(x):
        y = fnp.zeros(10_000)
        z = y.copy()
        y[0] = 1.0
        y[1] = x
        return z[0] + z[1] + y[0] * x

    assert fg.grad(f)(3.0) == 1.0


def test_a_body_does_not_write_to_one_from_outside():
    def f(x):
        y = fnp.zeros(3)

        def body(c, v):
            y[0] = v
            return c, None

        return fg.scan(body, 0.0, x)[0]

    with pytest.raises(fg.errors.InPlaceError, match="must not write to an array from outside"):
        fg.jit(f)(X)


def test_traced_integers_index_it():
    table = lambda i: fnp.asarray(np.arange(5.0) * 2)[i]
    assert fg.jit(table)(np.array(2)) == 4.0
    np.testing.assert_array_equal(fg.vmap(table)(np.array([1, 3])), [2, 6])


@pytest.mark.parametrize("transform", [lambda f: f, fg.jit, fg.grad, lambda f: fg.jit(fg.grad(f))])
def test_elements_by_an_ellipsis_are_views(transform):
    def f(x):
        y, z = fnp.zeros(3), fnp.zeros(())
        y[..., 0] += x
        z[...] += x * y[0]
        z[()] *= 2
        return z * y[0]

    assert transform(f)(3.0) == 54.0  # 2 x**3, and its slope 6 x**2
