"""Whole division, native: NumPy's quotients and remainders for every sign, zero and limit."""

from functools import partial

import numpy as np
import pytest

import funcgrad as fg

KINDS = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("function", [np.floor_divide, np.remainder])
def test_whole_division(function, kind):
    limits = np.iinfo(kind)
    low = [-7, -2, -1] if limits.min < 0 else [5, 6]
    values = np.array([limits.min, limits.min + 1, *low, 0, 1, 2, 3, 7, limits.max - 1, limits.max], kind)
    x, y = (a.ravel() for a in np.meshgrid(values, values))
    compiled = fg.jit(lambda x, y: function(x, y))
    np.testing.assert_array_equal(compiled(x, y), function(x, y), strict=True)
    assert "numpy:" not in str(compiled.lower(x, y).loops)


def test_a_counter_in_a_loop_is_divided_natively():
    f = fg.jit(
        lambda x: fg.fori_loop(0, 20, lambda i, c: fg.cond(i % 3 == 0, lambda: c + i // 2, lambda: c), x)
    )
    assert f(0) == sum(i // 2 for i in range(20) if i % 3 == 0)
    assert "numpy:" not in str(f.lower(0).loops)


# Python ints that a dtype may not have, against NumPy.

INTEGERS = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64, np.bool_]
NUMBERS = [
    -(2**70),
    -(2**63) - 1,
    -(2**63),
    -129,
    -128,
    -1,
    0,
    1,
    127,
    128,
    255,
    256,
    300,
    2**40,
    2**63,
    2**64,
    2**70,
]
BY_VALUE = [np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal]
WITH_NUMBER = [
    *BY_VALUE,
    *(
        np.add,
        np.subtract,
        np.multiply,
        np.maximum,
        np.minimum,
        np.floor_divide,
        np.remainder,
        np.bitwise_and,
    ),
    lambda x, n: np.clip(x, n, None),
    lambda x, n: np.clip(x, None, n),
    lambda x, n: np.clip(x, -1, n),
    lambda x, n: np.full_like(x, n),
    lambda x, n: np.full((2,), n, x.dtype),
    lambda x, n: x * 0.5 + n,
]


def _some(dtype):
    limits = np.iinfo(dtype) if dtype is not np.bool_ else None
    return np.array([0, 1, 44, limits.min, limits.max] if limits else [False, True], dtype)


def _outcome(f, *args):
    try:
        with np.errstate(all="ignore"):
            return np.asarray(f(*args))
    except (OverflowError, TypeError) as error:
        return OverflowError if isinstance(error, OverflowError) else TypeError


def _with(f, n, x):
    return f(x, n)


def _agree(got, want):
    if isinstance(want, type) or isinstance(got, type):
        return got is want
    return got.dtype == want.dtype and np.array_equal(got, want)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_numbers_that_may_not_fit_give_what_numpy_gives(dtype):
    x = _some(dtype)
    wrong = []
    for f in WITH_NUMBER:
        kept = [n for n in NUMBERS if not isinstance(_outcome(f, x, n), type)]
        refused = [n for n in NUMBERS if n not in kept]
        together = fg.jit(lambda x, f=f, kept=kept: [f(x, n) for n in kept])(x)
        wrong += [(f, n) for n, y in zip(kept, together, strict=True) if not _agree(y, _outcome(f, x, n))]
        for n in refused:
            want = _outcome(f, x, n)
            for transform in (fg.jit, fg.vmap, fg.trace):
                if not _agree(_outcome(transform(partial(_with, f, n)), x), want):
                    wrong.append((f, n))
    assert not wrong


def test_integers_are_compared_by_value():
    arrays = [_some(dtype) for dtype in INTEGERS]
    for x in arrays:
        for y in arrays:
            together = fg.jit(lambda x, y: [op(x[:, None], y) for op in BY_VALUE])(x, y)
            for op, got in zip(BY_VALUE, together, strict=True):
                np.testing.assert_array_equal(got, op(x[:, None], y), err_msg=f"{op} {x.dtype} {y.dtype}")


def test_a_traced_number_is_compared_by_value():
    x = _some(np.uint8)
    for n in (-1, 0, 255, 256, 300):
        np.testing.assert_array_equal(fg.jit(lambda x, n: x < n)(x, n), x < n)


def test_numbers_written_must_fit():
    def f(x, n):
        y = x * 1
        y[0] = n
        return y

    for g in (fg.jit, fg.trace, fg.vmap):
        with pytest.raises(OverflowError):
            g(lambda x: f(x, 300))(np.ones((2, 2), np.uint8))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("source", [np.float32, np.float64])
def test_numbers_above_half_of_what_uint64_holds(source):
    """The upper half is no signed integer; beyond it, and for nan and negative numbers, as NumPy on x86."""
    x = np.array(
        [0.0, 3.7, 1e18, 2.0**63, 1.5e19, np.nextafter(source(2.0**64), source(0)), -1.0, -5.5], source
    )
    for n in (1, 3, len(x)):  # of every path that vectorizes
        compiled = fg.jit(lambda x: x.astype(np.uint64))
        np.testing.assert_array_equal(compiled(x[-n:]), x[-n:].astype(np.uint64), strict=True)
        assert "numpy:" not in str(compiled.lower(x[-n:]).loops)
