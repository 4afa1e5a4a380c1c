"""A function that closes over a traced value has the value and the derivatives of one that is given it."""

import numpy as np
import pytest

import funcgrad as fg

XS, CS = np.array([0.1, 0.4, 0.9]), np.array([1.3, 0.7, -0.2])


def given(x, c):
    return np.sin(x) * c + c * c * x


def slope(x, c):
    return np.cos(x) * c + c * c


def by_custom_jvp(x, c):
    f = fg.custom_jvp(lambda x: given(x, c))
    f.defjvp(lambda primals, tangents: (f(*primals), slope(primals[0], c) * tangents[0]))
    return f(x)


def by_custom_vjp(x, c):
    f = fg.custom_vjp(lambda x: given(x, c))
    f.defvjp(lambda x: (given(x, c), x), lambda x, y_bar: (slope(x, c) * y_bar,))
    return f(x)


def by_nondiff_argument(x, c):
    f = fg.custom_jvp(given, nondiff_argnums=(1,))
    f.defjvp(lambda c, primals, tangents: (f(primals[0], c), slope(primals[0], c) * tangents[0]))
    return f(x, c)


class Model:
    """Holds its weights as objects do: in an attribute, in a container."""

    def __init__(self, c):
        self.weights = {"c": [c]}

    def value(self, x):
        return given(x, self.weights["c"][0])

    def forward(self, x):
        return fg.vjp(self.value, x)  # the pullback is what is kept


def by_object(x, c):
    f = fg.custom_vjp(Model(c).value)
    f.defvjp(Model(c).forward, lambda pullback, y_bar: pullback(y_bar))
    return f(x)


def by_program(x, c):
    program = fg.trace(lambda x: given(x, c))(1.0)
    f = fg.custom_vjp(lambda x: program(x))
    f.defvjp(
        lambda x: fg.linearize(program, x), lambda linear, y_bar: fg.linear_transpose(linear, 1.0)(y_bar)
    )
    return f(x)


def by_nested_rules(x, c):
    inner = lambda x: by_custom_jvp(x, c)
    f = fg.custom_jvp(inner)
    f.defjvp(lambda primals, tangents: fg.jvp(inner, primals, tangents))
    return f(x)


def by_callback(x, c):
    @fg.custom_jvp
    def f(x, c):
        kind = fg.ArrayType((), float)
        return fg.pure_callback(lambda x: np.sin(x) * c + np.asarray(c) * float(c) * x, kind, x)

    @f.defjvp
    def rule(primals, tangents):
        (x, c), (x_dot, c_dot) = primals, tangents
        return f(x, c), slope(x, c) * x_dot + (np.sin(x) + 2 * c * x) * c_dot

    return f(x, c)


def by_solver_of_root(x, c):
    # Newton's method for a slope that closes over c as well.
    solve = lambda f, y: fg.while_loop(lambda y: np.abs(f(y)) > 1e-13, lambda y: y - f(y) / (2 + c * c), y)
    return given(x, c) + fg.custom_root(lambda y: (2 + c * c) * y - x, 0.1, solve) - x / (2 + c * c)


def by_solver_of_linear_system(x, c):
    solve = lambda matvec, b: b / (2 + c * c)
    return fg.custom_linear_solve(lambda y: y * (2 + c * c), given(x, c) * (2 + c * c), solve, symmetric=True)


