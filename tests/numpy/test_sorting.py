import numpy as np
import pytest

import funcgrad as fg
from funcgrad import numpy as fnp
from funcgrad.errors import ConcretizationError, ShapeError
from funcgrad.primitives.sorting import argsort
from tests.laws import assert_same, check_laws

rng = np.random.default_rng(5)
V = rng.permutation(9) * 0.7 + rng.uniform(-0.1, 0.1, 9)
A = (rng.permutation(20) * 0.9).reshape(4, 5) + rng.uniform(-0.1, 0.1, (4, 5))
T = (rng.permutation(24) * 0.9).reshape(2, 3, 4)
F32 = A.astype(np.float32)
INTS = rng.permutation(12).reshape(3, 4)
BINS = np.array([0.0, 1.0, 3.0, 7.0])
LAWS = {
    "sort": (lambda m, x: m.sort(x), (A,)),
    "sort axis": (lambda m, x: m.sort(x, axis=0), (T,)),
    "sort flat": (lambda m, x: m.sort(x, axis=None), (A,)),
    "sort vector": (lambda m, x: m.sort(x), (V,)),
    "sort complex": (lambda m, x: m.sort(x), (A[0] + 1j * A[1],)),
    "sort_complex": (lambda m, x: m.sort_complex(x), (V,)),
    "sort ints": (lambda m, x: m.sort(x, 0), (INTS,)),
    "argsort": (lambda m, x: m.argsort(x, axis=0), (A,)),
    "searchsorted": (lambda m, a, v: m.searchsorted(a, v), (BINS, A)),
    "searchsorted right": (lambda m, a, v: m.searchsorted(a, v, side="right"), (BINS, BINS)),
    "searchsorted sorter": (lambda m, a, v: m.searchsorted(a, v, sorter=np.argsort(V)), (V, A)),
    "lexsort": (lambda m, x: x[m.lexsort((INTS[0], INTS[1]))], (V[:4],)),
}


@pytest.mark.parametrize("name", LAWS)
def test_laws(name):
    function, args = LAWS[name]
    check_laws(function, *args)


@pytest.mark.parametrize("kth", [0, 3, [1, -2]])
def test_partition_puts_the_kth_in_place(kth):
    for run in (lambda: fnp.partition(A, kth), lambda: fg.trace(lambda x: np.partition(x, kth))(A)(A)):
        y = run()
        ordered = np.sort(A)
        for k in np.atleast_1d(kth):
            np.testing.assert_array_equal(y[:, k], ordered[:, k])
            assert (y[:, : k % 5] <= y[:, [k]]).all()
        np.testing.assert_array_equal(np.sort(y), ordered)
    positions = fnp.argpartition(A, kth, axis=0)
    np.testing.assert_array_equal(np.sort(positions, 0), np.arange(4)[:, None] * np.ones((1, 5), int))
    gradient = fg.grad(lambda x: np.sum(np.partition(x, 2, axis=None)[2] * 3.0))(A)
    np.testing.assert_array_equal(gradient, np.where(A == np.sort(A, None)[2], 3.0, 0.0))


def test_ties_are_by_position():
    x = np.array([2.0, 1.0, 1.0])
    np.testing.assert_array_equal(fg.jacobian(np.sort)(x), [[0, 1, 0], [0, 0, 1], [1, 0, 0]])


def test_unique_carries_the_derivative():
    x = np.array([3.0, 1.0, 3.0, 2.0])
    w = np.array([1.0, 10.0, 100.0])
    np.testing.assert_array_equal(fg.grad(lambda x: np.sum(w * np.unique(x)))(x), [100, 1, 0, 10])
    assert_same(fnp.unique(x, True, True, True), np.unique(x, True, True, True))
    assert_same(fnp.unique(x, return_counts=True), np.unique(x, return_counts=True))
    assert_same(fnp.unique(INTS % 2, axis=1), np.unique(INTS % 2, axis=1))
    rows = np.array([[1.0, 2.0], [1.0, 2.0], [0.0, 5.0]])
    gradient = fg.grad(lambda x: np.sum(np.unique(x, axis=0)))(rows)
    np.testing.assert_array_equal(gradient, [[1, 1], [0, 0], [1, 1]])
    for name in ("unique_all", "unique_counts", "unique_inverse", "unique_values"):
        assert_same(getattr(fnp, name)(x), getattr(np, name)(x))
        assert type(getattr(fnp, name)(x)) is type(getattr(np, name)(x))
    with pytest.raises(ConcretizationError, match="unique: expected an array with values that are known"):
        fg.trace(np.unique)(x)


def test_values_alone_are_sorted_without_positions():
    value = fg.jit(lambda x: np.median(x) + np.sort(x)[0])
    assert "argsort" not in str(value.lower(V).program)
    assert "argsort" in str(fg.jit(fg.grad(value)).lower(V).program)
    assert value(V) == np.median(V) + V.min()


