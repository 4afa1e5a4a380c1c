"""What decides whether a call is compiled anew, and what is said of it."""

import pickle
from dataclasses import dataclass

import numpy as np
import pytest

import funcgrad as fg
from funcgrad.compile.jit_call import callable_of
from funcgrad.compile.signature import StaticArguments
from funcgrad.errors import DTypeError, TreeError

X = np.ones(3)


def counted(function, **options):
    """Return a jitted function, and the list that grows whenever it is traced."""
    traced = []

    def wrapped(*args, **kwargs):
        traced.append(1)
        return function(*args, **kwargs)

    return fg.jit(wrapped, **options), traced


SAME = [
    ((X, 2.0), (X * 3, -1.0)),
    ((X, 2.0), (X[::-1], np.inf)),
    ((X, 2.0), (X.astype(">f8"), 0.0)),
    ((np.float64(2), 1.0), (np.array(3.0), 2.0)),
]
DIFFERENT = [
    ((X, 2.0), (X, 2)),
    ((X, 2.0), (X, np.float64(2))),
    ((X, 2.0), (X, True)),
    ((X, 2.0), (X, 2j)),
    ((X, 2.0), (X[None], 2.0)),
    ((X, 2.0), (X.astype(np.float32), 2.0)),
    (([X, X], 2.0), ((X, X), 2.0)),
    (({"a": X}, 2.0), ({"b": X}, 2.0)),
]


def of_leaves(x, y):
    return [leaf * 1 for leaf in fg.tree.leaves((x, y))]


@pytest.mark.parametrize("first, second", SAME)
def test_compiled_once(first, second):
    f, traced = counted(of_leaves)
    for args in (first, second, first):
        for got, want in zip(f(*args), fg.tree.leaves(args), strict=True):
            np.testing.assert_array_equal(got, want)
    assert len(traced) == 1


@pytest.mark.parametrize("first, second", DIFFERENT)
def test_compiled_twice(first, second):
    f, traced = counted(of_leaves)
    for args in (first, second, first, second):
        for got, want in zip(f(*args), fg.tree.leaves(args), strict=True):
            np.testing.assert_array_equal(got, want)
            assert got.dtype == np.multiply(want, 1).dtype
    assert len(traced) == 2
    assert "2 compiled signatures" in f.explain()


def test_the_order_of_a_dict_is_seen_as_without_jit():
    f, traced = counted(lambda d: ({key: 2 * x for key, x in d.items()}, np.stack([*d.values()])))
    first, second = {"a": 1.0, "b": 2.0}, {"b": 2.0, "a": 1.0}
    for d in (first, second, first, second):
        doubled, stacked = f(d)
        assert list(doubled.items()) == [(key, 2 * x) for key, x in d.items()]
        np.testing.assert_array_equal(stacked, [*d.values()])
    assert len(traced) == 2
    g = fg.jit(lambda **named: named)
    assert "in another order" in f.explain()
    assert [*g(a=1.0, b=2.0)] == ["a", "b"] and [*g(b=2.0, a=1.0)] == ["b", "a"]


def test_containers_around_the_same_program_share_its_code():
    f = fg.jit(lambda d: fg.tree.map(np.sin, d))
    calls = [f.lower(d).program for d in ({"a": X, "b": 1.0}, {"b": 1.0, "a": X}, (X, 1.0))]
    assert len(set(calls)) == 3
    compiled = {id(callable_of(program, "native")) for program in calls}
    assert len(compiled) == 1


def test_keywords_are_part_of_the_structure():
    f, traced = counted(lambda a, b=1.0: a * b)
    assert (
        f(2.0) == 2
        and f(2.0, 3.0) == 6
        and f(2.0, b=3.0) == 6
        and f(a=2.0, b=4.0) == 8
        and f(b=5.0, a=2.0) == 10
    )
    assert len(traced) == 5, "a function of **kwargs sees their order"
    g = fg.jit(lambda a, b: a * b)
    assert g(a=2.0, b=4.0) == g(b=4.0, a=2.0) == 8 and "1 compiled signature" in g.explain()
    assert "in another order" in f.explain()


@pytest.mark.parametrize(
    "static", [float("nan"), complex("nan"), np.float32("nan"), (1, float("nan")), frozenset([float("nan")])]
)
def test_a_static_nan_is_the_same_each_time(static):
    f, traced = counted(lambda x, k: x, static_argnums=1)
    for _ in range(3):
        f(1.0, pickle.loads(pickle.dumps(static)))
    assert len(traced) == 1


