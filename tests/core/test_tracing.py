"""Tracers: what raises, what leaks, what threads share."""

import math
import threading
import warnings

import numpy as np
import pytest

import funcgrad as fg
from funcgrad import errors
from funcgrad import numpy as fnp

X = np.array([1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    "use",
    [
        lambda x: float(x[0]),
        lambda x: int(x[0]),
        lambda x: bool(x[0] > 0),
        lambda x: 1 if x[0] > 0 else 0,
        lambda x: x[0].item(),
        lambda x: math.sin(x[0]),
        lambda x: range(x[0]),
        lambda x: x[: x[0].astype(int)],
        lambda x: x[x > 1],
        lambda x: np.zeros(3)[x[0].astype(int)],
        lambda x: x.tolist(),
        lambda x: np.asarray(x),
    ],
)
def test_a_value_is_not_known_while_staging(use):
    with pytest.raises(TypeError) as caught:
        fg.trace(use)(X)
    assert "test_tracing.py:" in str(caught.value) or "integer" in str(caught.value)


def test_the_staging_error_shows_the_edit():
    with pytest.raises(errors.ConcretizationError) as caught:
        fg.trace(lambda x: 1.0 if x > 0 else 2.0)(1.0)
    assert "fg.numpy.where(condition, x, y)" in str(caught.value)
    assert "lambda" in str(caught.value)


@pytest.mark.parametrize(
    "use",
    [
        lambda n: np.zeros(n),
        lambda n: np.zeros((n, 2)),
        lambda n: fnp.zeros(n),
        lambda n: range(n),
        lambda n: range(int(n)),
        lambda n: X.reshape(n),
        lambda n: fnp.reshape(n * X, (n, 1)),
        lambda n: np.broadcast_to(n, (n, 2)),
        lambda n: (n * X)[:n],
        lambda n: fnp.arange(n),
        lambda n: [1.0, 2.0][n],
    ],
)
def test_what_decides_a_shape_must_be_static(use):
    with pytest.raises(TypeError) as caught:
        fg.jit(use)(3)
    text = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", ())])
    assert "Hint: " in text and "static (static_argnums)" in text


def test_plain_arrays_at_traced_indices():
    # Neither ndarray.__getitem__ nor np.take asks an index for its own way. What a function reaches from outside is
    # found (see test_tables.py); for what it makes the message names what does.
    for use in (lambda x, i: x[i], lambda x, i: np.take(x, i), lambda x, i: x[i, None]):
        np.testing.assert_array_equal(fg.jit(lambda i, use=use: use(X, i))(1), use(X, 1))
        with pytest.raises(errors.ConcretizationError, match=r"use fg\.numpy\.asarray\(plain\)\[i\]"):
            fg.jit(lambda i, use=use: use(np.arange(4.0), i))(1)
    table = np.arange(12.0).reshape(4, 3)
    for i in (2, np.int32(-1), np.array([[0, 3]])):
        np.testing.assert_array_equal(fg.jit(lambda i: fg.numpy.take(table, i, axis=0))(i), table[i])
    np.testing.assert_array_equal(
        fg.vmap(lambda i: fg.numpy.take(table, i, axis=0))(np.array([1, 2])), table[1:3]
    )


def test_conversions_that_would_lose_the_derivative():
    for f in (
        lambda x: np.array([x, x]).sum(),
        lambda x: np.array([1.0, x]).sum(),
        lambda x: np.asarray(x) * 2,
        lambda x: np.full(3, x).sum(),
        lambda x: np.arange(x).sum(),
    ):
        with pytest.raises(TypeError, match="must not be turned into a plain"):
            fg.grad(f)(2.0)


def written(x):
    plain = np.zeros(1)
    plain[0] = x
    return x * plain[0]


PLAIN_VALUES = {
    "float": lambda x: x * float(x),
    "complex": lambda x: x * complex(x).real,
    "item": lambda x: x * x.item(),
    "item of an array": lambda x: x * np.stack([x, x]).item(1),
    "tolist": lambda x: x * np.stack([x, x]).tolist()[0],
    "math": lambda x: x * math.sin(x) / math.sin(2.0) * 2.0,
    "a map of math's functions": lambda x: x * max(map(math.fabs, [x])),
    "a write into a plain array": written,
    "a chain of them": lambda x: 2.0 * x * float(x * float(x)) / 4.0,
}


@pytest.mark.parametrize("mode", ["reverse", "forward", "vmap inside", "nested"])
@pytest.mark.parametrize("name", PLAIN_VALUES)
def test_plain_numbers_carry_no_derivative_and_say_so_once_a_line(name, mode):
    f = PLAIN_VALUES[name]
    run = {
        "reverse": lambda: fg.grad(f)(2.0),
        "forward": lambda: fg.jvp(f, (2.0,), (1.0,))[1],
        "vmap inside": lambda: fg.grad(lambda x: fg.vmap(lambda _: f(x))(np.zeros(1))[0])(2.0),
        "nested": lambda: fg.grad(lambda y: fg.grad(f)(2.0) * y)(1.0),
    }[mode]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(10):  # Python rewrites the code of what runs often
            assert run() == pytest.approx(2.0)
    lines = [(w.filename, w.lineno) for w in caught]
    assert lines and all(file == __file__ for file, _ in lines) and len(set(lines)) == len(lines)
    assert all(w.category is fg.DerivativeWarning and "fg.stop_gradient(x)" in str(w.message) for w in caught)


def test_what_decides_is_plain_without_a_word():
    for f in (
        lambda x: x * 2.0 if x else x,
        lambda x: x * int(x),
        lambda x: x * round(x),
        lambda x: x * max(x * 0 + 2.0, 1.0) if x > 1 else x,
        lambda x: x * [0.0, 1.0, 2.0][int(x)],
        lambda x: x * (len(f"{x:.2f}") - 2),
        lambda x: x * float(fg.stop_gradient(x)),
        lambda x: x * math.sqrt(fg.stop_gradient(x) ** 2),
        lambda x: x * (np.zeros_like(x) + 2.0).item(),
        lambda x: x * float(np.argmax(np.stack([0 * x, 0 * x, x]))),
    ):
        assert fg.grad(f)(2.0) == 2.0  # pytest makes warnings errors


def test_the_namespace_takes_what_numpy_cannot():
    np.testing.assert_array_equal(fg.grad(lambda x: fnp.array([x, 2 * x, 1.0]).sum())(1.0), 3.0)
    assert fg.grad(lambda x: fnp.full(3, x).sum())(2.0) == 3.0
    assert fg.grad(lambda x: fnp.full_like(X, x).sum())(2.0) == 3.0


def test_silent_errors_of_peers_are_not_ours():
    # What users of other libraries meet: where, unique, full_like(x, x[0]) and an index out of range.
    np.testing.assert_array_equal(fg.grad(lambda x: np.where(x > 1.5, x**2, 0).sum())(X), [0, 4, 6])
    np.testing.assert_array_equal(fg.grad(lambda x: np.unique(x).sum())(np.array([2.0, 1.0, 2.0])), [1, 1, 0])
    np.testing.assert_array_equal(fg.grad(lambda x: np.full_like(x, x[0]).sum())(X), [3, 0, 0])
    for transform in (fg.grad, fg.trace, fg.vmap):
        with pytest.raises(IndexError, match=r"expected a key that fits float64\[3\], got \[7\]"):
            transform(lambda x: x[7])(
                np.arange(9.0).reshape(3, 3) if transform is fg.vmap else np.arange(3.0)
            )


def test_leaks():
    kept = []

    def f(x):
        kept.append(x * 2)
        return x * 1.0

    for run in (lambda: fg.grad(f)(1.0), lambda: fg.trace(f)(1.0), lambda: fg.jvp(f, (1.0,), (1.0,))):
        kept.clear()
        run()
        for use in (
            lambda t: t + 1,
            lambda t: np.sin(t),
            lambda t: float(t),
            lambda t: fg.grad(lambda y: y * t)(1.0),
        ):
            with pytest.raises(
                RuntimeError, match="must not be used after the transformation has ended"
            ) as caught:
                use(kept[0])
        assert " of f: " in str(caught.value)
        assert "which has ended" in repr(kept[0])


def test_an_exception_leaves_no_trace_behind():
    def f(x):
        raise KeyError("mine")

    for _ in range(3):
        with pytest.raises(KeyError):
            fg.grad(lambda x: fg.grad(f)(x))(1.0)
    assert fg.grad(lambda x: x * fg.grad(lambda y: x + y)(x))(3.0) == 1.0


def test_shapes_that_do_not_fit_eagerly_and_staged():
    calls = [
        (lambda x: x + np.ones(2), r"add: expected shapes that broadcast, got float64\[3\] and float64\[2\]"),
        (lambda x: x @ np.ones((2, 2)), r"dot: expected equal sizes along the contracted axes"),
        (lambda x: x.reshape(2, 2), r"reshape: expected a shape with 3 elements, got \(2, 2\)"),
        (lambda x: np.concatenate([x, np.ones((1, 1))]), "concatenate: expected"),
        (lambda x: np.sum(x, axis=3), "sum: expected an axis of an array with 1 axes, got axis 3"),
        (lambda x: np.transpose(x, (0, 0)), "transpose: expected a permutation"),
    ]
    for f, message in calls:
        for run in (
            lambda f=f: fg.grad(f)(X),
            lambda f=f: fg.trace(f)(X),
            lambda f=f: fg.vmap(f)(np.stack([X, X])),
        ):
            with pytest.raises(ValueError, match=message) as caught:
                run()
            assert "test_tracing.py:" in str(caught.value)


def test_functions_without_a_rule_say_so():
    with pytest.raises(
        TypeError, match=r"numpy\.packbits: expected plain arrays, got a traced array: funcgrad has no rule"
    ):
        fg.grad(lambda x: np.sum(np.packbits(x)))(X)


def test_code_for_the_array_standard():
    def standardize(x):
        xp = x.__array_namespace__()
        return xp.sum(((x - xp.mean(x)) / xp.std(x)) ** 4)

    fg.testing.check_grads(standardize, (X,))
    assert standardize(X) == pytest.approx(fg.trace(standardize)(X)(X))


def test_threads_trace_apart():
    results = {}

    def work(i):
        for _ in range(50):
            results[i] = fg.grad(lambda x: x * fg.grad(lambda y: x * y**2)(float(i)))(3.0)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert results == {i: 2 * 3.0 * 2 * i for i in range(8)}


def test_comparisons_and_tests_of_membership():
    assert fg.grad(lambda x: x * (x == 2.0) + (x != 2.0))(2.0) == 1.0
    assert fg.grad(lambda x: np.sum(x) if 2.0 in x else 0.0)(X).tolist() == [1, 1, 1]
    assert fg.grad(lambda x: x if x is not None else 0.0)(2.0) == 1.0
    assert fg.grad(lambda x: x * (x == "text"))(2.0) == 0.0


def test_methods_and_operators_equal_numpys():
    a = np.arange(1.0, 7.0).reshape(2, 3)
    for f in (
        lambda x: x @ x.T @ x - 3 // x + x % 2,
        lambda x: divmod(x, 2)[0] + divmod(7, x)[1],
        lambda x: abs(-x) + +x,
        lambda x: (x / 3).round(1) * x.sum(axis=0, keepdims=True),
        lambda x: x.mean(1) * x.std() + x.var(0)[:2] + x.ptp(1) if hasattr(x, "never") else x.mean(1),
        lambda x: x.astype(np.float32) * np.float32(2),
        lambda x: (x > 2) & (x < 5) | ~(x > 1),
        lambda x: x.max(0) + x.min() + x.prod() + x.cumsum()[-1],
        lambda x: x.ravel()[::2].reshape(-1, 1).swapaxes(0, 1).flatten(),
        lambda x: 2**x + x**-1 + x**0.5 + x**3,
        lambda x: [row.sum() for row in x][1] + len(x) + x.size + x.ndim,
        lambda x: x.real + x.conj().imag + x.dot(np.ones(3))[:, None],
        lambda x: x.mT.copy() * x.nbytes,
    ):
        want = np.asarray(f(a))
        got = np.asarray(fg.trace(f)(a)(a))
        np.testing.assert_allclose(got, want, rtol=1e-14)
        assert got.dtype == want.dtype


def test_what_is_broadcast_is_kept_once():
    row = np.arange(3.0)
    wide = np.broadcast_to(row, (1000, 3))
    tall = np.broadcast_to(row[:, None], (3, 500))
    program = fg.trace(
        lambda x: (x * wide, wide + x, x[0, 0] * tall, np.broadcast_to(2.0, (4, 4)) * x[0, 0])
    )(wide)
    assert sum(np.asarray(value).nbytes for _, value in program.constants) <= 2 * row.nbytes
    for got, want in zip(
        program(wide), (wide * wide, wide + wide, 0.0 * tall, np.zeros((4, 4))), strict=True
    ):
        np.testing.assert_array_equal(got, want, strict=True)


def test_a_broadcast_array_that_changes_is_a_constant_of_its_own():
    row = np.arange(3.0)
    wide = np.broadcast_to(row, (2, 3))

    def function(x):
        first = x * wide
        row[0] = 7.0
        return first, x * wide

    first, second = fg.trace(function)(np.ones((2, 3)))(np.ones((2, 3)))
    np.testing.assert_array_equal(first[0], [0.0, 1.0, 2.0])
    np.testing.assert_array_equal(second[0], [7.0, 1.0, 2.0])
