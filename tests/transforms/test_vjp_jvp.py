"""vjp, jvp, linearize, linear_transpose, jacobian: values and bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import funcgrad as fg


def f(p, x):
    return {"a": np.sin(p["w"] @ x), "b": np.sum(x) * p["b"]}


P = {"w": np.arange(6.0).reshape(2, 3) / 5, "b": 2.0}
X = np.array([0.1, -0.4, 0.7])


def test_vjp_and_jvp_and_linearize_agree():
    y, pullback = fg.vjp(f, P, X)
    y_bar = {"a": np.array([1.0, -2.0]), "b": 0.5}
    p_bar, x_bar = pullback(y_bar)
    p_dot = {"w": np.ones((2, 3)), "b": -1.0}
    x_dot = np.array([1.0, 2.0, 3.0])
    y2, y_dot = fg.jvp(f, (P, X), (p_dot, x_dot))
    np.testing.assert_allclose(y["a"], y2["a"])
    left = np.sum(p_bar["w"] * p_dot["w"]) + p_bar["b"] * p_dot["b"] + x_bar @ x_dot
    right = y_bar["a"] @ y_dot["a"] + y_bar["b"] * y_dot["b"]
    assert left == pytest.approx(right, rel=1e-13)
    _, pushforward = fg.linearize(f, P, X)
    np.testing.assert_allclose(pushforward(p_dot, x_dot)["a"], y_dot["a"], rtol=1e-13)
    # A pullback can be used again, and in a batch.
    np.testing.assert_array_equal(pullback(y_bar)[1], x_bar)
    batch = fg.vmap(pullback)({"a": np.eye(2), "b": np.zeros(2)})
    np.testing.assert_allclose(batch[1], fg.jacobian(f, 1)(P, X)["a"], rtol=1e-13)


def test_pullback_does_not_share_memory_with_the_cotangent():
    _, pullback = fg.vjp(lambda x: x, np.ones(2))
    y_bar = np.ones(2)
    (x_bar,) = pullback(y_bar)
    x_bar += 1
    np.testing.assert_array_equal(y_bar, np.ones(2))


@pytest.mark.parametrize(
    ("y_bar", "kind", "message"),
    [
        (np.ones(2), ValueError, r"vjp of sin: expected cotangent of type float64\[3\], got float64\[2\]"),
        ([np.ones(3)], TypeError, "expected cotangent of the structure"),
        (np.ones(3, complex), TypeError, r"got complex128\[3\]"),
        (None, TypeError, "expected cotangent of the structure"),
        ("text", TypeError, "expected arrays or numbers, got cotangent: str"),
    ],
)
def test_bad_cotangents(y_bar, kind, message):
    _, pullback = fg.vjp(np.sin, np.ones(3))
    with pytest.raises(kind, match=message):
        pullback(y_bar)


def test_cotangent_dtype_is_strict_but_integers_convert():
    _, pullback = fg.vjp(lambda x: x * 2, np.ones(2, np.float32))
    with pytest.raises(TypeError, match=r"float32\[2\], got float64\[2\]"):
        pullback(np.ones(2))
    _, pullback = fg.vjp(lambda x: x * 2, np.ones(2))
    np.testing.assert_array_equal(pullback(np.array([1, 0]))[0], [2.0, 0.0])


@pytest.mark.parametrize(
    ("primals", "tangents", "kind", "message"),
    [
        ((np.ones(3),), (np.ones(2),), ValueError, r"expected tangents\[0\] of type float64\[3\]"),
        ((np.ones(3),), (np.ones(3), 1.0), TypeError, "of the structure"),
        (
            (1,),
            (1.0,),
            TypeError,
            r"expected None, or zeros, for the tangent of a whole number, got tangents\[0\]",
        ),
        (1.0, 1.0, TypeError, "expected tuples of primals and tangents"),
    ],
)
def test_bad_tangents(primals, tangents, kind, message):
    with pytest.raises(kind, match=message):
        fg.jvp(np.sin, primals, tangents)


@pytest.mark.parametrize("none", [None, 0, 0.0, np.zeros((), np.dtype([("float0", np.void, 0)]))])
def test_whole_numbers_have_no_direction(none):
    f = lambda x, n: {"power": x**n, "next": n + 1}
    y, y_dot = fg.jvp(f, (2.0, 3), (1.0, none))
    assert (y["power"], y["next"], y_dot["power"], y_dot["next"]) == (8.0, 4, 12.0, 0.0)
    both = {"x": np.ones(2), "i": np.arange(2)}
    y, y_dot = fg.jvp(lambda p: p["x"] * p["i"], (both,), ({"x": np.full(2, 3.0), "i": None},))
    np.testing.assert_array_equal(y_dot, [0.0, 3.0])


def test_a_rule_of_whole_numbers_written_with_jvp():
    f = fg.custom_jvp(lambda x, n: x * n)
    f.defjvp(lambda primals, tangents: fg.jvp(lambda x, n: 2 * x * n, primals, tangents))
    assert fg.grad(f)(2.0, 3) == fg.jit(fg.grad(f))(2.0, 3) == 6.0
    np.testing.assert_array_equal(fg.vmap(fg.grad(f))(np.ones(3), np.arange(3)), [0.0, 2.0, 4.0])


def test_the_hint_names_allow_int_where_it_is_offered():
    with pytest.raises(TypeError) as refused:
        fg.grad(np.sin)(1)
    assert "allow_int" in str(refused.value)
    for transform in (
        lambda: fg.vjp(np.sin, 1),
        lambda: fg.linearize(np.sin, 1),
        lambda: fg.jacrev(np.sin)(1),
    ):
        with pytest.raises(TypeError) as refused:
            transform()
        assert "allow_int" not in str(refused.value)


def test_has_aux():
    y, pullback, extra = fg.vjp(lambda x: (x**2, x + 1), 3.0, has_aux=True)
    assert (y, extra, pullback(1.0)[0]) == (9.0, 4.0, 6.0)
    y, y_dot, extra = fg.jvp(lambda x: (x**2, x + 1), (3.0,), (1.0,), has_aux=True)
    assert (y, y_dot, extra) == (9.0, 6.0, 4.0)
    jacobian, extra = fg.jacobian(lambda x: (x**2, "note"), has_aux=True)(3.0)
    assert (jacobian, extra) == (6.0, "note")


def test_linear_transpose():
    a = np.arange(6.0).reshape(2, 3)
    transposed = fg.linear_transpose(lambda x: a @ x, fg.ArrayType((3,), float))
    np.testing.assert_array_equal(transposed(np.array([1.0, 1.0]))[0], a.sum(0))
    with pytest.raises(TypeError, match="expected a function that is linear in what is transposed, got sin"):
        fg.linear_transpose(np.sin, 1.0)
    with pytest.raises(TypeError, match="got one that is not zero at zero"):
        fg.linear_transpose(lambda x: x + 1, 1.0)
    with pytest.raises(TypeError, match="got multiply of it"):
        fg.linear_transpose(lambda x: x * x, 1.0)


def test_jacobian_modes_and_chunks():
    g = lambda x, y: {"u": np.outer(x, y), "v": x[0]}
    x, y = np.array([1.0, 2.0]), np.array([3.0, 4.0, 5.0])
    want = fg.jacobian(g, (0, 1), mode="forward")(x, y)
    assert want["u"][0].shape == (2, 3, 2) and want["u"][1].shape == (2, 3, 3)
    for options in ({"mode": "reverse"}, {"chunk_size": 1}, {"chunk_size": 2, "mode": "reverse"}, {}):
        got = fg.jacobian(g, (0, 1), **options)(x, y)
        for a, b in zip(fg.tree.leaves(got), fg.tree.leaves(want), strict=True):
            np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(want["v"][1], np.zeros(3))


def test_jacobian_runs_the_function_once_and_takes_the_cheaper_mode():
    calls = []

    def tall(x):
        calls.append(1)
        return np.outer(np.ones(50), x)

    fg.jacobian(tall)(np.ones(2))
    assert len(calls) == 1


def test_bad_jacobian_options():
    with pytest.raises(ValueError, match="expected mode to be one of"):
        fg.jacobian(np.sin, mode="sideways")
    with pytest.raises(ValueError, match="expected a chunk_size of at least 1"):
        fg.jacobian(np.sin, chunk_size=0)
    with pytest.raises(TypeError, match="expected real arguments"):
        fg.jacobian(np.sin)(1j)


def test_jacobian_of_real_to_complex():
    z = np.array([1 + 2j, 3j])
    np.testing.assert_array_equal(fg.jacfwd(lambda x: x * z)(np.ones(2)), np.diag(z))
    with pytest.raises(TypeError, match="expected a real result in reverse mode"):
        fg.jacrev(lambda x: x * z)(np.ones(2))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(range(8)), min_size=1, max_size=8), st.integers(0, 2**31))
def test_random_compositions_keep_the_laws(steps, seed):
    """JVP, VJP, jacobian and staging agree on random chains of operations."""
    rng = np.random.default_rng(seed)
    w = rng.standard_normal((3, 3))
    moves = [
        lambda x: np.tanh(x @ w),
        lambda x: x * x[0],
        lambda x: np.concatenate([x[1:], x[:1]]),
        lambda x: np.where(x > 0, x, 0.1 * x),
        lambda x: np.cumsum(x) / 3,
        lambda x: x / (1 + np.sum(x**2)),
        lambda x: np.sort(x)[::-1],
        lambda x: np.maximum(x, x[::-1] * 0.5),
    ]

    def function(x):
        for step in steps:
            x = moves[step](x)
        return x

    x, x_dot, y_bar = rng.standard_normal((3, 3))
    _, y_dot = fg.jvp(function, (x,), (x_dot,))
    _, pullback = fg.vjp(function, x)
    assert np.dot(pullback(y_bar)[0], x_dot) == pytest.approx(np.dot(y_bar, y_dot), rel=1e-9, abs=1e-12)
    np.testing.assert_allclose(fg.jacrev(function)(x), fg.jacfwd(function)(x), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(fg.trace(function)(x)(x), function(x), rtol=1e-12)
    np.testing.assert_allclose(
        fg.vmap(function)(np.stack([x, y_bar]))[1], function(y_bar), rtol=1e-9, atol=1e-12
    )


def test_batched_and_plain_cotangents_of_one_array():
    # x is read by a batched output and by one that is not.
    _, pullback = fg.vjp(lambda x: (x[0] * x[1], x[1:] * 3.0), np.array([2.0, 3.0, 4.0]))
    got = fg.vmap(lambda a: pullback((a, np.ones(2))))(np.array([1.0, 10.0]))[0]
    np.testing.assert_array_equal(got, [[3, 5, 3], [30, 23, 3]])


def test_jacobian_of_a_loop_of_reads():
    def f(x):
        rows = [x[0]]
        for i in range(1, len(x)):
            rows.append(rows[-1] * 0.5 + np.sin(x[i]) * x[1:3].sum())
        return np.stack(rows)

    x = np.linspace(0, 1, 6)
    np.testing.assert_allclose(fg.jacrev(f)(x), fg.jacfwd(f)(x), rtol=1e-13)


def test_jacobian_of_a_complex_result_goes_forward():
    x = np.array([0.5, 1.0])
    np.testing.assert_allclose(fg.jacobian(lambda x: np.exp(1j * x))(x), np.diag(1j * np.exp(1j * x)))
