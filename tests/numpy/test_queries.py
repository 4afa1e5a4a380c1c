import numpy as np
import pytest

import funcgrad as fg
from funcgrad import numpy as fnp
from tests.laws import assert_same

A = np.array([[1.0, 2.0, np.nan], [np.inf, -np.inf, 0.0]])
Z = A + 1j
F32 = np.ones((2, 3), np.float32)

STATIC = {
    "ndim": lambda m, x: m.ndim(x),
    "shape": lambda m, x: m.shape(x),
    "size": lambda m, x: (m.size(x), m.size(x, 1)),
    "iscomplexobj": lambda m, x: m.iscomplexobj(x),
    "isrealobj": lambda m, x: m.isrealobj(x),
    "result_type": lambda m, x: m.result_type(x, np.float32, 1.0),
    "can_cast": lambda m, x: (m.can_cast(x.dtype, int), m.can_cast(np.float32, float)),
    "min_scalar_type": lambda m, x: m.min_scalar_type(x),
    "common_type": lambda m, x: m.common_type(x, F32),
}


@pytest.mark.parametrize("name", STATIC)
@pytest.mark.parametrize("x", [A, Z, F32], ids=["float64", "complex128", "float32"])
def test_answers_that_need_no_values(name, x):
    question = STATIC[name]
    expected = question(np, x)
    assert question(fnp, x) == expected
    answers = []
    fg.trace(lambda x: answers.append(question(np, x)) or x)(x)
    assert answers == [expected]


@pytest.mark.parametrize(
    "question",
    [
        lambda m, x: m.isclose(x, x + 1e-9),
        lambda m, x: m.isclose(x, [1.0, 2.1, np.nan], equal_nan=True),
        lambda m, x: m.isposinf(x),
        lambda m, x: m.isneginf(x),
        lambda m, x: m.isreal(x),
        lambda m, x: m.iscomplex(x + 1j),
        lambda m, x: m.astype(x, np.float32),
        lambda m, x: m.astype(x, bool),
    ],
)
def test_elementwise_answers(question):
    with np.errstate(invalid="ignore"):
        expected = question(np, A)
        assert_same(question(fnp, A), expected)
        assert_same(fg.trace(lambda x: question(np, x))(A)(A), expected)


@pytest.mark.parametrize(
    "question",
    [
        lambda m, x: m.allclose(x, x, equal_nan=True),
        lambda m, x: m.allclose(x, 0),
        lambda m, x: m.array_equal(x, x),
        lambda m, x: m.array_equal(x, x, equal_nan=True),
        lambda m, x: m.array_equal(x, x[0]),
        lambda m, x: m.array_equiv(x, x[0]),
        lambda m, x: m.array_equiv(x[:, :0], x[0]),
    ],
)
def test_answers_are_plain_where_values_are_known(question):
    with np.errstate(invalid="ignore"):
        expected = question(np, A)
        assert question(fnp, A) is expected
        answers = []
        fg.vjp(lambda x: answers.append(question(np, x)) or x, A)
        assert answers == [expected]
        assert bool(fg.trace(lambda x: question(np, x))(A)(A)) == expected


def test_weak_numbers_stay_weak():
    seen = []
    fg.trace(lambda x: seen.append(np.result_type(x, np.float32)) or x)(1.0)
    assert seen == [np.float32]


def test_astype_copies():
    def f(x):
        y = x * 1.0
        np.astype(y, float)[0] = 5.0
        return y

    x = np.ones(2)
    np.testing.assert_array_equal(fg.trace(f)(x)(x), x)
