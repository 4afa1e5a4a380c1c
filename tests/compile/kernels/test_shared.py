"""Kernels that are called give the bits of those that are inlined."""

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as fnp
from funcgrad.compile.codegen import module
from funcgrad.compile.kernels.library import definitions, symbol
from funcgrad.compile.kernels.shared import WIDTHS, with_variants

UNARY = "sin cos tan exp expm1 log log1p tanh sinh cosh arctan arcsin arcsinh cbrt exp2".split()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("size", [1, 7, 40])
def test_called_kernels_give_the_bits_of_inlined_ones(dtype, size, monkeypatch):
    x = np.linspace(0.1, 0.9, size).astype(dtype)

    def f(x):
        total = x * 0
        for name in UNARY:
            function = getattr(fnp, name)
            total = total + function(x) * function(0.5 * x) + function(0.25 * x)
        return total + x**1.7 + x**0.3 + x**2.2 + fnp.arctan2(x, 0.5 * x) + fnp.arctan2(0.1 * x, x)

    inlined = fg.jit(f)(x), fg.jit(fg.grad(lambda x: fnp.sum(f(x))))(x)
    fg.clear_caches()
    monkeypatch.setattr(module, "MOST_INLINED", 1)
    called = fg.jit(f)(x), fg.jit(fg.grad(lambda x: fnp.sum(f(x))))(x)
    for a, b in zip(inlined, called, strict=True):
        np.testing.assert_array_equal(a, b, strict=True)


def test_vectors_are_passed_to_a_kernel_that_is_called_everywhere():
    places = np.random.default_rng(0).integers(0, 7, (600, 3)).tolist()

    def f(x):
        kept = [x * (1 + 0.1 * k) for k in range(7)]
        for i, j, k in places:
            kept[k] = fnp.sin(kept[i]) + 0.1 * kept[j] if (i + j) % 2 else fnp.sin(kept[j] * kept[i])
        return sum(kept)

    lowered = fg.jit(f).lower(np.linspace(0, 1, 64))
    assert "@fg_sin_f64.v8" in lowered.llvm
    assert lowered.assembly.count("fg_sin_f64.v8") > 10


def test_variants_of_each_width():
    text = with_variants(definitions([symbol("sin", "float64")]).partition("\n\n")[2])
    assert all(f"@fg_sin_f64.v{width}(<{width} x double> %x0)" in text for width in WIDTHS["double"])
    assert text.count("define internal") == 2 + len(WIDTHS["double"])
