"""Several threads: the same results for any number of them, after a fork, and while Python shuts down."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.compile.codegen import module
from funcgrad.compile.runtime.parallel import get_num_threads, set_num_threads
from tests.compile.schedule.loop_interpreter import interpret

RUN = """
import os, sys
import numpy as np, funcgrad as fg
f = fg.jit(lambda x: np.exp(np.sin(x)) * np.cos(x))
x = np.linspace(0, 1, 400_000)
want = np.exp(np.sin(x)) * np.cos(x)
assert "fg_chunk0" in f.lower(x).llvm
np.testing.assert_allclose(f(x), want, rtol=1e-14)
"""


@pytest.fixture
def threads():
    before = get_num_threads()
    yield set_num_threads
    set_num_threads(before)


def run(code, **environment):
    out = subprocess.run(
        [sys.executable, "-c", RUN + code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert out.returncode == 0 and not out.stderr, out.stderr
    return out.stdout


def rows(x):
    return np.exp(x - x.max(1, keepdims=True)) / np.sum(np.exp(x), 1, keepdims=True)


def written(x):
    y = np.sin(x) * 2.0
    y[::2] += np.exp(x[::2])
    y[5] = 3.0
    return np.tanh(y) * np.cos(y), y


def totals(x):
    y = np.tanh(x) * np.exp(np.sin(x) * np.cos(x))
    return np.sum(y), np.max(y - x), np.prod(1 + 1e-6 * y), np.any(y > 9), y


def edges(x):
    """A total over parts in which guards begin and cease to hold."""
    x = x.ravel()[:290_007]
    return np.sum(
        np.exp(np.sin(np.concatenate([x[1000:], x[:1000], -x]))) * np.cos(np.pad(x, (5, len(x) - 5)))
    )


@pytest.mark.parametrize("function", [rows, written, totals, edges])
def test_any_number_of_threads(function, threads):
    x = np.random.default_rng(0).standard_normal((2000, 150))
    f = fg.jit(function)
    assert "fg_chunk" in f.lower(x).llvm
    threads(1)
    want = fg.tree.leaves(f(x))
    for w, plain in zip(want, fg.tree.leaves(function(x)), strict=True):
        np.testing.assert_allclose(w, plain, rtol=1e-12, atol=1e-14)
    for count in (2, 3, 5, 64):
        threads(count)
        for got, w in zip(fg.tree.leaves(f(x)), want, strict=True):
            np.testing.assert_array_equal(got, w)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_totals_in_parts_are_accurate(dtype, threads):
    x = np.random.default_rng(0).random(7_000_003).astype(dtype)
    f = fg.jit(np.sum)
    assert "fg_chunk" in f.lower(x).llvm
    threads(2)
    got, want = f(x), np.sum(x.astype(np.longdouble))
    assert abs(got - want) <= 8 * np.finfo(dtype).eps * want
    x[[5, -1]] = np.inf
    assert f(x) == np.inf
    x[5] = -np.inf
    assert np.isnan(f(x))


def test_parts_run_like_the_whole(monkeypatch):
    """In every order of the parts, on arrays small enough to be interpreted."""
    monkeypatch.setattr(module, "PARALLEL_ADDITIONS", 0)
    x = np.random.default_rng(0).standard_normal(203)

    def f(x):
        y = np.exp(x)
        return np.sum(y), np.max(x * y), np.sum(y[3:] * x[:-3]), y

    program = fg.trace(f)(x)
    for seed in (None, 0, 1):
        for got, want in zip(interpret(program, x, seed=seed), f(x), strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-13)


def test_an_index_out_of_bounds_in_one_thread(threads):
    table = np.arange(10.0)
    f = fg.jit(lambda x, i: np.exp(np.sin(x)) * np.cos(x) * fg.numpy.asarray(table + 0 * x[0])[i])
    x, i = np.linspace(0, 1, 400_000), np.zeros(400_000, int)
    threads(3)
    assert f(x, i).max() == 0
    i[-1] = 10
    for _ in range(3):
        with pytest.raises(IndexError):
            f(x, i)
    i[-1] = -1
    assert f(x, i)[-1] > 0


def test_many_callers_at_once(threads):
    threads(2)
    f = fg.jit(lambda x, k: np.exp(np.sin(x)) * np.cos(x) * k)
    x = np.linspace(0, 1, 300_000)
    want = np.exp(np.sin(x)) * np.cos(x)
    wrong = []

    def call(k):
        for _ in range(5):
            if not np.allclose(f(x, float(k)), want * k):
                wrong.append(k)

    callers = [threading.Thread(target=call, args=(k,)) for k in range(1, 7)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not wrong


def test_the_environment_sets_the_number():
    assert run("print(fg.get_num_threads())", FUNCGRAD_NUM_THREADS="3").strip() == "3"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    for bad in ("", "0", "-2", "many", "1.5"):
        assert run("print(fg.get_num_threads())", FUNCGRAD_NUM_THREADS=bad).strip() == str(cores)
    assert run("fg.set_num_threads(5); print(fg.get_num_threads())", FUNCGRAD_NUM_THREADS="3").strip() == "5"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_after_a_fork():
    code = """
import warnings
warnings.filterwarnings("ignore", ".*multi-threaded, use of fork", DeprecationWarning)  # Python's, from 3.12 on
child = os.fork()
np.testing.assert_allclose(f(x), want, rtol=1e-14)
if not child:
    g = fg.jit(lambda x: np.exp(np.sin(x)) * np.cos(x) + 1.0)
    np.testing.assert_allclose(g(x), want + 1, rtol=1e-14)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
print("both")
"""
    assert run(code, FUNCGRAD_NUM_THREADS="4").strip() == "both"


def test_while_python_shuts_down():
    code = "import atexit; atexit.register(lambda: print(np.allclose(f(x), want)))"
    assert run(code, FUNCGRAD_NUM_THREADS="4").strip() == "True"
