"""Branches that read and write parts of large arrays: as other branches are, without a copy an iteration."""

import numpy as np
import pytest

import funcgrad as fg
from tests.laws import equations_of

N = 200  # numbers: beyond what is small
rng = np.random.default_rng(5)
X = rng.uniform(-1, 1, N)


def _one_writes(c, i):
    return fg.cond(c[i] > 0, lambda c: c.at[i].set(np.sin(c[i]) + c[i - 1]), lambda c: c, c)


def _both_write(c, i):
    return fg.cond(c[i] > 0, lambda c: c.at[i].set(2 * c[i]), lambda c: c.at[N - 1 - i].set(c[i] ** 2), c)


def _captured(c, i):
    return fg.cond(c[i] > 0, lambda: _set(c, i, c[i - 1]), lambda: c)


def _set(c, i, v):
    c = fg.numpy.array(c)
    c[i] = v
    return c


def _added(c, i):
    return fg.cond(c[i] > 0, lambda c: c.at[i].add(np.cos(c[i])), lambda c: c.at[0].set(-0.0), c)


def _swap(c, i):
    def swapped(c):
        c = c.copy()
        a, b = c[i], c[N - 1 - i]
        c[i] = b
        c[N - 1 - i] = a * 1.5
        return c

    return fg.cond(c[i] > c[N - 1 - i], swapped, lambda c: c, c)


def _static_places(c, i):
    return fg.cond(c[i] > 0, lambda c: c.at[3].set(c[4] * c[i]), lambda c: c.at[5:8].multiply(0.5), c)


def _ladder(c, i):
    def inner(c):
        return fg.cond(c[i] > -0.5, lambda c: c.at[i].set(c[i] * 3), lambda c: c.at[i].set(c[i] ** 2), c)

    return fg.cond(c[i] > 0, lambda c: c.at[i].set(-c[i - 1]), inner, c)


def _optional_ladder(c, i):
    def inner(c):
        return fg.cond(c[i] > -0.5, lambda c: c.at[i].set(c[i] * 3), lambda c: c, c)

    return fg.cond(c[i] > 0, lambda c: c, inner, c)


def _three(c, i):
    branches = [lambda c: c, lambda c: c.at[i].set(c[i] + 1), lambda c: c.at[i - 1].add(c[i])]
    return fg.switch(i % 5 - 1, branches, c)


def _read_what_was_written(c, i):
    def twice(c):
        c = c.at[i].set(c[i] * 2)
        return c.at[i - 1].set(c[i] + 1)

    return fg.cond(c[i] > 0, twice, lambda c: c, c)


def _read_at_other_places(c, i):
    def several(c):
        c = c.copy()
        c[i] = np.sin(c[i - 1]) * 2
        c[-1] += c[i]
        c[3] = c[N - 1] - c[i - N]
        c[i] *= np.tanh(c[3])
        return c

    return fg.cond(c[i] > 0, several, lambda c: c, c)


def _scalars_beside(c, i):
    c, t = fg.cond(c[i] > 0, lambda c: (c.at[i].set(0.5), c[i] * 2), lambda c: (c, c[i - 1]), c)
    return _set(c, 0, c[0] + t)


def _only_read(c, i):
    return _set(c, i, fg.cond(c[i] > 0, lambda: c[i - 1] * c[i], lambda: 0.25))


def _place_out_of_range_in_the_other(c, i):
    return fg.cond(
        i < N - 5, lambda c, i: c.at[i + 5].set(c[i] * 2), lambda c, i: c.at[i - 50].set(c[i]), c, i
    )


def _a_place_that_is_read(c, i):
    j = lambda c: np.floor(abs(c[i]) * 5).astype(int)
    return fg.cond(c[i] > 0, lambda c: c.at[j(c)].set(c[i]), lambda c: c, c)


BODIES = [
    _one_writes,
    _both_write,
    _captured,
    _added,
    _swap,
    _static_places,
    _ladder,
    _optional_ladder,
    _three,
    _read_what_was_written,
    _read_at_other_places,
    _scalars_beside,
    _only_read,
    _place_out_of_range_in_the_other,
    _a_place_that_is_read,
]


def _looped(body):
    return lambda x: fg.scan(lambda c, i: (body(c, i), None), x, np.arange(N))[0]


def _by_python(body):
    def f(x):
        for i in range(N):
            x = body(x, np.int64(i))  # known, so that the branch is run as it stands
        return x

    return f


