"""Index arithmetic equals integer arithmetic at every point of the loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from funcgrad.compile.loopir.index import (
    Counter,
    Index,
    Interval,
    Quotient,
    Remainder,
    flatten_index,
    split_index,
)
from tests.compile.schedule.loop_interpreter import evaluate_index, points

LOOPS = tuple(Counter(n) for n in (1, 2, 3, 5, 8))
STEPS = st.lists(
    st.tuples(st.sampled_from("+-*/%cl"), st.integers(-9, 9), st.integers(1, 12)), min_size=1, max_size=8
)
SHAPES = st.lists(st.integers(1, 5), min_size=0, max_size=4).map(tuple)


def built(steps):
    """Return an index, never negative where it is divided, and the function of a point it should be."""
    index, value = Index(), lambda env: 0
    for op, k, divisor in steps:
        loop = LOOPS[k % len(LOOPS)]
        if op == "l":
            index, value = index + Index.of(loop) * divisor, _plus(value, loop, divisor)
        elif op == "-":
            index, value = index - Index.of(loop) * divisor, _plus(value, loop, -divisor)
        elif op == "c":
            index, value = index + k, (lambda env, f=value, k=k: f(env) + k)
        elif op == "+":
            other = (index + divisor - index.bounds()[0]) // divisor
            low = index.bounds()[0]
            index = index + other
            value = lambda env, f=value, low=low, d=divisor: f(env) + (f(env) + d - low) // d
        elif op == "*":
            index, value = index * k, (lambda env, f=value, k=k: f(env) * k)
        else:
            low = min(index.bounds()[0], 0)
            index, value = index + -low, (lambda env, f=value, low=low: f(env) - low)
            if op == "/":
                index, value = index // divisor, (lambda env, f=value, d=divisor: f(env) // d)
            else:
                index, value = index % divisor, (lambda env, f=value, d=divisor: f(env) % d)
    return index, value


def _plus(value, loop, factor):
    return lambda env: value(env) + factor * env[loop]


@settings(max_examples=300, deadline=None)
@given(STEPS)
def test_arithmetic(steps):
    index, value = built(steps)
    low, high = index.bounds()
    for env in points(LOOPS):
        got = evaluate_index(index, env)
        assert got == value(env)
        assert low <= got <= high
    for env in points(LOOPS[:1]):
        assert evaluate_index(index - index, env) == 0


@settings(max_examples=300, deadline=None)
@given(STEPS, st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), min_size=5, max_size=5))
def test_narrowed(steps, ends):
    """Within narrower bounds, an index and what is left of it are equal."""
    index, value = built(steps)
    within = {}
    for loop, (a, b) in zip(LOOPS, ends, strict=True):
        low, high = sorted((a % loop.extent, b % loop.extent))
        within[loop] = Interval(low, high)
    narrowed = index.narrowed(within)
    for env in points(LOOPS):
        if all(within[loop].low <= env[loop] <= within[loop].high for loop in LOOPS):
            assert evaluate_index(narrowed, env) == value(env)


@settings(max_examples=150, deadline=None)
@given(STEPS, STEPS, st.integers(-20, 20))
def test_equal_indices_have_equal_values(first, second, k):
    (x, f), (y, g) = built(first), built(second)
    total = x + y + k
    assert total == y + x + k and hash(total) == hash(y + x + k)
    for env in points(LOOPS)[::7]:
        assert evaluate_index(total, env) == f(env) + g(env) + k
        assert evaluate_index(x - y, env) == f(env) - g(env)
    if x == y:
        assert all(f(env) == g(env) for env in points(LOOPS))


@settings(max_examples=150, deadline=None)
@given(SHAPES)
def test_split_is_the_inverse_of_flatten(shape):
    loops = tuple(Counter(n) for n in shape)
    index = tuple(map(Index.of, loops))
    flat = flatten_index(index, shape)
    assert flat.bounds() == (0, int(np.prod(shape, dtype=int)) - 1)
    assert split_index(flat, shape) == index, "no division is left"
    for env in points(loops):
        place = tuple(env[loop] for loop in loops)
        assert evaluate_index(flat, env) == (np.ravel_multi_index(place, shape) if shape else 0)


@settings(max_examples=150, deadline=None)
@given(SHAPES, SHAPES)
def test_a_reshape_and_back_again_is_nothing(shape, other):
    """Whatever the two shapes, even where their axes do not line up."""
    n = int(np.prod(shape, dtype=int))
    other = (*other, n)
    other_size = int(np.prod(other, dtype=int))
    loops = tuple(Counter(m) for m in shape)
    index = tuple(map(Index.of, loops))
    flat = flatten_index(index, shape)
    there = split_index(flat, other)
    for env in points(loops):
        place = tuple(evaluate_index(i, env) for i in there)
        flat_place = evaluate_index(flat, env)
        assert place == tuple(int(k) for k in np.unravel_index(flat_place, other)), (shape, other, other_size)
    assert flatten_index(there, other) == flat
    assert split_index(flatten_index(there, other), shape) == index


def test_what_bounds_tell():
    i, j = Counter(4), Counter(8)
    both = Index.of(i) * 8 + Index.of(j)
    assert both // 8 == Index.of(i) and both % 8 == Index.of(j)
    assert (both + 3) // 32 == Index({}, 0) + (both + 3) // 32
    assert (both // 3) * 3 + both % 3 == both, "quotient and remainder are put together again"
    assert both * 2 // 16 == Index.of(i) and (both * 2) % 16 == Index.of(j) * 2
    assert type(next(iter((both // 3).terms))) is Quotient
    assert type(next(iter((both % 3).terms))) is Remainder
    assert Index.of(Counter(1)) == Index(), "the counter of a loop that runs once is 0"
    assert set((both // 3).loops()) == {i, j} and not (both // 3).is_affine() and both.is_affine()
    assert both.without(i) == Index.of(j) and both.coefficient(i) == 8 and both.without(Counter(4)) == both


@pytest.mark.parametrize("n", [1, 2, 7])
def test_reversed_counters(n):
    loop = Counter(n)
    backwards = Index.of(loop) * -1 + (n - 1)
    assert backwards.bounds() == (0, n - 1)
    assert [evaluate_index(backwards, env) for env in points((loop,))] == list(range(n))[::-1]
    assert backwards * -1 + (n - 1) == Index.of(loop)
