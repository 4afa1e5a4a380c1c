"""Plain arrays that a function reaches, indexed by traced integers."""

from functools import partial

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.errors import ConcretizationError, PlainIndexError

TABLE = np.arange(12.0).reshape(3, 4) ** 2
ROW = np.arange(4.0) + 0.5
ORDER = np.array([2, 0, 1])
KEPT = {"row": ROW, "deep": [TABLE, (ORDER,)]}


class _Model:
    def __init__(self):
        self.table = np.arange(5.0)
        self.calls = 0

    def at(self, i):
        return fg.numpy.asarray(self.table)[i] * ROW[i]

    def plainly(self, i):
        return self.table[i]

    def counted(self, i):
        self.calls += 1
        return ROW[i]


MODEL = _Model()


def _scalars(i):
    # As NumPy has it for plain arrays: a scalar, whose ** 2 is int64 (an array's is int8).
    whole = [
        np.any(ROW) ** 2,
        np.argmax(ROW),
        np.sum(TABLE),
        ROW @ ROW,
        np.mean(ROW),
        ROW[0],
        np.sin(ROW[1]),
        ROW.max(),
    ]
    assert all(isinstance(x, np.generic) for x in whole) and whole[0].dtype == np.int64
    return ROW[i]


def _helper(i):
    return TABLE[i, 1]


def _recursive(i, n):
    return ROW[i] if n == 0 else _recursive(i, n - 1) + ROW[i]


def _closure():
    table = np.arange(7.0) * 2

    def inner(i):
        return table[i] + _helper(i)

    return inner


_jitted = fg.jit(_helper)
PROGRAMS = {
    "an element": lambda i: TABLE[i, i + 1],
    "rows": lambda i: TABLE[i],
    "numbers computed of tables": _scalars,
    "slices beside": lambda i: np.sum(TABLE[i, :2] * ROW[i][..., None], -1),
    "a row, then an element": lambda i: TABLE[1][i],
    "an index by an index": lambda i: ROW[ORDER[i]],
    "after arithmetic": lambda i: (ROW * 2 + 1)[i],
    "take": lambda i: ROW.take(i),
    "a mask": lambda i: np.sum(ROW[np.ravel(i)[0] + np.arange(4) > 1]),
    "a helper": lambda i: _helper(i),
    "recursion": lambda i: _recursive(i, 3),
    "closure": _closure(),
    "a nested function": lambda i: (lambda j: ROW[j])(i),
    "bound": MODEL.at,
    "partial": partial(lambda table, i: table[i], ROW),
    "a default": lambda i, table=ROW: table[i],
    "containers": lambda i: KEPT["row"][i] + KEPT["deep"][0][i, 0] + KEPT["deep"][1][0][i],
    "jit inside": lambda i: _jitted(i) + ROW[i],
    "vmap inside": lambda i: fg.vmap(lambda j: ROW[j])(np.ravel(i))[0],
    "scan inside": lambda i: fg.scan(lambda c, j: (c + ROW[j], None), 0.0, np.ravel(i))[0],
    "cond inside": lambda i: fg.cond(np.ravel(i)[0] > 0, lambda j: ROW[j], lambda j: ROW[j] * 2, i),
}


@pytest.mark.parametrize(
    "i", [np.array(1), np.array([0, 2, 1]), np.array([[1], [0]])], ids=["0-d", "1-d", "2-d"]
)
@pytest.mark.parametrize("name", PROGRAMS)
def test_as_with_known_integers(name, i):
    f = PROGRAMS[name]
    want = f(i)
    np.testing.assert_allclose(fg.jit(f)(i), want)
    np.testing.assert_allclose(fg.vmap(f)(np.stack([i, i]))[1], want)
    np.testing.assert_allclose(fg.scan(lambda c, j: (c, f(j)), 0.0, np.stack([i, i]))[1][0], want)
    np.testing.assert_allclose(fg.trace(f)(i)(i), want)


def test_interpolation_and_its_derivative():
    def f(x):
        i = np.floor(x).astype(int)
        return ROW[i] ** 2 * (i + 1 - x) + ROW[i + 1] ** 2 * (x - i)

    x = np.array([0.3, 1.6, 2.2])
    want = fg.grad(lambda x: np.sum(f(x)))(x)
    np.testing.assert_allclose(fg.jit(fg.grad(lambda x: np.sum(f(x))))(x), want)
    np.testing.assert_allclose(fg.vmap(fg.grad(f))(x), want)


def test_decisions_and_effects_happen_once(capsys):
    @fg.jit
    def f(i, x):
        fg.debug.print("x is {}", x)
        return ROW[i] if x > 0 else -ROW[i]

    assert f(np.array(1), 2.0) == 1.5
    assert f(np.array(1), -2.0) == -1.5
    assert capsys.readouterr().out == "x is 2.0\nx is -2.0\n"


def test_positions_are_checked():
    with pytest.raises(IndexError):
        fg.jit(lambda i: ROW[i])(np.array([0, 9]))


