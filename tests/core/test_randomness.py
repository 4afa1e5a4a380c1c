# ruff: noqa: NPY002, B008
"""Random numbers drawn while a function is traced: told of, once, with the line; and nothing told where it is right."""

import random
import subprocess
import sys
import threading
import types
import warnings
from functools import partial

import numpy as np
import pytest
from numpy.random import normal

import funcgrad as fg
from funcgrad.core import randomness
from funcgrad.core.reachable import MOST_LOOKED_AT, Reachable
from funcgrad.errors import RandomnessWarning

X = np.ones(3)
RNG = np.random.default_rng(0)
HELD = types.SimpleNamespace(
    rng=np.random.default_rng(1), inner=types.SimpleNamespace(rng=np.random.RandomState(3))
)
MODULE = types.ModuleType("elsewhere")
MODULE.rng = np.random.Generator(np.random.Philox(3))


@pytest.fixture(autouse=True)
def nothing_told_yet():
    randomness._SEEN.clear()


class Model:
    def __init__(self):
        self.rng = np.random.default_rng(2)

    def noisy(self, x):
        return x * self.rng.normal()

    __call__ = noisy


def helper(x):
    return x + RNG.random(3)


def bound(x, rng, more=()):
    return x * (more[0] if more else rng).normal()


def closed_over(rng):
    return lambda x: x * rng.normal(size=3)


SOURCES = {
    "global generator": lambda x: x * np.random.normal(),
    "its function": lambda x: x * normal(size=3),
    "Generator by name": lambda x: x * RNG.normal(),
    "Generator in a closure": closed_over(np.random.default_rng(0)),
    "RandomState": closed_over(np.random.RandomState(0)),
    "another bit generator": closed_over(np.random.Generator(np.random.SFC64(0))),
    "Mersenne Twister": closed_over(np.random.Generator(np.random.MT19937(0))),
    "attribute": lambda x: x * HELD.rng.normal(),
    "attribute of an attribute": lambda x: x * HELD.inner.rng.rand(),
    "module": lambda x: x * MODULE.rng.normal(),
    "bound method": Model().noisy,
    "object that is called": lambda x, model=Model(): model(x),
    "partial": lambda x: partial(bound, rng=RNG)(x),
    "default": lambda x, rng=np.random.default_rng(0): x * rng.random(),
    "list": lambda x, rngs=[RNG]: x * rngs[0].random(),
    "dict": lambda x, rngs={"a": RNG}: x * rngs["a"].random(),
    "called function": lambda x: helper(x) * 2,
    "function inside": lambda x: (lambda y: y * RNG.random())(x),
    "method": lambda x, draw=RNG.random: x * draw(),
    "Python's": lambda x: x * random.random(),
    "Python's object": lambda x, rng=random.Random(0): x * rng.gauss(),
}  # fmt: skip


