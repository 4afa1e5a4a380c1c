"""A branch that was not taken leaves nothing behind: one rule for zeros, in every mode, order and backend."""

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as fnp


def entropy(x):
    p = np.exp(x - fnp.max(x)) / np.sum(np.exp(x - fnp.max(x)))
    return -np.sum(np.where(p > 0, p * np.log(p), 0.0))


# The function, a point, and the gradient there.
CASES = {
    "x log x": (lambda x: np.where(x > 0, x * np.log(x), 0.0), 0.0, 0.0),
    "nansum": (lambda x: np.nansum(x * x), [1.0, np.nan], [2.0, 0.0]),
    "where isnan": (lambda x: np.where(np.isnan(x), 0, x**2), [1.0, np.nan], [2.0, 0.0]),
    "sum where": (lambda x: np.sum(x * x, where=np.array([True, False])), [1.0, np.inf], [2.0, 0.0]),
    "entropy": (entropy, [0.0, -np.inf, 0.0], [0.0, 0.0, 0.0]),
    "x exp x": (lambda x: np.where(x > 50, x, x * np.exp(x)), 1000.0, 1.0),
    "a product": (
        lambda x: np.where(x[0] > 1e3, np.sum(x), np.exp(x) @ np.exp(x)), [2000.0, 1.0], [1.0, 1.0],
    ),
    "products": (
        lambda x: np.where(np.isfinite(x @ np.ones((2, 3))), x @ np.arange(6.0).reshape(2, 3), 0.0),
        [[1.0, 2.0], [np.inf, 1.0]], [[3.0, 12.0], [0.0, 0.0]],
    ),
    "a convolution": (
        lambda x: np.where(np.isnan(np.convolve(x, [1.0, 2.0])), 0.0, np.convolve(x, [1.0, 2.0])),
        [1.0, np.nan, 2.0], [1.0, 0.0, 2.0],
    ),
    "sqrt of a maximum": (lambda x: np.sqrt(np.maximum(x, 0)), -10.0, 0.0),
    "arccos of a clip": (lambda x: np.arccos(np.clip(x, -1, 1)), 1.5, 0.0),
    "sqrt of a branch": (lambda x: np.sqrt(fg.cond(x > 0, lambda x: x, lambda x: x * 0, x)), -1.0, 0.0),
    "sin x / x": (lambda x: np.where(x == 0, 1, np.sin(x) / x), 0.0, 0.0),
    "sin": (lambda x: np.where(np.isinf(x), 0.0, np.sin(x)), np.inf, 0.0),
    "prod": (lambda x: np.where(x[0] > 1e300, 0.0, np.prod(x)), [np.inf, 2.0, 3.0], [0.0, 0.0, 0.0]),
    "cumprod": (lambda x: np.where(np.isinf(x), 0.0, np.cumprod(x)), [2.0, np.inf], [1.0, 0.0]),
    "cube": (lambda x: np.where(x > 1e200, 0.0, x**3), 1e300, 0.0),
    "determinants": (
        lambda x: np.where(np.isnan(x[:, 0, 0]), 0.0, np.linalg.det(x)),
        [[[2.0, 0.0], [0.0, 3.0]], [[np.nan, 0.0], [0.0, 1.0]]],
        [[[3.0, 0.0], [0.0, 2.0]], [[0.0, 0.0], [0.0, 0.0]]],
    ),
}  # fmt: skip
MODES = {
    "reverse": lambda f: fg.grad(f),
    "forward": lambda f: fg.jacfwd(f),
    "staged": lambda f: lambda x: fg.trace(fg.grad(f))(x)(x),
    "compiled": lambda f: fg.jit(fg.grad(f)),
    "compiled forward": lambda f: fg.jit(fg.jacfwd(f)),
    "batched": lambda f: lambda x: fg.vmap(fg.grad(f))(np.stack([x, x]))[1],
    "of a compiled function": lambda f: fg.grad(fg.jit(f)),
    "in a loop": lambda f: (
        lambda x: fg.jit(lambda x: fg.scan(lambda c, _: (c, fg.grad(f)(x)), 0.0, None, length=2)[1][1])(x)
    ),
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", CASES)
def test_gradients(name, mode):
    f, x, want = CASES[name]
    got = MODES[mode](lambda x: np.sum(f(x)))(np.array(x))
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", [name for name in CASES if name not in ("determinants",)])
def test_second_derivatives_are_finite_and_the_same_in_all_modes(name):
    f, x, _ = CASES[name]
    x = np.array(x)

    def total(x):
        return np.sum(f(x))

    hessians = [fg.hessian(total), fg.jacrev(fg.jacrev(total)), fg.jit(fg.hessian(total))]
    found = [h(x) for h in hessians]
    assert np.isfinite(found[0]).all()
    for h in found[1:]:
        np.testing.assert_allclose(h, found[0], rtol=1e-10, atol=1e-10)


def test_what_overflowed_is_no_zero():
    for f in (lambda x: np.log(1 + np.exp(x)), lambda x: np.log1p(np.exp(x)), lambda x: np.sqrt(np.exp(x))):
        with np.errstate(over="ignore"):
            for transform in (fg.grad, fg.jacfwd, lambda f: fg.jit(fg.grad(f))):
                slope = transform(f)(1500.0)
                assert np.isnan(slope) or slope > 0


@pytest.mark.parametrize("transform", [lambda f: f, fg.jit], ids=["as it is", "compiled"])
@pytest.mark.parametrize(
    "product",
    [
        lambda v: v @ v.T,
        lambda v: np.einsum("ij,kj->ik", v, v),
        lambda v: np.swapaxes(v[None] @ np.swapaxes(v[None], 1, 2), 1, 2)[0],
        lambda v: (v.T[:, ::-1].T @ v.T)[::-1],
        lambda v: np.tensordot(v, np.transpose(v), 1),
    ],
)
def test_products_of_transposed_matrices_keep_their_guard(product, transform):
    """Where a zero cotangent meets infinity, however the simplified program arranges the product (found by fuzzing)."""
    x = np.array([[1.0, np.inf, 2.0], [np.inf, 1.0, -1.0]])

    def f(x):
        return np.sum(np.where(np.isfinite(product(x)), product(x), 0.0)) + np.sum(
            np.where(np.isfinite(x), x, 0) ** 2
        )

    with np.errstate(all="ignore"):
        got = transform(fg.grad(f))(x)
    np.testing.assert_array_equal(got, np.where(np.isfinite(x), 2 * x, 0))
