"""Where scratch buffers lie: never two that are needed together at one place, and little memory in all."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import funcgrad as fg
from funcgrad.compile.loopir.expression import Buffer
from funcgrad.compile.loopir.nest import leaves
from funcgrad.compile.schedule.memory import LINE_BYTES, lifetimes, placed
from tests.compile.schedule.loop_interpreter import lowered
from tests.compile.schedule.test_random_fusion import STEPS, program

BYTE = np.dtype(np.uint8)
LIVES = st.lists(st.tuples(st.integers(0, 700), st.integers(0, 12), st.integers(0, 6)), max_size=25)


def check(lives, offsets, total):
    """No two buffers whose lives meet overlap; each lies on a cache line within the whole."""
    assert set(offsets) == set(lives)
    places = [
        (offsets[b], offsets[b] + b.size * b.dtype.itemsize, first, last)
        for b, (first, last) in lives.items()
    ]
    for k, (low, high, first, last) in enumerate(places):
        assert low % LINE_BYTES == 0 and 0 <= low <= high <= total
        for other_low, other_high, other_first, other_last in places[:k]:
            meet = first <= other_last and other_first <= last
            assert not meet or high <= other_low or other_high <= low


@settings(max_examples=200, deadline=None)
@given(LIVES)
def test_random_lives(given_lives):
    lives = {Buffer("scratch", (n,), BYTE): (first, first + length) for n, first, length in given_lives}
    offsets, total = placed(lives, {})
    check(lives, offsets, total)
    steps = [
        sum(-(-max(b.size, 1) // LINE_BYTES) * LINE_BYTES for b, (a, z) in lives.items() if a <= k <= z)
        for k in range(20)
    ]
    assert max(steps, default=0) <= total <= sum(-(-max(b.size, 1) // LINE_BYTES) * LINE_BYTES for b in lives)


def test_nothing_needs_nothing():
    assert placed({}, {}) == ({}, 0)


def test_memory_is_used_again():
    x, y, z = (Buffer("scratch", (1000,), BYTE) for _ in range(3))
    offsets, total = placed({x: (0, 1), y: (1, 2), z: (2, 3)}, {})
    assert offsets[x] == offsets[z] != offsets[y] and total == 2048


def test_a_chain_of_products_needs_two_places():
    x = np.random.default_rng(0).standard_normal((40, 40))

    def chain(x):
        y = x
        for _ in range(9):
            y = np.tanh(x @ y)
        return y

    module = lowered(fg.trace(chain)(x))
    assert 1 <= module.scratch / x.nbytes <= 3
    np.testing.assert_allclose(fg.jit(chain)(x), chain(x), rtol=1e-9, atol=1e-9)


def test_a_long_loop_written_in_place_needs_few():
    def steps(x):
        y = x * 1.5
        for i in range(1, len(x)):
            y[i] += np.sin(y[i - 1])
        return np.sum(y)

    for n in (100, 200):
        x = np.linspace(0, 1, n)
        module = lowered(fg.trace(steps)(x))
        assert module.scratch <= 6 * x.nbytes, "not an array for each write"
    np.testing.assert_allclose(fg.jit(steps)(x), steps(x), rtol=1e-12)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(STEPS, st.integers(0, 2**31))
def test_buffers_of_random_programs(steps, seed):
    rng = np.random.default_rng(seed)
    args = (
        rng.standard_normal((3, 7)),
        rng.standard_normal(7),
        rng.integers(-4, 5, (3, 7)),
        rng.integers(0, 2, 7).astype(bool),
    )
    with np.errstate(all="ignore"):
        module = lowered(fg.trace(program(steps))(*args))
    lives = {b: life for b, life in lifetimes(module.steps).items() if b not in module.local}
    check(lives, module.offsets, module.scratch)
    for number, nodes in enumerate(module.steps):
        for node in nodes:
            for leaf in leaves(node):
                for access in leaf.statement.accesses:
                    if access.buffer in lives:
                        first, last = lives[access.buffer]
                        assert first <= number <= last


def test_what_lies_together_has_one_place_for_both_lives():
    x, y, z = (Buffer("scratch", (1000,), BYTE) for _ in range(3))
    offsets, total = placed({x: (0, 1), y: (1, 3), z: (2, 3)}, {y: x})
    assert offsets[x] == offsets[y] != offsets[z] and total == 2048


def test_a_carry_that_is_written_in_place_is_in_memory_once():
    def summed(x, places):
        def step(carry, i):
            new = carry.copy()
            new[i] += x
            return new, None

        return fg.scan(step, fg.numpy.outer(fg.numpy.arange(100.0), x), places)[0] * 2.0

    x, places = np.arange(4.0), np.array([3, 3, 99, 0])
    compiled = fg.jit(summed)
    assert compiled.lower(x, places).cost().peak_scratch < 1.2 * 100 * 4 * 8
    np.testing.assert_allclose(compiled(x, places), summed(x, places))
    twice = fg.jit(lambda x, places: (summed(x, places), summed(x, places[::-1])))
    for got in twice(x, places):
        np.testing.assert_allclose(got, summed(x, places))