WAYS = {
    "custom_jvp": by_custom_jvp,
    "custom_vjp": by_custom_vjp,
    "nondiff argument": by_nondiff_argument,
    "object": by_object,
    "program": by_program,
    "nested rules": by_nested_rules,
    "pure_callback": by_callback,
    "jit": lambda x, c: fg.jit(lambda x: given(x, c))(x),
    "checkpoint": lambda x, c: fg.checkpoint(lambda x: given(x, c))(x),
    "scan": lambda x, c: fg.scan(lambda a, _: (given(x, c), None), x, None, length=2)[0],
    "fori_loop": lambda x, c: fg.fori_loop(0, 2, lambda i, a: given(x, c), x),
    "while_loop": lambda x, c: fg.while_loop(lambda s: s[0] < 1, lambda s: (s[0] + 1, given(x, c)), (0, x))[
        1
    ],
    "cond": lambda x, c: fg.cond(x > 0, lambda x: given(x, c), lambda x: x, x),
    "switch": lambda x, c: fg.switch(1, [lambda x: x, lambda x: given(x, c)], x),
    "custom_root": lambda x, c: fg.custom_root(lambda y: y - given(x, c), 0.1),
    "solver of custom_root": by_solver_of_root,
    "solver of custom_linear_solve": by_solver_of_linear_system,
    "custom_linear_solve": lambda x, c: fg.custom_linear_solve(
        lambda y: 2 * y * (1 + c * c),
        2 * given(x, c) * (1 + c * c),
        lambda matvec, b: b / matvec(1.0),
        symmetric=True,
    ),
}

TWO = np.array([0.3, 0.8])
at = lambda f: lambda z: f(z[0] * z[1], z[1])
summed = lambda f, axes: lambda x, c: np.sum(fg.vmap(f, axes)(x, c))
TRANSFORMED = {
    "vmap": lambda f: fg.vmap(f)(XS, CS),
    "vmap by x": lambda f: fg.vmap(f, (0, None))(XS, 0.7),
    "vmap by c": lambda f: fg.vmap(f, (None, 0))(0.4, CS),
    "vmap of vmap": lambda f: fg.vmap(fg.vmap(f, (0, None)), (None, 0))(XS, CS),
    "grad": lambda f: fg.grad(f, (0, 1))(0.4, 0.7),
    "jvp": lambda f: fg.jvp(f, (0.4, 0.7), (1.0, 2.0)),
    "jvp by x": lambda f: fg.jvp(lambda x: f(x, 0.7), (0.4,), (1.0,)),
    "jvp by c": lambda f: fg.jvp(lambda c: f(0.4, c), (0.7,), (1.0,)),
    "grad of vmap": lambda f: fg.grad(summed(f, 0), (0, 1))(XS, CS),
    "grad of vmap by c": lambda f: fg.grad(summed(f, (None, 0)), (0, 1))(0.4, CS),
    "vmap of grad": lambda f: fg.vmap(fg.grad(f, (0, 1)))(XS, CS),
    "vmap of grad by x alone": lambda f: fg.vmap(lambda c: fg.grad(lambda x: f(x, c))(0.4))(CS),
    "hessian": lambda f: fg.hessian(at(f))(TWO),
    "hessian of vmap": lambda f: fg.hessian(lambda c: summed(f, 0)(XS, c))(CS),
    "jvp in jvp": lambda f: fg.jvp(lambda c: fg.jvp(lambda x: f(x, c), (0.4,), (1.0,))[1], (0.7,), (1.0,)),
    "grad in grad": lambda f: fg.grad(lambda c: fg.grad(lambda x: f(x, c))(c))(0.7),
    "jit": lambda f: fg.jit(f)(0.4, 0.7),
    "jit of grad": lambda f: fg.jit(fg.grad(f, (0, 1)))(0.4, 0.7),
    "grad of jit": lambda f: fg.grad(fg.jit(f), (0, 1))(0.4, 0.7),
    "jit of vmap": lambda f: fg.jit(fg.vmap(f))(XS, CS),
    "jit of jacfwd": lambda f: fg.jit(fg.jacfwd(at(f)))(TWO),
    "jit of hessian": lambda f: fg.jit(fg.hessian(at(f)))(TWO),
    "grad of scan": lambda f: fg.grad(
        lambda c: np.sum(fg.scan(lambda a, x: (a + f(x, c), f(a, c)), 0.2, XS)[1])
    )(0.7),
    "grad of cond": lambda f: fg.grad(lambda c: fg.cond(c > 0, lambda x: f(x, c), lambda x: x, 2 * c))(0.7),
    "grad of checkpoint": lambda f: fg.grad(lambda c: fg.checkpoint(lambda x: f(x, c))(2 * c))(0.7),
}


