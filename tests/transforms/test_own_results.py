"""A result can be written to without changing an argument, whatever made it."""

import numpy as np
import pytest

import funcgrad as fg
from funcgrad import tree


def fixed(f):
    """A function whose derivatives are its own, as a rule of the user's says."""
    g = fg.custom_jvp(f)
    g.defjvp(lambda xs, dots: (f(*xs), f(*dots)))
    return g


def both_ways(f):
    g = fg.custom_vjp(f)
    g.defvjp(lambda x: (f(x), x), lambda x, bar: (fg.vjp(f, x)[1](bar)[0],))
    return g


# Functions of one matrix whose results are the matrix or a part of it.
FUNCTIONS = {
    "itself": lambda x: x,
    "a view": lambda x: x[1:],
    "transposed": lambda x: x.T,
    "reshaped": lambda x: np.reshape(x, -1),
    "twice": lambda x: (x, {"again": x, "row": x[0]}),
    "broadcast": lambda x: np.broadcast_to(x, (2, *np.shape(x))),
    "itself by a rule": fixed(lambda x: x),
    "itself by parts": both_ways(lambda x: x),
    "stopped": fg.stop_gradient,
}


def looped(f):
    """A loop whose carry and slices are given on."""
    return lambda x: fg.scan(lambda c, row: (c, (f(c), row)), x, x)


TRANSFORMED = {
    "jvp": lambda f: lambda x, d: fg.jvp(f, (x,), (d,)),
    "jvp with extra": lambda f: lambda x, d: fg.jvp(lambda y: (y * 2, f(y)), (x,), (d,), has_aux=True),
    "linearize": lambda f: lambda x, d: (fg.linearize(f, x)[0], fg.linearize(f, x)[1](d)),
    "vjp with extra": lambda f: lambda x, d: fg.vjp(lambda y: (y, f(y)), x, has_aux=True)[2],
    "value_and_grad of a number": lambda f: (
        lambda x, d: fg.value_and_grad(lambda y: y)(x[0, 0:1].reshape(()))
    ),
    "vjp": lambda f: lambda x, d: (fg.vjp(f, x)[0], fg.vjp(f, x)[1](tree.map(np.ones_like, f(x)))),
    "pullback": lambda f: lambda x, d: fg.vjp(lambda y: y, x)[1](d),
    "grad": lambda f: lambda x, d: fg.grad(lambda y: np.sum(y * d) + 0 * np.sum(tree.leaves(f(y))[0]))(x),
    "value_and_grad with extra": lambda f: (
        lambda x, d: fg.value_and_grad(lambda y: (np.sum(y), f(y)), has_aux=True)(x)
    ),
    "jacobian with extra": lambda f: lambda x, d: fg.jacobian(lambda y: (y, f(y)), has_aux=True)(x),
    "vmap": lambda f: lambda x, d: fg.vmap(lambda row, y: (row, f(y)), in_axes=(0, None))(x, d),
    "vmap, shared result": lambda f: (
        lambda x, d: fg.vmap(lambda row, y: f(y), in_axes=(0, None), out_axes=None)(x, d)
    ),
    "vmap, other axis": lambda f: lambda x, d: fg.vmap(lambda row: row, in_axes=1, out_axes=1)(x),
    "scan": lambda f: lambda x, d: looped(f)(x),
    "scan of no steps": lambda f: lambda x, d: fg.scan(lambda c, row: (c, row), x, d[:0]),
    "scan of one step": lambda f: lambda x, d: fg.scan(lambda c, row: (c, row), x, d[:1]),
    "fori_loop": lambda f: lambda x, d: fg.fori_loop(0, 2, lambda i, c: c, x),
    "fori_loop of no steps": lambda f: lambda x, d: fg.fori_loop(0, 0, lambda i, c: c, x),
    "while_loop": lambda f: lambda x, d: fg.while_loop(lambda c: np.sum(c) < 0, lambda c: c, x),
    "cond": lambda f: lambda x, d: fg.cond(True, f, lambda x: tree.map(lambda y: y * 2, f(x)), x),
    "switch": lambda f: lambda x, d: fg.switch(0, [f], x),
    "associative_scan": lambda f: lambda x, d: fg.associative_scan(lambda a, b: b, x[:1]),
    "checkpoint": lambda f: lambda x, d: fg.checkpoint(f)(x),
    "trace": lambda f: lambda x, d: fg.trace(f)(x)(x),
    "jit": lambda f: fg.jit(lambda x, d: (f(x), d)),
    "jit by NumPy": lambda f: fg.jit(lambda x, d: (f(x), d), backend="numpy"),
    "lowered": lambda f: lambda x, d: fg.jit(f).lower(x).compile()(x),
    "a decided jit": lambda f: fg.jit(lambda x, d: f(x) if x[0, 0] > 0 else f(d)),
    "linear_transpose": lambda f: lambda x, d: fg.linear_transpose(lambda y: y, x)(d),
    "jvp of vmap": lambda f: lambda x, d: fg.jvp(fg.vmap(f), (x[None],), (d[None],)),
    "vmap of jvp": lambda f: lambda x, d: fg.vmap(lambda y, e: fg.jvp(f, (y,), (e,)))(x[None], d[None]),
    "custom_jvp": lambda f: lambda x, d: fixed(f)(x),
    "custom_vjp": lambda f: lambda x, d: both_ways(f)(x),
    "residuals": lambda f: lambda x, d: fg.jacobian(lambda y: y)(x),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("transform", TRANSFORMED)
def test_results_can_be_written_to(transform, name):
    x, d = np.arange(1.0, 10.0).reshape(3, 3), np.full((3, 3), 0.5)
    outcome = TRANSFORMED[transform](FUNCTIONS[name])(x, d)
    arrays = [y for y in tree.leaves(outcome) if isinstance(y, np.ndarray)]
    for y in arrays:
        assert not np.may_share_memory(y, x) and not np.may_share_memory(y, d)
        y[...] = -7.0
    np.testing.assert_array_equal(x, np.arange(1.0, 10.0).reshape(3, 3))
    np.testing.assert_array_equal(d, np.full((3, 3), 0.5))
    again = TRANSFORMED[transform](FUNCTIONS[name])(x, d)
    assert all(np.all(y != -7.0) for y in tree.leaves(again)), "nothing that is kept was written to"
