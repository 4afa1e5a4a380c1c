"""Every higher-order function has its transpose: of what is linear through it, and of rules written with it."""

import numpy as np
import pytest

import funcgrad as fg

A = np.array([[2.0, 1.0], [0.0, 3.0]])
AT, THREE = np.array([0.3, 0.4]), np.array([1.0, 2.0, 3.0])


def by_custom_jvp(x):
    f = fg.custom_jvp(lambda x: A @ x)
    f.defjvp(lambda primals, tangents: (A @ primals[0], A @ tangents[0]))
    return f(x)


def by_custom_vjp(x):
    f = fg.custom_vjp(lambda x: A @ x)
    f.defvjp(lambda x: (A @ x, None), lambda _, y_bar: (A.T @ y_bar,))
    return f(x)


def nested(x):
    step = lambda c, a: (fg.cond(a > 1, by_custom_vjp, fg.checkpoint(by_custom_jvp), c), None)
    return fg.scan(step, x, THREE)[0]


def pushed(f):
    return lambda x: fg.jvp(f, (AT,), (x,))[1]


def pulled(f):
    return lambda x: fg.vjp(f, AT)[1](x)[0]


def curved(x):
    return fg.scan(lambda c, a: (np.sin(c) * a, None), x, THREE)[0]


def doubling(x):
    return fg.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, np.sin(2 * s[1])), (0, x))[1]


def solved(x):
    solve = lambda matvec, b: np.linalg.solve(A, b)
    transposed = lambda matvec, b: np.linalg.solve(A.T, b)
    return fg.custom_linear_solve(lambda y: A @ y, x, solve, transpose_solve=transposed)


LINEAR = {
    "scan": lambda x: fg.scan(lambda c, a: (A @ c * a, c), x, THREE),
    "scan over what is linear": lambda x: fg.scan(lambda c, a: (c + a, c * 2), 0.0, x),
    "scan that captures it": lambda x: fg.scan(lambda c, a: (c + a * x, None), np.zeros(2), THREE)[0],
    "fori_loop": lambda x: fg.fori_loop(0, 3, lambda i, c: A @ c * i + x, x),
    "while_loop": lambda x: fg.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, A @ s[1]), (0, x))[1],
    "cond": lambda x: fg.cond(True, lambda x: 2 * x, lambda x: -x, x),
    "switch": lambda x: fg.switch(1, [lambda x: 2 * x, lambda x: A @ x], x),
    "checkpoint": fg.checkpoint(lambda x: A @ x),
    "jit": fg.jit(lambda x: A @ x),
    "custom_linear_solve": solved,
    "custom_jvp": by_custom_jvp,
    "custom_vjp": by_custom_vjp,
    "one in the other": nested,
    "vmap of scan": lambda x: fg.vmap(lambda a: fg.scan(lambda c, _: (c * a, None), x, None, length=3)[0])(
        THREE
    ),
    "jvp of scan": pushed(curved),
    "jvp of while_loop": pushed(doubling),
    "jvp of cond": pushed(lambda x: fg.cond(x[0] > 0, np.sin, np.cos, x)),
    "jvp of jit": pushed(fg.jit(lambda x: np.sin(x))),
    "jvp of custom_root": pushed(lambda x: fg.custom_root(lambda y: y**3 + y - x, np.zeros(2))),
    "vjp of checkpoint": pulled(fg.checkpoint(lambda x: np.sin(np.sin(x)))),
    "vjp of scan": pulled(curved),
    "vjp of while_loop": pulled(doubling),
}


def joined(y):
    return np.concatenate([np.reshape(leaf, -1) for leaf in fg.tree.leaves(y)])


@pytest.mark.parametrize("name", LINEAR)
def test_the_transpose(name):
    f = LINEAR[name]
    x = np.zeros(2)
    matrix = fg.jacfwd(lambda x: joined(f(x)))(x)
    leaves, treedef = fg.tree.flatten(f(x))
    rng = np.random.default_rng(0)
    bars = [rng.normal(size=np.shape(leaf)) for leaf in leaves]
    transposed = fg.linear_transpose(f, x)
    for run in (transposed, fg.jit(transposed)):
        (x_bar,) = run(fg.tree.unflatten(treedef, bars))
        np.testing.assert_allclose(x_bar, matrix.T @ joined(bars), rtol=1e-9)


@pytest.mark.parametrize("name", LINEAR)
def test_a_rule_written_with_it(name):
    f = LINEAR[name]
    g = fg.custom_jvp(lambda x: f(x))
    g.defjvp(lambda primals, tangents: (f(primals[0]), f(tangents[0])))
    found, wanted = (lambda x, h=h: np.sum(np.sin(joined(h(x)) + 1)) for h in (g, f))
    z = np.array([0.5, 0.6])
    for transform in (fg.grad, lambda h: fg.jit(fg.grad(h)), fg.hessian):
        np.testing.assert_allclose(transform(found)(z), transform(wanted)(z), rtol=1e-9, atol=1e-12)
    both = np.stack([z, z + 1])
    np.testing.assert_allclose(fg.vmap(fg.grad(found))(both), fg.vmap(fg.grad(wanted))(both), rtol=1e-9)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: fg.scan(lambda c, a: (np.sin(c), None), x, np.zeros(2))[0],
        lambda x: fg.cond(True, lambda x: x * x, lambda x: x, x),
        lambda x: fg.cond(x[0] > 0, lambda x: x, lambda x: 2 * x, x),
        lambda x: fg.while_loop(lambda c: c[0] < 3, lambda c: 2 * c, x),
        fg.checkpoint(lambda x: x * x),
        fg.jit(lambda x: x * x),
        lambda x: fg.custom_linear_solve(lambda y: x * y, x, lambda matvec, b: b / x, symmetric=True),
    ],
)
def test_what_is_not_linear_is_refused(f):
    with pytest.raises(TypeError, match="expected a function that is linear"):
        fg.linear_transpose(f, np.ones(2))
