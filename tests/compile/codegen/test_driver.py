"""The function that runs a program, of few nests or of thousands: in parts of bounded size that do the same."""

import re
import threading

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.compile.codegen import driver


def layers(count):
    def loss(weights):
        h = np.ones(4)
        for w in weights:
            h = np.tanh(w @ h)
        return np.sum(h)

    return loss, [np.eye(4) + 0.01 * k / count for k in range(count)]


def sizes(f, *args):
    """Return how many lines each function of the module has."""
    return [
        text.count("\n") for text in re.findall(r"^define .*?^}", fg.jit(f).lower(*args).llvm, re.M | re.S)
    ]


def test_no_function_grows_with_the_program():
    few, many = ([*sizes(fg.grad(loss), w)] for loss, w in map(layers, (60, 240)))
    assert max(many) <= max(max(few), driver.FUNCTION_LINES + 200)
    assert sum(many) < 5 * sum(few)


@pytest.fixture
def short_parts(monkeypatch):
    monkeypatch.setattr(driver, "FUNCTION_LINES", 12)


def parts(f, *args):
    return len(re.findall(r"^define .*_part\d", fg.jit(f).lower(*args).llvm, re.M))


def callback(x):
    return fg.pure_callback(lambda x: x + 1, fg.ArrayType(x.shape, float), x)


def mixed(x, i):
    """Nests, library calls, loops, the host and checks in turn."""
    y = x
    for k in range(4):
        y = np.sin(y) @ x + y
        y = callback(y)
        y = fg.fori_loop(0, 3, lambda _, y: y @ x * 0.1 + y, y)
        y = y + np.linalg.solve(x + (k + 9) * np.eye(len(x)), y)
        y = y + y[i]
    return y, y.sum(), np.sort(y, 0)


@pytest.mark.parametrize("n", [2, 40, 150])
def test_a_program_in_parts_gives_the_same(n, short_parts):
    x = np.random.default_rng(n).standard_normal((n, n)) / n
    assert parts(mixed, x, 1) > 3
    for got, want in zip(fg.jit(mixed)(x, 1), mixed(x, 1), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-10, atol=1e-12)
    with pytest.raises(IndexError):
        fg.jit(mixed)(x, n)


def test_the_body_of_a_loop_in_parts(short_parts):
    def step(h, w):
        for k in range(5):
            h = np.cumsum(np.tanh(w @ h + k)) / 3
        return h, h.sum()

    ws = np.random.default_rng(0).standard_normal((7, 30, 30)) / 30
    loss = lambda ws: np.sum(fg.scan(step, np.ones(30), ws)[1])
    assert parts(loss, ws) > 1
    np.testing.assert_allclose(fg.jit(fg.grad(loss))(ws), fg.grad(loss)(ws), rtol=1e-10, atol=1e-12)


def test_errors_of_a_host_call_in_a_later_part(short_parts):
    def fails(x):
        raise ZeroDivisionError

    def f(x):
        y = mixed(x, 0)[0]
        return y + fg.pure_callback(fails, fg.ArrayType(x.shape, float), y)

    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            fg.jit(f)(np.eye(150))


def test_parts_that_run_long_leave_python_to_other_threads(monkeypatch):
    """Python's lock is given up and taken back as often as without parts."""

    def f(x):
        for _ in range(6):
            x = np.sin(x) @ x / len(x)
            x = np.cumsum(x, 0)
        return x

    x = np.random.default_rng(0).standard_normal((200, 200))
    whole = fg.jit(f).lower(x).llvm
    monkeypatch.setattr(driver, "FUNCTION_LINES", 12)
    text = fg.jit(f).lower(x).llvm
    assert parts(f, x) > 1
    for name in ("PyEval_SaveThread", "PyEval_RestoreThread"):
        assert text.count(name) == whole.count(name)
    compiled, out = fg.jit(f), []
    want = compiled(x)
    threads = [threading.Thread(target=lambda: out.append(compiled(x))) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(out) == 4
    for y in out:
        np.testing.assert_array_equal(y, want)
