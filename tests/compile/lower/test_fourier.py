"""Transforms in machine code: NumPy's own loops, so the same bits, along any axis of any shape."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import funcgrad as fg
from funcgrad import heavy
from tests.guarded_memory import guarded

rng = np.random.default_rng(5)
SHAPES = [(1,), (2,), (7,), (8,), (3, 8), (8, 3), (2, 5, 4), (2, 1, 3), (3, 17), (40, 2)]
DTYPES = [np.float64, np.float32, np.complex128, np.complex64, np.int8, bool]


def array(shape, dtype):
    x = rng.standard_normal(shape) * 3
    return (x + 1j * rng.standard_normal(shape) if np.dtype(dtype).kind == "c" else x).astype(dtype)


def transforms(axis, norm, dtype):
    """Every transform of an array, as one function."""
    real = np.dtype(dtype).kind != "c"

    def f(x):
        return [
            np.fft.fft(x, axis=axis, norm=norm),
            np.fft.ifft(x, axis=axis, norm=norm),
            np.fft.fftn(x, norm=norm),
            np.fft.fft(x, n=6, axis=axis, norm=norm),
            np.fft.irfft(x, axis=axis, n=5, norm=norm),
            np.fft.irfft(x, axis=axis, n=8, norm=norm),
            *([np.fft.rfft(x, axis=axis, norm=norm), np.fft.rfftn(x, norm=norm)] if real else []),
        ]

    return f


# (Whole numbers NumPy scales in a precision of its own.)
@pytest.mark.parametrize(
    ("norm", "dtype"),
    [
        (norm, t)
        for norm in ("backward", "ortho", "forward")
        for t in DTYPES[: None if norm == "backward" else 4]
    ],
)
@pytest.mark.parametrize("shape", [pytest.param((7,), marks=pytest.mark.slow), (3, 8), (2, 5, 4)])
def test_the_bits_are_numpys(shape, norm, dtype):
    check(shape, norm, dtype)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_bits_are_numpys_in_all_shapes(shape, dtype):
    check(shape, "backward", dtype)


def check(shape, norm, dtype):
    x = array(shape, dtype)
    for axis in range(-1, len(shape) - 1):
        f = transforms(axis, norm, dtype)
        want = f(x)
        for at_end in (True, False):
            with guarded(at_end=at_end):
                got = fg.jit(f)(x)
            for a, b in zip(got, want, strict=True):
                assert a.dtype == b.dtype
                np.testing.assert_array_equal(a, b)


def test_numpy_is_not_called():
    f = fg.jit(lambda x: sum(np.sum(np.abs(y) ** 2) for y in transforms(0, None, float)(x)))
    x = array((4, 6), float)
    g = fg.jit(fg.grad(f))
    for function in (f, g):
        function(x)
        assert "calls NumPy" not in function.explain()
    np.testing.assert_allclose(g(x), fg.grad(f)(x), rtol=1e-12)


def test_strided_arrays_and_in_loops():
    x = array((6, 12), complex)
    f = lambda x: fg.scan(lambda c, row: (np.fft.ifft(np.fft.fft(c) * row), np.fft.rfft(row.real)), x[0], x)
    for y in (x, x[::-1, ::2], np.asfortranarray(x), x[:, ::-1].T):
        for a, b in zip(fg.jit(f)(y), f(y), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-13)


def test_empty_arrays():
    for shape, axis in (((0, 3), 1), ((3, 0, 2), 0), ((3, 0, 2), 2)):
        x = np.zeros(shape)
        f = lambda x, axis=axis: [getattr(np.fft, name)(x, axis=axis) for name in ("fft", "rfft", "irfft")]
        for a, b in zip(fg.jit(f)(x), f(x), strict=True):
            assert a.shape == b.shape and a.dtype == b.dtype


def test_several_threads():
    f = fg.jit(lambda x: np.fft.ifft(np.fft.fft(x) ** 2))
    xs = [array((50, n), complex) for n in (16, 31, 64)] * 8
    want = [np.fft.ifft(np.fft.fft(x) ** 2) for x in xs]
    with ThreadPoolExecutor(4) as pool:
        for got, w in zip(pool.map(f, xs), want, strict=True):
            np.testing.assert_allclose(got, w, rtol=1e-12, atol=1e-12)


def test_without_numpys_loops_numpy_is_called(monkeypatch):
    monkeypatch.setattr(heavy, "_fourier_loops", dict)
    f = fg.jit(lambda x: np.fft.fft(x * 0.7654321) * 2)
    x = array((9,), complex)
    np.testing.assert_allclose(f(x), np.fft.fft(x * 0.7654321) * 2, rtol=1e-14)
    assert "calls NumPy for fft" in f.explain()
