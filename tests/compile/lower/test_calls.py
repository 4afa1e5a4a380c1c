"""Loops and branches read parts of arrays where they lie, if the elements lie so; else from a copy."""

import re

import numpy as np
import pytest

import funcgrad as fg
from tests.guarded_memory import guarded

# Keys of an array of shape (7, 6, 5), by which a loop goes along the result; and whether it is read where it lies.
KEYS = {
    "all": ((), True),
    "from the second": ((slice(1, None),), True),
    "to the last": ((slice(None, -2),), True),
    "every other": ((slice(None, None, 2),), True),
    "backward": ((slice(None, None, -1),), True),
    "backward by two": ((slice(5, 0, -2),), True),
    "one": ((slice(3, 4),), True),
    "none": ((slice(3, 3),), True),
    "rows of one": ((2,), True),
    "rows of one, backward": ((2, slice(None, None, -1)), True),
    "rows of some": ((slice(1, 3), slice(0, 4)), True),
    "a column": ((slice(None), 3), True),
    "numbers": ((4, 3), True),
    "every third number": ((4, 3, slice(None, None, 3)), True),
    "a number of each row": ((4, slice(None), 1), True),
    "columns of rows": ((slice(None), slice(None), slice(1, 3)), False),
    "an inner axis backward": ((slice(None), slice(None, None, -1)), False),
    "every other column": ((0, slice(None), slice(None, None, 2)), False),
}


def loop_over(key, reverse=False):
    def f(x):
        def step(total, row):
            total = total * 0.9 + np.sum(np.sin(row))
            return total, row * total

        return fg.scan(step, 1.0, x[key], reverse=reverse)

    return f


def with_captured(key):
    def f(x):
        part = x[key]
        return fg.scan(
            lambda c, i: (c * 0.5 + part * i, np.sum(c * part)), part, np.arange(3.0).astype(x.dtype)
        )

    return f


def branch_on(key):
    return lambda x: fg.cond(
        x[0, 0, 0] > 0, lambda p: np.cumsum(p * 2, 0), lambda p: np.cumsum(p, 0), x[key][None]
    )


MADE = {
    "along": loop_over,
    "along, from the end": lambda k: loop_over(k, True),
    "captured": with_captured,
    "branch": branch_on,
}


@pytest.mark.parametrize(
    "made", [m if m == "along" else pytest.param(m, marks=pytest.mark.slow) for m in MADE]
)
@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "dtype", [np.float64, *(pytest.param(t, marks=pytest.mark.slow) for t in (np.float32, np.complex128))]
)
def test_compiled_is_interpreted(made, key, dtype):
    x = np.random.default_rng(0).standard_normal((7, 6, 5)).astype(dtype)
    f = MADE[made](KEYS[key][0])
    g = lambda x: fg.vjp(f, x)[1](fg.tree.map(np.ones_like, f(x)))
    for function in (f, g) if dtype != np.complex128 else (f,):
        want = fg.tree.leaves(function(x))
        for at_end in (True, False):
            with guarded(at_end=at_end):
                got = fg.tree.leaves(fg.jit(function)(x))
            for a, b in zip(got, want, strict=True):
                np.testing.assert_allclose(
                    a,
                    b,
                    rtol=1e-12 if dtype != np.float32 else 1e-4,
                    atol=1e-5 if dtype == np.float32 else 1e-13,
                )


@pytest.mark.parametrize("key", KEYS)
def test_what_lies_so_is_not_copied(key):
    key, lies = KEYS[key]
    text = fg.jit(loop_over(key)).lower(fg.ArrayType((7, 6, 5), float)).loops
    before = text.partition("scan(")[0]
    assert (not re.search(r"^    for ", before, re.M)) == lies, text


def test_a_part_is_shown_with_where_it_begins_and_how_it_goes_on():
    text = lambda key: str(fg.jit(loop_over(key)).lower(fg.ArrayType((7, 6, 5), float)).loops)
    assert "scan(1.0" not in text(())
    assert "x[30:]" in text((slice(1, None),))
    assert "x[180::-30]" in text((slice(None, None, -1),))
    assert "x[::60]" in text((slice(None, None, 2),))


def test_what_is_written_before_is_read_and_what_is_written_after_is_not():
    def f(x):
        x = x.copy()
        x[3] = 7.0
        y = fg.scan(lambda c, r: (c + r, c * r), 0.0, x[1:])[1]
        x[4] += y[2]
        return x, y

    x = np.arange(300.0)
    for a, b in zip(fg.jit(f)(x), f(x), strict=True):
        np.testing.assert_array_equal(a, b)
