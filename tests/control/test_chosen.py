"""What a branch does to values it closes over is done where the branch is chosen, and nowhere else."""

import warnings

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.control.debug import CheckError
from funcgrad.errors import DTypeError, InPlaceError

X = np.array([0.5, -2.0])


def root(x):
    return fg.cond(x > 0, lambda: np.sqrt(x), lambda: 0.0 * x)


def both_ways(f):
    return pytest.mark.parametrize("f", [f, fg.jit(f)], ids=["eager", "compiled"])


@both_ways(fg.grad(root))
def test_a_derivative_where_the_other_branch_has_none(f):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert f(0.0) == 0.0
        assert f(-1.0) == 0.0
        assert f(4.0) == 0.25


def test_all_transformations():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fg.jvp(root, (-1.0,), (1.0,)) == (0.0, 0.0)
        assert fg.grad(fg.grad(lambda x: root(x) + x**3))(-1.0) == -6.0
        np.testing.assert_array_equal(fg.jit(fg.vmap(root))(np.array([-1.0, 4.0])), [0.0, 2.0])
        np.testing.assert_array_equal(fg.vmap(fg.grad(root))(np.array([-1.0, 4.0])), [0.0, 0.25])


def test_an_index_out_of_bounds_that_is_not_asked():
    f = fg.jit(lambda x, n: fg.cond(n < 2, lambda: x[n], lambda: 0.0))
    assert f(X, np.int64(5)) == 0.0
    assert f(X, np.int64(1)) == -2.0


@pytest.mark.parametrize("x", [-1.0, 1.0])
def test_prints(capsys, x):
    def shown(x):
        fg.debug.print("positive {}", x)
        return x

    f = lambda x: fg.cond(x > 0, lambda: shown(x), lambda: -x)
    want = "positive 1.0\n" if x > 0 else ""
    for g in (f, fg.jit(f)):
        assert g(np.float64(x)) == 1.0
        assert capsys.readouterr().out == want


def test_closed_over_values_in_loops_in_branches():
    def f(x, w):
        def grown():
            return fg.fori_loop(0, 3, lambda i, s: s * w + np.sin(x), x)

        return fg.cond(
            x > 0, grown, lambda: fg.switch(1, [lambda: w, lambda: fg.cond(w > 0, lambda: x * w, lambda: x)])
        )

    for x, w in ((0.5, 2.0), (-0.5, 2.0), (-0.5, -2.0)):
        h = 1e-6
        slope = (f(x + h, w) - f(x - h, w)) / (2 * h)
        assert fg.grad(f)(x, w) == pytest.approx(slope, rel=1e-7)
        assert fg.jit(fg.grad(f))(x, w) == pytest.approx(slope, rel=1e-7)


def test_a_view_that_is_behind_is_brought_up_to_date_for_good():
    def f(x):
        y = x * 1.0
        view = y[1:]
        y[1] = 7.0
        first = fg.cond(x[0] > 0, lambda: view[0] * 2, lambda: 0.0)
        return first + view[0] + y[1]

    assert f(X) == 28.0
    assert fg.jit(f)(X) == 28.0
    np.testing.assert_array_equal(fg.grad(f)(X), [0.0, 0.0])


def test_a_failing_branch_leaves_nothing_open():
    with pytest.raises(ZeroDivisionError):
        fg.jit(lambda x: fg.cond(x > 0, lambda: x / (1 // 0), lambda: x))(1.0)
    assert fg.jit(lambda x: x * 2)(3.0) == 6.0
    assert fg.grad(root)(4.0) == 0.25


def test_no_writes_to_arrays_from_outside():
    def by_loop(x):
        y = np.zeros(2) * x

        def body(i, c):
            y[0] += x
            return c

        fg.fori_loop(0, 5, body, 1.0)
        return y.sum()

    def by_branch(x):
        y = np.zeros(2) * x

        def write():
            y[0] = x
            return x

        return fg.cond(x > 0, write, lambda: x) + y.sum()

    for f in (by_loop, by_branch):
        for g in (fg.grad(f), fg.jit(f)):
            with pytest.raises(InPlaceError, match="body of a loop or branch must not write"):
                g(3.0)

    def own(x):
        def body(i, c):
            y = np.zeros(3) * c
            y[0] = c
            y[i] += x
            return y.sum()

        return fg.fori_loop(0, 3, body, x)

    assert (own(2.0), fg.grad(own)(2.0), fg.jit(fg.grad(own))(2.0)) == (8.0, 4.0, 4.0)


def test_a_check_in_a_branch_whose_result_nobody_asks_for():
    def checked(x):
        def bad(t):
            fg.error_if(t > 9, "too large")
            return t * 2

        return fg.cond(x > 0, bad, lambda t: t * 5, x)

    f = fg.jit(lambda x: (fg.cond(x > 0, lambda: fg.error_if(x > 9, "too large"), lambda: None), x)[1])
    assert f(1.0) == 1.0
    for g in (f, fg.jit(fg.grad(checked)), fg.jit(fg.hessian(checked))):
        g(1.0)
        with pytest.raises(CheckError, match="too large"):
            g(10.0)
    np.testing.assert_array_equal(fg.jit(fg.vmap(fg.grad(checked)))(np.array([1.0, -1.0])), [2.0, 5.0])


@pytest.mark.parametrize(
    "f",
    [
        lambda x: fg.fori_loop(0, 3, lambda i, c: c / 2, x),
        lambda x: fg.fori_loop(0, 0, lambda i, c: c / 2, x),
        lambda x: fg.while_loop(lambda c: c > 1, lambda c: c / 2, x),
        lambda x: fg.scan(lambda c, _: (c / 2, c), x, length=3),
        lambda x: fg.scan(lambda c, _: ({"a": c["a"] * 0.5}, c["a"]), {"a": x}, length=3),
    ],
)
def test_a_whole_number_carried_as_a_fraction(f):
    """As an argument of jit it is a traced whole number; its bits were read as a float's."""
    for want, got in zip(fg.tree.leaves(f(100)), fg.tree.leaves(fg.jit(f)(100)), strict=True):
        np.testing.assert_array_equal(got, want)


def test_effects_happen_as_often_as_the_loop_goes_round(capsys):
    x = 4.0
    for n in (0, 1, 3):
        f = lambda c, n=n: fg.fori_loop(0, n, lambda i, c: (fg.debug.print("x {x}", x=x), c + 1)[1], c)
        for g in (f, fg.jit(f)):
            assert g(0.0) == n
            assert capsys.readouterr().out == "x 4.0\n" * n
    never = lambda c: (fg.error_if(np.bool_(x > 3), "too large"), c)[1]
    assert fg.fori_loop(0, 0, lambda i, c: never(c), 1.0) == 1.0
    assert fg.while_loop(lambda c: c < 0, never, 1.0) == 1.0
    with pytest.raises(CheckError, match="too large"):
        fg.fori_loop(0, 2, lambda i, c: never(c), 1.0)


def test_a_constant_is_printed_in_every_call(capsys):
    f = fg.jit(lambda z: (fg.debug.print("hello"), z)[1])
    for _ in range(3):
        f(1.0)
    assert capsys.readouterr().out == "hello\n" * 3


def test_branches_are_functions():
    with pytest.raises(DTypeError, match="branches that are functions, got float for true_fun"):
        fg.cond(True, 1.0, lambda: 2.0)
