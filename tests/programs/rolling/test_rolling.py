"""Python loops become loops again, and nothing else changes: the same results, to the bit."""

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.core.check import check
from funcgrad.programs.rolling.roll import rolled
from tests.laws import equations_of
from tests.programs.rolling.programs import random_program

X = np.linspace(0.2, 1.1, 40)
ROWS = [np.cos(np.arange(12) * k) for k in range(5)]


@pytest.fixture
def by_numpy(monkeypatch):
    """Long loops run by NumPy, step by step: to the bit as written out."""
    monkeypatch.setenv("FUNCGRAD_JIT", "0")


def scans(program):
    return [e for e in equations_of(program) if e.primitive.name == "scan"]


def same(function, *args):
    """Roll a function's program; check that it is the same, and return it."""
    program = fg.trace(function)(*args)
    after = rolled(program)
    check(after)
    with np.errstate(all="ignore"):
        pairs = zip(fg.tree.leaves(after(*args)), fg.tree.leaves(program(*args)), strict=True)
    for got, want in pairs:
        np.testing.assert_array_equal(got, want, strict=True)
    return program, after


def chain(x):
    for i in range(40):
        x = np.sin(x) * 1.01 + x * 0.001 * i
    return x


def average(x):
    s, total = x[0], 0.0
    for i in range(1, len(x)):
        s = 0.9 * s + x[i] ** 2
        total = total + np.log(s)
    return total


def written(x):
    y = np.zeros_like(x)
    y[0] = x[0]
    for i in range(1, len(x)):
        y[i] = 0.5 * y[i - 1] + np.sin(x[i - 1] + x[i])
    return y


def windows(x):
    y = np.zeros_like(x)
    for i in range(1, len(x) - 1):
        y[i] = np.sum(x[i - 1 : i + 2]) * x[-i]
    return y


def two_before(x):
    a, b = x[0], x[1]
    for i in range(50):
        a, b = b, 0.3 * a + 0.5 * np.cos(b) + 0.01 * i
    return b


def last_turn_differs(x):
    s = x[0]
    for i in range(39):
        s = np.tanh(s + x[i])
        if i < 38:
            s = s * x[i + 1]
    return s


def every_other(x):
    s = x[0]
    for i in range(40):
        s = np.sin(s) + x[i] if i % 2 else np.cos(s) * x[i]
    return s


def nested(x):
    u = x[:6]
    for _ in range(12):
        s = u[0]
        for j in range(30):
            s = np.tanh(s * 0.9 + u[j % 6] * 0.1)
        u = np.sin(u) + s
    return u


def through_lists(x):
    states = [x[0]]
    for i in range(39):
        states.append(np.tanh(states[-1]) * x[i] + 0.1)
    back = states[-1]
    for i in reversed(range(39)):
        back = np.sin(back) + states[i] * x[i]
    return back


def of_rows(x):
    h = x[:12]
    for k in range(30):
        h = np.tanh(ROWS[k % 5] * h + 0.1 * k)
    return h


LOOPS = [
    chain,
    average,
    written,
    windows,
    two_before,
    last_turn_differs,
    every_other,
    nested,
    through_lists,
    of_rows,
]


@pytest.mark.parametrize("function", LOOPS, ids=lambda f: f.__name__)
def test_loops_are_rolled_to_the_bit(function, by_numpy):
    loss = lambda x: np.sum(np.square(function(x)))
    several = np.stack([X, X[::-1]])
    for each, x in (
        (function, X),
        (fg.grad(loss), X),
        (lambda x: fg.jvp(loss, (x,), (x,))[1], X),
        (fg.vmap(function), several),
    ):
        program, after = same(each, x)
        assert scans(after) and len(list(equations_of(after))) < len(program.equations) / 2


@pytest.mark.parametrize("function", LOOPS, ids=lambda f: f.__name__)
def test_compiled_they_are_right(function):
    loss = lambda x: np.sum(np.square(function(x)))
    np.testing.assert_allclose(fg.jit(function)(X), function(X), rtol=1e-12)
    np.testing.assert_allclose(fg.jit(fg.grad(loss))(X), fg.grad(loss)(X), rtol=1e-9, atol=1e-12)


def test_what_is_computed_once_stays_before_the_loop():
    def f(x, w):
        s = 0.0
        for i in range(40):
            s = s + np.exp(w) * x[i]
        return s

    _, after = same(f, X, 0.3)
    (scan,) = scans(after)
    assert "exp" in [e.primitive.name for e in after.equations]
    assert "exp" not in [e.primitive.name for e in scan.params["body"].equations]


def test_elements_are_slices_of_the_array():
    _, after = same(average, X)
    (scan,) = scans(after)
    assert not {"gather", "index"} & {e.primitive.name for e in scan.params["body"].equations}


