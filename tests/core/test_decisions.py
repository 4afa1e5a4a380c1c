"""Decisions of Python while a function is staged: computed on the side, each equation once."""

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.core import decisions as decisions_of
from funcgrad.core.decisions import Decisions, Undecided
from funcgrad.core.staging import stage


def floored(x):
    s, total = x, 0.0
    for i in range(40):
        s = s * 0.9 + 0.01 * i
        if s < 0.2:
            s = s + 0.3
        total = total + np.log(s)
    return total


def staged(f, x, **details):
    decisions = Decisions(leaves=[x], **details)
    return stage(f, (x,), decisions=decisions), decisions


@pytest.mark.parametrize("x", [0.05, 0.4, 3.0])
def test_one_staging_follows_the_values(x):
    runs = []

    def counted(x):
        runs.append(1)
        return floored(x)

    program, decisions = staged(counted, x)
    assert len(runs) == 1
    assert len(decisions.answers) == len(decisions.asked) == len(decisions.places) == 40
    out = program.flat(x)
    assert out[0] == floored(x)
    assert tuple(map(bool, out[1:])) == decisions.answers


def test_each_equation_is_computed_once(monkeypatch):
    computed = []
    compute = decisions_of.Values._compute
    monkeypatch.setattr(
        decisions_of.Values,
        "_compute",
        lambda self, equation: computed.append(equation) or compute(self, equation),
    )
    program, _ = staged(floored, 0.4)
    assert len(computed) == len(set(map(id, computed))) <= len(program.equations)


def test_what_no_decision_needs_is_not_computed(monkeypatch):
    computed = []
    compute = decisions_of.Values._compute
    monkeypatch.setattr(
        decisions_of.Values,
        "_compute",
        lambda self, equation: computed.append(equation.primitive.name) or compute(self, equation),
    )
    staged(floored, 0.4)
    assert "log" not in computed


@pytest.mark.parametrize("most", [0, 64, 1000])
def test_forgotten_values_are_computed_again(monkeypatch, most):
    monkeypatch.setattr(decisions_of, "MOST_BYTES", most)
    program, decisions = staged(floored, 0.4)
    assert tuple(map(bool, program.flat(0.4)[1:])) == decisions.answers


def test_large_values_are_forgotten_as_they_are_computed(monkeypatch):
    x = np.linspace(0, 1, 1000)
    monkeypatch.setattr(decisions_of, "MOST_BYTES", 20 * x.nbytes)
    computed, most = [], []
    compute = decisions_of.Values._compute

    def watched(self, equation):
        computed.append(equation)
        compute(self, equation)
        most.append(sum(np.size(y) for y in self._computed.values()))

    monkeypatch.setattr(decisions_of.Values, "_compute", watched)

    def f(x):
        y, mask = x, x > 0.5
        for _ in range(300):
            y = np.where(mask, y * 1.01, y)
        for _ in range(300):
            if np.sum(y) > 0:
                y = np.where(mask, y * 0.99, y + 1e-9)
        return y

    program, _ = staged(f, x)
    assert max(most) <= 23 * x.size
    assert len(computed) <= 1.1 * len(program.equations)


def test_values_of_long_ago_are_computed_again_in_little_memory(monkeypatch):
    x = np.linspace(0, 1, 100)
    monkeypatch.setattr(decisions_of, "MOST_BYTES", 20 * x.nbytes)

    def f(x):
        ys = [x]
        for _ in range(200):
            ys.append(np.sin(ys[-1]) + x)
        return sum([1.0 if y[3] > 0.1 else y[2] for y in reversed(ys)])

    program, decisions = staged(f, x)
    assert program.flat(x)[0] == f(x)
    assert len(decisions.answers) == 201


def test_beyond_the_most_it_is_undecided():
    with pytest.raises(Undecided):
        staged(floored, 0.4, most=10)


def test_prints_and_checks_are_made_once(capsys):
    def f(x):
        fg.debug.print("x = {}", x)
        y = fg.fori_loop(0, 3, lambda i, y: y + x, x)
        return y if y > 0 else -y

    assert fg.jit(f)(2.0) == 8.0
    assert capsys.readouterr().out.count("x = 2") == 1


def test_a_decision_on_what_is_written_to():
    def f(x):
        y = np.copy(x)
        for i in range(5):
            y[i] = y[i - 1] * 1.5 + x[i]
            if y[i] > 1:
                y[i] -= 1
        return np.sum(y * y)

    x = np.linspace(0.1, 0.9, 5)
    assert np.isclose(fg.jit(f)(x), f(x))
    np.testing.assert_allclose(fg.jit(fg.grad(f))(x), fg.grad(f)(x))


@pytest.mark.parametrize("transform", [fg.grad, lambda f: fg.vmap(fg.grad(f)), lambda f: fg.hessian(f)])
def test_ways_under_transformations(transform):
    x = np.array([0.05, 0.3, 0.4])
    if "vmap" not in str(transform(floored)):
        x = 0.3
    f = transform(fg.jit(floored))
    try:
        want = transform(floored)(x)
    except fg.errors.ConcretizationError:
        with pytest.raises(fg.errors.ConcretizationError):
            f(x)
        return
    np.testing.assert_allclose(f(x), want)
    np.testing.assert_allclose(f(x), want)
