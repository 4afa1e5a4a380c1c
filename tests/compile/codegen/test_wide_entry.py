"""The entry of many arguments and results: as that of few; and its text grows with the kinds, not with their number."""

import gc
import re
import sys

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.compile.codegen.wide_entry import WIDE_ARGUMENTS

N = WIDE_ARGUMENTS
KINDS = [
    np.ones(3),
    np.arange(6).reshape(2, 3),
    np.float32(2.5),
    np.array([], np.float32),
    1.5,
    7,
    2 - 1j,
    True,
]
ARGUMENTS = [KINDS[k % len(KINDS)] for k in range(N)]


def double(*xs):
    return [x * 2 for x in xs]


def same(got, want):
    assert type(got) is type(want) and got.dtype == want.dtype and np.shape(got) == np.shape(want)
    np.testing.assert_array_equal(got, want)


def check(f, xs):
    for got, want in zip(f(*xs), double(*xs), strict=True):
        same(got, np.asarray(want)[()] if np.ndim(want) == 0 else want)


def test_arguments_of_every_kind():
    f = fg.jit(double)
    for _ in range(3):
        check(f, ARGUMENTS)
    check(f, [np.asfortranarray(x) if isinstance(x, np.ndarray) else x for x in ARGUMENTS])
    check(f, [x[()] if isinstance(x, np.ndarray) else x for x in ARGUMENTS])


def test_one_that_differs():
    f = fg.jit(double)
    check(f, ARGUMENTS)
    for k in (0, 1, 2, N - 1):
        for other in (np.ones((4, 1)), np.ones(3, np.float32), np.ones((2, 3))[:, ::-1], 2**40, 1j):
            check(f, [*ARGUMENTS[:k], other, *ARGUMENTS[k + 1 :]])


def test_one_result_of_many_arguments_and_many_of_one():
    assert fg.jit(lambda *xs: sum(xs))(*map(float, range(N))) == sum(range(N))
    same(fg.jit(lambda *xs: sum(x.sum() for x in xs) * xs[0])(*[np.ones(2)] * N), np.full(2, 2.0 * N))
    big = np.ones(20_000)
    f = fg.jit(lambda x: [x * k for k in range(N)])
    for _ in range(3):
        out = f(big)
        assert [y[-1] for y in out] == [*range(N)] and len({y.ctypes.data for y in out}) == N
    assert [*fg.jit(lambda: tuple(np.ones(2) * k for k in range(N)))()[N - 1]] == [N - 1] * 2


CALLS = {
    "right": (lambda xs, i: double(*xs), None),
    "numbers": (lambda xs, i: [x.sum() for x in xs], None),
    "out of bounds": (lambda xs, i: [*double(*xs), xs[0][i]], IndexError),
    "singular": (
        lambda xs, i: [*double(*xs), np.linalg.inv(xs[0][0] * np.zeros((3, 3))) + i],
        np.linalg.LinAlgError,
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_no_reference_is_lost_or_kept(name):
    function, error = CALLS[name]
    errors = () if error is None else (error,)
    f = fg.jit(function)
    x, index = np.ones(3), np.array([10**6])

    def repeat(count):
        for _ in range(count):
            try:
                f([x] * N, index)
            except errors:
                pass

    repeat(30)
    gc.collect()  # what compiling left behind
    things = (x, index, None, float)
    before, objects = [*map(sys.getrefcount, things)], len(gc.get_objects())
    repeat(500)
    gc.collect()
    after = [*map(sys.getrefcount, things)]
    assert all(abs(a - b) < 20 for a, b in zip(before, after, strict=True)), (before, after)
    assert abs(len(gc.get_objects()) - objects) < 200
    if error:
        with pytest.raises(error):
            f([x] * N, index)


def test_its_text_grows_with_the_kinds():
    def lines(n):
        text = fg.jit(double).lower(*[KINDS[k % len(KINDS)] for k in range(n)]).llvm
        functions = re.findall(
            r"^define [^\n]*@fg_(?:entry|reader|maker|finisher|drop).*?^}", text, re.M | re.S
        )
        return sum(f.count("\n") for f in functions)

    assert lines(N) == lines(8 * N)
