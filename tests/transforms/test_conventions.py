"""The derivative conventions at special points, as docs/design.md tables them."""

import re

import numpy as np
import pytest

import funcgrad as fg

TABLE = {
    "sqrt at 0": (np.sqrt, 0.0, np.inf),
    "norm at 0": (np.linalg.norm, np.zeros(3), np.zeros(3)),
    "norm squared at 0": (lambda x: np.linalg.norm(x) ** 2, np.zeros(3), np.zeros(3)),
    "sqrt in the branch not taken": (lambda x: np.where(x > 0, np.sqrt(np.abs(x)), 0.0), 0.0, 0.0),
    "sqrt itself in the branch not taken": (lambda x: np.where(x > 0, np.sqrt(x), 0.0), 0.0, 0.0),
    "abs at 0": (np.abs, 0.0, 0.0),
    "sinc at 0": (np.sinc, 0.0, 0.0),
    "log1p(exp) near overflow": (lambda x: np.log1p(np.exp(x)), 700.0, 1.0),
    "logaddexp, one dominant": (lambda x: np.logaddexp(x, 0.0), 1000.0, 1.0),
    "logaddexp, the other dominant": (lambda x: np.logaddexp(x, 0.0), -1000.0, 0.0),
    "max of a tie": (np.max, np.ones(2), np.full(2, 0.5)),
    "max of more ties than a float16 counts": (
        np.max,
        np.ones(70_000, np.float16),
        np.full(70_000, 1 / 70_000, np.float16),
    ),
    "mean of more elements than a float16 counts": (
        np.mean,
        np.ones(70_000, np.float16),
        np.full(70_000, 1 / 70_000, np.float16),
    ),
    "logaddexp of an infinity with itself": (lambda x: np.logaddexp(x, x), np.inf, 1.0),
    "logaddexp of minus infinity with itself": (lambda x: np.logaddexp(x, x), -np.inf, 1.0),
    "maximum at the kink": (lambda x: np.maximum(x, 0), 0.0, 0.5),
    "prod with one zero": (np.prod, np.array([2.0, 0.0, 3.0]), np.array([0.0, 6.0, 0.0])),
    "prod with two zeros": (np.prod, np.array([0.0, 0.0, 3.0]), np.zeros(3)),
    "cumprod with a zero": (
        lambda x: np.sum(np.cumprod(x)),
        np.array([2.0, 0.0, 3.0]),
        np.array([1.0, 8.0, 0.0]),
    ),
    "std of a constant": (np.std, np.full(4, 7.0), np.zeros(4)),
    "x ** 0.0 at 0": (lambda x: x**0.0, 0.0, 0.0),
    "arctan2 at the origin": (lambda x: np.arctan2(x, x), 0.0, 0.0),
    "sort with ties, by position": (
        lambda x: np.sort(x) @ np.array([1.0, 2.0, 3.0]),
        np.array([1.0, 1.0, 0.0]),
        np.array([2.0, 3.0, 1.0]),
    ),
    "0 times inf from an unused branch": (
        lambda x: np.where(x > 0, 1.0, np.log(np.abs(x))),
        1.0,
        0.0,
    ),
}


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("mode", ["reverse", "forward", "staged"])
def test_convention(name, mode):
    function, x, expected = TABLE[name]
    with np.errstate(all="ignore"):
        if mode == "reverse":
            got = fg.grad(function)(x)
        elif mode == "staged":
            got = fg.trace(fg.grad(function))(x)(x)
        elif np.size(x) > 100:
            _, got = fg.jvp(function, (x,), (np.ones_like(x),))
            np.testing.assert_allclose(got, 1.0, rtol=1e-3)
            return
        else:
            got = fg.jacfwd(function)(x)
    np.testing.assert_allclose(got, expected, rtol=1e-13)


def test_overflow_in_the_branch_not_taken():
    with np.errstate(over="ignore"):
        assert fg.grad(lambda x: np.where(x <= 0, np.exp(x), 1 + x))(1000.0) == 1.0


def test_derivatives_raise_no_warnings():
    # A quotient 1 / sqrt(0) inside a rule is ours, not the user's: pytest turns warnings to errors.
    assert np.isinf(fg.grad(np.sqrt)(0.0))


def test_second_derivatives_at_special_points():
    assert fg.grad(fg.grad(np.sinc))(0.0) == pytest.approx(-(np.pi**2) / 3)
    assert fg.grad(fg.grad(lambda x: x**2))(0.0) == 2.0
    hessian = fg.hessian(np.prod)(np.array([2.0, 0.0, 3.0]))
    np.testing.assert_allclose(hessian, [[0, 3, 0], [3, 0, 2], [0, 2, 0]])


def norm(x):
    return np.linalg.norm(x)


