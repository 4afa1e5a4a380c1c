"""Complex functions by parts: NumPy's values, ordinary and special."""

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.core.parts import Parts
from funcgrad.primitives import complex_parts

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

ONE = [
    "exp",
    "expm1",
    "log",
    "log1p",
    "sqrt",
    "sinh",
    "cosh",
    "tanh",
    "sin",
    "cos",
    "tan",
    "square",
    "reciprocal",
]
EXACT = {"reciprocal", "divide"}  # NumPy's products are fused where the machine can, ours are not


def grid(dtype):
    """Return real and imaginary parts: every pair of special numbers, and many of ordinary ones."""
    f = np.finfo(dtype)
    special = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        -2.5,
        3.0,
        1e-3,
        0.7071067811865476,
        20.0,
        -40.3,
        90.0,
        -88.5,
        700.5,
    ]
    special += [-710.2, 745.3, 1e-30, 1e30, f.max, -f.max, f.tiny, np.inf, -np.inf, np.nan]
    re, im = map(np.ravel, np.meshgrid(np.array(special, dtype), np.array(special, dtype)))
    rng = np.random.default_rng(0)
    random = (rng.normal(size=(2, 1000)) * np.exp(3 * rng.normal(size=(2, 1000)))).astype(dtype)
    return Parts(np.concatenate([re, random[0]]), np.concatenate([im, random[1]]))


def whole(z):
    out = np.empty(z.re.shape, np.result_type(z.re, np.complex64))
    out.real, out.imag = z[:2]
    return out


def assert_alike(got, want, overflowing=False):
    """Both parts are as near as numbers of the size of `want` are, and special ones the same."""
    f = np.finfo(want.real.dtype)
    sizes = np.stack([np.abs(want.real), np.abs(want.imag)])
    size = np.max(np.where(np.isfinite(sizes), sizes, 0), axis=0) + f.tiny
    for mine, theirs in ((got.re, want.real), (got.im, want.imag)):
        assert mine.dtype == theirs.dtype
        alike = (
            (mine == theirs)
            | (np.isnan(mine) & np.isnan(theirs))
            | (np.abs(mine - theirs) <= 64 * f.eps * size)
        )
        if overflowing:  # where a product overflows, it depends on whether NumPy fuses it with the sum
            alike |= ~np.isfinite(sizes).all(axis=0) | ~(np.isfinite(got.re) & np.isfinite(got.im))
        assert alike.all(), np.stack([mine, theirs])[:, ~alike]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ONE)
def test_functions_of_one_number(name, dtype):
    z = grid(dtype)
    with np.errstate(all="ignore"):
        got, want = getattr(complex_parts, name)(z), getattr(np, name)(whole(z))
    if name in EXACT:
        np.testing.assert_array_equal(whole(got), want)
    assert_alike(got, want, name == "square")


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ["multiply", "divide", "equal", "not_equal"])
def test_functions_of_two(name, dtype):
    x = grid(dtype)
    order = np.random.default_rng(1).permutation(len(x.re))
    for y in (Parts(x.re[order], x.im[order]), x):
        with np.errstate(all="ignore"):
            got, want = getattr(complex_parts, name)(x, y), getattr(np, name)(whole(x), whole(y))
        if not isinstance(got, Parts):
            np.testing.assert_array_equal(got, want)
            continue
        if name in EXACT:
            np.testing.assert_array_equal(whole(got), want)
        assert_alike(got, want, name == "multiply")


@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, -1, -2, -5, 0.5, 2.5, -0.5, 1.5 + 0.5j])
def test_powers_that_are_known(n):
    z = grid(float)
    finite = (
        np.isfinite(z.re) & np.isfinite(z.im) & (np.hypot(z.re, z.im) < 1e30) & (np.hypot(z.re, z.im) > 1e-25)
    )
    z = Parts(z.re[finite], z.im[finite])
    with np.errstate(all="ignore"):
        got, want = complex_parts.power(z, Parts(n.real, n.imag)), whole(z) ** n
    error = np.abs(whole(got) - want) / np.abs(want)
    assert (error < 1e-13).all()


@pytest.mark.parametrize("dtype", [np.int64, float, complex])
def test_whole_powers_that_are_computed_are_multiplied_too(dtype):
    rng = np.random.default_rng(0)
    z = rng.normal(size=200) + 1j * rng.normal(size=200)
    z[:4] = 0, 1, -1, 1j
    n = rng.integers(-99, 100, 200).astype(dtype)
    with np.errstate(all="ignore"):
        got, want = fg.jit(np.power)(z, n), z**n
    np.testing.assert_array_equal(got, want)
    for k in (0, 2, 5, -3):
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(fg.jit(np.power)(z, dtype(k)), z ** dtype(k))


def test_powers_in_python_loops_keep_their_digits():
    def series(z):
        total = 0 * z
        for k in range(30):
            total = total + z**k / (k + 1)
        return total

    z = np.exp(1j * np.linspace(0, 6, 7)) * 0.9
    f = fg.jit(series)
    np.testing.assert_allclose(f(z), series(z), rtol=5e-16)
    assert "turns" in f.explain()


def test_directions_of_extreme_numbers():
    z = np.array([1e300 + 1e300j, 1e-320 + 0j, complex(0, 5e-324), complex(3e-310, 4e-310), 0])
    np.testing.assert_allclose(fg.jit(np.sign)(z), np.sign(z), rtol=1e-15)
    gradient = fg.grad(lambda z: np.sum(np.abs(z)))
    np.testing.assert_allclose(gradient(z), np.conj(np.sign(z)), rtol=1e-15)
    np.testing.assert_allclose(fg.jit(gradient)(z), np.conj(np.sign(z)), rtol=1e-15)


def test_powers_of_zero():
    zero = Parts(np.zeros(1), np.zeros(1))
    for n in (2.0, 0.5, 1.5, 0.0):
        np.testing.assert_array_equal(
            whole(complex_parts.power(zero, Parts(n, 0.0))), np.zeros(1, complex) ** n
        )
    with np.errstate(all="ignore"):
        for n in (-1.0, -2.0, -1.5):
            assert np.isnan(whole(complex_parts.power(zero, Parts(n, 0.0)))).all()