def test_what_changed():
    f = fg.jit(lambda p, x: p["w"] * x)
    f({"w": X}, 2.0)
    f({"w": X.astype(np.float32)}, 2.0)
    assert "p['w'] was float64[3] and is float32[3]" in f.explain()
    f({"w": X}, x=2.0)
    assert "jit of lambda: 3 compiled signatures" in f.explain()


def test_static_arguments_that_are_equal_but_of_other_types():
    f, traced = counted(lambda x, n: x * n, static_argnums=1)
    for n in (1, 1.0, True, np.float32(1)):
        assert f(X, n).dtype == (X * n).dtype
    f(X, 1)
    assert len(traced) == 4


@dataclass(frozen=True)
class Options:
    power: int
    names: tuple = ()


def test_static_arguments_of_any_hashable_kind():
    f, traced = counted(
        lambda x, o, *, mode: x**o.power if mode else x, static_argnums=1, static_argnames="mode"
    )
    assert f(3.0, Options(2), mode=None) == 3 and f(3.0, Options(2), mode="a") == 9
    assert f(3.0, Options(3, ("b",)), mode=len) == 27 and f(3.0, Options(2), mode="a") == 9
    assert len(traced) == 3
    with pytest.raises(DTypeError, match="hashable, got argument mode: list"):
        f(3.0, Options(2), mode=[1])


def test_names_and_numbers_find_each_other():
    def f(x, n, /, mode="sum", *rest, flag=False):
        return x

    assert StaticArguments(f, (), "mode").numbers == {2}
    assert StaticArguments(f, 2, ()).names == {"mode"}
    assert StaticArguments(f, 1, ()).names == set(), "positional only"
    assert StaticArguments(f, (), ("flag",)).numbers == set()
    assert StaticArguments(lambda x, y: x, -1, ()).names == {"y"}
    for numbers, names in (("a", ()), ((), 3), (1.5, ())):
        with pytest.raises((TreeError, TypeError)):
            StaticArguments(f, numbers, names)


def test_nested_static_arguments():
    @fg.jit
    def outer(x):
        return inner(x, 2) + inner(x, power=3)

    inner = fg.jit(lambda x, power: x**power, static_argnames="power")
    assert outer(2.0) == 12 and fg.grad(outer)(2.0) == 16
    np.testing.assert_allclose(fg.vmap(outer)(X), [2, 2, 2])
    assert fg.jit(fg.grad(lambda x: inner(x, 2)))(3.0) == 6


def test_large_closures_are_constants():
    table = np.arange(50_000.0)
    f = fg.jit(lambda i: (table + 0 * i.sum())[i] + table.sum())
    got = f(np.array([1, -1]))
    np.testing.assert_array_equal(got, table[[1, -1]] + table.sum())
    assert "constant0" in f.lower(np.array([1, -1])).loops


def test_arguments_beside_static_ones_keep_their_names():
    def f(x, n, /, w, mode="sum", *rest, scale=1.0, **more):
        return x * n + w["a"] * scale + sum(rest) + sum(more.values())

    g = fg.jit(f, static_argnums=1, static_argnames=("mode", "extra"))
    w = {"a": 1.0}
    g(X, 2, w)
    g(X, 2, w, "mean", 4.0, scale=2.0)
    g(X, 2, w=w, mode="mean", other=1.0, extra=5)
    first, second, third = g.explain().splitlines()[1:4]
    assert first == "  x: float64[3], w['a']: float, argument 1 = 2"
    assert second.startswith("  x: float64[3], w['a']: float, rest[0]: float, scale: float, argument 1 = 2")
    assert third.startswith("  x: float64[3], other: float, w['a']: float, argument 1 = 2")
    assert str(g.lower(X, 2, w, "mean").program).startswith("f(x: float64[3], w_a: float):")
    with pytest.raises(DTypeError, match=r"expected arrays or numbers, got w\['a'\]: str"):
        g(X, 2, {"a": "b"})


def test_functions_without_a_signature_have_static_arguments():
    def f(x, n):
        return x * n

    f.__signature__ = "none"
    g = fg.jit(f, static_argnums=1)
    np.testing.assert_array_equal(g(X, 2), 2 * X)
    assert "  args[0]: float64[3], argument 1 = 2" in g.explain()
