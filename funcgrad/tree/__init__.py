"""Containers of arrays ("pytrees"): dict, list, tuple, namedtuple, dataclass, None and registered classes."""

from funcgrad.tree.flatten import (
    LEAF,
    TreeDef,
    flatten,
    flatten_with_paths,
    leaves,
    map,
    structure,
    unflatten,
)
from funcgrad.tree.prefix import broadcast_prefix
from funcgrad.tree.registry import Keys, node_named, register_dataclass, register_node
from funcgrad.tree.template import adapted

__all__ = [
    "LEAF",
    "Keys",
    "TreeDef",
    "adapted",
    "broadcast_prefix",
    "flatten",
    "flatten_with_paths",
    "leaves",
    "map",
    "node_named",
    "register_dataclass",
    "register_node",
    "structure",
    "unflatten",
]
