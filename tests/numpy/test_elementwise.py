import subprocess
import sys

import numpy as np
import pytest

import funcgrad as fg
from funcgrad import numpy as fnp
from funcgrad.errors import DTypeError
from tests.laws import assert_same, check_laws

rng = np.random.default_rng(12)
A = rng.standard_normal((2, 3))
Z = A + 1j * rng.standard_normal((2, 3))
INTS = np.array([15, 25, -7])
SPECIAL = np.array([1.0, np.nan, np.inf, -np.inf])
F32 = A.astype(np.float32)

LAWS = {
    "real": (lambda m, x: m.real(x), (Z,)),
    "real of real": (lambda m, x: m.real(x), (A,)),
    "imag": (lambda m, x: m.imag(x), (Z,)),
    "imag of real": (lambda m, x: m.imag(x), (F32,)),
    "angle": (lambda m, x: m.angle(x), (Z,)),
    "angle degrees": (lambda m, x: m.angle(x, deg=True), (Z,)),
    "angle of real": (lambda m, x: m.angle(x), (A,)),
    "round": (lambda m, x: m.round(x), (A,)),
    "round places": (lambda m, x: m.round(x, 2), (A,)),
    "round tens": (lambda m, x: m.round(x * 100, -1), (A,)),
    "round ints": (lambda m, x: m.round(x, -1), (INTS,)),
    "round ints up": (lambda m, x: m.round(x, 2), (INTS,)),
    "round complex": (lambda m, x: m.round(x, 1), (Z,)),
    "around": (lambda m, x: m.around(x, 1), (F32,)),
    "fix": (lambda m, x: m.fix(3 * x), (A,)),
    "sinc": (lambda m, x: m.sinc(x), (A,)),
    "sinc zero": (lambda m, x: m.sinc(x), (np.array([0.0, 1.0, -2.0]),)),
    "sinc ints": (lambda m, x: m.sinc(x), (INTS,)),
    "i0": (lambda m, x: m.i0(x), (3 * A,)),
    "i0 zero": (lambda m, x: m.i0(x), (np.array([0.0]),)),
    "i0 ints": (lambda m, x: m.i0(x), (INTS,)),
    "nan_to_num": (lambda m, x: m.nan_to_num(x), (A,)),
    "nan_to_num complex": (lambda m, x: m.nan_to_num(x), (Z,)),
    "nan_to_num ints": (lambda m, x: m.nan_to_num(x), (INTS,)),
    "degrees": (lambda m, x: m.degrees(m.radians(x)) + m.rad2deg(m.deg2rad(x)), (A,)),
    "frexp": (lambda m, x: m.frexp(x), (np.array([0.0, 1.0, -0.75, 0.1, 1e300, 3e-310]),)),
}


@pytest.mark.filterwarnings("ignore:.*numpy.fix:DeprecationWarning")
@pytest.mark.parametrize("name", LAWS)
def test_laws(name):
    function, args = LAWS[name]
    check_laws(function, *args, order=0 if name == "frexp" else 2)


def test_nan_to_num_replaces_and_has_no_derivative_there():
    for details in ({}, {"nan": 7.0, "posinf": 8.0, "neginf": -9.0}):
        assert_same(fnp.nan_to_num(SPECIAL, **details), np.nan_to_num(SPECIAL, **details))
    np.testing.assert_array_equal(fg.grad(lambda x: np.sum(np.nan_to_num(x)))(SPECIAL), [1, 0, 0, 0])

    def f(x):
        y = x * 1.0
        np.nan_to_num(y, copy=False)
        return y

    np.testing.assert_array_equal(fg.trace(f)(SPECIAL)(SPECIAL), np.nan_to_num(SPECIAL))


def test_real_if_close():
    assert_same(fnp.real_if_close(A + 1e-15j), np.real_if_close(A + 1e-15j))
    assert_same(fg.vjp(np.real_if_close, Z)[0], Z)
    assert fg.vjp(np.real_if_close, A + 0j)[0].dtype == float


def test_i0_is_of_real_numbers_and_does_not_load_scipy_at_import():
    with pytest.raises(DTypeError, match="i0: expected real numbers"):
        fnp.i0(Z)
    code = "import sys, funcgrad; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("part", [np.real, np.imag, lambda z: z.real, lambda z: z.imag])
def test_parts_are_views(part):
    def f(z):
        z = z * 1.0
        y = part(z)
        y[0] = 7.0
        z[1] = 2.0 - 3.0j
        return z, y

    assert_same(fg.trace(f)(Z)(Z), f(Z))
    assert_same(fg.vjp(f, Z)[0], f(Z))
    single = Z.astype(np.complex64)
    assert_same(fg.trace(f)(single)(single), f(single))


@pytest.mark.parametrize("dtype", [bool, np.int8, float, complex])
def test_conjugates_have_the_dtypes_of_numpy(dtype):
    x = np.array([1, 0]).astype(dtype)
    for f in (lambda x: x.conj(), lambda x: x.conjugate(), np.conj):
        assert fg.trace(f)(x)(x).dtype == fg.jit(f)(x).dtype == f(x).dtype


def test_the_sign_of_a_complex_number_turns_with_it():
    z = np.array([1.0 + 2.0j, -0.5j, 3.0, -2.0 + 1.0j])
    check_laws(lambda m, z: m.sign(z), z)
    check_laws(lambda m, z: m.abs(m.sign(z) + 1), z)
    for f in (np.sign, lambda z: z / np.abs(z)):
        pulled = fg.vjp(f, z)[1](np.conj(z) ** 2)[0]
        np.testing.assert_allclose(pulled, fg.vjp(lambda z: z / np.abs(z), z)[1](np.conj(z) ** 2)[0])
    assert fg.vjp(np.sign, 0j)[1](1.0 + 0j)[0] == 0
    assert fg.jit(np.sign)(z).dtype == complex


@pytest.mark.parametrize("square", [np.square, lambda y: y * y, lambda y: y**2])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_squares_of_roots_have_the_signs_of_zeros_that_numpys_have(dtype, square):
    numbers = [
        -0.0,
        0.0,
        2.0,
        complex(-0.0, 0.0),
        complex(0.0, -0.0),
        complex(-0.0, -0.0),
        complex(-4.0, -0.0),
    ]
    x = np.array([a for a in numbers if "complex" in dtype or not isinstance(a, complex)], dtype)
    want, got = square(np.sqrt(x)), fg.trace(lambda x: square(np.sqrt(x)))(x)(x)
    for part in (np.real, np.imag):
        np.testing.assert_array_equal(np.signbit(part(got)), np.signbit(part(want)))
    assert fg.grad(lambda x: np.sqrt(x) ** 2)(-0.0) == 1.0
