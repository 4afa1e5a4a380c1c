"""custom_jvp, custom_vjp, stop_gradient."""

import numpy as np
import pytest

import funcgrad as fg


def doubled():
    """A function whose stated derivative is twice the true one, so that it shows where it is used."""

    @fg.custom_jvp
    def f(x, y):
        return {"z": x * y}

    @f.defjvp
    def rule(primals, tangents):
        (x, y), (x_dot, y_dot) = primals, tangents
        return f(x, y), {"z": 2 * (x_dot * y + x * y_dot)}

    return f


def doubled_vjp():
    @fg.custom_vjp
    def f(x, y):
        return {"z": x * y}

    f.defvjp(lambda x, y: (f(x, y), (x, y)), lambda r, z_bar: (2 * z_bar["z"] * r[1], 2 * z_bar["z"] * r[0]))
    return f


@pytest.mark.parametrize("make", [doubled, doubled_vjp])
def test_every_transformation_uses_the_rule(make):
    f = make()
    g = lambda x, y: f(x, y)["z"]
    assert g(3.0, 5.0) == 15.0
    assert fg.grad(g, (0, 1))(3.0, 5.0) == (10.0, 6.0)
    assert fg.jvp(g, (3.0, 5.0), (1.0, 1.0))[1] == 16.0
    np.testing.assert_array_equal(fg.jacfwd(lambda x: g(x, x))(np.array([1.0, 2.0])), np.diag([4.0, 8.0]))
    np.testing.assert_array_equal(fg.jacrev(lambda x: g(x, x))(np.array([1.0, 2.0])), np.diag([4.0, 8.0]))
    xs = np.arange(3.0)
    np.testing.assert_array_equal(fg.vmap(g)(xs, xs), xs**2)
    np.testing.assert_array_equal(fg.vmap(fg.grad(g))(xs, xs + 1), 2 * (xs + 1))
    np.testing.assert_array_equal(
        fg.grad(lambda y: np.sum(fg.vmap(g, in_axes=(0, None))(xs, y)))(5.0), 2 * np.sum(xs)
    )
    assert fg.trace(fg.grad(g))(3.0, 5.0)(3.0, 5.0) == 10.0
    assert fg.grad(fg.grad(lambda x: g(x, x)))(3.0) == 4.0


def test_nondiff_arguments_and_keywords():
    def scaled(x, scale, name="unused"):
        return x * scale

    f = fg.custom_jvp(scaled, nondiff_argnums=(1, 2))
    f.defjvp(lambda scale, name, primals, tangents: (f(primals[0], scale), 10 * scale * tangents[0]))
    assert fg.grad(lambda x: f(x, scale=3.0, name="text"))(1.0) == 30.0


@pytest.mark.parametrize("call", [lambda f: f(2.0), lambda f: f(2.0, 3.0), lambda f: f(2.0, y=3.0)])
def test_rules_have_the_defaults(call):
    def f(x, y=3.0, z=None):
        return x * y

    forward = fg.custom_jvp(f)

    @forward.defjvp
    def rule(primals, tangents):
        (x, y, _), (x_dot, y_dot, _) = primals, tangents
        return x * y, 10 * (x_dot * y + x * y_dot)

    reverse = fg.custom_vjp(f)
    reverse.defvjp(
        lambda x, y, z: (x * y, (x, y)), lambda r, z_bar: (10 * z_bar * r[1], 10 * z_bar * r[0], None)
    )
    for g in (forward, reverse):
        scaled = lambda c, g=g: call(lambda x, *args, **kwargs: g(c * x, *args, **kwargs))
        assert fg.grad(scaled)(1.0) == fg.jit(fg.grad(scaled))(1.0) == 60.0
    worded = fg.custom_vjp(lambda x, how="sum": x)
    worded.defvjp(lambda x, how="sum": (x, None), lambda _, y_bar: (5 * y_bar,))
    assert fg.grad(worded)(1.0) == 5.0


def test_missing_and_wrong_rules():
    f = fg.custom_jvp(lambda x: x)
    assert f(1.0) == 1.0
    with pytest.raises(TypeError, match="expected a JVP rule, got none"):
        fg.grad(f)(1.0)
    with pytest.raises(TypeError, match="expected forward and backward rules, got none"):
        fg.grad(fg.custom_vjp(lambda x: x))(1.0)
    f.defjvp(lambda primals, tangents: (primals[0], np.sin(tangents[0])))
    assert fg.jvp(f, (1.0,), (0.5,))[1] == np.sin(0.5)
    with pytest.raises(TypeError, match="expected a function that is linear"):
        fg.grad(f)(1.0)
    f.defjvp(lambda primals, tangents: (primals[0], (tangents[0], 1.0)))
    with pytest.raises(TypeError, match="expected a tangent of the structure of the result"):
        fg.grad(f)(1.0)
    g = fg.custom_vjp(lambda x, y: x * y)
    g.defvjp(lambda x, y: (x * y, None), lambda _, z_bar: (z_bar,))
    with pytest.raises(TypeError, match="one cotangent for each of 2 arguments"):
        fg.grad(g)(1.0, 2.0)
    g.defvjp(lambda x, y: (x * y, None), lambda _, z_bar: (np.ones(3), None))
    with pytest.raises(ValueError, match=r"got float64\[3\]"):
        fg.grad(g)(1.0, 2.0)
    g.defvjp(lambda x, y: x * y, lambda _, z_bar: (z_bar, None))
    with pytest.raises(TypeError, match=r"expected forward to return \(y, residuals\)"):
        fg.grad(g)(1.0, 2.0)


def test_none_is_a_zero_cotangent():
    g = fg.custom_vjp(lambda x, y: x * y)
    g.defvjp(lambda x, y: (x * y, y), lambda y, z_bar: (z_bar * y, None))
    assert fg.grad(g, (0, 1))(2.0, 3.0) == (3.0, 0.0)


def test_stop_gradient():
    assert fg.grad(lambda x: x * fg.stop_gradient(x**2))(3.0) == 9.0
    assert fg.jvp(lambda x: fg.stop_gradient({"a": x})["a"], (3.0,), (1.0,))[1] == 0.0
    assert fg.grad(fg.grad(lambda x: x**2 * fg.stop_gradient(x)))(3.0) == 6.0
    program = fg.trace(lambda x: x * fg.stop_gradient(x))(2.0)
    assert fg.grad(program)(3.0) == 3.0
