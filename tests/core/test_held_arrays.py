"""What a trace keeps does not change under it: arrays of the user's, and results handed out."""

import pickle

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.core import held_arrays
from funcgrad.core.tracer import _open
from funcgrad.errors import InPlaceError

X = np.array([1.0, 2.0, 3.0])


def decaying(x, n=3):
    w = np.ones(n)
    s = 0.0
    for _ in range(3):
        s = s + np.sum(w * x[:n])
        w *= 0.5
    return s


def test_a_small_array_changed_after_use():
    assert decaying(X) == 10.5
    np.testing.assert_array_equal(fg.grad(decaying)(X), [1.75] * 3)
    np.testing.assert_array_equal(fg.jacfwd(decaying)(X), [1.75] * 3)
    np.testing.assert_array_equal(fg.vmap(fg.grad(decaying))(np.stack([X, X]))[1], [1.75] * 3)
    assert fg.trace(decaying)(X)(X) == 10.5
    assert fg.grad(fg.trace(decaying)(X))(X).tolist() == [1.75] * 3
    assert fg.grad(lambda x: np.sum(fg.grad(decaying)(x) * x))(X).tolist() == [1.75] * 3


def test_a_large_array_changed_after_use_is_refused():
    x = np.ones(8000)
    with pytest.raises(
        InPlaceError, match="must not be written to after a traced value has met it"
    ) as caught:
        fg.grad(lambda x: decaying(x, 8000))(x)
    assert "w = w * 0.5" in str(caught.value)
    assert not _open  # the refused run is over, like any other
    # Staging keeps copies, and takes another where the array has changed.
    assert fg.trace(lambda x: decaying(x, 8000))(x)(x) == 14000


def test_arrays_are_writable_again_afterwards():
    w, view = np.ones(8000), np.ones((2, 8000))[1]
    fg.grad(lambda x: np.sum(w * x) + fg.grad(lambda y: np.sum(y * w * view))(x)[0])(np.ones(8000))
    w += 1
    view += 1
    view.base[0] += 1
    with pytest.raises(KeyError):
        fg.grad(lambda x: np.sum(w * x) / {}[0])(np.ones(8000))
    w += 1
    assert not any(reference() for reference in held_arrays._locks.values())


def test_views_of_captured_arrays():
    w = np.ones(8000)
    v = w[1:]

    with pytest.raises(InPlaceError):
        fg.grad(lambda x: (np.sum(w * x) + np.sum(v * x[1:]), w.__imul__(2))[0])(np.ones(8000))
    assert fg.grad(lambda x: (np.sum(v * x[1:]), v.__setitem__(0, 5.0))[0])(np.ones(8000))[1] == 1.0
    assert w.flags.writeable and v.flags.writeable and v[0] == 5.0


def test_memory_that_numpy_does_not_own_is_copied():
    w = np.frombuffer(bytearray(64000))
    x = np.ones(8000)

    def f(x):
        total = np.sum((w + 1) * x) + np.sum(w * x)
        w[0] = 5.0
        return total

    w[0] = 3.0
    assert fg.grad(f)(x)[0] == 7.0
    assert w.flags.writeable and w[0] == 5.0


def test_read_only_arrays_stay_read_only():
    w = np.ones(8000)
    w.flags.writeable = False
    fg.grad(lambda x: np.sum(w * x))(np.ones(8000))
    assert not w.flags.writeable


@pytest.mark.parametrize("n", [3, 8000])
def test_pullbacks_survive_what_the_caller_does_next(n):
    x, w = np.ones(n), np.full(n, 2.0)
    y, pullback = fg.vjp(lambda x: np.exp(x) * w + x**2, x)
    _, pushforward = fg.linearize(lambda x: np.exp(x) * w + x**2, x)
    want = np.e * 2 + 2
    y *= 0
    x += 5
    w *= 7
    np.testing.assert_allclose(pullback(np.ones(n))[0], want)
    np.testing.assert_allclose(pushforward(np.ones(n)), want)