def test_what_the_function_reaches_is_left_as_it_was():
    before = (MODEL.table, KEPT["row"], TABLE)
    fg.jit(MODEL.at)(np.array(1))
    fg.jit(PROGRAMS["containers"])(np.array(1))
    assert all(type(x) is np.ndarray for x in before)
    assert MODEL.table is before[0] and KEPT["row"] is before[1]
    fg.jit(MODEL.counted)(np.array(1))
    assert MODEL.calls == 2  # the object itself, each time that it is traced


def test_an_attribute_is_refused_with_the_edit_that_works():
    with pytest.raises(PlainIndexError, match=r"held by an object, use fg\.numpy\.asarray\(plain\)\[i\]"):
        fg.jit(MODEL.plainly)(np.array(1))


GAIN = 1.0
LATEST = None


def test_globals_are_the_present_ones_and_can_be_assigned():
    def f(i, x):
        global LATEST
        LATEST = "traced"
        return ROW[i] * fg.pure_callback(lambda v: v * GAIN, fg.ArrayType((), float), x)

    global GAIN
    compiled = fg.jit(f)
    assert compiled(np.array(1), 2.0) == 3.0
    assert LATEST == "traced"
    GAIN = 10.0
    try:
        assert compiled(np.array(1), 2.0) == 30.0
    finally:
        GAIN = 1.0


def test_variables_around_are_assigned():
    count, rows = 0, ROW

    def f(i):
        nonlocal count, rows
        count += 1
        y = rows[i]
        rows = rows * 1
        return y

    assert fg.jit(f)(np.array(1)) == 1.5
    assert count == 2 and type(rows) is np.ndarray


def test_the_second_time_it_is_known():
    runs = []

    def f(i):
        runs.append(1)
        return ROW[i]

    for _ in range(3):
        np.testing.assert_array_equal(fg.vmap(f)(np.array([1, 2])), [1.5, 2.5])
    assert len(runs) == 4


@pytest.mark.parametrize("transform", [fg.jit, lambda f: lambda i: fg.vmap(f)(i[None])[0]])
def test_handlers_of_the_function_do_not_hide_it(transform):
    def guarded(i):
        try:
            return ROW[i]
        except Exception:
            return np.float64(-1.0)

    def bare(i):
        try:
            return ROW[i]
        except:  # noqa: E722
            return np.float64(-1.0)

    for f in (guarded, bare):
        assert transform(f)(np.array(1)) == 1.5


def test_a_table_that_is_returned_is_a_plain_array():
    row, whole = fg.vmap(lambda i: (ROW[i], ROW), out_axes=(0, None))(np.array([1, 2]))
    assert type(whole) is np.ndarray and row[1] == 2.5
    assert type(fg.jit(lambda i: (ROW[i], ROW))(np.array(1))[1]) is np.ndarray


def test_tables_in_another_byte_order():
    big = np.arange(5.0).astype(">f8")
    numbers = np.arange(5).astype(">i4")
    assert fg.jit(lambda i: big[i])(np.array(2)) == 2.0
    assert fg.jit(lambda i: numbers[i])(np.array(2)) == 2
    np.testing.assert_array_equal(fg.jit(lambda x: (x, big))(1.0)[1], np.arange(5.0))


def test_places_that_a_mask_chooses():
    def f(x):
        return np.sum(ROW[np.flatnonzero(x > 2)]), np.sum(ROW[np.where(x > 2)[0]] * x[x > 2])

    x = np.arange(1.0, 5.0)
    np.testing.assert_allclose(fg.jit(f)(x), f(x))
    np.testing.assert_allclose(np.ravel(fg.vmap(f)(x[None])), f(x))


def test_an_array_made_inside_is_refused_with_the_edit_that_works():
    i = np.array(1)
    with pytest.raises(PlainIndexError, match=r"fg\.numpy\.asarray\(plain\)\[i\]"):
        fg.jit(lambda i: np.arange(3.0)[i])(i)
    assert fg.jit(lambda i: fg.numpy.asarray(np.arange(3.0))[i])(i) == 1.0
    with pytest.raises(ConcretizationError):
        fg.vmap(lambda i: np.arange(3.0)[i])(i[None])


def test_a_number_is_written_into_a_table_as_into_a_plain_array():
    wave = np.array(0.5 - 0.1j)

    def f(i):
        whole = np.zeros_like(ORDER[:1])
        whole[0] = wave  # as NumPy has it: the real part, rounded
        return ROW[i] + whole[0]

    with pytest.warns(np.exceptions.ComplexWarning):
        assert fg.vmap(f)(np.arange(4)).tolist() == ROW.tolist()


@pytest.mark.filterwarnings("ignore::numpy.exceptions.ComplexWarning")
@pytest.mark.parametrize("dtype", ["f8", "f4", "i8", "c8", "?"])
@pytest.mark.parametrize("number", [1.67 + 1.6j, 2.5, -3, True])
def test_a_table_is_written_into_an_element_as_an_array_is(dtype, number):
    number, table = np.array(number), np.arange(5.0)

    def f(i):
        v = np.zeros(2, dtype)
        v[0] = number
        return table[i] + v.sum()

    want = f(2)
    got = fg.jit(f)(2)
    assert got == want
