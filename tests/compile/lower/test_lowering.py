"""Writing in place: right whatever else shows the memory, and linear in the number of writes."""

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.compile.codegen.module import Module
from tests.compile.schedule.loop_interpreter import interpret, lowered

X = np.array([1.0, 2.0, 0.5, -1.0, 3.0, 0.25])
N = np.array([1, 0, 1, 0, 0, 1, 0])


def stored(x):
    """What is in memory of its own, so that it may be written to."""
    return np.cumsum(x)


def view_kept(x):
    y = stored(x)
    v = y[::-1] * 1
    y[2] = 100
    return y, v


def view_of_what_is_written_later(x):
    y = stored(x)
    y[1] = 7
    v = y[1:4] + 0
    y[1] = 8
    return v, y


def copy_written(x):
    y = stored(x)
    z = y.copy()
    y[0] = 7
    z[1] = 8
    return y + z, y, z


def result_written_again(x):
    y = stored(x)
    first = y * 1
    y[0] = 3
    second = y.T + 0
    y[-1] = 4
    return first, second, y


def overlapping(x):
    y = stored(x)
    y[1:4] = y[0:3]
    y[:-1] += y[1:]
    y[::2] = y[::-2][: len(y[::2])]
    return y


def reshaped(x):
    y = stored(x)
    z = y.reshape(2, 3) * 1
    y[0] = 9
    z[1, 1] = 5
    return y, z, z.T


def reads_between(x):
    y = stored(x)
    a = y[0]
    y[0] = y[1]
    b = y[0]
    y[1] = a
    y[2] = b * a
    return y, a, b


def swapped(x):
    y = stored(x)
    for i in range(3):
        a, b = y[i], y[5 - i]
        y[i], y[5 - i] = b, a
    return y


def masked(x):
    y = stored(x)
    old = y * 2
    y[y > 2] = 0
    y[old > 7] = -1
    return y, old


def added_twice(x):
    y = stored(x)
    y += y
    y[1:] += y[:-1]
    y[0] += y[0] * y[1]
    return y


def output_that_is_a_view(x):
    y = stored(x)
    y[0] = 5
    z = y[1:] * 1
    y[1] = 6
    return y[::-1], z, y.reshape(3, 2)


def sorted_by_hand(x):
    y = stored(x) * 1.0
    for i in range(6):
        for j in range(5 - i):
            low, high = np.minimum(y[j], y[j + 1]), np.maximum(y[j], y[j + 1])
            y[j] = low
            y[j + 1] = high
    return y


ALIASING = [view_kept, view_of_what_is_written_later, copy_written, result_written_again, overlapping, reshaped,
            reads_between, swapped, masked, added_twice, output_that_is_a_view, sorted_by_hand]  # fmt: skip


@pytest.mark.parametrize("function", ALIASING, ids=lambda f: f.__name__)
def test_what_was_read_before_a_write_stays_what_it_was(function):
    given = X.copy()
    want = function(X.copy())
    traced = fg.trace(function)(given)
    for got in (
        fg.jit(function)(given),
        fg.jit(function, backend="numpy")(given),
        tuple(interpret(traced, given)),
    ):
        flat = fg.tree.leaves(got)
        for y, w in zip(flat, fg.tree.leaves(want), strict=True):
            np.testing.assert_array_equal(y, w)
    np.testing.assert_array_equal(given, X)


@pytest.mark.parametrize("function", ALIASING, ids=lambda f: f.__name__)
def test_their_derivatives(function):
    def loss(x):
        return sum(
            np.sum(np.sin(np.asarray(y) if isinstance(y, float) else y)) for y in fg.tree.leaves(function(x))
        )

    want = fg.grad(loss)(X)
    np.testing.assert_allclose(fg.jit(fg.grad(loss))(X), want, rtol=1e-12, atol=1e-14)
    rows = np.stack([X, X * 2, X[::-1]])
    np.testing.assert_allclose(
        fg.jit(fg.vmap(fg.grad(loss)))(rows), fg.vmap(fg.grad(loss))(rows), rtol=1e-11, atol=1e-12
    )


def at_itself(x, of=lambda places: places):
    y = np.cumsum(x)
    y[of(y)] = 7
    return y


def at_itself_reversed(x, of=lambda places: places):
    y = np.cumsum(x)
    y[of(y[::-1])] = y * 3
    return y


def at_itself_turned(x, of=lambda places: places):
    y = np.cumsum(x)
    y[of(y)] = y[::-1] * 10
    return y


def at_itself_twice(x, of=lambda places: places):
    y = np.cumsum(x)
    y[of(y % 3)] = 9
    y[of(y[0] % 3)] = 11
    np.add.at(y, of(y % 4), 5)
    return y


