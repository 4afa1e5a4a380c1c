import numpy as np
import pytest

import funcgrad as fg
from funcgrad import numpy as fnp
from funcgrad.errors import DTypeError, ShapeError
from tests.laws import assert_same, check_laws

rng = np.random.default_rng(11)
X5, X6, X1 = rng.standard_normal(5), rng.standard_normal(6), rng.standard_normal(1)
Z5 = X5 + 1j * rng.standard_normal(5)
X34 = rng.standard_normal((3, 4))
Z34 = X34 + 1j * rng.standard_normal((3, 4))
X234 = rng.standard_normal((2, 3, 4))
Z234 = X234 + 1j * rng.standard_normal((2, 3, 4))
NORMS = [None, "backward", "ortho", "forward"]
ONE = ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"]
SEVERAL = ["fft2", "ifft2", "rfft2", "irfft2", "fftn", "ifftn", "rfftn", "irfftn"]
FROM_REAL = {"rfft", "ihfft", "rfft2", "rfftn"}


def check(name, x, order=1, **details):
    check_laws(lambda m, x: getattr(m.fft, name)(x, **details), x, order=order)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", ONE)
def test_along_one_axis(name, norm):
    x = X5 if name in FROM_REAL else Z5
    check(name, x, norm=norm, order=2 if norm is None else 1)
    check(name, X6, norm=norm)


@pytest.mark.parametrize(
    "details", [{"n": 3}, {"n": 4}, {"n": 9}, {"n": 10, "axis": 0}, {"axis": 0}, {"n": 1}]
)
@pytest.mark.parametrize("name", ONE)
def test_sizes_and_axes(name, details):
    check(name, X34 if name in FROM_REAL else Z34, **details)


@pytest.mark.parametrize("norm", ["backward", "ortho"])
@pytest.mark.parametrize("name", SEVERAL)
def test_along_several_axes(name, norm):
    check(name, X234 if name in FROM_REAL else Z234, norm=norm)
    check(name, X34, norm=norm)


@pytest.mark.parametrize(
    "details",
    [
        {"axes": (0, 1)},
        {"axes": (2, 0)},
        {"s": (2, 5), "axes": (2, 1)},
        {"s": (4, 3), "axes": (-1, 0), "norm": "forward"},
        {"s": (3, -1), "axes": (0, 1)},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", SEVERAL)
def test_sizes_of_several_axes(name, details):
    check(name, X234 if name in FROM_REAL else Z234, **details)


@pytest.mark.parametrize("name", ["fftn", "ifftn", "rfftn", "irfftn"])
def test_one_axis_of_several(name):
    check(name, X234 if name in FROM_REAL else Z234, axes=(1,))


def test_repeated_axes_transform_repeatedly():
    check("fftn", Z34, axes=(0, 1, 0))


@pytest.mark.parametrize("name", ONE)
def test_one_point(name):
    check(name, X1, **({} if name in ("fft", "ifft", "rfft", "ihfft") else {"n": 1}))


@pytest.mark.parametrize("name", ["fftshift", "ifftshift"])
@pytest.mark.parametrize("axes", [None, 1, (0, 2), ()])
def test_shifts(name, axes):
    check(name, X234, axes=axes)


@pytest.mark.parametrize("dtype", [np.float32, np.complex64, int, bool])
@pytest.mark.parametrize("name", ONE + SEVERAL)
def test_dtypes_are_numpys(name, dtype):
    if dtype is np.complex64 and name in FROM_REAL:
        return
    check(name, (10 * X34).astype(dtype), order=0)
    if dtype is np.float32:
        gradient = fg.grad(lambda x: np.sum(np.abs(getattr(np.fft, name)(x))))(X34.astype(dtype))
        assert gradient.dtype == np.float32


def test_parseval():
    def energy(x):
        return np.sum(np.abs(np.fft.fft(x)) ** 2) / x.size

    np.testing.assert_allclose(fg.grad(energy)(X6), 2 * X6)
    np.testing.assert_allclose(fg.grad(energy)(Z5), 2 * Z5.conj())


def test_convolution_by_transforms():
    def convolved(x, y):
        return np.fft.irfft(np.fft.rfft(x, 12) * np.fft.rfft(y, 12), 12)[:10]

    check_laws(lambda m, x, y: convolved(x, y), X5, X6)
    np.testing.assert_allclose(convolved(X5, X6), np.convolve(X5, X6))


def test_frequencies():
    assert_same(fnp.fft.fftfreq(5, 0.1), np.fft.fftfreq(5, 0.1))
    assert_same(fnp.fft.rfftfreq(6), np.fft.rfftfreq(6))
    np.testing.assert_allclose(fg.jacobian(lambda d: fnp.fft.fftfreq(4, d))(2.0), -np.fft.fftfreq(4) / 4)


def test_bad_calls():
    def refused(error, message, function, x):
        with pytest.raises(error, match=message):
            fg.vjp(function, x)

    refused(DTypeError, "rfft: expected real numbers", np.fft.rfft, Z5)
    refused(ShapeError, "fft: expected an axis of an array with 1 axes", lambda x: np.fft.fft(x, axis=1), X5)
    refused(ShapeError, "fft: expected at least one point", lambda x: np.fft.fft(x, 0), X5)
    refused(ShapeError, "irfft: expected at least one point", np.fft.irfft, X1)
    refused(ValueError, "fft: expected norm", lambda x: np.fft.fft(x, norm="unit"), X5)
    refused(ShapeError, "fftn: expected one size for each", lambda x: np.fft.fftn(x, (2,), (0, 1)), X34)
    refused(ShapeError, "rfftn: expected at least one axis", lambda x: np.fft.rfftn(x, axes=()), X34)
    refused(DTypeError, "fft: expected no out=", lambda x: np.fft.fft(x, out=np.zeros(5, complex)), X5)
    with pytest.raises(DTypeError, match="expected single or double precision"):
        fg.trace(np.fft.fft)(X5.astype(np.longdouble))


def test_every_function_is_here():
    missing = set(np.fft.__all__) - set(fnp.fft.__all__)
    assert not missing