def told(f, *args):
    """Return the warnings of a call."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        f(*args)
    return [w for w in found if w.category is RandomnessWarning]


@pytest.mark.parametrize("name", SOURCES)
def test_every_source(name):
    (w,) = told(fg.jit(SOURCES[name]), X)
    assert "drawn once" in str(w.message) and w.filename == __file__
    assert len(told(fg.vmap(SOURCES[name]), np.ones((2, 3)))) == 1


def test_normal_numbers_come_in_pairs():
    """Of two, a RandomState keeps one for later: its state in the table does not change."""
    f = lambda x: x * np.random.normal()
    np.random.seed(0)
    assert [len(told(fg.trace(f), X)) for _ in range(5)] == [1] * 5


TRANSFORMED = {
    "jit": lambda f: fg.jit(f)(X),
    "trace": lambda f: fg.trace(f)(X),
    "vmap": lambda f: fg.vmap(f)(X),
    "scan": lambda f: fg.scan(lambda c, x: (f(c), x), X, X),
    "fori_loop": lambda f: fg.fori_loop(0, 3, lambda i, c: f(c), X),
    "while_loop": lambda f: fg.while_loop(lambda c: np.sum(c) < 5, lambda c: f(c) * 0 + 9, X),
    "condition": lambda f: fg.while_loop(lambda c: np.sum(c + 0 * f(c)) < 5, lambda c: c + 9, X),
    "cond": lambda f: fg.cond(True, f, lambda x: x, X),
    "switch": lambda f: fg.switch(1, [f, lambda x: x], X),
    "map": lambda f: fg.control.map(f, X),
    "jit of vmap": lambda f: fg.jit(fg.vmap(f))(X),
    "vmap of vmap": lambda f: fg.vmap(fg.vmap(f))(np.ones((2, 3))),
    "jit of scan": lambda f: fg.jit(lambda x: fg.scan(lambda c, x: (f(c), x), x, x))(X),
    "jit of grad": lambda f: fg.jit(fg.grad(lambda x: np.sum(f(x))))(X),
    "grad of jit": lambda f: fg.grad(lambda x: np.sum(fg.jit(f)(x)))(X),
    "a Python decision": lambda f: fg.jit(lambda x: f(x) if x[0] > 0 else x)(X),
}


@pytest.mark.parametrize("name", TRANSFORMED)
def test_whatever_traces_it_tells_of_it_once(name):
    found = told(TRANSFORMED[name], lambda x: x * RNG.normal())
    assert len({str(w.message) for w in found}) == 1
    assert "<lambda>" in str(found[0].message) and found[0].lineno > 100
    with warnings.catch_warnings(record=True) as once:
        warnings.simplefilter("default")
        randomness._SEEN.clear()
        TRANSFORMED[name](lambda x: x * RNG.normal())
    assert sum(w.category is RandomnessWarning for w in once) == 1


RIGHT = {
    "grad": lambda f: fg.grad(lambda x: np.sum(f(x)))(X),
    "vjp": lambda f: fg.vjp(f, X),
    "jvp": lambda f: fg.jvp(f, (X,), (X,)),
    "linearize": lambda f: fg.linearize(f, X),
    "jacobian": lambda f: fg.jacobian(f)(X),
    "jacfwd": lambda f: fg.jacfwd(f)(X),
    "hessian": lambda f: fg.hessian(lambda x: np.sum(f(x)))(X),
    "checkpoint": lambda f: fg.grad(lambda x: np.sum(fg.checkpoint(f)(x)))(X),
    "plain": lambda f: f(X),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_runs_the_function_anew_each_time_is_right(name):
    assert not told(RIGHT[name], lambda x: x * x * RNG.normal() + np.random.normal())


@pytest.mark.parametrize("name", TRANSFORMED)
def test_nothing_is_told_where_nothing_is_drawn(name):
    rng = np.random.default_rng(0)

    def f(x):
        own = np.random.default_rng(5)  # the same numbers in each call, in plain Python too
        return x * own.normal() if x.ndim else x * (rng is not None)

    RNG.normal()
    assert not told(TRANSFORMED[name], f)


def test_host_callbacks_draw_anew():
    f = fg.jit(lambda x: x * fg.pure_callback(lambda x: RNG.normal(size=3), fg.ArrayType((3,), float), x))
    assert not told(f, X)
    assert not np.array_equal(f(X), f(X))


def test_the_line_that_draws():
    def f(x):
        y = np.sin(x)
        return y * RNG.normal()

    (w,) = told(fg.jit(f), X)
    assert w.lineno == f.__code__.co_firstlineno + 2
    assert str(w.message).startswith("jit of f: random numbers were drawn from a Generator")
    assert str(w.message).endswith(f"At {__file__}:{w.lineno}, in f")


def test_what_another_thread_draws_is_not_this_ones():
    stop = threading.Event()

    def draw():
        while not stop.is_set():
            np.random.normal()
            random.random()

    def f(x):
        for _ in range(300):
            x = x + 1
        return x

    other = threading.Thread(target=draw)
    other.start()
    try:
        assert not any(told(fg.trace(f), X) for _ in range(20))
        assert len(told(fg.trace(lambda x: x * np.random.normal()), X)) == 1
    finally:
        stop.set()
        other.join()


def test_each_thread_has_its_own():
    found = []

    def run(k):
        rng = np.random.default_rng(k)
        found.append(fg.trace(lambda x: x * rng.normal())(X))

    with pytest.warns(RandomnessWarning):
        threads = [threading.Thread(target=run, args=(k,)) for k in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    assert len(found) == 4


def test_a_function_that_fails_leaves_nothing_behind():
    def f(x):
        RNG.normal()
        raise ZeroDivisionError

    def outer(x):
        with pytest.raises(ZeroDivisionError):
            fg.vmap(f)(x)
        return x

    with pytest.raises(ZeroDivisionError):
        fg.jit(f)(X)
    assert randomness._active.innermost is None
    assert len(told(fg.jit(outer), X)) == 1 and not told(fg.jit(lambda x: x), X)


def test_it_looks_at_few_things():
    """However much a function can reach."""

    big = {k: [np.ones(1)] * 1000 for k in range(10_000)}
    deep = []
    for _ in range(1000):
        deep = [deep, RNG]
    found = Reachable(lambda x: (big, deep, x), (np.random.Generator,))
    assert found.found == [RNG] and len(found.codes) == 1 and MOST_LOOKED_AT < 1000


def test_a_generator_that_is_loaded_meanwhile():
    for function, count in (("np.random.normal()", 1), ("np.random.default_rng(0).normal()", 0)):
        program = (
            "import sys, warnings, numpy as np, funcgrad as fg\n"
            "loaded = 'numpy.random' in sys.modules\n"
            "with warnings.catch_warnings(record=True) as found:\n"
            "    warnings.simplefilter('always')\n"
            f"    fg.trace(lambda x: x * {function})(1.0)\n"
            "print(loaded, len(found))"
        )
        out = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        ).stdout
        assert out.split()[1] == str(count)


def test_a_function_on_the_host_draws_for_each_example():
    rng = np.random.default_rng(0)
    draw = lambda x: fg.pure_callback(lambda v: v + rng.normal(), fg.ArrayType((), float), x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = fg.vmap(draw)(np.zeros(3))
    assert len(set(first)) == 3
    with pytest.warns(fg.RandomnessWarning):
        fg.vmap(lambda x: rng.normal() + draw(x) + rng.normal())(np.zeros(3))