@pytest.mark.parametrize("function", [at_itself, at_itself_reversed, at_itself_turned, at_itself_twice])
def test_places_read_from_the_array_that_is_written(function):
    want = function(
        N, np.copy
    )  # without the copy, NumPy 2.2 reads places it has written to, and writes beyond the array
    np.testing.assert_array_equal(fg.jit(function)(N), want)
    (got,) = interpret(fg.trace(function)(N), N)
    np.testing.assert_array_equal(got, want)


def test_arguments_and_constants_are_never_written():
    constant = np.arange(5.0)

    def function(x, k):
        y = constant + 0 * x
        y[k] = x[0]
        z = x.copy()
        z[1] = -1
        z[k] += 10
        return y, z

    x, k = np.ones(5), np.array([2])
    for _ in range(2):
        y, z = fg.jit(function)(x, k)
        np.testing.assert_array_equal(y, [0, 1, 1, 3, 4])
        np.testing.assert_array_equal(z, [1, -1, 11, 1, 1])
    np.testing.assert_array_equal(constant, np.arange(5.0))
    np.testing.assert_array_equal(x, 1)


def test_a_constant_alone_comes_back_as_an_array_of_its_own():
    constant = np.arange(5.0)
    f = fg.jit(lambda x: (constant, x, constant + x))
    first, same, _ = f(constant)
    first[0] = same[1] = 99
    np.testing.assert_array_equal(constant, np.arange(5.0))
    np.testing.assert_array_equal(f(constant)[0], constant)


def writes(x):
    y = np.sin(x)
    for i in range(1, len(x)):
        y[i] += np.sin(y[i - 1]) * 0.5
    return np.sum(y)


def overwrites(x):
    y = x * 1.5
    for i in range(1, len(x)):
        y[i] = np.tanh(y[i - 1]) * y[i]
    return np.sum(y * x)


@pytest.mark.parametrize("function", [writes, overwrites, fg.grad(writes), fg.grad(overwrites)])
def test_unrolled_loops_are_linear(function):
    """Code in proportion to the number of writes; and nothing like the whole array moved for each of them."""
    short, long = [lowered(fg.trace(function)(np.linspace(0, 1, n))) for n in (200, 400)]
    # (The first few writes are cheaper: they are read through.)
    assert len(long.statements) <= 2.5 * len(short.statements)
    assert len(Module(long).text) <= 2.2 * len(Module(short).text)
    assert long.scratch <= 3 * short.scratch + 4096
    before, points = (sum(s.points for s in m.statements) for m in (short, long))
    assert points <= 2.5 * before and points <= 400 * 400 / 10, points


def test_unrolled_loops_are_right():
    x = np.linspace(0.1, 1, 60)
    for f in (writes, overwrites):
        np.testing.assert_allclose(fg.jit(f)(x), f(x), rtol=1e-13)
        np.testing.assert_allclose(fg.jit(fg.grad(f))(x), fg.grad(f)(x), rtol=1e-11)


@pytest.mark.parametrize("dtype", [np.float16, np.longdouble, np.clongdouble, np.complex64, np.complex128])
def test_dtypes_that_are_only_moved(dtype):
    x = np.array([1, 2, 3]).astype(dtype) * dtype(1 + 2j if np.dtype(dtype).kind == "c" else 1)

    def function(x):
        return x, x[::-1], np.full(3, 1.5, dtype), np.zeros((2, 3), dtype), np.imag(x), x + x, dtype(2)

    for given in (x, x[0], np.array(3, dtype)):
        f = function if given.ndim else (lambda x: (x, np.imag(x), x * 2))
        for got, want in zip(fg.jit(f)(given), f(given), strict=True):
            assert got.dtype == want.dtype
            np.testing.assert_array_equal(got, want)


def test_a_running_sum_begins_with_its_first_term():
    x = np.array([-0.0, -0.0, 0.0, -0.0])
    assert (
        np.signbit(fg.jit(np.cumsum)(x)).tolist()
        == np.signbit(np.cumsum(x)).tolist()
        == [True, True, False, False]
    )


def test_empty_arrays_in_other_shapes():
    for function in (
        lambda x: np.cumsum(np.repeat(np.tanh(x), 2, axis=0), axis=1),
        lambda x: np.argmax(np.repeat(np.tanh(x), 2, axis=1), axis=0),
        lambda x: np.cumprod(np.tanh(x)[:, None].reshape(-1, 2)),
    ):
        for shape in ((2, 0), (1, 0)):
            x = np.ones(shape)
            np.testing.assert_array_equal(fg.jit(function)(x), function(x))


def test_a_part_added_in_place_is_read_before():
    """x + place(x, reversed) in the memory of x reads elements that it has written; found by random programs."""

    def flipped_and_added(x, bar):
        return fg.vjp(lambda x: np.sin(x[::-1] + x), x)[1](bar)[0]

    x, bar = np.arange(6.0).reshape(2, 3), np.cos(np.arange(6.0)).reshape(2, 3)
    np.testing.assert_allclose(fg.jit(flipped_and_added)(x, bar), flipped_and_added(x, bar), rtol=1e-14)
