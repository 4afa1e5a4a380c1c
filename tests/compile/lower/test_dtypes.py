"""Dtypes that machine code only moves, float16 and long double, beside those that it computes with."""

import numpy as np
import pytest

import funcgrad as fg
from funcgrad import tree
from funcgrad.core.primitive import Sample, primitives
from funcgrad.core.types import type_of
from funcgrad.errors import FuncgradError
from funcgrad.testing.battery import active, arrays_of, function_of
from funcgrad.transforms.collective import bound_axis

OTHERS = {"f": (np.float16, np.float32, np.longdouble), "c": (np.complex64, np.clongdouble)}


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.longdouble])
def test_careful_products_next_to_moved_dtypes(dtype):
    x = np.array([0.0, 1.0, 2.0, -1.0, 0.5]).astype(dtype)

    def masked(x):
        return np.where(x > 0, np.log(x), x)

    for f in (
        lambda x: np.sum(masked(x) * np.sin(x)),
        lambda x: np.sum(masked(x.astype(np.float32)).astype(np.float16)),
        lambda x: np.sum(np.abs(x) ** 1.5).astype(np.float16),
    ):
        with np.errstate(all="ignore"):
            got, want = fg.jit(fg.grad(f))(x), fg.grad(f)(x)
        assert got.dtype == want.dtype
        np.testing.assert_allclose(got, want, rtol=4e-3 if dtype == np.float16 else 1e-6)
        assert np.isfinite(got).all()


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128, np.clongdouble])
def test_parts_of_complex_numbers_of_each_length(dtype):
    z = np.array([0.0, 1.0, 2.0, -1.0, 0.5]).astype(dtype) * dtype(1 + 2j)

    def pair(z):
        return z.real * 2 - z.imag, np.conj(z), abs(z) ** 1.5, np.where(z.real > 0, z, 1)

    for got, want in zip(fg.jit(pair)(z), pair(z), strict=True):
        assert got.dtype == want.dtype
        np.testing.assert_allclose(got, want, rtol=1e-6)
    gradient = fg.grad(lambda z: sum(np.sum(np.real(y)) for y in pair(z)))
    np.testing.assert_allclose(fg.jit(gradient)(z), gradient(z), rtol=1e-6)


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide", "power", "equal"])
def test_complex_numbers_of_two_lengths(name):
    function = getattr(np, name)
    rng = np.random.default_rng(0)
    z = (rng.normal(size=5) + 1j * rng.normal(size=5)).astype(np.complex64)
    w = rng.normal(size=5) + 1j * rng.normal(size=5)
    for args in [(z, w), (w, z), (z, w.real), (w.real, z), (z, np.float64(3)), (z, np.arange(5) + 1), (z, 3)]:
        got, want = fg.jit(function)(*args), function(*args)
        assert got.dtype == want.dtype
        np.testing.assert_allclose(got, want, rtol=1e-13 if want.dtype == complex else 2e-6)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
@pytest.mark.parametrize("name", sorted(primitives()))
def test_every_primitive_in_every_dtype(name):
    primitive = primitives()[name]
    for sample in (s for s in primitive.samples() if isinstance(s, Sample)):
        arrays = arrays_of(sample)
        for kind, dtypes in OTHERS.items():
            of_kind = [isinstance(x, np.ndarray) and x.dtype.kind == kind for x in arrays]
            for dtype in dtypes if any(of_kind) else ():
                xs = [x.astype(dtype) if is_one else x for x, is_one in zip(arrays, of_kind, strict=True)]
                try:
                    primitive.type_rule(*map(type_of, xs), **sample.params)
                except FuncgradError:
                    continue  # it takes no such numbers
                with bound_axis("battery", 1, 0), np.errstate(all="ignore"):
                    _compiled_as_interpreted(primitive, sample, xs, dtype)


def _compiled_as_interpreted(primitive, sample, xs, dtype):
    if not primitive.differentiable:
        return
    positions = active(primitive, xs)
    args = [xs[i] for i in positions]
    if not args:
        return
    function = function_of(primitive, sample, xs, positions)

    def pulled(*args):
        ys, pullback = fg.vjp(function, *args)
        return pullback([y * 0 + 1 for y in ys])

    for f in (function, pulled):
        try:
            want = tree.leaves(f(*args))
        except TypeError:
            continue  # neither do SciPy and LAPACK
        got = tree.leaves(fg.jit(f)(*args))
        eps = float(np.finfo(dtype).eps)
        for y, expected in zip(got, want, strict=True):
            assert type_of(y).strong() == type_of(expected).strong()
            size = np.max(np.abs(expected[np.isfinite(expected)]), initial=1) if np.ndim(expected) else 1
            np.testing.assert_allclose(y, expected, rtol=200 * eps, atol=50 * eps * size)