def once(f):
    return lambda x: (lambda n: n * n)(f(x))


def lstsq(x):
    return np.sum(np.linalg.lstsq(np.ones((4, 1)), np.concatenate([x, 0 * x]))[1])


# Where the gradient at 0 is that of the convention, and the second derivative that of a smooth function.
SMOOTH = {
    "norm squared": lambda x: norm(x) ** 2,
    "norm times itself": once(norm),
    "square of a norm": lambda x: np.square(np.linalg.vector_norm(x)),
    "a norm's fourth power": lambda x: norm(x) ** 4 + norm(x) ** 2,
    "exponential of it": lambda x: np.exp(-(norm(x) ** 2)),
    "variance": lambda x: np.std(x) ** 2,
    "variance without nan": lambda x: np.nanstd(x) ** 2.0,
    "complex variance": lambda x: np.var(x * (1 + 2j)) + (x * 1j).var(),
    "complex variance without nan": lambda x: np.nanvar(x * (1 + 2j)) + np.nanstd(x * (1 + 2j)) ** 2,
    "float_power of a norm": lambda x: np.float_power(norm(x), 2) + np.float_power(norm(x), 4.0),
    "residuals": lambda x: lstsq(x * [1, 2]) + lstsq(x * (1 + 2j)),
    "hypot squared": lambda x: np.hypot(x[0], x[1]) ** 2,
    "abs squared": lambda x: np.sum(np.abs(x) ** 2),
    "complex abs squared": lambda x: np.sum(abs(x * (1 + 2j)) ** 2),
    "square of a square root": lambda x: np.sum(np.sqrt(np.sum(x * x)) ** 2),
    "distances": lambda x: np.sum(np.exp(-(np.linalg.norm(x[:, None] - x + np.zeros((2, 2)), axis=1) ** 2))),
}


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize(
    "wrap",
    [lambda f: f, fg.jit, lambda f: lambda x: fg.vmap(f)(x[None])[0], lambda f: lambda x: fg.trace(f)(x)(x)],
    ids=["eager", "jit", "vmap", "staged"],
)
def test_second_derivatives_of_squares_at_0(name, wrap):
    f = SMOOTH[name]
    want = fg.hessian(f)(np.array([1e-6, 2e-6]))  # a point nearby
    for hessian in (fg.hessian(f), fg.jacfwd(fg.jacfwd(f)), fg.jacrev(fg.jacrev(f))):
        np.testing.assert_allclose(wrap(hessian)(np.zeros(2)), want, atol=1e-4)
    np.testing.assert_allclose(fg.grad(f)(np.zeros(2)), np.zeros(2))


def test_a_square_is_of_what_the_root_was_taken_of():
    def f(x):
        y = x * 1.0
        size = np.abs(y)
        y[0] = 7.0
        first = size**2
        size[1] = 5.0
        return np.sum(first) + np.sum(size**2)

    x = np.array([2.0, -3.0])
    assert fg.value_and_grad(f)(x)[0] == f(x)
    np.testing.assert_array_equal(fg.grad(f)(x), [8.0, -6.0])


REFUSED = "expected a second derivative where the norm (std, hypot, abs) is not 0"


@pytest.mark.parametrize(
    "f", [lambda x: np.cos(norm(x)), norm, np.std, lambda x: norm(x) * np.linalg.norm(x)]
)
def test_second_derivatives_in_reverse_of_a_norm_that_is_zero_are_refused(f):
    for inner in (fg.jacfwd, fg.jacrev):
        with pytest.raises(TypeError, match=re.escape(REFUSED)):
            fg.jacrev(inner(f))(np.zeros(2))
    assert np.isfinite(fg.hessian(f)(np.array([1.0, 2.0]))).all()


@pytest.mark.parametrize("f", [norm, np.std])
def test_no_second_derivative_where_a_norm_has_none(f):
    """It is refused at 0 in reverse mode, and else nan. (A factor that is zero wins against it, as against any nan.)"""
    x = np.zeros(2)
    for hessian in (fg.hessian(f), fg.jacrev(fg.jacfwd(f)), fg.jacfwd(fg.jacrev(f))):
        try:
            got = hessian(x)
        except TypeError as error:
            assert REFUSED in str(error)
        else:
            assert np.isnan(np.diagonal(got)).all()
        assert np.isnan(np.diagonal(fg.jit(hessian)(x))).all()
    assert np.isfinite(fg.hessian(f)(np.array([1.0, 2.0]))).all()


def test_a_square_root_squared_is_one_thing_in_both_modes():
    for f in (lambda x: np.sqrt(x) ** 2, lambda x: (x**0.5) ** 2, once(np.sqrt)):
        assert fg.grad(f)(0.0) == fg.jvp(f, (0.0,), (1.0,))[1] == 1.0
