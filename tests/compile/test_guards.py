"""Python's branches under jit: each way is compiled once, and no arguments are ever given another one's result."""

import threading

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import funcgrad as fg
import funcgrad.numpy as fnp
from funcgrad.errors import ConcretizationError


def piecewise(x):
    if x > 1 and not x > 3:
        return fnp.sqrt(x)
    if x < -1 or x == 0:
        return x * x
    return -x


@pytest.mark.parametrize("backend", ["native", "numpy"])
@settings(max_examples=60, deadline=None)
@given(x=st.sampled_from([-5.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0, 4.0, np.inf, -np.inf]))
def test_results_and_derivatives_are_those_without_jit(backend, x):
    f = _jitted[backend]
    assert f(x) == piecewise(x)
    if np.isfinite(x):
        assert fg.grad(f)(x) == fg.grad(piecewise)(x)
        assert _gradients[backend](x) == fg.grad(piecewise)(x)
        assert fg.jvp(f, (x,), (2.0,))[1] == fg.jvp(piecewise, (x,), (2.0,))[1]


_jitted = {backend: fg.jit(piecewise, backend=backend) for backend in ("native", "numpy")}
_gradients = {backend: fg.jit(fg.grad(piecewise), backend=backend) for backend in ("native", "numpy")}


def test_each_way_is_traced_once():
    traced = []

    @fg.jit
    def f(x):
        traced.append(x)
        return x * 2 if np.sum(x) > 0 else x * 3

    for sign in (1, 1, -1, 1, -1):
        np.testing.assert_array_equal(f(sign * np.ones(2)), sign * np.ones(2) * (2 if sign > 0 else 3))
    assert len(traced) == 1 + 1 + 1  # until the decision, and then each way
    assert "2 ways" in f.explain()


def test_loops_of_python_go_as_long_as_they_must():
    @fg.jit
    def root(a):
        x = a
        while abs(x * x - a) > 1e-12 * a:
            x = (x + a / x) / 2
        return x

    for a in (2.0, 9.0, 1e4, 2.0):
        assert root(a) == pytest.approx(np.sqrt(a), rel=1e-12)
        assert fg.grad(root)(a) == pytest.approx(0.5 / np.sqrt(a), rel=1e-9)


def test_the_users_own_checks_hold():
    @fg.jit
    def root(x):
        if np.any(x < 0):
            raise ValueError("negative")
        return fnp.sqrt(x)

    np.testing.assert_array_equal(root(np.array([1.0, 4.0])), [1, 2])
    for _ in range(2):
        with pytest.raises(ValueError, match="negative"):
            root(np.array([1.0, -4.0]))
    np.testing.assert_array_equal(root(np.array([1.0, 9.0])), [1, 3])


def test_a_way_that_fails_for_other_arguments_does_no_harm():
    table = np.arange(4.0)

    @fg.jit
    def f(i):
        return fnp.take(table, i) if i < 4 else -1.0 * i

    assert [float(f(i)) for i in (2, 9, 3, 4)] == [2.0, -9.0, 3.0, -4.0]


def test_more_ways_than_there_may_be_name_the_branch():
    @fg.jit
    def count(x):
        n = 0
        while x > 1:
            x = x - 1.0
            n += 1
        return n * x

    with pytest.raises(ConcretizationError, match=r"(?s)up to 32 ways.*while_loop.*in count"):
        for x in range(50):
            count(float(x))
    assert count(3.0) == 2.0  # the known ways stay


def test_inside_other_staged_functions_and_batches():
    outer = fg.jit(lambda x: fg.jit(piecewise)(x) + 1)
    assert [outer(x) for x in (2.0, -2.0)] == [piecewise(x) + 1 for x in (2.0, -2.0)]
    with pytest.raises(ConcretizationError, match="one value an example"):
        fg.vmap(fg.jit(piecewise))(np.array([1.0, 2.0]))
    with pytest.raises(ConcretizationError, match="value"):
        fg.trace(piecewise)(1.0)
    with pytest.raises(ConcretizationError, match="value"):
        fg.jit(lambda x: fg.scan(lambda c, _: (c if c > 0 else -c, None), x, length=2)[0])(1.0)


def test_arrays_decide_as_numpys_do():
    f = fg.jit(lambda x: 1.0 if x else 2.0)
    assert [float(f(np.array(v))) for v in (0.0, 3.0, np.nan)] == [2.0, 1.0, 1.0]
    assert float(f(np.array([[2]]))) == 1.0
    with pytest.raises(ValueError, match="ambiguous"):
        f(np.ones(3))


def test_captured_traced_values_decide():
    def f(w):
        return fg.jit(lambda x: x * w if w > 1 else x)(3.0)

    assert fg.grad(f)(2.0) == 3.0
    assert fg.grad(f)(0.5) == 0.0


def test_ways_from_several_threads():
    f = fg.jit(piecewise)
    xs = [2.0, -2.0, 0.5, 4.0] * 50
    found: list = []
    threads = [threading.Thread(target=lambda: found.append([float(f(x)) for x in xs])) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == [[float(piecewise(x)) for x in xs]] * 4
