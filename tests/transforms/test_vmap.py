"""vmap: axes, names, errors."""

import numpy as np
import pytest

import funcgrad as fg

XS = np.arange(12.0).reshape(3, 4)


def test_axes():
    np.testing.assert_array_equal(fg.vmap(np.sum)(XS), XS.sum(1))
    np.testing.assert_array_equal(fg.vmap(np.sum, in_axes=1)(XS), XS.sum(0))
    np.testing.assert_array_equal(fg.vmap(np.sum, in_axes=-1)(XS), XS.sum(0))
    np.testing.assert_array_equal(fg.vmap(lambda x: x, out_axes=1)(XS), XS.T)
    np.testing.assert_array_equal(fg.vmap(lambda x: 5.0)(XS), [5.0] * 3)
    assert fg.vmap(lambda x: 5.0, out_axes=None)(XS) == 5.0
    np.testing.assert_array_equal(fg.vmap(lambda: 2.0, axis_size=2)(), [2.0, 2.0])


def test_containers():
    def f(p, x):
        return {"y": p["w"] * x, "s": np.sum(x)}

    out = fg.vmap(f, in_axes=({"w": 0, "b": None}, 0), out_axes={"y": 1, "s": 0})(
        {"w": np.arange(3.0), "b": 1.0}, XS
    )
    np.testing.assert_array_equal(out["y"], (np.arange(3.0)[:, None] * XS).T)
    np.testing.assert_array_equal(out["s"], XS.sum(1))
    np.testing.assert_array_equal(fg.vmap(lambda x, *, y: x + y, in_axes=0)(XS, y=XS), 2 * XS)


def test_collectives():
    np.testing.assert_allclose(fg.vmap(lambda x: x / fg.psum(x, "i"), axis_name="i")(XS), XS / XS.sum(0))
    np.testing.assert_allclose(fg.vmap(lambda x: x - fg.pmean(x, "i"), axis_name="i")(XS), XS - XS.mean(0))
    np.testing.assert_allclose(fg.vmap(lambda x: fg.pmax(x, "i"), axis_name="i")(XS)[0], XS.max(0))
    np.testing.assert_array_equal(fg.vmap(lambda x: fg.axis_index("i"), axis_name="i")(XS), [0, 1, 2])
    with pytest.raises(NameError, match=r"psum: expected the axis name of an enclosing vmap, got 'j'"):
        fg.vmap(lambda x: fg.psum(x, "j"), axis_name="i")(XS)


def test_collectives_nest_and_differentiate():
    def f(xs):
        normalized = fg.vmap(lambda x: np.exp(x) / fg.psum(np.exp(x), "i"), axis_name="i")(xs)
        return np.sum(normalized**2)

    def plain(xs):
        e = np.exp(xs)
        return np.sum((e / e.sum(0)) ** 2)

    x = XS / 10
    np.testing.assert_allclose(fg.grad(f)(x), fg.grad(plain)(x), rtol=1e-12)
    both = fg.vmap(
        fg.vmap(lambda x: x + 10 * fg.psum(x, "outer") + 100 * fg.psum(x, "inner"), axis_name="inner"),
        axis_name="outer",
    )(XS)
    np.testing.assert_array_equal(both, XS + 10 * XS.sum(0) + 100 * XS.sum(1, keepdims=True))


def test_python_flow_on_unbatched_values_works():
    assert fg.vmap(lambda x, n: x * 2 if n > 1 else x, in_axes=(0, None))(XS, 3)[0, 1] == 2.0


def test_assignment_of_batched_values():
    def f(x):
        y = np.zeros_like(x)
        y[1:] = x[:-1]
        return y

    np.testing.assert_array_equal(fg.vmap(f)(XS)[:, 1:], XS[:, :-1])


@pytest.mark.parametrize(
    ("in_axes", "args", "message"),
    [
        ((0, 0), (XS,), "one entry for each of 1 positional"),
        (0, (1.0,), "expected an argument with axis 0 to batch over, got x: float"),
        (2, (XS,), r"with axis 2 .* got x: float64\[3,4\]"),
        (None, (XS,), "at least one argument to batch over"),
        (({"a": 0},), ({"b": XS},), r"in_axes must be a prefix"),
        (("x",), (XS,), "expected in_axes of ints and None, got 'x'"),
    ],
)
def test_bad_axes(in_axes, args, message):
    with pytest.raises((ValueError, TypeError), match=message):
        fg.vmap(lambda x: x, in_axes=in_axes)(*args)


def test_sizes_that_differ():
    with pytest.raises(ValueError, match=r"got 3 along x and 4 along axis 0 of y: float64\[4\]"):
        fg.vmap(lambda x, y: x)(XS, np.ones(4))


def test_bad_out_axes():
    with pytest.raises(ValueError, match="expected out_axes within 1 axes, got 2"):
        fg.vmap(np.sum, out_axes=2)(XS)
    with pytest.raises(ValueError, match="the same for every example where out_axes is None"):
        fg.vmap(np.sum, out_axes=None)(XS)


def test_decisions_on_batched_values():
    with pytest.raises(TypeError, match="a batched array has one value an example") as caught:
        fg.vmap(lambda x: x if x[0] > 0 else -x)(XS)
    assert "fg.numpy.where" in str(caught.value)


def test_no_examples():
    assert fg.vmap(np.sum)(np.zeros((0, 3))).shape == (0,)


def test_an_array_shared_by_the_examples_can_be_indexed_by_each():
    x, i = np.arange(5.0), np.array([1, 3])
    np.testing.assert_array_equal(fg.vmap(lambda x, i: x[i], in_axes=(None, 0))(x, i), [1, 3])
    np.testing.assert_array_equal(fg.vmap(lambda x, i: np.take(x, i), in_axes=(None, 0))(x, i), [1, 3])
    total = fg.grad(lambda x: np.sum(fg.vmap(lambda x, i: x[i] ** 2, in_axes=(None, 0))(x, i)))(x)
    np.testing.assert_array_equal(total, [0, 2, 0, 6, 0])
    # It is still the plain array where one is asked for.
    assert (
        fg.vmap(lambda x, w: x * np.asarray(w)[1] if w[0] < 1 else x, in_axes=(0, None))(XS, x)[0, 1] == 1.0
    )
