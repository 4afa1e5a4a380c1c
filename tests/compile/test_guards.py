"""Python's branches under jit: each way is compiled once, and no arguments are ever given another one's result."""

import signal
import threading
from functools import partial

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

import funcgrad as fg
import funcgrad.numpy as fnp
from funcgrad.compile import guards
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
    assert len(traced) == 1 + 1
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


def test_a_function_of_more_ways_is_left_to_python():
    @fg.jit
    def count(x):
        n = 0
        while x > 1:
            x = x - 1.0
            n += 1
        return n * x

    with pytest.warns(UserWarning, match=r"(?s)more than 32 ways.*while_loop.*in count") as caught:
        got = [float(count(float(x))) for x in range(50)]
    assert got == [float(count.__wrapped__(float(x))) for x in range(50)]
    assert len(caught) == 1
    assert fg.grad(count)(40.5) == 40.0
    assert "interpreted" in count.explain()


def test_a_function_of_long_ways_is_left_to_python_once(monkeypatch):
    monkeypatch.setattr(guards, "MOST_DECISIONS", 20)
    traced = []

    @fg.jit
    def count(x):
        traced.append(1)
        while x > 1:
            x = x - 1.0
        return x

    with pytest.warns(UserWarning, match=r"(?s)more than 20 decisions.*in count") as caught:
        for _ in range(3):
            assert count(50.5) == 0.5
    assert len(caught) == 1 and len(traced) == 2 + 3  # staged to the first, and to the last; then by Python


def test_the_ways_of_a_function_are_compiled_up_to_a_size(monkeypatch):
    monkeypatch.setattr(guards, "MOST_EQUATIONS", 12)
    monkeypatch.setattr(guards, "SEEN_WAYS", 100)
    f = fg.jit(lambda x, n: fnp.sin(x) + 1.0 if x > n else fnp.cos(x) * 3.0)
    g = fg.jit(lambda x: f(x, 1.0) if x > 2 else f(x, 3.0) if x > 1 else f(x, 0.0) if x > 0.5 else x)
    with pytest.warns(UserWarning, match="more than [23] ways"):
        for x in (2.5, 1.5, 0.7, 0.1, 2.5):
            assert g(x) == g.__wrapped__(x)


def test_inside_other_staged_functions_and_batches():
    outer = fg.jit(lambda x: fg.jit(piecewise)(x) + 1)
    assert [outer(x) for x in (2.0, -2.0)] == [piecewise(x) + 1 for x in (2.0, -2.0)]
    h = fg.jit(piecewise)
    for derived in (
        fg.jit(fg.grad(h)),
        fg.jit(lambda x: fg.jvp(h, (x,), (1.0,))[1]),
        fg.jit(fg.grad(lambda x: fg.jit(fg.grad(h))(x) * x)),
    ):
        plain = derived.__wrapped__
        assert [derived(x) for x in (2.0, -2.0, 5.0)] == [plain(x) for x in (2.0, -2.0, 5.0)]
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


def test_values_that_a_staging_around_it_traces_decide_there():
    def outer(y):
        @fg.jit
        def inner(z):
            return z * y if y * z > 0 else z - y

        return inner(2.0) * y

    for f in (outer, fg.grad(outer), fg.grad(fg.jit(outer))):
        assert [fg.jit(f)(y) for y in (1.5, -1.5)] == [f(y) for y in (1.5, -1.5)]


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


def test_what_must_not_run_in_vain_waits_for_the_decisions(capsys):
    @fg.jit
    def f(x):
        if x > 0:
            fg.debug.print("up {}", x)
            return fg.while_loop(lambda c: c < 100, lambda c: c + x, x * 1.0)
        fg.debug.print("down {}", x)
        return -x

    got = [float(f(x)) for x in (60.0, -1.0, 50.0, -2.0, 100.0)]
    assert got == [120.0, 1.0, 100.0, 2.0, 100.0]
    assert capsys.readouterr().out.split() == "up 60.0 down -1.0 up 50.0 down -2.0 up 100.0".split()


def test_a_decision_is_made_before_the_loop_that_the_next_one_needs():
    @fg.jit
    def f(x):
        if x > 0:
            y = fg.while_loop(lambda c: c < 100, lambda c: c + x, x * 1.0)
            return y if y > 101 else -y
        return -x

    assert [float(f(x)) for x in (1.0, -1.0, 60.0, -2.0, 1.0, 60.0)] == [-100, 1, 120, 2, -100, 120]