def test_compiled_code_does_not_grow_with_the_turns():
    def f(n):
        def loss(x):
            for i in range(n):
                x = np.sin(x) * 1.01 + x**2 * 0.001 * (i % 7)
            return np.sum(x)

        return len(fg.jit(fg.grad(loss)).lower(X).llvm)

    assert abs(f(700) - f(350)) < 0.1 * f(350)


def test_short_code_stays_as_it_is():
    def f(x):
        for _ in range(8):
            x = np.sin(x) + 1
        return x

    program = fg.trace(f)(X)
    assert rolled(program) is program


def test_elementwise_turns_of_large_arrays_stay_in_registers():
    def f(x):
        for i in range(40):
            x = np.sin(x) * 1.01 + 0.1 * i
        return x

    assert scans(rolled(fg.trace(f)(np.ones(100)))) and not scans(rolled(fg.trace(f)(np.ones(100_000))))


def test_explain_says_what_was_rolled_and_why_not():
    f = fg.jit(lambda x: average(x))
    f(X)
    assert "equations are one loop, at" in f.explain() and "test_rolling.py" in f.explain()
    matrices = [np.eye(80) * (1 + k / 99) for k in range(40)]

    def layers(matrices, x):
        for w in matrices:
            x = np.tanh(w @ x) + 0.1
        return x

    g = fg.jit(layers)
    g(matrices, np.ones(80))
    assert "not one loop: an operand is another array in each turn, of 51,200 bytes, at" in g.explain()
    assert "test_rolling.py" in g.explain()


def test_dtypes_of_python_numbers_are_kept(by_numpy):
    x = X.astype(np.float32)

    def f(x, count):
        s = x[0]
        for i in range(40):
            s = np.where(s > 0.1 * i, s * 0.5 + x[i], s - i / 3)
            count = count * 2 // 3 + i
        return s, count

    same(f, x, np.int8(5))
    same(f, x, 5)


def decayed(x):
    s, low = x, 0.0
    for i in range(200):
        s = s * 0.99 + 0.001 * (i % 3)
        low = np.where(s < 0.3, low + 1.0, low)
        s = np.where(s < 0.2, 1.0, s)
    return s, low


def test_python_numbers_go_from_turn_to_turn(by_numpy):
    _, after = same(decayed, 2.5)
    assert len(scans(after)) == 1


def repeated(x):
    for i in range(300):
        x = x * 0.99 + 0.001 * (i % 3)
    return x


def test_python_numbers_are_python_numbers_after_their_loop():
    halves = np.ones(3, np.float32)
    for around in (lambda x: halves * repeated(x), lambda x: halves * fg.jit(repeated)(x)):
        assert fg.jit(around)(2.0).dtype == fg.jvp(fg.jit(around), (2.0,), (1.0,))[1].dtype == np.float32
    program, after = same(repeated, 2.0)
    assert len(scans(after)) == 1
    assert [a.type for a in after.outputs] == [a.type for a in program.outputs]


def test_python_numbers_beside_short_floats_are_not_carried(by_numpy):
    def f(x, y):
        for i in range(200):
            y = y * x + 0.001 * (i % 3)
            x = x * 0.99 if i % 2 else x + 1e-3
        return x * y

    program, _ = same(f, 0.5, np.ones(3, np.float32))
    assert program.outputs[0].type.dtype == np.float32


def test_errors_keep_the_line_of_the_user():
    def f(x):
        for i in range(40):
            x = np.linalg.cholesky(x * (1.0 - 0.05 * i)) + 2.0
        return x

    with pytest.raises(np.linalg.LinAlgError):
        fg.jit(f)(np.eye(2))
    (scan,) = scans(rolled(fg.trace(f)(np.eye(2))))
    assert all("test_rolling.py" in str(e.source) for e in scan.params["body"].equations)


@pytest.mark.parametrize("seed", range(24))
def test_random_programs(seed, by_numpy):
    text, function = random_program(seed)
    x = X[:12]
    loss = lambda x, rows: sum(np.sum(part) for part in function(x, rows))
    for each in (function, fg.grad(loss, (0, 1))):
        try:
            same(each, x, ROWS)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{text}") from None


@pytest.mark.filterwarnings("ignore:.*turns are not alike")
@pytest.mark.parametrize("seed", range(100, 106))
def test_random_programs_compiled(seed):
    text, function = random_program(seed)
    x = X[:12]
    loss = lambda x, rows: sum(np.sum(part) for part in function(x, rows))
    for each in (function, fg.grad(loss, (0, 1))):
        for got, want in zip(
            fg.tree.leaves(fg.jit(each)(x, ROWS)), fg.tree.leaves(each(x, ROWS)), strict=True
        ):
            np.testing.assert_allclose(got, want, rtol=1e-7, atol=1e-9, err_msg=text)
