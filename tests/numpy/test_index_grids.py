import numpy as np
import pytest

import funcgrad as fg
from funcgrad import numpy as fnp
from funcgrad.errors import DTypeError, ShapeError
from tests.laws import check_laws

A = np.random.default_rng(15).standard_normal((3, 4))
SQUARE = A[:, :3].copy()
FLAT = np.array([[0, 5], [11, 7]])

LAWS = {
    "unravel_index": (lambda m, i: m.unravel_index(i, (3, 4)), (FLAT,)),
    "unravel_index F": (lambda m, i: m.unravel_index(i, (3, 4), order="F"), (FLAT,)),
    "ravel_multi_index": (lambda m, i, j: m.ravel_multi_index((i, j), (3, 4)), (FLAT % 3, FLAT % 4)),
    "ravel_multi_index F": (
        lambda m, i, j: m.ravel_multi_index((i, j), (3, 4), order="F"),
        (FLAT % 3, FLAT % 4),
    ),
    "ravel_multi_index modes": (
        lambda m, i, j: m.ravel_multi_index((i, j), (3, 4), mode=("wrap", "clip")),
        (FLAT, FLAT - 3),
    ),
    "ix_": (lambda m, x: x[m.ix_([0, 2], np.array([True, False, True, False]))] ** 2, (A,)),
    "ix_ traced": (lambda m, x, i: x[m.ix_(i, i)], (A, np.array([2, 0]))),
    "tril_indices_from": (lambda m, x: x[m.tril_indices_from(x, -1)], (A,)),
    "triu_indices_from": (lambda m, x: x[m.triu_indices_from(x)], (A,)),
    "diag_indices_from": (lambda m, x: x[m.diag_indices_from(x)], (SQUARE,)),
}


@pytest.mark.parametrize("name", LAWS)
def test_laws(name):
    function, args = LAWS[name]
    check_laws(function, *args)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m, x: m.unravel_index(x, (3, 4)), DTypeError, "unravel_index: expected integers"),
        (lambda m, x: m.ix_(x), ShapeError, "ix_: expected vectors"),
        (lambda m, x: m.tril_indices_from(x[0]), ShapeError, "tril_indices_from: expected a matrix"),
        (lambda m, x: m.diag_indices_from(x), ShapeError, "diag_indices_from: expected all axes of one size"),
    ],
)
def test_bad_inputs_say_so_staged_and_eager(call, error, message):
    for run in (lambda: call(fnp, A), lambda: fg.trace(lambda x: call(fnp, x))(A)):
        with pytest.raises(error, match=message):
            run()
