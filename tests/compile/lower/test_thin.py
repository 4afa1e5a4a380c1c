"""Jacobians by basis vectors: what is zero is not computed, and everything else is as without that."""

import numpy as np
import pytest

import funcgrad as fg
from tests.guarded_memory import guarded

rng = np.random.default_rng(3)


def matrix(m, n):
    return np.random.default_rng(m * 100 + n).standard_normal((m, n))


FUNCTIONS = {
    "elementwise": lambda x: np.sin(x) * x,
    "coupled": lambda x: np.tanh(matrix(7, x.size) @ x.ravel()) * np.sum(x**2),
    "from the left": lambda x: x.ravel() @ matrix(x.size, 5),
    "pairs": lambda x: np.sum(1 / (1 + (x.ravel()[:, None] - x.ravel()) ** 2), 1),
    "pairs, both axes": lambda x: 1 / (1 + (x.ravel()[:, None] - 2 * x.ravel()) ** 2),
    "differences": lambda x: (x[1:] - x[:-1] ** 2) * x[:-1],
    "one of each": lambda x: np.stack([x.ravel()[0] * x.ravel()[-1], np.sum(x), np.prod(x)]),
    "running sums": lambda x: np.cumsum(np.exp(x), axis=-1),
    "turned": lambda x: (x.T[::-1] * 2).reshape(-1)[::2],
    "written": lambda x: np.concatenate([x.ravel() * 3, x.ravel()[:2] ** 2]),
    "rows": lambda x: x / np.sum(x**2, axis=-1, keepdims=True),
    "chosen": lambda x: np.where(x > 0, x**2, -x),
    "largest": lambda x: np.max(x, axis=0) * np.min(x),
    "no derivative": lambda x: np.floor(x) + 2.0,
}
SHAPES = [(1,), (2,), (5,), (9,), (17,), (3, 4), (2, 3, 3)]


