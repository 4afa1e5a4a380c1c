"""Key paths: what leads from a container to each of its leaves, as values."""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from funcgrad.tree.flatten import TreeDef, flatten, unflatten
from funcgrad.tree.registry import Node, has_attributes

__all__ = [
    "AttributeKey",
    "DictKey",
    "EntryKey",
    "SequenceKey",
    "flatten_with_path",
    "keystr",
    "map_with_path",
]


class DictKey(NamedTuple):
    """An entry of a dict: `[key]`."""

    key: Any

    def __str__(self) -> str:
        return f"[{self.key!r}]"


class SequenceKey(NamedTuple):
    """An item of a list or tuple: `[index]`."""

    index: int

    def __str__(self) -> str:
        return f"[{self.index}]"


class AttributeKey(NamedTuple):
    """A field of a dataclass or namedtuple: `.name`."""

    name: str

    def __str__(self) -> str:
        return f".{self.name}"


class EntryKey(NamedTuple):
    """A child of a registered class: its number, and the text `register_node` was given for it."""

    index: int
    text: str

    def __str__(self) -> str:
        return self.text


Key = DictKey | SequenceKey | AttributeKey | EntryKey


def keystr(path: Iterable[Key]) -> str:
    """Return the text of a path, as one writes it: `['layer'][0].w`.

    >>> import funcgrad as fg
    >>> [fg.tree.keystr(path) for path, leaf in fg.tree.flatten_with_path({"a": [1.0, (2.0,)]})[0]]
    ["['a'][0]", "['a'][1][0]"]
    """
    return "".join(map(str, path))


def flatten_with_path(
    tree: Any, *, is_leaf: Callable[[Any], bool] | None = None
) -> tuple[list[tuple[tuple[Key, ...], Any]], TreeDef]:
    """Return `(path, leaf)` pairs, with paths as tuples of keys, and the structure; `keystr` gives their text.

    >>> import funcgrad as fg
    >>> fg.tree.flatten_with_path({"a": [1.0]})[0]
    [((DictKey(key='a'), SequenceKey(index=0)), 1.0)]
    """
    leaves, treedef = flatten(tree, is_leaf=is_leaf)
    return list(zip(_paths(treedef, ()), leaves, strict=True)), treedef


def map_with_path(
    function: Callable, tree: Any, *rest: Any, is_leaf: Callable[[Any], bool] | None = None
) -> Any:
    """Apply `function(path, leaf, ...)` to the leaves of `tree`, and what is in the same places of `rest`.

    >>> import funcgrad as fg
    >>> fg.tree.map_with_path(lambda path, x: (fg.tree.keystr(path), x), {"a": 1.0})
    {'a': ("['a']", 1.0)}
    """
    pairs, treedef = flatten_with_path(tree, is_leaf=is_leaf)
    columns = [treedef.flatten_up_to(other) for other in rest]
    return unflatten(
        treedef, [function(*pair, *others) for pair, *others in zip(pairs, *columns, strict=True)]
    )


def _paths(treedef: TreeDef, before: tuple[Key, ...]) -> list[tuple[Key, ...]]:
    if treedef.node is None:
        return [before]
    keys = _keys(treedef.node, treedef.meta, len(treedef.children))
    return [
        path
        for key, child in zip(keys, treedef.children, strict=True)
        for path in _paths(child, (*before, key))
    ]


def _keys(node: Node, meta: Any, count: int) -> list[Key]:
    """Return the keys of a container's children."""
    if node.cls in (list, tuple):
        return [SequenceKey(i) for i in range(count)]
    if node.cls in (dict, OrderedDict):
        return [DictKey(key) for key in meta]
    if node.cls is defaultdict:
        return [DictKey(key) for key in meta[1]]
    texts = node.entries(meta, count)
    if has_attributes(node):
        return [AttributeKey(text[1:]) for text in texts]
    return [EntryKey(i, text) for i, text in enumerate(texts)]
