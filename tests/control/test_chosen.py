"""What a branch does to values it closes over is done where the branch is chosen, and nowhere else."""

import warnings

import numpy as np
import pytest

import funcgrad as fg

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
