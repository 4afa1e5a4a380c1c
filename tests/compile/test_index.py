"""Index arithmetic: quotients and remainders, and that they are of numbers that are not negative."""

import itertools

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.compile.expression import Expressions
from funcgrad.compile.index import Index, Loop, Quotient, Remainder


def evaluate(index, values):
    total = index.constant
    for atom, coefficient in index.terms.items():
        if isinstance(atom, Quotient):
            inner = evaluate(atom.index, values)
            assert inner >= 0
            total += coefficient * (
                inner % atom.divisor if type(atom) is Remainder else inner // atom.divisor
            )
        else:
            total += coefficient * values[atom]
    return total


@pytest.mark.parametrize("coefficients", [*itertools.product((-7, -3, 1, 6, 8), (-1, 2, 5))])
@pytest.mark.parametrize("constant", [-4, 0, 11])
def test_quotients_and_remainders(coefficients, constant):
    i, j = Loop(4), Loop(5)
    index = Index.of(i) * coefficients[0] + Index.of(j) * coefficients[1] + constant
    for divisor in (2, 3, 7, 9):
        quotient, remainder = index // divisor, index % divisor
        for a, b in itertools.product(range(4), range(5)):
            x = evaluate(index, {i: a, j: b})
            assert evaluate(quotient, {i: a, j: b}) == x // divisor
            assert evaluate(remainder, {i: a, j: b}) == x % divisor


def test_a_diagonal_of_a_flat_matrix():
    i = Index.of(Loop(200))
    assert (i * 201) // 200 == i and (i * 201) % 200 == i


def test_a_guard_of_a_diagonal_needs_no_division():
    table = Expressions()
    i, j = Index.of(Loop(20)), Index.of(Loop(20))
    one, zero = (table.const(x, np.dtype(float)) for x in (1, 0))
    guard = table.guard([((i * 20 + j) % 21, 0, 1)], lambda: one, zero)
    ((condition, low, high),) = guard.detail
    assert condition.is_affine() and (low, high) == (0, 1)


@pytest.mark.parametrize("shift", [4, 40, 77, 1111])
def test_rolled_reshaped_and_reversed(shift):
    y = np.arange(1500.0).reshape(30, 50)
    for f in (
        lambda y: np.roll(y.T, shift).reshape(30, 50)[::-1] * 1.0,
        lambda y: np.roll(y.T, shift).reshape(20, 75)[::-1].T * 1.0,
        lambda y: np.roll(y.T[::-1], shift).reshape(50, 30)[1:40][::-1].T * 1.0,
    ):
        np.testing.assert_array_equal(fg.jit(f)(y), f(y))
