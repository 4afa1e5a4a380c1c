"""Promotion is NumPy's: what tracing predicts is what evaluation gives."""

import itertools

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.core.types import ArrayType, type_of
from funcgrad.errors import ShapeError

SCALARS = [True, 2, 2.5, 1j]
DTYPES = [
    np.bool_,
    np.int8,
    np.uint8,
    np.int64,
    np.float16,
    np.float32,
    np.float64,
    np.complex64,
    np.complex128,
]
UFUNCS = [np.add, np.multiply, np.true_divide, np.maximum, np.less, np.arctan2, np.power]


def operands():
    return [*SCALARS, *(np.ones(2, d) for d in DTYPES), *(d(1) for d in DTYPES)]


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda u: u.__name__)
def test_binary(ufunc):
    for x, y in itertools.product(operands(), operands()):
        try:
            with np.errstate(all="ignore"):
                want = type_of(ufunc(x, y)).strong()
        except TypeError:
            with pytest.raises(TypeError):
                fg.trace(lambda x, y: ufunc(x, y))(x, y)
            continue
        assert fg.trace(lambda x, y: ufunc(x, y))(x, y).out_types[0].strong() == want


@pytest.mark.parametrize("function", [np.sum, np.mean, np.prod, np.cumsum, np.sqrt, np.abs, np.std, np.max])
def test_unary(function):
    for d in DTYPES:
        x = np.ones(2, d)
        with np.errstate(all="ignore"):
            want = type_of(function(x))
        assert fg.trace(function)(x).out_types[0] == want, d


def test_python_scalars_stay_weak():
    x = np.ones(2, np.float32)
    assert fg.grad(lambda s: np.sum(x * s))(2.0) == 2.0
    assert fg.trace(lambda s: x * s)(2.0).out_types[0].dtype == np.float32
    assert fg.trace(lambda s: x * s)(np.float64(2.0)).out_types[0].dtype == np.float64


def test_python_arithmetic_on_python_scalars_stays_weak():
    x = np.ones(2, np.float32)
    for f in (
        lambda s: x * (s + 1),
        lambda s: x * -((2 * s**2 - abs(s) / 3) ** 3),
        lambda s: x + s % 2 // 1,
        lambda s: x * np.tanh(s),
        lambda s: x * (s + np.float64(1)),
        lambda s: (s + 1) / 2,
    ):
        want = type_of(f(2.5))
        program = fg.trace(f)(2.5)
        assert program.out_types[0] == want
        assert type_of(program(2.5)) == want
        assert type_of(fg.jvp(f, (2.5,), (1.0,))[0]) == want
        assert type_of(fg.trace(lambda s, f=f: fg.jvp(f, (s,), (s,))[0])(2.5)(2.5)) == want


def test_bad_leaves():
    for bad in ("text", object(), np.array(["a"]), np.array([None])):
        with pytest.raises(TypeError, match="expected arrays or numbers, got x"):
            fg.trace(lambda x: x)(bad)


@pytest.mark.parametrize(
    "shape", [(-1,), (2, -3), -1, (2.5,), 2.0, "ab", None, (None,), ((2,),), (True,), np.array([1.0])]
)
def test_shapes_that_no_array_has(shape):
    with pytest.raises(ShapeError, match=r"ArrayType: expected a shape of ints that are not negative, got "):
        ArrayType(shape, float)


@pytest.mark.parametrize("shape", [3, [2, 3], (np.int64(2), 3), np.array([2, 3]), np.array(3), (), (0, 2)])
def test_shapes_as_numpy_takes_them(shape):
    kind = ArrayType(shape, float)
    assert kind.shape == np.empty(shape).shape and all(type(n) is int for n in kind.shape)
    assert kind == ArrayType(np.empty(shape).shape, float) and hash(kind) == hash(
        ArrayType(kind.shape, float)
    )


class WithUnits(np.ndarray):
    """An array that computes by rules of its own, as those of astropy and pint do."""

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return NotImplemented


OTHER_ARRAYS = {
    "matrix": np.ones((2, 2)).view(np.matrix),
    "units": np.ones((2, 2)).view(WithUnits),
    "masked": np.ma.array(np.ones((2, 2)), mask=np.eye(2)),
}
ENTRANCES = {
    "grad": lambda a: fg.grad(lambda a: np.sum(a * a))(a),
    "jvp": lambda a: fg.jvp(lambda a: a * a, (a,), (np.ones((2, 2)),)),
    "vjp": lambda a: fg.vjp(lambda a: a * a, a),
    "vmap": lambda a: fg.vmap(lambda a: a * a)(a),
    "trace": lambda a: fg.trace(lambda a: a * a)(a),
    "jit": lambda a: SQUARED(a),
    "scan": lambda a: fg.scan(lambda c, x: (c, x * 2), 0.0, a),
    "containers": lambda a: fg.grad(lambda d: np.sum(d["a"][0]))({"a": [a]}),
    "closures": lambda a: fg.grad(lambda x: np.sum(x * a))(np.ones((2, 2))),
}
SQUARED = fg.jit(lambda a: a * a)
SQUARED(np.ones((2, 2)))  # compiled for plain arrays of that type already


@pytest.mark.parametrize("entrance", ENTRANCES)
@pytest.mark.parametrize("kind", OTHER_ARRAYS)
def test_arrays_that_compute_otherwise_are_refused(kind, entrance):
    with pytest.raises(
        TypeError, match=r"expected a plain array, got a \w+\.\nHint: pass (np\.asarray\(x\)|x\.data)"
    ):
        ENTRANCES[entrance](OTHER_ARRAYS[kind])


def test_arrays_that_compute_as_numpys_are_taken(tmp_path):
    mapped = np.memmap(tmp_path / "x", float, "w+", shape=(2, 2))
    mapped[...] = 3.0
    for entrance in ENTRANCES.values():
        entrance(mapped)
