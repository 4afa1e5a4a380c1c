"""Functions written anew, with calls in place of branches, do what they did before."""

import linecache
from types import FunctionType

import numpy as np
import pytest

from funcgrad import control
from funcgrad.core import branch_syntax
from tests.control.random_branches import Writer, function_of, inputs

assert control.python_branches  # what the calls are is known with it


def rewritten(f):
    """Return the function written anew; None where there is nothing to write."""
    code = branch_syntax.rewritten(f.__code__)
    if code is None:
        return None
    new = FunctionType(code, f.__globals__, f.__name__, f.__defaults__, f.__closure__)
    new.__kwdefaults__ = f.__kwdefaults__
    return new


@pytest.mark.parametrize("seeds", range(0, 200, 20))
def test_random_functions_return_the_same_bits(seeds):
    written = 0
    for seed in range(seeds, seeds + 20):
        f = function_of(Writer(seed).source())
        g = rewritten(f)
        if g is None:
            continue
        written += 1
        for x, v in inputs(np.random.default_rng(seed), 6):
            kept = v.copy()
            with np.errstate(all="ignore"):
                assert np.array_equal(f(x, v), g(x, v), equal_nan=True), seed
            assert np.array_equal(v, kept)
    assert written > 10


def clipped(x, low=-1.0, *, high=1.0):
    if x < low:
        return low
    if x > high:
        return high
    return x


def counted(xs):
    n = 0
    for x in xs:
        if x < 0:
            continue
        n += 1
        if x > 10:
            big = x
    try:
        return n, big
    except NameError:
        return n, None


def test_arguments_have_their_defaults_and_names():
    g = rewritten(clipped)
    assert [g(-3.0), g(3.0), g(0.5), g(3.0, high=5.0), g(-3.0, -2.0)] == [-1.0, 1.0, 0.5, 3.0, -2.0]
    assert g.__name__ == "clipped" and g.__code__.co_firstlineno == clipped.__code__.co_firstlineno


def test_variables_without_a_value_have_none_after():
    g = rewritten(counted)
    assert g([1, -1, 2]) == (2, None) == counted([1, -1, 2])
    assert g([1, 20]) == (2, 20)


def test_lambdas_methods_and_closures_are_written_too():
    factor = 3.0
    sign = lambda x: factor if x > 0 else -factor

    class Model:
        __scale = 2.0

        def call(self, x):
            if x > 0:
                x = self.__scale * x
            return factor * x

    assert rewritten(sign)(2.0) == 3.0 and rewritten(sign)(-2.0) == -3.0
    assert rewritten(Model.call)(Model(), 2.0) == 12.0


def test_and_or_and_not_stop_where_they_did():
    asked = []

    def ask(x):
        asked.append(x)
        return x

    def f(a, b, c):
        s = 0
        if (ask(a) and not ask(b)) or ask(c):
            s = 1
        return s

    g = rewritten(f)
    for a in (0, 1):
        for b in (0, 1):
            for c in (0, 1):
                asked.clear()
                expected = f(a, b, c), [*asked]
                asked.clear()
                assert (g(a, b, c), asked) == expected


def test_names_of_nested_functions_are_their_own():
    def f(x):
        def double(s, *more):
            t = 2 * s
            return t

        s, t = x, 1
        if x > 0:
            s, t = double(x), 3
        total = sum(s for s in (s, t))
        return (lambda s: s + total)(t)

    assert [rewritten(f)(x) for x in (2, -2)] == [f(2), f(-2)]


def reads_within(x):
    def inner():
        def innermost():
            x = 1
            return x

        return x + innermost()

    if x < 0:
        x = -x + inner()
    return x


def reads_later(x):
    later = (x + k for k in range(2))
    if x < 0:
        x = -x
    return sum(later)


def reads_beside_a_comprehension(x):
    inner = lambda: [x for x in (1, 2)] + [x]
    if x < 0:
        x = -x + inner()[-1]
    return x


def raises(x):
    if x < 0:
        raise ValueError
    return x


def breaks(x):
    for _ in range(3):
        if x < 0:
            break
        x = x - 1
    return x


def appends(x):
    seen = []
    if x < 0:
        seen.append(x)
    return seen


def prints(x):
    if x < 0:
        x = print(x)
    return x


def writes(x):
    y = np.zeros(2)
    if x < 0:
        y[0] = x
    return y


def named(x):
    if x < 0:
        x = (y := x) + y
    return x


def captures(x):
    def inner():
        return x

    if inner() < 0:
        x = 0.0
    return inner()


def walks(x):
    if x < 0:
        x = np.add(x, x, out=None)
    return x


def tries(x):
    try:
        if x < 0:
            x = -x
    except ValueError:
        pass
    return x


@pytest.mark.parametrize(
    "f",
    [
        reads_later,
        reads_within,
        reads_beside_a_comprehension,
        raises,
        breaks,
        appends,
        prints,
        writes,
        named,
        captures,
        walks,
        tries,
    ],
)
def test_what_does_more_than_compute_stays(f):
    assert rewritten(f) is None


def test_sources_that_are_not_at_hand_or_not_the_same_are_not_written():
    source = "def f(x):\n    if x > 0:\n        x = 2 * x\n    return x\n"
    f = function_of(source)
    name = f.__code__.co_filename
    linecache.cache[name] = len(source), None, source.replace("2", "3").splitlines(keepends=True), name
    assert rewritten(f) is None
    del linecache.cache[name]
    assert rewritten(function_of(source)) is not None
    module = {}
    exec(source, module)
    assert rewritten(module["f"]) is None


def test_two_lambdas_of_one_line_are_not_told_apart():
    pair = (lambda x: x if x > 0 else -x), (lambda x: x if x > 0 else 2 * x)
    assert rewritten(pair[0]) is None
