"""Compiled functions under eager transformations: what is compiled for them, and how it runs without a compiler."""

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.compile import jit_call, pipeline

X = np.array([0.5, -1.0, 2.0])


@pytest.fixture
def compiled(monkeypatch):
    """The names of the programs that are compiled."""
    names = []
    real = pipeline._executable

    def noted(program):
        names.append(program.name)
        return real(program)

    monkeypatch.setattr(pipeline, "_executable", noted)
    return names


def test_only_what_is_called_is_compiled(compiled):
    def f(x):
        return np.sum(np.sin(x) ** 2)

    g = fg.jit(f)
    np.testing.assert_allclose(fg.grad(g)(X), np.sin(2 * X))
    assert compiled == ["forward program", "backward program"]
    compiled.clear()
    np.testing.assert_allclose([g(X), g(X)], f(X))
    assert set(compiled) == {"f"}


@pytest.mark.parametrize("native", [True, False])
def test_by_numpy_under_transformations(native, compiled, monkeypatch):
    """As by native code: no warnings, results of their own memory; so also where native code cannot run."""
    if not native:
        monkeypatch.setattr(jit_call, "verified", lambda: False)
    backend = "numpy" if native else "native"
    f = fg.jit(lambda x: (x.reshape(3, 1), x, np.log(x)), backend=backend)
    x = np.array([0.0, 1.0, 2.0])
    ys, pullback = fg.vjp(f, x)
    (x_bar,) = pullback((np.ones((3, 1)), np.zeros(3), np.ones(3)))
    np.testing.assert_array_equal(x_bar, [np.inf, 2, 1.5])
    assert not any(np.shares_memory(y, x) for y in (*ys, *f(x)))
    np.testing.assert_array_equal(f.lower(x).compile()(x)[1], x)
    assert native or not compiled