@pytest.mark.parametrize("transformed", TRANSFORMED)
@pytest.mark.parametrize("way", WAYS)
def test_closing_over_is_passing(way, transformed):
    apply = TRANSFORMED[transformed]
    found, wanted = apply(WAYS[way]), apply(given)
    for a, b in zip(fg.tree.leaves(found), fg.tree.leaves(wanted), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


NODES, WEIGHTS = np.polynomial.legendre.leggauss(12)


def quadrature(f, a, b):
    @fg.custom_jvp
    def integral(a, b):
        middle, half = (a + b) / 2, (b - a) / 2
        return half * np.sum(WEIGHTS * f(middle + half * NODES))

    integral.defjvp(lambda xs, dots: (integral(*xs), f(xs[1]) * dots[1] - f(xs[0]) * dots[0]))
    return integral(a, b)


@pytest.mark.parametrize(
    "transform",
    [fg.jacfwd, fg.jacrev, fg.hessian, lambda f: fg.jit(fg.jacfwd(f)), lambda f: fg.jit(fg.hessian(f))],
)
def test_a_quadrature_by_its_bounds_and_by_what_it_integrates(transform):
    z = np.array([0.2, 0.9, 1.3])
    found = transform(lambda z: quadrature(lambda t: np.sin(z[2] * t), z[0], z[1]))(z)
    wanted = transform(lambda z: (np.cos(z[2] * z[0]) - np.cos(z[2] * z[1])) / z[2])(z)
    np.testing.assert_allclose(found, wanted, rtol=1e-8)


def test_what_is_closed_over_has_the_derivative_that_the_function_computes():
    def outer(c):
        f = fg.custom_vjp(lambda x: x * c)
        f.defvjp(lambda x: (x * c, None), lambda _, y_bar: (y_bar,))  # states 1 in place of c
        return f(c * 2)

    assert fg.grad(outer)(3.0) == 2.0 + 6.0
    assert fg.jvp(outer, (3.0,), (1.0,))[1] == 2.0 + 6.0


def test_a_rule_alone_may_close_over_what_is_batched():
    def clipped(x, limit):
        f = fg.custom_vjp(lambda x: x)
        f.defvjp(lambda x: (x, None), lambda _, y_bar: (np.clip(y_bar, -limit, limit),))
        return f(x)

    limits = np.array([1.0, 2.0, 9.0])
    by_all = lambda x: np.sum(5 * fg.vmap(lambda limit: clipped(x, limit))(limits))
    assert fg.grad(by_all)(0.3) == 1.0 + 2.0 + 5.0
    np.testing.assert_array_equal(
        fg.vmap(lambda limit: fg.grad(lambda x: 5 * clipped(x, limit))(0.3))(limits), [1.0, 2.0, 5.0]
    )


def test_a_function_runs_once_where_nothing_is_closed_over():
    calls = []

    @fg.custom_vjp
    def f(x):
        return x * x

    f.defvjp(lambda x: (calls.append(1) or x * x, x), lambda x, y_bar: (2 * x * y_bar,))
    assert fg.grad(lambda c: f(c))(3.0) == 6.0
    assert calls == [1]


def test_a_callback_has_no_derivative_in_either_direction():
    host = lambda x: fg.pure_callback(np.sin, fg.ArrayType((), float), x)
    with pytest.raises(TypeError, match="no derivative of its own"):
        fg.grad(host)(1.0)
    with pytest.raises(TypeError, match="no derivative of its own"):
        fg.jvp(host, (1.0,), (1.0,))


def test_collectives_in_a_custom_function():
    def shared(x, c):
        f = fg.custom_jvp(lambda x: x * fg.psum(c, "i"))
        f.defjvp(lambda primals, tangents: (f(*primals), tangents[0] * fg.psum(c, "i")))
        return f(x)

    def passed(x, c):
        f = fg.custom_vjp(lambda x, c: x * fg.psum(c, "i"))
        f.defvjp(
            lambda x, c: (f(x, c), (x, c)),
            lambda r, y_bar: (y_bar * fg.psum(r[1], "i"), fg.psum(y_bar * r[0], "i")),
        )
        return f(x, c)

    plain = lambda x, c: x * fg.psum(c, "i")
    for f in (shared, passed):
        np.testing.assert_allclose(fg.vmap(f, axis_name="i")(XS, CS), XS * np.sum(CS))
        found, wanted = (
            fg.grad(lambda x, c, f=f: np.sum(np.sin(fg.vmap(f, axis_name="i")(x, c))), (0, 1))(XS, CS)
            for f in (f, plain)
        )
        np.testing.assert_allclose(found, wanted, rtol=1e-12)


def test_a_custom_function_writes_into_arrays_like_its_arguments():
    def filled(x, c):
        y = np.zeros_like(x)
        y[0] = c * x[1]
        y[1:] += x[1:] * c
        return y

    def custom(x, c):
        f = fg.custom_jvp(lambda x: filled(x, c))
        f.defjvp(lambda primals, tangents: (filled(primals[0], c), filled(tangents[0], c)))
        return np.sum(f(x) ** 2)

    plain = lambda x, c: np.sum(filled(x, c) ** 2)
    for transform in (
        lambda f: fg.grad(f, (0, 1))(XS, 0.7),
        lambda f: fg.vmap(fg.grad(f, (0, 1)), (None, 0))(XS, CS),
    ):
        for a, b in zip(transform(custom), transform(plain), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("c", [0.4, -0.4])
def test_a_decision_on_what_is_closed_over(c):
    def chosen(x, c):
        return x * c if c > 0 else -x * x

    def custom(x, c):
        f = fg.custom_vjp(lambda x: chosen(x, c))
        f.defvjp(lambda x: (chosen(x, c), x), lambda x, y_bar: (y_bar * c if c > 0 else -2 * x * y_bar,))
        return f(x)

    for transform in (fg.grad, lambda f, n: fg.jit(fg.grad(f, n))):
        assert transform(custom, (0, 1))(0.3, c) == pytest.approx(fg.grad(chosen, (0, 1))(0.3, c))


def test_an_index_that_is_closed_over():
    def custom(x, i):
        f = fg.custom_jvp(lambda x: 2.0 * x[i])
        f.defjvp(lambda primals, tangents: (f(*primals), 2 * tangents[0][i]))
        return f(x)

    summed = lambda x: np.sum(fg.vmap(custom, (None, 0))(x, np.array([2, 0])))
    np.testing.assert_array_equal(fg.grad(summed)(XS), [2.0, 0.0, 2.0])
    np.testing.assert_array_equal(fg.jit(fg.grad(custom))(XS, 1), [0.0, 2.0, 0.0])


def test_a_callback_does_not_depend_on_what_its_object_holds_besides():
    class Layer:
        def __init__(self, weight):
            self.weight = weight

        def host(self, x, weight):
            return np.sin(x) * weight

        def __call__(self, x):
            kind = fg.ArrayType((), float)
            f = fg.custom_vjp(lambda x, weight: fg.pure_callback(self.host, kind, x, weight))
            f.defvjp(
                lambda x, weight: (f(x, weight), (x, weight)),
                lambda r, y_bar: (np.cos(r[0]) * r[1] * y_bar, np.sin(r[0]) * y_bar),
            )
            return f(x, self.weight)

    value = lambda x, weight: Layer(weight)(x)
    wanted = fg.grad(lambda x, weight: np.sin(x) * weight, (0, 1))(0.4, 0.7)
    assert fg.grad(value, (0, 1))(0.4, 0.7) == pytest.approx(wanted)
    assert fg.jit(fg.grad(value, (0, 1)))(0.4, 0.7) == pytest.approx(wanted)


def test_classes_whose_module_is_asked_of_their_objects():
    """Python 3.12 has such classes; what a function reaches is searched for all the same."""

    class Odd:
        pass

    Odd.__module__ = property(lambda self: "elsewhere")
    odd = Odd()
    odd.kept = lambda: 1.0
    f = fg.custom_jvp(lambda x: x * odd.kept())
    f.defjvp(lambda primals, tangents: (primals[0] * odd.kept(), tangents[0]))
    assert fg.jit(fg.grad(f))(2.0) == 1.0
    assert fg.vmap(lambda x: x * odd.kept())(np.ones(2)).sum() == 2.0