def test_exceptions_of_signal_handlers_come_through():
    class Alarm(Exception):
        pass

    def ring(*_):
        raise Alarm

    @fg.jit
    def f(x):
        return fg.while_loop(lambda c: c < 2, lambda c: c * 1.0, x) if x > 1 else x * 2

    assert f(3.0) == 3.0
    assert f(0.5) == 1.0
    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(Alarm):
            f(1.5)  # which never ends
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert f(0.5) == 1.0


def test_handlers_of_the_user_do_not_swallow_decisions():
    def bare(x):
        try:
            y = 10.0 if x > 1 else 20.0
        except:  # noqa: E722
            y = 100.0
        return x * y

    def finally_returns(x):
        try:
            return x if x > 1 else -x
        finally:
            return x * 5  # noqa: B012

    def raises_another(x):
        try:
            big = bool(x > 1)
        except BaseException:
            raise ValueError from None
        return x * 3 if big else x

    def tries_for_ever(x):
        while True:
            try:
                if x > 1:
                    return x
                return -x
            except:  # noqa: E722
                continue

    for f in (bare, finally_returns, raises_another, tries_for_ever):
        compiled = fg.jit(f)
        for x in (2.0, 0.5, 3.0):
            assert compiled(x) == f(x), f.__name__
            assert fg.grad(compiled)(x) == fg.grad(f)(x)


def test_errors_of_matrices_and_indices_are_met_by_the_function_itself():
    @fg.jit
    def root(a):
        try:
            return np.linalg.cholesky(a)
        except np.linalg.LinAlgError:
            return a * 0 - 1

    table = fnp.asarray(np.arange(3.0))

    @fg.jit
    def looked_up(i):
        try:
            return fnp.take(table, i) * 1.0
        except IndexError:
            return -1.0

    good, bad = np.eye(2) * 4, -np.eye(2)
    for a in (good, bad, good, bad):
        np.testing.assert_array_equal(root(a), root.__wrapped__(a))
    assert [float(looked_up(i)) for i in (1, 7, 2)] == [1.0, -1.0, 2.0]
    with pytest.raises(np.linalg.LinAlgError):
        fg.jit(np.linalg.cholesky)(bad)


@pytest.mark.parametrize("backend", ["native", "numpy"])
def test_what_fails_on_one_way_is_not_met_on_another(backend):
    @partial(fg.jit, backend=backend)
    def f(x, n):
        if n > 0:
            m = n
            if m > 100:
                return x
        else:
            m = 1 - n
        return np.sum(x * 2**m)

    x = np.ones(2)
    assert [float(f(x, np.int64(n))) for n in (3, -4, 5, -70, 2)] == [16.0, 64.0, 64.0, 0.0, 8.0]
    assert [float(fg.grad(f)(x, np.int64(n))[0]) for n in (3, -4)] == [8.0, 32.0]
    g = fg.jit(lambda x, n: x * 2**n if n < 100 else x, backend=backend)
    assert float(g(1.0, np.int64(3))) == 8.0
    for _ in range(2):
        with pytest.raises(ValueError, match="negative integer powers"):
            g(1.0, np.int64(-3))


def test_static_arguments_are_as_they_were_given_where_python_takes_over():
    seen = []

    @partial(fg.jit, static_argnums=0, static_argnames="how")
    def f(n, x, how):
        seen.append((type(n), type(how)))
        return np.linalg.cholesky(x) * n

    for x in (np.eye(2), -np.eye(2)):
        seen.clear()
        try:
            f(2, x, how="up")
        except np.linalg.LinAlgError:
            pass
        assert set(seen) == {(int, str)}


def test_decisions_that_are_others_each_time_are_refused():
    times = []

    def other(x):
        times.append(x)
        return np.float64(len(times) % 2)

    @fg.jit
    def f(x):
        return x if fg.pure_callback(other, fg.ArrayType((), float), x) > 0 else -x

    for x in (1.0, 2.0, 3.0):
        try:
            assert abs(f(x)) == x
        except ConcretizationError as error:
            assert "the same each time" in str(error)


def test_a_long_way_is_staged_once():
    traced = []

    def f(x):
        traced.append(1)
        s = x
        for i in range(2000):
            s = s * 0.999 + 0.0001 * (i % 3)
            if s < 0.01:
                s = s + 0.5
        return s

    compiled = fg.jit(fg.grad(f))
    assert np.isclose(compiled(1.0), fg.grad(f)(1.0))
    assert sum(traced) <= 3  # to the first decision, all of them, and the line above
    assert compiled(1.0) == compiled(1.0)
    assert np.isclose(compiled(0.5), fg.grad(f)(0.5))
