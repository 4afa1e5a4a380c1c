"""Remainders and quotients of floats, and shifts, native: NumPy's to the bit, special numbers included."""

import numpy as np
import pytest

import funcgrad as fg

SPECIAL = [
    0.0,
    -0.0,
    1,
    -1,
    0.5,
    3,
    -3,
    0.1,
    1 / 3,
    7,
    np.inf,
    -np.inf,
    np.nan,
    1e-300,
    1e300,
    5e-324,
    2.0**53,
    -1e16,
]


def _pairs(dtype, seed):
    rng = np.random.default_rng(seed)
    x, y = (np.concatenate([p.ravel(), rng.standard_normal(999) * 10.0 ** rng.integers(-6, 7, 999)])
            for p in np.meshgrid(SPECIAL, SPECIAL))  # fmt: skip
    x[-99:], y[-99:] = rng.integers(-60, 60, 99), rng.integers(1, 9, 99)  # whole quotients among them
    return x.astype(dtype), y.astype(dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("ufunc", [np.fmod, np.remainder, np.floor_divide], ids=lambda u: u.__name__)
def test_floats_as_numpy_has_them(ufunc, dtype):
    with np.errstate(all="ignore"):
        x, y = _pairs(dtype, 0)
        compiled = fg.jit(lambda x, y: ufunc(x, y))
        within = np.abs(x / y) < 2**20  # where the quick way does
        for chosen in (slice(None), within):
            a, b = x[chosen], y[chosen]
            want, got = ufunc(a, b), compiled(a, b)
            np.testing.assert_array_equal(got, want)
            there = ~np.isnan(want)
            np.testing.assert_array_equal(np.signbit(got)[there], np.signbit(want)[there])
    assert "calls NumPy" not in compiled.explain()


@pytest.mark.parametrize("dtype", list("bBhHiIqQ"))
@pytest.mark.parametrize("ufunc", [np.left_shift, np.right_shift], ids=lambda u: u.__name__)
def test_shifts_as_numpy_has_them(ufunc, dtype):
    rng = np.random.default_rng(1)
    x = rng.integers(0, 256, 300).astype(dtype)
    y = rng.integers(0 if dtype.isupper() else -3, 70, 300).astype(dtype)
    compiled = fg.jit(lambda x, y: ufunc(x, y))
    np.testing.assert_array_equal(compiled(x, y), ufunc(x, y))
    assert "calls NumPy" not in compiled.explain()
