"""Dicts come back with their keys in the order of the argument, whatever is done to them; structures ignore it."""

import io
import pickle
from collections import defaultdict

import numpy as np
import pytest

import funcgrad as fg
from funcgrad import tree
from funcgrad.core.program import Program

NAMES = ["w", "b", "a", "m"]


def plain(values):
    return dict(zip(NAMES, values, strict=True))


def nested(values):
    w, b, a, m = values
    return {"z": [{"w": w, "b": b}], "c": ({"y": a, "x": {"q": m}},)}


def of_factory(values):
    return defaultdict(None, plain(values))


def mixed(values):
    return dict(zip(["w", 3, ("t", 1), 1.5], values, strict=True))


CONTAINERS = [plain, nested, of_factory, mixed]
VALUES = [np.array([1.0, 2.0]), np.array(3.0), np.array([[4.0, 5.0]]), np.array([6.0, 7.0])]


def loss(p):
    return sum(np.sum(x**3) for x in tree.leaves(p)) / 3


@fg.custom_jvp
def by_rule(p):
    return tree.map(np.sin, p)


by_rule.defjvp(lambda ps, dots: (by_rule(*ps), tree.map(lambda x, d: np.cos(x) * d, *ps, *dots)))


@fg.custom_vjp
def by_parts(p):
    return tree.map(np.sin, p)


def _backward(p, bars):  # in another order
    found = tree.map(lambda x, bar: np.cos(x) * bar, p, bars)
    return (dict(sorted(found.items(), key=str)) if type(p) is dict else found,)


by_parts.defvjp(lambda p: (tree.map(np.sin, p), p), _backward)


def scanned(p):
    return fg.scan(lambda c, x: (tree.map(lambda y: y * x, reordered(c)), None), p, np.ones(2))[0]


def reordered(p):
    """Return the same container with its keys the other way round."""
    if isinstance(p, dict):
        keys = reversed(p)
        new = {key: reordered(p[key]) for key in keys}
        return defaultdict(p.default_factory, new) if isinstance(p, defaultdict) else new
    return type(p)(map(reordered, p)) if isinstance(p, (list, tuple)) else p


TRANSFORMED = {
    "tree.map": lambda p: tree.map(np.sin, p),
    "grad": fg.grad(loss),
    "jit": fg.jit(lambda p: tree.map(np.sin, p)),
    "jit of grad": fg.jit(fg.grad(loss)),
    "grad of jit": fg.grad(fg.jit(loss)),
    "grad of grad": fg.grad(lambda p: loss(fg.grad(loss)(p))),
    "value_and_grad": lambda p: fg.value_and_grad(loss)(p)[1],
    "vjp": lambda p: fg.vjp(loss, p)[1](1.0)[0],
    "vjp's result": lambda p: fg.vjp(lambda p: tree.map(np.sin, p), p)[0],
    "vjp of a reordered cotangent": lambda p: fg.vjp(lambda p: tree.map(np.sin, p), p)[1](reordered(p))[0],
    "jvp": lambda p: fg.jvp(lambda p: tree.map(np.sin, p), (p,), (reordered(p),))[1],
    "jacobian": lambda p: fg.jacobian(loss)(p),
    "jacobian, forward": lambda p: fg.jacobian(lambda p: tree.map(np.sin, p))(p),
    "hessian": lambda p: fg.hessian(loss)(p),
    "vmap": lambda p: fg.vmap(lambda _, p: tree.map(np.sin, p), in_axes=(0, None))(np.ones(2), p),
    "scan": scanned,
    "jit of scan": fg.jit(scanned),
    "scan's gradient": fg.grad(lambda p: loss(scanned(p))),
    "fori_loop": lambda p: fg.fori_loop(0, 2, lambda i, c: tree.map(np.sin, reordered(c)), p),
    "while_loop": lambda p: fg.while_loop(lambda c: False, lambda c: c, p),
    "cond": lambda p: fg.cond(True, lambda p: tree.map(np.sin, p), lambda p: reordered(p), p),
    "checkpoint": fg.checkpoint(lambda p: tree.map(np.sin, p)),
    "checkpoint's gradient": fg.grad(fg.checkpoint(loss)),
    "custom_jvp": by_rule,
    "custom_jvp's gradient": fg.grad(lambda p: loss(by_rule(p))),
    "custom_vjp": by_parts,
    "custom_vjp's gradient": fg.grad(lambda p: loss(by_parts(p))),
    "trace": lambda p: fg.trace(lambda p: tree.map(np.sin, p))(p)(p),
}


def order(p):
    """Return the keys of a container, in their order, to the depth of the argument's."""
    if isinstance(p, dict):
        return [(key, order(x)) for key, x in p.items()]
    return [order(x) for x in p] if isinstance(p, (list, tuple)) else None


def is_like(given, found):
    """Whether the keys of `found` are those of `given` down to its leaves, in its order."""
    if isinstance(given, dict):
        return list(given) == list(found) and all(is_like(given[key], found[key]) for key in given)
    if isinstance(given, (list, tuple)):
        return len(given) == len(found) and all(map(is_like, given, found))
    return True


@pytest.mark.parametrize("make", CONTAINERS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("name", TRANSFORMED)
def test_the_order_is_the_arguments(name, make):
    p = make(VALUES)
    transform = TRANSFORMED[name]
    found = [transform(p), transform(reordered(p)), transform(p)]
    assert is_like(p, found[0]) and is_like(p, found[2])
    assert is_like(reordered(p), found[1]), "what was compiled for one order answers in its own"
    for got, want in zip(tree.leaves(found[0]), tree.leaves(found[1]), strict=True):
        np.testing.assert_allclose(got, want)


@pytest.mark.parametrize("make", CONTAINERS, ids=lambda f: f.__name__)
def test_structures_ignore_the_order(make):
    p = make(VALUES)
    q = reordered(p)
    assert order(p) != order(q)
    a, b = tree.structure(p), tree.structure(q)
    assert a == b and hash(a) == hash(b) and a.paths() == b.paths()
    assert all(x is y for x, y in zip(tree.leaves(p), tree.leaves(q), strict=True))
    assert order(tree.unflatten(a, VALUES)) == order(p)
    again = pickle.loads(pickle.dumps(a))
    assert again == a and order(tree.unflatten(again, VALUES)) == order(p)


@pytest.mark.parametrize("make", [plain, nested, mixed], ids=lambda f: f.__name__)
def test_programs_keep_the_order(make):
    p = make(VALUES)
    program = fg.trace(lambda p: tree.map(np.sin, p))(p)
    buffer = io.BytesIO()
    program.save(buffer)
    for again in (Program.load(io.BytesIO(buffer.getvalue())), pickle.loads(pickle.dumps(program))):
        assert again == program and order(again(p)) == order(p)
    assert fg.trace(lambda p: tree.map(np.sin, p))(reordered(p)) != program


def test_torch_follows():
    from funcgrad import torch

    p = {name: torch.tensor(x) for name, x in plain(VALUES).items()}
    found = torch.func.grad(lambda p: sum((x**2).sum() for x in p.values()))(p)
    assert list(found) == NAMES
    assert all((found[name] == 2 * p[name]).all() for name in NAMES)
