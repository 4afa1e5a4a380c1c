import numpy as np
import pytest

import funcgrad as fg
from funcgrad import numpy as fnp
from funcgrad.errors import ConcretizationError, ShapeError
from tests.laws import check_laws

rng = np.random.default_rng(1)
A = rng.standard_normal((2, 3))
B = rng.standard_normal((2, 3))
V = rng.standard_normal(3)
T = rng.standard_normal((2, 4, 3))
F32 = A.astype(np.float32)
INTS = np.arange(6).reshape(2, 3)

LAWS = {
    "concatenate": (lambda m, x, y: m.concatenate([x, y]), (A, B)),
    "concatenate axis": (lambda m, x, y: m.concatenate((x, y, x), axis=-1), (A, B)),
    "concatenate flat": (lambda m, x, y: m.concatenate((x, y), axis=None), (A, V)),
    "concatenate promotes": (lambda m, x, y: m.concatenate((x, y)), (F32, INTS)),
    "concatenate dtype": (lambda m, x, y: m.concatenate((x, y), dtype=np.float32), (F32, B)),
    "concatenate one": (lambda m, x: m.concatenate([x]), (A,)),
    "concatenate rows": (lambda m, x: m.concatenate(x), (T,)),
    "concatenate lists": (lambda m, x: m.concatenate([x, [1.0, 2.0]]), (V,)),
    "concat": (lambda m, x, y: m.concat([x, y]), (A, B)),
    "stack": (lambda m, x, y: m.stack([x, y]), (A, B)),
    "stack last": (lambda m, x, y: m.stack([x, y], axis=-1), (A, B)),
    "stack numbers": (lambda m, x: m.stack([x[0], x[1] * 2]), (V,)),
    "vstack": (lambda m, x, y: m.vstack([x, y]), (A, V)),
    "hstack": (lambda m, x, y: m.hstack([x, y]), (A, B)),
    "hstack vectors": (lambda m, x, y: m.hstack([x, y]), (V, V[:2])),
    "dstack": (lambda m, x, y: m.dstack([x, y]), (A, B)),
    "dstack vectors": (lambda m, x, y: m.dstack([x, y]), (V, V)),
    "column_stack": (lambda m, x, y: m.column_stack([x, y]), (V, T[0, :3])),
    "block": (
        lambda m, x, y, v: m.block([[x, m.zeros_like(y)], [m.ones((2, 3)), y]])[:, :5] * v[0],
        (A, B, V),
    ),
    "block row": (lambda m, x, y: m.block([x, y, 1.0]), (V, V[:1])),
    "block ndim": (lambda m, x, v: m.block([[[x], [v]]]), (A, V)),
    "append": (lambda m, x, y: m.append(x, y), (A, V)),
    "append axis": (lambda m, x, y: m.append(x, y, axis=1), (A, B)),
    "split": (lambda m, x: m.split(x, 2, axis=1), (T,)),
    "split at": (lambda m, x: m.split(x, [1, 3], axis=1), (T,)),
    "array_split": (lambda m, x: m.array_split(x, 3, axis=1), (T,)),
    "array_split beyond": (lambda m, x: m.array_split(x, [2, 9]), (V,)),
    "vsplit": (lambda m, x: m.vsplit(x, 2), (A,)),
    "hsplit": (lambda m, x: m.hsplit(x, 3), (A,)),
    "hsplit vector": (lambda m, x: m.hsplit(x, 3), (V,)),
    "dsplit": (lambda m, x: m.dsplit(x, [1]), (T,)),
    "unstack": (lambda m, x: m.unstack(x, axis=1), (T,)),
    "insert": (lambda m, x, v: m.insert(x, 1, v), (V, A[0, 0])),
    "insert row": (lambda m, x, v: m.insert(x, 1, v, axis=0), (A, V)),
    "insert column": (lambda m, x, v: m.insert(x, -1, v, axis=1), (A, V[:2])),
    "insert number": (lambda m, x: m.insert(x, 2, 9.0, axis=1), (A,)),
    "insert several": (lambda m, x, v: m.insert(x, [0, 2, 2], v), (A, V)),
    "insert columns": (lambda m, x, v: m.insert(x, [2, 0], v, axis=1), (A, B[:, :2])),
    "insert list of one": (lambda m, x, v: m.insert(x, [1], v, axis=1), (A, B)),
    "insert slice": (lambda m, x, v: m.insert(x, slice(0, 2), v), (V, V[:2])),
    "insert at end": (lambda m, x: m.insert(x, 3, [7.0, 8.0]), (V,)),
    "insert mask": (lambda m, x: m.insert(x, np.array([True, False, True]), 5.0), (V,)),
    "delete": (lambda m, x: m.delete(x, 1), (A,)),
    "delete rows": (lambda m, x: m.delete(x, [0, -1], axis=1), (T,)),
    "delete slice": (lambda m, x: m.delete(x, slice(None, None, 2), axis=-1), (T,)),
    "delete mask": (lambda m, x: m.delete(x, [True, False, True]), (V,)),
    "delete nothing": (lambda m, x: m.delete(x, []), (V,)),
}


