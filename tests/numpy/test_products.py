import numpy as np
import pytest

import funcgrad as fg
from funcgrad import numpy as fnp
from funcgrad.errors import ShapeError
from tests.laws import check_laws

rng = np.random.default_rng(14)
V3 = rng.standard_normal(3)
V4 = rng.standard_normal(4)
A = rng.standard_normal((2, 3))
B = rng.standard_normal((3, 4))
T = rng.standard_normal((2, 4, 3))
U = rng.standard_normal((1, 3, 2))
ZA = A + 1j * rng.standard_normal((2, 3))
INTS = np.arange(6).reshape(2, 3)

LAWS = {
    "matmul": (lambda m, x, y: m.matmul(x, y), (A, B)),
    "matmul vectors": (lambda m, x, y: m.matmul(x, y), (V3, V3[::-1].copy())),
    "matmul vector left": (lambda m, x, y: m.matmul(x, y), (V3, B)),
    "matmul vector right": (lambda m, x, y: m.matmul(x, y), (T, V3)),
    "matmul vector stack": (lambda m, x, y: m.matmul(x, y), (V4, T)),
    "matmul stacks": (lambda m, x, y: m.matmul(x, y), (T, U)),
    "matmul stack and matrix": (lambda m, x, y: m.matmul(x, y), (T, B)),
    "matmul matrix and stack": (lambda m, x, y: m.matmul(x, y), (A, U)),
    "matmul complex": (lambda m, x, y: m.matmul(x, y), (ZA, B)),
    "matmul ints": (lambda m, x, y: m.matmul(x, y), (INTS, B)),
    "dot": (lambda m, x, y: m.dot(x, y), (T, U)),
    "dot number": (lambda m, x, y: m.dot(x, y), (A, V3[0])),
    "vdot": (lambda m, x, y: m.vdot(x, y), (ZA, A * 1j)),
    "inner": (lambda m, x, y: m.inner(x, y), (T, A)),
    "outer": (lambda m, x, y: m.outer(x, y), (A, V4)),
    "tensordot": (lambda m, x, y: m.tensordot(x, y, ([0, 2], [1, 0])), (T, rng.standard_normal((3, 2, 2)))),
    "tensordot number": (lambda m, x, y: m.tensordot(x, y, 1), (T, B)),
    "tensordot none": (lambda m, x, y: m.tensordot(x, y, 0), (A, V4)),
    "vecdot": (lambda m, x, y: m.vecdot(x, y), (T, V3)),
    "vecdot complex": (lambda m, x, y: m.vecdot(x, y, axis=0), (ZA, A)),
    "matvec": (lambda m, x, y: m.matvec(x, y), (T, V3)),
    "vecmat": (lambda m, x, y: m.vecmat(x, y), (V4, T)),
    "kron": (lambda m, x, y: m.kron(x, y), (A, B)),
    "kron of unequal": (lambda m, x, y: m.kron(x, y), (V4, T)),
    "kron number": (lambda m, x, y: m.kron(x, y), (V3[0], A)),
    "kron ints": (lambda m, x, y: m.kron(x, y), (INTS, A)),
    "cross": (lambda m, x, y: m.cross(x, y), (V3, A)),
    "cross axes": (lambda m, x, y: m.cross(x, y, axisa=1, axisb=0, axisc=0), (A, A.T.copy())),
    "cross axis": (lambda m, x, y: m.cross(x, y, axis=0), (B, B[::-1].copy())),
}


@pytest.mark.parametrize("name", LAWS)
def test_laws(name):
    function, args = LAWS[name]
    check_laws(function, *args)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, x: m.cross(x, x[:, :1]), "cross: expected vectors of 2 or 3 components"),
        (lambda m, x: m.matmul(x, x), "dot: expected equal sizes along the contracted axes"),
        (lambda m, x: m.matmul(x, x[0, 0]), "matmul: expected arrays with at least one axis"),
        (lambda m, x: m.tensordot(x, x, ([0], [0, 1])), "tensordot: expected as many axes of a as of b"),
    ],
)
def test_bad_inputs_say_so_staged_and_eager(call, message):
    for run in (lambda: call(fnp, A), lambda: fg.trace(lambda x: call(fnp, x))(A)):
        with pytest.raises(ShapeError, match=message):
            run()


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) >= "2.5.0", reason="refused from 2.5 on")
def test_cross_of_plane_vectors():
    x, y = np.array([1.0, 2.0]), np.array([3.0, 5.0])
    assert fg.trace(np.cross)(x, y)(x, y) == -1.0
    np.testing.assert_array_equal(fg.grad(lambda x: np.cross(x, y))(x), [5.0, -3.0])


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
@pytest.mark.parametrize("subscripts", ["i,ij->j", "ij,i->j", "ki,ij->kj", "ij,ki->kj", "ij,ki->jk"])
def test_zero_times_nan_is_nan_where_one_number_is_contracted(subscripts, dtype):
    shapes = {"i": 1, "j": 5, "k": 3}
    left, right = subscripts.partition("->")[0].split(",")
    zeros = np.zeros([shapes[a] for a in (left if "j" not in left else right)], dtype)
    nans = np.full([shapes[a] for a in (left if "j" in left else right)], np.nan, dtype)
    args = (nans, zeros) if "j" in left else (zeros, nans)
    for f in (fnp.einsum, lambda s, *args: fg.jit(lambda *args: fnp.einsum(s, *args))(*args)):
        assert np.isnan(f(subscripts, *args)).all()
