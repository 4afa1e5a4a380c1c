"""Primitives written with NumPy's functions alone are native, and keep their own derivatives."""

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.core.primitive import Primitive, Sample
from funcgrad.core.types import ArrayType
from funcgrad.errors import DTypeError
from funcgrad.primitives.elementwise import elementwise

X = np.linspace(0.1, 2.0, 7)


class SpreadOf(Primitive):
    """(the mean, the largest distance from it), by what NumPy does; two results."""

    name = "traced_spread"
    multiple = True
    traceable = True
    differentiable = False

    def type_rule(self, x):
        return ArrayType((), x.dtype), ArrayType((), x.dtype)

    def eval_rule(self, x):
        mean = np.mean(x)
        return mean, np.max(np.abs(x - mean))

    def samples(self):
        return [Sample((np.ones(3),), smooth=False)]


def _elementwise(name, function, slope):
    samples = [Sample((np.ones(3),), smooth=False)]
    return elementwise(name, function, (slope,), samples=samples)


def _calls(f, *args):
    f(*args)
    return [line for line in f.explain().splitlines() if "calls NumPy" in line]


def test_what_numpy_does_is_native(own_primitives):
    versine, spread = _elementwise("traced_versine", lambda x: 1 - np.cos(x), 1), SpreadOf()
    f = fg.jit(lambda x: versine(x) * 2)
    np.testing.assert_array_equal(f(X), (1 - np.cos(X)) * 2)
    assert not _calls(f, X)
    g = fg.jit(lambda x: spread(x)[1])
    np.testing.assert_allclose(g(X), np.max(np.abs(X - X.mean())), rtol=1e-15)
    assert not _calls(g, X)


def test_derivatives_stay_those_stated(own_primitives):
    # Three times the slope, so that it shows whose is taken.
    versine = _elementwise("traced_versine", lambda x: 1 - np.cos(x), lambda y, x: 3 * np.sin(x))
    slope = fg.jit(fg.grad(lambda x: np.sum(versine(x))))
    np.testing.assert_allclose(slope(X), 3 * np.sin(X))
    assert not _calls(slope, X)
    looped = fg.jit(fg.grad(lambda x: fg.scan(lambda c, v: (versine(c) + v, None), x[0], x)[0]))
    want = fg.grad(lambda x: fg.scan(lambda c, v: (versine(c) + v, None), x[0], x)[0])(X)
    np.testing.assert_allclose(looped(X), want)
    assert not _calls(looped, X)


def test_what_needs_values_is_called(own_primitives):
    of_values = _elementwise("traced_of_values", lambda x: x * float(np.max(x)), 1)
    f = fg.jit(lambda x: of_values(x) + 1)
    np.testing.assert_array_equal(f(X), X * 2.0 + 1)
    (line,) = _calls(f, X)
    assert "traced_of_values" in line and "test_trace_evaluations.py" in line


def test_dtypes_are_those_that_the_evaluation_gives(own_primitives):
    versine = _elementwise("traced_versine", lambda x: 1 - np.cos(x), 1)
    for x in (np.arange(3), np.arange(3, dtype=np.float32), np.array([True]), 2.0, 3):
        got, want = fg.jit(lambda x: versine(x))(x), 1 - np.cos(x)
        np.testing.assert_allclose(got, want, rtol=1e-6)
        assert got.dtype == np.asarray(want).dtype == np.asarray(versine(x)).dtype
    liar = elementwise("traced_liar", lambda x: 1 - np.cos(x), (1,), dtype_rule=lambda x: x.dtype,
                       samples=[Sample((np.ones(3),), smooth=False)])  # fmt: skip
    with pytest.raises(DTypeError, match="traced_liar: expected a dtype_rule that gives"):
        fg.jit(lambda x: liar(x))(np.arange(3))


def test_parameters_are_told_apart_to_the_bit(own_primitives):
    class Signed(Primitive):
        name = "traced_signed"
        traceable = True
        differentiable = False

        def type_rule(self, x, *, c):
            return x.strong()

        def eval_rule(self, x, *, c):
            return np.copysign(x, c)

        def samples(self):
            return [Sample((np.ones(3),), {"c": 1.0}, smooth=False)]

    signed = Signed()
    for c in (0.0, -0.0, 1, -1.0):
        np.testing.assert_array_equal(fg.jit(lambda x, c=c: signed(x, c=c))(X), np.copysign(X, c))
