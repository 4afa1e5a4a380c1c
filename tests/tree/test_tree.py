"""Containers: flattening, rebuilding, paths, prefixes."""

import pickle
from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import funcgrad as fg
from funcgrad import tree
from funcgrad.errors import TreeError

Pair = namedtuple("Pair", "a b")


@dataclass(frozen=True)
class Model:
    w: object
    name: str = "m"


TREES = st.recursive(
    st.floats(allow_nan=False) | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=2), inner, max_size=3)
        | st.builds(Pair, inner, inner)
    ),
    max_leaves=8,
)


@given(TREES)
def test_round_trip(x):
    leaves, treedef = fg.tree.flatten(x)
    assert fg.tree.unflatten(treedef, leaves) == x
    assert treedef.size == len(leaves) == len(treedef.paths())
    assert fg.tree.structure(x) == treedef and hash(fg.tree.structure(x)) == hash(treedef)
    assert pickle.loads(pickle.dumps(treedef)) == treedef


def test_kinds_of_containers():
    x = {
        "o": OrderedDict(z=1.0, a=2.0),
        "d": defaultdict(list, k=3.0),
        "m": Model(4.0, 5.0),
        2: [None, (6.0,)],
    }
    leaves, treedef = fg.tree.flatten(x)
    y = fg.tree.unflatten(treedef, leaves)
    assert y == x and y["d"].default_factory is list and list(y["o"]) == ["z", "a"]
    assert list(y) == list(x)
    assert treedef.paths("x") == [
        "x[2][1][0]",
        "x['d']['k']",
        "x['m'].w",
        "x['m'].name",
        "x['o']['z']",
        "x['o']['a']",
    ]


def test_registered_classes():
    class Box:
        def __init__(self, content, label):
            self.content, self.label = content, label

    fg.tree.register_node(Box, lambda b: ((b.content,), b.label), lambda label, c: Box(c[0], label))
    out = fg.grad(lambda b: b.content**2)(Box(3.0, "text"))
    assert out.content == 6.0 and out.label == "text"
    with pytest.raises(TreeError, match="registered once"):
        fg.tree.register_node(Box, None, None)

    @dataclass
    class Config:
        w: float
        mode: str

    fg.tree.register_dataclass(Config, meta_fields=("mode",))
    assert fg.grad(lambda c: c.w**2 if c.mode == "square" else c.w)(Config(3.0, "square")) == Config(
        6.0, "square"
    )
    with pytest.raises(TreeError, match="meta_fields must be fields"):
        fg.tree.register_dataclass(Model, meta_fields=("nope",))


def test_map_and_errors():
    assert fg.tree.map(lambda a, b: a + b, [1.0, (2.0,)], [3.0, (4.0,)]) == [4.0, (6.0,)]
    with pytest.raises(TreeError, match="expected trees of one structure"):
        fg.tree.map(lambda a, b: a, [1.0], (1.0,))
    with pytest.raises(TreeError, match="expected 1 leaves"):
        fg.tree.unflatten(fg.tree.structure([1.0]), [1.0, 2.0])
    assert fg.tree.leaves(np.ones(2))[0].shape == (2,)


def test_adapted_functions_are_those_of_the_leaves():
    given = ({"w": [1.0, (2.0,)], 3: 4.0}, 5.0)
    leaves, treedef = tree.flatten(given)

    def function(*xs):
        return tuple(x + 1 for x in xs)

    call = tree.adapted(function, treedef, treedef)
    assert call(*given) == ({"w": [2.0, (3.0,)], 3: 5.0}, 6.0)
    assert len(leaves) == 4
    others = [
        ({"w": [1.0, (2.0,)], 4: 4.0}, 5.0),
        ({"w": [1.0, [2.0]], 3: 4.0}, 5.0),
        (given[0],),
        (5.0, given[0]),
    ]
    for other in others:
        assert call(*other) is NotImplemented
    assert tree.adapted(lambda: 1.0, tree.structure(()), tree.LEAF)() == 1.0
    assert tree.adapted(lambda x: x, tree.structure((Point(1.0, 2.0),)), tree.LEAF) is None
    assert (
        tree.adapted(lambda x: NotImplemented, tree.structure((1.0,)), tree.structure((1.0,)))(2.0)
        is NotImplemented
    )


def deep(x, levels):
    for level in range(levels):
        x = [x] if level % 3 else {"a": x, "b": (1.0,)}
    return x


@pytest.mark.parametrize("levels", [90, 200, 400])
def test_containers_nested_deeply(levels):
    f = fg.jit(lambda x: deep(x, levels))
    assert f(2.0) == f(2.0) == deep(2.0, levels)
    g = fg.jit(lambda t: tree.map(np.sqrt, t))
    assert g(deep(4.0, levels)) == g(deep(4.0, levels)) == deep(2.0, levels)


class Point(NamedTuple):
    x: float
    y: float
