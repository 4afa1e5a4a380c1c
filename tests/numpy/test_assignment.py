import numpy as np
import pytest

import funcgrad as fg
from funcgrad import numpy as fnp
from funcgrad.errors import DTypeError, InPlaceError, ShapeError
from tests.laws import check_laws

rng = np.random.default_rng(4)
A = rng.standard_normal((3, 3))
R = rng.standard_normal((5, 2))
V = rng.standard_normal(4)
MASK = np.array([[True, False, True], [False, False, True], [True, True, False]])


def written(function):
    """What `function(namespace, array, *rest)` leaves in a copy of the array."""

    def f(m, x, *rest):
        y = m.copy(x)
        assert function(m, y, *rest) is None
        return y

    return f


LAWS = {
    "copyto": (lambda m, y, v: m.copyto(y, v), (A, V[:3])),
    "copyto where": (lambda m, y, v, c: m.copyto(y, v, where=c), (A, R[0, 0], MASK)),
    "put": (lambda m, y, v: m.put(y, [0, 4], v), (A, V)),
    "put repeats": (lambda m, y, v: m.put(y, [8, 1, 4], v), (A, V[:2])),
    "put wrap": (lambda m, y, v: m.put(y, [10, -11], v, mode="wrap"), (A, V[:2])),
    "put clip": (lambda m, y, v: m.put(y, [10, -11], v, mode="clip"), (A, V[:2])),
    "place": (lambda m, y, v, c: m.place(y, c, v), (A, V, MASK)),
    "place repeats": (lambda m, y, v, c: m.place(y, c, v), (A, V[:2], MASK)),
    "putmask": (lambda m, y, v, c: m.putmask(y, c, v), (A, V, MASK)),
    "putmask same shape": (lambda m, y, v: m.putmask(y, y > 0, v), (A, A.T.copy())),
    "put_along_axis": (lambda m, y, v: m.put_along_axis(y, np.array([[1], [0], [2]]), v, 1), (A, A[:, :1])),
    "put_along_axis number": (lambda m, y: m.put_along_axis(y, np.array([[1, 0, 2]]), 9.0, 0), (A,)),
    "put_along_axis flat": (lambda m, y, v: m.put_along_axis(y, np.array([1, 0]), v, None), (A, V[:2])),
    "fill_diagonal": (lambda m, y, v: m.fill_diagonal(y, v), (A, R[0, 0])),
    "fill_diagonal values": (lambda m, y, v: m.fill_diagonal(y, v), (A, V[:2])),
    "fill_diagonal tall": (lambda m, y, v: m.fill_diagonal(y, v), (R, V[0])),
    "fill_diagonal wrap": (lambda m, y, v: m.fill_diagonal(y, v, wrap=True), (R, V[0])),
    "fill_diagonal cube": (lambda m, y, v: m.fill_diagonal(y, v), (rng.standard_normal((2, 2, 2)), V[0])),
}


@pytest.mark.parametrize("name", LAWS)
def test_laws(name):
    function, args = LAWS[name]
    check_laws(written(function), *args)


def test_writes_reach_the_base_of_a_view():
    def f(x):
        y = x * 1.0
        np.fill_diagonal(y[1:], 7.0)
        np.copyto(y[0], 5.0)
        return y

    np.testing.assert_array_equal(fg.trace(f)(A)(A), f(A))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda y: np.copyto(y, V), ShapeError, r"copyto: expected values that broadcast to float64\[3,3\]"),
        (lambda y: np.copyto(y, 1j), DTypeError, "assignment: expected a value for float64"),
        (lambda y: np.putmask(y, [True], 1.0), ShapeError, "putmask: expected a mask of shape"),
        (lambda y: np.place(y, [True], 1.0), ShapeError, "place: expected a mask of shape"),
        (lambda y: np.fill_diagonal(y[0], 1.0), ShapeError, "fill_diagonal: expected a matrix"),
    ],
)
def test_bad_inputs_say_so_staged_and_eager(call, error, message):
    for transform in (fg.trace, fg.grad):
        with pytest.raises(error, match=message):
            transform(lambda x: np.sum(x) + (call(x * 1.0) or 0.0))(A)


def test_a_traced_value_is_not_written_into_a_plain_array():
    with pytest.raises(InPlaceError, match="put_along_axis: a traced value must not be written"):
        fg.grad(lambda v: fnp.put_along_axis(np.zeros((2, 2)), np.array([[0, 1]]), v, 0))(1.0)
    with pytest.raises(InPlaceError, match="copyto: a traced value must not be written"):
        fg.grad(lambda v: np.copyto(np.zeros(2), v))(1.0)
