"""What nobody asks of a loop or a branch is not computed, and what is asked stays the same."""

from functools import partial

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as fnp
from funcgrad.programs.simplify.simplify import simplify


def names(program):
    """Return the primitives of a program, those of its loops and branches included."""
    found = []
    for equation in program.equations:
        found.append(equation.primitive.name)
        for value in equation.params.values():
            for inner in value if isinstance(value, tuple) else (value,):
                found += names(inner) if hasattr(inner, "equations") else []
    return found


def looped(x, w):
    def step(state):
        i, y, z, _ = state
        return i + 1, y * 0.9 + w, fnp.sin(z) + y, z

    return fg.while_loop(lambda s: s[0] < 5, step, (0, x, x, x))


def scanned(x, ws):
    def step(carry, w):
        y, z = carry
        return (y * 0.9 + w, fnp.sin(z) + y), (fnp.cos(y), fnp.exp(z))

    return fg.scan(step, (x, x), ws)


def chosen(x, w):
    return fg.cond(x > 0, lambda x: (x * w, fnp.sin(x)), lambda x: (x + w, fnp.exp(x)), x)


CASES = [
    (lambda x: looped(x, 2.0)[1], {"sin"}),
    (lambda x: looped(x, 2.0)[3], set()),
    (lambda x: scanned(x, np.arange(3.0))[0][0], {"sin", "cos", "exp"}),
    (lambda x: np.sum(scanned(x, np.arange(3.0))[1][0]), {"sin", "exp"}),
    (lambda x: np.sum(scanned(x, np.arange(3.0))[1][1]), {"cos"}),
    (lambda x: chosen(x, 3.0)[0], {"sin", "exp"}),
    (lambda x: chosen(x, 3.0)[1], {"multiply", "add"}),
]


@pytest.mark.parametrize(("function", "gone"), CASES)
def test_what_is_not_asked_is_gone(function, gone):
    program = fg.trace(function)(0.3)
    assert not gone & set(names(program))
    want = function(0.3)  # eager: all of it
    np.testing.assert_allclose(program(0.3), want, rtol=1e-15)
    np.testing.assert_allclose(fg.jit(function)(0.3), want, rtol=1e-13)
    step = 1e-6
    slope = (function(0.3 + step) - function(0.3 - step)) / (2 * step)
    np.testing.assert_allclose(fg.grad(function)(0.3), slope, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(fg.jit(fg.grad(function))(0.3), slope, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(fg.jit(fg.vmap(function))(np.array([0.3, 0.3])), [want, want], rtol=1e-13)


def test_what_only_the_condition_reads_stays():
    def function(x):
        return fg.while_loop(lambda s: s[0] < 3.0, lambda s: (s[0] + s[2], s[1] * 2, s[2]), (x, x, x))[1]

    assert fg.trace(function)(1.0)(1.0) == function(1.0) == fg.jit(function)(1.0) == 4.0


def test_effects_stay(capsys):
    def step(carry, x):
        fg.debug.print("x = {}", x)
        return carry + 1.0, x

    out = fg.jit(lambda: fg.scan(step, 0.0, np.arange(2.0))[0])()
    assert out == 2.0
    assert capsys.readouterr().out == "x = 0.0\nx = 1.0\n"


def test_results_that_are_arguments_are_read_there():
    def scanned(x, c):
        step = lambda carry, row: ((carry[0] + np.sum(row), carry[1]), (row, carry[0]))
        (total, kept), (rows, sums) = fg.scan(step, (0.0, c), x)
        return total * kept, rows * 2, sums

    def chosen(x, c):
        a, b = fg.cond(c > 0, lambda: (x, c), lambda: (x, 2 * c))
        return a * b

    def total(f, x, c):
        return sum(np.sum(y) for y in fg.tree.leaves(f(x, c)))

    x, c = np.arange(1.0, 7.0).reshape(3, 2), np.float64(2.0)
    for f, name, count in ((scanned, "scan", 2), (chosen, "switch", 1)):
        program = fg.trace(f)(x, c)
        after = simplify(program, checked=True)
        (e,) = [e for e in after.equations if e.primitive.name == name]
        assert len(e.outputs) == count
        for got, want in zip(fg.tree.leaves(after(x, c)), fg.tree.leaves(f(x, c)), strict=True):
            np.testing.assert_array_equal(got, want)
        grad = fg.grad(partial(total, f))
        np.testing.assert_allclose(fg.jit(grad)(x, c), grad(x, c), rtol=1e-13)
