"""What is kept of programs is found again for equal ones, and lets go of the arrays of those that are gone."""

import gc
import weakref

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.programs import memo
from funcgrad.programs.memo import forget_all, memoized


def program(array):
    return fg.trace(lambda x: x * array)(np.ones_like(array))


@pytest.mark.parametrize("count", [10, 2000, 100_000], ids=["little", "some", "much"])
def test_each_result_is_derived_once(count):
    asked = []

    @memoized
    def derived(program, more=0):
        asked.append((program, more))
        return object()

    first, equal, other = (program(np.full(count, x)) for x in (1.5, 1.5, 2.5))
    assert derived(first) is derived(first) and derived(first, 1) is derived(first, 1) is not derived(first)
    assert derived(other) is not derived(first)
    if count < 100_000:
        assert derived(equal) is derived(first) and len(asked) == 3
    forget_all()
    if count < 100_000:
        assert derived(first) is not None and len(asked) == 4


def test_arrays_of_functions_that_are_gone_are_bounded():
    size = 1 << 19
    alive = []
    for k in range(150):
        array = np.full(size // 8, float(k))
        alive.append(weakref.ref(array))
        f = fg.jit(lambda x, array=array: np.sum(x * array))
        f(2.0), fg.grad(f)(2.0)
        del array, f
    gc.collect()
    assert size * sum(ref() is not None for ref in alive) <= memo.KEPT_ALIVE_BYTES
    forget_all()
    gc.collect()
    assert not any(ref() is not None for ref in alive)


def test_what_is_in_use_is_not_derived_again(monkeypatch):
    monkeypatch.setattr(memo, "KEPT_ALIVE_BYTES", 100_000)
    asked = []

    @memoized
    def derived(program):
        asked.append(program)
        return object()

    programs = [program(np.full(5000, x)) for x in range(20)]
    for _ in range(3):
        for each in programs:
            derived(each)
    assert len(asked) == 20
