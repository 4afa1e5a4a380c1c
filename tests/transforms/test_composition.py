"""Transformations of transformations: order, nesting, confusion, closures."""

import numpy as np
import pytest

import funcgrad as fg
from funcgrad import numpy as fnp


def test_grad_to_order_five():
    # tanh' = 1 - t^2; the fifth derivative by repeated differentiation of that polynomial in t.
    f = np.tanh
    for _ in range(5):
        f = fg.grad(f)
    polynomial = np.polynomial.Polynomial([0, 1])
    for _ in range(5):
        polynomial = polynomial.deriv() * np.polynomial.Polynomial([1, 0, -1])
    assert f(0.3) == pytest.approx(polynomial(np.tanh(0.3)), rel=1e-13)


def test_perturbation_confusion():
    assert fg.grad(lambda x: x * fg.grad(lambda y: x + y)(x))(3.0) == 1.0
    assert fg.grad(lambda x: x * fg.grad(lambda y: x * y)(2.0))(3.0) == 6.0

    def jvp_in_grad(x):
        return x * fg.jvp(lambda y: x * y * y, (2.0,), (1.0,))[1]

    assert fg.grad(jvp_in_grad)(3.0) == 24.0  # d/dx of 4 x^2
    assert fg.jvp(lambda x: fg.grad(lambda y: x**2 * y**3)(2.0), (3.0,), (1.0,))[1] == 72.0


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


X = np.array([0.5, -0.3, 1.2])


def test_hessian_by_every_composition():
    want = fg.hessian(rosenbrock)(X)
    for outer in (fg.jacfwd, fg.jacrev):
        for inner in (fg.jacfwd, fg.jacrev, fg.grad):
            np.testing.assert_allclose(outer(inner(rosenbrock))(X), want, rtol=1e-12)
    np.testing.assert_allclose(want, want.T, rtol=1e-12)
    v = np.array([1.0, 2.0, -1.0])
    np.testing.assert_allclose(fg.hvp(rosenbrock, (X,), (v,)), want @ v, rtol=1e-12)


def test_vmap_of_grad_and_grad_of_vmap():
    xs = np.stack([X, 2 * X])
    want = np.stack([fg.grad(rosenbrock)(x) for x in xs])
    np.testing.assert_allclose(fg.vmap(fg.grad(rosenbrock))(xs), want, rtol=1e-12)
    np.testing.assert_allclose(fg.grad(lambda xs: np.sum(fg.vmap(rosenbrock)(xs)))(xs), want, rtol=1e-12)
    hessians = fg.vmap(fg.hessian(rosenbrock))(xs)
    np.testing.assert_allclose(hessians[1], fg.hessian(rosenbrock)(2 * X), rtol=1e-12)
    nested = fg.vmap(fg.vmap(np.dot, in_axes=(None, 0)), in_axes=(0, None))(xs, xs)
    np.testing.assert_allclose(nested, xs @ xs.T)


def test_hessian_of_several_results_is_the_jacobian_of_the_jacobian():
    several = lambda x: {"a": np.stack([x[0] ** 2 * x[1], np.sin(x[1]), x[0]]), "b": x[0] * x[1]}
    x = np.array([0.3, 0.4])
    found, wanted = fg.hessian(several)(x), fg.jacfwd(fg.jacrev(several))(x)
    assert found["a"].shape == (3, 2, 2) and found["b"].shape == (2, 2)
    for a, b, c in zip(*map(fg.tree.leaves, (found, wanted, fg.jit(fg.hessian(several))(x))), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)
        np.testing.assert_allclose(a, c, rtol=1e-12)


def test_hessian_of_roots():
    roots = lambda a: fg.custom_root(lambda x: x**3 + x - a, np.ones(2))
    a = np.array([0.5, 2.0])
    x = roots(a)
    for found in (fg.hessian(roots)(a), fg.jit(fg.hessian(roots))(a), fg.jacrev(fg.jacrev(roots))(a)):
        np.testing.assert_allclose(found[[0, 1], [0, 1], [0, 1]], -6 * x / (3 * x**2 + 1) ** 3, rtol=1e-9)
    summed = lambda a: np.sum(roots(a) ** 2)
    np.testing.assert_allclose(fg.hessian(summed)(a), fg.jacrev(fg.grad(summed))(a), rtol=1e-9, atol=1e-12)


