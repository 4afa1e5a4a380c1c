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

    @property
    def num_leaves(self) -> int:
        """How many leaves there are."""
        return self.size

    def unflatten(self, leaves: Iterable[Any]) -> Any:
        """Rebuild the container around `leaves`."""
        return unflatten(self, leaves)

    def flatten_up_to(self, tree: Any) -> list[Any]:
        """Return what `tree` has where this structure has leaves: arrays, or containers.

        Raises:
            TreeError: when `tree` has other containers or keys above them; the message says where.

        >>> import funcgrad as fg
        >>> fg.tree.structure({"a": 0, "b": 0}).flatten_up_to({"a": 1.0, "b": [2.0, 3.0]})
        [1.0, [2.0, 3.0]]
        """
        out: list[Any] = []
        _flatten_up_to(self, tree, out, "")
        return out

    def compose(self, inner: "TreeDef") -> "TreeDef":
        """Return the structure with `inner` in place of each leaf.

        >>> import funcgrad as fg
        >>> fg.tree.structure([0, 0]).compose(fg.tree.structure({"a": 0}))
        [{'a': '*'}, {'a': '*'}]
        """
        if self.node is None:
            return inner
        return TreeDef(self.node, self.meta, tuple([child.compose(inner) for child in self.children]))

    def __reduce__(self):
        return _rebuild, (self.kind, self.meta, self.children)


LEAF = TreeDef(None)


def _rebuild(kind, meta, children):
    return LEAF if kind is None else TreeDef(node_of(kind), meta, children)


def _flatten_up_to(treedef, tree, out, path):
    if treedef.node is None:
        out.append(tree)
        return
    node = node_for(tree)
    if node is None or node.cls is not treedef.kind:
        raise TreeError(
            f"flatten_up_to: expected a {treedef.name}{path and f' at {path}'}, got {type(tree).__name__}."
        )
    children, meta = node.flatten(tree)
    children = list(children)
    if meta != treedef.meta or len(children) != len(treedef.children):
        raise TreeError(
            f"flatten_up_to: expected {treedef}{path and f' at {path}'}, got a {node.name} of other keys or length: "
            f"{TreeDef(node, meta, (LEAF,) * len(children))}."
        )
    entries = node.entries(meta, len(children))
    for entry, part, child in zip(entries, treedef.children, children, strict=True):
        _flatten_up_to(part, child, out, path + entry)


def flatten(tree: Any, *, is_leaf: Callable[[Any], bool] | None = None) -> tuple[list[Any], TreeDef]:
    """Return the leaves of `tree` from left to right, and its structure.

    Args:
        tree: any container, or a leaf.
        is_leaf: says of a container (None is one) that it is to be a leaf all the same.

    Containers are dict (leaves by sorted key), list, tuple, namedtuple, dataclass, None, OrderedDict,
    defaultdict and what `register_node` adds; everything else is a leaf.

    >>> import funcgrad as fg
    >>> fg.tree.flatten({"b": 2.0, "a": [1.0, None]})[0]
    [1.0, 2.0]
    """
    out: list[Any] = []
    return out, _flatten_into(tree, out) if is_leaf is None else _flatten_until(tree, out, is_leaf)


def _flatten_until(tree, out, is_leaf):
    node = None if is_leaf(tree) else node_for(tree)
    if node is None:
        out.append(tree)
        return LEAF
    children, meta = node.flatten(tree)
    return TreeDef(node, meta, tuple([_flatten_until(child, out, is_leaf) for child in children]))


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


def leaves(tree: Any, *, is_leaf: Callable[[Any], bool] | None = None) -> list[Any]:
    """Return the leaves of `tree` from left to right (see `flatten`)."""
    return flatten(tree, is_leaf=is_leaf)[0]


def structure(tree: Any, *, is_leaf: Callable[[Any], bool] | None = None) -> TreeDef:
    """Return the structure of `tree` (see `flatten`)."""
    return flatten(tree, is_leaf=is_leaf)[1]


def flatten_with_paths(tree: Any, prefix: str = "") -> tuple[list[tuple[str, Any]], TreeDef]:
    """Return `(key path, leaf)` pairs, with paths that start with `prefix`, and the structure."""
    flat, treedef = flatten(tree)
    return list(zip(treedef.paths(prefix), flat, strict=True)), treedef


def map(function: Callable, tree: Any, *rest: Any, is_leaf: Callable[[Any], bool] | None = None) -> Any:
    """Apply `function` to the leaves of `tree` (and of `rest`, of the same structure).

    Args:
        function: takes a leaf of each.
        tree, rest: containers.
        is_leaf: says which containers in `tree` are leaves (see `flatten`); `function` is given those of `rest` that
            are in the same places.

    Raises:
        TreeError: when the structures differ; the message shows both.

    >>> import funcgrad as fg
    >>> fg.tree.map(lambda a, b: a + b, {"w": 1.0}, {"w": 2.0})
    {'w': 3.0}
    """
    flat, treedef = flatten(tree, is_leaf=is_leaf)
    columns = [flat]
    for other in rest:
        if is_leaf is not None:
            columns.append(treedef.flatten_up_to(other))
            continue
        other_flat, other_def = flatten(other)
        if other_def != treedef:
            raise TreeError(f"tree.map: expected trees of one structure, got {treedef} and {other_def}.")
        columns.append(other_flat)
    return unflatten(treedef, [function(*row) for row in zip(*columns, strict=True)])
