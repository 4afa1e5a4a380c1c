"""What libraries on containers ask of structures: prefixes, composition, chosen leaves, and key paths as values."""

from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass

import pytest
from hypothesis import given

import funcgrad as fg
from funcgrad import tree
from funcgrad.errors import TreeError
from funcgrad.tree import AttributeKey, DictKey, EntryKey, SequenceKey
from tests.tree.test_tree import TREES

Pair = namedtuple("Pair", "a b")


@dataclass
class Layer:
    w: object
    b: object


class Box:
    def __init__(self, *items):
        self.items = items


tree.register_node(Box, lambda box: (box.items, None), lambda _, items: Box(*items))


@given(TREES, TREES)
def test_composition(outer, inner):
    a, b = tree.structure(outer), tree.structure(inner)
    both = a.compose(b)
    assert both == tree.structure(tree.map(lambda _: inner, outer))
    assert both.num_leaves == a.num_leaves * b.num_leaves == both.size
    assert both.compose(tree.LEAF) == both == tree.LEAF.compose(both)


@given(TREES, TREES)
def test_flattening_up_to_a_prefix(outer, inner):
    treedef = tree.structure(outer)
    parts = [[inner, number] for number in range(treedef.num_leaves)]
    assert treedef.flatten_up_to(treedef.unflatten(parts)) == parts
    assert treedef.flatten_up_to(outer) == tree.leaves(outer)
    assert tree.LEAF.flatten_up_to(outer) == [outer]


@given(TREES)
def test_paths_as_values_and_as_text(x):
    pairs, treedef = tree.flatten_with_path(x)
    assert treedef == tree.structure(x) and [leaf for _, leaf in pairs] == tree.leaves(x)
    assert [tree.keystr(path) for path, _ in pairs] == treedef.paths()
    assert len({path for path, _ in pairs}) == len(pairs)


def test_the_kinds_of_keys():
    x = {"d": [1.0, (2.0,)], "l": Layer(3.0, Pair(4.0, None)), "o": OrderedDict(z=5.0), "r": Box(6.0)}
    x["x"] = defaultdict(list, {7: 7.0})
    assert [path for path, _ in tree.flatten_with_path(x)[0]] == [
        (DictKey("d"), SequenceKey(0)),
        (DictKey("d"), SequenceKey(1), SequenceKey(0)),
        (DictKey("l"), AttributeKey("w")),
        (DictKey("l"), AttributeKey("b"), AttributeKey("a")),
        (DictKey("o"), DictKey("z")),
        (DictKey("r"), EntryKey(0, "[0]")),
        (DictKey("x"), DictKey(7)),
    ]
    assert tree.keystr(()) == ""
    named = tree.map_with_path(lambda path, a, b: (tree.keystr(path), a, b), {"k": 1.0}, {"k": [2.0]})
    assert named == {"k": ("['k']", 1.0, [2.0])}


MISFITS = [
    ([0, 0], (1, 2), "expected a list, got tuple"),
    ({"a": [0]}, {"a": 1.0}, r"expected a list at \['a'\], got float"),
    ([0, 0], [1, 2, 3], "other keys or length"),
    ({"a": (0, {"b": 0})}, {"a": (0, {"c": 0})}, r"at \['a'\]\[1\], got a dict of other keys"),
    (Layer(0, 0), Pair(0, 0), "expected a .*Layer, got Pair"),
    (None, 1.0, "expected a None, got float"),
    ([0], None, "expected a list, got NoneType"),
]


@pytest.mark.parametrize(("structure", "other", "message"), MISFITS)
def test_what_does_not_fit(structure, other, message):
    with pytest.raises(TreeError, match=message):
        tree.structure(structure).flatten_up_to(other)


def test_chosen_leaves():
    x = {"a": [1.0, None], "b": (2.0, [3.0])}
    lists = lambda y: isinstance(y, list)
    flat, treedef = tree.flatten(x, is_leaf=lists)
    assert flat == [[1.0, None], 2.0, [3.0]] and treedef.unflatten(flat) == x
    assert tree.leaves(x, is_leaf=lambda y: y is None) == [1.0, None, 2.0, 3.0]
    assert (
        tree.leaves(x, is_leaf=lambda y: True) == [x]
        and tree.structure(x, is_leaf=lambda y: True) == tree.LEAF
    )
    assert tree.map(len, {"a": [1.0, 2.0], "b": ([],)}, is_leaf=lists) == {"a": 2, "b": (0,)}
    assert tree.map(lambda a, b: (a, b), [None, 1.0], [2.0, {"k": 3.0}], is_leaf=lambda y: y is None) == [
        (None, 2.0),
        (1.0, {"k": 3.0}),
    ]
    assert [tree.keystr(path) for path, _ in tree.flatten_with_path(x, is_leaf=lists)[0]] == [
        "['a']",
        "['b'][0]",
        "['b'][1]",
    ]


def test_they_go_through_transformations():
    p = {"w": 2.0, "b": [3.0]}
    gradients = fg.grad(lambda p: sum(x**2 for x in tree.leaves(p)))(p)
    assert tree.structure(p).flatten_up_to(gradients) == tree.leaves(gradients)