def test_hessian_of_a_function_on_a_dict():
    def loss(p):
        return np.sum(p["w"] ** 2) * p["b"] + p["b"] ** 3

    p = {"w": np.array([1.0, 2.0]), "b": 3.0}
    h = fg.hessian(loss)(p)
    np.testing.assert_allclose(h["w"]["w"], 6 * np.eye(2))
    np.testing.assert_allclose(h["w"]["b"], [2.0, 4.0])
    np.testing.assert_allclose(h["b"]["w"], [2.0, 4.0])
    assert h["b"]["b"] == 18.0


def busy(x):
    y = np.zeros_like(x)
    y[1:] = np.cumsum(np.sin(x))[:-1] * x[0]
    y += np.where(x > 0, x**2, np.exp(x))
    return y


V = np.array([0.3, -0.7, 1.1])


@pytest.mark.parametrize(
    ("transformed", "x"),
    [
        (fg.grad(lambda x: np.sum(busy(x))), V),
        (fg.jacfwd(busy), V),
        (fg.jacrev(busy), V),
        (fg.hessian(lambda x: np.sum(busy(x))), V),
        (lambda x: fg.linearize(busy, x)[1](x), V),
        (lambda x: fg.jvp(busy, (x,), (x,))[1], V),
        (fg.vmap(busy), np.stack([V, 2 * V])),
        (fg.vmap(fg.grad(lambda x: np.sum(busy(x)))), np.stack([V, 2 * V])),
    ],
)
def test_staging_a_transformation_changes_nothing(transformed, x):
    np.testing.assert_allclose(fg.trace(transformed)(x)(x), transformed(x), rtol=1e-13, atol=1e-15)


def test_closures_at_every_level():
    c = np.array([1.0, 2.0])

    def outer(a):
        def middle(b):
            def inner(x):
                return np.sum(a * b * x**2) * np.sum(c)

            return np.sum(fg.grad(inner)(b))

        return np.sum(fg.grad(middle)(a) * c)

    # inner' = 6 a b x at x = b -> middle = 6 sum a b^2 -> middle' = 12 a b at b = a -> 12 a^2 . c
    np.testing.assert_allclose(fg.grad(outer)(np.array([3.0, 4.0])), 24 * np.array([3.0, 4.0]) * c)


def test_the_documents_jacobian():
    def stacked(x):
        return fnp.array([x[0] ** 2 + 3 * x[1], x[1] ** 2 + 2 * x[0]])

    def assigned(x):
        y = np.zeros_like(x)
        y[0] = x[0] ** 2 + 3 * x[1]
        y[1] = x[1] ** 2 + 2 * x[0]
        return y

    for f in (stacked, assigned):
        for mode in ("auto", "forward", "reverse"):
            np.testing.assert_array_equal(fg.jacobian(f, mode=mode)(np.array([2.0, 3.0])), [[4, 3], [2, 6]])


def test_chain_of_many_operations():
    def chain(x):
        for _ in range(100_000):
            x = x + 1e-6
        return x * x

    assert fg.grad(chain)(1.0) == pytest.approx(2.2)


def test_loop_of_reads_is_linear_in_operations():
    # Quadratic cost would be 10^4 additions of 10^4 numbers: seconds, not fractions of one.
    def loop(x):
        total = 0.0
        for i in range(len(x)):
            total = total + x[i] ** 2
        return total

    x = np.arange(10_000.0)
    np.testing.assert_array_equal(fg.grad(loop)(x), 2 * x)


def test_complex_follows_the_stated_convention():
    z = np.array([1.0 + 2.0j, -0.5j])
    # A real function of z: d/d(Re z) - i d/d(Im z).
    np.testing.assert_allclose(fg.grad(lambda z: np.sum(np.abs(z) ** 2))(z), 2 * np.conj(z))
    np.testing.assert_allclose(fg.grad(lambda z: np.sum(np.real(z * z)))(z), 2 * z)
    np.testing.assert_allclose(fg.grad(np.sin, holomorphic=True)(1.0 + 1.0j), np.cos(1.0 + 1.0j))
    x = np.array([0.3, 0.4])
    np.testing.assert_allclose(fg.grad(lambda x: np.sum(np.abs(x * (1 + 1j)) ** 2))(x), 4 * x)


def test_float32_stays_float32():
    x = np.array([0.5, 2.0], np.float32)
    for derivative in (
        fg.grad(lambda x: np.sum(np.sin(x) * 2 + x**2)),
        fg.jacobian(lambda x: np.exp(x) / 3),
        fg.vmap(fg.grad(np.tanh)),
        fg.hessian(lambda x: np.sum(x**3)),
    ):
        assert derivative(x).dtype == np.float32
        assert fg.trace(derivative)(x).out_types[0].dtype == np.float32
