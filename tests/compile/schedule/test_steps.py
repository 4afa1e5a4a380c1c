"""Long programs that repeat themselves: loops are shared within a step, and equal steps are compiled once."""

import re
import warnings

import numpy as np
import pytest

import funcgrad as fg

SIZE = 5000  # numbers: a loop over them is written out rather than rolled


def steps(turns):
    def f(x):
        a, b = x, 0.5 * x
        for _ in range(turns):
            c = np.sqrt(1 + a * a + b * b)
            a, b = (a * np.cos(c) - b * np.sin(c)) / c, (a * np.sin(c) + b * np.cos(c)) / c
        return np.sum(a * b)

    return fg.grad(f)


def nests(turns):
    """Return how many loops there are, and how many functions they are compiled as."""
    lowered = fg.jit(steps(turns)).lower(fg.ArrayType((SIZE,), float))
    assert not any(e.primitive.name == "scan" for e in lowered.program.equations)
    loops = len(re.findall(rf"^    for \w+ in range\({SIZE}\)", lowered.loops, re.M))
    return loops, len(re.findall(r"^define internal i32 @fg_nest", lowered.llvm, re.M))


@pytest.fixture(autouse=True)
def no_advice():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def test_equal_steps_are_compiled_once():
    few, many = nests(24), nests(48)
    assert many[1] <= few[1] + 2, (few, many)  # functions
    assert many[0] <= 2.2 * few[0]
    assert many[0] <= 6 * 48  # several equations share a loop


def test_values():
    x = np.linspace(0.1, 1, SIZE)
    f = steps(24)
    np.testing.assert_allclose(fg.jit(f)(x), f(x), rtol=1e-9, atol=1e-12)


def test_what_does_not_repeat_shares_loops_as_well():
    rng = np.random.default_rng(0)
    plan = rng.integers(0, 5, 220)
    operations = [np.sin, np.exp, lambda x: x * x, lambda x: 1 / (2 + x * x), lambda x: x - 0.25]

    def f(x):
        for k in plan:
            x = operations[k](x) * 0.3
        return np.sum(x)

    lowered = fg.jit(fg.grad(f)).lower(fg.ArrayType((SIZE,), float))
    loops = len(re.findall(rf"^    for \w+ in range\({SIZE}\)", lowered.loops, re.M))
    assert loops < len(lowered.program.equations) / 10
    x = np.linspace(0.1, 1, SIZE)
    np.testing.assert_allclose(fg.jit(f)(x), f(x), rtol=1e-9)