@pytest.mark.parametrize("name", LAWS)
def test_laws(name):
    function, args = LAWS[name]
    check_laws(function, *args, exact=True)


def _plus_written(make):
    """A function that writes into what `make` returns, and gives the array it was made from."""

    def f(x):
        x = x * 1.0
        make(x)[0] = 100.0
        return x

    return f


COPIES = [
    lambda x: np.concatenate([x]),
    lambda x: np.stack([x])[0],
    lambda x: np.append(x, x),
    lambda x: np.block(x),
    lambda x: np.block([x]),
    lambda x: np.insert(x, 1, 0.0),
    lambda x: np.delete(x, []),
    lambda x: np.hstack([x]),
]
VIEWS = [
    lambda x: np.split(x, 3)[1],
    lambda x: np.array_split(x, 2)[0],
    lambda x: np.hsplit(x, 3)[2],
    lambda x: np.vsplit(x[:, None], 3)[1],
    lambda x: np.unstack(x[None])[0],
]


@pytest.mark.parametrize("make", COPIES + VIEWS)
def test_writes_show_where_numpy_shows_them(make):
    f = _plus_written(make)
    np.testing.assert_array_equal(fg.trace(f)(V)(V), f(V))
    np.testing.assert_array_equal(fg.vjp(f, V)[0], f(V))


@pytest.mark.parametrize("make", COPIES)
def test_copies_are_copies(make):
    np.testing.assert_array_equal(_plus_written(make)(V), V)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, x: m.concatenate([]), "concatenate: expected at least one array, got none"),
        (lambda m, x: m.concatenate([x, x[:, :2]]), "concatenate: expected equal shapes but for axis 0"),
        (lambda m, x: m.concatenate([x[0, 0]]), "concatenate: expected arrays with at least one axis"),
        (lambda m, x: m.concatenate([x], axis=2), "concatenate: expected an axis of an array with 2 axes"),
        (lambda m, x: m.stack([x, x[0]]), r"stack: expected arrays of one shape, got float64\[2,3\] and"),
        (lambda m, x: m.split(x, 2, axis=1), "split: expected a number of sections that divides axis 1"),
        (lambda m, x: m.vsplit(x[0], 1), "vsplit: expected an array with at least 2 axes"),
        (lambda m, x: m.insert(x, 99, 1.0), "insert: expected places within 6"),
        (lambda m, x: m.block([x, [x]]), "block: expected lists of one depth"),
        (lambda m, x: m.unstack(x[0, 0]), "unstack: expected an array with at least one axis"),
    ],
)
def test_bad_inputs_say_so_staged_and_eager(call, message):
    for run in (lambda: call(fnp, A), lambda: fg.trace(lambda x: call(fnp, x))(A)):
        with pytest.raises(ShapeError, match=message):
            run()


def test_places_must_be_known():
    with pytest.raises(ConcretizationError, match="delete: expected obj with values that are known"):
        fg.trace(lambda x, i: np.delete(x, i))(V, 1)
    assert fg.grad(lambda x: np.sum(np.delete(x, np.argmax(x))))(V)[np.argmax(V)] == 0
