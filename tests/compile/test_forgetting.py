"""What is compiled is bounded, can be forgotten, and is freed with the last that uses it."""

import gc
import importlib
import subprocess
import sys
import weakref

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.compile.compiler import compiler

module = importlib.import_module("funcgrad.compile.jit")


def codes(f):
    """Return references to the machine code a jitted function keeps."""
    return [weakref.ref(c.call._keeper._loaded) for c in f._compiled.values() if c.call is not None]


def alive(references):
    gc.collect()
    return sum(ref() is not None for ref in references)


def test_clear_frees_machine_code():
    f = fg.jit(lambda x: np.sin(x) * 1.25)
    for n in range(1, 4):
        f(np.ones(n))
    references = codes(f)
    assert alive(references) == 3
    f.clear()
    assert "0 compiled signatures" in f.explain()
    fg.clear_caches()
    assert alive(references) == 0
    np.testing.assert_allclose(f(np.ones(2)), np.sin(np.ones(2)) * 1.25)


def test_clear_caches_clears_all_functions():
    functions = [fg.jit(lambda x, k=k: x * k + 0.125) for k in range(3)]
    references = [ref for f in functions if f(2.0) is not None for ref in codes(f)]
    assert alive(references) == 3
    fg.clear_caches()
    assert alive(references) == 0
    assert [f(2.0) for f in functions] == [0.125, 2.125, 4.125]


def test_signatures_are_bounded(monkeypatch):
    monkeypatch.setattr(module, "MOST_SIGNATURES", 16)
    f = fg.jit(lambda x: x * 1.5)
    f(np.ones(1))
    for n in range(2, 100):
        np.testing.assert_array_equal(f(np.ones(n)), 1.5 * np.ones(n))
        f(np.ones((1, 1))), f(np.ones(1))  # what is in use stays
        assert len(f._compiled) <= 16
    assert "float64[1]" in f.explain() and "float64[99]" in f.explain() and "float64[5]" not in f.explain()
    assert len(f._executables) <= 16


def test_code_that_runs_is_not_freed():
    def forget(x):
        f.clear()
        fg.clear_caches()
        gc.collect()
        return x + 1

    f = fg.jit(lambda x: np.sum(fg.pure_callback(forget, x, np.sin(x)) * x) * 2)
    x = np.linspace(0, 1, 100)
    for _ in range(20):
        np.testing.assert_allclose(f(x), 2 * np.sum((np.sin(x) + 1) * x))


def test_clear_from_other_threads():
    code = """
import threading, numpy as np, funcgrad as fg
f = fg.jit(lambda x: np.sum(np.sin(x)))
done = threading.Event()
def forget():
    while not done.is_set():
        f.clear(); fg.clear_caches()
threads = [threading.Thread(target=forget)]
threads[0].start()
for k in range(60):
    x = np.full(5 + k % 3, 0.5)
    assert abs(f(x) - np.sin(0.5) * x.size) < 1e-12
done.set(); threads[0].join()
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_methods_and_decorators_can_be_cleared():
    @fg.jit(static_argnames="k")
    def f(x, k):
        return x * k

    assert f(2.0, k=3) == 6 and f.clear() is None and f(2.0, k=4) == 8
    assert f.explain().startswith("jit of f: 1 compiled")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_compiling_leaks_nothing():
    text = fg.jit(lambda x: np.sum(np.sin(x) * x)).lower(np.ones(100)).llvm
    native = importlib.import_module("funcgrad.compile.runtime.machine")

    def compiled(times):
        for _ in range(times):
            native.Loaded(native.compile_object(text))
        gc.collect()
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * 4

    assert compiler() is not None
    before = compiled(10)
    assert (compiled(60) - before) / 60 < 30, "KiB each; llvmlite's pass managers took 100"
