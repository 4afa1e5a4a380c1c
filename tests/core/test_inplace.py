"""Assignment on traced arrays gives NumPy's answer or a clear error."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import funcgrad as fg
from funcgrad.core import held_arrays


@pytest.fixture(autouse=True, params=["small", "large"])
def size(request, monkeypatch):
    """Run everything twice: as is, and with every array taken for one too large to copy needlessly."""
    if request.param == "large":
        monkeypatch.setattr(held_arrays, "LARGE_BYTES", 0)


def agrees(function, x):
    """The traced run, eager and staged, equals the plain run on a copy; so does its derivative."""
    want = function(x.copy() * 1.0)
    value, _ = fg.jvp(lambda x: function(x * 1.0), (x,), (np.ones_like(x),))
    np.testing.assert_allclose(value, want)
    np.testing.assert_allclose(fg.trace(lambda x: function(x * 1.0))(x)(x), want)
    np.testing.assert_allclose(fg.vmap(lambda x: function(x * 1.0))(np.stack([x, x]))[1], want)
    fg.testing.check_grads(lambda x: function(x * 1.0), (x,), order=1)


def write_and_read(x):
    x[0] = x[1] ** 2
    x += 1
    x[1:3] *= x[0]
    return x


def write_through_view(x):
    y = x[1:]
    y[0] = 5 * x[0]
    return x


def write_under_view(x):
    y = x[1:]
    x[1] = 5 * x[0]
    return y * x[1:]


def chained_views(x):
    y = x[::-1][1:][None]
    y[0, 0] = x[0] * 2
    x[-3] += y[0, 1]
    return x.sum() * y


def rows(x):
    m = x.reshape(2, -1).copy()
    for i, row in enumerate(m):
        row *= i + 1
    m[1][0] = m[0][1]
    m.T[0] += 3
    return m


def alias_by_name(x):
    y = x
    y += x
    return x * y


def scalars_are_values(x):
    s = x[0]
    t = s
    s += 1
    x[0] = 10 * s
    return x * t + s


def masked(x):
    x[x > 0.5] = 0
    x[[0, 2]] += 1
    x[np.array([1, 1])] = x[3]
    return x


def accumulate(x):
    y = np.zeros_like(x)
    for i in range(1, len(x)):
        y[i] = y[i - 1] + x[i]
    return y


def out_argument(x):
    y = np.zeros_like(x)
    np.add(x, 1, out=y)
    np.multiply(y, 2, out=y, where=np.array([True, False, True, True]))
    np.add.at(y, [0, 0], x[0])
    return y


X = np.array([0.3, 0.9, -0.4, 0.7])


@pytest.mark.parametrize(
    "function",
    [
        write_and_read,
        write_through_view,
        write_under_view,
        chained_views,
        rows,
        alias_by_name,
        scalars_are_values,
        accumulate,
        out_argument,
    ],
)
def test_numpys_answer(function):
    agrees(function, X)


def test_masks():
    # A mask of values is not known while batching or staging: only eagerly.
    want = masked(X.copy())
    np.testing.assert_array_equal(fg.jvp(lambda x: masked(x * 1.0), (X,), (X,))[0], want)
    fg.testing.check_grads(lambda x: masked(x * 1.0), (X,), order=1)

    def scalar(x):
        x = x * 1.0
        x[x > 0.5] = 0
        return x

    agrees(scalar, X)


def test_reshape_blocks_what_it_may_share():
    def f(x):
        y = np.stack([x, x]) * 1.0
        z = y.reshape(8)
        z[0] = 5
        return z.sum() if shared is None else y.sum()

    shared = None
    np.testing.assert_array_equal(fg.grad(f)(X), [1, 2, 2, 2])
    shared = True
    with pytest.raises(ValueError, match="must not be used again"):
        fg.grad(f)(X)


@pytest.mark.parametrize(
    "write",
    [
        lambda x: x.__setitem__(0, 1.0),
        lambda x: x[1:].__setitem__(0, 1.0),
        lambda x: x.__iadd__(1),
        lambda x: x.T.__imul__(2),
        lambda x: x.reshape(2, 2).__setitem__(0, 1.0),
        lambda x: np.add(x, 1, out=x),
        lambda x: x.sort(),
    ],
)
def test_arguments_are_not_written_to(write):
    def f(x):
        write(x)
        return np.sum(x)

    with pytest.raises(ValueError, match="an argument of a transformed function must not be written to"):
        fg.grad(f)(X.copy())


def test_read_only_views():
    with pytest.raises(ValueError, match="a read-only view must not be written to"):
        fg.grad(lambda x: np.broadcast_to(x * 1, (2, 4)).__setitem__(0, 1.0))(X)


def test_plain_arrays_refuse_traced_values():
    def element(x):
        y = np.zeros(4)
        y[0] = x[0]
        return y.sum()

    def block(x):
        y = np.zeros(4)
        y[:2] = x[:2]
        return y.sum()

    def added(x):
        y = np.zeros(4)
        y += x
        return y.sum()

    for f in (element, block, added):
        for transform in (fg.grad(f), fg.vmap(f), fg.trace(f)):
            argument = np.stack([X, X]) if transform.__name__.startswith("vmap") else X
            refusals = (TypeError, ValueError, fg.DerivativeWarning)
            with pytest.raises(
                refusals, match=r"fg\.numpy\.zeros|funcgrad\.numpy makes|one value an example|not known"
            ):
                transform(argument)


def test_at():
    want = X.copy()
    want[1] = 7.0
    np.testing.assert_array_equal(fg.jvp(lambda x: x.at[1].set(7.0), (X,), (X,))[0], want)
    for name, ufunc in (("add", np.add), ("multiply", np.multiply), ("max", np.maximum), ("power", np.power)):
        expected = X.copy()
        expected[2:] = ufunc(X[2:], 2.0)
        got = fg.jvp(lambda x, name=name: getattr(x.at[2:], name)(2.0), (X,), (X,))[0]
        np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(
        fg.grad(lambda x: np.sum(np.zeros_like(x).at[np.array([0, 0, 1])].add(x[:3]) * X))(X),
        [X[0], X[0], X[1], 0],
    )
    with pytest.raises(ValueError, match="expected each element once, got repeated indices"):
        fg.grad(lambda x: np.sum(x.at[np.array([0, 0])].multiply(2.0)))(X)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (9, 1.0, "expected a key that fits"),
        ((0, 0), 1.0, "indexing: expected"),
        (
            slice(0, 2),
            np.ones(3),
            r"assignment: expected a value that broadcasts to float64\[2\], got float64\[3\]",
        ),
        ("a", 1.0, "expected"),
        (1.0, 1.0, "indexing: expected integers, slices"),
        (np.array([True]), 1.0, "expected a mask of shape"),
    ],
)
def test_bad_keys(key, value, message):
    def f(x):
        y = x * 1.0
        y[key] = value
        return np.sum(y)

    for run in (lambda: fg.grad(f)(X), lambda: fg.trace(f)(X)):
        with pytest.raises((ValueError, TypeError, IndexError), match=message):
            run()


def test_writes_in_a_loop_cost_what_they_write():
    # Copies would be 10^4 times 80 kB; the memory of the record alone shows that there are none.
    def f(x):
        y = np.zeros_like(x)
        for i in range(1, len(x)):
            y[i] = 0.5 * y[i - 1] + x[i]
        return y @ y

    n = 10_000
    x = np.linspace(0, 1, n)
    tracemalloc.start()
    gradient = fg.grad(f)(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000 * n
    d = np.cos(np.arange(n))
    assert gradient @ d == pytest.approx(fg.jvp(f, (x,), (d,))[1], rel=1e-10)


def test_writes_in_place_leave_other_names_alone():
    def f(x):
        y = np.zeros_like(x)
        y[0] = x[0]
        kept = y.copy()
        at = y.at[1].set(7.0)
        doubled = 2 * y
        stopped = fg.stop_gradient(y)
        y[0] = 5 * x[1]
        y[2] = y[0] * x[0]
        return np.sum(y) + 10 * np.sum(kept) + 100 * np.sum(at) + 1000 * np.sum(doubled) + np.sum(stopped)

    x = np.array([2.0, 3.0, 4.0])
    value, gradient = fg.value_and_grad(f)(x)
    assert value == 15 + 30 + 20 + 900 + 4000 + 2
    np.testing.assert_array_equal(gradient, [15 + 10 + 100 + 2000, 5 + 10, 0])
    np.testing.assert_array_equal(fg.jacfwd(f)(x), gradient)


# Random programs of views and writes, against NumPy itself.

VIEWS = [
    lambda a: a[1:] if len(a) > 1 else a,
    lambda a: a[::-1],
    lambda a: a[::2],
    lambda a: a.T,
    lambda a: a[..., None].squeeze(-1),
    lambda a: a[None][0],
]
WRITES = [
    lambda a, v: a.__setitem__(0, v),
    lambda a, v: a.__setitem__(Ellipsis, a * 0.5 + v),
    lambda a, v: a.__iadd__(v),
    lambda a, v: a.__setitem__(slice(None, None, 2), v),
    lambda a, v: a.__imul__(a),
]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5), st.integers(0, 20)), min_size=1, max_size=10))
def test_random_views_and_writes(steps):
    def f(x):
        names = [x * 1.0]
        for is_view, which, target in steps:
            a = names[target % len(names)]
            if is_view:
                names.append(VIEWS[which](a))
            else:
                WRITES[which % len(WRITES)](a, names[0][(0,) * names[0].ndim] * 0.25)
        total = 0.0
        for i, a in enumerate(names):
            total = total + (i + 1) * np.sum(np.sin(a))
        return total

    x = np.arange(6.0).reshape(3, 2) / 7
    value, slope = fg.jvp(f, (x,), (x,))
    assert value == pytest.approx(f(x), rel=1e-12)
    assert fg.trace(f)(x)(x) == pytest.approx(f(x), rel=1e-12)
    value, gradient = fg.value_and_grad(f)(x)
    assert value == pytest.approx(f(x), rel=1e-12)
    assert np.sum(gradient * x) == pytest.approx(slope, rel=1e-9, abs=1e-12)
