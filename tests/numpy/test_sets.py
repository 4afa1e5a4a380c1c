import numpy as np
import pytest

import funcgrad as fg
from funcgrad import numpy as fnp
from funcgrad.errors import ConcretizationError
from tests.laws import assert_same, check_laws

X = np.array([3.0, 1.0, 2.0, 1.0])
Y = np.array([[1.0, 5.0], [3.0, 3.0]])

CALLS = {
    "union1d": lambda m, x, y: m.union1d(x, y),
    "intersect1d": lambda m, x, y: m.intersect1d(x, y),
    "intersect1d indices": lambda m, x, y: m.intersect1d(x, y, return_indices=True),
    "setdiff1d": lambda m, x, y: m.setdiff1d(x, y),
    "setxor1d": lambda m, x, y: m.setxor1d(x, y),
}


@pytest.mark.parametrize("name", CALLS)
def test_values_and_derivatives(name):
    call = CALLS[name]
    assert_same(call(fnp, X, Y), call(np, X, Y))
    first = (lambda *xs: call(np, *xs)[0]) if "indices" in name else (lambda *xs: call(np, *xs))
    y, pullback = fg.vjp(first, X, Y)
    assert_same(y, first(X, Y))
    assert sum(bar.sum() for bar in pullback(np.ones_like(y))) == len(y)
    with pytest.raises(ConcretizationError, match="with values that are known"):
        fg.trace(first)(X, Y)


def test_isin():
    check_laws(lambda m, x, y: m.isin(x, y), X, Y)
    check_laws(lambda m, x: m.isin(x, [1.0, 2.0], invert=True), Y)
