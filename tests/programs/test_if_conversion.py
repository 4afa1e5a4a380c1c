"""Cheap branches are computed both and selected from; a branch that must not run in vain is chosen."""

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.core.check import check
from funcgrad.programs.if_conversion import if_converted

X = np.array([0.5, -2.0])


def prepared(function, *args):
    return if_converted(fg.jit(function).lower(*args).program)


def names(program):
    return [e.primitive.name for e in program.equations]


CHEAP = [
    (lambda x: fg.cond(x[0] > 0, lambda x: x * 2, lambda x: -x, x), (X,)),
    (lambda x: fg.cond(x[0] > 0, lambda x: (1.0 / x, True, 3), lambda x: (np.sqrt(x), False, 4), x), (X,)),
    (
        lambda n, x: fg.switch(n, [lambda x: x, lambda x: x + 1, lambda x: x * x, lambda x: x[::-1]], x),
        (np.int64(2), X),
    ),
    (
        lambda n, x: fg.cond(n > 1, lambda: fg.cond(x[1] > 0, lambda: x, lambda: x - n), lambda: x + 1),
        (2.0, X),
    ),
]


@pytest.mark.parametrize(("function", "args"), CHEAP)
def test_cheap_branches_are_selected(function, args):
    program = prepared(function, *args)
    check(program)
    assert "switch" not in names(program)
    points = [args]
    if len(args) == 2:
        points += [(type(args[0])(n), args[1]) for n in (-5, 0, 1, 3, 99)]
    points.append((*args[:-1], -args[-1]))
    points.append((*args[:-1], np.array([np.nan, np.inf])))
    for point in points:
        with np.errstate(all="ignore"):
            want = function(*point)
        for got, x in zip(fg.tree.leaves(fg.jit(function)(*point)), fg.tree.leaves(want), strict=True):
            np.testing.assert_array_equal(got, x)


def test_a_derivative_does_not_see_the_other_branch():
    f = lambda x: fg.cond(x > 0, lambda x: np.sqrt(x), lambda x: x * 0.0, x)
    assert fg.jit(fg.grad(f))(-1.0) == 0.0
    assert fg.jit(fg.grad(f))(4.0) == 0.25


@pytest.mark.parametrize(
    ("function", "args"),
    [
        (
            lambda x: fg.cond(
                x[0] > 9, lambda x: fg.while_loop(lambda y: y[0] > 0, lambda y: y, x), lambda x: x, x
            ),
            (X,),
        ),
        (lambda n: fg.cond(n != 0, lambda n: 7 // n, lambda n: n, n), (np.int64(0),)),
        (lambda x: fg.cond(x[0] > 9, lambda x: (fg.error_if(x.any(), "no"), x)[1], lambda x: x, x), (X,)),
        (lambda x, n: fg.cond(n < 2, lambda x, n: x[n], lambda x, n: 0.0, x, n), (X, np.int64(5))),
        (lambda x: fg.cond(x[0] > 0, lambda x: np.sin(x), lambda x: x, x), (np.ones(1000),)),
    ],
)
def test_others_are_chosen(function, args):
    assert "switch" in names(prepared(function, *args))
    np.testing.assert_allclose(fg.jit(function)(*args), function(*args))
