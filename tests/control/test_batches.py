"""Loops and branches over examples: what all share stays one, and none does what it did not choose."""

import numpy as np
import pytest

import funcgrad as fg
import funcgrad.numpy as fnp

A = np.arange(4.0) + 1


def by_slices(x):
    return fg.scan(
        lambda c, i: (fg.cond(i < 4, lambda: c * fnp.take(x, i), lambda: c), None), 1.0, np.arange(6)
    )[0]


def by_counter(x):
    def step(state, _):
        k, c = state
        return (k + 1, fg.cond(k < 4, lambda: c * fnp.take(x, k), lambda: c)), None

    return fg.scan(step, (0, 1.0), None, length=6)[0][1]


def by_while(x):
    def step(state):
        k, c = state
        return k + 1, fg.cond(k < 4, lambda: c * fnp.take(x, k), lambda: c)

    return fg.while_loop(lambda s: s[0] < 6, step, (0, 1.0))[1]


@pytest.mark.parametrize("f", [by_slices, by_counter, by_while])
@pytest.mark.parametrize(
    "of", [lambda f: f, fg.grad, lambda f: fg.jacfwd(fg.grad(f))], ids=["f", "grad", "hessian"]
)
def test_a_condition_on_a_counter_stays_a_condition(f, of):
    batch = np.stack([A, A + 1, 0 * A])
    want = np.stack([of(f)(row) for row in batch])
    np.testing.assert_allclose(fg.vmap(of(f))(batch), want, rtol=1e-13)
    if f is not by_while or of is not fg.jacfwd:
        np.testing.assert_allclose(fg.jit(fg.vmap(of(f)))(batch), want, rtol=1e-13)


def test_what_all_examples_share_is_computed_once():
    loop = lambda x: fg.while_loop(lambda s: s[0] < 5, lambda s: (s[0] + 1, s[1] * x), (0, x))
    program = fg.trace(fg.vmap(loop))(A)
    (equation,) = [e for e in program.equations if e.primitive.name == "while"]
    assert [v.type.shape for v in equation.outputs] == [(), (4,)]
    for got, want in zip(fg.vmap(loop)(A), zip(*map(loop, A), strict=True), strict=True):
        np.testing.assert_allclose(got, want)
    each = lambda x: fg.while_loop(lambda s: s[1] < 50, lambda s: (s[0] + 1, s[1] * x), (0, x))
    for got, want in zip(fg.vmap(each)(A + 1), zip(*map(each, A + 1), strict=True), strict=True):
        np.testing.assert_allclose(got, want)


def test_a_part_that_comes_to_depend_on_the_example_late():
    def chain(x):
        return fg.scan(lambda s, _: ((s[1], s[2], s[2] + x), s[0]), (0.0, 0.0, 0.0), None, length=5)

    for got, want in zip(
        fg.tree.leaves(fg.vmap(chain)(A)),
        zip(*(fg.tree.leaves(chain(x)) for x in A), strict=True),
        strict=True,
    ):
        np.testing.assert_allclose(got, np.stack(want))


@pytest.mark.parametrize("compiled", [False, True])
def test_none_fails_in_a_branch_it_did_not_choose(compiled):
    wrap = fg.jit if compiled else lambda f: f
    inverse = lambda a: fg.cond(a[0, 0] > 0, lambda: np.linalg.inv(a), lambda: a)
    batch = np.stack([np.zeros((2, 2)), 2 * np.eye(2)])
    np.testing.assert_array_equal(wrap(fg.vmap(inverse))(batch), [np.zeros((2, 2)), np.eye(2) / 2])
    element = lambda x, i: fg.cond(i < 4, lambda: x[i] * 2, lambda: x[0])
    rows, places = np.stack([A, A]), np.array([1, 7])
    np.testing.assert_array_equal(wrap(fg.vmap(element))(rows, places), [4.0, 1.0])
    found = wrap(fg.vmap(fg.grad(element)))(rows, places)
    np.testing.assert_array_equal(found, [[0, 2, 0, 0], [1, 0, 0, 0]])