@pytest.mark.parametrize("body", BODIES, ids=lambda b: b.__name__)
def test_as_one_branch_after_another(body):
    f, g = _looped(body), _by_python(body)
    want = g(X)
    np.testing.assert_allclose(fg.jit(f)(X), want, rtol=1e-12)
    np.testing.assert_allclose(f(X), want, rtol=1e-12)
    np.testing.assert_allclose(fg.vmap(f)(np.stack([X, -X]))[1], g(-X), rtol=1e-12)
    np.testing.assert_allclose(fg.jit(fg.vmap(f))(np.stack([X, -X]))[1], g(-X), rtol=1e-12)
    weights = np.cos(np.arange(N))
    loss, direct = (lambda x: np.sum(weights * f(x) ** 2)), (lambda x: np.sum(weights * g(x) ** 2))
    gradient = fg.grad(direct)(X)
    for transformed in (fg.jit(fg.grad(loss)), fg.grad(loss), fg.grad(fg.jit(loss))):
        np.testing.assert_allclose(transformed(X), gradient, rtol=1e-9, atol=1e-12)
    _, forward = fg.jit(lambda x: fg.jvp(loss, (x,), (weights,)))(X)
    np.testing.assert_allclose(forward, gradient @ weights, rtol=1e-9)


@pytest.mark.parametrize("body", BODIES, ids=lambda b: b.__name__)
def test_no_branch_returns_or_takes_an_array(body):
    """Neither in the function nor in its derivatives: else a step would cost what the array has elements."""
    loss = lambda x: np.sum(_looped(body)(x) ** 2)
    tangents = lambda x: fg.jvp(loss, (x,), (x,))[1]
    for program in (fg.trace(loss)(X), fg.trace(fg.grad(loss))(X), fg.trace(tangents)(X)):
        for equation in equations_of(program):
            # (One that only finds places may look at arrays: nothing is copied, and no derivative goes back.)
            if equation.primitive.name == "switch" and any(
                v.type.dtype.kind == "f" for v in equation.outputs
            ):
                assert max(a.type.size for a in (*equation.inputs, *equation.outputs)) < 10, str(equation)


def test_the_carry_is_written_where_it_is():
    text = fg.jit(_looped(_one_writes)).lower(X).loops
    assert f"range({N})" not in text[text.index("scan(x0") :], text


def test_effects_of_the_chosen_branch_happen_once(capsys):
    def body(c, i):
        def written(c):
            fg.debug.print("at {}", i)
            return c.at[i].set(c[i] * 2)

        return fg.cond(i == 7, written, lambda c: c, c)

    np.testing.assert_array_equal(fg.jit(_looped(body))(X), np.where(np.arange(N) == 7, 2 * X, X))
    assert capsys.readouterr().out == "at 7\n"


def test_a_place_out_of_range_is_met_where_it_is_chosen():
    f = fg.jit(lambda x, i: fg.cond(i >= 0, lambda: x.at[i].set(1.0), lambda: x))
    np.testing.assert_array_equal(f(X, -1000), X)
    with pytest.raises(IndexError):
        f(X, 1000)


def test_rows_of_a_matrix():
    def body(c, i):
        return fg.cond(
            c[i, 0] > 0, lambda c: c.at[i].set(np.sin(c[i]) * c[i - 1]), lambda c: c.at[i, 1].add(1.0), c
        )

    x = X.reshape(20, 10)
    f = lambda x: fg.scan(lambda c, i: (body(c, i), None), x, np.arange(20))[0]

    def g(x):
        for i in range(20):
            x = body(x, np.int64(i))
        return x

    np.testing.assert_allclose(fg.jit(f)(x), g(x))
    loss = lambda f: lambda x: np.sum(f(x) ** 3)
    np.testing.assert_allclose(fg.jit(fg.grad(loss(f)))(x), fg.grad(loss(g))(x), rtol=1e-10, atol=1e-13)


def test_in_a_while_loop():
    def f(x):
        step = lambda s: (s[0] + 1, _one_writes(s[1], s[0]))
        return np.sum(fg.while_loop(lambda s: s[0] < N, step, (0, x))[1] ** 2)

    want = fg.grad(lambda x: np.sum(_by_python(_one_writes)(x) ** 2))(X)
    np.testing.assert_allclose(fg.jit(fg.grad(f))(X), want, rtol=1e-10)
