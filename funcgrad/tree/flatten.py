"""Flatten containers of arrays to lists of leaves, and rebuild them."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

import numpy as np

from funcgrad.errors import TreeError
from funcgrad.tree.registry import Keys, Node, node_for, node_of

__all__ = ["LEAF", "TreeDef", "flatten", "flatten_with_paths", "leaves", "map", "structure", "unflatten"]


class TreeDef:
    """The structure of a container, without its leaves; hashable, and equal when structures are.

    Dicts of the same keys have the same structure. Each is rebuilt with its keys in the order they had: `order` says
    it, and is None where all dicts have theirs sorted.
    """

    __slots__ = ("__weakref__", "children", "meta", "node", "order", "shallow", "size")

    def __init__(self, node: Node | None, meta: Any = None, children: tuple["TreeDef", ...] = ()):
        self.node = node
        self.meta = meta
        self.children = children
        size = 1 if node is None else 0
        shallow = True
        keys = meta[1] if node is not None and node.cls is defaultdict else meta
        own = keys.order if type(keys) is Keys else None
        ordered = own is None
        for child in children:
            size += child.size
            shallow = shallow and child is LEAF
            ordered = ordered and child.order is None
        self.size: int = size
        self.order: Any = None if ordered else (own, *(child.order for child in children))
        self.shallow = shallow  # no containers below this one

    def __eq__(self, other: object) -> bool:
        return self is other or (
            isinstance(other, TreeDef)
            and self.kind is other.kind
            and self.meta == other.meta
            and self.children == other.children
        )

    def __hash__(self) -> int:
        return hash((self.kind, self.meta, self.children))

    @property
    def kind(self) -> type | None:
        """The class of the container; None for a leaf."""
        return None if self.node is None else self.node.cls

    @property
    def name(self) -> str | None:
        """What saved Programs call that class."""
        return None if self.node is None else self.node.name

    def __repr__(self) -> str:
        return str(unflatten(self, ["*"] * self.size))

    def paths(self, prefix: str = "") -> list[str]:
        """Return the key path of each leaf, such as `params['layer1'][0]`."""
        if self.node is None:
            return [prefix]
        entries = self.node.entries(self.meta, len(self.children))
        return [
            path
            for entry, child in zip(entries, self.children, strict=True)
            for path in child.paths(prefix + entry)
        ]

    def __reduce__(self):
        return _rebuild, (self.kind, self.meta, self.children)


LEAF = TreeDef(None)


def _rebuild(kind, meta, children):
    return LEAF if kind is None else TreeDef(node_of(kind), meta, children)


def flatten(tree: Any) -> tuple[list[Any], TreeDef]:
    """Return the leaves of `tree` from left to right, and its structure.

    Containers are dict (leaves by sorted key), list, tuple, namedtuple, dataclass, None, OrderedDict,
    defaultdict and what `register_node` adds; everything else is a leaf.

    >>> import funcgrad as fg
    >>> fg.tree.flatten({"b": 2.0, "a": [1.0, None]})[0]
    [1.0, 2.0]
    """
    out: list[Any] = []
    return out, _flatten_into(tree, out)


def _flatten_into(tree, out):
    node = node_for(tree)
    if node is None:
        out.append(tree)
        return LEAF
    children, meta = node.flatten(tree)
    defs = []
    for child in children:
        if type(child) is np.ndarray:
            out.append(child)
            defs.append(LEAF)
        else:
            defs.append(_flatten_into(child, out))
    return TreeDef(node, meta, tuple(defs))


def unflatten(treedef: TreeDef, leaves: Iterable[Any]) -> Any:
    """Rebuild the container `treedef` describes around `leaves`.

    Raises:
        TreeError: when the number of leaves differs from `treedef.size`.
    """
    leaves = list(leaves)
    if len(leaves) != treedef.size:
        raise TreeError(f"unflatten: expected {treedef.size} leaves for {treedef}, got {len(leaves)}.")
    return _unflatten_from(treedef, iter(leaves))


def _unflatten_from(treedef, leaves):
    if treedef.node is None:
        return next(leaves)
    if treedef.shallow:
        return treedef.node.unflatten(treedef.meta, list(islice(leaves, treedef.size)))
    children = []
    for child in treedef.children:
        children.append(next(leaves) if child is LEAF else _unflatten_from(child, leaves))
    return treedef.node.unflatten(treedef.meta, children)


def leaves(tree: Any) -> list[Any]:
    """Return the leaves of `tree` from left to right."""
    return flatten(tree)[0]


def structure(tree: Any) -> TreeDef:
    """Return the structure of `tree`."""
    return flatten(tree)[1]


def flatten_with_paths(tree: Any, prefix: str = "") -> tuple[list[tuple[str, Any]], TreeDef]:
    """Return `(key path, leaf)` pairs, with paths that start with `prefix`, and the structure."""
    flat, treedef = flatten(tree)
    return list(zip(treedef.paths(prefix), flat, strict=True)), treedef


def map(function: Callable, tree: Any, *rest: Any) -> Any:
    """Apply `function` to the leaves of `tree` (and of `rest`, of the same structure).

    Raises:
        TreeError: when the structures differ; the message shows both.

    >>> import funcgrad as fg
    >>> fg.tree.map(lambda a, b: a + b, {"w": 1.0}, {"w": 2.0})
    {'w': 3.0}
    """
    flat, treedef = flatten(tree)
    columns = [flat]
    for other in rest:
        other_flat, other_def = flatten(other)
        if other_def != treedef:
            raise TreeError(f"tree.map: expected trees of one structure, got {treedef} and {other_def}.")
        columns.append(other_flat)
    return unflatten(treedef, [function(*row) for row in zip(*columns, strict=True)])