def check(function, x, rtol=1e-10):
    want = fg.tree.leaves(function(x))
    for at_end in (True, False):
        with guarded(at_end=at_end):
            got = fg.tree.leaves(fg.jit(function)(x))
        for a, b in zip(got, want, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("shape", [(5,), (3, 4)])
def test_jacobians(name, shape):
    f = FUNCTIONS[name]
    x = rng.standard_normal(shape)
    check(fg.jacrev(f), x)
    check(fg.jacfwd(f), x)


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("shape", SHAPES)
def test_all_that_is_made_of_jacobians(name, shape):
    f = FUNCTIONS[name]
    x = rng.standard_normal(shape)
    for jacobian in (fg.jacrev, fg.jacfwd):
        check(jacobian(f), x)
        check(jacobian(f, chunk_size=3), x)
        check(fg.vmap(jacobian(f)), np.stack([x, 2 * x, x[::-1]]))
        check(jacobian(f), x.astype(np.float32), 1e-4)
        check(jacobian(lambda x: {"a": f(x), "b": [np.sum(x), x * 2]}), x)
    scalar = lambda x: np.sum(np.sin(f(x)))
    check(fg.hessian(scalar), x, 1e-9)
    check(fg.jacrev(fg.grad(scalar)), x, 1e-9)
    check(fg.jacrev(fg.jacfwd(f)), x, 1e-9)


def flops(function, n):
    return fg.jit(function).lower(fg.ArrayType((n,), float)).cost().flops


@pytest.mark.parametrize("name", ["elementwise", "coupled", "from the left", "pairs"])
@pytest.mark.parametrize("transform", ["jacrev", "jacfwd", "hessian", "jacrev of grad"])
def test_a_jacobian_costs_what_its_numbers_cost(name, transform):
    f = FUNCTIONS[name]
    scalar = lambda x: np.sum(f(x)) if name == "pairs" else np.sum(f(x) ** 2)
    made = {
        "jacrev": lambda: fg.jacrev(f),
        "jacfwd": lambda: fg.jacfwd(f),
        "hessian": lambda: fg.hessian(scalar),
        "jacrev of grad": lambda: fg.jacrev(fg.grad(scalar)),
    }[transform]()
    assert flops(made, 200) <= 4.5 * flops(made, 100)  # not 8 times


def test_a_sum_on_the_diagonal_is_made_with_its_row():
    """It is read at the row's own index, so that one loop over rows does all, and nothing of n^2 is kept between."""
    jacobian = fg.jit(fg.jacobian(FUNCTIONS["pairs"]))
    loops = jacobian.lower(np.linspace(-1, 1, 50)).loops
    assert loops.count("    for i ") - loops.count("     for i ") == 1
    assert "[50, 50]" not in loops


def test_zeros_win_where_they_did():
    f = lambda x: np.log(x) + np.sqrt(x)[::-1]
    x = np.array([0.0, 1.0, 2.0, np.inf])
    with np.errstate(all="ignore"):
        want = fg.jacrev(f)(x)
        assert (want[1, [0, 3]] == 0).all()
        np.testing.assert_array_equal(fg.jit(fg.jacrev(f))(x), want)
        matrix = np.array([[1.0, np.inf], [np.nan, 2.0]])
        g = lambda x: matrix @ (x * x)
        np.testing.assert_array_equal(fg.jit(fg.jacrev(g))(x[1:3]), fg.jacrev(g)(x[1:3]))


def test_zeros_win_in_sums_of_thin_arrays():
    def energy(x):
        """Of charges in a row: what is on the diagonal is infinite, and left out."""
        distance = np.abs(x[:, None] - x)
        apart = ~np.eye(len(x), dtype=bool)
        return np.sum(np.where(apart, 1 / distance, 0.0)) + np.sum(x**2)

    x = np.array([0.1, 0.7, 1.9, 2.4, 4.0])
    with np.errstate(all="ignore"):
        for made in (fg.hessian(energy), fg.jacrev(fg.grad(energy))):
            want = made(x)
            assert np.isfinite(want).all()
            np.testing.assert_allclose(fg.jit(made)(x), want, rtol=1e-12)


def test_programs_hold_no_third_power_of_constants():
    pairs = lambda x: np.sum(1 / (1 + (x[:, None] - x) ** 2), 1)
    program = fg.jit(fg.jacfwd(pairs)).lower(fg.ArrayType((50,), float)).program
    assert max(np.size(value) for _, value in program.constants) <= 50**2


def test_the_users_own_products_are_numpys():
    x = np.array([1.0, np.inf, np.nan, 2.0, 0.0])
    eye = np.eye(5)
    for f in (lambda x: eye @ x, lambda x: eye * x, lambda x: np.sum(eye * x, 0), lambda x: eye * 0.5 - x):
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(fg.jit(f)(x), f(x))


def test_the_signs_of_zeros_are_numpys():
    v = np.array([1.0, -2.0, -0.0, 0.0])
    eye = np.eye(4)
    functions = [
        lambda x: x / -eye,
        lambda x: 1 / (np.diag(x) * -2.0),
        lambda x: np.arctan2(-np.diag(x), -1.0),
        lambda x: np.copysign(1.0, -eye * x),
        lambda x: 1 / (np.sum(np.diag(x) * 3.0, 0) - 0.0),
        lambda x: 1 / (-np.diag(x) - np.diag(x[::-1])),
        lambda x: np.copysign(1.0, np.sum(-eye * x[0], 1)),
        lambda x: np.copysign(1.0, (np.zeros((4, 4)) - eye[::-1] * 0.5) * x[1]),
        lambda x: 1 / (np.where(eye > 0, 1.0, -0.0) * 2.0 + 0 * x),
    ]
    with np.errstate(all="ignore"):
        for f in functions:
            np.testing.assert_array_equal(fg.jit(f)(v), f(v))


def test_other_constants_are_what_they_are():
    x = rng.standard_normal(6)
    nearly = [np.eye(6), 2 * np.eye(6), np.eye(6, k=2), np.eye(6, k=-1), np.eye(6)[::-1], np.eye(6) + 1e-300]
    nearly += [np.diag(rng.standard_normal(6)), np.eye(6) * np.arange(6), np.zeros((6, 6)), -np.eye(6)]
    for m in [
        *nearly,
        np.eye(6)[:, :, None],
        np.eye(6)[:3],
        np.eye(6)[2:],
        np.eye(6)[:, 1:],
        np.eye(6)[1:, :4],
    ]:
        check(lambda x, m=m: m * x[0] + np.sum(m**2), x, 1e-15)
        check(lambda x, m=m: [np.sum(m * x[1], 0), np.sum(m * x[1], 1), m.reshape(-1) * x[2]], x, 1e-15)