def test_programs_keep_their_constants():
    c = np.ones(2)
    program = fg.trace(lambda x: (x * c, c))(X[:2])
    c *= 5
    program(X[:2])[1][:] = 9
    product, constant = program(X[:2])
    assert product.tolist() == [1, 2] and constant.tolist() == [1, 1]


def test_handles_of_outer_traces_may_be_written_to():
    def outer(a):
        y = a * 1.0

        def inner(x):
            z = np.sum(y * x)
            y[0] = 100.0
            return z

        return np.sum(fg.grad(inner)(a * 2.0))

    np.testing.assert_array_equal(fg.grad(outer)(X), np.ones(3))


def test_constants_can_be_written_into():
    def stencil(x):
        y = np.zeros_like(x)
        y[1:-1] += x[2:]
        y.T[0] = x[1]
        return y

    def floored(x):
        y = np.floor(x)
        y[0] = x[0] ** 2
        return y

    for f in (stencil, floored):
        x = X + 0.25
        np.testing.assert_array_equal(fg.jacfwd(f)(x), fg.jacrev(f)(x))
        _, y_dot = fg.jvp(f, (x,), (np.ones(3),))
        np.testing.assert_allclose(y_dot, fg.jacrev(f)(x) @ np.ones(3))
        np.testing.assert_allclose(
            fg.vmap(lambda v, f=f, x=x: fg.jvp(f, (x,), (v,))[1])(np.eye(3)).T, fg.jacrev(f)(x)
        )


def test_views_without_axes():
    def by_ellipsis(x):
        y = x.copy()
        c = y[0, ...]
        c[...] = 5.0
        y[1, ...] += 2 * x[2]
        return np.sum(y * np.arange(1.0, 4.0))

    def by_reshape(x):
        y = x * 1.0
        y[:1].reshape(())[...] = 7.0 * x[1]
        return np.sum(y)

    for f in (by_ellipsis, by_reshape):
        assert fg.value_and_grad(f)(X)[0] == f(X)
        assert fg.trace(f)(X)(X) == f(X)
        fg.testing.check_grads(f, (X,), order=1)


def test_a_write_through_a_reshaped_slice_reaches_the_array_or_is_refused():
    def f(x):
        y = x * 1.0
        y[:4].reshape(-1)[::5] = 9.0
        return np.sum(y)

    with pytest.raises(
        InPlaceError, match="must not be used again after a write to a reshape of it"
    ) as caught:
        fg.grad(f)(np.ones((6, 4)))
    assert "before or in place of reshaping" in str(caught.value)


def test_running_updates_through_views_are_linear():
    def f(x):
        y = np.zeros_like(x)
        for i in range(1, len(x) - 1):
            y[i - 1 : i + 2] += x[i]
        return y @ y

    x = np.linspace(0, 1, 4000)
    d = np.cos(np.arange(4000))
    assert fg.grad(f)(x) @ d == pytest.approx(fg.jvp(f, (x,), (d,))[1], rel=1e-10)


def test_what_would_be_lost_is_refused():
    masked = np.ma.array([1.0, 2.0], mask=[0, 1])
    for call in (
        lambda: fg.grad(lambda x: np.sum(x**2))(masked),
        lambda: fg.grad(lambda x: np.sum(x * masked))(X[:2]),
    ):
        with pytest.raises(TypeError, match="expected a plain array, got a MaskedArray"):
            call()
    with pytest.raises(TypeError, match="cannot be pickled"):
        fg.grad(lambda x: pickle.loads(pickle.dumps(x)) ** 2)(2.0)


def test_parts_of_complex_arrays_can_be_set():
    def f(x):
        z = x * (1 + 0j)
        z.real = x**2
        z.imag = 3 * x
        return np.sum(np.abs(z) ** 2)

    np.testing.assert_allclose(fg.grad(f)(X), 4 * X**3 + 18 * X)
