"""Prefix trees: `in_axes={"w": 0, "b": None}` says one thing for every leaf below a node."""

from typing import Any

from funcgrad.errors import TreeError
from funcgrad.tree.flatten import TreeDef
from funcgrad.tree.registry import node_for

__all__ = ["broadcast_prefix"]


def broadcast_prefix(prefix: Any, treedef: TreeDef, what: str, path: str = "") -> list[Any]:
    """Return one entry of `prefix` for each leaf of `treedef`.

    A non-container (or None) in `prefix` stands for every leaf below it.

    Args:
        prefix: the prefix tree.
        treedef: the full structure.
        what: how the prefix is called in an error, such as `vmap: in_axes`.
        path: the key path that leads here.

    Raises:
        TreeError: when `prefix` has a container that `treedef` does not have.
    """
    node = None if prefix is None else node_for(prefix)
    if node is None or treedef.node is None:
        if node is not None:
            raise TreeError(
                f"{what} must be a prefix of the structure it describes, "
                f"got {prefix!r} for a leaf{f' at {path}' if path else ''}.",
                hint="give one entry for the array there.",
            )
        return [prefix] * treedef.size
    children, meta = node.flatten(prefix)
    children = list(children)
    alike = {tuple: list}
    if (
        alike.get(node.cls, node.cls) is not alike.get(treedef.node.cls, treedef.node.cls)
        or len(children) != len(treedef.children)
        or meta != treedef.meta
    ):
        raise TreeError(
            f"{what} must be a prefix of the structure it describes, got {prefix!r} "
            f"for {treedef}{f' at {path}' if path else ''}.",
            hint="use the same containers and keys as the argument, or one entry for all of it.",
        )
    entries = treedef.node.entries(treedef.meta, len(children))
    return [
        leaf
        for entry, child, sub in zip(entries, children, treedef.children, strict=True)
        for leaf in broadcast_prefix(child, sub, what, path + entry)
    ]
