"""Whole division, native: NumPy's quotients and remainders for every sign, zero and limit."""

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