def test_sort_method_works_in_place():
    def f(x):
        y = x * 1.0
        y.sort()
        return y

    np.testing.assert_array_equal(fg.trace(f)(A)(A), np.sort(A))
    np.testing.assert_array_equal(fg.vjp(f, A)[0], np.sort(A))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m, x: m.sort(x, axis=2), ShapeError, "sort: expected an axis of an array with 2 axes"),
        (lambda m, x: m.partition(x, 9), ShapeError, "partition: expected kth within 5, got 9"),
        (lambda m, x: m.searchsorted(x, 0.0), ShapeError, "searchsorted: expected a sorted 1-D array"),
    ],
)
def test_bad_inputs_say_so_staged_and_eager(call, error, message):
    for run in (lambda: call(fnp, A), lambda: fg.trace(lambda x: call(fnp, x))(A)):
        with pytest.raises(error, match=message):
            run()


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.5.0", reason="NumPy's from 2.5 on")
@pytest.mark.parametrize("dtype", [float, np.float32, int, np.uint8, bool, complex])
def test_descending_orders(dtype):
    x = np.array([[3, 0, 1], [0, 3, 1], [1, 1, 2]]).astype(dtype)
    if np.dtype(dtype).kind == "f":
        x[1, 0], x[2, 2] = np.nan, -np.inf
    for axis in (0, 1, None):
        for f in (np.sort, np.argsort):
            call = lambda x, f=f, axis=axis: f(x, axis, descending=True, stable=True)
            for run in (fg.trace(call)(x), fg.jit(call)):
                np.testing.assert_array_equal(run(x), call(x), strict=True)
    weights = np.arange(1.0, 4.0)
    slope = fg.grad(lambda x: np.sort(x, descending=True) @ weights)(np.array([1.0, 3.0, 2.0]))
    np.testing.assert_array_equal(slope, [3.0, 1.0, 2.0])


@pytest.mark.parametrize("axis", [0, -1])
def test_lexsort_of_values_that_are_not_known(axis):
    keys = np.array([[[1, 0, 1], [2, 2, 0]], [[0, 1, 1], [1, 0, 1]]])
    want = np.lexsort(keys, axis)
    for run in (fg.jit(lambda k: np.lexsort(k, axis)), fg.trace(lambda k: np.lexsort(k, axis))(keys)):
        np.testing.assert_array_equal(run(keys), want, strict=True)
    rows = fg.vmap(lambda k: np.lexsort((k, k % 2)))(keys[0])
    np.testing.assert_array_equal(rows, [np.lexsort((k, k % 2)) for k in keys[0]])


@pytest.mark.parametrize(
    "dtype", [float, np.float32, np.float16, np.int64, np.uint32, np.int8, bool, complex]
)
@pytest.mark.parametrize("kind", ["distinct", "few", "nan", "zeros", "one tie"])
def test_argsort_keeps_ties_in_order_on_long_axes_too(kind, dtype):
    rng = np.random.default_rng(0)
    for shape, axis in (((3000,), 0), ((40_000,), 0), ((3, 700), 1), ((700, 3), 0), ((2, 0, 600), 2)):
        x = (
            rng.standard_normal(shape) * 1e4
            if kind in ("distinct", "nan", "one tie")
            else rng.integers(-3, 4, shape)
        )
        x = np.abs(x).astype(dtype)
        if kind == "nan" and x.dtype.kind in "fc":
            x[..., ::7] = np.nan
        if kind == "zeros" and x.dtype.kind == "f":
            x = np.where(rng.random(shape) < 0.5, -1, 1).astype(dtype) * 0
        if kind == "one tie" and x.size:
            x.flat[0] = x.flat[-1]
        np.testing.assert_array_equal(argsort(x, axis=axis), np.argsort(x, axis, stable=True), strict=True)


def test_the_derivative_of_a_long_sort_goes_to_the_first_of_ties():
    x = np.repeat([3.0, 1.0, 2.0], 400)
    want = np.empty(1200)
    want[np.argsort(x, stable=True)] = np.arange(1200)
    np.testing.assert_array_equal(fg.grad(lambda x: np.sort(x) @ np.arange(1200.0))(x), want)


def test_searching_a_row_for_each_example():
    rng = np.random.default_rng(0)
    rows, values = np.sort(rng.standard_normal((300, 6)), 1), rng.standard_normal((300, 4))
    rows[5, -2:] = values[5, 1] = np.nan
    for side in ("left", "right"):
        want = np.stack([np.searchsorted(a, v, side) for a, v in zip(rows, values, strict=True)])
        f = fg.vmap(lambda a, v: np.searchsorted(a, v, side))  # noqa: B023
        for _ in range(3):
            np.testing.assert_array_equal(f(rows, values), want)
        assert len(fg.jit(f).lower(rows, values).program.equations) == 1
        np.testing.assert_array_equal(fg.jit(f)(rows, values), want)
        of_all = fg.vmap(fg.vmap(lambda a, v: np.searchsorted(a, v, side), (0, None)), (None, 0))  # noqa: B023
        want = [[np.searchsorted(a, v, side) for a in rows[:9]] for v in values[:5]]
        np.testing.assert_array_equal(of_all(rows[:9], values[:5]), want)
